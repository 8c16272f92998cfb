//! Windows over one long series: at every step, the steps so far are the input and the next ones are the targets.
//!
//! The rows of the table are the steps, in the order of the file or of a column. A sample at row i has the column [`STEPS`],
//! rows i - length + 1 to i, and a target `NAME+k` for each target and each k up to the horizon: the target of row i + k. Columns
//! that are known in advance make the column [`KNOWN`], rows i + 1 to i + horizon. The series is held once: a sample is a
//! range of it.

use std::sync::Arc;

use super::category_index::CategoryIndex;
use super::field::Markers;
use super::held::Extent;
use super::long::{STEPS, check_pins};
use super::missing::{self, Missing};
use super::note::Note;
use super::raw::{missing_values, read_date, read_number};
use super::raw_target::missing_target;
use super::recipe::{Kind, Recipe};
use super::rows::{Fields, RowBuffer, Rows};
use super::samples::Purpose;
use super::schema::absent_column;
use super::step::{Cut, Moment, Steps};
use super::stored::{Payload, Series};
use crate::error::{Code, Error, Result, counted, quote};

/// The column that holds what is known of the steps to forecast.
pub const KNOWN: &str = "known";

/// What a config says about forecasts (`[data.windows]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowTable {
    /// Steps of an input.
    pub length: usize,
    /// Steps that are forecast.
    pub horizon: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// The column that orders the rows, numbers or dates; the order of the file if not given.
    pub order: Option<String>,
    /// Names or patterns of columns whose values at the steps to forecast are known.
    pub known: Vec<String>,
    /// The columns that are forecast.
    pub targets: Vec<String>,
    /// Columns in which no value may be missing.
    pub required: Vec<String>,
}

/// The windows of a table, one after the other.
#[derive(Clone, Debug)]
pub struct WindowRows {
    /// The rows of the table as they were read.
    texts: RowBuffer,
    /// The rows in the order of time.
    order: Vec<u32>,
    /// `[rows, channels]`, in the order of time.
    series: Arc<Series>,
    known: Option<Arc<Series>>,
    columns: Vec<String>,
    /// Columns of the table that are forecast; empty where targets are not read.
    targets: Vec<usize>,
    length: usize,
    horizon: usize,
    stride: usize,
    steps: Steps,
    notes: Vec<Note>,
    /// The last row of the next window, and of the last one.
    next: usize,
    last: usize,
}

/// Reads all rows and cuts them into windows.
///
/// # Errors
/// [`Code::Data`] for columns that are not there, fields that do not fit, targets that are no numbers, two rows at one moment,
/// and tables of too few rows; [`Code::Model`] for columns of a model that are missing.
pub(super) fn read<R: Rows>(rows: &mut R, table: &WindowTable, purpose: Purpose<'_>) -> Result<WindowRows> {
    let texts = whole(rows)?;
    let markers = Markers::new(purpose.missing_values());
    let own = |name: &String| name == STEPS || name == KNOWN;
    if let Some(name) = texts.columns().iter().find(|name| own(name)) {
        let what = format!("a column is called {}, as a part of each window is", quote(name));
        return Err(Error::data(texts.source(), what).help("rename it in the header"));
    }
    let with_targets = !matches!(purpose, Purpose::Fitted { with_targets: false, .. });
    let order = in_order(&texts, table, &markers, purpose)?;
    let (recipe, known) = match purpose {
        Purpose::Fit(options) => match options.prior.as_ref().and_then(|prior| prior.channels(STEPS)) {
            Some(channels) => Recipe::settled(channels, &texts, table, options)?,
            None => Recipe::new(&texts, table, options, &markers)?,
        },
        Purpose::Fitted { preprocessing, .. } => {
            let of = |name| Recipe::of_channels(preprocessing.channels(name), &texts);
            (of(STEPS)?, of(KNOWN)?)
        }
    };
    let absent = |name: &&String| !texts.columns().contains(name);
    let missing: Vec<_> = table.targets.iter().filter(absent).collect();
    if !missing.is_empty() {
        let problems =
            missing.iter().map(|name| absent_column(texts.source(), "data.target", name, texts.columns()));
        return Err(Error::all(Code::Data, problems.collect()));
    }
    let targets: Vec<usize> =
        table.targets.iter().filter_map(|name| texts.columns().iter().position(|c| c == name)).collect();
    if let Purpose::Fit(options) = purpose {
        check_pins(options, recipe.number_columns(&texts))?;
    }
    let (numbers, notes) = numbers(&texts, &order, &recipe, &markers, table, purpose)?;
    if with_targets {
        for (&row, i) in order.iter().zip(0..) {
            let lost = |&&c: &&usize| markers.has(texts.field(row as usize, c).trim_ascii());
            if let (true, Some(&c)) = (i >= table.length, targets.iter().find(lost)) {
                let text = texts.field(row as usize, c).trim_ascii();
                return Err(missing_target(&texts.row(row as usize), &texts.columns()[c], text));
            }
        }
    }
    let known_numbers = match known.is_empty() {
        true => None,
        false => Some(Arc::new(only(&numbers, &known))),
    };
    let ahead = if with_targets || known_numbers.is_some() { table.horizon } else { 0 };
    let enough = table.length + ahead;
    if order.len() < enough && (with_targets || !order.is_empty()) {
        let are = if order.len() == 1 { "is" } else { "are" };
        let what = format!("{} {are} too few for one window", counted(order.len() as u64, "row"));
        let why = if ahead > 0 { "data.windows.length + horizon" } else { "data.windows.length" };
        let error = Error::data(texts.source(), what)
            .expected(format!("at least {}: {why}", counted(enough as u64, "row")));
        return Err(match purpose {
            Purpose::Fit(_) => error.help("add rows, or choose shorter windows"),
            Purpose::Fitted { .. } => error.help("add the rows before these"),
        });
    }
    let mut columns = texts.columns().to_vec();
    columns.push(STEPS.into());
    columns.extend(known_numbers.is_some().then(|| KNOWN.into()));
    let targets = if with_targets { targets } else { Vec::new() };
    let ahead_of =
        |c: &usize| (1..=table.horizon).map(|k| format!("{}+{k}", texts.columns()[*c])).collect::<Vec<_>>();
    columns.extend(targets.iter().flat_map(ahead_of));
    let steps = Steps {
        gone: Vec::new(),
        words: Vec::new(),
        aside: recipe.aside(&texts, &known, purpose),
        length: None,
        windows: Some(Cut { horizon: table.horizon, stride: table.stride, targets: table.targets.clone() }),
    };
    Ok(WindowRows {
        next: table.length - 1,
        last: (order.len() + table.length).saturating_sub(enough),
        texts,
        order,
        series: Arc::new(numbers),
        known: known_numbers,
        columns,
        targets,
        length: table.length,
        horizon: table.horizon,
        stride: if with_targets { table.stride } else { 1 },
        steps,
        notes,
    })
}

