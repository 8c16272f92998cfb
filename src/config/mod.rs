//! Raw text to a checked [`Config`].
//!
//! A config is TOML or JSON. All of its mistakes are reported at once, each with its line and what helps. Values of the
//! command line come on top: defaults < config file < `--set a.b=c` < named flags.

mod keys;
mod outputs;
mod paths;
mod reference;
mod registries;
mod sections;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod write;

use std::collections::BTreeSet;

use crate::data::TokenizerKind;
use crate::error::{Problem, Result, quote};
use crate::spec::{
    self, Format, Registries, Report, Setting, SourceText, Sources, Span, Tree, Value, Values, toml_key,
};

pub use outputs::{Output, one_loss_for_several};
pub use reference::reference;
pub use registries::registries;
pub use sections::{ClassWeights, Data, EarlyStopping, Input, Model, Series, Train, Validation, Windows};
pub use template::{ColumnNote, Template, TextTemplate};
pub use text::{Sample, Text};

/// Everything that a training run needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Decides every random number of the run.
    pub seed: u64,
    /// Threads to compute with; `None`: one a core.
    pub threads: Option<usize>,
    /// The tables, and what their columns mean.
    pub data: Data,
    /// The network.
    pub model: Model,
    /// How it is trained.
    pub train: Train,
    /// The texts it came from; with them a later [`Report`] gives lines to problems of layers.
    pub sources: Sources,
}

impl Config {
    /// Reads a config, lays `settings` over it in their order, and checks the whole.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`](crate::error::Code::Usage) with every problem found: a text that cannot be parsed has one, any
    /// other text all of them.
    pub fn parse(source: &SourceText, settings: &[Setting], registries: Registries<'_>) -> Result<Self> {
        let mut sources = Sources::default();
        let id = sources.add(source.clone());
        let (mut tree, twice) = spec::parse(source, id)?;
        let mut report = Report::new(sources, registries).with_schema(keys::ROOT);
        twice.into_iter().for_each(|(span, problem)| report.add(span, problem));
        Setting::apply_all(settings, &mut tree, &mut report);
        paths::resolve(&mut tree, &report.sources);
        let of_text = tree.get("data").is_some_and(|data| data.get("text").is_some());
        if of_text {
            text::refuse_table_keys(&mut tree, &mut report);
        }
        let root = if of_text { keys::TEXT_ROOT } else { keys::ROOT };
        let values = report.check(root, &tree, "");
        let section = |key, keys| values.get(key).and_then(|table| Values::from_table(table, &[keys]));
        let data = section("data", if of_text { keys::TEXT_DATA } else { keys::DATA }).unwrap_or_default();
        let model = section("model", keys::MODEL).unwrap_or_default();
        let train = section("train", keys::TRAIN).unwrap_or_default();
        text::check(of_text, &data, [&model, &train], &tree, &mut report);
        check_together(&data, &train, &tree, &mut report);
        if data.has("target") {
            outputs::check(&data.strs("target"), &model, &train, &tree, &mut report);
        }
        let sources = report.sources.clone();
        report.finish()?;
        Ok(Config {
            seed: values.usize("seed") as u64,
            threads: values.has("threads").then(|| values.usize("threads")),
            data: if of_text { Data::of_text(&data) } else { Data::from_values(&data, &registries) },
            model: Model::from_values(&model, tree.get("model"), &registries),
            train: Train::from_values(&train, &registries),
            sources,
        })
    }

    /// The config of a run that has no config file.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`].
    pub fn from_flags(settings: &[Setting], registries: Registries<'_>) -> Result<Self> {
        Config::parse(&SourceText::new("the command line", "", Format::Toml), settings, registries)
    }

    /// The config as TOML with every default written out. Parsed again it is equal to this one.
    pub fn to_toml(&self) -> String {
        write::to_toml(self)
    }

    /// The same config with absolute paths: it may be written to any directory.
    pub fn with_absolute_paths(mut self) -> Self {
        let Ok(here) = std::env::current_dir() else { return self };
        let data = &mut self.data;
        let validation = match &mut data.validation {
            Validation::Fraction(_) => &mut Vec::new(),
            Validation::Files(files) => files,
        };
        let all =
            data.train.iter_mut().chain(validation).chain(&mut data.test).chain(&mut self.train.init_from);
        let tokenizer = data.text.iter_mut().filter_map(|text| text.tokenizer.as_mut());
        all.chain(tokenizer.filter(|t| t.ends_with(".json")))
            .for_each(|path| *path = paths::from_directory(&here, path));
        for (_, pins) in &mut self.data.columns {
            if let Some(Value::Str(name)) = pins.get(paths::TOKENIZER)
                && name.ends_with(".json")
            {
                let path = paths::from_directory(&here, name);
                pins.set(paths::TOKENIZER, Value::Str(path));
            }
        }
        self
    }

