//! Table to schema to encoders to batches; knows nothing of networks.
//!
//! Rows of text ([`Rows`]) become a [`Schema`] (types, inferred or pinned) and a [`RawTable`] (32-bit numbers). The rows
//! are divided ([`Split`]), a [`Preprocessing`] is fitted on the training part and turns the raw table into a [`Table`]
//! in place, from which batches are gathered as [`Inputs`] describes. The preprocessing travels in the model file; an
//! [`Encoder`] takes new rows through it.

mod augment;
mod batch;
mod category_index;
mod column;
mod corpus;
mod date;
mod difference;
mod encode;
mod field;
mod fit;
mod fit_prior;
mod fit_text;
mod folder;
mod held;
mod idx;
mod image_rows;
mod infer;
mod inputs;
mod kept;
mod language;
mod leaks;
mod long;
mod missing;
mod moments;
mod normal;
mod note;
mod options;
mod picture;
mod preprocess;
mod prior;
mod raw;
mod raw_target;
pub mod reader;
mod recipe;
mod report;
mod resolution;
mod row_places;
mod rows;
mod samples;
mod scaler;
mod schema;
pub mod source;
mod spellings;
mod split;
mod step;
mod step_targets;
mod stored;
mod table;
mod target;
mod target_groups;
#[cfg(test)]
mod tests;
mod tokenizer;
mod tokens;
mod utf8;
mod windows;

pub use augment::{AUGMENTATIONS, AugmentEntry, Augmentation, Chain, Changes, Grid, Sample as AugmentSample};
pub use batch::{EpochOrder, balanced_class_weights};
pub use category_index::CategoryIndex;
pub use column::{CategoryCell, CategoryFill, Cell, Column, DateCell, Fill, NumberCell};
pub use corpus::{Corpus, CorpusOptions, TextFacts};
pub use date::DatePart;
pub use encode::Encoder;
pub(crate) use field::{closest, list};
pub use fit::Fitted;
pub use held::{Extent, HeldRow, HeldRows, Payloads};
pub use image_rows::{ImageRow, ImageRows};
pub use inputs::{DEFAULT_INPUT, DenseInput, EmbeddingInput, Inputs, StoredInput};
pub use kept::{FileRows, Keep, Kept};
pub use language::{Language, Spelled, TEXT, TokenInput, TokenRows};
pub use long::{LongTable, STEPS};
pub use note::Note;
pub use options::{
    ColumnPin, ColumnType, DataOptions, Encoding, InputGroup, MissingPolicy, OutputGroup, Resize, Scale,
    Unknown,
};
pub use preprocess::{Binding, InputColumns, Preprocessing};
pub use prior::Prior;
pub use raw::RawTable;
pub use report::{Report, left_out};
pub use row_places::RowPlaces;
pub use rows::{BufferedRow, Fields, Meaning, MemoryRows, RowBuffer, Rows, SAMPLE_ROWS};
pub use samples::{ImageColumns, Sample, SampleOptions, Samples, StepTable};
pub use scaler::Scaler;
pub use schema::{ColumnSchema, Role, Schema};
pub use split::{Classes, Split};
pub use step::Steps;
pub use step_targets::StepTargets;
pub use stored::{
    ImageCell, ImageStore, Images, Payload, Series, SeriesCell, SeriesStore, Store, StoredCell, TextCell,
    TextFill, TextStore, TokenStore,
};
pub use table::Table;
pub use target::{LabelTarget, NumberTarget, Targets};
pub use target_groups::{TargetGroup, TargetGroups};
pub use tokenizer::{Decoder, LARGEST_VOCABULARY, Tokenizer, TokenizerKind, TokenizerSpec, UnknownText};
pub use tokens::{Bytes, NewSpill, Spill, Tokens};
pub use windows::{KNOWN, WindowRow, WindowRows, WindowTable};
