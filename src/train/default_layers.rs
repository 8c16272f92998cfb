//! The networks that the program takes where a config names no layers.

use crate::config::registries;
use crate::data::Inputs;
use crate::spec::{Family, SourceText, Span, Tree, Value};

/// The inputs of a table that do not reach one layer by themselves: texts, or images and series beside something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    /// Whether there are plain numbers or categories.
    pub(super) features: bool,
    pub(super) texts: Vec<String>,
    /// Images and series.
    pub(super) placed: Vec<String>,
}

impl Parts {
    /// Those of `inputs`; `None` where the first layer reads all there is.
    pub(super) fn of(inputs: &Inputs) -> Option<Parts> {
        let dense = inputs.dense.iter().map(|input| (&input.name, input.shape.axes().len()));
        let stored = inputs.stored.iter().filter(|input| input.cardinality.is_none());
        let all: Vec<(&String, usize)> =
            dense.chain(stored.map(|input| (&input.name, input.shape.axes().len()))).collect();
        let texts = inputs.stored.iter().filter(|input| input.cardinality.is_some());
        let parts = Parts {
            features: !inputs.embeddings.is_empty() || all.iter().any(|(_, axes)| *axes < 2),
            texts: texts.map(|input| input.name.clone()).collect(),
            placed: all.iter().filter(|(_, axes)| *axes > 1).map(|(name, _)| (*name).clone()).collect(),
        };
        let one = parts.texts.is_empty() && usize::from(parts.features) + parts.placed.len() < 2;
        (!one).then_some(parts)
    }
}

/// For a label of each step: what an LSTM reads from both sides (Graves & Schmidhuber 2005). Where another output is about the whole
/// row, its mean comes last.
pub(super) fn steps_layers(parts: Option<&Parts>, whole: bool) -> Vec<Tree> {
    let layer = |kind: &str, keys: &[(&str, Value)]| {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Value::Table(std::iter::once(("type".to_owned(), Value::Str(kind.into()))).chain(keys).collect())
    };
    let dropout = || layer("dropout", &[("p", Value::Float(0.3))]);
    // Named, so that columns beside the text are found to have no place.
    let embedding = |text: &String| {
        let keys = [("input", Value::Str(text.clone())), ("embedding_dim", Value::Int(EMBEDDING))];
        [layer("embedding", &keys), dropout()]
    };
    let lstm = layer("lstm", &[("hidden_size", Value::Int(64)), ("bidirectional", Value::Bool(true))]);
    let text = parts.and_then(|parts| parts.texts.first());
    let first = text.map(embedding).into_iter().flatten();
    let mut layers: Vec<Value> = first.chain([lstm]).collect();
    if whole {
        let p = ("p", Value::Float(0.3));
        layers.extend([layer("dropout", &[("name", Value::Str(STEPS.into())), p]), layer("mean", &[])]);
    } else {
        layers.push(dropout());
    }
    checked_layers(&layers)
}

/// The layer that labels of steps are read from, beside an output about the whole row.
pub(super) const STEPS: &str = "steps";

