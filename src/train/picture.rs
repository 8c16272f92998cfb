//! A network as a table of layers and as a graph for Graphviz.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::thousands;
use crate::graph::{Graph, Source, ValueId};
use crate::tensor::Shape;

/// Nodes that carry one layer's name, one after the other: a convolution and its activation.
#[derive(Debug)]
struct Layer {
    name: String,
    /// The ops, in their order; `input` for an input.
    ops: Vec<&'static str>,
    /// Positions of the layers that it reads.
    reads: Vec<usize>,
    shape: Shape,
    parameters: usize,
    multiply_adds: f64,
}

/// The layers that the outputs depend on, inputs first.
fn layers(graph: &Graph) -> Vec<Layer> {
    let mut wanted = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|v| wanted[v.index()] = true);
    for node in graph.nodes.iter().rev() {
        if wanted[node.output.index()] {
            node.inputs.iter().for_each(|v| wanted[v.index()] = true);
        }
    }
    let count = |v: &ValueId| match graph.values[v.index()].source {
        Source::Param(p) => graph.params[p].shape.len(),
        _ => 0,
    };
    let is_weight = |v: &ValueId| count(v) > 0 && graph.shape(*v).axes().len() > 1;
    let mut layers: Vec<Layer> = Vec::new();
    let mut of: BTreeMap<ValueId, usize> = BTreeMap::new();
    for &v in graph.inputs.iter().filter(|v| wanted[v.index()]) {
        let value = &graph.values[v.index()];
        of.insert(v, layers.len());
        let (name, shape) = (value.name.clone(), value.shape.clone());
        layers.push(Layer {
            name,
            ops: vec!["input"],
            reads: Vec::new(),
            shape,
            parameters: 0,
            multiply_adds: 0.0,
        });
    }
    for node in graph.nodes.iter().filter(|n| wanted[n.output.index()]) {
        let value = &graph.values[node.output.index()];
        let reads: Vec<usize> = node.inputs.iter().filter_map(|v| of.get(v).copied()).collect();
        let goes_on = layers.last().is_some_and(|last| last.name == value.name);
        let at = if goes_on { layers.len() - 1 } else { layers.len() };
        if !goes_on {
            let (name, shape) = (value.name.clone(), Shape::default());
            layers.push(Layer {
                name,
                ops: Vec::new(),
                reads: Vec::new(),
                shape,
                parameters: 0,
                multiply_adds: 0.0,
            });
        }
        let layer = &mut layers[at];
        layer.ops.push(node.op.name());
        for read in reads {
            if read != at && !layer.reads.contains(&read) {
                layer.reads.push(read);
            }
        }
        layer.shape = value.shape.clone();
        layer.parameters += node.inputs.iter().map(count).sum::<usize>();
        let multiplies = match node.op.name() {
            // Of tables, vectors are looked up and added.
            "embedding" | "add_positions" => false,
            // Queries with keys, and their scores with values.
            "attention" => true,
            _ => node.inputs.iter().any(is_weight),
        };
        if multiplies {
            layer.multiply_adds += node.op.cost(&graph.input_shapes(node));
        }
        of.insert(node.output, at);
    }
    layers
}

/// Multiply-adds of a forward pass for one row: in all layers that have weights, and in attention.
pub(super) fn multiply_adds(graph: &Graph) -> u64 {
    layers(graph).iter().map(|l| l.multiply_adds).sum::<f64>() as u64
}

/// One line a layer: name, ops, shape of a row (channels last), parameters, multiply-adds for one row; then the sums.
pub(super) fn table(graph: &Graph) -> String {
    let layers = layers(graph);
    let head = ["layer", "what", "output", "parameters", "multiply-adds"].map(str::to_owned);
    let number = |n: u64| if n == 0 { "-".to_owned() } else { thousands(n) };
    let lines = layers.iter().map(|l| {
        let (parameters, work) = (number(l.parameters as u64), number(l.multiply_adds as u64));
        [l.name.clone(), l.ops.join(" + "), l.shape.to_string(), parameters, work]
    });
    let (parameters, work) = (graph.param_count() as u64, multiply_adds(graph));
    let sums = ["total".to_owned(), String::new(), String::new(), thousands(parameters), thousands(work)];
    let lines: Vec<[String; 5]> = std::iter::once(head).chain(lines).chain([sums]).collect();
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for [layer, what, shape, parameters, work] in &lines {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{layer:a$}  {what:b$}  {shape:c$}  {parameters:>d$}  {work:>e$}");
    }
    text
}

