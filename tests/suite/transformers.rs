//! Attention and transformers in whole networks: what a step may see, padding, generation with a cache, memory, and what does not fit.

use std::sync::Arc;

use backprop::backend::cpu::{Cpu, Number};
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Branched, Carry, Input, Misfit, Output, OutputLayer, build_branched};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::Key;

use crate::gradients::layers;
use crate::places::in_a_line;

const CHANNELS: usize = 3;
const CLASSES: usize = 4;

/// A language model of each kind: classes for each step of a series `x`.
const MODELS: [&str; 3] = [
    r#"[{ type = "linear", input = "x", out_features = 8 }, { type = "positional_embedding", num_embeddings = 12 },
        { type = "transformer_encoder", num_layers = 2, num_heads = 2, causal = true }]"#,
    r#"[{ type = "linear", input = "x", out_features = 8 },
        { type = "transformer_block", num_heads = 4, num_kv_heads = 2, causal = true, rotary = true, activation = "swiglu", norm = "rms_norm" }]"#,
    r#"[{ type = "linear", input = "x", out_features = 8 }, { type = "positional_embedding", kind = "sinusoidal" },
        { type = "multi_head_attention", num_heads = 2, causal = true }, { type = "layer_norm" }]"#,
];

fn build(list: &str, inputs: &[Input], carry: Carry) -> Result<Branched, Misfit> {
    let loss = LOSSES.iter().find(|l| l.name == "cross_entropy").expect("a loss");
    let loss_values = Values::defaults(loss.keys);
    let output = Output { loss, loss_values, outputs: CLASSES, class_weights: None };
    let output = OutputLayer { steps: true, ..OutputLayer::only(output) };
    build_branched(inputs, &layers(list), None, &[output], carry)
}

fn model(list: &str, steps: usize, ragged: bool, carry: Carry) -> Branched {
    let input = Input::channels_last("x", [steps, CHANNELS], ragged);
    build(list, &[input], carry).unwrap_or_else(|e| panic!("{e:?}"))
}

fn names(graph: &Graph) -> Vec<(String, String)> {
    graph.params.iter().map(|t| (t.name.clone(), t.shape.to_string())).collect()
}

fn normal<T: Number>(name: &str, n: usize) -> Vec<T> {
    let key = Key::new(6).named(name);
    (0..n as u64).map(|i| T::from_f64(key.normal(i))).collect()
}

fn machine<T: Number>(graph: Graph, mode: Mode, rows: usize) -> Machine<Cpu<T>> {
    let mut machine: Machine<Cpu<T>> = Machine::new(Arc::new(graph), &[PlanOptions::new(mode, rows)]);
    let weights = normal::<T>("weights", machine.params().len());
    let third = T::from_f64(1.0 / 3.0);
    machine.params_mut().iter_mut().zip(weights).for_each(|(w, x)| *w = x * third);
    machine
}

const PASS: Pass = Pass { rows: 1, key: Key::new(0), accumulate: false };

/// The logits of a whole pass over some sequences.
fn whole<T: Number>(list: &str, x: &[T], steps: usize) -> Vec<T> {
    let network = model(list, steps, false, Carry::Fresh);
    let rows = x.len() / (steps * CHANNELS);
    let (input, output) = (network.inputs[0], network.outputs[0].output);
    let mut machine = machine::<T>(network.graph, Mode::Predict, rows);
    machine.input_mut(0, input, rows).copy_from_slice(x);
    machine.run(0, Pass { rows, ..PASS });
    machine.output(0, output, rows).to_vec()
}

#[test]
fn a_later_step_changes_no_bit_of_an_earlier_logit() {
    const STEPS: usize = 12;
    for list in MODELS {
        let x = normal::<f32>("x", STEPS * CHANNELS);
        let before = whole(list, &x, STEPS);
        for t in 0..STEPS {
            let mut other = x.clone();
            other[t * CHANNELS..].iter_mut().for_each(|x| *x += 1.0);
            let after = whole(list, &other, STEPS);
            let same = before.iter().zip(&after).take_while(|(a, b)| a.to_bits() == b.to_bits()).count();
            assert_eq!(same / CLASSES, t, "{list}");
        }
    }
}

