//! Every key of a config outside the registries, in the order of the reference.

use crate::spec::{Family, Key, Kind, Preset};

const AUTO: Kind = Kind::OneOf(&["auto"]);
const TEXTS: Kind = Kind::Any(&[Kind::Str, Kind::List(&Kind::Str)]);
const SCALES: Kind = Kind::OneOf(&["none", "standard", "robust", "min_max", "quantile"]);

const fn key(name: &'static str, kind: Kind, default: Preset, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

/// The whole config.
pub(super) const ROOT: &[Key] = &[
    key(
        "seed",
        Kind::int(0, i64::MAX),
        Preset::Int(0),
        "Seeds the initial weights, the order of rows, dropout and the validation split. The same seed gives the same model.",
    ),
    key(
        "threads",
        Kind::int(1, 4096),
        Preset::Absent,
        "Threads to compute with; left out: one a core. The result does not depend on it.",
    ),
    key("data", Kind::Keys(DATA), Preset::Absent, "The tables, and what their columns mean."),
    key("model", Kind::Keys(MODEL), Preset::Absent, "The network."),
    key("train", Kind::Keys(TRAIN), Preset::Absent, "How it is trained."),
];

/// The whole config of a language model.
pub(super) const TEXT_ROOT: &[Key] = &[
    ROOT[0],
    ROOT[1],
    key("data", Kind::Keys(TEXT_DATA), Preset::Absent, "The text, and how it becomes tokens."),
    ROOT[3],
    ROOT[4],
];

/// `[data]` of a language model
pub(super) const TEXT_DATA: &[Key] = &[
    key(
        "text",
        TEXTS,
        Preset::Required,
        "The text to train on, in UTF-8: a path, a list of paths, or a glob such as \"part-*.txt\"; several files are read one after the other with nothing between them. It makes the run one of a language model, which predicts the next token.",
    ),
    key(
        "tokenizer",
        Kind::Str,
        Preset::Absent,
        "What a token is: \"char\" (if left out), \"byte\", \"word\", \"whitespace\" (what stands between it), \"bpe\" (byte pairs, trained on the text), or the path of a tokenizer.json. With train.init_from it is that of the model.",
    ),
    key(
        "vocabulary_size",
        Kind::int(2, 1 << 24),
        Preset::Absent,
        "The most tokens that \"word\" and \"whitespace\" (10,000 if left out) and \"bpe\" (1,000) learn.",
    ),
    key(
        "context",
        Kind::int(1, 1 << 24),
        Preset::Absent,
        "T: tokens of a row (128 if left out), the most that a transformer looks back on; recurrent layers remember what was before.",
    ),
    key(
        "documents",
        Kind::OneOf(&["file", "line"]),
        Preset::Str("file"),
        "How the text is split into training, validation and test parts: \"file\" by position, or \"line\" at random, whole lines; lines are then read in a random order, the end of a file ends a line, and empty lines are left out.",
    ),
    key(
        "validation",
        Kind::Any(&[Kind::below(0.0, 1.0), Kind::Str, Kind::List(&Kind::Str)]),
        Preset::Float(0.1),
        "The text that chooses the best weights: a fraction of the text, from its end (0: none), or a path.",
    ),
    key(
        "test",
        Kind::Any(&[Kind::below(0.0, 1.0), Kind::Str, Kind::List(&Kind::Str)]),
        Preset::Absent,
        "The text that is scored once, when training is done: a path, or a fraction of the text, behind the validation part.",
    ),
];

/// `[data]`
pub(super) const DATA: &[Key] = &[
    key(
        "train",
        TEXTS,
        Preset::Required,
        "The data to train on, tables, IDX files or folders of images: a path, a list of paths, or a glob such as \"part-*.csv\". A language model has data.text in its place.",
    ),
    key(
        "validation",
        Kind::Any(&[Kind::below(0.0, 1.0), Kind::Str, Kind::List(&Kind::Str)]),
        Preset::Float(0.2),
        "The rows that choose the best weights: a fraction of the training table (0: none), stratified by class, or a path.",
    ),
    key(
        "test",
        Kind::Any(&[Kind::below(0.0, 1.0), Kind::Str, Kind::List(&Kind::Str)]),
        Preset::Absent,
        "The rows that are scored once, at the end: a path, or a fraction of the training table (of windows: the last in time).",
    ),
    key(
        "target",
        TEXTS,
        Preset::Required,
        "The column to predict, or a list of columns; \"label\" for IDX files and folders of images.",
    ),
    key(
        "features",
        TEXTS,
        Preset::Absent,
        "The only columns that are inputs, names or patterns with * and ?; left out: all others.",
    ),
    key("exclude", TEXTS, Preset::Strs(&[]), "Columns that are not inputs, names or patterns with * and ?."),
    key("weight", Kind::Str, Preset::Absent, "A column of row weights."),
    key(
        "group",
        Kind::Str,
        Preset::Absent,
        "A column that says which rows belong together, such as a patient: fractions of validation and test take whole groups. It is no input.",
    ),
    key(
        "missing_values",
        Kind::List(&Kind::Str),
        Preset::Strs(&["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "?"]),
        "Fields that stand for \"no value\"; of texts and of labels for steps an empty one alone, unless the list is another one.",
    ),
    key("scale", SCALES, Preset::Str("standard"), "The scale of number columns that have none of their own."),
    key(
        "standardise_target",
        Kind::Bool,
        Preset::Bool(true),
        "Whether number targets are standardised for the network; predictions are mapped back.",
    ),
    key(
        "delimiter",
        Kind::Str,
        Preset::Str("auto"),
        "The character between fields, or \"auto\": found from the first lines of each file; without a header, from those of the training table alone.",
    ),
    key(
        "header",
        Kind::Bool,
        Preset::Bool(true),
        "Whether the first line names the columns; if not, they are column_1, column_2 and so on.",
    ),
    key("quoting", Kind::Bool, Preset::Bool(true), "Whether double quotes may enclose a field."),
    key(
        "on_bad_row",
        Kind::OneOf(&["error", "skip"]),
        Preset::Str("error"),
        "What a row with too few or too many fields does, or one whose image cannot be read.",
    ),
    key(
        "max_bad_fraction",
        Kind::float(0.0, 1.0),
        Preset::Float(0.01),
        "With on_bad_row = \"skip\": more bad rows than this are an error all the same.",
    ),
    key(
        "series",
        Kind::Any(&[Kind::Keys(SERIES)]),
        Preset::Absent,
        "Says that a row is a step of a series, and that the rows of a series make one sample.",
    ),
    key(
        "windows",
        Kind::Any(&[Kind::Keys(WINDOWS)]),
        Preset::Absent,
        "Says that the rows are one long series whose next steps are to be forecast.",
    ),
    key(
        "columns",
        Kind::Table(&Kind::Keys(COLUMN)),
        Preset::Absent,
        "What is fixed about single columns; the rest is inferred.",
    ),
    key(
        "inputs",
        Kind::Table(&Kind::Keys(INPUT)),
        Preset::Absent,
        "Named inputs made of some columns; the other columns make the input `features`.",
    ),
];

/// `[data.series]`
pub(super) const SERIES: &[Key] = &[
    key("id", Kind::Str, Preset::Required, "The column that says which series a row belongs to."),
    key(
        "order",
        Kind::Str,
        Preset::Absent,
        "The column that orders the steps of a series, numbers or dates; left out: the order of the file.",
    ),
    key(
        "channels",
        TEXTS,
        Preset::Absent,
        "The columns that are numbers of a step, names or patterns with * and ?; left out: all number columns that vary within a series.",
    ),
    key(
        "length",
        Kind::int(1, 1 << 31),
        Preset::Absent,
        "The number of steps T: of a longer series the last ones are taken, and a note tells how many are left out; a shorter one is filled up with zeros that no layer looks at; left out: the longest series of the data.",
    ),
];

/// `[data.windows]`
pub(super) const WINDOWS: &[Key] = &[
    key(
        "length",
        Kind::int(1, 1 << 31),
        Preset::Required,
        "Steps that a forecast looks back on, the last known one among them.",
    ),
    key(
        "horizon",
        Kind::int(1, 1 << 20),
        Preset::Int(1),
        "Steps that are forecast; the targets are NAME+1, NAME+2 and so on.",
    ),
    key(
        "stride",
        Kind::int(1, 1 << 31),
        Preset::Int(1),
        "Steps from one window to the next in training and evaluation; predict gives a forecast for every row.",
    ),
    key(
        "order",
        Kind::Str,
        Preset::Absent,
        "The column that orders the rows, numbers or dates; left out: the order of the file.",
    ),
    key(
        "known",
        TEXTS,
        Preset::Strs(&[]),
        "Columns whose values at the steps to forecast are known, as those of a calendar, names or patterns with * and ?: the input `known` [horizon, C].",
    ),
    key(
        "season",
        Kind::int(1, 1 << 31),
        Preset::Absent,
        "Steps of a season: forecasts are compared with the values one season before.",
    ),
];

/// `[data.columns.NAME]`
pub(super) const COLUMN: &[Key] = &[
    key(
        "type",
        Kind::OneOf(&["number", "category", "text", "image", "date", "labels"]),
        Preset::Absent,
        "What the column holds. Of a target, \"labels\" is a label for each token of a text, in one field with white space between them, or for each step of a long table's series, row by row. A \"text\" of a long table that varies within a series has a word in each row.",
    ),
    key(
        "missing",
        Kind::OneOf(&["mean", "median", "constant", "indicator", "drop_row", "error"]),
        Preset::Absent,
        "What a missing value becomes.",
    ),
    key(
        "fill_value",
        Kind::Any(&[Kind::Str, Kind::float(f64::MIN, f64::MAX)]),
        Preset::Absent,
        "With missing = \"constant\": the value put in.",
    ),
    key("scale", SCALES, Preset::Absent, "How the numbers are scaled."),
    key(
        "encoding",
        Kind::OneOf(&["one_hot", "embedding"]),
        Preset::Absent,
        "How a category reaches the network.",
    ),
    key(
        "unknown",
        Kind::OneOf(&["other", "error"]),
        Preset::Absent,
        "What a category unseen in training does, or a character that the tokenizer \"char\" never saw.",
    ),
    key(
        "classes",
        Kind::List(&Kind::Str),
        Preset::Absent,
        "The labels of a target, in this order; any other is an error.",
    ),
    key(
        "tokenizer",
        Kind::Str,
        Preset::Absent,
        "How a text becomes ids: \"word\" (the default), \"whitespace\" (the default where each token has a label), \"char\", \"byte\", \"bpe\" (trained on the data), or the path of a tokenizer.json.",
    ),
    key(
        "vocabulary_size",
        Kind::int(2, 1 << 24),
        Preset::Absent,
        "The most ids of a tokenizer of words (10,000 if left out) or byte pairs (1,000).",
    ),
    key(
        "lowercase",
        Kind::Bool,
        Preset::Absent,
        "Whether a text is put in lower case; left out: for the tokenizer \"word\" alone.",
    ),
    key(
        "max_tokens",
        Kind::int(1, 1 << 24),
        Preset::Absent,
        "The ids of a text that the network gets, T, counted from its beginning; left out: those of the longest, at most 256 (1,024 characters or bytes).",
    ),
];

/// `[data.inputs.NAME]`
pub(super) const INPUT: &[Key] = &[
    key("columns", TEXTS, Preset::Required, "The columns, names or patterns with * and ?."),
    key(
        "shape",
        Kind::List(&Kind::int(1, 1 << 31)),
        Preset::Absent,
        "Sizes without the batch axis: [C, H, W] for images, [C, T] for signals.",
    ),
    key(
        "resize",
        Kind::OneOf(&["stretch", "crop", "pad"]),
        Preset::Absent,
        "For images: how others get the size of `shape`: \"stretch\" (the default), \"crop\" (the shorter side fits, the middle is taken of the other) or \"pad\" (the longer side fits, black around the other).",
    ),
    key(
        "augment",
        Kind::List(&Kind::Choice(Family::Augmentation)),
        Preset::Absent,
        "Random changes of images and series, one after the other; in training alone.",
    ),
];

/// `[model]`
pub(super) const MODEL: &[Key] = &[
    key(
        "layers",
        Kind::Any(&[AUTO, Kind::List(&Kind::Choice(Family::Layer))]),
        Preset::Str("auto"),
        "The layers in order; the output layer is added to fit the target. \"auto\": chosen from the data.",
    ),
    key(
        "init",
        Kind::Choice(Family::Initializer),
        Preset::Absent,
        "Initial weights of all layers; left out: each layer's own.",
    ),
    key(
        "tie_weights",
        Kind::Bool,
        Preset::Bool(false),
        "Of a language model: whether the output layer has the weight of the embedding (Press & Wolf 2017).",
    ),
    key(
        "outputs",
        Kind::Table(&Kind::Keys(OUTPUT)),
        Preset::Absent,
        "What each output predicts, every column of data.target once; left out: targets of one kind (all numbers, all with two values) make one output, others one each.",
    ),
];

/// `[train.sample]`
pub(super) const SAMPLE: &[Key] = &[
    key(
        "prompt",
        Kind::Str,
        Preset::Absent,
        "What the text begins with; left out: a line feed, or the first token of a tokenizer that knows none.",
    ),
    key("max_tokens", Kind::int(1, 1 << 31), Preset::Int(200), "Tokens of the text."),
    key("temperature", Kind::non_negative(), Preset::Float(0.8), "See generate --temperature."),
];

/// `[model.outputs.NAME]`
pub(super) const OUTPUT: &[Key] = &[
    key(
        "target",
        TEXTS,
        Preset::Absent,
        "Its column, or a list of columns that are all numbers or all have two values; left out: its name.",
    ),
    key(
        "input",
        Kind::Str,
        Preset::Absent,
        "The layer that its output layer reads; left out: the last layer. Labels of steps beside an output about the whole row: the layer named `steps`, if there is one.",
    ),
    key(
        "loss",
        Kind::Any(&[AUTO, Kind::Choice(Family::Loss)]),
        Preset::Str("auto"),
        "What training minimises; \"auto\": follows from the target.",
    ),
    key("weight", Kind::non_negative(), Preset::Float(1.0), "What its loss counts in the total."),
];

/// `[train]`
pub(super) const TRAIN: &[Key] = &[
    key(
        "epochs",
        Kind::Any(&[AUTO, Kind::int(0, 1_000_000_000)]),
        Preset::Str("auto"),
        "Passes over the training rows; 0 writes the untrained model. \"auto\": 100 for a table of fewer than 2,000 training rows, about 5,000 steps (20 to 60 epochs) for a larger one, about 2,000 steps (at most 100 epochs) for a language model.",
    ),
    key(
        "batch_size",
        Kind::Any(&[AUTO, Kind::int(1, 1 << 31)]),
        Preset::Str("auto"),
        "Rows of one step. \"auto\": 32 for a table of fewer than 2,000 training rows, a hundredth of a larger one (32 to 256), 16 for a language model; for labels of steps a thirtieth of a small table (4 to 32).",
    ),
    key(
        "loss",
        Kind::Any(&[AUTO, Kind::Choice(Family::Loss)]),
        Preset::Str("auto"),
        "What training minimises; \"auto\", or a table without `type`: cross_entropy for classes, bce_with_logits for labels, mse for numbers. On fewer than 2,000 training rows the label_smoothing of cross_entropy is 0.1 unless it is set; for labels of steps and language models it is 0. Of several outputs, each has a loss of its own in model.outputs.",
    ),
    key(
        "optimizer",
        Kind::Any(&[AUTO, Kind::Choice(Family::Optimizer)]),
        Preset::Str("auto"),
        "The update rule. A table may have some of the keys; the others are chosen. `type` is adamw unless it is set. Its learning_rate and weight_decay follow from data and network: 0.003 and 1 on fewer than 2,000 training rows, else 0.005 and 0.1; with convolutions, recurrent layers or attention 0.001 and 0.01; for labels of steps without attention 0.005 and 0.01; for a language model 0.001 and 0.1. Any other type has the defaults listed under its name.",
    ),
    key(
        "schedule",
        Kind::Any(&[AUTO, Kind::Choice(Family::Schedule)]),
        Preset::Str("auto"),
        "The learning rate over time. `type` is cosine unless it is set, whatever the optimizer is; for a language model its warmup_steps are 100 unless they are set.",
    ),
    key(
        "early_stopping",
        Kind::Any(&[Kind::OneOf(&["auto", "none"]), Kind::Keys(EARLY_STOPPING)]),
        Preset::Str("auto"),
        "When to stop before the last epoch. \"auto\": after half of the epochs without a better validation loss, if there are validation rows. The best weights are kept in any case.",
    ),
    key(
        "clip_grad_norm",
        Kind::above(0.0),
        Preset::Absent,
        "Gradients with a larger Euclidean norm are scaled down to it.",
    ),
    key("clip_grad_value", Kind::above(0.0), Preset::Absent, "Each gradient is cut to plus or minus this."),
    key(
        "accumulate_steps",
        Kind::int(1, 1_000_000),
        Preset::Int(1),
        "Batches whose gradients are summed up for one step of the optimizer.",
    ),
    key(
        "class_weights",
        Kind::Any(&[
            Kind::OneOf(&["none", "balanced"]),
            Kind::List(&Kind::non_negative()),
            Kind::Table(&Kind::non_negative()),
        ]),
        Preset::Str("none"),
        "Weights of the classes in the loss: \"balanced\" (inverse to their counts), a table { class = weight }, or a list in the order of the classes. Where several outputs have classes, only \"balanced\": for each of them.",
    ),
    key(
        "mixup",
        Kind::above(0.0),
        Preset::Absent,
        "Mixes the rows of a batch two by two, inputs and losses, in training: the alpha of the Beta distribution of their parts, such as 0.2 (Zhang et al. 2018). Ids of embedded columns stay those of the larger part.",
    ),
    key(
        "shuffle",
        Kind::Bool,
        Preset::Bool(true),
        "Whether each epoch takes the rows in a new order. A recurrent language model reads its text in order in any case.",
    ),
    key(
        "max_steps",
        Kind::int(0, i64::MAX),
        Preset::Int(0),
        "Stops after this many steps, whatever the epochs; 0: no limit.",
    ),
    key(
        "log_every_steps",
        Kind::int(0, i64::MAX),
        Preset::Int(0),
        "A line of metrics after so many steps; 0: one an epoch.",
    ),
    key(
        "checkpoint_every_steps",
        Kind::int(0, i64::MAX),
        Preset::Int(0),
        "A checkpoint after so many steps; 0: one an epoch.",
    ),
    key(
        "sample",
        Kind::Any(&[Kind::Keys(SAMPLE)]),
        Preset::Absent,
        "Of a language model: shows a text that it generates after each epoch.",
    ),
    key(
        "init_from",
        Kind::Str,
        Preset::Absent,
        "A .safetensors file or a run directory whose weights are the initial ones. Of a model that backprop wrote the preprocessing is taken over too, since the weights fit its numbers: the columns and their kinds, categories, classes, scales, fills and tokenizers; so are layers that the config leaves open. New data may lack categories and classes, and have columns that the model lacks; a value of no known category is an unknown one, as in predict. A missing column and a new class are errors.",
    ),
];

/// `train.early_stopping`
pub(super) const EARLY_STOPPING: &[Key] = &[
    key(
        "metric",
        Kind::Str,
        Preset::Str("loss"),
        "The validation metric to watch; of several outputs OUTPUT.METRIC, or the loss of all.",
    ),
    key(
        "patience",
        Kind::Any(&[AUTO, Kind::int(1, 1_000_000_000)]),
        Preset::Str("auto"),
        "Epochs without progress before it stops. \"auto\": half of the epochs, rounded up.",
    ),
    key(
        "min_delta",
        Kind::non_negative(),
        Preset::Float(0.0),
        "Smaller changes are no progress, and do not make an epoch the best one.",
    ),
];
