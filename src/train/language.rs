//! A language model's text: from the files of a config to windows of tokens, and what a model must beat on them.

use std::io::{self, Write};

use crate::backend::MappedWriter;
use crate::config::{Config, EarlyStopping, Text, Validation};
use crate::data::source::Source;
use crate::data::{
    Bytes, Corpus, CorpusOptions, Fitted, Language, Preprocessing, Schema, Spelled, Spill, Table, TokenRows,
    Tokenizer, TokenizerKind, TokenizerSpec, Tokens,
};
use crate::error::{Code, Error, Problem, Result, counted};
use crate::metrics::{Report, TextTotals};
use crate::tensor::Key;
use crate::train::load::{Held, Loaded, source};
use crate::train::stepper::EVALUATE;
use crate::train::{Model, Progress, origin};

/// A temporary file that is mapped into memory.
struct File(MappedWriter);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Spill for File {
    fn finish(self: Box<Self>) -> io::Result<Bytes> {
        Ok(Box::new(self.0.finish()?))
    }
}

fn new_file() -> io::Result<Box<dyn Spill>> {
    Ok(Box::new(File(MappedWriter::new()?)))
}

/// Reads, divides and tokenises the text of `config`, with the tokenizer that is `known`, if one is.
///
/// # Errors
/// `Code::Data` for a text that is empty or shorter than the context, and for characters that the tokenizer does not know;
/// `Code::Usage` for files that are not there.
pub(super) fn load(
    config: &Config,
    text: &Text,
    known: Option<&Tokenizer>,
    progress: &mut dyn Progress,
) -> Result<Loaded> {
    let train = source(&config.data.train)?;
    train.check()?;
    let fraction = match config.data.validation {
        Validation::Fraction(fraction) => fraction,
        Validation::Files(_) => 0.0,
    };
    let kind = text.tokenizer.as_deref().unwrap_or("char");
    let kind = TokenizerKind::from_name(kind).ok_or_else(|| {
        Error::usage("data.tokenizer", "not one of the known words").found(crate::error::quote(kind))
    })?;
    let help = if known.is_some() { origin::UNKNOWN_CHARACTER } else { OTHER_TOKENIZER };
    let options = CorpusOptions {
        tokenizer: TokenizerSpec {
            kind,
            vocabulary_size: text.vocabulary_size,
            lowercase: false,
            unknown: false,
            line_breaks: text.lines,
        },
        known: known.cloned(),
        help,
        lines: text.lines,
        validation: fraction,
        test: config.data.test_fraction,
        seed: config.seed,
        spill: new_file,
    };
    let corpus = Corpus::read(&train, &options)?;
    if text.lines && !corpus.tokenizer.keeps_line_breaks() {
        let what = "each line is a document here, and the tokenizer has no token for the end of a line";
        return Err(Error::usage("data.tokenizer", what)
            .expected("a tokenizer that keeps line breaks")
            .found(crate::error::quote(text.tokenizer.as_deref().unwrap_or(corpus.tokenizer.name())))
            .help("choose data.tokenizer = \"char\", \"bpe\" or \"word\", a larger data.vocabulary_size, or data.documents = \"file\""));
    }
    let name = || config.data.train.join(", ");
    let context = text.context.unwrap_or(Text::CONTEXT);
    check_length(&name(), "the text that trains", &corpus.train, context)?;
    for (part, tokens, share) in
        [("validation", &corpus.validation, fraction), ("test", &corpus.test, config.data.test_fraction)]
    {
        if share > 0.0 && tokens.len() < 2 {
            let what = format!("the {part} part would be empty: {share} of the text");
            return Err(Error::data(name(), what)
                .expected("two tokens at least")
                .found(tokens.len().to_string())
                .help(format!("give it more text, a larger data.{part}, or a file of its own")));
        }
    }
    let test = corpus.test.len() as u64;
    progress.note(&format!(
        "{}, {} in the vocabulary{}",
        counted(corpus.characters, "character"),
        counted(corpus.tokenizer.vocabulary() as u64, "token"),
        if test > 0 { format!(", {} to test on", counted(test, "token")) } else { String::new() }
    ));
    if corpus.carriage_returns > 0 {
        progress.note(&format!(
            "{} holds {}, as Windows ends lines: each is a token; without them: tr -d '\\r' < FILE > NEW",
            name(),
            counted(corpus.carriage_returns, "carriage return")
        ));
    }
    let language = Language { tokenizer: corpus.tokenizer, context, lines: text.lines };
    let held = |files: Option<&Vec<String>>, tokens: Tokens| -> Result<Held> {
        let tokens = match files {
            Some(files) => read_or(&source(files)?, &language, help)?,
            None if tokens.is_empty() => return Ok(Held::Nothing),
            None => tokens,
        };
        let rows = TokenRows::new(tokens, language.context);
        let windows = rows.windows();
        Ok(Held::Table(Table::of_text(rows), windows))
    };
    let validation_files = match &config.data.validation {
        Validation::Files(files) => Some(files),
        Validation::Fraction(_) => None,
    };
    let test_files = (!config.data.test.is_empty()).then_some(&config.data.test);
    let (validation, test) = (held(validation_files, corpus.validation)?, held(test_files, corpus.test)?);
    let rows = TokenRows::new(corpus.train, language.context);
    let mut windows = rows.windows();
    windows.truncate(rows.whole_windows());
    let preprocessing = Preprocessing::of_text(language);
    Ok(Loaded {
        delimiter: None,
        fitted: Fitted {
            inputs: preprocessing.inputs(),
            preprocessing,
            table: Table::of_text(rows),
            schema: Schema::of_text(&name()),
            warnings: Vec::new(),
            notes: Vec::new(),
        },
        train: windows,
        held: validation,
        test,
    })
}