#[test]
fn generating_a_few_steps_a_pass_gives_the_logits_of_a_whole_pass() {
    const STEPS: usize = 12;
    const ROWS: usize = 2;
    for list in MODELS {
        let x = normal::<f32>("x", ROWS * STEPS * CHANNELS);
        let wanted = whole(list, &x, STEPS);
        for chunk in [1, 3] {
            let network = model(list, chunk, false, Carry::Decode { context: STEPS });
            assert_eq!(names(&network.graph), names(&model(list, STEPS, false, Carry::Fresh).graph));
            let position = network.position.expect("the steps so far");
            let (input, output) = (network.inputs[0], network.outputs[0].output);
            let mut machine = machine::<f32>(network.graph, Mode::Predict, ROWS);
            // What an earlier sequence left there.
            machine.states_mut(0).fill(f32::NAN);
            for start in (0..STEPS).step_by(chunk) {
                let rows = machine.input_mut(0, input, ROWS).chunks_exact_mut(chunk * CHANNELS);
                for (to, from) in rows.zip(x.chunks_exact(STEPS * CHANNELS)) {
                    to.copy_from_slice(&from[start * CHANNELS..][..chunk * CHANNELS]);
                }
                machine.input_mut(0, position, ROWS).fill(start as f32);
                machine.run(0, Pass { rows: ROWS, ..PASS });
                let rows = machine.output(0, output, ROWS).chunks_exact(chunk * CLASSES);
                for (found, wanted) in rows.zip(wanted.chunks_exact(STEPS * CLASSES)) {
                    for (found, wanted) in found.iter().zip(&wanted[start * CLASSES..]) {
                        assert!((found - wanted).abs() <= 1e-5, "{list}, step {start}: {found} {wanted}");
                    }
                }
            }
        }
    }
}

/// Loss and gradients of sequences of these lengths, each step counting alike, padded to `steps`.
fn trained(list: &str, lengths: &[usize], first: usize, steps: usize, ragged: bool) -> (f64, Vec<f64>) {
    let network = model(list, steps, ragged, Carry::Fresh);
    let rows = lengths.len();
    let port = network.outputs[0];
    let mut machine = machine::<f64>(network.graph, Mode::Train, rows);
    for (row, &length) in lengths.iter().enumerate() {
        let x = normal::<f64>(&format!("x{}", first + row), length * CHANNELS);
        let to = &mut machine.input_mut(0, network.inputs[0], rows)[row * steps * CHANNELS..];
        to[..x.len()].copy_from_slice(&x);
        for t in 0..length {
            machine.input_mut(0, port.target, rows)[row * steps + t] = ((t + first + row) % CLASSES) as f64;
            machine.input_mut(0, port.row_weight, rows)[row * steps + t] = 0.25;
        }
        if let Some(lengths) = network.lengths[0] {
            machine.input_mut(0, lengths, rows)[row] = length as f64;
        }
    }
    machine.run(0, Pass { rows, ..PASS });
    let losses = machine.output(0, port.loss, rows).chunks_exact(steps).zip(lengths);
    let loss = losses.flat_map(|(losses, &n)| &losses[..n]).sum::<f64>() * 0.25;
    (loss, machine.grads().to_vec())
}

#[test]
fn a_padded_batch_is_its_sequences_one_at_a_time() {
    const LENGTHS: [usize; 4] = [7, 1, 10, 4];
    let seeing_all = MODELS[1].replace("causal = true", "causal = false");
    for list in MODELS.into_iter().chain([seeing_all.as_str()]) {
        let (loss, grads) = trained(list, &LENGTHS, 0, 10, true);
        let alone = LENGTHS.iter().enumerate().map(|(row, &n)| trained(list, &[n], row, n, false));
        let (sum, sums) =
            alone.reduce(|(a, b), (c, d)| (a + c, b.iter().zip(&d).map(|(b, d)| b + d).collect())).unwrap();
        assert!((loss - sum).abs() <= 1e-12 * sum, "{list}: {loss} {sum}");
        let off = grads.iter().zip(&sums).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(off < 1e-12, "{list}: gradients are off by {off:e}");
    }
}

