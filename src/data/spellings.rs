//! Notes on fields that a reader may take for one value and the program does not, or the other way round.

use std::collections::HashMap;
use std::hash::Hash;

use super::category_index::Meaning;
use super::column::Dictionary;
use super::field::{self, CodeLike};
use super::options::ColumnType;
use super::schema::ColumnSchema;
use crate::error::{counted, quote};

/// Notes on the categories of a column that are the same number, or differ in upper and lower case alone.
pub(super) fn notes(column: &str, categories: &[String]) -> Vec<String> {
    let number =
        |text: &String| Meaning::of(text).filter(|meaning| matches!(meaning, Meaning::Number { .. }));
    let letters = |text: &String| Some(text.to_lowercase());
    let alike = [
        (groups(categories, number), "are the same number"),
        (groups(categories, letters), "differ in case alone"),
    ];
    let told = alike.into_iter().filter_map(|(groups, why)| {
        let first = groups.first()?;
        let (more, column) = (groups.len() - 1, quote(column));
        let more = likewise(more);
        let values = counted(first.len() as u64, "value");
        Some(format!("column {column}: {} {why} and count as {values}{more}", list(first)))
    });
    told.collect()
}

/// A note on spellings that are read as one value.
pub(super) fn merged(column: &str, dictionary: &Dictionary) -> Option<String> {
    let spellings = dictionary.spellings();
    let (first, others) = spellings.split_first()?;
    let more = likewise(others.len());
    Some(format!("column {}: {} are read as one value{more}", quote(column), list(first)))
}

/// `; likewise 3 other values`
fn likewise(more: usize) -> String {
    if more == 0 { String::new() } else { format!("; likewise {}", counted(more as u64, "other value")) }
}

/// Codes in a number column, where nobody said that it is one: its type follows from the first rows, which had none.
#[derive(Debug, Default)]
pub(super) struct LateCodes {
    count: u64,
    first: String,
}

impl LateCodes {
    /// None where the type of the column is settled.
    pub(super) fn watch(column: &ColumnSchema) -> Option<LateCodes> {
        let inferred = column.kind == ColumnType::Number && column.pin.kind.is_none() && !column.of_model;
        inferred.then(LateCodes::default)
    }

    /// Looks at a field of the column.
    #[inline]
    pub(super) fn see(&mut self, text: &str) {
        if CodeLike::of(text).is_some() {
            if self.count == 0 {
                text.clone_into(&mut self.first);
            }
            self.count += 1;
        }
    }

    /// A note, if there were some.
    pub(super) fn note(&self, column: &str) -> Option<String> {
        let (key, column, first) = (field::pin_key(column), quote(column), quote(&self.first));
        let values = counted(self.count, "value");
        (self.count > 0).then(|| {
            format!("column {column}: {values} such as {first} may be codes but are read as numbers; set {key}.type = \"category\" to keep them as they are")
        })
    }
}

/// Categories for which `key` gives the same, if there are several; in the order of the first of each.
fn groups<K: Eq + Hash>(categories: &[String], key: impl Fn(&String) -> Option<K>) -> Vec<Vec<&str>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for category in categories {
        let Some(key) = key(category) else { continue };
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(category);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// `"a", "b" and "c"`
fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_told() {
        let told = |categories: &[&str]| {
            let categories: Vec<String> = categories.iter().map(|&c| c.into()).collect();
            notes("zip", &categories).join("\n")
        };
        assert_eq!(told(&["1", "2", "x", "y"]), "");
        assert_eq!(
            told(&["1730", "01730", "2", "2.0", "3"]),
            "column \"zip\": \"1730\" and \"01730\" are the same number and count as 2 values; likewise 1 other value"
        );
        assert_eq!(
            told(&["NO", "No", "Yes", "no"]),
            "column \"zip\": \"NO\", \"No\" and \"no\" differ in case alone and count as 3 values"
        );
        let mut dictionary = Dictionary::default();
        assert_eq!(merged("b", &dictionary), None);
        ["True", "FALSE", "true", "false"].iter().for_each(|text| _ = dictionary.code(text));
        let note = "column \"b\": \"True\" and \"true\" are read as one value; likewise 1 other value";
        assert_eq!(merged("b", &dictionary).as_deref(), Some(note));
    }
}
