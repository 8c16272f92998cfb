//! The augmentations of a config at work on a model's inputs.

use crate::config::Config;
use crate::data::{AUGMENTATIONS, Augmentation, Chain, Changes, Grid, Inputs};
use crate::error::{Error, Result};
use crate::tensor::Key;

/// The augmentations of all inputs.
#[derive(Debug, Default)]
pub(super) struct Augmenter {
    /// By the name of the input.
    chains: Vec<(String, Chain)>,
    room: Vec<f32>,
}

impl Augmenter {
    /// Those that `config` names, with the room that a step needs.
    ///
    /// # Errors
    /// [`Code::Usage`](crate::error::Code::Usage) for an augmentation of another kind of input.
    pub(super) fn new(config: &Config, inputs: &Inputs) -> Result<Self> {
        let dense = inputs.dense.iter().map(|input| (&input.name, &input.shape, false, input.zeros()));
        let stored = inputs.stored.iter().map(|input| (&input.name, &input.shape, true, input.zeros()));
        let mut chains = Vec::new();
        for (name, shape, channels_last, zeros) in dense.chain(stored) {
            let own = config.data.inputs.iter().find(|input| input.name == *name);
            let Some(input) = own.filter(|input| !input.augment.is_empty()) else { continue };
            let mut steps: Vec<Box<dyn Augmentation>> = Vec::new();
            for choice in &input.augment {
                let entry = &AUGMENTATIONS[choice.index];
                let (axes, what) = match entry.changes {
                    Changes::Images => (3, "images: a shape [C, H, W]"),
                    Changes::Series => (2, "series: a shape [C, T]"),
                };
                if shape.axes().len() != axes {
                    let place = format!("data.inputs.{name}.augment");
                    let error = Error::usage(place, format!("{} does not fit this input", entry.name));
                    return Err(error.expected(what).found(format!("a shape {shape}")));
                }
                steps.push((entry.build)(&choice.values));
            }
            let grid = if channels_last { Grid::channels_last } else { Grid::channels_first };
            if let Some(grid) = grid(shape.axes()) {
                chains.push((name.clone(), Chain::new(steps, grid, zeros)));
            }
        }
        let threads = rayon::current_num_threads();
        let room = chains.iter().map(|(_, chain)| chain.room(threads)).max().unwrap_or(0);
        Ok(Augmenter { chains, room: vec![0.0; room] })
    }

    /// Changes the rows of `batch`, those of the input `name` in the step of `key`, if the config wants it; `lengths` are the
    /// steps of each row, where rows may end early.
    pub(super) fn apply(&mut self, name: &str, key: Key, batch: &mut [f32], lengths: Option<&[f32]>) {
        if let Some((_, chain)) = self.chains.iter().find(|(own, _)| own == name) {
            chain.apply(key.named("augment").named(name), batch, lengths, &mut self.room);
        }
    }
}