#[test]
fn memory_grows_with_the_steps_and_not_with_their_square() {
    let list = r#"[{ type = "transformer_block", input = "x", num_heads = 3, causal = true }]"#;
    let bytes = |steps: usize| {
        let network = model(list, steps, false, Carry::Fresh);
        let plans = Machine::<Cpu<f32>>::plans(&network.graph, &[PlanOptions::new(Mode::Train, 1)]);
        (plans[0].bytes(4) + 4 * plans[0].scratch_len) as f64
    };
    let [small, large] = [1024, 4096].map(bytes);
    assert!(large < 4.01 * small, "{small} and {large} bytes");
    assert!(large < 4.0 * 4096.0 * 4096.0 / 8.0, "{large} bytes: an eighth of one matrix of scores");
}

/// The problem of some layers over a series `x` [5, 6] and a series `other` [7, 4], with the carry.
fn problem(list: &str, carry: Carry) -> String {
    let mut inputs = vec![Input::channels_last("x", [5, 6], false)];
    if list.contains("\"other\"") {
        inputs.push(Input::channels_last("other", [7, 4], true));
    }
    in_a_line(build(list, &inputs, carry).expect_err(list).problem)
}

#[test]
fn what_does_not_fit_is_said() {
    let cases = [
        (
            r#"[{ type = "multi_head_attention", input = "x", num_heads = 4 }]"#,
            r#"layer "multi_head_attention_0": its input does not fit; expected a width that num_heads = 4 heads share out evenly; found 6"#,
        ),
        (
            r#"[{ type = "multi_head_attention", input = "x", num_heads = 3, num_kv_heads = 2 }]"#,
            r#"layer "multi_head_attention_0": num_kv_heads = 2 heads cannot serve num_heads = 3 evenly; expected a divisor of 3"#,
        ),
        (
            r#"[{ type = "transformer_block", input = "x", num_heads = 2, rotary = true }]"#,
            r#"layer "transformer_block_0.self_attn": rotary positions turn pairs of a head's numbers; expected an even width of a head; found 3; help set another num_heads, or leave rotary out"#,
        ),
        (
            r#"[{ type = "multi_head_attention", input = ["x", "other"], num_heads = 2 }]"#,
            r#"layer "multi_head_attention_0": its input does not fit; expected width 6; found 4; help put { type = "linear", out_features = 6 } behind "other""#,
        ),
        (
            r#"[{ type = "multi_head_attention", input = ["x", "x"], num_heads = 3, rotary = true }]"#,
            r#"layer "multi_head_attention_0": rotary positions are for a sequence that looks at itself; help leave rotary out"#,
        ),
        (
            r#"[{ type = "transformer_decoder", input = "x", num_layers = 1, num_heads = 2 }]"#,
            r#"layer "transformer_decoder_0": its input does not fit; expected two sequences: input = ["x", "memory"]; found one; help transformer_encoder with causal = true is for one"#,
        ),
        (
            r#"[{ type = "positional_embedding", input = "x", num_embeddings = 4 }]"#,
            r#"layer "positional_embedding_0": the sequence is longer than its table of positions; expected at most 4 steps; found 5; help set num_embeddings = 5, or shorten the sequence"#,
        ),
    ];
    for (list, expected) in cases {
        assert_eq!(problem(list, Carry::Fresh), expected);
    }
}

#[test]
fn what_cannot_be_generated_is_said() {
    let carry = Carry::Decode { context: 9 };
    let cases = [
        (
            r#"[{ type = "transformer_block", input = "x", num_heads = 2 }]"#,
            r#"layer "transformer_block_0.self_attn": a step that sees what comes after it cannot be generated; help set causal = true and train again"#,
        ),
        (
            r#"[{ type = "multi_head_attention", input = ["x", "x"], num_heads = 2 }]"#,
            r#"layer "multi_head_attention_0": only one sequence can be generated: it reads two; help predict with this model"#,
        ),
        (
            r#"[{ type = "positional_embedding", input = "x", num_embeddings = 8 }]"#,
            r#"layer "positional_embedding_0": the sequence is longer than its table of positions; expected at most 8 steps; found 9; help set num_embeddings = 9, or shorten the sequence"#,
        ),
    ];
    for (list, expected) in cases {
        assert_eq!(problem(list, carry), expected);
    }
}
