//! Targets while a table is read, and the decision between classes and numbers once it has been.

use super::column::{Dictionary, NumberCell};
use super::field::{self, Markers, Number};
use super::infer::MANY_VALUES;
use super::options::{ColumnType, DataOptions};
use super::rows::Fields;
use super::schema::{ColumnSchema, Role, Schema};
use super::target::{LabelTarget, NumberTarget, Tally, Targets};
use crate::error::{Code, Error, Problem, Result, quote};

/// All target columns, in the order of the options.
#[derive(Debug)]
pub(super) struct RawTargets(Vec<RawTarget>);

#[derive(Debug)]
struct RawTarget {
    column: usize,
    name: String,
    /// Type pinned by the user.
    pinned: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Number { offset: f64, tally: Tally },
    Labels { dictionary: Dictionary, classes: Option<Vec<String>>, one_spelling: bool },
}

impl RawTargets {
    pub(super) fn new(schema: &Schema, options: &DataOptions) -> Self {
        let find = |name: &String| schema.columns.iter().position(|c| c.name == *name);
        let columns =
            options.target.iter().filter_map(find).filter(|&c| schema.columns[c].role == Role::Target);
        RawTargets(columns.map(|c| RawTarget::new(c, &schema.columns[c])).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts a row's targets at the end of `cells`: raw numbers, codes of labels.
    pub(super) fn push<R: Fields>(&mut self, row: &R, markers: &Markers, cells: &mut Vec<f32>) -> Result<()> {
        for target in &mut self.0 {
            cells.push(target.read(row, markers)?);
        }
        Ok(())
    }

    /// Decides what the targets are, and turns `cells` `[rows, targets]` into positions of classes, 0/1 or raw numbers.
    pub(super) fn finish(self, schema: &mut Schema, cells: &mut [f32], rows: usize) -> Result<Targets> {
        let file = schema.file.clone();
        let targets = match <[RawTarget; 1]>::try_from(self.0) {
            Ok([single]) => single.finish_single(schema, cells, rows)?,
            Err(several) => finish_several(several, schema, cells)?,
        };
        if let Some([only]) = targets.classes() {
            let place = format!("{file}, column {}", quote(targets.names()[0]));
            let problem = Problem::new(place, "one class only").expected("two classes or more");
            let problem = problem.found(format!("{} in all {rows} rows", quote(only)));
            return Err(Error::new(
                Code::Data,
                problem.help("name another target, or add rows of other classes"),
            ));
        }
        Ok(targets)
    }
}

impl RawTarget {
    fn new(column: usize, schema: &ColumnSchema) -> Self {
        let pin = &schema.pin;
        let as_labels = schema.kind == ColumnType::Category
            || (pin.classes.is_some() && pin.kind != Some(ColumnType::Number));
        let kind = if as_labels {
            let one_spelling = schema.one_spelling;
            let mut dictionary = Dictionary::new(one_spelling);
            let classes = pin.classes.as_ref().map(|classes| {
                classes
                    .iter()
                    .map(|c| if one_spelling { field::canonical(c).into() } else { c.clone() })
                    .collect()
            });
            classes.iter().flatten().for_each(|c: &String| _ = dictionary.code(c));
            Kind::Labels { dictionary, classes, one_spelling }
        } else {
            Kind::Number { offset: schema.offset, tally: Tally::default() }
        };
        RawTarget { column, name: schema.name.clone(), pinned: pin.kind == Some(ColumnType::Number), kind }
    }

    fn read<R: Fields>(&mut self, row: &R, markers: &Markers) -> Result<f32> {
        let text = row.get(self.column).trim_ascii();
        if markers.has(text) {
            return Err(missing_target(row, &self.name, text));
        }
        match &mut self.kind {
            Kind::Number { offset, tally } => {
                let raw = read_number_target(row, text, &self.name, markers, *offset)?;
                if let Some(x) = field::parse_number(text) {
                    tally.add(x);
                }
                Ok(raw)
            }
            Kind::Labels { dictionary, classes, .. } => {
                let code = dictionary.code(text);
                match classes {
                    Some(known) if code as usize >= known.len() => {
                        Err(unknown_label(row, &self.name, text, known, "is not in the list of classes"))
                    }
                    _ => Ok(code as f32),
                }
            }
        }
    }

    fn finish_single(self, schema: &mut Schema, cells: &mut [f32], rows: usize) -> Result<Targets> {
        let about = &mut schema.columns[self.column];
        let (classes, one_spelling) = match self.kind {
            Kind::Labels { dictionary, classes, one_spelling } => {
                let pinned = classes.is_some();
                let (sorted, positions) = dictionary.sorted(|_| true);
                let many = sorted.len();
                if many > MANY_VALUES && 2 * many > rows && !pinned && about.pin.kind.is_none() {
                    let place = format!("{}, column {}", schema.file, quote(&self.name));
                    let what = format!("{many} different labels in {rows} rows are not classes");
                    let help = format!("name another target, or set {}.type", field::pin_key(&self.name));
                    return Err(Error::data(place, what).help(help));
                }
                if !pinned {
                    let place_of = |code: f32| positions[code as usize].unwrap_or(0) as f32;
                    cells.iter_mut().for_each(|code| *code = place_of(*code));
                }
                (classes.unwrap_or(sorted), one_spelling)
            }
            Kind::Number { offset, tally } => {
                let (as_classes, reason) = match self.pinned {
                    true => (false, "pinned".into()),
                    false => tally.verdict(rows),
                };
                let images: Vec<f32> = tally.values.iter().map(|&v| NumberCell::raw(offset, v)).collect();
                let distinct = images.windows(2).all(|w| w[0] < w[1]);
                about.reason = reason;
                if !as_classes || !distinct {
                    about.target = "a number".into();
                    return Ok(Targets::Numbers { columns: vec![plain(self.name, offset)] });
                }
                cells.iter_mut().for_each(|x| *x = images.partition_point(|image| image < x) as f32);
                (tally.values.into_iter().map(field::number_label).collect::<Vec<_>>(), true)
            }
        };
        about.values = classes.len();
        about.target = format!("{} classes", classes.len());
        Ok(Targets::Classes { column: self.name, classes, one_spelling })
    }
}

/// Several targets: all yes/no, or all numbers.
fn finish_several(targets: Vec<RawTarget>, schema: &mut Schema, cells: &mut [f32]) -> Result<Targets> {
    let is_flag = |t: &RawTarget| match &t.kind {
        Kind::Number { tally, .. } => !t.pinned && tally.is_flag(),
        Kind::Labels { dictionary, .. } => dictionary.len() == 2,
    };
    let width = targets.len();
    if targets.iter().all(is_flag) {
        let mut columns = Vec::with_capacity(width);
        for (i, target) in targets.into_iter().enumerate() {
            let about = &mut schema.columns[target.column];
            (about.target, about.values) = ("a yes/no label".into(), 2);
            let own = cells.iter_mut().skip(i).step_by(width);
            let (classes, one_spelling) = match target.kind {
                Kind::Number { offset, .. } => {
                    own.for_each(|x| *x = (f64::from(*x) + offset) as f32);
                    (vec!["0".to_owned(), "1".to_owned()], true)
                }
                Kind::Labels { classes: Some(classes), one_spelling, .. } => (classes, one_spelling),
                Kind::Labels { dictionary, one_spelling, .. } => {
                    let (sorted, positions) = dictionary.sorted(|_| true);
                    own.for_each(|code| *code = positions[*code as usize].unwrap_or(0) as f32);
                    (sorted, one_spelling)
                }
            };
            if let Ok(classes) = <[String; 2]>::try_from(classes) {
                columns.push(LabelTarget { name: target.name, classes, one_spelling });
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
            Kind::Labels { dictionary, .. } => {
                let what = "several targets must all be numbers, or all have two values".to_owned();
                let found = format!("{} different texts in column {}", dictionary.len(), quote(&target.name));
                return Err(Error::usage("data.target", what).found(found));
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
        .help("remove the row")
}

/// The raw value of a number target.
pub(super) fn read_number_target<R: Fields>(
    row: &R,
    text: &str,
    name: &str,
    markers: &Markers,
    offset: f64,
) -> Result<f32> {
    let raw = match markers.number(text) {
        Number::Value(x) => NumberCell::raw(offset, x),
        _ => f32::NAN,
    };
    if raw.is_finite() {
        return Ok(raw);
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
        _ => "mend the field or remove the row".into(),
    };
    Err(Error::data(field::place(row, name), what).expected("a finite number").found(quote(text)).help(help))
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
