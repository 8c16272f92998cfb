//! Small runs that have all keys of the reference between them.

use std::fmt::Write as _;
use std::path::Path;

/// A run on a small table or text.
pub(super) struct Base {
    pub(super) name: &'static str,
    /// The file that it trains on.
    file: fn() -> String,
    settings: &'static [&'static str],
    /// Keys that are inferred, with what is inferred here.
    pub(super) stated: &'static [(&'static str, &'static str)],
    /// The only keys that are tried; none: all.
    only: &'static [&'static str],
}

const BASE: Base = Base { name: "", file: table, settings: &[], stated: &[], only: &[] };

impl Base {
    /// What is set, with the file written to `place`.
    pub(super) fn settings(&self, place: &Path) -> Vec<String> {
        let file = place.join("file.csv");
        std::fs::write(&file, (self.file)()).expect("a file");
        let key = if self.name.starts_with("language") { "data.text" } else { "data.train" };
        let own = [format!("{key}={}", file.display()), "threads=1".to_owned()];
        own.into_iter().chain(self.settings.iter().map(|&text| text.to_owned())).collect()
    }

    pub(super) fn tries(&self, path: &str) -> bool {
        self.only.is_empty() || self.only.contains(&path)
    }
}

/// All of them.
pub(super) fn all() -> Vec<Base> {
    vec![
        Base {
            name: "table",
            settings: &["data.target=kind"],
            stated: &[
                ("data.columns.size.type", "number"),
                ("data.columns.size.missing", "indicator"),
                ("data.columns.size.scale", "standard"),
                ("data.columns.city.type", "category"),
                ("data.columns.city.encoding", "one_hot"),
                ("data.columns.city.unknown", "other"),
                ("data.columns.kind.classes", "[\"a\", \"b\", \"c\"]"),
                ("model.outputs", "{ kind = {} }"),
            ],
            ..BASE
        },
        Base {
            name: "layers",
            settings: &[
                "data.target=kind",
                "train.epochs=2",
                "model.layers=[{type=\"linear\",out_features=4,activation=\"elu\"},{type=\"residual\",layers=[{type=\"dropout\"}]}]",
            ],
            ..BASE
        },
        Base {
            name: "numbers",
            file: steps,
            settings: &["data.target=x", "train.epochs=3", "data.validation=0"],
            ..BASE
        },
        Base {
            name: "outputs",
            file: pixels,
            settings: &[
                "data.target=[\"digit\",\"p0\"]",
                "data.columns.p0.type=number",
                "model.outputs={digit={},p0={}}",
                "train.epochs=3",
                "train.early_stopping={}",
            ],
            ..BASE
        },
        Base {
            name: "image",
            file: pixels,
            settings: &[
                "data.target=digit",
                "data.inputs.pixels={columns=\"p*\",shape=[1,2,2],augment=[{type=\"horizontal_flip\"},{type=\"shift\"}]}",
                "train.epochs=2",
            ],
            ..BASE
        },
        Base {
            name: "series",
            file: series,
            settings: &["data.target=kind", "data.series={id=\"id\"}", "train.epochs=2"],
            stated: &[("data.series.channels", "[\"x\"]"), ("data.series.length", "3")],
            ..BASE
        },
        Base {
            name: "windows",
            file: steps,
            settings: &["data.target=x", "data.windows={length=3}", "train.epochs=2"],
            ..BASE
        },
        Base {
            name: "texts",
            file: texts,
            settings: &["data.target=kind", "data.columns.message={type=\"text\"}", "train.epochs=2"],
            stated: &[
                ("data.columns.message.tokenizer", "word"),
                ("data.columns.message.vocabulary_size", "10000"),
                ("data.columns.message.lowercase", "true"),
                ("data.columns.message.max_tokens", "4"),
                ("data.columns.message.unknown", "other"),
            ],
            ..BASE
        },
        Base {
            name: "labels of tokens, and a class",
            file: texts,
            settings: &[
                "data.target=[\"tags\",\"kind\"]",
                "model.outputs={tags={},kind={}}",
                "data.columns={message={type=\"text\"},tags={type=\"labels\"}}",
                "train.epochs=1",
            ],
            stated: &[("data.columns.message.tokenizer", "whitespace")],
            ..BASE
        },
        Base {
            name: "language",
            file: sentences,
            settings: &[
                "train.epochs=2",
                "train.sample={}",
                "model.layers=[{type=\"embedding\",embedding_dim=4},{type=\"gru\",hidden_size=4}]",
            ],
            stated: &[("model.tie_weights", "false")],
            ..BASE
        },
        Base {
            name: "language without layers",
            file: sentences,
            settings: &["train.epochs=1", "data.context=8", "train.max_steps=1"],
            only: &[
                "model.layers",
                "train.optimizer.type",
                "train.optimizer.learning_rate",
                "train.schedule",
            ],
            ..BASE
        },
    ]
}

/// Thirty rows: a number and a category with gaps, a date, and one of three kinds.
fn table() -> String {
    let mut text = "size,city,day,kind\n".to_owned();
    for i in 0..30 {
        let size = if i % 11 == 3 { "?".to_owned() } else { format!("{}.5", i * 7 % 13) };
        let city = ["Oslo", "Rome", "", "Oslo", "Bern"][i * 3 % 5];
        let _ = writeln!(
            text,
            "{size},{city},2020-{:02}-{:02},{}",
            i % 12 + 1,
            i * 5 % 28 + 1,
            ["a", "b", "c"][i * 7 % 5 % 3]
        );
    }
    text
}

fn pixels() -> String {
    let row =
        |i: usize| format!("{},{},{},{},{}\n", i % 5, i * 3 % 7, i * i % 4, i % 3, ["zero", "one"][i % 2]);
    "p0,p1,p2,p3,digit\n".to_owned() + &(0..24).map(row).collect::<String>()
}

/// Series of two or three steps.
fn series() -> String {
    let mut text = "id,x,kind\n".to_owned();
    for id in 0..16 {
        for step in 0..2 + id % 2 {
            let _ = writeln!(text, "s{id},{}.25,{}", (id * 5 + step * 3) % 11, ["up", "down"][id % 2]);
        }
    }
    text
}

fn steps() -> String {
    "x,y\n".to_owned() + &(0..40).map(|i| format!("{}.5,{}\n", i * i % 17, i % 4)).collect::<String>()
}

fn texts() -> String {
    let mut text = "message,tags,kind\n".to_owned();
    for i in 0..24 {
        let (who, what) = (["Anna", "Ben", "Cleo"][i % 3], ["Rome", "Oslo"][i % 2]);
        let _ = writeln!(text, "{who} flies to {what},P O O C,{}", ["south", "north"][i % 2]);
    }
    text
}

fn sentences() -> String {
    let word = |i: usize| ["the cat ", "a dog ", "sees ", "no bird. ", "runs "][i * i * 3 % 5];
    (0..150).map(word).collect()
}
