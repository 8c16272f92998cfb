//! Recurrent layers: series of many lengths, state that is carried from pass to pass, first weights, and what they refuse.

use std::sync::Arc;

use backprop::backend::cpu::{Cpu, Number};
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Branched, Carry, Input, Network, Output, OutputLayer, build, build_branched};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::Key;
use serde_json::{Value as Json, json};

use crate::fixture::{apart, layers};

const CHANNELS: usize = 3;
/// Steps of each row of a batch.
const ENDS: [usize; 5] = [4, 7, 1, 3, 6];

fn output(loss: &str, outputs: usize) -> Output {
    let loss = LOSSES.iter().find(|l| l.name == loss).expect("a loss");
    Output { loss, loss_values: Values::defaults(loss.keys), outputs, class_weights: None }
}

fn network(list: &Json, steps: usize, ragged: bool) -> Network {
    let inputs = [Input::channels_last("series", [steps, CHANNELS], ragged)];
    build(&inputs, &layers(list), None, &output("mse", 2)).unwrap_or_else(|e| panic!("{e:?}"))
}

fn fill<T: Number>(to: &mut [T], key: Key, scale: f64) {
    to.iter_mut().enumerate().for_each(|(i, x)| *x = T::from_f64(scale * key.normal(i as u64)));
}

/// The weighted loss and the gradients of rows `which` of a batch, each with as many steps as it has.
fn descend<T: Number>(network: Network, which: &[usize], steps: usize) -> (f64, Vec<f64>) {
    let rows = which.len();
    let graph = Arc::new(network.graph);
    let mut machine: Machine<Cpu<T>> = Machine::new(graph, &[PlanOptions::new(Mode::Train, rows)]);
    fill(machine.params_mut(), Key::new(9), 0.5);
    let series = machine.input_mut(0, network.inputs[0], rows);
    for (&row, series) in which.iter().zip(series.chunks_exact_mut(steps * CHANNELS)) {
        series.fill(T::ZERO);
        fill(&mut series[..ENDS[row] * CHANNELS], Key::new(4).part(row as u64), 1.0);
    }
    if let Some(lengths) = network.lengths[0] {
        let lengths = machine.input_mut(0, lengths, rows);
        lengths.iter_mut().zip(which).for_each(|(n, &row)| *n = T::from_f64(ENDS[row] as f64));
    }
    for (&row, target) in which.iter().zip(machine.input_mut(0, network.target, rows).chunks_exact_mut(2)) {
        fill(target, Key::new(5).part(row as u64), 1.0);
    }
    machine.input_mut(0, network.row_weight, rows).fill(T::from_f64(0.2));
    machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
    let loss = machine.output(0, network.loss, rows).iter().map(|&l| 0.2 * l.into()).sum();
    (loss, machine.grads().iter().map(|&g| g.into()).collect())
}

fn kinds() -> [Json; 4] {
    let one = |kind: &str, key: &str, value: Json| {
        let mut layer = json!({ "type": kind, "hidden_size": 5, "num_layers": 2, "bidirectional": true });
        layer[key] = value;
        json!([layer, { "type": "last", "bidirectional": true }])
    };
    [
        one("rnn", "nonlinearity", json!("tanh")),
        one("rnn", "nonlinearity", json!("relu")),
        one("lstm", "bias", json!(true)),
        one("gru", "bias", json!(true)),
    ]
}

/// Loss and gradients of a padded batch, and those of its rows one at a time, added up.
fn padded_and_alone<T: Number>(list: &Json) -> [(f64, Vec<f64>); 2] {
    let padded = descend::<T>(network(list, 9, true), &[0, 1, 2, 3, 4], 9);
    let mut alone = (0.0, vec![0.0; padded.1.len()]);
    for (row, steps) in ENDS.into_iter().enumerate() {
        let (loss, gradients) = descend::<T>(network(list, steps, false), &[row], steps);
        alone.0 += loss;
        alone.1.iter_mut().zip(gradients).for_each(|(sum, g)| *sum += g);
    }
    [padded, alone]
}

#[test]
fn a_padded_batch_has_the_loss_and_gradients_of_its_rows_one_at_a_time() {
    for list in kinds() {
        for ([padded, alone], limit) in
            [(padded_and_alone::<f32>(&list), 1e-6), (padded_and_alone::<f64>(&list), 1e-13)]
        {
            assert!((padded.0 - alone.0).abs() <= limit * alone.0, "{list}: {} and {}", padded.0, alone.0);
            let off = apart(&padded.1, &alone.1);
            assert!(off <= limit, "{list}: gradients are {off:e} apart");
        }
    }
}

