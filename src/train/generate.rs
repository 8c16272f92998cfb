//! Text from a language model.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::checkpoint;
use crate::config::{self, Config};
use crate::data::{Decoder, Tokenizer};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::Mode;
use crate::tensor::Key;
use crate::train::decoder::TokenDecoder;
use crate::train::model::all_finite;
use crate::train::run::in_pool;
use crate::train::sampling::{Sampler, Sampling, log_probability};
use crate::train::{Model, Progress, Stop};

/// What is to be generated.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// What the text begins with; `None`: a line feed, or the first token of a tokenizer that knows none.
    pub prompt: Option<Prompt>,
    /// The most tokens of a text.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts that end a text; they are left out of it.
    pub stop: Vec<String>,
    /// Number of texts.
    pub samples: usize,
    /// Decides every choice: the same seed gives the same texts.
    pub seed: u64,
    /// Whether the prompt is written before each text.
    pub echo: bool,
    /// Whether each token is written as a JSON object with the logarithm of its probability.
    pub log_probabilities: bool,
}

/// What a text begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// What messages call it: `--prompt`, `standard input`.
    pub place: String,
    /// What a mistake in it is: of the command line, or of the data.
    pub code: Code,
}

/// Between the texts of several samples.
const BETWEEN: &str = "\n---\n";

