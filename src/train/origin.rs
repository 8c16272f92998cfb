//! The model that a run goes on from (`train.init_from`): what is taken over from it, and what has to be as it is there.

use std::path::{Path, PathBuf};

use crate::checkpoint::{self, MODEL_FILE, ModelFile};
use crate::config::Config;
use crate::data::{ColumnPin, Preprocessing, Scale, Tokenizer, TokenizerKind, Unknown};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::spec::{Tree, Value, toml_key};
use crate::train::Model;
use crate::train::default_layers::checked_layers;
use crate::train::load::pin;
use crate::train::model::{PREPROCESSING, config_of};

/// The key that names it.
const KEY: &str = "train.init_from";

/// What helps against a character that its tokenizer does not know.
pub(super) const UNKNOWN_CHARACTER: &str = "leave train.init_from out: the tokenizer is that of its model, and weights of other characters are not there";

/// The file that `train.init_from` names.
#[derive(Debug)]
pub(super) struct Origin {
    path: PathBuf,
    file: ModelFile<'static>,
    /// Of a file that this program wrote; weights from elsewhere come alone.
    preprocessing: Option<Preprocessing>,
    config: Option<Config>,
}

impl Origin {
    /// That of `config`, where it names one.
    ///
    /// # Errors
    /// `Code::Usage` where there is no file, and for tokenizers and scales that the config wants otherwise than they are; `Code::Model` for
    /// a file that is damaged.
    pub(super) fn of(config: &Config) -> Result<Option<Origin>> {
        let Some(path) = config.train.init_from.as_deref().map(Path::new) else { return Ok(None) };
        let path = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_path_buf() };
        let file = ModelFile::read_weights(&path).map_err(|error| match error.code {
            Code::Usage => error.help(format!("{KEY} names a run directory or a .safetensors file")),
            _ => error,
        })?;
        let origin = Origin {
            preprocessing: preprocessing_of(&file)?,
            config: config_of(&file).and_then(Result::ok),
            path,
            file,
        };
        let mut problems = origin.other_tokenizers(config)?;
        problems.extend(origin.other_scales(config));
        if problems.is_empty() { Ok(Some(origin)) } else { Err(Error::all(Code::Usage, problems)) }
    }

    /// What kinds, categories, classes, scales, fills and tokenizers are taken from.
    pub(super) fn preprocessing(&self) -> Option<&Preprocessing> {
        self.preprocessing.as_ref()
    }

    /// Refuses data that the weights would take for something else although all that can be taken over was.
    ///
    /// # Errors
    /// `Code::Model`, naming each difference.
    pub(super) fn check(&self, fitted: &Preprocessing) -> Result<()> {
        let Some(own) = &self.preprocessing else { return Ok(()) };
        let problems = fitted.differences(own, KEY);
        if problems.is_empty() { Ok(()) } else { Err(Error::all(Code::Model, problems)) }
    }

    /// Writes into the config of the run how what it takes over was made.
    pub(super) fn complete(&self, config: &mut Config) {
        if let Some(own) = self.config.as_ref().filter(|_| self.preprocessing.is_some()) {
            config.data.scale.clone_from(&own.data.scale);
            // Where the config alone has it off, the data tell that the weights do not fit.
            config.data.standardise_target &= own.data.standardise_target;
        }
        let Some(own) = &self.config else { return };
        if let (Some(text), Some(own)) = (&mut config.data.text, &own.data.text) {
            text.vocabulary_size = text.vocabulary_size.or(own.vocabulary_size);
        }
        // How large a network is that nobody names follows from the data that it was first trained on.
        if let (None, Some(layers)) = (&config.model.layers, &own.model.layers) {
            let layers: Vec<Value> = layers.iter().map(Tree::to_value).collect();
            config.model.layers = Some(checked_layers(&layers));
            config.model.tie_weights |= own.model.tie_weights;
            if let (Some(text), Some(own)) = (&mut config.data.text, &own.data.text) {
                text.context = text.context.or(own.context);
            }
        }
    }

    /// Gives `model` the weights.
    ///
    /// # Errors
    /// `Code::Model`, naming the first tensor that does not fit.
    pub(super) fn fill(&self, model: &mut Model) -> Result<()> {
        model.set_tensors(&self.file, &self.path, "").map_err(|error| {
            let context = |p: &Preprocessing| p.language.as_ref().map(|language| language.context);
            match self.preprocessing.as_ref().map(context) {
                None => error,
                Some(Some(own)) if context(&model.preprocessing) != Some(own) => error
                    .help(format!("a layer has weights for each place of the context: set data.context = {own}")),
                Some(_) => error.help(
                    "the file belongs to another network: name its own in model.layers; config.toml of its run has it",
                ),
            }
        })
    }

    /// What was taken over.
    pub(super) fn note(&self) -> String {
        let taken = match &self.preprocessing {
            None => "weights",
            Some(own) if own.language.is_some() => "weights and tokenizer",
            Some(_) => "weights and preprocessing",
        };
        format!("{taken} of {}", checkpoint::place(&self.path))
    }

    /// Scales that `config` wants otherwise than they were fitted. The default of `data.scale` wants nothing.
    fn other_scales(&self, config: &Config) -> Vec<Problem> {
        let (Some(preprocessing), Some(own)) = (&self.preprocessing, &self.config) else { return Vec::new() };
        let other = |place: String, expected: &str, found: &str| {
            let what = "the scale of the model that train.init_from names is another one";
            let problem = Problem::new(place, what).expected(quote(expected)).found(quote(found));
            problem.help("take the key out: the model's scale is taken over")
        };
        let (of_all, found) = (&own.data.scale, &config.data.scale);
        let mut problems = Vec::new();
        if found != of_all && found != Scale::Standard.name() {
            problems.push(other("data.scale".into(), of_all, found));
        }
        for (name, pins) in &config.data.columns {
            let pinned = own.data.columns.iter().find(|(own, _)| own == name);
            let expected = match pinned.and_then(|(_, pins)| pin(pins).scale) {
                Some(scale) => scale.name(),
                None => of_all,
            };
            let has = |name: &str| preprocessing.columns.iter().any(|column| column.name == name);
            if let Some(found) = pin(pins).scale.map(Scale::name)
                && found != expected
                && has(name)
            {
                problems.push(other(format!("data.columns.{}.scale", toml_key(name)), expected, found));
            }
        }
        problems
    }

    /// Tokenizers that `config` wants otherwise than they are.
    fn other_tokenizers(&self, config: &Config) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        let Some(own) = &self.preprocessing else { return Ok(problems) };
        if let (Some(text), Some(language)) = (&config.data.text, &own.language) {
            let wanted = ColumnPin {
                tokenizer: text.tokenizer.as_deref().and_then(TokenizerKind::from_name),
                vocabulary_size: text.vocabulary_size,
                ..ColumnPin::default()
            };
            let of_text = |own: &Config| own.data.text.as_ref().and_then(|text| text.vocabulary_size);
            let learned = self.config.as_ref().and_then(of_text);
            problems.extend(other_tokenizer("data", &wanted, &language.tokenizer, learned)?);
        }
        let texts = own.texts();
        for (name, pins) in &config.data.columns {
            let Some(cell) = texts.get(name) else { continue };
            let own = self.config.iter().flat_map(|own| &own.data.columns).find(|(own, _)| own == name);
            let learned = own.and_then(|(_, pins)| pin(pins).vocabulary_size);
            let key = format!("data.columns.{}", toml_key(name));
            problems.extend(other_tokenizer(&key, &pin(pins), &cell.tokenizer, learned)?);
        }
        Ok(problems)
    }
}

