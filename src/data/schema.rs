//! What each column of a table is taken for, and why.

use std::collections::HashMap;

use super::field::{self, Markers, an, pin_key};
use super::infer::{self, Profile};
use super::options::{
    ColumnPin, ColumnType, DataOptions, Encoding, InputGroup, MissingPolicy, Resize, Scale,
};
use super::picture::Form;
use super::prior::{AS_IN_MODEL, NOT_IN_MODEL, Prior};
use super::rows::{Meaning, RowBuffer};
use super::stored::{Store, TextStore};
use super::tokenizer::TokenizerKind;
use crate::error::{Code, Error, Problem, Result, quote};

/// Why the column of `data.group` is no input.
const GROUP: &str = "it says which rows belong together (data.group)";

/// What a column is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An input.
    Feature,
    /// What is predicted.
    Target,
    /// The weights of the rows.
    Weight,
    /// A part of the steps of a series, or nothing, as its reason says.
    Step,
    /// Nothing.
    LeftOut,
}

/// One column of a [`Schema`].
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSchema {
    /// As in the header.
    pub name: String,
    /// Its use.
    pub role: Role,
    /// What it holds.
    pub kind: ColumnType,
    /// Why it has this type, or why it is left out.
    pub reason: String,
    /// Missing fields; complete once the table has been read.
    pub missing: u64,
    /// Different values of a category; complete once the table has been read.
    pub values: usize,
    /// Numbers or indices that the network gets for it; known once the preprocessing is fitted.
    pub numbers: usize,
    /// Whether the network gets an index into learned vectors.
    pub embedded: bool,
    /// What a target is: "3 classes", "a number"; decided once the table has been read.
    pub target: String,
    pub(super) date_format: &'static str,
    pub(super) has_time: bool,
    pub(super) offset: f64,
    /// Some of its numbers.
    pub(super) sample: Vec<f64>,
    /// Whether it is taken for what it is in the model that a run goes on from.
    pub(super) of_model: bool,
    /// What became of the texts of the column; known once the preprocessing is fitted.
    pub(super) text: String,
    /// For images, series and texts: a store without rows.
    pub(super) stored: Option<Store>,
    /// The named input that it belongs to.
    pub(super) input: Option<usize>,
    pub(super) pin: ColumnPin,
}

impl ColumnSchema {
    /// Whether it is a target with a label for each step of a row.
    fn has_labels(&self) -> bool {
        self.role == Role::Target && self.kind == ColumnType::Labels
    }

    /// One line for a person: `number, 12 missing`; `category, 7 values`; `date %Y-%m-%d -> 6 numbers`.
    pub fn describe(&self) -> String {
        let what = match self.kind {
            ColumnType::Category if self.embedded => format!("category, {} values -> embedding", self.values),
            ColumnType::Category => format!("category, {} values", self.values),
            ColumnType::Date if self.numbers > 0 => {
                format!("date {} -> {} numbers", self.date_format, self.numbers)
            }
            ColumnType::Date => format!("date {}", self.date_format),
            ColumnType::Text if self.text.is_empty() => "text".into(),
            ColumnType::Text => format!("text, {}", self.text),
            other => match &self.stored {
                Some(store) => format!("{}, {}", other.name(), store.describe()),
                None => other.name().to_owned(),
            },
        };
        let missing = if self.missing > 0 { format!(", {} missing", self.missing) } else { String::new() };
        match self.role {
            Role::Feature => what + &missing,
            Role::Target if self.target.is_empty() => "target".into(),
            Role::Target => format!("target: {} ({})", self.target, self.reason),
            Role::Weight => "row weights".into(),
            Role::Step => self.reason.clone(),
            Role::LeftOut => format!("left out: {}", self.reason),
        }
    }
}

/// What each column of a table is taken for, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// All columns.
    pub columns: Vec<ColumnSchema>,
    /// The file or files, for messages.
    pub file: String,
    /// Named inputs of the options, their patterns resolved; see [`InputGroup`].
    pub(super) inputs: Vec<InputGroup>,
}

