//! Being asked to stop, polled at every batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Code, Error, Problem};

/// A flag that holds the number of the signal that asked to stop, or 0.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Never asked.
    pub fn new() -> Self {
        Stop::default()
    }

    /// Reads a flag that a signal handler sets.
    pub fn from_flag(flag: Arc<AtomicUsize>) -> Self {
        Stop(flag)
    }

    /// The signal's number, once there was one.
    pub fn signal(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            n => Some(u8::try_from(n).unwrap_or(u8::MAX)),
        }
    }

    /// An error, once there was a signal.
    ///
    /// # Errors
    /// `Code::Interrupted`.
    pub fn check(&self, place: &str) -> Result<(), Error> {
        match self.signal() {
            None => Ok(()),
            Some(signal) => Err(interrupted(signal, Problem::new(place, "stopped by a signal"))),
        }
    }
}

/// The error of a run that `signal` stopped.
pub(super) fn interrupted(signal: u8, problem: Problem) -> Error {
    Error::new(Code::Interrupted(signal), problem)
}