/// The network in Graphviz's language: a box a layer, arrows the way values go.
pub(super) fn dot(graph: &Graph) -> String {
    let layers = layers(graph);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = String::from(
        "digraph network {\n  rankdir = TB;\n  node [shape = box, fontname = \"sans-serif\"];\n",
    );
    for (i, layer) in layers.iter().enumerate() {
        let what =
            if layer.ops == ["input"] { String::new() } else { format!("\\n{}", layer.ops.join(" + ")) };
        let parameters = match layer.parameters {
            0 => String::new(),
            n => format!("\\n{} parameters", thousands(n as u64)),
        };
        let shape = if layer.ops == ["input"] { ", shape = ellipse" } else { "" };
        let _ = writeln!(
            text,
            "  n{i} [label = \"{}{what}\\n{}{parameters}\"{shape}];",
            quoted(&layer.name),
            layer.shape
        );
    }
    for (i, layer) in layers.iter().enumerate() {
        for read in &layer.reads {
            let _ = writeln!(text, "  n{read} -> n{i};");
        }
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Heads;
    use crate::graph::Init;
    use crate::ops::add::Add;
    use crate::ops::add_positions::AddPositions;
    use crate::ops::attention::{Attention, Over};
    use crate::ops::linear::Linear;

    /// `x -> a -> a -> sum <- x`, and a node that no output reads.
    fn graph() -> Result<Graph, crate::ops::ShapeError> {
        let mut g = Graph::new();
        let x = g.input("say \"x\"", [40]);
        let unused = g.input("target", [40]);
        let w = g.param("a.weight", [40, 40], Init::constant(0.0));
        let a = g.node("a", Box::new(Linear), &[x, w])?;
        let a = g.node("a", Box::new(crate::ops::softmax::Softmax), &[a])?;
        let y = g.node("sum", Box::new(Add), &[x, a])?;
        g.node("loss", Box::new(Add), &[y, unused])?;
        g.outputs = vec![y];
        Ok(g)
    }

    #[test]
    fn the_table_has_a_line_a_layer_and_the_sums() -> Result<(), crate::ops::ShapeError> {
        insta::assert_snapshot!(table(&graph()?), @r#"
        layer    what              output  parameters  multiply-adds
        say "x"  input             [40]             -              -
        a        linear + softmax  [40]         1,600          1,600
        sum      add               [40]             -              -
        total                                   1,600          1,600
        "#);
        Ok(())
    }

    #[test]
    fn attention_multiplies_and_positions_are_added() -> Result<(), crate::ops::ShapeError> {
        let mut g = Graph::new();
        let heads = Heads { queries: 2, keys: 2, width: 2 };
        let x = g.input("qkv", [5, 12]);
        let places = g.param("places", [5, 12], Init::constant(0.0));
        let x = g.node("placed", Box::new(AddPositions), &[x, places])?;
        let attention = Attention { heads, causal: false, over: Over::Own };
        g.outputs = vec![g.node("attended", Box::new(attention), &[x])?];
        // Each of 5 queries with 5 keys and as many values, of 4 numbers each.
        assert_eq!(multiply_adds(&g), 2 * 5 * 5 * 4);
        Ok(())
    }

    #[test]
    fn the_drawing_has_a_box_a_layer_and_an_arrow_a_value() -> Result<(), crate::ops::ShapeError> {
        insta::assert_snapshot!(dot(&graph()?), @r#"
        digraph network {
          rankdir = TB;
          node [shape = box, fontname = "sans-serif"];
          n0 [label = "say \"x\"\n[40]", shape = ellipse];
          n1 [label = "a\nlinear + softmax\n[40]\n1,600 parameters"];
          n2 [label = "sum\nadd\n[40]"];
          n0 -> n1;
          n0 -> n2;
          n1 -> n2;
        }
        "#);
        Ok(())
    }
}
