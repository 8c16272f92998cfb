//! Training, evaluating and predicting: the work behind the commands, without a word printed.

mod answer;
mod baseline;
mod blocks;
mod defaults;
mod diagnose;
mod evaluate;
mod evaluator;
mod head;
mod load;
mod model;
mod predict;
#[cfg(test)]
mod predict_tests;
mod progress;
mod run;
mod state;
mod stepper;
mod stop;
#[cfg(test)]
mod testing;
mod trainer;

pub use evaluate::{EvalOptions, Evaluation, evaluate};
pub use evaluator::Scores;
pub use head::Head;
pub use load::{data_options, read_options};
pub use model::Model;
pub use predict::{Format, Keep, PredictOptions, predict};
pub use progress::{Epoch, Figure, Finished, Progress, Silent, Started};
pub use run::{Job, check, resume, train};
pub use stop::Stop;
