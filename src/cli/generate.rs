//! `backprop generate`

use std::io::{self, IsTerminal, Read as _};
use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::data_args::threads;
use super::output::Results;
use super::progress::Reporter;
use super::signals::Signals;
use crate::error::{Code, Error, Result};
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
    /// What the text begins with [default: standard input if it is no terminal, else a line feed]
    #[arg(short, long, value_name = "TEXT")]
    prompt: Option<String>,
    /// The most tokens of a text
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    max_tokens: usize,
    /// Divides the logits: below 1 likely tokens become likelier; 0: always the most likely one
    #[arg(short, long, value_name = "T", default_value_t = 0.8, value_parser = not_negative)]
    temperature: f64,
    /// Choose among the K most likely tokens; 0: all
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,
    /// Choose among the most likely tokens that have probability P together
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = share)]
    top_p: f64,
    /// Choose among tokens at least P times as likely as the most likely one
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    min_p: f64,
    /// Makes tokens that are in the context already less likely: 1 not at all, 1.1 a little
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = penalty)]
    repetition_penalty: f64,
    /// A text that ends the generated one, and is left out of it; \n and \t are understood; may be given
    /// several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Number of texts, with a line --- between them
    #[arg(long, value_name = "N", default_value_t = 1)]
    samples: usize,
    /// Decides every choice: the same seed gives the same text, with any number of threads
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write the generated text alone, without the prompt
    #[arg(long)]
    no_echo: bool,
    /// Write a JSON object a line for each token instead: sample, index, id, token and logprob, the natural logarithm
    /// of its probability at temperature 1
    #[arg(long)]
    logprobs: bool,
    /// Threads to compute with; the text does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<u16>,
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &'static str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|&x: &f64| x.is_finite() && fits(x)).ok_or(expected)
}

fn not_negative(text: &str) -> Result<f64, &'static str> {
    number(text, |x| x >= 0.0, "not a number from 0 on")
}

fn share(text: &str) -> Result<f64, &'static str> {
    number(text, |x| (0.0..=1.0).contains(&x), "not a number from 0 to 1")
}

fn penalty(text: &str) -> Result<f64, &'static str> {
    number(text, |x| x > 0.0, "not a number above 0")
}

/// Writes generated text.
pub(super) fn run(args: &GenerateArgs, global: &Global) -> Result<()> {
    let mut reporter = Reporter::new(global.quiet);
    let mut out = Results::standard_output();
    let signals = Signals::catch(out.unfinished(), global.error_format)?;
    let prompt = args.prompt()?;
    let options = GenerateOptions {
        echo: !args.no_echo
            && !prompt.text.is_empty()
            && (args.prompt.is_some() || prompt.code == Code::Data),
        prompt,
        max_tokens: args.max_tokens,
        sampling: Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            min_p: args.min_p,
            repetition_penalty: args.repetition_penalty,
        },
        stop: args.stop.iter().map(|text| text.replace("\\n", "\n").replace("\\t", "\t")).collect(),
        samples: args.samples,
        seed: args.seed,
        log_probabilities: args.logprobs,
    };
    let threads = args.threads.map(usize::from);
    let done = train::generate(&args.model, &options, threads, &mut out, &mut reporter, &signals.stop);
    if done.is_ok() && !args.logprobs {
        // The shell's prompt begins a line of its own. What fails is kept in `out`.
        let _ = io::Write::write_all(&mut out, b"\n");
    }
    out.finish(done)
}

impl GenerateArgs {
    /// The prompt: named, piped, or a line feed, behind which texts begin.
    fn prompt(&self) -> Result<Prompt> {
        if let Some(text) = &self.prompt {
            return Ok(Prompt { text: text.clone(), place: "--prompt".into(), code: Code::Usage });
        }
        if io::stdin().is_terminal() {
            return Ok(Prompt { text: "\n".into(), place: "--prompt".into(), code: Code::Usage });
        }
        let place = "standard input";
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        read.map_err(|e| Error::environment(place, format!("cannot be read: {e}")))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            Error::data(place, "not UTF-8").found(format!("byte 0x{:02X} at offset {at}", e.as_bytes()[at]))
        })?;
        if text.is_empty() {
            return Ok(Prompt { text: "\n".into(), place: place.into(), code: Code::Usage });
        }
        Ok(Prompt { text, place: place.into(), code: Code::Data })
    }
}