/// Generates texts with the model at `path` and writes them to `out` as they come.
///
/// # Errors
/// Those of [`Model::load`]; [`Code::Model`] for logits that are not finite; [`Code::Usage`] for a model that is no language model; the prompt's code for one without a token or with
/// a character that the model does not know; [`Code::Environment`] where `out` cannot be written; [`Code::Interrupted`].
pub fn generate(
    path: &Path,
    options: &GenerateOptions,
    threads: Option<usize>,
    out: &mut (dyn Write + Send),
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<()> {
    in_pool(threads, || {
        let model = Model::load(path, Mode::Predict, Some(1))?;
        let mut decoder = TokenDecoder::of(&model)?;
        let Some(language) = &model.preprocessing.language else { return Ok(()) };
        let named = match &options.prompt {
            Some(prompt) => prompt.clone(),
            None => Prompt {
                text: default_prompt(&language.tokenizer),
                place: "--prompt".into(),
                code: Code::Usage,
            },
        };
        let prompt = encode(&language.tokenizer, &named)?;
        if prompt.len() > language.context && decoder.is_limited() {
            progress.note(&format!(
                "the prompt has {} tokens: the network looks back on the last {}",
                prompt.len(),
                language.context
            ));
        }
        if let Some(unknown) = language.tokenizer.unknown() {
            let count = prompt.iter().filter(|id| **id == unknown).count();
            if count > 0 {
                let all = prompt.len();
                progress.note(&format!("{count} of {all} tokens of the prompt are not in the vocabulary"));
            }
        }
        let start = Instant::now();
        let mut tokens = 0;
        for sample in 0..options.samples {
            let behind = language.tokenizer.decoder_behind(&named.text, &prompt);
            let mut writer = Writer::new(options, &language.tokenizer, behind, sample, out);
            writer.begin(&named.text)?;
            let key = Key::new(options.seed).named("generate").part(sample as u64);
            let place = match options.samples {
                1 => checkpoint::place(path),
                _ => format!("{}, text {}", checkpoint::place(path), sample + 1),
            };
            tokens += one(&mut decoder, options, &prompt, key, &mut writer, stop)
                .map_err(|failure| failure.error(&place))?;
        }
        let seconds = start.elapsed().as_secs_f64();
        if !options.log_probabilities {
            // Whatever comes behind the text, this note and the prompt of a shell, begins a line of its own.
            put(out, "\n")?;
        }
        progress.note(&format!("{tokens} tokens in {seconds:.2} s"));
        Ok(())
    })
}

/// Fills in what `config` leaves open of the texts to show, and makes sure that the tokenizer knows their prompt.
///
/// # Errors
/// `Code::Usage` for a prompt without a token or with a character that the tokenizer does not know.
pub(super) fn settle_sample(config: &mut Config, tokenizer: &Tokenizer) -> Result<()> {
    let Some(sample) = &mut config.train.sample else { return Ok(()) };
    let text = sample.prompt.get_or_insert_with(|| default_prompt(tokenizer));
    encode(tokenizer, &sample_prompt(text)).map(|_| ())
}

fn sample_prompt(text: &str) -> Prompt {
    Prompt { text: text.to_owned(), place: "train.sample.prompt".into(), code: Code::Usage }
}

/// A line feed, behind which texts begin; of a tokenizer that has no token for it, the first token that is a text.
fn default_prompt(tokenizer: &Tokenizer) -> String {
    let knows = |text: &str| {
        let mut ids = Vec::new();
        tokenizer.encode(text, &mut ids).is_ok()
            && !ids.is_empty()
            && ids.iter().all(|&id| Some(id) != tokenizer.unknown())
    };
    let line_feed = "\n".to_owned();
    if knows(&line_feed) {
        return line_feed;
    }
    let texts = (0..tokenizer.vocabulary() as u32)
        .filter_map(|id| String::from_utf8(tokenizer.token(id).into_owned()).ok());
    texts.into_iter().find(|text| knows(text)).unwrap_or(line_feed)
}

/// The text that `config` wants of a network with the weights of `model`.
///
/// # Errors
/// As [`generate`]; the step whose logits are not finite.
pub(super) fn sample(model: &Model, config: &config::Sample, stop: &Stop) -> Result<String, Failure> {
    let Some(language) = &model.preprocessing.language else { return Ok(String::new()) };
    let named = match &config.prompt {
        Some(text) => sample_prompt(text),
        None => sample_prompt(&default_prompt(&language.tokenizer)),
    };
    let options = &GenerateOptions {
        prompt: None,
        max_tokens: config.max_tokens,
        sampling: Sampling { temperature: config.temperature, ..Sampling::default() },
        stop: Vec::new(),
        samples: 1,
        seed: model.config.seed,
        echo: true,
        log_probabilities: false,
    };
    let mut decoder = TokenDecoder::of(model)?;
    let prompt = encode(&language.tokenizer, &named)?;
    let mut out = Vec::new();
    let behind = language.tokenizer.decoder_behind(&named.text, &prompt);
    let mut writer = Writer::new(options, &language.tokenizer, behind, 0, &mut out);
    writer.begin(&named.text)?;
    one(&mut decoder, options, &prompt, Key::new(options.seed).named("generate"), &mut writer, stop)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The ids of a prompt.
pub(super) fn encode(tokenizer: &Tokenizer, prompt: &Prompt) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
    let refuse = |what: String| Error::new(prompt.code, Problem::new(&*prompt.place, what));
    tokenizer.encode(&prompt.text, &mut ids).map_err(|unknown| {
        refuse(unknown.to_string()).help("the model knows the characters of its training text alone")
    })?;
    if ids.is_empty() {
        return Err(refuse("the prompt has no token".into())
            .expected("a text that the model can go on from")
            .found(quote(&prompt.text)));
    }
    Ok(ids)
}

/// Why a text was not generated to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// The logits of this step are not finite: the first token of the text is step 1.
    NotFinite {
        step: usize,
    },
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Other(error)
    }
}

impl Failure {
    /// The error about the model at `place`.
    fn error(self, place: &str) -> Error {
        match self {
            Failure::Other(error) => error,
            Failure::NotFinite { step } => {
                Error::model(format!("{place}, step {step}"), "the logits of the next token are not finite")
                    .help("train the model again with a smaller train.optimizer.learning_rate")
            }
        }
    }
}

/// Generates one text; how many tokens it has.
fn one(
    decoder: &mut TokenDecoder,
    options: &GenerateOptions,
    prompt: &[u32],
    key: Key,
    writer: &mut Writer<'_, '_>,
    stop: &Stop,
) -> Result<usize, Failure> {
    let mut sampler = Sampler::new(options.sampling.clone(), writer.tokenizer.unknown());
    let mut logits = decoder.begin(prompt).to_vec();
    for index in 0..options.max_tokens {
        stop.check("generate")?;
        if !all_finite(&logits) {
            return Err(Failure::NotFinite { step: index + 1 });
        }
        let token = sampler.choose(&logits, decoder.window(), key.part(index as u64));
        if writer.token(token, &logits)? {
            return Ok(index + 1);
        }
        if index + 1 < options.max_tokens {
            logits.clear();
            logits.extend_from_slice(decoder.read(token));
        }
    }
    writer.end()?;
    Ok(options.max_tokens)
}

