//! What a user may say about a table; everything left out is inferred.

use std::collections::BTreeMap;

use super::prior::Prior;
use super::step::Steps;
use super::tokenizer::{TokenizerKind, TokenizerSpec};
use serde::{Deserialize, Serialize};

/// A plain enum whose values have one spelling, in a config, in a model file and in messages.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $text)] $item),+
        }

        impl $name {
            /// All spellings, in the order of the values.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The spelling.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$item => $text),+
                }
            }

            /// The value that `name` spells.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some($name::$item),)+
                    _ => None,
                }
            }
        }
    };
}
pub(super) use named;

named! {
    /// What a column holds.
    ColumnType {
        /// Numbers.
        Number = "number",
        /// Texts or numbers that name one of a set of values.
        Category = "category",
        /// Running text.
        Text = "text",
        /// Images, or paths of image files.
        Image = "image",
        /// Steps of a series.
        Series = "series",
        /// Dates, with or without a time of day.
        Date = "date",
        /// Labels of the steps of a row with white space between them: a target.
        Labels = "labels",
    }
}

named! {
    /// How number columns are brought to a common scale; fitted on the training part.
    Scale {
        /// As they are.
        None = "none",
        /// Mean 0, standard deviation 1.
        Standard = "standard",
        /// Median 0, interquartile range 1.
        Robust = "robust",
        /// Smallest 0, largest 1.
        MinMax = "min_max",
        /// Ranks, mapped to a standard normal distribution.
        Quantile = "quantile",
    }
}

named! {
    /// How an image of another size gets the size of its input.
    Resize {
        /// Height and width each on their own.
        Stretch = "stretch",
        /// The shorter side fits, and the middle is taken of the other.
        Crop = "crop",
        /// The longer side fits, and black is put around the other.
        Pad = "pad",
    }
}

named! {
    /// What a missing value of a feature becomes.
    MissingPolicy {
        /// The mean of the training part.
        Mean = "mean",
        /// The median of the training part.
        Median = "median",
        /// The value of [`ColumnPin::fill_value`].
        Constant = "constant",
        /// The mean, and a second column that is 1 where the value is missing; for categories a category of its own.
        Indicator = "indicator",
        /// The whole row is left out, and counted.
        DropRow = "drop_row",
        /// An error that counts the missing values of each column.
        Error = "error",
    }
}

named! {
    /// How a category reaches the network.
    Encoding {
        /// One 0/1 number for each value; a single one where there are two values.
        OneHot = "one_hot",
        /// An index into a learned table of vectors.
        Embedding = "embedding",
    }
}

named! {
    /// What a category unseen in training becomes, or a character of a text.
    Unknown {
        /// No value: all zeros (0.5 where two values share one number), or index 0 of an embedding; counted.
        Other = "other",
        /// An error that shows up to five.
        Error = "error",
    }
}

/// What a user fixed about one column (`[data.columns.NAME]`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnPin {
    /// `type`
    pub kind: Option<ColumnType>,
    /// `missing`
    pub missing: Option<MissingPolicy>,
    /// `fill_value`: what [`MissingPolicy::Constant`] puts in.
    pub fill_value: Option<String>,
    /// `scale`
    pub scale: Option<Scale>,
    /// `encoding`
    pub encoding: Option<Encoding>,
    /// `unknown`
    pub unknown: Option<Unknown>,
    /// `classes`: the labels of a target in this order; no other label is accepted.
    pub classes: Option<Vec<String>>,
    /// `tokenizer`
    pub tokenizer: Option<TokenizerKind>,
    /// `vocabulary_size`
    pub vocabulary_size: Option<usize>,
    /// `lowercase`
    pub lowercase: Option<bool>,
    /// `max_tokens`
    pub max_tokens: Option<usize>,
}

