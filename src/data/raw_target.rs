//! Targets while a table is read, and the decision between classes and numbers once it has been.

use super::category_index::CategoryIndex;
use super::column::{Dictionary, NumberCell};
use super::field::{self, Markers, Number};
use super::infer::MANY_VALUES;
use super::options::{ColumnType, DataOptions};
use super::rows::Fields;
use super::schema::{ColumnSchema, Role, Schema};
use super::spellings::{self, LateCodes};
use super::step_targets;
use super::stored::TokenStore;
use super::target::{LabelTarget, NumberTarget, Tally, Targets};
use super::target_groups::{TargetGroup, TargetGroups};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::spec::{Value, toml_key, toml_value};

/// All target columns, output after output.
#[derive(Debug)]
pub(super) struct RawTargets {
    columns: Vec<RawTarget>,
    /// The outputs that the options name, each with the number of its columns.
    outputs: Vec<(String, usize)>,
}

#[derive(Debug)]
struct RawTarget {
    column: usize,
    name: String,
    /// Type pinned by the user, or as in the model that the run goes on from.
    pinned: bool,
    /// Whether its classes are those of that model.
    of_model: bool,
    codes: Option<LateCodes>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Number {
        offset: f64,
        tally: Tally,
    },
    Labels(Labels),
    /// A label for each step: the codes of each row.
    Steps {
        labels: Labels,
        codes: TokenStore,
    },
}

/// Labels while they are read, and their codes.
#[derive(Debug)]
enum Labels {
    /// As they come along.
    Found(Dictionary),
    /// Those that a config lists or a model has: a code is a position.
    Listed { classes: Vec<String>, index: CategoryIndex },
}

impl Labels {
    fn new(listed: Option<&Vec<String>>) -> Self {
        match listed {
            Some(classes) => Labels::Listed { classes: classes.clone(), index: CategoryIndex::new(classes) },
            None => Labels::Found(Dictionary::default()),
        }
    }

    /// The code of a label; none if it is not among those that are listed.
    fn code(&mut self, text: &str) -> Option<u32> {
        match self {
            Labels::Found(dictionary) => Some(dictionary.code(text)),
            Labels::Listed { index, .. } => index.find(text),
        }
    }

    fn len(&self) -> usize {
        match self {
            Labels::Found(dictionary) => dictionary.len(),
            Labels::Listed { classes, .. } => classes.len(),
        }
    }

    fn listed(&self) -> &[String] {
        match self {
            Labels::Found(_) => &[],
            Labels::Listed { classes, .. } => classes,
        }
    }

    /// The classes in their order, and the position of each code.
    fn finish(self) -> (Vec<String>, Vec<u32>) {
        match self {
            Labels::Found(dictionary) => {
                let (classes, positions) = dictionary.sorted(|_| true);
                (classes, positions.into_iter().map(|position| position.unwrap_or(0) as u32).collect())
            }
            Labels::Listed { classes, .. } => {
                let positions = (0..classes.len() as u32).collect();
                (classes, positions)
            }
        }
    }
}

