//! Scoring a model on a table that has the target.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::data::reader::BadRows;
use crate::data::source::Source;
use crate::data::{Note, Table, TokenRows};
use crate::error::{Error, Result, quote};
use crate::graph::Mode;
use crate::metrics::{self, Column, Report, closing_table};
use crate::train::blocks::{Blocks, no_rows};
use crate::train::not_finite::{NotFinite, Unscored};
use crate::train::run::in_pool;
use crate::train::scores::{OutputScores, Scorer, Scores, score};
use crate::train::season::Season;
use crate::train::trainer::EVALUATION_ROWS;
use crate::train::{Model, Output, Progress, Stop, language, load};

/// How a table is scored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvalOptions {
    /// What a bad row does; as in training if not given.
    pub on_bad_row: Option<BadRows>,
}

/// The figures of a model on a table.
#[derive(Clone, Debug)]
pub struct Evaluation {
    source: String,
    scores: Scores,
    /// Of each output: classes, or the columns of the targets.
    names: Vec<Vec<String>>,
    /// Of each output: what the values one season before would have scored, where there is a season.
    seasons: Vec<Option<Report>>,
    /// On the data.
    notes: Vec<Note>,
}

/// Scores the model at `model` on the rows of `data`, in memory that does not grow with them beyond
/// [`SCORE_LIMIT`](crate::metrics::SCORE_LIMIT) scores.
///
/// # Errors
/// Those of [`Model::load`]; [`Code::Data`](crate::error::Code::Data) for rows that do not fit, a label that training never
/// saw, or no rows at all; [`Code::Model`](crate::error::Code::Model) for missing columns, and for an output or a loss that is not
/// finite; [`Code::Interrupted`](crate::error::Code::Interrupted).
pub fn evaluate(
    model: &Path,
    data: &Source,
    options: &EvalOptions,
    threads: Option<usize>,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<Evaluation> {
    in_pool(threads, || {
        let mut model = Model::load(model, Mode::Evaluate, None)?;
        let preprocessing = model.preprocessing.clone();
        if let Some(language) = &preprocessing.language {
            if options.on_bad_row.is_some() {
                let error = Error::usage("--on-bad-row", "this is a language model: a text has no rows");
                return Err(error.help("take --on-bad-row out"));
            }
            let tokens = language::read(data, language)?;
            let table = Table::of_text(TokenRows::new(tokens, language.context));
            stop.check("reading the text")?;
            let Some(text) = table.text() else { unreachable!("the table is one of text") };
            let rows = text.windows();
            let source = data.name();
            let scores = score(&mut model, 0, &table, &rows, stop).map_err(|error| match error {
                Unscored::NotFinite(found) => {
                    let place = match found.first() {
                        Some(row) => format!("{source}, the tokens from number {} on", row + 1),
                        None => source.clone(),
                    };
                    found.error(place, &model, Mode::Evaluate, &table)
                }
                Unscored::Stopped(error) => error,
            })?;
            let (names, seasons) = (vec![Vec::new()], vec![None]);
            return Ok(Evaluation { source, scores, names, seasons, notes: Vec::new() });
        }
        let wide = model.for_new_rows();
        let mut blocks = Blocks::open(&model.config, &wide, data, options.on_bad_row, true, None, progress)?;
        if let Some(extent) = blocks.extent() {
            model = model.covering(&extent, Mode::Evaluate, EVALUATION_ROWS)?;
        }
        blocks.tell_extra(&[], progress);
        let mut scorer = Scorer::new(&model);
        let mut rows: Vec<u32> = Vec::new();
        let mut any = false;
        let season = |output| Season::new(&model.config, &preprocessing, output);
        let mut seasons: Vec<Option<Season>> = model.outputs.iter().map(season).collect();
        let _ = blocks.each(stop, "eval", |block| {
            rows.clear();
            rows.extend(0..block.table.len() as u32);
            model.cover_texts(block.table.longest_text(), Mode::Evaluate)?;
            let batch = model.machine.plan(0).max_rows;
            for rows in rows.chunks(batch) {
                scorer.add(&mut model, 0, &block.table, rows).map_err(|found| {
                    let place = block.places.of(found.first().unwrap_or(0) as usize);
                    found.error(place, &model, Mode::Evaluate, &block.table)
                })?;
            }
            for (season, output) in seasons.iter_mut().zip(&model.outputs) {
                season.iter_mut().for_each(|season| season.add(output, &block.table, &rows));
            }
            any |= !rows.is_empty();
            Ok(ControlFlow::Continue(()))
        })?;
        if !any {
            return Err(no_rows(blocks.source(), blocks.dropped()));
        }
        let notes = blocks.notes();
        load::tell(&notes, progress);
        let source = blocks.source().to_owned();
        let names = model.outputs.iter().map(Output::names).collect();
        let seasons = seasons.into_iter().map(|season| Some(season?.finish())).collect();
        let infinite = |found: NotFinite| Error::model(&*source, format!("{} is not finite", found.what));
        let scores = scorer.finish(&model).map_err(infinite)?;
        Ok(Evaluation { source, scores, names, seasons, notes })
    })
}

impl Evaluation {
    /// Loss and metrics.
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// For people: every metric, the headline one with its 95 % interval, then what was counted for each class, label
    /// or number; of several outputs the loss of all and a section for each.
    pub fn to_text(&self) -> String {
        let scores = &self.scores;
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let counted =
            scores.counted().into_iter().map(|(count, unit)| format!("{count} {unit}{}", plural(count)));
        let mut text = format!("{} of {}\n\n", counted.collect::<Vec<_>>().join(", "), self.source);
        if let ([output], [names]) = (&scores.outputs[..], &self.names[..]) {
            return text + &section_text(output, scores.loss, names, self.seasons[0].as_ref());
        }
        text += &closing_table(&Column { title: "value", values: &[("loss", scores.loss)] }, None, &[]);
        for ((output, names), season) in scores.outputs.iter().zip(&self.names).zip(&self.seasons) {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "\noutput {}\n", quote(&output.name));
            text += &section_text(output, output.loss, names, season.as_ref());
        }
        text
    }

    /// For programs: `rows` (of a text `tokens` and `characters`, of labels for each step `steps`), `loss` and every metric
    /// by name, `interval` of the headline metric, `classes` and `confusion` (`[true][predicted]`), `labels` or `outputs`,
    /// and `notes` on the data and the figures. Of several outputs `outputs` holds all but `rows`, `steps` and `notes` for each, by name. Of forecasts with a
    /// season `seasonal_naive` has the figures of the values one season before. Figures that the rows do not define are
    /// `null`, such as those of a class without a row and the means over all classes then.
    pub fn to_json(&self) -> Value {
        let scores = &self.scores;
        let mut map = Map::new();
        map.extend(scores.counted().into_iter().map(|(count, unit)| (format!("{unit}s"), json!(count))));
        if let ([output], [names]) = (&scores.outputs[..], &self.names[..]) {
            map.extend(section_json(output, scores.loss, names, self.seasons[0].as_ref()));
            map.insert("notes".into(), json!(self.notes()));
            return Value::Object(map);
        }
        map.insert("loss".into(), json!(scores.loss));
        let sections = scores.outputs.iter().zip(&self.names).zip(&self.seasons);
        let sections: Map<String, Value> = sections
            .map(|((output, names), season)| {
                (output.name.clone(), section_json(output, output.loss, names, season.as_ref()).into())
            })
            .collect();
        map.insert("outputs".into(), Value::Object(sections));
        map.insert("notes".into(), json!(self.notes()));
        Value::Object(map)
    }

    /// What a reader must know about the data and the figures.
    fn notes(&self) -> Vec<&String> {
        let of_figures = self.scores.outputs.iter().flat_map(|output| &output.notes);
        self.notes.iter().map(|note| &note.text).chain(of_figures).collect()
    }
}

