//! Table to schema to encoders to batches; knows nothing of networks.

pub mod reader;
pub mod source;