impl ColumnPin {
    /// Pins that are about texts, by their keys.
    pub(super) fn of_texts(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("tokenizer", self.tokenizer.is_some()),
            ("vocabulary_size", self.vocabulary_size.is_some()),
            ("lowercase", self.lowercase.is_some()),
            ("max_tokens", self.max_tokens.is_some()),
        ];
        given.into_iter().filter_map(|(key, given)| given.then_some(key))
    }

    /// What of it does not fit a column of texts, or contradicts itself: the key, and what is wrong.
    pub(super) fn text_problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !matches!(self.missing, None | Some(MissingPolicy::DropRow | MissingPolicy::Error)) {
            problems
                .push(("missing", "a missing text is an empty one: drop_row, error, or leave it out".into()));
        }
        if self.scale.is_some() {
            problems.push(("scale", "is for number and date columns; this one is a text".into()));
        }
        let spec = self.tokenizer_spec();
        if self.unknown == Some(Unknown::Error) && spec.kind != TokenizerKind::Char {
            problems.push((
                "unknown",
                "of a text, is for tokenizer = \"char\": the others can encode every text".into(),
            ));
        }
        if let Err(e) = spec.check() {
            problems.extend(e.problems.into_iter().map(|problem| {
                let expected = problem.expected.map_or(String::new(), |expected| format!(": {expected}"));
                ("vocabulary_size", problem.what + &expected)
            }));
        }
        problems
    }

    /// The tokenizer of a column of texts: words in lower case unless it says something else.
    pub(super) fn tokenizer_spec(&self) -> TokenizerSpec {
        let kind = self.tokenizer.clone().unwrap_or(TokenizerKind::Word);
        TokenizerSpec {
            lowercase: self.lowercase.unwrap_or(kind == TokenizerKind::Word),
            vocabulary_size: self.vocabulary_size,
            unknown: self.unknown != Some(Unknown::Error),
            line_breaks: false,
            kind,
        }
    }
}

/// A named input (`[data.inputs.NAME]`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputGroup {
    /// As layers refer to it.
    pub name: String,
    /// Column names or patterns with `*` and `?`.
    pub columns: Vec<String>,
    /// Sizes without the batch axis. With a shape, all columns must be numbers, and none is left out for being constant.
    pub shape: Option<Vec<usize>>,
    /// For an image column with a shape: how images get that size; [`Resize::Stretch`] unless given.
    pub resize: Option<Resize>,
}

/// Targets that one output of the network predicts together.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputGroup {
    /// The output's name.
    pub name: String,
    /// Its columns: one, or several that are all numbers or all have two values.
    pub columns: Vec<String>,
    /// Whether its numbers are standardised for the network.
    pub standardise: bool,
}

/// The `[data]` section as far as it concerns the meaning of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DataOptions {
    /// One target column or several.
    pub target: Vec<String>,
    /// Columns that are not inputs; names or patterns with `*` and `?`.
    pub exclude: Vec<String>,
    /// The only columns that are inputs, if given; names or patterns.
    pub features: Option<Vec<String>>,
    /// Column of row weights.
    pub weight: Option<String>,
    /// Column whose values keep rows together in one part.
    pub group: Option<String>,
    /// Fields that stand for "no value", compared after trimming.
    pub missing_values: Vec<String>,
    /// The scale of number columns that have no pin.
    pub scale: Scale,
    /// Whether number targets are standardised for the network (predictions are mapped back); off for losses that
    /// need the counts themselves.
    pub standardise_target: bool,
    /// The outputs, which have each target once between them; empty: one output where the targets are of one kind, else one
    /// for each.
    pub outputs: Vec<OutputGroup>,
    /// What is fixed about single columns.
    pub columns: BTreeMap<String, ColumnPin>,
    /// Named inputs; columns in none of them make the input `features`.
    pub inputs: Vec<InputGroup>,
    /// Where the rows were made of steps of series: what became of the columns; see [`Samples::options`](super::Samples).
    pub steps: Steps,
    /// What another model has settled, for a table that is to go through its weights.
    pub prior: Option<Prior>,
}

impl DataOptions {
    /// Fields that stand for "no value" unless a config says otherwise.
    pub const MISSING_VALUES: &'static [&'static str] =
        &["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "?"];

    /// The defaults for one target column.
    pub fn new(target: impl Into<String>) -> Self {
        DataOptions { target: vec![target.into()], ..DataOptions::default() }
    }

    /// The pins of a column; all empty where there are none.
    pub(super) fn pin(&self, column: &str) -> ColumnPin {
        self.columns.get(column).cloned().unwrap_or_default()
    }
}

impl Default for DataOptions {
    /// No target; everything inferred.
    fn default() -> Self {
        DataOptions {
            target: Vec::new(),
            exclude: Vec::new(),
            features: None,
            weight: None,
            group: None,
            missing_values: Self::MISSING_VALUES.iter().map(|&s| s.into()).collect(),
            scale: Scale::Standard,
            standardise_target: true,
            outputs: Vec::new(),
            columns: BTreeMap::new(),
            inputs: Vec::new(),
            steps: Steps::default(),
            prior: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        assert!(Scale::NAMES.iter().all(|n| Scale::from_name(n).is_some_and(|s| s.name() == *n)));
        assert_eq!(MissingPolicy::from_name("zero"), None);
        assert_eq!(serde_json::to_string(&Encoding::OneHot).ok().as_deref(), Some("\"one_hot\""));
    }
}
