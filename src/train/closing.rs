//! The end of a run: which rows it is scored on, and its closing table beside baselines.

use crate::checkpoint::{Row, Split};
use crate::config::{Data, Validation};
use crate::data::{Table, Targets};
use crate::error::{Result, quote};
use crate::metrics::{Column, Report, closing_table};
use crate::train::better;
use crate::train::load::{Held, Loaded};
use crate::train::not_finite::Unscored;
use crate::train::scores::{Scores, score};
use crate::train::season::Season;
use crate::train::stepper::EVALUATE;
use crate::train::trainer::{EVALUATION_ROWS, Trainer};
use crate::train::{Output, OutputScores, baseline, language};

/// Tokens of the training part that are scored where nothing else is.
const SCORED: usize = 1 << 17;

/// Rows that a run is scored on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Test,
    Validation,
    Training,
}

impl Part {
    /// The part that the closing table is about: the test part, else the validation part, else the training part.
    pub(super) fn closing(loaded: &Loaded) -> Part {
        match (loaded.test(), loaded.validation()) {
            (Some(_), _) => Part::Test,
            (None, Some(_)) => Part::Validation,
            (None, None) => Part::Training,
        }
    }

    /// Its table and its rows, all those of the training part where there is no such part.
    pub(super) fn of(self, loaded: &Loaded) -> (&Table, &[u32]) {
        let part = match self {
            Part::Test => loaded.test(),
            Part::Validation => loaded.validation(),
            Part::Training => None,
        };
        part.unwrap_or((&loaded.fitted.table, &loaded.train))
    }

    /// The rows of it that are scored. A text may be very long: some of it tells enough where it was learned anyway.
    pub(super) fn scored(self, loaded: &Loaded) -> (&Table, Vec<u32>) {
        let (table, rows) = self.of(loaded);
        match table.text().filter(|_| self == Part::Training) {
            Some(text) => {
                (table, text.windows().into_iter().take((SCORED / text.context()).max(1)).collect())
            }
            None => (table, rows.to_vec()),
        }
    }

    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Test => "the test part",
            Part::Validation => "the validation part",
            Part::Training => "the training part",
        }
    }

    /// The data whose rows its row numbers count.
    pub(super) fn data(self, data: &Data, loaded: &Loaded) -> String {
        match (self, &data.validation) {
            (Part::Test, _) if matches!(loaded.test, Held::Table(..)) && data.test_fraction == 0.0 => {
                data.test.join(", ")
            }
            (Part::Validation, Validation::Files(files)) => files.join(", "),
            (Part::Test | Part::Validation, _) if self.of(loaded).0.text().is_some() => {
                self.name().to_owned()
            }
            _ => "the training data".to_owned(),
        }
    }

    /// What the closing table calls it.
    fn title(self, data: &Data) -> String {
        match self {
            Part::Test => test_name(data),
            Part::Validation => "the validation part, which chose the weights".into(),
            Part::Training => "the training part itself".into(),
        }
    }
}