impl Schema {
    /// Of a text, which has no columns.
    pub fn of_text(file: &str) -> Self {
        Schema { columns: Vec::new(), file: file.to_owned(), inputs: Vec::new() }
    }

    /// Infers the types of all columns from `sample`, as far as `options` do not fix them.
    ///
    /// # Errors
    /// [`Code::Data`] for a table without rows and for columns that are not there; [`Code::Usage`] for options that
    /// contradict each other or a column's type. All of them at once.
    pub fn infer(sample: &RowBuffer, options: &DataOptions) -> Result<Schema> {
        if sample.is_empty() {
            let problem = Problem::new(sample.source(), "0 rows").expected("a header and at least one row");
            return Err(Error::new(Code::Data, problem.help("check that the file is the one you mean")));
        }
        let file = sample.source().to_owned();
        let markers = Markers::new(&options.missing_values);
        let roles = Roles::resolve(sample.columns(), options, &file)?;
        let mut columns: Vec<ColumnSchema> =
            (0..sample.columns().len()).map(|c| roles.column(c, sample, options, &markers)).collect();
        if !columns.iter().any(|c| c.role == Role::Feature) {
            // Short texts are little, but all there is to learn from.
            for column in columns.iter_mut().filter(|c| c.role == Role::LeftOut && c.kind == ColumnType::Text)
            {
                column.role = Role::Feature;
                column.stored = Some(Store::Texts(TextStore::default()));
            }
        }
        if let Some(prior) = &options.prior {
            columns.iter_mut().for_each(|column| prior.settle(column));
        }
        if columns.iter().any(ColumnSchema::has_labels) {
            // Who labels words has parted them already.
            for column in columns.iter_mut().filter(|c| c.kind == ColumnType::Text) {
                column.pin.tokenizer.get_or_insert(TokenizerKind::Whitespace);
            }
        }
        let schema = Schema { columns, file, inputs: options.inputs.clone() };
        schema.check()?;
        Ok(schema)
    }

    /// The columns of a table that hold paths of images, pinned or by what is in `sample`, and what the images become.
    ///
    /// Columns that are not there are no matter here: [`Schema::infer`] tells them.
    ///
    /// # Errors
    /// [`Code::Usage`] for an input whose shape no image can have.
    pub(super) fn images(sample: &RowBuffer, options: &DataOptions) -> Result<Vec<(usize, Form)>> {
        let Ok(roles) = Roles::resolve(sample.columns(), options, sample.source()) else {
            return Ok(Vec::new());
        };
        let markers = Markers::new(&options.missing_values);
        let mut found = Vec::new();
        for (c, name) in sample.columns().iter().enumerate() {
            let is_input = !roles.target[c]
                && roles.weight != Some(c)
                && !roles.excluded[c]
                && roles.only.as_ref().is_none_or(|only| only[c]);
            let prior = options.prior.as_ref().and_then(|prior| prior.kind(name, false));
            let is_image = match options.pin(name).kind.or(prior) {
                Some(kind) => kind == ColumnType::Image,
                None => infer::are_images(sample, c, &markers),
            };
            if is_input && is_image {
                found.push((c, form(roles.input[c].map(|i| &options.inputs[i]))?));
            }
        }
        Ok(found)
    }