/// The figures of one output; `names` are its classes, or the columns of its targets.
fn section_text(output: &OutputScores, loss: f64, names: &[String], season: Option<&Report>) -> String {
    let report = &output.report;
    let mut values = vec![("loss", loss)];
    values.extend(report.values());
    let headline = report.headline();
    let before = season.map(Report::values);
    let baselines: Vec<Column<'_>> =
        before.iter().map(|values| Column { title: "seasonal naive", values }).collect();
    let mut text = closing_table(&Column { title: "value", values: &values }, Some(&headline), &baselines);
    for table in match report {
        Report::Classes(r) => {
            vec![
                metrics::confusion_matrix(r, names, output.unit),
                metrics::class_table(r, names, output.unit),
            ]
        }
        Report::Labels(r) => vec![metrics::label_table(r, names)],
        Report::Numbers(r) if r.outputs.len() > 1 => vec![metrics::output_table(r, names)],
        _ => Vec::new(),
    } {
        text.push('\n');
        text += &table;
    }
    for (i, note) in output.loss_differs.iter().chain(&output.notes).enumerate() {
        let gap = if i == 0 { "\n" } else { "" };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{gap}note: {note}");
    }
    text
}

fn section_json(
    output: &OutputScores,
    loss: f64,
    names: &[String],
    season: Option<&Report>,
) -> Map<String, Value> {
    let report = &output.report;
    let mut map = Map::new();
    map.insert("loss".into(), json!(loss));
    map.extend(report.values().into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    let headline = report.headline();
    let interval = headline.interval.map(|i| {
        json!({ "metric": headline.metric, "low": i.low, "high": i.high, "level": 0.95, "method": i.method })
    });
    map.insert("interval".into(), json!(interval));
    match report {
        Report::Classes(r) => {
            let class = |(name, c): (&String, &metrics::ClassScores)| {
                json!({ "class": name, "precision": c.precision(), "recall": c.recall(), "f1": c.f1(),
                        "support": count(c.support) })
            };
            map.insert("classes".into(), names.iter().zip(&r.classes).map(class).collect());
            let row = |row: &[f64]| row.iter().map(|&w| count(w)).collect::<Value>();
            let matrix = r.confusion.as_ref().map(|c| c.chunks(names.len()).map(row).collect::<Value>());
            map.insert("confusion".into(), json!(matrix));
        }
        Report::Labels(r) => {
            let label = |(name, l): (&String, &metrics::LabelScores)| {
                json!({ "label": name, "precision": l.precision(), "recall": l.recall(), "f1": l.f1(),
                        "roc_auc": l.roc_auc, "average_precision": l.average_precision,
                        "support": count(l.support) })
            };
            map.insert("labels".into(), names.iter().zip(&r.labels).map(label).collect());
        }
        Report::Numbers(r) => {
            let output = |(name, o): (&String, &metrics::NumberScores)| {
                json!({ "output": name, "r2": o.r2, "rmse": o.rmse, "mse": o.mse, "mae": o.mae,
                        "mape": o.mape })
            };
            map.insert("outputs".into(), names.iter().zip(&r.outputs).map(output).collect());
        }
        Report::Text(r) => _ = map.insert("characters".into(), json!(r.characters)),
    }
    if let Some(season) = season {
        let figures = season.values().into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        map.insert("seasonal_naive".into(), Value::Object(figures.collect()));
    }
    map
}

/// A number of rows: whole unless rows have weights.
fn count(weight: f64) -> Value {
    if weight.fract() == 0.0 && weight < 2f64.powi(53) { json!(weight as u64) } else { json!(weight) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::train::testing::{Trained, table};

    fn iris() -> Trained {
        Trained::new(&table("iris.csv"), &["data.target=species", "train.epochs=60"])
    }

    /// The table `times` over.
    fn repeated(text: &str, times: usize) -> String {
        let (header, rows) = text.split_once('\n').unwrap();
        format!("{header}\n{}", rows.repeat(times))
    }

    #[test]
    fn classes_are_scored_for_people_and_programs() {
        let (figures, notes) = iris().evaluate(&table("iris.csv")).unwrap();
        assert_eq!(notes, [""; 0]);
        let json = figures.to_json();
        let number = |v: &Value| v.as_f64().unwrap();
        let accuracy = number(&json["accuracy"]);
        assert!(json["rows"] == 150 && accuracy > 0.9 && number(&json["loss"]) < 0.5, "{json}");
        let interval = &json["interval"];
        assert!(interval["metric"] == "accuracy" && number(&interval["level"]) == 0.95);
        assert!(number(&interval["low"]) < accuracy && accuracy < number(&interval["high"]));
        let confusion = json["confusion"].as_array().unwrap();
        let right: u64 = (0..3).map(|c| confusion[c][c].as_u64().unwrap()).sum();
        assert_eq!(right as f64 / 150.0, accuracy);
        let class = &json["classes"][1];
        assert_eq!((&class["class"], &class["support"]), (&json!("versicolor"), &json!(50)));
        assert_eq!(number(&class["recall"]), confusion[1][1].as_f64().unwrap() / 50.0);
        let text = figures.to_text();
        assert!(text.contains("150 rows of ") && text.contains("\naccuracy "), "{text}");
        assert!(text.contains("95 % interval") && text.contains("\ntrue \\ predicted "), "{text}");
        assert!(text.contains(&format!("{:.4}", number(&class["recall"]))), "{text}");
    }

    #[test]
    fn many_blocks_score_as_one() {
        let model = iris();
        let once = model.evaluate(&table("iris.csv")).unwrap().0.to_json();
        let often = model.evaluate(&repeated(&table("iris.csv"), 60)).unwrap().0.to_json();
        assert_eq!((&often["rows"], &often["accuracy"]), (&json!(9000), &once["accuracy"]));
        assert_eq!(
            often["confusion"][0][0].as_u64().unwrap(),
            60 * once["confusion"][0][0].as_u64().unwrap()
        );
        let loss = |v: &Value| v["loss"].as_f64().unwrap();
        assert!((loss(&often) - loss(&once)).abs() < 1e-12);
    }

    #[test]
    fn the_loss_is_in_the_units_of_training() {
        let text = table("diabetes.csv");
        let model = Trained::new(&text, &["data.target=progression", "data.validation=0.0"]);
        let figures = model.evaluate(&text).unwrap().0;
        let json = figures.to_json();
        let number = |name: &str| json[name].as_f64().unwrap();
        // The target is standardised for the network: its loss is the mean squared error over the variance.
        assert!((number("loss") - (1.0 - number("r2"))).abs() < 1e-4, "{json}");
        assert_eq!(json["outputs"][0]["output"], "progression");
        assert_eq!(json["interval"]["metric"], "r2");
        assert!(!figures.to_text().contains("\noutput "));
    }

    #[test]
    fn undefined_figures_are_null() {
        let (figures, _) = iris()
            .evaluate("sepal_length,sepal_width,petal_length,petal_width,species\n5,3,1.5,.2,setosa\n")
            .unwrap();
        let json = figures.to_json();
        assert!(json["roc_auc"].is_null() && json["rows"] == 1, "{json}");
        assert!(json.as_object().unwrap().contains_key("roc_auc"));
        let absent =
            json!({ "class": "virginica", "precision": null, "recall": null, "f1": null, "support": 0 });
        assert_eq!(json["classes"][2], absent);
        let figures = figures.to_text();
        assert!(figures.contains("\nvirginica           -       -       -     0\n"), "{figures}");
    }

    #[test]
    fn labels_and_several_numbers_have_tables() {
        let rows: Vec<String> =
            (0..200).map(|i| format!("{},{},{},{},{}", i % 50, i % 2, i / 100, i, -i)).collect();
        let text = format!("x,a,b,y,z\n{}\n", rows.join("\n"));
        let model = Trained::new(&text, &["data.target=[\"a\", \"b\"]", "data.features=[\"x\"]"]);
        let figures = model.evaluate(&text).unwrap().0;
        assert!(figures.to_text().contains("\nlabel "));
        assert_eq!(figures.to_json()["labels"][1]["label"], "b");
        assert_eq!(figures.to_json()["labels"][1]["support"], 100);
        let model = Trained::new(&text, &["data.target=[\"y\", \"z\"]", "data.features=[\"x\"]"]);
        let figures = model.evaluate(&text).unwrap().0;
        assert!(figures.to_text().contains("\noutput "));
        assert_eq!(figures.to_json()["outputs"][1]["output"], "z");
    }

    #[test]
    fn tables_that_cannot_be_scored_are_refused() {
        let model = iris();
        let header = "sepal_length,sepal_width,petal_length,petal_width,species";
        let message = |text: &str| {
            let e = model.evaluate(text).unwrap_err();
            (e.code, e.to_string())
        };
        let (code, text) = message(header);
        assert!(
            code == Code::Data
                && text.ends_with("new.csv: 0 rows\n  expected: a header and at least one row")
        );
        let (code, text) = message(&format!("{header}\n1,2,3,4,rosa\n"));
        assert!(code == Code::Data && text.contains("\"setosa\", \"versicolor\", \"virginica\""), "{text}");
        assert!(text.contains("line 2, column \"species\""), "{text}");
        let (code, text) = message("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n");
        assert!(code == Code::Data && text.contains("no target column \"species\""), "{text}");
    }

    #[test]
    fn weights_count_where_they_are_given() {
        let (header, rows) = ("x,w,y", (0..100).map(|i| format!("{},{},{}", i % 10, 1 + i % 2, i % 2)));
        let text = format!("{header}\n{}\n", rows.collect::<Vec<_>>().join("\n"));
        let model = Trained::new(&text, &["data.target=y", "data.weight=w"]);
        let (figures, notes) = model.evaluate("x,w,y\n1,0.5,0\n2,0,1\n3,3,1\n").unwrap();
        assert_eq!(figures.to_json()["classes"][0]["support"], 0.5);
        assert_eq!(figures.to_json()["classes"][1]["support"], 3);
        assert_eq!(notes, [""; 0]);
        let (_, notes) = model.evaluate("x,y\n1,0\n2,1\n").unwrap();
        assert_eq!(notes, ["there is no weight column \"w\": all rows weigh 1"]);
    }
}
