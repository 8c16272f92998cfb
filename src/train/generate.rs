//! Text from a language model.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::config;
use crate::data::{Decoder, Tokenizer};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::Mode;
use crate::tensor::Key;
use crate::train::decoder::TokenDecoder;
use crate::train::run::in_pool;
use crate::train::sampling::{Sampler, Sampling, log_probability};
use crate::train::{Model, Progress, Stop};

/// What is to be generated.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// What the text begins with.
    pub prompt: Prompt,
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

/// Generates texts with the model at `model` and writes them to `out` as they come.
///
/// # Errors
/// Those of [`Model::load`]; [`Code::Usage`] for a model that is no language model; the prompt's code for one without a token or with
/// a character that the model does not know; [`Code::Environment`] where `out` cannot be written; [`Code::Interrupted`].
pub fn generate(
    model: &Path,
    options: &GenerateOptions,
    threads: Option<usize>,
    out: &mut (dyn Write + Send),
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<()> {
    in_pool(threads, || {
        let model = Model::load(model, Mode::Predict, Some(1))?;
        let mut decoder = TokenDecoder::of(&model)?;
        let Some(language) = &model.preprocessing.language else { return Ok(()) };
        let prompt = encode(&language.tokenizer, &options.prompt)?;
        if prompt.len() > language.context && decoder.is_limited() {
            progress.note(&format!(
                "the prompt has {} tokens: the network looks back on the last {}",
                prompt.len(),
                language.context
            ));
        }
        let start = Instant::now();
        let mut tokens = 0;
        for sample in 0..options.samples {
            let mut writer = Writer::new(options, &language.tokenizer, sample, out);
            writer.begin(&options.prompt.text)?;
            let key = Key::new(options.seed).named("generate").part(sample as u64);
            tokens += one(&mut decoder, options, &prompt, key, &mut writer, stop)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        progress.note(&format!("{tokens} tokens in {seconds:.2} s"));
        Ok(())
    })
}

/// The text that `config` wants of a network with the weights of `model`.
///
/// # Errors
/// As [`generate`].
pub(super) fn sample(model: &Model, config: &config::Sample) -> Result<String> {
    let options = &GenerateOptions {
        prompt: Prompt {
            text: config.prompt.clone(),
            place: "train.sample.prompt".into(),
            code: Code::Usage,
        },
        max_tokens: config.max_tokens,
        sampling: Sampling { temperature: config.temperature, ..Sampling::default() },
        stop: Vec::new(),
        samples: 1,
        seed: model.config.seed,
        echo: true,
        log_probabilities: false,
    };
    let mut decoder = TokenDecoder::of(model)?;
    let Some(language) = &model.preprocessing.language else { return Ok(String::new()) };
    let prompt = encode(&language.tokenizer, &options.prompt)?;
    let mut out = Vec::new();
    let mut writer = Writer::new(options, &language.tokenizer, 0, &mut out);
    writer.begin(&options.prompt.text)?;
    one(&mut decoder, options, &prompt, Key::new(options.seed).named("generate"), &mut writer, &Stop::new())?;
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

/// Generates one text; how many tokens it has.
fn one(
    decoder: &mut TokenDecoder,
    options: &GenerateOptions,
    prompt: &[u32],
    key: Key,
    writer: &mut Writer<'_, '_>,
    stop: &Stop,
) -> Result<usize> {
    decoder.clear();
    let mut sampler = Sampler::new(options.sampling.clone());
    let mut logits = decoder.read_all(prompt).to_vec();
    for index in 0..options.max_tokens {
        stop.check("generate")?;
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

/// Writes a text as it comes, up to a text that stops it.
struct Writer<'t, 'o> {
    options: &'t GenerateOptions,
    decoder: Decoder<'t>,
    tokenizer: &'t Tokenizer,
    sample: usize,
    index: usize,
    /// Text that may be the beginning of one that stops.
    held: String,
    out: &'o mut (dyn Write + Send),
}

impl<'t, 'o> Writer<'t, 'o> {
    fn new(
        options: &'t GenerateOptions,
        tokenizer: &'t Tokenizer,
        sample: usize,
        out: &'o mut (dyn Write + Send),
    ) -> Self {
        let decoder = tokenizer.decoder();
        Writer { options, decoder, tokenizer, sample, index: 0, held: String::new(), out }
    }

    fn put(&mut self, text: &str) -> Result<()> {
        let done = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        done.map_err(|e: io::Error| Error::environment("the output", format!("cannot write: {e}")))
    }

    fn begin(&mut self, prompt: &str) -> Result<()> {
        if self.options.log_probabilities {
            return Ok(());
        }
        if self.sample > 0 {
            self.put(BETWEEN)?;
        }
        if self.options.echo { self.put(prompt) } else { Ok(()) }
    }

    /// Takes a token; whether the text ends with it.
    fn token(&mut self, token: u32, logits: &[f32]) -> Result<bool> {
        let before = self.held.len();
        self.decoder.push(token, &mut self.held);
        // A text that stops ends with what is new, so it begins not too long before it.
        let longest = self.options.stop.iter().map(String::len).max().unwrap_or(0);
        let mut from = before.saturating_sub(longest);
        while !self.held.is_char_boundary(from) {
            from -= 1;
        }
        let found = self.options.stop.iter().filter(|stop| !stop.is_empty());
        let end = found.filter_map(|stop| Some(from + self.held[from..].find(stop.as_str())?)).min();
        if self.options.log_probabilities {
            let text = String::from_utf8_lossy(&self.tokenizer.token(token)).into_owned();
            let line = json!({
                "sample": self.sample, "index": self.index, "id": token, "token": text,
                "logprob": log_probability(logits, token),
            });
            self.index += 1;
            self.put(&format!("{line}\n"))?;
            return Ok(end.is_some());
        }
        if let Some(end) = end {
            self.held.truncate(end);
            let text = std::mem::take(&mut self.held);
            self.put(&text)?;
            return Ok(true);
        }
        let open = self.held.char_indices().map(|(at, _)| at).find(|&at| {
            let rest = &self.held[at..];
            self.options.stop.iter().any(|stop| stop.starts_with(rest))
        });
        let rest = self.held.split_off(open.unwrap_or(self.held.len()));
        let text = std::mem::replace(&mut self.held, rest);
        if text.is_empty() { Ok(false) } else { self.put(&text).map(|()| false) }
    }

    /// Ends a text that nothing stopped.
    fn end(&mut self) -> Result<()> {
        if self.options.log_probabilities {
            return Ok(());
        }
        let mut text = std::mem::take(&mut self.held);
        self.decoder.clone().finish(&mut text);
        self.put(&text)
    }
}