/// The tokens of all of `source`.
///
/// # Errors
/// Those of [`Corpus::tokens`]; `Code::Data` for a single token: there is none to foresee.
pub(super) fn read(source: &Source, language: &Language) -> Result<Tokens> {
    read_or(source, language, OTHER_TOKENIZER)
}

/// What helps against a character that a model does not know.
const OTHER_TOKENIZER: &str = "train with data.tokenizer = \"byte\" or \"bpe\", which know every text";

/// As [`read`]; `help` is for a character that the tokenizer does not know.
fn read_or(source: &Source, language: &Language, help: &str) -> Result<Tokens> {
    let tokens = Corpus::tokens(source, &language.tokenizer, language.lines, new_file, help)?;
    let name = source.name();
    if tokens.len() < 2 {
        return Err(Error::data(name, "a text of one token has no next token to predict")
            .expected("2 tokens at least")
            .found(tokens.len().to_string())
            .help("give it more text"));
    }
    check_size(&name, &tokens)?;
    Ok(tokens)
}

fn check_length(name: &str, what: &str, tokens: &Tokens, context: usize) -> Result<()> {
    if tokens.len() <= context {
        let problem =
            Problem::new(name, format!("{what} is shorter than the context and the token after it"))
                .expected(format!("{} tokens at least", context + 1))
                .found(tokens.len().to_string())
                .help("give it more text, or set a smaller data.context");
        return Err(Error::new(Code::Data, problem));
    }
    check_size(name, tokens)
}

fn check_size(name: &str, tokens: &Tokens) -> Result<()> {
    if tokens.len() > u32::MAX as usize {
        return Err(Error::data(name, "the text has more than 4,294,967,295 tokens"));
    }
    Ok(())
}

/// Windows that a stream of an evaluation has at least.
const STREAM: usize = 32;

/// Streams of an evaluation at most.
const STREAMS: usize = 64;

/// The streams that a model which carries what it has read is scored along: parts of `windows` that follow each other, each read from
/// nothing. How many there are follows from the text alone, whatever the batches of training were.
pub(super) fn streams(windows: &[u32]) -> Vec<&[u32]> {
    let count = (windows.len() / STREAM).clamp(1, STREAMS);
    windows.chunks(windows.len().div_ceil(count).max(1)).collect()
}

/// The windows that epoch `epoch` trains on, in their order.
pub(super) fn epoch_rows(model: &Model, text: &TokenRows, batch: usize, epoch: u64) -> Vec<u32> {
    let key = Key::new(model.config.seed).named("windows").part(epoch);
    if model.carries() {
        return text.shifted_streams(batch, key);
    }
    let mut rows = text.shifted_windows(key);
    if model.config.train.shuffle {
        key.named("order").stream().shuffle(&mut rows);
    }
    rows
}

/// How well the tokens that `rows` of a text foresee are foreseen by how often they came in the training text: alone, and after
/// the token before them.
///
/// Each count is one larger, so that nothing is impossible (Laplace). Pairs are counted for vocabularies up to [`PAIRS`].
pub(super) fn baselines(
    tokenizer: &Tokenizer,
    train: &TokenRows,
    part: &TokenRows,
    rows: &[u32],
) -> Vec<(&'static str, Report)> {
    let vocabulary = tokenizer.vocabulary();
    let steps = rows.iter().flat_map(|&row| part.steps(row));
    let (train, part) = (train.tokens(), part.tokens());
    let mut alone = vec![1u64; vocabulary];
    (0..train.len()).for_each(|at| alone[train.get(at) as usize] += 1);
    let all = (train.len() + vocabulary) as f64;
    let mut pairs = vec![0u64; if vocabulary <= PAIRS { vocabulary * vocabulary } else { 0 }];
    let mut befores = vec![0u64; vocabulary];
    if !pairs.is_empty() {
        for at in 1..train.len() {
            let (before, next) = (train.get(at - 1) as usize, train.get(at) as usize);
            pairs[before * vocabulary + next] += 1;
            befores[before] += 1;
        }
    }
    let spelled = Spelled::new(tokenizer);
    let (mut unigram, mut bigram) = (TextTotals::default(), TextTotals::default());
    for at in steps {
        let (before, next) = (part.get(at - 1) as usize, part.get(at) as usize);
        let (characters, unknown) = spelled.of(part, at);
        unigram.add_loss(-(alone[next] as f64 / all).ln());
        unigram.count(characters, unknown);
        if !pairs.is_empty() {
            let of = (pairs[before * vocabulary + next] + 1) as f64;
            bigram.add_loss(-(of / (befores[before] + vocabulary as u64) as f64).ln());
            bigram.count(characters, unknown);
        }
    }
    if part.lose_text() {
        unigram.lose_text();
        bigram.lose_text();
    }
    let mut reports = vec![("counts", Report::Text(unigram.finish()))];
    if !pairs.is_empty() {
        reports.push(("pairs", Report::Text(bigram.finish())));
    }
    reports
}

