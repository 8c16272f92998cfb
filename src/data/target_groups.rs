//! Targets by output: each output of a network predicts some columns of one kind.

use std::fmt;
use std::ops::Range;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::target::Targets;

/// What one output predicts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TargetGroup {
    /// The output's name; [`TargetGroups::ONLY`] where there is one output.
    pub name: String,
    /// The columns.
    #[serde(flatten)]
    pub targets: Targets,
}

/// What a network predicts: one group for each of its outputs, in their order.
///
/// A row of a table's target holds the numbers of the first group, then those of the second, and so on. A single group is
/// written to a model file as its [`Targets`] alone, several as a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetGroups(Vec<TargetGroup>);

impl TargetGroups {
    /// The name of the only group.
    pub const ONLY: &'static str = "output";

    /// The groups in the order of the outputs.
    pub(super) fn new(groups: Vec<TargetGroup>) -> Self {
        match <[TargetGroup; 1]>::try_from(groups) {
            Ok([only]) => only.targets.into(),
            Err(groups) => TargetGroups(groups),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none; never in a fitted preprocessing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each group with its part of a row of the table's target.
    pub fn iter(&self) -> impl Iterator<Item = (&TargetGroup, Range<usize>)> + Clone {
        self.0.iter().scan(0, |end, group| {
            let start = *end;
            *end += group.targets.width();
            Some((group, start..*end))
        })
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&mut Targets, Range<usize>)> {
        self.0.iter_mut().scan(0, |end, group| {
            let start = *end;
            *end += group.targets.width();
            Some((&mut group.targets, start..*end))
        })
    }

    /// Numbers in each row of the target.
    pub fn width(&self) -> usize {
        self.0.iter().map(|g| g.targets.width()).sum()
    }

    /// Names of the columns.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().flat_map(|g| g.targets.names()).collect()
    }

    /// The first target of classes: its number in a row and its classes. The rows are divided so that they keep their
    /// shares.
    pub fn first_classes(&self) -> Option<(usize, &[String])> {
        self.iter().find_map(|(group, columns)| match &group.targets {
            Targets::Classes { classes, .. } => Some((columns.start, &classes[..])),
            _ => None,
        })
    }

    /// The targets that number `i` of a row belongs to, and its number among theirs.
    pub(super) fn of(&self, i: usize) -> Option<(&Targets, usize)> {
        let (group, columns) = self.iter().find(|(_, columns)| columns.contains(&i))?;
        Some((&group.targets, i - columns.start))
    }

    /// The columns that have a class for each step of a row.
    pub(super) fn names_of_steps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|group| match &group.targets {
            Targets::StepClasses { column, .. } => Some(&column[..]),
            _ => None,
        })
    }

    /// Whether the next token of a text is predicted.
    pub fn is_next_token(&self) -> bool {
        matches!(&self.0[..], [only] if matches!(only.targets, Targets::NextToken { .. }))
    }

    /// Whether the parts fit each other, as those of a damaged model file may not.
    pub(super) fn is_valid(&self) -> bool {
        let mut names: Vec<&str> = self.names();
        names.sort_unstable();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        distinct && !self.0.is_empty() && self.0.iter().all(|g| g.targets.is_valid())
    }
}

impl From<Targets> for TargetGroups {
    fn from(targets: Targets) -> Self {
        TargetGroups(vec![TargetGroup { name: Self::ONLY.into(), targets }])
    }
}

impl Serialize for TargetGroups {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [only] => only.targets.serialize(serializer),
            groups => groups.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TargetGroups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Groups)
    }
}

/// Reads one group or a list of them.
struct Groups;

impl<'de> Visitor<'de> for Groups {
    type Value = TargetGroups;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("targets, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TargetGroups, A::Error> {
        Targets::deserialize(MapAccessDeserializer::new(map)).map(TargetGroups::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<TargetGroups, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(TargetGroups::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::NumberTarget;

    fn number(name: &str) -> Targets {
        Targets::Numbers {
            columns: vec![NumberTarget { name: name.into(), offset: 0.1, mean: 0.3, std: 1.0 }],
        }
    }

    fn classes(column: &str) -> Targets {
        Targets::Classes { column: column.into(), classes: vec!["a".into(), "b".into()] }
    }

    #[test]
    fn one_group_is_written_alone_and_several_as_a_list() {
        let one = TargetGroups::from(number("y"));
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, serde_json::to_string(&number("y")).unwrap());
        assert_eq!(serde_json::from_str::<TargetGroups>(&json).unwrap(), one);
        let group = |name: &str, targets| TargetGroup { name: name.into(), targets };
        let two = TargetGroups::new(vec![group("mass", number("y")), group("kind", classes("k"))]);
        let json = serde_json::to_string(&two).unwrap();
        assert!(json.starts_with(r#"[{"name":"mass","kind":"numbers","columns":[{"name":"y""#), "{json}");
        assert_eq!(serde_json::from_str::<TargetGroups>(&json).unwrap(), two);
        assert!(serde_json::from_str::<TargetGroups>("3").is_err());
    }

    #[test]
    fn a_row_holds_one_group_after_the_other() {
        let group = |name: &str, targets| TargetGroup { name: name.into(), targets };
        let groups = TargetGroups::new(vec![group("mass", number("y")), group("kind", classes("k"))]);
        assert_eq!((groups.width(), groups.names()), (2, vec!["y", "k"]));
        assert_eq!(groups.iter().map(|(_, columns)| columns).collect::<Vec<_>>(), [0..1, 1..2]);
        assert_eq!(groups.first_classes(), Some((1, &["a".into(), "b".into()][..])));
        assert_eq!(groups.of(1), Some((&classes("k"), 0)));
        assert_eq!(groups.of(2), None);
        assert!(groups.is_valid());
        assert!(!TargetGroups::new(vec![group("a", number("y")), group("b", number("y"))]).is_valid());
        assert!(!TargetGroups::new(Vec::new()).is_valid());
    }
}
