//! `backprop generate`

use std::io::{self, IsTerminal, Read as _, Write};
use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::output::Results;
use super::progress::Reporter;
use super::signals::{STOPPED, Signals};
use super::values::{at_least, escaped, not_negative, positive, share, threads, whole};
use crate::error::{Code, Error, Result, quote};
use crate::train::{self, GenerateOptions, Prompt, Sampling};

const EXAMPLES: &str = "\
Examples:
  backprop generate runs/shakespeare-1 --prompt \"ROMEO:\" --max-tokens 500 --seed 1
  echo \"Dear \" | backprop generate runs/letters-1 --samples 3 --temperature 1.1
  backprop generate runs/names-1 --stop '\\n' --no-echo --samples 10
  backprop generate runs/names-1 --prompt an --logprobs | jq .logprob";

/// Generate text with a language model, streamed as it comes
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GenerateArgs {
    /// Run directory, or one .safetensors file
    model: PathBuf,
    /// What the text begins with [default: standard input if it is a pipe or a file, less one line break at its end; else
    /// a line feed, or the first token of a model that knows none]
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// The most tokens of a text
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, value_parser = at_least(0), allow_negative_numbers = true)]
    max_tokens: usize,
    /// Divides the logits: below 1 likely tokens become likelier; 0: always the most likely one
    #[arg(short, long, value_name = "T", default_value_t = 0.8, value_parser = not_negative, allow_negative_numbers = true)]
    temperature: f64,
    /// Choose among the K most likely tokens; 0: all
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = at_least(0), allow_negative_numbers = true)]
    top_k: usize,
    /// Choose among the most likely tokens that have probability P together
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = share, allow_negative_numbers = true)]
    top_p: f64,
    /// Choose among tokens at least P times as likely as the most likely one
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share, allow_negative_numbers = true)]
    min_p: f64,
    /// Makes tokens that are in the context already less likely: 1 not at all, 1.1 a little
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = positive, allow_negative_numbers = true)]
    repetition_penalty: f64,
    /// A text that ends the generated one, and is left out of it; \n, \t and \\ are understood; may be given
    /// several times. With --logprobs each token that holds some of it is left out
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = escaped)]
    stop: Vec<String>,
    /// Number of texts, with a line --- between them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least(1), allow_negative_numbers = true)]
    samples: usize,
    /// Decides every choice: the same seed gives the same text, with any number of threads
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0, u64::MAX), allow_negative_numbers = true)]
    seed: u64,
    /// Write the generated text alone, without the prompt
    #[arg(long)]
    no_echo: bool,
    /// Write a JSON object a line for each token instead: sample, index, id, token and logprob, the natural logarithm
    /// of its probability at temperature 1; the unknown token has one as well, and is never written
    #[arg(long)]
    logprobs: bool,
    /// Threads to compute with; the text does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<u16>,
}

/// Writes generated text.
pub(super) fn run(args: &GenerateArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let mut out = Streamed { to: Results::standard_output(), open: false };
    let signals = Signals::catch(out.to.unfinished(), STOPPED, global.error_format)?;
    let prompt = args.prompt()?;
    let options = GenerateOptions {
        echo: !args.no_echo && prompt.is_some(),
        prompt,
        max_tokens: args.max_tokens,
        sampling: Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            min_p: args.min_p,
            repetition_penalty: args.repetition_penalty,
        },
        stop: args.stop.clone(),
        samples: args.samples,
        seed: args.seed,
        log_probabilities: args.logprobs,
    };
    let threads = args.threads.map(usize::from);
    let done = train::generate(&args.model, &options, threads, &mut out, &mut reporter, &signals.stop);
    if done.is_err() && out.open && io::stdout().is_terminal() {
        // The message begins a line of its own; a pipe gets what was generated alone. What fails is kept in `out`.
        let _ = out.write_all(b"\n");
    }
    out.to.finish(done)
}

/// Results, and whether the last line of them is open.
struct Streamed {
    to: Results,
    open: bool,
}

impl Write for Streamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        if let Some(&last) = bytes[..written].last() {
            self.open = last != b'\n';
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl GenerateArgs {
    /// The prompt: named or piped; none where nothing is piped in.
    fn prompt(&self) -> Result<Option<Prompt>> {
        if let Some(text) = &self.prompt {
            return Ok(Some(Prompt { text: text.clone(), place: "--prompt".into(), code: Code::Usage }));
        }
        if io::stdin().is_terminal() || is_device() {
            return Ok(None);
        }
        let place = "standard input";
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        read.map_err(|e| Error::environment(place, format!("cannot be read: {e}")))?;
        let mut text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            Error::data(place, "not UTF-8").found(format!("byte 0x{:02X} at offset {at}", e.as_bytes()[at]))
        })?;
        // As a shell does with what a command prints: the text goes on behind the prompt, not on a new line.
        let end =
            text.strip_suffix('\n').map_or(text.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
        text.truncate(end);
        if text.is_empty() {
            return Err(Error::data(place, "the prompt has no token")
                .expected("a text that the model can go on from")
                .found(quote(&text))
                .help("give --prompt TEXT, or pipe a text in"));
        }
        Ok(Some(Prompt { text, place: place.into(), code: Code::Data }))
    }
}

/// Whether standard input is a device such as `/dev/null`, as it is for jobs that nothing is piped into.
fn is_device() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;
        let file = io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
        file.and_then(|file| file.metadata()).is_ok_and(|about| about.file_type().is_char_device())
    }
    #[cfg(not(unix))]
    false
}