/// The largest vocabulary whose pairs are counted: 32 MB of them.
const PAIRS: usize = 2048;

/// Refuses to watch bits per character of a validation part for which there are none.
///
/// # Errors
/// `Code::Usage`.
pub(super) fn check_watched(config: &Config, loaded: &Loaded) -> Result<()> {
    let (EarlyStopping::After { metric, .. }, Held::Table(table, _), Some(language)) =
        (&config.train.early_stopping, &loaded.held, &loaded.fitted.preprocessing.language)
    else {
        return Ok(());
    };
    let Some(text) = table.text().filter(|_| metric == "bits_per_char") else { return Ok(()) };
    let spelled = Spelled::new(&language.tokenizer);
    let unknown = (1..text.len()).filter(|&at| spelled.of(text.tokens(), at).1).count();
    let what = match unknown {
        0 if !text.tokens().lose_text() => return Ok(()),
        0 => {
            "the validation part has something that its tokens do not give back: no bits_per_char can be said"
        }
        _ => "the validation part has words that the vocabulary lacks: no bits_per_char can be said",
    };
    let error = Error::usage("train.early_stopping.metric", what);
    let error = match unknown {
        0 => error,
        _ => error.found(format!("{unknown} of {} tokens", text.targets())),
    };
    Err(error.help(
        "watch \"loss\" or \"perplexity\", or choose data.tokenizer = \"bpe\", which gives every text back",
    ))
}

/// Refuses a network that sees the tokens it is to foresee. Where an op may look ahead, changing the last token of a row must change
/// no bit of what is said before it; the weights are the first ones then, with something added to each, for zeros hide what they
/// multiply. The model has its first weights afterwards.
///
/// # Errors
/// `Code::Usage`, naming what was seen.
pub(super) fn check_causal(model: &mut Model) -> Result<()> {
    let Some(language) = &model.preprocessing.language else { return Ok(()) };
    let (steps, vocabulary) = (language.context, language.tokenizer.vocabulary() as u64);
    model.initialise(model.config.seed)?;
    if steps < 2 || !model.may_look_ahead() {
        return Ok(());
    }
    let key = Key::new(model.config.seed).named("probe");
    let noise = key.named("weights");
    let graph = model.graph().clone();
    for at in graph.params.iter().flat_map(|tensor| tensor.offset..tensor.offset + tensor.shape.len()) {
        model.machine.params_mut()[at] += 0.2 * noise.uniform(at as u64) as f32 - 0.1;
    }
    let mut tokens: Vec<f32> = (0..steps as u64).map(|i| (key.bits(i) % vocabulary) as f32).collect();
    let first = model.logits(EVALUATE, &tokens);
    // Another token at the end, and then in the middle: a layer may look a few steps ahead.
    for changed in [steps - 1, steps / 2] {
        let before = tokens[changed];
        tokens[changed] = ((before as u64 + 1) % vocabulary) as f32;
        let second = model.logits(EVALUATE, &tokens);
        tokens[changed] = before;
        let width = first.len() / steps;
        let seen = first[..changed * width].iter().zip(&second).position(|(a, b)| a.to_bits() != b.to_bits());
        if let Some(at) = seen {
            let problem = Problem::new("model.layers", "the network looks at the tokens that it is to predict")
                .expected("step t to depend on tokens up to t alone")
                .found(format!("step {} changes with token {}", at / width + 1, changed + 1))
                .help(
                    "set causal = true in attention and transformer layers, and leave out layers that look ahead: bidirectional ones, \
                     convolutions with padding, norms over the steps",
                );
            return Err(Error::new(Code::Usage, problem));
        }
    }
    model.initialise(model.config.seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_follow_from_the_text_alone() {
        for (windows, expected) in
            [(1u32, 1), (63, 1), (64, 2), (70, 2), (1000, 31), (2048, 64), (100_000, 64)]
        {
            let all: Vec<u32> = (0..windows).collect();
            let streams = streams(&all);
            assert_eq!((streams.len(), streams.concat()), (expected, all.clone()), "{windows}");
            let (last, others) = streams.split_last().unwrap();
            assert!(others.iter().all(|s| s.len() == streams[0].len() && s.len() >= STREAM));
            assert!(last.len() <= streams[0].len());
        }
        assert!(streams(&[]).is_empty());
    }
}