    /// What the images of a column of a file of images become; as [`Schema::images`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn image(columns: &[String], column: usize, options: &DataOptions) -> Result<Form> {
        match Roles::resolve(columns, options, "") {
            Ok(roles) => form(roles.input[column].map(|i| &options.inputs[i])),
            Err(_) => Ok(Form::default()),
        }
    }

    fn check(&self) -> Result<()> {
        let mut problems: Vec<Problem> = self.columns.iter().flat_map(|c| self.pin_problems(c)).collect();
        problems.extend((0..self.inputs.len()).filter_map(|i| self.crowded(i)));
        problems.extend(self.columns.iter().filter(|c| c.has_labels()).filter_map(|c| self.stepless(c)));
        if !problems.is_empty() {
            return Err(Error::all(Code::Usage, problems));
        }
        if !self.columns.iter().any(|c| c.role == Role::Feature) {
            let named = self.columns.iter().map(|c| format!("{}: {}", quote(&c.name), c.describe()));
            let found = named.take(20).collect::<Vec<_>>().join("; ");
            let problem = Problem::new(&self.file, "no column is left as an input").found(found);
            let help = "check data.delimiter, or name the inputs in data.features";
            return Err(Error::new(Code::Data, problem.help(help)));
        }
        Ok(())
    }

    /// A target of labels where it is not clear what they are labels of.
    fn stepless(&self, target: &ColumnSchema) -> Option<Problem> {
        let is_input = |c: &&ColumnSchema| c.role == Role::Feature;
        let with_steps = |c: &&ColumnSchema| matches!(c.stored, Some(Store::Series(_) | Store::Texts(_)));
        let sequences: Vec<&ColumnSchema> = self.columns.iter().filter(is_input).filter(with_steps).collect();
        let problem =
            Problem::new(format!("{}.type", pin_key(&target.name)), "labels need steps to be about");
        let problem = problem.expected("one column of texts, or the steps of a series ([data.series])");
        match sequences[..] {
            [] => {
                Some(problem.found("neither").help(
                    "set data.columns.NAME.type = \"text\" for the column of texts, NAME being its name",
                ))
            }
            [only] if only.kind == ColumnType::Text && only.pin.tokenizer_spec().count("").is_none() => {
                let key = format!("{}.tokenizer", pin_key(&only.name));
                let problem =
                    Problem::new(key, "the tokens that labels are about must follow from the text alone");
                Some(problem.expected("\"whitespace\", \"word\", \"char\" or \"byte\""))
            }
            [_] => None,
            _ => {
                let names: Vec<String> = sequences.iter().map(|c| quote(&c.name)).collect();
                Some(problem.found(names.join(", ")).help("leave all but one out with data.exclude"))
            }
        }
    }

    /// An input of an image or a series together with other columns.
    fn crowded(&self, input: usize) -> Option<Problem> {
        let own = |c: &&ColumnSchema| c.input == Some(input) && c.role == Role::Feature;
        let stored = self.columns.iter().filter(own).find(|c| c.stored.is_some())?;
        if self.columns.iter().filter(own).count() == 1 {
            return None;
        }
        let key = format!("data.inputs.{}.columns", self.inputs[input].name);
        let what =
            format!("{} is an input of its own: column {}", an(stored.kind.name()), quote(&stored.name));
        Some(Problem::new(key, what).help("give the other columns another input"))
    }

    /// Pins that do not fit the type of their column.
    fn pin_problems(&self, column: &ColumnSchema) -> Vec<Problem> {
        let (pin, key) = (&column.pin, pin_key(&column.name));
        let mut problems = Vec::new();
        let mut wrong =
            |suffix: &str, what: String| problems.push(Problem::new(format!("{key}.{suffix}"), what));
        if matches!(column.role, Role::LeftOut | Role::Step) {
            return problems;
        }
        let kind = column.kind.name();
        let number = column.kind == ColumnType::Number;
        let category = column.kind == ColumnType::Category;
        let text = column.kind == ColumnType::Text;
        if column.kind == ColumnType::Image && column.stored.is_none() {
            wrong("type", format!("a table's column cannot be used as {kind} yet"));
        }
        if column.role == Role::Target && (text || column.kind == ColumnType::Date) {
            wrong("type", format!("a {kind} cannot be a target; pin number or category"));
        }
        if column.kind == ColumnType::Labels && column.role != Role::Target {
            wrong("type", "labels are for targets; this column is an input".into());
        }
        if text {
            for (suffix, what) in pin.text_problems() {
                wrong(suffix, what);
            }
        } else if let Some(key) = pin.of_texts().next() {
            wrong(key, format!("is for texts; this column is {}", an(kind)));
        }
        if column.stored.is_some() && !text {
            if pin.kind.is_some_and(|pinned| pinned != column.kind) {
                wrong("type", format!("the file holds {kind}s in this column"));
            }
            if !matches!(pin.missing, None | Some(MissingPolicy::DropRow | MissingPolicy::Error)) {
                wrong("missing", format!("nothing can stand for {}: drop_row or error", an(kind)));
            }
            if matches!(pin.scale, Some(Scale::Robust | Scale::Quantile)) {
                wrong("scale", format!("{} is scaled by channel: standard, min_max or none", an(kind)));
            }
        }
        if matches!(pin.missing, Some(MissingPolicy::Mean | MissingPolicy::Median)) && category {
            wrong("missing", "a category has no mean and no median".into());
        }
        let constant = pin.missing == Some(MissingPolicy::Constant);
        match &pin.fill_value {
            None if constant => wrong("fill_value", "missing = \"constant\" needs a fill_value".into()),
            Some(_) if !constant => wrong("fill_value", "is used with missing = \"constant\" only".into()),
            Some(text) if number && field::parse_number(text).is_none_or(|x| !(x as f32).is_finite()) => {
                wrong("fill_value", format!("{} is not a number", quote(text)));
            }
            Some(text) if column.kind == ColumnType::Date && super::date::parse(text).is_none() => {
                wrong("fill_value", format!("{} is not a date such as 2024-01-31", quote(text)));
            }
            _ => {}
        }
        if pin.scale.is_some() && category {
            wrong("scale", "is for number and date columns; this one is a category".into());
        }
        if pin.encoding.is_some() && !category {
            wrong("encoding", format!("is for categories; this column is {}", an(kind)));
        }
        if pin.unknown.is_some() && !category && !text {
            wrong("unknown", format!("is for categories; this column is {}", an(kind)));
        }
        if pin.encoding == Some(Encoding::Embedding) && column.role == Role::Target {
            wrong("encoding", "is for inputs; this column is a target".into());
        }
        if pin.classes.is_some() && column.role != Role::Target {
            wrong("classes", "is for targets; this column is an input".into());
        }
        let shaped = column.input.is_some_and(|i| self.inputs[i].shape.is_some());
        if shaped && column.role == Role::Feature && !number && (text || column.stored.is_none()) {
            let input = &self.inputs[column.input.unwrap_or(0)].name;
            wrong(
                "type",
                format!("data.inputs.{input} has a shape and so needs numbers; this column is {}", an(kind)),
            );
        }
        if shaped && pin.missing == Some(MissingPolicy::Indicator) {
            wrong("missing", "an input with a shape has no room for an indicator".into());
        }
        problems
    }
}

