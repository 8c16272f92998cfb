//! What a config says about a language model.

use super::keys;
use super::sections::{table, text};
use crate::data::{TokenizerKind, TokenizerSpec};
use crate::error::{Problem, quote};
use crate::spec::{Key, Node, Report, Span, Tree, Value, Values};

/// `[data]` of a language model, beside its paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// One of [`TokenizerKind::NAMES`], or the path of a `tokenizer.json`; left open, that of the model in `train.init_from`, else `char`.
    pub tokenizer: Option<String>,
    /// The most tokens that are learned.
    pub vocabulary_size: Option<usize>,
    /// Tokens of a row; left open, those of the model in `train.init_from` whose network is taken over, else [`Text::CONTEXT`].
    pub context: Option<usize>,
    /// Whether each line is a document.
    pub lines: bool,
}

/// `train.sample`: a text that is generated after each epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it begins with; `None`: chosen from what the tokenizer knows.
    pub prompt: Option<String>,
    /// Tokens of it.
    pub max_tokens: usize,
    /// Divides the logits; 0: always the most likely token.
    pub temperature: f64,
}

impl Text {
    /// The default of [`Text::context`].
    pub const CONTEXT: usize = 128;

    /// From the checked keys of the section.
    pub(super) fn from_values(values: &Values) -> Self {
        Text {
            tokenizer: values.has("tokenizer").then(|| values.str("tokenizer").to_owned()),
            vocabulary_size: values.has("vocabulary_size").then(|| values.usize("vocabulary_size")),
            context: values.has("context").then(|| values.usize("context")),
            lines: values.str("documents") == "line",
        }
    }

    /// Gives every key that has a value.
    pub(super) fn put(&self, put: &mut impl FnMut(&'static str, Option<Value>)) {
        put("tokenizer", self.tokenizer.as_deref().map(text));
        put("vocabulary_size", self.vocabulary_size.map(|n| Value::Int(n as i64)));
        put("context", self.context.map(|n| Value::Int(n as i64)));
        put("documents", Some(text(if self.lines { "line" } else { "file" })));
    }
}

impl Sample {
    /// From the checked keys of `[train]`.
    pub(super) fn from_values(values: &Values) -> Option<Self> {
        let values = table(values, "sample", keys::SAMPLE)?;
        Some(Sample {
            prompt: values.has("prompt").then(|| values.str("prompt").to_owned()),
            max_tokens: values.usize("max_tokens"),
            temperature: values.f64("temperature"),
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let prompt = self.prompt.iter().map(|prompt| ("prompt".to_owned(), text(prompt)));
        let others = [
            ("max_tokens".to_owned(), Value::Int(self.max_tokens as i64)),
            ("temperature".to_owned(), Value::Float(self.temperature)),
        ];
        Value::Table(prompt.chain(others).collect())
    }
}

/// Keys of `[train]` that a language model has no use for.
pub(super) const NOT_OF_TEXTS: &[&str] = &["class_weights", "mixup"];

/// Takes out the keys of `[data]` that are about tables alone, and says so of each.
pub(super) fn refuse_table_keys(tree: &mut Tree, report: &mut Report<'_>) {
    let Some(data) = tree.get_mut("data") else { return };
    let Node::Table(entries) = &mut data.node else { return };
    let has = |keys: &[Key], name: &str| keys.iter().any(|key| key.name == name);
    entries.retain(|(name, _)| {
        let of_tables = has(keys::DATA, &name.text) && !has(keys::TEXT_DATA, &name.text);
        if of_tables {
            let problem = Problem::new("", format!("data.{} has no meaning for a text", name.text));
            report.add(name.span, problem.help("take it out: it is about tables"));
        }
        !of_tables
    });
}

/// What no single key can tell of a language model, and of keys that are about one alone.
pub(super) fn check(
    of_text: bool,
    data: &Values,
    [model, train]: [&Values; 2],
    tree: &Tree,
    report: &mut Report<'_>,
) {
    let span = |section: &str, key: &str| {
        let found = tree.get(section).and_then(|section| section.get(key));
        found.map_or(Span::NONE, |tree| tree.span)
    };
    let mut refuse = |section: &str, key: &str, why: &str, help: &str| {
        let problem = Problem::new("", format!("{section}.{key} {why}"));
        report.add(span(section, key), problem.help(help));
    };
    if !of_text {
        let is_true = |key: &str| matches!(model.get(key), Some(Value::Bool(true)));
        let why = "is about language models, and there is no data.text";
        if is_true("tie_weights") {
            refuse("model", "tie_weights", why, "take it out, or name a text in data.text");
        }
        if matches!(train.get("sample"), Some(Value::Table(_))) {
            refuse("train", "sample", why, "take it out, or name a text in data.text");
        }
        return;
    }
    let why = "has no meaning for a language model";
    if matches!(model.get("outputs"), Some(Value::Table(_))) {
        refuse("model", "outputs", why, "take it out: the only output is the next token");
    }
    if train.get("class_weights").is_some_and(|value| !matches!(value, Value::Str(word) if word == "none")) {
        refuse("train", "class_weights", why, "take it out");
    }
    if train.has("mixup") {
        refuse("train", "mixup", why, "take it out: tokens cannot be mixed");
    }
    let known: Vec<String> = TokenizerKind::NAMES.iter().map(|name| quote(name)).collect();
    if data.has("tokenizer") && TokenizerKind::from_name(data.str("tokenizer")).is_none() {
        let problem = Problem::new("", "data.tokenizer is not one of the known words")
            .expected(format!("one of {}, or the path of a tokenizer.json", known.join(", ")))
            .found(quote(data.str("tokenizer")));
        report.add(span("data", "tokenizer"), problem);
    }
    check_vocabulary(data, train.has("init_from"), span("data", "vocabulary_size"), report);
    if let (Some(Value::Float(validation)), Some(Value::Float(test))) =
        (data.get("validation"), data.get("test"))
        && validation + test >= 1.0
    {
        let problem = Problem::new("", "data.validation and data.test leave no text to train on")
            .expected("less than 1 together")
            .found(format!("{validation} and {test}, which sum to {}", validation + test))
            .help("give the two parts less of the text, or files of their own");
        report.add(span("data", "test"), problem);
    }
    if data.has("text") && data.strs("text").is_empty() {
        let problem = Problem::new("", "data.text is empty").help("name the text to train on");
        report.add(span("data", "text"), problem);
    }
}

/// Refuses a vocabulary whose size cannot be, or is not for a config to say. Of a model that the run goes on `from` the tokenizer may be
/// taken over.
fn check_vocabulary(data: &Values, from: bool, span: Span, report: &mut Report<'_>) {
    let kind = match (data.has("tokenizer"), from) {
        (true, _) => TokenizerKind::from_name(data.str("tokenizer")),
        (false, true) => None,
        (false, false) => Some(TokenizerKind::Char),
    };
    let (Some(kind), true) = (kind, data.has("vocabulary_size")) else { return };
    let vocabulary_size = Some(data.usize("vocabulary_size"));
    let spec = TokenizerSpec { kind, vocabulary_size, lowercase: false, unknown: false, line_breaks: false };
    for problem in spec.check().err().map(|e| e.problems).unwrap_or_default() {
        let what = format!("{}: {}", problem.place, problem.what);
        report.add(span, Problem { place: String::new(), what, ..problem });
    }
}