impl RawTargets {
    pub(super) fn new(schema: &Schema, options: &DataOptions) -> Self {
        let find = |name: &String| schema.columns.iter().position(|c| c.name == *name);
        let names = match &options.outputs[..] {
            [] => options.target.iter().collect(),
            outputs => outputs.iter().flat_map(|o| &o.columns).collect::<Vec<_>>(),
        };
        let columns = names.into_iter().filter_map(find).filter(|&c| schema.columns[c].role == Role::Target);
        RawTargets {
            columns: columns.map(|c| RawTarget::new(c, &schema.columns[c])).collect(),
            outputs: options.outputs.iter().map(|o| (o.name.clone(), o.columns.len())).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether some have a label for each step of a row.
    pub(super) fn have_steps(&self) -> bool {
        self.columns.iter().any(|target| matches!(target.kind, Kind::Steps { .. }))
    }

    /// For the user.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        self.columns.iter().filter_map(|target| match &target.kind {
            Kind::Number { .. } => target.codes.as_ref().and_then(|codes| codes.note(&target.name)),
            Kind::Labels(Labels::Found(labels)) => spellings::merged(&target.name, labels),
            _ => None,
        })
    }

    /// Whether some are numbers, or may be.
    pub(super) fn have_numbers(&self) -> bool {
        self.columns.iter().any(RawTarget::is_number)
    }

    /// Puts a row's targets at the end of `cells`: raw numbers, codes of labels, numbers of steps; and if some are numbers, all of them
    /// in 64 bits at the end of `truths`. The row has `steps` steps.
    pub(super) fn push<R: Fields>(
        &mut self,
        row: &R,
        markers: &Markers,
        steps: usize,
        cells: &mut Vec<f32>,
        truths: &mut Vec<f64>,
    ) -> Result<()> {
        let exact = self.have_numbers();
        for target in &mut self.columns {
            let x = target.read(row, markers, steps)?;
            cells.push(NumberCell::raw(target.offset(), x));
            truths.extend(exact.then_some(x));
        }
        Ok(())
    }

    /// Decides what the targets are, and turns `cells` `[rows, targets]` into positions of classes, 0/1 or raw numbers; `truths` are
    /// the numbers in 64 bits, as [`RawTargets::push`] made them; `steps`
    /// gets the classes of the steps, one store for each target that has some.
    ///
    /// Where the options name no outputs, yes/no targets make one output of labels, numbers one of numbers; among others
    /// each makes an output of its own, named after it.
    pub(super) fn finish(
        self,
        schema: &mut Schema,
        cells: &mut [f32],
        truths: &[f64],
        rows: usize,
        steps: &mut Vec<TokenStore>,
    ) -> Result<TargetGroups> {
        let width = self.len();
        let outputs = if self.outputs.is_empty() { automatic(&self.columns) } else { self.outputs };
        let mut columns = self.columns.into_iter();
        let mut groups = Vec::with_capacity(outputs.len());
        let mut start = 0;
        for (name, n) in outputs {
            let own: Vec<RawTarget> = columns.by_ref().take(n).collect();
            let cells = Cells { cells: &mut *cells, truths, start, width };
            let targets = match <[RawTarget; 1]>::try_from(own) {
                Ok([single]) => single.finish_single(schema, cells, rows, steps)?,
                Err(several) => finish_several(&name, several, schema, cells)?,
            };
            refuse_one_class(&targets, &schema.file, rows)?;
            start += n;
            groups.push(TargetGroup { name, targets });
        }
        Ok(TargetGroups::new(groups))
    }
}

/// Outputs where the options name none.
fn automatic(columns: &[RawTarget]) -> Vec<(String, usize)> {
    let alike = |f: fn(&RawTarget) -> bool| columns.iter().all(f);
    if columns.len() == 1 || alike(RawTarget::is_flag) || alike(RawTarget::is_number) {
        return vec![(TargetGroups::ONLY.into(), columns.len())];
    }
    columns.iter().map(|c| (c.name.clone(), 1)).collect()
}

fn refuse_one_class(targets: &Targets, file: &str, rows: usize) -> Result<()> {
    let Some([only]) = targets.classes() else { return Ok(()) };
    let place = format!("{file}, column {}", quote(targets.names()[0]));
    let problem = Problem::new(place, "one class only").expected("two classes or more");
    let rows = if rows == 1 { "the only row".into() } else { format!("all {rows} rows") };
    let problem = problem.found(format!("{} in {rows}", quote(only)));
    Err(Error::new(Code::Data, problem.help("name another target, or add rows of other classes")))
}

/// The cells of some neighbouring targets: `[rows, width]`, of which they begin at `start`.
struct Cells<'a> {
    cells: &'a mut [f32],
    truths: &'a [f64],
    start: usize,
    width: usize,
}

impl Cells<'_> {
    /// The cells of target `i` of these.
    fn column(&mut self, i: usize) -> impl Iterator<Item = &mut f32> {
        self.cells.iter_mut().skip(self.start + i).step_by(self.width)
    }

    /// The cells of target `i` of these, each with its number in 64 bits.
    fn numbers(&mut self, i: usize) -> impl Iterator<Item = (&mut f32, f64)> {
        let first = self.start + i;
        let truths = self.truths.iter().skip(first).step_by(self.width);
        self.cells.iter_mut().skip(first).step_by(self.width).zip(truths.copied())
    }
}

impl RawTarget {
    fn new(column: usize, schema: &ColumnSchema) -> Self {
        let pin = &schema.pin;
        let as_labels = schema.kind == ColumnType::Category
            || (pin.classes.is_some() && pin.kind != Some(ColumnType::Number));
        let kind = if schema.kind == ColumnType::Labels {
            Kind::Steps { labels: Labels::new(pin.classes.as_ref()), codes: TokenStore::default() }
        } else if as_labels {
            Kind::Labels(Labels::new(pin.classes.as_ref()))
        } else {
            Kind::Number { offset: schema.offset, tally: Tally::default() }
        };
        let pinned = pin.kind == Some(ColumnType::Number);
        let codes = LateCodes::watch(schema);
        RawTarget { column, name: schema.name.clone(), pinned, of_model: schema.of_model, codes, kind }
    }