/// Which columns the options name for what.
struct Roles {
    target: Vec<bool>,
    weight: Option<usize>,
    group: Option<usize>,
    excluded: Vec<bool>,
    /// `features`, if given.
    only: Option<Vec<bool>>,
    /// Columns that a config names as inputs one by one.
    wanted: Vec<bool>,
    input: Vec<Option<usize>>,
    /// Columns that the model that a run goes on from does without.
    without: Vec<bool>,
}

impl Roles {
    fn resolve(columns: &[String], options: &DataOptions, file: &str) -> Result<Roles> {
        let n = columns.len();
        let mut roles = Roles {
            target: vec![false; n],
            weight: None,
            group: None,
            excluded: vec![false; n],
            only: options.features.as_ref().map(|_| vec![false; n]),
            wanted: vec![false; n],
            input: vec![None; n],
            without: vec![false; n],
        };
        let mut problems = Vec::new();
        let absent = |name: &str, key: &str| absent_column(file, key, name, columns);
        let known: HashMap<&String, usize> = columns.iter().enumerate().map(|(i, c)| (c, i)).collect();
        for name in &options.target {
            match known.get(name).copied() {
                Some(c) => roles.target[c] = true,
                None => problems.push(absent(name, "data.target")),
            }
        }
        if let Some(name) = &options.weight {
            roles.weight = known.get(name).copied();
            if roles.weight.is_none() {
                problems.push(absent(name, "data.weight"));
            }
        }
        if let Some(name) = &options.group {
            roles.group = known.get(name).copied();
            if roles.group.is_none() {
                problems.push(absent(name, "data.group"));
            }
        }
        for (name, pin) in &options.columns {
            match known.get(name).copied() {
                Some(c) => roles.wanted[c] = pin.kind.is_some(),
                None => problems.push(absent(name, "data.columns")),
            }
        }
        let mut each = |patterns: &[String], key: &str, mark: &mut dyn FnMut(usize, bool)| {
            for pattern in patterns {
                let literal = known.get(pattern).copied();
                let hits = literal.map_or_else(|| matching(columns, pattern), |c| vec![c]);
                if hits.is_empty() {
                    problems.push(absent(pattern, key));
                }
                hits.into_iter().for_each(|c| mark(c, literal.is_some()));
            }
        };
        each(&options.exclude, "data.exclude", &mut |c, _| roles.excluded[c] = true);
        if let (Some(patterns), Some(only)) = (&options.features, &mut roles.only) {
            each(patterns, "data.features", &mut |c, literal| {
                only[c] = true;
                roles.wanted[c] |= literal;
            });
        }
        let mut twice = Vec::new();
        for (i, input) in options.inputs.iter().enumerate() {
            let key = format!("data.inputs.{}.columns", input.name);
            each(&input.columns, &key, &mut |c, literal| {
                roles.wanted[c] |= literal || input.shape.is_some();
                match roles.input[c].replace(i) {
                    Some(before) if before != i => twice.push((c, before, i)),
                    _ => {}
                }
            });
        }
        if !problems.is_empty() {
            return Err(Error::all(Code::Data, problems));
        }
        // A table that shares no column with the model is another one altogether, and is told so as a whole.
        let shares = |prior: &&Prior| columns.iter().any(|name| prior.cell(name).is_some());
        if let Some(prior) = options.prior.as_ref().filter(shares) {
            let group = |c: usize| roles.input[c].map(|i| &options.inputs[i]);
            let without = |c: usize| !roles.target[c] && prior.does_without(&columns[c], group(c));
            roles.without = (0..n).map(without).collect();
        }
        let usage = |what: String| Problem::new("data", what);
        let mut problems: Vec<Problem> = twice
            .into_iter()
            .map(|(c, a, b)| {
                let (a, b) = (&options.inputs[a].name, &options.inputs[b].name);
                usage(format!("column {} is in two inputs, {a:?} and {b:?}", quote(&columns[c])))
            })
            .collect();
        if options.target.is_empty() {
            let help = format!("name one of {} in data.target", field::list(columns));
            problems.push(usage("no target column".into()).help(help));
        }
        if let Some(w) = roles.weight.filter(|&w| roles.target[w]) {
            problems.push(usage(format!("column {} is both target and weight", quote(&columns[w]))));
        }
        match problems.is_empty() {
            true => Ok(roles),
            false => Err(Error::all(Code::Usage, problems)),
        }
    }

