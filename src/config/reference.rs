//! The printed reference: every key with its kind, range, default and meaning.

use super::keys;
use crate::spec::{Family, Key, Kind, Preset, Registries, Value, toml_value};

/// The whole config reference as Markdown, from the same tables that check a config.
pub fn reference(registries: Registries<'_>) -> String {
    let mut out = String::from(
        "# Config reference\n\nTOML or JSON, the same keys. Paths are relative to the config file.\n",
    );
    let sections: [(&str, &str, &[Key]); 11] = [
        ("Top level", "", keys::ROOT),
        ("[data]", "", keys::DATA),
        (
            "[data.columns.NAME]",
            "What is fixed about one column; what is left out is inferred.",
            keys::COLUMN,
        ),
        ("[data.inputs.NAME]", "An input of the network made of some columns.", keys::INPUT),
        (
            "[data.series]",
            "A long table: each row is a step of a series, and the rows of a series make one sample.",
            keys::SERIES,
        ),
        (
            "[data.windows]",
            "Forecasts: the rows are the steps of one long series, and at each of them the steps so far are the input, the next ones the targets.",
            keys::WINDOWS,
        ),
        (
            "[data] of a language model",
            "Where `text` is given, the run is one of a language model, and the section has these keys alone.",
            keys::TEXT_DATA,
        ),
        ("[model]", "", keys::MODEL),
        ("[model.outputs.NAME]", "One of several outputs.", keys::OUTPUT),
        ("[train]", "", keys::TRAIN),
        ("[train.sample]", "A text that a language model generates after each epoch.", keys::SAMPLE),
    ];
    for (title, doc, keys) in sections {
        let title = match title.split_once(']') {
            Some((section, rest)) => format!("`{section}]`{rest}"),
            None => title.to_owned(),
        };
        out.push_str(&format!("\n## {title}\n"));
        if !doc.is_empty() {
            out.push_str(&format!("\n{doc}\n"));
        }
        table(&mut out, keys);
    }
    out.push_str("\n### `train.early_stopping`\n");
    table(&mut out, keys::EARLY_STOPPING);
    for family in Family::ALL {
        let rows = registries.rows(family);
        if rows.is_empty() {
            continue;
        }
        let noun = family.noun();
        let plural = if noun.ends_with('s') { format!("{noun}es") } else { format!("{noun}s") };
        let title = format!("{}{}", plural[..1].to_uppercase(), &plural[1..]);
        out.push_str(&format!("\n## {title}\n"));
        let common = registries.common_keys(family);
        if !common.is_empty() {
            out.push_str(&format!("\nEvery {noun} takes these:\n"));
            table(&mut out, common);
        }
        for row in rows {
            out.push_str(&format!("\n### `{}`\n\n{}\n", row.name, row.doc));
            table(&mut out, row.keys);
        }
    }
    out
}

/// The default of a key as TOML; empty if it has none.
pub(super) fn default_of(key: &Key) -> String {
    Option::<Value>::from(key.default).map(|value| toml_value(&value)).unwrap_or_default()
}

fn table(out: &mut String, keys: &[Key]) {
    let keys = keys.iter().filter(|key| !matches!(key.kind, Kind::Keys(_)));
    let rows: Vec<String> = keys.map(row).collect();
    if !rows.is_empty() {
        out.push_str("\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
        out.push_str(&rows.concat());
    }
}

fn row(key: &Key) -> String {
    let default = match key.default {
        Preset::Required => "required".to_owned(),
        Preset::Absent => String::new(),
        _ => format!("`{}`", default_of(key)),
    };
    let cell = |text: String| text.replace('|', "\\|");
    format!(
        "| `{}` | {} | {} | {} |\n",
        key.name,
        cell(key.kind.to_string()),
        cell(default),
        cell(key.doc.to_owned())
    )
}