    /// What is subtracted from its numbers before they are rounded to 32 bits.
    fn offset(&self) -> f64 {
        if let Kind::Number { offset, .. } = self.kind { offset } else { 0.0 }
    }

    fn read<R: Fields>(&mut self, row: &R, markers: &Markers, steps: usize) -> Result<f64> {
        let text = row.get(self.column).trim_ascii();
        let missing = match self.kind {
            Kind::Steps { .. } => markers.has_text(text),
            Kind::Number { .. } | Kind::Labels(_) => markers.has(text),
        };
        if missing {
            return Err(missing_target(row, &self.name, text));
        }
        if let Some(codes) = &mut self.codes {
            codes.see(text);
        }
        match &mut self.kind {
            Kind::Number { offset, tally } => {
                let x = read_number_target(row, text, &self.name, markers, *offset)?;
                tally.add(x, text);
                Ok(x)
            }
            Kind::Labels(labels) => match labels.code(text) {
                Some(code) => Ok(f64::from(code)),
                None => Err(unlisted_label(row, &self.name, text, labels.listed(), self.of_model)),
            },
            Kind::Steps { labels, codes } => {
                let parts = step_targets::split(text);
                step_targets::check_count(row, &self.name, parts.clone().count(), steps)?;
                let mut of_row = Vec::with_capacity(steps);
                for label in parts {
                    match labels.code(label) {
                        Some(code) => of_row.push(code),
                        None => {
                            return Err(unlisted_label(
                                row,
                                &self.name,
                                label,
                                labels.listed(),
                                self.of_model,
                            ));
                        }
                    }
                }
                codes.push_ids(of_row.into_iter());
                Ok(steps as f64)
            }
        }
    }

    fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number { .. })
    }

    /// Whether it has two values: 0 and 1, or two texts.
    fn is_flag(&self) -> bool {
        match &self.kind {
            Kind::Number { tally, .. } => !self.pinned && tally.is_flag(),
            Kind::Labels(labels) => labels.len() == 2,
            Kind::Steps { .. } => false,
        }
    }

    fn finish_single(
        self,
        schema: &mut Schema,
        mut cells: Cells<'_>,
        rows: usize,
        steps: &mut Vec<TokenStore>,
    ) -> Result<Targets> {
        let about = &mut schema.columns[self.column];
        let classes = match self.kind {
            Kind::Steps { labels, mut codes } => {
                let (classes, positions) = labels.finish();
                codes.replace(|code| positions[code as usize]);
                about.values = classes.len();
                about.target = format!("{} classes, one for each of {} steps", classes.len(), codes.total());
                steps.push(codes);
                return Ok(Targets::StepClasses { column: self.name, classes });
            }
            Kind::Labels(labels) => {
                let pinned = matches!(labels, Labels::Listed { .. });
                if pinned && !self.of_model {
                    about.reason = "as listed".into();
                }
                let (classes, positions) = labels.finish();
                let many = classes.len();
                if many > MANY_VALUES && 2 * many > rows && !pinned && about.pin.kind.is_none() {
                    let place = format!("{}, column {}", schema.file, quote(&self.name));
                    let what = format!("{many} different labels in {rows} rows are not classes");
                    let key = field::pin_key(&self.name);
                    let help = format!(
                        "name another target, or set {key}.type: \"category\", or \"labels\" for a label of each step"
                    );
                    return Err(Error::data(place, what).help(help));
                }
                cells.column(0).for_each(|code| *code = positions[*code as usize] as f32);
                classes
            }
            Kind::Number { offset, tally } => {
                let (as_classes, reason) = match self.pinned {
                    true => (false, "pinned".into()),
                    false => tally.verdict(rows),
                };
                about.reason = reason;
                if !as_classes {
                    about.target = "a number".into();
                    return Ok(Targets::Numbers { columns: vec![plain(self.name, offset)] });
                }
                let place = |x: f64| tally.values.partition_point(|&value| value < x);
                cells.numbers(0).for_each(|(cell, x)| *cell = place(x) as f32);
                tally.spellings
            }
        };
        about.values = classes.len();
        about.target = format!("{} classes", classes.len());
        Ok(Targets::Classes { column: self.name, classes })
    }
}

