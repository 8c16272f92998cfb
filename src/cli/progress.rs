//! What a run tells while it goes on, on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text;
use crate::train::{Epoch, Finished, Progress, Started};

/// How often the moving line of a terminal changes.
const REDRAW: Duration = Duration::from_millis(100);

/// Epochs that end sooner than this after the last line that stayed only change the moving line.
const STAYS: Duration = Duration::from_secs(1);

/// Prints nothing if it is quiet, a moving line and some lasting ones on a terminal, and a line an epoch elsewhere.
pub(super) struct Reporter {
    quiet: bool,
    /// Whether to tell what was inferred.
    summary: bool,
    /// The moving line; on a terminal only.
    bar: Option<ProgressBar>,
    /// Rows of a batch, or its tokens.
    batch_size: u64,
    of_text: bool,
    epochs: u64,
    /// The running epoch: its number, and how many batches were done when.
    running: (u64, u64, Instant),
    /// How long the last epoch took.
    last_epoch: Duration,
    drawn: Instant,
    stayed: Instant,
    /// The line of the last epoch, where it is not printed for good yet.
    pending: Option<String>,
    /// To be set when training starts.
    started: Option<Arc<AtomicBool>>,
}

impl Reporter {
    /// For the standard error of this process.
    pub(super) fn new(quiet: bool) -> Self {
        let now = Instant::now();
        let terminal = !quiet && io::stderr().is_terminal();
        Reporter {
            quiet,
            summary: true,
            bar: terminal.then(hidden),
            batch_size: 0,
            of_text: false,
            epochs: 0,
            running: (0, 0, now),
            last_epoch: Duration::ZERO,
            drawn: now,
            stayed: now,
            pending: None,
            started: None,
        }
    }

    /// Notes and warnings only: the command itself prints what was inferred.
    pub(super) fn without_summary(quiet: bool) -> Self {
        let mut reporter = Reporter::new(quiet);
        reporter.summary = false;
        reporter
    }

    /// Sets `flag` when training starts.
    pub(super) fn set_when_started(&mut self, flag: &Arc<AtomicBool>) {
        self.started = Some(Arc::clone(flag));
    }

    /// Prints a line for good, above the moving one.
    pub(super) fn say(&self, line: &str) {
        let print = || {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        };
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Whether the moving line is to be drawn again.
    fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.drawn) >= REDRAW;
        if due {
            self.drawn = now;
        }
        due
    }

    fn draw(&self, position: u64, length: u64, prefix: String, message: String) {
        let Some(bar) = &self.bar else { return };
        let hidden = bar.is_hidden();
        if hidden {
            let style = ProgressStyle::with_template("{prefix} [{bar:20}] {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        }
        bar.set_length(length);
        bar.set_prefix(prefix);
        bar.set_message(message);
        bar.set_position(position);
        if hidden {
            // Only now, so that its first state is a whole one.
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.tick();
        }
    }

    /// Takes the moving line away; the next [`draw`](Self::draw) brings it back.
    fn take_away(&mut self) {
        if let Some(bar) = &mut self.bar {
            std::mem::replace(bar, hidden()).finish_and_clear();
        }
    }

    /// Takes the moving line away and leaves the last epoch's in its place.
    fn settle(&mut self) {
        self.take_away();
        if let Some(line) = self.pending.take() {
            self.say(&line);
        }
    }
}

/// A moving line that is not drawn yet.
fn hidden() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

impl Drop for Reporter {
    /// Also after a failure, whose message comes next.
    fn drop(&mut self) {
        self.settle();
    }
}

impl Progress for Reporter {
    fn note(&mut self, text: &str) {
        self.say(&format!("note: {text}"));
    }

    fn warning(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    fn started(&mut self, run: &Started) {
        if let Some(flag) = &self.started {
            flag.store(true, Ordering::SeqCst);
        }
        self.batch_size = (run.batch_size * run.context.unwrap_or(1)) as u64;
        self.of_text = run.context.is_some();
        self.epochs = run.epochs;
        if self.summary {
            self.say(text::started(run).trim_end());
        }
    }

    fn directory(&mut self, path: &str, resumed: Option<u64>) {
        self.say(&text::directory(path, resumed));
    }

    fn batch(&mut self, epoch: u64, done: u64, total: u64, loss: f64) {
        if self.bar.is_none() {
            return;
        }
        let now = Instant::now();
        if self.running.0 != epoch {
            self.running = (epoch, done, now);
        }
        if !self.is_due(now) {
            return;
        }
        let (_, first, since) = self.running;
        let samples = (done.saturating_sub(first) * self.batch_size) as f64;
        let speed = samples / now.duration_since(since).as_secs_f64().max(1e-9);
        let prefix = format!("epoch {epoch}/{}", self.epochs);
        match &self.pending {
            // An epoch takes a blink: show how far the run is.
            Some(last) if self.last_epoch < STAYS / 2 => {
                self.draw(epoch, self.epochs, "run".into(), last.clone());
            }
            _ => self.draw(done, total, prefix, text::running(loss, speed, self.of_text)),
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = text::epoch(epoch);
        let now = Instant::now();
        self.last_epoch = now.duration_since(self.running.2);
        if let Some(sample) = &epoch.sample {
            // The moving line would tell of this epoch below its text: it comes back with the next one.
            self.take_away();
            self.stayed = now;
            self.pending = None;
            self.say(&line);
            self.note(&format!("epoch {} writes:\n{sample}\n", epoch.epoch));
            return;
        }
        if self.bar.is_none() {
            self.say(&line);
            return;
        }
        if now.duration_since(self.stayed) >= STAYS {
            self.stayed = now;
            self.pending = None;
            self.say(&line);
        } else {
            self.pending = Some(line);
        }
    }

    fn finished(&mut self, _end: &Finished) {
        self.settle();
    }
}
