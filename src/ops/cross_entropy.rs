//! Cross entropy of softmax(logits) against a class index, softmax and logarithm in one.
//!
//! logits `[B, C]`, labels `[B]`, class weights `[C]` as an optional third input. The loss of a row is
//! `(1 − ε) · w[y] · (−log p[y]) + ε/C · Σ_c w[c] · (−log p[c])` with label smoothing ε (Szegedy et al. 2016), as in PyTorch's
//! `CrossEntropyLoss(reduction="none")`.

use crate::backend::{Backend, CrossEntropy as Spec};
use crate::ops::{Case, CaseInput, Content, Io, LossEntry, Op, Reads, Saved, ShapeError, TargetKind};
use crate::spec::{Key, Kind, Preset};
use crate::tensor::Shape;

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "cross_entropy",
    doc: "−log softmax(p)[t], the classes' probabilities against one class index.",
    keys: KEYS,
    target: TargetKind::Class,
    build: |v| Box::new(CrossEntropy { smoothing: v.f64("label_smoothing") }),
    columns: |_, classes| classes,
    cases,
};

const KEYS: &[Key] = &[Key {
    name: "label_smoothing",
    kind: Kind::below(0.0, 1.0),
    default: Preset::Float(0.0),
    doc: "share of the probability that is spread over all classes (Szegedy et al. 2016); 0.1 on small tables, see train.loss",
}];

fn cases() -> Vec<Case> {
    let sizes = [(1, 2, 0.0), (2, 3, 0.1), (7, 10, 0.0), (33, 17, 0.3), (5, 1, 0.0)];
    let plain = sizes.iter().map(|&(b, c, smoothing)| {
        let inputs = vec![CaseInput::rows([c]), CaseInput::data([], Content::Labels(c))];
        Case::new(CrossEntropy { smoothing }, inputs, b)
    });
    let weighted = [(4, 5, 0.2), (9, 3, 0.0)].iter().map(|&(b, c, smoothing)| {
        let inputs = vec![
            CaseInput::rows([c]),
            CaseInput::data([], Content::Labels(c)),
            CaseInput::constant([c], Content::Uniform(0.5, 2.0)),
        ];
        Case::new(CrossEntropy { smoothing }, inputs, b)
    });
    plain.chain(weighted).collect()
}

/// The op.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// ε of label smoothing.
    pub smoothing: f64,
}

impl CrossEntropy {
    fn spec(&self, io: &Io) -> Spec {
        let classes = io.inputs[0].shape.last();
        Spec { classes, smoothing: self.smoothing, weights: io.inputs.get(2).map(|w| w.view) }
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let [logits, labels, weights @ ..] = inputs else {
            return Err(ShapeError::new("logits and labels", format!("{} inputs", inputs.len())));
        };
        if logits.axes().is_empty() || logits.outer() != labels.len() {
            return Err(ShapeError::new("one label for each run of logits", format!("{logits} and {labels}")));
        }
        if let Some(odd) = weights.iter().find(|w| w.axes() != [logits.last()]) {
            return Err(ShapeError::new(format!("class weights [{}]", logits.last()), odd.to_string()));
        }
        Ok(labels.clone())
    }

    fn saved(&self, inputs: &[Shape], _training: bool) -> Vec<Saved> {
        vec![Saved { shape: Shape::from([2 * inputs[1].len()]), rows: true }]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn forward(&self, be: &mut dyn Backend, io: &Io) {
        be.cross_entropy(self.spec(io), io.x(0), io.x(1), io.output, io.saved[0]);
    }

    fn backward(&self, be: &mut dyn Backend, io: &Io) {
        if let Some(dx) = io.dx(0) {
            be.cross_entropy_grad(self.spec(io), io.x(0), io.x(1), io.saved[0], io.dy(), dx);
        }
    }
}
