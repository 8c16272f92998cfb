//! SIGINT and SIGTERM: the first asks the work to stop, a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// The number of the signal that arrived; 0 before.
pub(super) type Flag = Arc<AtomicUsize>;

/// Catches both signals from here on.
///
/// # Errors
/// [`Code::Environment`](crate::error::Code::Environment) where the system refuses.
pub(super) fn catch() -> Result<Flag> {
    let stopped = Flag::default();
    install(&stopped).map_err(|e| Error::environment("signals", format!("cannot be caught: {e}")))?;
    Ok(stopped)
}

fn install(stopped: &Flag) -> io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Runs before the flag is set, so the first signal does not end the process.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
    }
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, Arc::clone(stopped), signal as usize)?;
    }
    Ok(())
}
