//! The files of a run: models, checkpoints, metrics, and the lock that keeps two runs apart.
//!
//! Everything that is written here is whole at any moment: [`AtomicFile`] writes beside the place, syncs and renames;
//! [`AppendFile`] takes complete lines only. Nothing here knows what a network is: a [`ModelFile`] is named
//! tensors and named texts.

mod append;
mod atomic;
#[cfg(test)]
mod damage_tests;
mod header;
mod metrics_log;
mod model;
mod open;
mod run_dir;
mod sniff;
mod tensors;

pub use append::AppendFile;
pub use atomic::{AtomicFile, io_error, place, write_bytes};
pub use metrics_log::{MetricsLog, Row, Split};
pub use model::{FORMAT_VERSION, ModelFile};
pub use open::{model_of_checkpoint, open_model};
pub use run_dir::{CONFIG_FILE, Existing, LAST_CHECKPOINT, METRICS_FILE, MODEL_FILE, RunDir};
pub use tensors::{Data, HEADER_LIMIT, Tensor};