    /// A report for problems of this config that show later: of layers, shapes and losses.
    pub fn report<'a>(&self, registries: Registries<'a>) -> Report<'a> {
        Report::new(self.sources.clone(), registries)
    }
}

/// `auto` (the outer `Some`, the inner `None`), one ASCII character, or `\t` in its two-character spelling.
fn delimiter(text: &str) -> Option<Option<u8>> {
    match text.as_bytes() {
        b"auto" => Some(None),
        b"\\t" => Some(Some(b'\t')),
        &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Some(Some(byte)),
        _ => None,
    }
}

/// The place of item `i` of a list, or of the value itself if it is one text.
fn item_span(tree: Option<&Tree>, i: usize) -> Span {
    tree.map_or(Span::NONE, |tree| tree.items().get(i).map_or(tree.span, |item| item.span))
}

/// Tokenizers of columns that are neither a word nor a path.
fn tokenizers(tree: &Tree, report: &mut Report<'_>) {
    let columns = tree.get("data").and_then(|data| data.get("columns"));
    for (name, pins) in columns.map(Tree::entries).unwrap_or_default() {
        let Some(tokenizer) = pins.get(paths::TOKENIZER) else { continue };
        if let Some(text) = tokenizer.as_str().filter(|text| TokenizerKind::from_name(text).is_none()) {
            let key = format!("data.columns.{}.tokenizer", toml_key(&name.text));
            let problem = Problem::new("", format!("{key}: there is no tokenizer {}", quote(text)));
            let known = format!("one of {}, or the path of a .json file", TokenizerKind::NAMES.join(", "));
            report.add(tokenizer.span, problem.expected(known));
        }
    }
}

/// What no single key can tell.
fn check_together(data: &Values, train: &Values, tree: &Tree, report: &mut Report<'_>) {
    let at = |path: [&str; 2]| tree.get(path[0]).and_then(|section| section.get(path[1]));
    let texts = |key: &str| if data.has(key) { data.strs(key) } else { Vec::new() };
    if let (Some(Value::Str(text)), Some(tree)) = (data.get("delimiter"), at(["data", "delimiter"]))
        && delimiter(text).is_none()
    {
        let problem = Problem::new("", "data.delimiter is not one character").found(quote(text));
        report.add(
            tree.span,
            problem.expected("\"auto\", or one ASCII character other than a quote or a line end"),
        );
    }
    tokenizers(tree, report);
    let targets = texts("target");
    let mut seen = BTreeSet::new();
    for (i, target) in targets.iter().enumerate() {
        if !seen.insert(target) {
            report.add(
                item_span(at(["data", "target"]), i),
                Problem::new("", format!("the target {} is given twice", quote(target))),
            );
        }
    }
    for (key, help) in [("train", "name the table to train on"), ("target", "name the column to predict")] {
        if let Some(tree) = at(["data", key])
            && data.has(key)
            && texts(key).is_empty()
        {
            report.add(tree.span, Problem::new("", format!("data.{key} is empty")).help(help));
        }
    }
    for (key, help) in [
        ("exclude", "a target is never an input: leave it out here"),
        ("features", "a target cannot be an input too: leave it out here, or choose another target"),
        ("weight", "a target cannot be the weight too: leave it out here, or choose another target"),
        ("group", "a target cannot be the group too: leave it out here, or choose another target"),
    ] {
        for (i, name) in texts(key).iter().enumerate().filter(|(_, name)| seen.contains(name)) {
            let problem = Problem::new("", format!("data.{key} names the target {}", quote(name)));
            report.add(item_span(at(["data", key]), i), problem.help(help));
        }
    }
    if let (true, true, Some(tree)) =
        (data.get("series").is_some(), data.get("windows").is_some(), at(["data", "series"]))
    {
        let problem = Problem::new("", "data.series and data.windows cannot both be given");
        report.add(tree.span, problem.help("windows are cut from one series; take one of them out"));
    }
    if let (true, true, Some(tree)) =
        (data.has("group"), data.get("windows").is_some(), at(["data", "group"]))
    {
        let problem = Problem::new("", "data.group is not for windows, which are divided by time");
        report.add(tree.span, problem.help("take data.group out"));
    }
    let no_validation = matches!(data.get("validation"), Some(Value::Float(0.0)));
    if let (true, Some(Value::Table(_)), Some(tree)) =
        (no_validation, train.get("early_stopping"), at(["train", "early_stopping"]))
    {
        let problem = Problem::new("", "train.early_stopping has no validation rows to watch");
        report.add(
            tree.span,
            problem
                .found("data.validation = 0")
                .help("set data.validation = 0.2, or take early_stopping out"),
        );
    }
}
