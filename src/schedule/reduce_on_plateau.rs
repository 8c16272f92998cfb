//! A rate that falls when the validation loss stops falling.

use serde_json::{Value, json};

use super::{Entry, Schedule, keys};
use crate::error::{Error, Result};
use crate::spec::{Key, Kind, Preset};

pub(super) const ENTRY: Entry = Entry {
    name: "reduce_on_plateau",
    doc: "Multiplies the rate with factor, down to min_lr, when the validation loss (without a validation part, the training loss) has not \
          improved for more than patience epochs. As PyTorch's ReduceLROnPlateau in mode min, without its eps.",
    keys: &[
        Key {
            name: "factor",
            kind: Kind::below(0.0, 1.0),
            default: Preset::Float(0.1),
            doc: "What the rate is multiplied with.",
        },
        Key {
            name: "patience",
            kind: Kind::int(0, i64::MAX),
            default: Preset::Int(10),
            doc: "Epochs without improvement that are let pass; the next one reduces the rate.",
        },
        Key {
            name: "threshold",
            kind: Kind::non_negative(),
            default: Preset::Float(1e-4),
            doc: "What counts as an improvement: a loss below best·(1 − threshold), or below best − threshold.",
        },
        Key {
            name: "threshold_mode",
            kind: Kind::OneOf(&["rel", "abs"]),
            default: Preset::Str("rel"),
            doc: "Whether threshold is a part of the best loss, or a difference from it.",
        },
        Key {
            name: "cooldown",
            kind: Kind::int(0, i64::MAX),
            default: Preset::Int(0),
            doc: "Epochs after a reduction in which none is counted as bad.",
        },
        Key {
            name: "min_lr",
            kind: Kind::non_negative(),
            default: Preset::Float(0.0),
            doc: "The rate does not fall below this.",
        },
        keys::WARMUP_STEPS,
    ],
    build: |values| {
        Box::new(ReduceOnPlateau {
            factor: values.f64("factor"),
            patience: values.usize("patience") as u64,
            threshold: values.f64("threshold"),
            relative: values.str("threshold_mode") == "rel",
            cooldown: values.usize("cooldown") as u64,
            min_lr: values.f64("min_lr"),
            seen: Seen::default(),
        })
    },
};

#[derive(Debug)]
struct ReduceOnPlateau {
    factor: f64,
    patience: u64,
    threshold: f64,
    relative: bool,
    cooldown: u64,
    min_lr: f64,
    seen: Seen,
}

/// What the losses so far have led to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    /// The best loss.
    best: Option<f64>,
    /// Epochs since then that count.
    bad_epochs: u64,
    /// Epochs for which nothing counts as bad.
    cooling: u64,
    /// How often the rate was reduced.
    reductions: u64,
}

impl ReduceOnPlateau {
    fn improves(&self, loss: f64) -> bool {
        match self.seen.best {
            None => loss.is_finite(),
            Some(best) if self.relative => loss < best * (1.0 - self.threshold),
            Some(best) => loss < best - self.threshold,
        }
    }
}

impl Schedule for ReduceOnPlateau {
    fn rate(&self, _t: u64, _total: u64, base: f64) -> f64 {
        (base * self.factor.powf(self.seen.reductions as f64)).max(self.min_lr.min(base))
    }

    fn observe(&mut self, loss: f64) {
        if self.improves(loss) {
            self.seen.best = Some(loss);
            self.seen.bad_epochs = 0;
        } else {
            self.seen.bad_epochs += 1;
        }
        if self.seen.cooling > 0 {
            self.seen.cooling -= 1;
            self.seen.bad_epochs = 0;
        }
        if self.seen.bad_epochs > self.patience {
            self.seen.reductions += 1;
            self.seen.cooling = self.cooldown;
            self.seen.bad_epochs = 0;
        }
    }

    fn state(&self) -> Option<Value> {
        let Seen { best, bad_epochs, cooling, reductions } = self.seen;
        Some(json!({ "best": best, "bad_epochs": bad_epochs, "cooling": cooling, "reductions": reductions }))
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        let read = || {
            Some(Seen {
                best: match state.get("best")? {
                    Value::Null => None,
                    best => Some(best.as_f64()?),
                },
                bad_epochs: state.get("bad_epochs")?.as_u64()?,
                cooling: state.get("cooling")?.as_u64()?,
                reductions: state.get("reductions")?.as_u64()?,
            })
        };
        self.seen = read().ok_or_else(|| {
            Error::model("schedule state", "is not that of reduce_on_plateau")
                .help("resume with the schedule that wrote the checkpoint")
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;
    use crate::spec::{Value as Config, Values};

    fn plateau() -> Box<dyn Schedule> {
        let entry = find("reduce_on_plateau").unwrap();
        let values = Values::defaults(entry.keys)
            .with("patience", Config::Int(1))
            .with("factor", Config::Float(0.5))
            .with("threshold", Config::Float(0.1))
            .with("cooldown", Config::Int(2))
            .with("min_lr", Config::Float(0.03));
        (entry.build)(&values)
    }

    const LOSSES: [f64; 14] =
        [1.0, 0.8, 0.75, 0.74, 0.7, 0.74, 0.74, 0.73, 0.73, f64::NAN, 0.9, 0.9, 0.9, 0.9];

    // ReduceLROnPlateau(optimizer with lr=0.1, factor=0.5, patience=1, threshold=0.1, cooldown=2, min_lr=0.03), PyTorch 2.15.0,
    // after step(loss) for each of LOSSES
    const TORCH: [f64; 14] =
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03];

    #[test]
    fn it_matches_pytorch() {
        let mut schedule = plateau();
        let rates = LOSSES.map(|loss| {
            schedule.observe(loss);
            schedule.rate(0, 0, 0.1)
        });
        for (found, expected) in rates.iter().zip(TORCH) {
            assert!((found - expected).abs() < 1e-12, "{rates:?}");
        }
    }

    #[test]
    fn it_goes_on_from_its_state() {
        for cut in 0..LOSSES.len() {
            let (mut whole, mut second) = (plateau(), plateau());
            LOSSES[..cut].iter().for_each(|&loss| whole.observe(loss));
            let text = whole.state().unwrap().to_string();
            second.restore(&serde_json::from_str(&text).unwrap()).unwrap();
            for &loss in &LOSSES[cut..] {
                whole.observe(loss);
                second.observe(loss);
                assert_eq!(whole.rate(0, 0, 0.1), second.rate(0, 0, 0.1));
            }
        }
    }

    #[test]
    fn another_state_is_refused() {
        assert_eq!(plateau().restore(&json!({ "best": 1.0 })).unwrap_err().code.exit(), 4);
    }
}