/// Several targets of one output: all yes/no, or all numbers.
fn finish_several(
    output: &str,
    targets: Vec<RawTarget>,
    schema: &mut Schema,
    mut cells: Cells<'_>,
) -> Result<Targets> {
    let width = targets.len();
    if targets.iter().all(RawTarget::is_flag) {
        let mut columns = Vec::with_capacity(width);
        for (i, target) in targets.into_iter().enumerate() {
            let about = &mut schema.columns[target.column];
            (about.target, about.values) = ("a yes/no label".into(), 2);
            let classes = match target.kind {
                Kind::Number { tally, .. } => {
                    cells.numbers(i).for_each(|(cell, x)| *cell = x as f32);
                    vec![tally.spelling(0.0), tally.spelling(1.0)]
                }
                Kind::Labels(labels) | Kind::Steps { labels, .. } => {
                    let (classes, positions) = labels.finish();
                    cells.column(i).for_each(|code| *code = positions[*code as usize] as f32);
                    classes
                }
            };
            if let Ok(classes) = <[String; 2]>::try_from(classes) {
                columns.push(LabelTarget { name: target.name, classes });
            }
        }
        return Ok(Targets::Labels { columns });
    }
    let mut columns = Vec::with_capacity(width);
    for target in targets {
        let about = &mut schema.columns[target.column];
        match target.kind {
            Kind::Number { offset, .. } => {
                about.target = "a number".into();
                columns.push(plain(target.name, offset));
            }
            Kind::Labels(labels) | Kind::Steps { labels, .. } => {
                let place = format!("model.outputs.{}.target", toml_key(output));
                let what = "several targets of one output must all be numbers, or all have two values";
                let found = format!("{} different texts in column {}", labels.len(), quote(&target.name));
                let help = "give the column an output of its own";
                return Err(Error::usage(place, what).found(found).help(help));
            }
        }
    }
    Ok(Targets::Numbers { columns })
}

fn plain(name: String, offset: f64) -> NumberTarget {
    NumberTarget { name, offset, mean: 0.0, std: 1.0 }
}

/// The error for a target that is missing.
pub(super) fn missing_target<R: Fields>(row: &R, name: &str, text: &str) -> Error {
    Error::data(field::place(row, name), "the target is missing")
        .expected("a value: a row without its target teaches nothing")
        .found(quote(text))
        .help(match text {
            "" => "remove the row",
            _ => "remove the row, or, if it is a value, train with a list of data.missing_values that does not have it",
        })
}

/// The value of a number target, which `offset` brings into the range of 32 bits.
pub(super) fn read_number_target<R: Fields>(
    row: &R,
    text: &str,
    name: &str,
    markers: &Markers,
    offset: f64,
) -> Result<f64> {
    if let Number::Value(x) = markers.number(text)
        && NumberCell::raw(offset, x).is_finite()
    {
        return Ok(x);
    }
    let what = match field::parse_number(text) {
        Some(_) => "a target that is not finite in 32 bits",
        None if field::has_thousands(text) => "a target with thousands separators",
        None => "text in a number target",
    };
    let help = match what {
        "text in a number target" => {
            format!("remove the row, or set {}.type = \"category\" to predict classes", field::pin_key(name))
        }
        _ => "fix the field or remove the row".into(),
    };
    Err(Error::data(field::place(row, name), what).expected("a finite number").found(quote(text)).help(help))
}

/// The error for a label of the training table that is not among the classes, which a config lists or a model has.
fn unlisted_label<R: Fields>(row: &R, name: &str, text: &str, known: &[String], of_model: bool) -> Error {
    if !of_model {
        return unknown_label(row, name, text, known, "is not in the list of classes");
    }
    let what = "is none of the classes of the model that train.init_from names";
    let all = known.iter().map(String::as_str).chain([text]).map(str::to_owned);
    let list = toml_value(&Value::List(all.map(Value::Str).collect()));
    unknown_label(row, name, text, known, what).help(format!(
        "give the label the name that the model has for it; weights of another class are not there: leave train.init_from out, or train \
         the first model with {}.classes = {list}",
        field::pin_key(name)
    ))
}

/// The error for a label that is not among the classes.
pub(super) fn unknown_label<R: Fields>(
    row: &R,
    name: &str,
    text: &str,
    known: &[String],
    what: &str,
) -> Error {
    let error = Error::data(field::place(row, name), format!("the label {what}"))
        .expected(format!("one of {}", field::list(known)))
        .found(quote(text));
    match field::closest(text, known) {
        Some(close) => error.help(format!("did you mean {}?", quote(close))),
        None => error.help("remove the row, or train on data that has this label"),
    }
}
