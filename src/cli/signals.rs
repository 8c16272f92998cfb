//! SIGINT and SIGTERM: the first asks the work to stop, a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::failure::ErrorFormat;
use super::output::Unfinished;
use crate::error::{Error, Result};
use crate::train::Stop;

const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// What is said of work that a signal ended wherever it was.
pub(super) const STOPPED: &str = "stopped by a signal";

/// What a signal sets.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    /// What the work polls.
    pub(super) stop: Stop,
    /// Set by the work once it has something to save: then it alone ends the process.
    pub(super) saves: Arc<AtomicBool>,
}

impl Signals {
    /// Catches both signals from here on. Work that has nothing to save and does not stop by itself in time, since it
    /// waits for a pipe or a terminal or is in the middle of something long, is ended, and `message` is printed; the `output`
    /// that it was writing is removed.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment) where the system refuses.
    pub(super) fn catch(
        output: Option<Unfinished>,
        message: &'static str,
        format: ErrorFormat,
    ) -> Result<Self> {
        let number = Arc::new(AtomicUsize::new(0));
        let signals = Signals { stop: Stop::from_flag(Arc::clone(&number)), saves: Arc::default() };
        let caught = install(&number).and_then(|()| watch::start(&signals, output, message, format));
        caught.map_err(|e| Error::environment("signals", format!("cannot be caught: {e}")))?;
        Ok(signals)
    }
}

/// Makes a signal put its number into `stop`.
fn install(stop: &Arc<AtomicUsize>) -> io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        // Registered before what sets the flag, so the first signal does not end the process.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
    }
    // A caught SIGXFSZ makes a file over the size limit (`ulimit -f`) a failed write, which is reported.
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    for signal in SIGNALS {
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, Arc::clone(stop), signal as usize)?;
    }
    Ok(())
}

/// Ends a process whose work cannot notice a signal.
#[cfg(unix)]
mod watch {
    use std::sync::atomic::Ordering;
    use std::time::Duration;
    use std::{io, process, thread};

    use signal_hook::iterator::Signals as Incoming;

    use super::{ErrorFormat, SIGNALS, Signals, Unfinished};
    use crate::cli::{failure, output};
    use crate::error::{Code, Error, Problem};

    /// How long the work has to stop by itself.
    const GRACE: Duration = Duration::from_secs(1);

    pub(super) fn start(
        signals: &Signals,
        output: Option<Unfinished>,
        message: &'static str,
        format: ErrorFormat,
    ) -> io::Result<()> {
        let mut incoming = Incoming::new(SIGNALS)?;
        let signals = signals.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            let Some(signal) = incoming.forever().next() else { return };
            thread::sleep(GRACE);
            if signals.saves.load(Ordering::SeqCst) {
                return;
            }
            drop(output.as_ref().and_then(output::take));
            let signal = u8::try_from(signal).unwrap_or(u8::MAX);
            let error = Error::new(Code::Interrupted(signal), Problem::new("backprop", message));
            failure::print(&error, format);
            process::exit(i32::from(error.code.exit()));
        })?;
        Ok(())
    }
}

#[cfg(not(unix))]
mod watch {
    use super::{ErrorFormat, Signals, Unfinished};

    /// Nothing: here a second signal is needed.
    pub(super) fn start(_: &Signals, _: Option<Unfinished>, _: &str, _: ErrorFormat) -> std::io::Result<()> {
        Ok(())
    }
}