/// What a run ends with.
pub(super) struct Closing {
    /// What the figures are of.
    pub part: String,
    /// What they count: how many, and of what.
    pub counted: Vec<(u64, &'static str)>,
    /// The table of the figures.
    pub table: String,
}

/// Scores the test part, else the validation part, else the training part.
///
/// # Errors
/// `Code::Diverged` where a number is not finite: there is no model then. `Code::Interrupted`.
pub(super) fn close(trainer: &mut Trainer<'_>) -> Result<Closing> {
    let part = Part::closing(&trainer.loaded);
    let scores = scores(trainer, part)?;
    let notes = scores.outputs.iter().flat_map(|output| &output.notes);
    notes.for_each(|note| trainer.progress.note(note));
    let simple = constants(trainer, part);
    if trainer.state.step > 0 {
        let warnings = better::warnings(&trainer.model, &scores, &simple);
        warnings.iter().for_each(|warning| trainer.progress.warning(warning));
    }
    let table = table(trainer, part, &scores, &simple)?;
    let title = part.title(&trainer.model.config.data);
    Ok(Closing { part: title, counted: scores.counted(), table })
}

/// The figures of the weights that are kept; those of a test part go to the log.
fn scores(trainer: &mut Trainer<'_>, part: Part) -> Result<Scores> {
    let (table, rows) = part.scored(&trainer.loaded);
    let scores = match score(&mut trainer.model, EVALUATE, table, &rows, trainer.stop) {
        Ok(scores) => scores,
        Err(Unscored::NotFinite(found)) => return Err(trainer.diverged_at_the_end(&found, part)),
        Err(Unscored::Stopped(error)) => return Err(error),
    };
    if part == Part::Test {
        let row = Row::new(trainer.state.step, trainer.state.begun(), Split::Test);
        trainer.log.append(&scores.add_to(row))?;
        trainer.log.sync()?;
    }
    Ok(scores)
}

/// For each output the simplest baselines with their names: the same answer for every row, or counts of the training text.
fn constants(trainer: &Trainer<'_>, part: Part) -> Vec<Vec<(&'static str, Report)>> {
    let train = Part::Training.of(&trainer.loaded);
    let (table, rows) = part.scored(&trainer.loaded);
    if let (Some(text), Some(of_part), Some(own)) =
        (train.0.text(), table.text(), &trainer.model.preprocessing.language)
    {
        return vec![language::baselines(&own.tokenizer, text, of_part, &rows)];
    }
    let outputs = trainer.model.outputs.iter();
    let constant = |output| vec![(title(output), baseline::constant(output, train, (table, &rows)))];
    outputs.map(constant).collect()
}

/// What the same answer for every row is called.
fn title(output: &Output) -> &'static str {
    match output.targets {
        Targets::Classes { .. } | Targets::StepClasses { .. } => "majority class",
        Targets::Labels { .. } => "shares",
        Targets::Numbers { .. } | Targets::NextToken { .. } => "mean",
    }
}

/// The closing table, one for each output.
fn table(
    trainer: &Trainer<'_>,
    part: Part,
    scores: &Scores,
    simple: &[Vec<(&'static str, Report)>],
) -> Result<String> {
    let (model, config) = (&trainer.model, &trainer.model.config);
    if model.preprocessing.language.is_some() {
        return Ok(closing(&scores.outputs[0], &figures_of(&simple[0])));
    }
    let (train, of_part) = (Part::Training.of(&trainer.loaded), part.of(&trainer.loaded));
    let linear = baseline::linear(model, config, train, of_part, trainer.stop)?;
    let tables = model.outputs.iter().zip(&scores.outputs).zip(simple).enumerate();
    let tables = tables.map(|(i, ((output, own), simple))| {
        let mut baselines = figures_of(simple);
        if let Some(mut season) = Season::new(config, &model.preprocessing, output) {
            of_part.1.chunks(EVALUATION_ROWS).for_each(|rows| season.add(output, of_part.0, rows));
            baselines.push(("seasonal naive", season.finish().values()));
        }
        baselines.extend(linear.as_ref().map(|scores| ("linear model", scores.outputs[i].figures())));
        (quote(&own.name), closing(own, &baselines))
    });
    Ok(match &scores.outputs[..] {
        [_] => tables.map(|(_, table)| table).collect(),
        _ => tables.map(|(name, table)| format!("output {name}\n\n{table}")).collect::<Vec<_>>().join("\n"),
    })
}

/// The figures of baselines by their names.
type Figures = Vec<(&'static str, Vec<(&'static str, f64)>)>;

fn figures_of(baselines: &[(&'static str, Report)]) -> Figures {
    baselines.iter().map(|(title, report)| (*title, report.values())).collect()
}

/// The figures of one output beside those of baselines.
fn closing(scores: &OutputScores, baselines: &Figures) -> String {
    let columns: Vec<Column<'_>> = baselines.iter().map(|(title, values)| Column { title, values }).collect();
    let own = scores.figures();
    closing_table(&Column { title: "model", values: &own }, Some(&scores.report.headline()), &columns)
}

/// What the test part is called.
fn test_name(data: &Data) -> String {
    match (data.test_fraction, &data.windows) {
        (0.0, _) => data.test.join(", "),
        (_, Some(_)) => "the test part, the last in time".into(),
        (_, None) => "the test part".into(),
    }
}