/// The preprocessing in a file, where there is one.
///
/// # Errors
/// `Code::Model` for one that is damaged.
pub(super) fn preprocessing_of(file: &ModelFile<'_>) -> Result<Option<Preprocessing>> {
    file.metadata.get(PREPROCESSING).map(|json| Preprocessing::from_json(json)).transpose()
}

/// What `wanted` says otherwise than the tokenizer of a model is; `learned` is the size that its vocabulary was to have.
fn other_tokenizer(
    key: &str,
    wanted: &ColumnPin,
    known: &Tokenizer,
    learned: Option<usize>,
) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut other = |suffix: &str, expected: String, found: String| {
        let what = "the tokenizer of the model that train.init_from names is another one";
        let problem = Problem::new(format!("{key}.{suffix}"), what).expected(expected).found(found);
        problems.push(problem.help("take the key out: the model's tokenizer is taken over"));
    };
    match &wanted.tokenizer {
        Some(TokenizerKind::File(path)) => {
            let lowercase = wanted.lowercase.unwrap_or(known.lowercase());
            if Tokenizer::from_file(path)?.with_lowercase(lowercase) != *known {
                other(
                    "tokenizer",
                    quote(known.name()),
                    format!("another one in {}", checkpoint::place(path)),
                );
            }
        }
        Some(kind) if kind.name() != known.name() => {
            other("tokenizer", quote(known.name()), quote(kind.name()));
        }
        _ => {}
    }
    // A text may have had fewer tokens than the vocabulary had room for.
    let learned =
        learned.or(TokenizerKind::from_name(known.name()).and_then(|kind| kind.default_vocabulary()));
    let sizes = [Some(known.vocabulary()), learned];
    if let Some(size) = wanted.vocabulary_size.filter(|&size| !sizes.contains(&Some(size))) {
        other("vocabulary_size", known.vocabulary().to_string(), size.to_string());
    }
    if let Some(lowercase) = wanted.lowercase.filter(|&lowercase| lowercase != known.lowercase()) {
        other("lowercase", known.lowercase().to_string(), lowercase.to_string());
    }
    let unknown = if known.unknown().is_some() { Unknown::Other } else { Unknown::Error };
    if let Some(found) = wanted.unknown.filter(|&found| known.name() == "char" && found != unknown) {
        other("unknown", quote(unknown.name()), quote(found.name()));
    }
    Ok(problems)
}
