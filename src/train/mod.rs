//! Training, evaluating and predicting: the work behind the commands, without a word printed.

mod baseline;
mod defaults;
mod diagnose;
mod evaluator;
mod head;
mod load;
mod model;
mod progress;
mod run;
mod state;
mod stepper;
mod stop;
mod trainer;

pub use evaluator::Scores;
pub use head::Head;
pub use load::{data_options, read_options};
pub use model::Model;
pub use progress::{Epoch, Figure, Finished, Progress, Silent, Started};
pub use run::{Job, check, resume, train};
pub use stop::Stop;
