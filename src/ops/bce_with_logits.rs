//! Binary cross entropy of the logit p against t in [0, 1]: softplus(p) − t·p; each column is a label of its own. The positive part is multiplied by pos_weight.

use crate::backend::pointwise::Binary;
use crate::backend::scalar::Scalar;
use crate::ops::{Case, CaseInput, Content, LossEntry, RowLoss, TargetKind};
use crate::spec::{Key, Kind, Preset, Values};

pub(super) const ENTRY: LossEntry = LossEntry {
    name: "bce_with_logits",
    doc: "Binary cross entropy of the logit p against t in [0, 1]: softplus(p) − t·p; each column is a label of its own. The positive part is multiplied by pos_weight.",
    keys: KEYS,
    target: TargetKind::Binary,
    build: |v| Box::new(new(v)),
    columns: |_, outputs| outputs,
    cases,
};

const KEYS: &[Key] = &[Key { name: "pos_weight", kind: Kind::above(0.0), default: Preset::Float(1.0), doc: "weight of the positive part, PyTorch's pos_weight" }];

fn cases() -> Vec<Case> {
    let shapes = [(1, 1), (1, 5), (2, 3), (7, 1), (33, 17)];
    let inputs = |c: usize| vec![CaseInput::rows([c]), CaseInput::data([c], Content::Bits)];
    shapes.iter().map(|&(b, c)| Case::new(new(&Values::defaults(KEYS)), inputs(c), b)).collect()
}

fn new(v: &Values) -> RowLoss<BceWithLogits> {
    RowLoss { name: "bce_with_logits", function: BceWithLogits { pos_weight: v.f64("pos_weight") } }
}

#[derive(Clone, Copy, Debug)]
struct BceWithLogits {
    pos_weight: f64,
}

impl Binary for BceWithLogits {
    #[inline(always)]
    fn f<S: Scalar>(self, p: S, t: S) -> S {
        (S::ONE - t) * p.softplus() + S::from_f64(self.pos_weight) * t * (-p).softplus()
    }

    #[inline(always)]
    fn da<S: Scalar>(self, p: S, t: S) -> S {
        (S::ONE - t) * p.sigmoid() - S::from_f64(self.pos_weight) * t * (-p).sigmoid()
    }
}