fn put(out: &mut (dyn Write + Send), text: &str) -> Result<()> {
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    done.map_err(|e: io::Error| Error::environment("the output", format!("cannot write: {e}")))
}

/// Writes a text as it comes, or its tokens, up to a text that stops it.
struct Writer<'t, 'o> {
    options: &'t GenerateOptions,
    decoder: Decoder<'t>,
    tokenizer: &'t Tokenizer,
    sample: usize,
    index: usize,
    /// Text that may be the beginning of one that stops.
    held: String,
    /// Bytes of text before it.
    before: usize,
    /// Lines of tokens that may hold some of a text that stops, each with the place where its token ends.
    lines: VecDeque<(usize, String)>,
    out: &'o mut (dyn Write + Send),
}

impl<'t, 'o> Writer<'t, 'o> {
    fn new(
        options: &'t GenerateOptions,
        tokenizer: &'t Tokenizer,
        decoder: Decoder<'t>,
        sample: usize,
        out: &'o mut (dyn Write + Send),
    ) -> Self {
        let (held, lines) = (String::new(), VecDeque::new());
        Writer { options, decoder, tokenizer, sample, index: 0, held, before: 0, lines, out }
    }

    fn begin(&mut self, prompt: &str) -> Result<()> {
        if self.options.log_probabilities {
            return Ok(());
        }
        if self.sample > 0 {
            put(self.out, BETWEEN)?;
        }
        if self.options.echo { put(self.out, prompt) } else { Ok(()) }
    }

    /// Takes a token; whether the text ends with it.
    fn token(&mut self, token: u32, logits: &[f32]) -> Result<bool> {
        self.decoder.push(token, &mut self.held);
        if self.options.log_probabilities {
            let line = self.line(token, logits);
            self.lines.push_back(line);
        }
        let stops = || self.options.stop.iter().filter(|stop| !stop.is_empty());
        let end = stops().filter_map(|stop| self.held.find(stop.as_str())).min();
        let open = || {
            let mut places = self.held.char_indices().map(|(at, _)| at);
            places.find(|&at| stops().any(|stop| stop.starts_with(&self.held[at..])))
        };
        let done = end.or_else(open).unwrap_or(self.held.len());
        let waits = end.is_some() || stops().next().is_some();
        self.release(done, waits)?;
        Ok(end.is_some())
    }

    /// What is written of a token, and the place in the text where it ends: where the beginning of a character is left over, within it.
    fn line(&mut self, token: u32, logits: &[f32]) -> (usize, String) {
        let text = String::from_utf8_lossy(&self.tokenizer.token(token)).into_owned();
        let line = json!({
            "sample": self.sample, "index": self.index, "id": token, "token": text,
            "logprob": log_probability(logits, token),
        });
        self.index += 1;
        let mut open = String::new();
        self.decoder.clone().finish(&mut open);
        (self.before + self.held.len() + usize::from(!open.is_empty()), format!("{line}\n"))
    }

    /// Writes the first `done` bytes of what is held, or the tokens that end there; all tokens if none of them need wait.
    fn release(&mut self, done: usize, waits: bool) -> Result<()> {
        let rest = self.held.split_off(done);
        let text = std::mem::replace(&mut self.held, rest);
        self.before += text.len();
        if self.options.log_probabilities {
            let ready = self.lines.iter().take_while(|(end, _)| !waits || *end <= self.before).count();
            return self.lines.drain(..ready).try_for_each(|(_, line)| put(self.out, &line));
        }
        if text.is_empty() { Ok(()) } else { put(self.out, &text) }
    }

    /// Ends a text that nothing stopped.
    fn end(&mut self) -> Result<()> {
        self.decoder.clone().finish(&mut self.held);
        self.release(self.held.len(), false)
    }
}
