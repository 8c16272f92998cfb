//! A config as a tree of values, each with its place; the same for TOML and JSON.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Item, Value as TomlValue};

use super::Value;
use super::source::{Format, SourceText, Span};
use crate::error::{Code, Error, Problem, Result, quote};

/// A value as it was written, with its place.
///
/// Two trees are equal if their values are; places do not count.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The value.
    pub node: Node,
    /// Where it stands.
    pub span: Span,
}

/// The value of a [`Tree`].
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// JSON's `null`.
    Null,
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Str(String),
    /// A date or time of TOML.
    Date(String),
    /// A list.
    List(Vec<Tree>),
    /// A table, in the order it was written.
    Table(Vec<(Name, Tree)>),
}

/// A key of a table as it was written, with its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The key, without quotes.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.node == other.node
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

impl Tree {
    /// An empty table at `span`.
    pub fn table(span: Span) -> Self {
        Tree { node: Node::Table(Vec::new()), span }
    }

    /// The value of `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entries().iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        let Node::Table(entries) = &mut self.node else { return None };
        entries.iter_mut().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }

    /// The keys and values of a table; none for anything else.
    pub fn entries(&self) -> &[(Name, Tree)] {
        match &self.node {
            Node::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Tree] {
        match &self.node {
            Node::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.node {
            Node::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value without places; a date becomes its text, `null` an empty list.
    pub fn to_value(&self) -> Value {
        match &self.node {
            Node::Null => Value::List(Vec::new()),
            Node::Bool(b) => Value::Bool(*b),
            Node::Int(i) => Value::Int(*i),
            Node::Float(x) => Value::Float(*x),
            Node::Str(s) | Node::Date(s) => Value::Str(s.clone()),
            Node::List(items) => Value::List(items.iter().map(Tree::to_value).collect()),
            Node::Table(entries) => Value::Table(
                entries.iter().map(|(name, value)| (name.text.clone(), value.to_value())).collect(),
            ),
        }
    }

    /// `value` with every part at `span`.
    pub fn from_value(value: &Value, span: Span) -> Self {
        let node = match value {
            Value::Bool(b) => Node::Bool(*b),
            Value::Int(i) => Node::Int(*i),
            Value::Float(x) => Node::Float(*x),
            Value::Str(s) => Node::Str(s.clone()),
            Value::List(items) => Node::List(items.iter().map(|v| Tree::from_value(v, span)).collect()),
            Value::Table(entries) => Node::Table(
                entries
                    .iter()
                    .map(|(k, v)| (Name { text: k.clone(), span }, Tree::from_value(v, span)))
                    .collect(),
            ),
        };
        Tree { node, span }
    }

    /// The checked `value` of this tree, with the places of this tree wherever it has the same part.
    pub fn with_value(&self, value: &Value) -> Self {
        let node = match (value, &self.node) {
            (Value::Table(entries), Node::Table(_)) => {
                let dress = |(key, value): &(String, Value)| {
                    let here = self.entries().iter().find(|(name, _)| name.text == *key);
                    match here {
                        Some((name, tree)) => (name.clone(), tree.with_value(value)),
                        None => {
                            (Name { text: key.clone(), span: self.span }, Tree::from_value(value, self.span))
                        }
                    }
                };
                Node::Table(entries.iter().map(dress).collect())
            }
            (Value::List(values), Node::List(items)) if values.len() == items.len() => {
                Node::List(items.iter().zip(values).map(|(item, value)| item.with_value(value)).collect())
            }
            _ => return Tree::from_value(value, self.span),
        };
        Tree { node, span: self.span }
    }

    /// What a message says of it under "found": `-1`, `the text "abc"`, `a list of 3`.
    pub fn describe(&self) -> String {
        match &self.node {
            Node::Null => "null".to_owned(),
            Node::Bool(b) => b.to_string(),
            Node::Int(i) => i.to_string(),
            Node::Float(x) if x.is_nan() => "nan".to_owned(),
            Node::Float(x) => format!("{x:?}"),
            Node::Str(s) => format!("the text {}", quote(s)),
            Node::Date(s) => format!("the date {s}"),
            Node::List(items) if items.is_empty() => "an empty list".to_owned(),
            Node::List(items) => format!("a list of {}", items.len()),
            Node::Table(_) => "a table".to_owned(),
        }
    }
}

/// Parses `source`, which is number `id` among its [`Sources`](super::Sources).
///
/// Of a key given twice the first stays in the tree, and each later one is a problem of the list.
///
/// # Errors
///
/// [`Code::Usage`] with the one problem that left no tree: too long, nested too deep, or a syntax error.
pub fn parse(source: &SourceText, id: usize) -> Result<(Tree, Vec<(Span, Problem)>)> {
    source.guard()?;
    let (tree, twice) = match source.format() {
        Format::Toml => toml(source, id)?,
        Format::Json => json(source, id)?,
    };
    let problems = twice.into_iter().map(|t| {
        let mut problem = Problem::new("", format!("the key {} is given twice", quote(&t.key)));
        if let Some(first) = t.first {
            let (line, column) = source.line_column(first.start);
            problem =
                problem.help(format!("keep one of the two; the first is at line {line}, column {column}"));
        }
        (Span::new(id, t.second), problem)
    });
    Ok((tree, problems.collect()))
}

/// A value on the command line, as TOML writes it; `None` if it is no TOML value.
pub(super) fn parse_toml_value(text: &str, span: Span) -> Option<Tree> {
    let value: TomlValue = text.parse().ok()?;
    let value = TomlReader { id: 0 }.value(&value, 0..0);
    Some(Tree::from_value(&value.to_value(), span))
}

/// A key and the places of its first and of a later occurrence in one table.
struct Twice {
    key: String,
    first: Option<Range<usize>>,
    second: Range<usize>,
}

/// At most this many duplicate keys of a TOML text are looked for: each costs one more parse.
const TWICE_LIMIT: usize = 10;

/// In a text of more bytes one duplicate key is enough.
const SMALL: usize = 1 << 16;

/// The parser stops at a key that is given twice and says where the second stands. To find the first, and to go on,
/// the second is renamed in place to a key of the same length and the text is parsed again.
fn toml(source: &SourceText, id: usize) -> Result<(Tree, Vec<Twice>)> {
    let mut text = source.text().to_owned();
    let limit = if text.len() > SMALL { 1 } else { TWICE_LIMIT };
    let mut renamed: Vec<(String, Range<usize>)> = Vec::new();
    loop {
        let error = match toml_edit::Document::parse(text.as_str()) {
            Ok(document) => {
                let mut tree = TomlReader { id }.table(document.as_table(), 0..usize::MAX);
                let twice = renamed.into_iter().map(|(key, second)| {
                    let first = take_renamed(&mut tree, &key, &second);
                    Twice { key, first, second }
                });
                let twice = twice.collect();
                return Ok((tree, twice));
            }
            Err(error) => error,
        };
        let span = error.span().unwrap_or_default();
        let written = source.text().get(span.clone()).unwrap_or_default();
        let keys = toml_edit::Key::parse(written).unwrap_or_default();
        let in_vain = renamed.len() == limit || renamed.iter().any(|(_, second)| *second == span);
        match keys.as_slice() {
            [key] if error.message() == "duplicate key" && !in_vain => {
                let letter = char::from(b'Z' - renamed.len() as u8).to_string();
                text.replace_range(span.clone(), &letter.repeat(span.len()));
                renamed.push((key.get().to_owned(), span));
            }
            _ => return Err(syntax(source, span, error.message())),
        }
    }
}

/// Takes the entry at `second` out of the tree and returns the place of the entry beside it that is called `key`.
fn take_renamed(tree: &mut Tree, key: &str, second: &Range<usize>) -> Option<Range<usize>> {
    match &mut tree.node {
        Node::List(items) => items.iter_mut().find_map(|item| take_renamed(item, key, second)),
        Node::Table(entries) => match entries.iter().position(|(name, _)| name.span.range() == *second) {
            Some(at) => {
                entries.remove(at);
                entries.iter().find(|(name, _)| name.text == key).map(|(name, _)| name.span.range())
            }
            None => entries.iter_mut().find_map(|(_, value)| take_renamed(value, key, second)),
        },
        _ => None,
    }
}

/// Turns what `toml_edit` parsed into a [`Tree`].
struct TomlReader {
    id: usize,
}

impl TomlReader {
    fn span(&self, range: Option<Range<usize>>, or: &Range<usize>) -> Span {
        Span::new(self.id, range.unwrap_or(or.clone()))
    }

    /// `at`: the place of its key, for tables that have none of their own.
    fn table(&self, table: &dyn toml_edit::TableLike, at: Range<usize>) -> Tree {
        let entries = table.iter().map(|(text, item)| {
            let range = table.key(text).and_then(|key| key.span()).unwrap_or(at.clone());
            (Name { text: text.to_owned(), span: Span::new(self.id, range.clone()) }, self.item(item, range))
        });
        Tree { node: Node::Table(entries.collect()), span: Span::new(self.id, at) }
    }

    fn item(&self, item: &Item, at: Range<usize>) -> Tree {
        match item {
            Item::None => Tree { node: Node::Null, span: Span::new(self.id, at) },
            Item::Value(value) => self.value(value, at),
            Item::Table(table) => self.table(table, at),
            Item::ArrayOfTables(tables) => {
                let items = tables.iter().map(|table| self.table(table, table.span().unwrap_or(at.clone())));
                Tree { node: Node::List(items.collect()), span: Span::new(self.id, at) }
            }
        }
    }

    fn value(&self, value: &TomlValue, at: Range<usize>) -> Tree {
        let node = match value {
            TomlValue::Boolean(b) => Node::Bool(*b.value()),
            TomlValue::Integer(i) => Node::Int(*i.value()),
            TomlValue::Float(x) => Node::Float(*x.value()),
            TomlValue::String(s) => Node::Str(s.value().clone()),
            TomlValue::Datetime(d) => Node::Date(d.value().to_string()),
            TomlValue::Array(items) => {
                Node::List(items.iter().map(|item| self.value(item, at.clone())).collect())
            }
            TomlValue::InlineTable(table) => return self.table(table, value.span().unwrap_or(at)),
        };
        Tree { node, span: self.span(value.span(), &at) }
    }
}

/// `serde_json` is the strict judge of the syntax; `jsonc-parser` keeps places and duplicates.
fn json(source: &SourceText, id: usize) -> Result<(Tree, Vec<Twice>)> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(source.text()) {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
        let lines = source.text().split_inclusive('\n').take(error.line().saturating_sub(1));
        let line_start: usize = lines.map(str::len).sum();
        let at = (line_start + error.column().saturating_sub(1)).min(source.text().len());
        return Err(syntax(source, at..at, message));
    }
    let parsed = jsonc_parser::parse_to_ast(source.text(), &Default::default(), &Default::default());
    let parsed = parsed.map_err(|e| syntax(source, e.range().start..e.range().end, &e.kind().to_string()))?;
    let mut twice = Vec::new();
    match parsed.value {
        Some(value) => {
            let tree = Tree { span: Span::whole(id), ..json_value(&value, id, &mut twice) };
            Ok((tree, twice))
        }
        None => Err(syntax(source, 0..0, "expected value")),
    }
}

fn json_value(value: &jsonc_parser::ast::Value<'_>, id: usize, twice: &mut Vec<Twice>) -> Tree {
    use jsonc_parser::ast::Value as Json;
    use jsonc_parser::common::Ranged;
    let range = |r: jsonc_parser::common::Range| r.start..r.end;
    let node = match value {
        Json::NullKeyword(_) => Node::Null,
        Json::BooleanLit(b) => Node::Bool(b.value),
        // Whole numbers beyond 64 bits, like fractions, become floats: no range admits them.
        Json::NumberLit(n) => n
            .value
            .parse()
            .map(Node::Int)
            .unwrap_or_else(|_| Node::Float(n.value.parse().unwrap_or(f64::NAN))),
        Json::StringLit(s) => Node::Str(s.value.clone().into_owned()),
        Json::Array(list) => {
            Node::List(list.elements.iter().map(|item| json_value(item, id, twice)).collect())
        }
        Json::Object(object) => {
            let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
            let mut entries = Vec::new();
            for property in &object.properties {
                let key = property.name.as_str();
                let at = range(property.name.range());
                let value = json_value(&property.value, id, twice);
                if let Some(first) = seen.get(key) {
                    twice.push(Twice { key: key.to_owned(), first: Some(first.clone()), second: at });
                    continue;
                }
                entries.push((Name { text: key.to_owned(), span: Span::new(id, at.clone()) }, value));
                seen.insert(key, at);
            }
            Node::Table(entries)
        }
    };
    Tree { node, span: Span::new(id, range(value.range())) }
}

fn syntax(source: &SourceText, range: Range<usize>, message: &str) -> Error {
    let format = match source.format() {
        Format::Toml => "TOML",
        Format::Json => "JSON",
    };
    // What the TOML parser makes of `key =` with nothing after it would send its reader looking for quotes.
    let nothing_there = source
        .text()
        .get(range.start..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['\n', '\r']));
    let message = if message.starts_with("string values must be quoted") && nothing_there {
        "a value is missing"
    } else {
        message
    };
    // The parsers name what they expected after a comma; here it has a line of its own.
    let (what, expected) = message.split_once(", expected ").map_or((message, None), |(w, e)| (w, Some(e)));
    let mut problem = Problem::new("", format!("not valid {format}: {what}"));
    problem.expected = expected.filter(|&e| e != "nothing").map(str::to_owned);
    Error::new(Code::Usage, source.locate(range, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str, format: Format) -> Tree {
        parse(&SourceText::new("t", text, format), 3).unwrap().0
    }

    #[test]
    fn every_way_to_write_a_table_gives_the_same_tree() {
        let json = tree(r#"{"a": {"b": {"c": [{"d": 1}, {"d": 2.0}]}, "e": "x"}}"#, Format::Json);
        let ways = [
            "a.b.c = [{ d = 1 }, { d = 2.0 }]\na.e = 'x'",
            "a = { b.c = [{ d = 1 }, { d = 2.0 }], e = \"x\" }",
            "[[a.b.c]]\nd = 1\n[[a.b.c]]\nd = 2.0\n[a]\ne = 'x'",
        ];
        for way in ways {
            assert_eq!(tree(way, Format::Toml), json, "{way}");
        }
    }

    #[test]
    fn keys_and_values_know_their_places() {
        for (text, format) in [
            ("[a]\n\"k\" = [true, -1.5]\nd.e = { f = 'x' }\n", Format::Toml),
            ("{\"a\": {\"k\": [true, -1.5], \"d\": {\"e\": {\"f\": \"x\"}}}}", Format::Json),
        ] {
            let tree = tree(text, format);
            let (name, list) = &tree.get("a").unwrap().entries()[0];
            let at = |span: Span| &text[span.range()];
            assert_eq!((at(name.span), name.span.source()), ("\"k\"", 3));
            assert_eq!(at(list.span), "[true, -1.5]");
            assert_eq!(at(list.items()[1].span), "-1.5");
            let inner = tree.get("a").and_then(|a| a.get("d")).and_then(|d| d.get("e")).unwrap();
            assert!(at(inner.span).starts_with('{') && at(inner.span).ends_with('}'));
        }
    }

    #[test]
    fn the_first_of_two_keys_stays() {
        for (text, format) in
            [("a = 1\na = 2\nb = 3", Format::Toml), (r#"{"a": 1, "a": 2, "b": 3}"#, Format::Json)]
        {
            let (tree, problems) = parse(&SourceText::new("t", text, format), 0).unwrap();
            assert_eq!(problems.len(), 1);
            assert_eq!(tree.entries().len(), 2);
            assert_eq!(tree.get("a").unwrap().to_value(), Value::Int(1));
        }
    }

    #[test]
    fn a_checked_value_keeps_the_places_of_its_tree() {
        let written = tree("x = { type = 'linear', p = 1 }", Format::Toml);
        let written = written.get("x").unwrap();
        let checked = Value::Table(vec![
            ("type".into(), Value::Str("linear".into())),
            ("bias".into(), Value::Bool(true)),
            ("p".into(), Value::Float(1.0)),
        ]);
        let dressed = written.with_value(&checked);
        assert_eq!(dressed.to_value(), checked);
        assert_eq!(dressed.get("p").unwrap().span, written.get("p").unwrap().span);
        assert_eq!(dressed.get("bias").unwrap().span, written.span);
    }
}
