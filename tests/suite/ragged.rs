//! Series that end early: more zero padding changes no bit of a network's output.

use std::sync::Arc;

use backprop::backend::cpu::Cpu;
use backprop::graph::{Graph, Machine, Mode, Pass, PlanOptions};
use backprop::layers::{Input, Network, Output, build, examples};
use backprop::ops::LOSSES;
use backprop::spec::Values;
use backprop::tensor::Key;

use crate::gradients::layers;

/// Steps of each row.
const ENDS: [usize; 5] = [3, 6, 1, 5, 0];
const CHANNELS: usize = 3;

fn network(example: &str, steps: usize) -> Network {
    let loss = LOSSES.iter().find(|l| l.name == "mse").expect("a loss");
    let output = Output { loss, loss_values: Values::default(), outputs: 2, class_weights: None };
    let inputs = [Input::channels_last("series", [steps, CHANNELS], true)];
    build(&inputs, &layers(example), None, &output).unwrap_or_else(|e| panic!("{e:?}"))
}

fn sizes(graph: &Graph) -> Vec<(&str, usize)> {
    graph.params.iter().map(|t| (t.name.as_str(), t.shape.len())).collect()
}

/// Bits of the output.
fn predict(network: Network, steps: usize) -> Vec<u32> {
    let rows = ENDS.len();
    let mut machine: Machine<Cpu<f32>> =
        Machine::new(Arc::new(network.graph), &[PlanOptions::new(Mode::Predict, rows)]);
    let key = Key::new(4);
    for (i, x) in machine.params_mut().iter_mut().enumerate() {
        *x = key.normal(i as u64) as f32;
    }
    machine.buffers_mut().fill(1.0);
    let series = machine.input_mut(0, network.inputs[0], rows);
    for (row, (series, end)) in series.chunks_exact_mut(steps * CHANNELS).zip(ENDS).enumerate() {
        series.fill(0.0);
        for (i, x) in series[..end * CHANNELS].iter_mut().enumerate() {
            *x = key.part(row as u64).normal(i as u64) as f32;
        }
    }
    let lengths = network.lengths[0].expect("a ragged input");
    for (length, end) in machine.input_mut(0, lengths, rows).iter_mut().zip(ENDS) {
        *length = end as f32;
    }
    machine.run(0, Pass { rows, key, accumulate: false });
    machine.output(0, network.output, rows).iter().map(|x| x.to_bits()).collect()
}

#[test]
fn more_zero_padding_changes_no_bit() {
    let mut seen = Vec::new();
    for (name, example) in examples().iter().filter(|(_, example)| example.contains("\"series\"")) {
        let (short, long) = (network(example, 6), network(example, 9));
        // Layers that make a weight for each step are not made for series of many lengths.
        if sizes(&short.graph) != sizes(&long.graph) {
            continue;
        }
        let (short, long) = (predict(short, 6), predict(long, 9));
        assert_eq!(short, long, "{name}: the output for a longer series differs");
        assert!(short.iter().all(|&x| f32::from_bits(x).is_finite()), "{name}");
        seen.push(*name);
    }
    for name in [
        "attention_pool",
        "gru",
        "last",
        "lstm",
        "max",
        "mean",
        "multi_head_attention",
        "rnn",
        "transformer_block",
    ] {
        assert!(seen.contains(&name), "{name} is not in {seen:?}");
    }
}