    fn column(&self, c: usize, sample: &RowBuffer, options: &DataOptions, markers: &Markers) -> ColumnSchema {
        let name = sample.columns()[c].clone();
        let pin = options.pin(&name);
        let skip = if self.excluded[c] {
            Some("excluded by data.exclude".to_owned())
        } else if self.only.as_ref().is_some_and(|only| !only[c]) {
            Some("not among data.features".to_owned())
        } else {
            None
        };
        let mut column = ColumnSchema {
            name,
            role: Role::Feature,
            kind: ColumnType::Number,
            reason: String::new(),
            missing: 0,
            values: 0,
            numbers: 0,
            embedded: false,
            target: String::new(),
            date_format: "%Y-%m-%d",
            has_time: false,
            offset: 0.0,
            sample: Vec::new(),
            of_model: false,
            text: String::new(),
            stored: None,
            input: self.input[c],
            pin,
        };
        if self.weight == Some(c) {
            column.role = Role::Weight;
            return column;
        }
        if let Some(reason) = options.steps.aside.get(&column.name) {
            (column.role, column.reason) = (Role::Step, reason.clone());
            return column;
        }
        if self.group == Some(c) {
            (column.role, column.reason) = (Role::LeftOut, GROUP.into());
            return column;
        }
        if let (Some(reason), false) = (skip, self.target[c]) {
            (column.role, column.reason) = (Role::LeftOut, reason);
            return column;
        }
        let meaning = sample.meaning(c);
        if meaning == Some(Meaning::Origin) && !self.target[c] {
            (column.role, column.reason) = (Role::LeftOut, "it says where the row comes from".into());
            return column;
        }
        if self.without[c] {
            (column.role, column.reason) = (Role::LeftOut, NOT_IN_MODEL.into());
            return column;
        }
        if let Some(payload) = sample.first_payload(c) {
            column.kind = payload.kind();
            column.stored = Some(payload.store());
            return column;
        }
        let profile = Profile::new(sample, c, markers);
        let prior = options.prior.as_ref().and_then(|prior| prior.kind(&column.name, self.target[c]));
        let wanted = self.wanted[c] || self.target[c] || prior.is_some();
        let verdict = profile.verdict(sample, c, markers, wanted);
        let settled = column.pin.kind.map(|kind| (kind, "pinned")).or(prior.map(|kind| (kind, AS_IN_MODEL)));
        (column.kind, column.reason) = match (settled, meaning) {
            (Some((kind, reason)), _) => (kind, reason.into()),
            (None, Some(Meaning::Class)) => (ColumnType::Category, "labels of images".into()),
            // However long its labels are, a target names classes.
            (None, _) if self.target[c] && verdict.kind == ColumnType::Text => {
                (ColumnType::Category, verdict.reason)
            }
            (None, _) => (verdict.kind, verdict.reason),
        };
        column.date_format = profile.date_format.unwrap_or(column.date_format);
        column.has_time = profile.has_time;
        column.offset = profile.offset();
        if column.kind == ColumnType::Number && !self.target[c] {
            column.sample = profile.sample;
        }
        if self.target[c] {
            column.role = Role::Target;
        } else if let (Some(reason), None) = (verdict.left_out, settled) {
            (column.role, column.reason) = (Role::LeftOut, reason);
        } else if column.kind == ColumnType::Text {
            column.stored = Some(Store::Texts(TextStore::default()));
        }
        column
    }
}

