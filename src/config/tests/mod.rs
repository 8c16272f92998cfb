//! Small registries, and what the tests of configs share.

mod bad;
mod good;
mod outputs;

use super::*;
use crate::spec::{Described, Family, Key, Kind, Preset};

const fn key(name: &'static str, kind: Kind, default: Preset) -> Key {
    Key { name, kind, default, doc: "Its meaning." }
}

const fn row(name: &'static str, keys: &'static [Key]) -> Described {
    Described { name, doc: "What it is.", keys }
}

const LEARNING_RATE: Key = key("learning_rate", Kind::above(0.0), Preset::Float(1e-3));

static OPTIMIZERS: [Described; 3] = [
    row("sgd", &[LEARNING_RATE, key("momentum", Kind::below(0.0, 1.0), Preset::Float(0.0))]),
    row(
        "adam",
        &[
            LEARNING_RATE,
            key("betas", Kind::Tuple(2, &Kind::below(0.0, 1.0)), Preset::Floats(&[0.9, 0.999])),
            key("eps", Kind::above(0.0), Preset::Float(1e-8)),
        ],
    ),
    row("adamw", &[LEARNING_RATE]),
];
static SCHEDULES: [Described; 2] = [
    row("constant", &[key("warmup_steps", Kind::int(0, i64::MAX), Preset::Int(0))]),
    row("cosine", &[key("warmup_steps", Kind::int(0, i64::MAX), Preset::Int(0))]),
];
static LOSSES: [Described; 2] = [
    row("mse", &[]),
    row("cross_entropy", &[key("label_smoothing", Kind::below(0.0, 1.0), Preset::Float(0.0))]),
];
static ACTIVATIONS: [Described; 2] = [
    row("relu", &[]),
    row("leaky_relu", &[key("negative_slope", Kind::non_negative(), Preset::Float(0.01))]),
];
static INITIALIZERS: [Described; 1] = [row("he_normal", &[])];
static LAYERS: [Described; 5] = [
    row(
        "linear",
        &[
            key("out_features", Kind::int(1, 1 << 31), Preset::Required),
            key("activation", Kind::Choice(Family::Activation), Preset::Absent),
        ],
    ),
    row("dropout", &[key("p", Kind::below(0.0, 1.0), Preset::Float(0.5))]),
    row("flatten", &[]),
    row(
        "gated",
        &[key(
            "activation",
            Kind::Any(&[Kind::OneOf(&["swiglu"]), Kind::Choice(Family::Activation)]),
            Preset::Str("leaky_relu"),
        )],
    ),
    row("residual", &[key("layers", Kind::List(&Kind::Choice(Family::Layer)), Preset::Required)]),
];

const LAYER_KEYS: &[Key] = &[
    key("name", Kind::Str, Preset::Absent),
    key("input", Kind::Any(&[Kind::Str, Kind::List(&Kind::Str)]), Preset::Absent),
];

fn registries() -> Registries<'static> {
    Registries {
        optimizers: &OPTIMIZERS,
        schedules: &SCHEDULES,
        losses: &LOSSES,
        layers: &LAYERS,
        layer_keys: LAYER_KEYS,
        activations: &ACTIVATIONS,
        initializers: &INITIALIZERS,
        augmentations: &[],
    }
}

fn parse(text: &str, format: Format, settings: &[&str]) -> Result<Config> {
    let name = if format == Format::Json { "iris.json" } else { "iris.toml" };
    let settings: Vec<_> = settings.iter().map(|text| Setting::parse(text)).collect();
    Config::parse(&SourceText::new(name, text, format), &settings, registries())
}

fn toml(text: &str) -> Config {
    parse(text, Format::Toml, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    parse(text, Format::Toml, &[]).expect_err("a wrong config").to_string()
}

fn json_error(text: &str) -> String {
    parse(text, Format::Json, &[]).expect_err("a wrong config").to_string()
}

const GOOD: &str = "[data]\ntrain = \"iris.csv\"\ntarget = \"species\"\n";