/// All rows as text.
fn whole<R: Rows>(rows: &mut R) -> Result<RowBuffer> {
    let mut texts = RowBuffer::new(rows.source(), rows.columns());
    while let Some(row) = rows.next_row()? {
        texts.start_row(row.file(), row.line());
        (0..row.width()).for_each(|c| texts.push_field(row.get(c)));
        if texts.len() > u32::MAX as usize || texts.text_len() > (u32::MAX - (16 << 20)) as usize {
            return Err(Error::data(
                row.file(),
                "more than 4 GB of text, or 4,294,967,295 rows, in one series",
            ));
        }
    }
    Ok(texts)
}

/// The rows in the order of time.
fn in_order(
    texts: &RowBuffer,
    table: &WindowTable,
    markers: &Markers,
    purpose: Purpose<'_>,
) -> Result<Vec<u32>> {
    let mut rows: Vec<u32> = (0..texts.len() as u32).collect();
    let Some(name) = &table.order else { return Ok(rows) };
    let key = "data.windows.order";
    let Some(column) = texts.columns().iter().position(|c| c == name) else {
        return Err(match purpose {
            Purpose::Fit(_) => {
                Error::new(Code::Data, absent_column(texts.source(), key, name, texts.columns()))
            }
            Purpose::Fitted { .. } => super::preprocess::absent(&[name], texts.columns(), texts.source()),
        });
    };
    let mut moments: Vec<Moment> = Vec::with_capacity(rows.len());
    for row in 0..texts.len() {
        moments.push(Moment::read(&texts.row(row), column, name, key, markers, moments.first())?);
    }
    let moment = |row: u32| &moments[row as usize];
    rows.sort_by(|&a, &b| moment(a).compare(moment(b)));
    if let Some(twice) = rows.windows(2).find(|w| moment(w[0]).compare(moment(w[1])).is_eq()) {
        let [a, b] = [twice[0], twice[1]].map(|row| texts.row(row as usize).line());
        let place = format!("{}, column {}", texts.source(), quote(name));
        return Err(Error::data(place, format!("two rows are at {}", moment(twice[0])))
            .found(format!("lines {a} and {b}"))
            .help("remove one of them; a table of several series is not for data.windows"));
    }
    Ok(rows)
}

