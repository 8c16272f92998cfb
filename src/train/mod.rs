//! Training, evaluating and predicting: the work behind the commands, without a word printed.

mod answer;
mod augment;
mod baseline;
mod better;
mod blocks;
mod chain;
mod closing;
mod decoder;
mod default_layers;
mod defaults;
mod diagnose;
mod diverged;
mod evaluate;
mod generate;
mod head;
mod in_order;
mod language;
mod load;
mod memory;
mod mixup;
mod model;
mod not_finite;
mod origin;
mod output;
mod pace;
mod picture;
mod predict;
#[cfg(test)]
mod predict_tests;
mod progress;
mod run;
mod same_run;
mod sampling;
mod scores;
mod season;
#[cfg(test)]
mod series_tests;
mod settings;
mod single;
mod state;
#[cfg(test)]
mod step_row_tests;
#[cfg(test)]
mod step_tests;
mod stepper;
mod stop;
mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod text_tests;
mod trainer;
mod watched;
mod writer;

pub use crate::data::Keep;
pub use evaluate::{EvalOptions, Evaluation, evaluate};
pub use generate::{GenerateOptions, Prompt, generate};
pub use head::Head;
pub use load::{data_options, read_options};
pub use model::Model;
pub use output::Output;
pub use predict::{Format, PredictOptions, predict};
pub use progress::{Chosen, Epoch, Figure, Finished, Progress, SettingLine, Silent, Started};
pub use run::{Job, resume, train};
pub use sampling::Sampling;
pub use scores::{OutputScores, Scores};
pub use stop::Stop;
pub use summary::{check, dot};