/// The problem of an option that names a column which is not there.
pub(super) fn absent_column(file: &str, key: &str, name: &str, columns: &[String]) -> Problem {
    let what = format!("{key} names a column that is not there: {}", quote(name));
    let problem = Problem::new(file, what).expected(format!("one of {}", field::list(columns)));
    match field::closest(name, columns) {
        Some(close) => problem.help(format!("did you mean {}?", quote(close))),
        None => problem,
    }
}

/// What the images of an input become.
fn form(input: Option<&InputGroup>) -> Result<Form> {
    let Some(input) = input else { return Ok(Form::default()) };
    let key = field::key("data.inputs", &input.name);
    match input.shape.as_deref() {
        None if input.resize.is_none() => Ok(Form::default()),
        None => Err(Error::usage(format!("{key}.resize"), "there is no size to give to images")
            .help(format!("set {key}.shape = [C, H, W]"))),
        Some(&[channels @ (1 | 3), height, width]) => Ok(Form {
            shape: Some([height, width, channels]),
            resize: Some(input.resize.unwrap_or(Resize::Stretch)),
        }),
        Some(other) => Err(Error::usage(format!("{key}.shape"), "no image has this shape")
            .expected("[1, H, W] for grey images, [3, H, W] for coloured ones")
            .found(format!("{other:?}"))),
    }
}

/// Columns that match a pattern with `*` and `?`; none for a text that is no pattern.
pub(super) fn matching(columns: &[String], pattern: &str) -> Vec<usize> {
    match glob::Pattern::new(pattern) {
        Ok(p) if pattern.contains(['*', '?']) => {
            (0..columns.len()).filter(|&c| p.matches(&columns[c])).collect()
        }
        _ => Vec::new(),
    }
}
