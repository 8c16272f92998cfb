//! Figures of merit, with scikit-learn's names and definitions, over any number of rows in bounded memory.
//!
//! An [`Accumulator`] is fed batch by batch and gives a [`Report`]: named values for `metrics.jsonl` and
//! `eval`, counts for each class, and the headline figure with its 95 % interval. Sums are f64, taken row
//! by row, so that the size of the batches does not change a bit.
//!
//! A metric is one row of [`METRICS`] and one function of a report.

mod accumulator;
mod classes;
mod interval;
mod labels;
mod numbers;
mod ranking;
mod registry;
mod table;
mod text;

pub use accumulator::{Accumulator, Headline, Report, Targets};
pub use classes::{ClassReport, ClassScores, Classes, RANKED_LIMIT};
pub use interval::{Interval, RESAMPLES, wilson};
pub use labels::{LabelReport, LabelScores, Labels};
pub use numbers::{NumberReport, NumberScores, Numbers};
pub use ranking::{BIN_LIMIT, SCORE_LIMIT};
pub use registry::{METRICS, Metric, Source, Task, find, names, suggest};
pub(crate) use table::number as figure;
pub use table::{Column, class_table, closing_table, confusion_matrix, label_table, output_table};
pub use text::{TextReport, TextTotals};