/// The channels of all rows.
fn numbers(
    texts: &RowBuffer,
    order: &[u32],
    recipe: &Recipe,
    markers: &Markers,
    table: &WindowTable,
    purpose: Purpose<'_>,
) -> Result<(Series, Vec<Note>)> {
    let mut numbers = Vec::new();
    let wanted = order.len() * recipe.len();
    numbers.try_reserve_exact(wanted).map_err(|_| {
        Error::environment("memory", format!("the series does not fit: {} bytes were refused", 4 * wanted))
    })?;
    // Of each column the number of rows without a value, the first and the last of them: a field may fill several channels.
    let mut missing: Vec<(u64, u32, u32)> = vec![(0, 0, 0); texts.columns().len()];
    let categories = recipe.categories();
    for &row in order {
        let row_of = texts.row(row as usize);
        for ((c, kind), category) in recipe.iter().zip(&categories) {
            let (text, name) = (row_of.get(c).trim_ascii(), &texts.columns()[c]);
            let x = match kind {
                Kind::Number => read_number(&row_of, text, name, markers, 0.0, purpose.stage())?,
                Kind::Part(part) => {
                    let date = read_date(&row_of, text, name, markers, purpose.stage())?;
                    date.map_or(f32::NAN, |date| part.of(date) as f32)
                }
                Kind::Is(_) => {
                    let is =
                        |(position, values): &(u32, Arc<CategoryIndex>)| values.find(text) == Some(*position);
                    f32::from(u8::from(category.as_ref().is_some_and(is)))
                }
            };
            if x.is_nan() || markers.has(text) {
                missing[c] = match missing[c] {
                    (0, ..) => (1, row, row),
                    (count, first, last) => (count + u64::from(last != row), first, row),
                };
            }
            numbers.push(x);
        }
    }
    let mut problems = Vec::new();
    for (name, &(count, row, _)) in texts.columns().iter().zip(&missing) {
        if count > 0 && table.required.contains(name) {
            let first = texts.row(row as usize);
            problems.push(missing_values(texts.source(), name, count, first.file(), first.line()));
        }
    }
    if !problems.is_empty() {
        return Err(Error::all(Code::Data, problems));
    }
    let series = Series { channels: recipe.names(), numbers };
    let missing = texts.columns().iter().zip(missing).map(|(name, (count, ..))| Missing {
        column: name.clone(),
        count,
        all: order.len() as u64,
        became: purpose.became_of_steps(name),
    });
    let notes = missing::notes(&missing.collect::<Vec<_>>());
    Ok((series, notes))
}

/// The channels of `all` that `known` names: it names no other.
fn only(all: &Series, known: &Recipe) -> Series {
    let names = known.names();
    let places: Vec<usize> =
        names.iter().filter_map(|name| all.channels.iter().position(|channel| channel == name)).collect();
    let steps = all.numbers.chunks_exact(all.channels.len().max(1));
    let numbers = steps.flat_map(|step| places.iter().map(|&c| step[c])).collect();
    Series { channels: names, numbers }
}

impl WindowRows {
    /// What became of the columns of the table.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Whether the fields of a column are texts.
    pub(super) fn is_text(&self, column: usize) -> bool {
        column < self.texts.columns().len()
    }

    /// What a user should know about the rows.
    pub(super) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Every window has the same length.
    pub(super) fn extent(&self) -> Extent {
        let place = self.texts.source().to_owned();
        Extent { longest: self.length, shortest: self.length, place }
    }
}

/// A row of [`WindowRows`].
#[derive(Clone, Copy, Debug)]
pub struct WindowRow<'a> {
    rows: &'a WindowRows,
    /// The last row of the window.
    at: usize,
}

impl WindowRow<'_> {
    /// The row of the table that is `ahead` of the last row of the window.
    fn row(&self, ahead: usize) -> usize {
        self.rows.order[self.at + ahead] as usize
    }
}

impl Fields for WindowRow<'_> {
    fn width(&self) -> usize {
        self.rows.columns.len()
    }

    fn get(&self, index: usize) -> &str {
        let (rows, own) = (self.rows, self.rows.texts.columns().len());
        let stored = own + 1 + usize::from(rows.known.is_some());
        match index {
            _ if index < own => rows.texts.field(self.row(0), index),
            _ if index < stored => "",
            _ => {
                let (target, ahead) = ((index - stored) / rows.horizon, (index - stored) % rows.horizon);
                rows.texts.field(self.row(ahead + 1), rows.targets[target])
            }
        }
    }

    fn line(&self) -> u64 {
        self.rows.texts.row(self.row(0)).line()
    }

    fn file(&self) -> &str {
        self.rows.texts.file(self.row(0))
    }

    fn payload(&self, index: usize) -> Option<Payload> {
        let (rows, next) = (self.rows, self.at + 1);
        match index.checked_sub(rows.texts.columns().len())? {
            0 => Some(Payload::Steps { block: Arc::clone(&rows.series), steps: next - rows.length..next }),
            1 => {
                let block = Arc::clone(rows.known.as_ref()?);
                Some(Payload::Steps { block, steps: next..next + rows.horizon })
            }
            _ => None,
        }
    }
}

impl Rows for WindowRows {
    type Row<'a> = WindowRow<'a>;

    fn source(&self) -> &str {
        self.texts.source()
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_row(&mut self) -> Result<Option<WindowRow<'_>>> {
        let at = self.next;
        if at >= self.last {
            return Ok(None);
        }
        self.next += self.stride;
        Ok(Some(WindowRow { rows: self, at }))
    }
}