const TOKENS: usize = 7;
const STEPS: usize = 6;

fn reader(list: &Json, steps: usize, carry: Carry) -> Branched {
    let inputs = [Input::tokens("text", steps, TOKENS, false)];
    let each = OutputLayer { steps: true, ..OutputLayer::only(output("cross_entropy", TOKENS)) };
    build_branched(&inputs, &layers(list), None, &[each], carry).unwrap_or_else(|e| panic!("{e:?}"))
}

fn text(kind: &str) -> Json {
    json!([
        { "type": "embedding", "input": "text", "embedding_dim": 4 },
        { "type": kind, "hidden_size": 5, "num_layers": 2 },
    ])
}

/// The logits of two rows of text, read `steps` at a time; twice, forgetting all in between.
fn read(graph: Branched, steps: usize) -> [Vec<u32>; 2] {
    let rows = 2;
    let (input, logits) = (graph.inputs[0], graph.outputs[0].output);
    let mut machine: Machine<Cpu<f32>> =
        Machine::new(Arc::new(graph.graph), &[PlanOptions::new(Mode::Predict, rows)]);
    fill(machine.params_mut(), Key::new(8), 0.4);
    [0, 1].map(|_| {
        machine.states_mut(0).fill(0.0);
        let mut bits = vec![Vec::new(); rows];
        for first in (0..STEPS).step_by(steps) {
            for (row, ids) in machine.input_mut(0, input, rows).chunks_exact_mut(steps).enumerate() {
                let token = |t: usize| Key::new(2).part(row as u64).bits((first + t) as u64) % TOKENS as u64;
                ids.iter_mut().enumerate().for_each(|(t, id)| *id = token(t) as f32);
            }
            machine.run(0, Pass { rows, key: Key::new(0), accumulate: false });
            let found = machine.output(0, logits, rows).chunks_exact(steps * TOKENS);
            bits.iter_mut()
                .zip(found)
                .for_each(|(bits, found)| bits.extend(found.iter().map(|x| x.to_bits())));
        }
        bits.concat()
    })
}

#[test]
fn text_read_in_parts_gives_the_bits_of_the_whole() {
    for kind in ["rnn", "lstm", "gru"] {
        let list = text(kind);
        let [whole, again] = read(reader(&list, STEPS, Carry::Fresh), STEPS);
        assert_eq!(whole, again);
        for (steps, carry) in [(3, Carry::Streams), (2, Carry::Streams), (1, Carry::Decode { context: 50 })] {
            let [first, second] = read(reader(&list, steps, carry), steps);
            assert!(first == whole && second == whole, "{kind}, {steps} steps at a time");
        }
        let [forgetful, _] = read(reader(&list, 3, Carry::Fresh), 3);
        assert_ne!(forgetful, whole, "{kind}: what came before is of no account");
    }
}

fn refusal(list: &Json, inputs: &[Input], carry: Carry) -> String {
    let only = [OutputLayer::only(output("mse", 1))];
    let misfit = build_branched(inputs, &layers(list), None, &only, carry).expect_err("a refusal");
    backprop::error::Error::from(misfit).to_string()
}

#[test]
fn what_a_layer_cannot_do_is_refused() {
    let series = [Input::channels_last("series", [STEPS, CHANNELS], true)];
    let both = json!([{ "type": "lstm", "hidden_size": 4, "bidirectional": true }, { "type": "last" }]);
    assert_eq!(
        refusal(&both, &series, Carry::Streams),
        "error[2]: layer \"lstm_0\": a bidirectional layer needs the whole sequence\n  \
         help: set bidirectional = false: text is read and written from its beginning on"
    );
    let lonely = json!([{ "type": "gru", "hidden_size": 4, "dropout": 0.5 }, { "type": "last" }]);
    assert_eq!(
        refusal(&lonely, &series, Carry::Fresh),
        "error[2]: layer \"gru_0\": its dropout acts between its layers, and there is one\n  \
         help: set num_layers = 2, or put { type = \"dropout\" } behind it"
    );
    let ids = [Input::tokens("text", STEPS, TOKENS, false)];
    let bare = json!([{ "type": "rnn", "input": "text", "hidden_size": 4 }, { "type": "last" }]);
    assert_eq!(
        refusal(&bare, &ids, Carry::Fresh),
        "error[2]: layer \"rnn_0\": its input does not fit\n  expected: a series of numbers\n  found: ids [6]\n  \
         help: put an embedding before it"
    );
    let odd = json!([
        { "type": "rnn", "input": "series", "hidden_size": 3 },
        { "type": "last", "bidirectional": true },
    ]);
    assert_eq!(
        refusal(&odd, &series, Carry::Fresh),
        "error[2]: layer \"last_1\": there is no reverse direction whose end is another\n  \
         expected: a bidirectional rnn, lstm or gru before it\n  help: leave bidirectional out"
    );
    let huge = json!([{ "type": "lstm", "hidden_size": 4_000_000_000_000i64 }]);
    assert_eq!(
        refusal(&huge, &series, Carry::Fresh),
        "error[2]: layer \"lstm_0\": 4000000000000 hidden numbers are too many\n  help: make the layer smaller"
    );
}

