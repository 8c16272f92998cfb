//! Training, evaluating and predicting: the work behind the commands, without a word printed.

mod progress;

pub use progress::{Epoch, Figure, Finished, Progress, Silent, Started};