/// For a language model: a small transformer.
pub(super) fn text_layers() -> Vec<Tree> {
    let table = |entries: &[(&str, Value)]| {
        Value::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    let text = |text: &str| Value::Str(text.to_owned());
    checked_layers(&[
        table(&[("type", text("embedding")), ("embedding_dim", Value::Int(128))]),
        table(&[("type", text("positional_embedding"))]),
        table(&[
            ("type", text("transformer_encoder")),
            ("num_layers", Value::Int(4)),
            ("num_heads", Value::Int(4)),
            ("causal", Value::Bool(true)),
        ]),
    ])
}

/// One hidden layer with much dropout on a small table, three with little on a larger one; places are taken side by side, and
/// of a text the mean of its tokens' vectors (Joulin et al. 2017, "Bag of tricks for efficient text classification").
pub(super) fn layers(small: bool, has_places: bool, parts: Option<&Parts>) -> Vec<Tree> {
    let (hidden, dropout) = if small { (1, 0.5) } else { (3, 0.1) };
    let layer = |name: &str, key: &str, value: Value| {
        vec![("type".to_owned(), Value::Str(name.into())), (key.to_owned(), value)]
    };
    let mut linear = layer("linear", "out_features", Value::Int(256));
    linear.push(("activation".into(), Value::Str("relu".into())));
    let block = [Value::Table(linear), Value::Table(layer("dropout", "p", Value::Float(dropout)))];
    let flatten = Value::Table(vec![("type".to_owned(), Value::Str("flatten".into()))]);
    let first = match parts {
        Some(parts) => beside_each_other(parts),
        None if has_places => vec![flatten],
        None => Vec::new(),
    };
    checked_layers(&[first, vec![block; hidden].concat()].concat())
}

/// Layers that bring all inputs into one row.
fn beside_each_other(inputs: &Parts) -> Vec<Value> {
    let layer = |kind: &str, more: Vec<(&str, Value)>| {
        let more = more.into_iter().map(|(key, value)| (key.to_owned(), value));
        Value::Table(std::iter::once(("type".to_owned(), Value::Str(kind.into()))).chain(more).collect())
    };
    let text = |text: &str| Value::Str(text.to_owned());
    let mut parts = if inputs.features { vec![text("features")] } else { Vec::new() };
    let mut layers = Vec::new();
    for name in &inputs.texts {
        let vectors = text(&format!("embedding_{name}"));
        let width = ("embedding_dim", Value::Int(EMBEDDING));
        layers.push(layer("embedding", vec![("name", vectors), ("input", text(name)), width]));
        parts.push(text(&format!("mean_{name}")));
        layers.push(layer("mean", vec![("name", parts[parts.len() - 1].clone())]));
    }
    for name in &inputs.placed {
        parts.push(text(&format!("flatten_{name}")));
        layers.push(layer("flatten", vec![("name", parts[parts.len() - 1].clone()), ("input", text(name))]));
    }
    if parts.len() > 1 {
        layers.push(layer("concat", vec![("input", Value::List(parts))]));
    }
    layers
}

/// Length of the vectors of a text's tokens.
const EMBEDDING: i64 = 64;

/// Layers with every default filled in, as if a config had named them.
pub(super) fn checked_layers(layers: &[Value]) -> Vec<Tree> {
    let mut report = crate::spec::Report::new(crate::spec::Sources::default(), registries());
    let id = report.sources.add(SourceText::flag("defaults"));
    let span = Span::whole(id);
    let pick = |(i, v): (usize, &Value)| {
        let tree = Tree::from_value(v, span);
        let choice = report.pick(Family::Layer, &tree, &format!("model.layers.{i}"));
        choice.map_or_else(|| tree.clone(), |c| Tree::from_value(&c.to_value(), span))
    };
    layers.iter().enumerate().map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_brought_beside_the_other_inputs() {
        let texts = |features, texts: &[&str], placed: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let parts = Parts { features, texts: names(texts), placed: names(placed) };
            layers(true, false, Some(&parts))
        };
        let alone = texts(false, &["t"], &[]);
        let told = |key: &str| [0, 1].map(|i: usize| alone[i].get(key).and_then(Tree::as_str));
        assert_eq!(told("type"), [Some("embedding"), Some("mean")]);
        assert_eq!(told("name"), [Some("embedding_t"), Some("mean_t")]);
        assert_eq!(told("input"), [Some("t"), None]);
        let all = texts(true, &["t", "u"], &["image"]);
        let joined = &all[5];
        assert_eq!(joined.get("type").and_then(Tree::as_str), Some("concat"));
        let parts: Vec<&str> = joined
            .get("input")
            .map(Tree::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Tree::as_str)
            .collect();
        assert_eq!(parts, ["features", "mean_t", "mean_u", "flatten_image"]);
    }
}