/// The largest first weight of each tensor.
fn largest(graph: &Graph) -> Vec<(String, f64)> {
    let tensor = |t: &backprop::graph::Tensor| {
        let entry = backprop::init::find(&t.init.name).expect("a row of the registry");
        let mut out = vec![0.0f32; t.shape.len()];
        let initializer = (entry.build)(&t.init.values).expect("keys that agree");
        initializer.fill(Key::new(1).named(&t.name), &t.shape, t.init.fan_in, t.init.fan_out, &mut out);
        (t.name.clone(), out.iter().fold(0.0, |m, x| f64::max(m, f64::from(x.abs()))))
    };
    graph.params.iter().map(tensor).filter(|(name, _)| !name.starts_with("output")).collect()
}

#[test]
fn first_weights_are_those_of_pytorch_or_of_the_key() {
    let layer = |more: Json| {
        let mut layer = json!({ "type": "gru", "name": "g", "hidden_size": 100, "bidirectional": true });
        more.as_object().expect("a table").iter().for_each(|(k, v)| layer[k] = v.clone());
        largest(&network(&json!([layer, { "type": "mean" }]), 4, false).graph)
    };
    let plain = layer(json!({}));
    let tensors = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
    let names = ["", "_reverse"].iter().flat_map(|way| tensors.map(|t| format!("g.{t}_l0{way}")));
    assert_eq!(plain.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names.collect::<Vec<_>>());
    assert!(plain.iter().all(|(_, most)| (0.095..=0.1).contains(most)), "{plain:?}");
    let xavier = layer(json!({ "init": { "type": "xavier_uniform" } }));
    let limit = |fan_in: f64| (6.0 / (fan_in + 300.0)).sqrt();
    for (name, most) in xavier {
        let want = match &name[..9] {
            "g.weight_" if name.contains("ih") => limit(CHANNELS as f64),
            "g.weight_" => limit(100.0),
            _ => 0.0,
        };
        assert!(most <= want && most >= 0.95 * want, "{name}: {most}, limit {want}");
    }
}

#[test]
fn last_takes_the_end_of_each_direction_that_it_finds() {
    let said = |between: Json, last: Json| -> Vec<f64> {
        let gru = json!({ "type": "gru", "hidden_size": 4, "bidirectional": true });
        let layers = [json!([gru]), between, json!([last])];
        let layers: Vec<Json> =
            layers.iter().flat_map(|l| l.as_array().cloned().unwrap_or_default()).collect();
        descend::<f64>(network(&json!(layers), 9, true), &[0, 1, 2, 3, 4], 9).1
    };
    let (plain, told) =
        (json!({ "type": "last" }), |both: bool| json!({ "type": "last", "bidirectional": both }));
    for between in [json!([]), json!([{ "type": "layer_norm" }, { "type": "tanh" }])] {
        assert!(said(between.clone(), plain.clone()) == said(between.clone(), told(true)), "{between}");
        assert!(said(between.clone(), plain.clone()) != said(between.clone(), told(false)), "{between}");
    }
    // What mixes the directions leaves one end.
    for between in [
        json!([{ "type": "linear", "out_features": 8 }]),
        json!([{ "type": "transformer_block", "num_heads": 2 }]),
        json!([{ "type": "gru", "hidden_size": 8 }]),
    ] {
        assert!(said(between.clone(), plain.clone()) == said(between.clone(), told(false)), "{between}");
    }
}
