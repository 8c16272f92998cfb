//! Trees against keys: every mistake is collected, none ends the check.

use super::suggest::{is_abbreviation, nearest};
use super::{
    Choice, Described, Family, Key, Kind, Name, Node, Preset, Registries, Sources, Span, Tree, Value, Values,
    toml_key,
};
use crate::error::{Code, Error, Problem, Result, quote};

/// At most this many problems are printed; the rest are counted.
const SHOWN: usize = 50;

/// At most this many problems are kept, so that a megabyte of nonsense is checked in no time.
const KEPT: usize = 1000;

/// The problems found so far, and what is needed to find more.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// The texts that spans point into.
    pub sources: Sources,
    /// What may be named.
    pub registries: Registries<'a>,
    schema: &'static [Key],
    found: Vec<(Span, Problem)>,
    dropped: usize,
}

impl<'a> Report<'a> {
    /// Nothing found yet.
    pub fn new(sources: Sources, registries: Registries<'a>) -> Self {
        Report { sources, registries, ..Report::default() }
    }

    /// The keys of the whole config, to say where a key belongs that stands in the wrong section.
    pub fn with_schema(mut self, schema: &'static [Key]) -> Self {
        self.schema = schema;
        self
    }

    /// Adds a problem at `span`; its place and excerpt are filled in at the end.
    pub fn add(&mut self, span: Span, problem: Problem) {
        if self.found.len() < KEPT {
            self.found.push((span, problem));
        } else {
            self.dropped += 1;
        }
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.found.len() + self.dropped
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All problems as one error, in the order of the text; the command line comes last.
    ///
    /// # Errors
    ///
    /// [`Code::Usage`], if there is any problem.
    pub fn finish(mut self) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(span, _)| *span);
        let more = self.len().saturating_sub(SHOWN);
        let shown = self.found.into_iter().take(SHOWN);
        let mut problems: Vec<_> = shown.map(|(span, problem)| self.sources.locate(span, problem)).collect();
        if more > 0 {
            problems.push(Problem::new("the config", format!("{more} more problems")));
        }
        Err(Error::all(Code::Usage, problems))
    }

    /// Checks a table against `keys` and fills in their defaults. `path` is what messages call it: `train`, or nothing
    /// for the whole config.
    ///
    /// A key with a problem is absent from the result.
    pub fn check(&mut self, keys: &[Key], table: &Tree, path: &str) -> Values {
        self.check_entries(&[keys], table, path, None)
    }

    /// Checks one value. Of a section ([`Kind::Keys`]) the good keys are returned even where others have problems.
    pub fn value(&mut self, kind: &Kind, tree: &Tree, path: &str) -> Option<Value> {
        match (*kind, &tree.node) {
            (Kind::Any(kinds), _) => self.any(kinds, kind, tree, path),
            (Kind::Raw, Node::List(_) | Node::Table(_)) => Some(tree.to_value()),
            (Kind::Bool, Node::Bool(b)) => Some(Value::Bool(*b)),
            (Kind::Str, Node::Str(s)) => Some(Value::Str(s.clone())),
            (Kind::Int { min, max }, Node::Int(i)) if (min..=max).contains(i) => Some(Value::Int(*i)),
            // 1e3 is a whole number to everyone but a grammar.
            (Kind::Int { min, max }, Node::Float(x))
                if x.fract() == 0.0 && x.abs() < 2_f64.powi(53) && (min..=max).contains(&(*x as i64)) =>
            {
                Some(Value::Int(*x as i64))
            }
            (Kind::Float { .. }, Node::Int(i)) if in_range(kind, *i as f64) => Some(Value::Float(*i as f64)),
            (Kind::Float { .. }, Node::Float(x)) if in_range(kind, *x) => Some(Value::Float(*x)),
            (Kind::Int { .. } | Kind::Float { .. }, Node::Int(_)) | (Kind::Float { .. }, Node::Float(_)) => {
                self.misfit("is out of range", kind, tree, path)
            }
            (Kind::Int { .. }, Node::Float(x)) if x.fract() == 0.0 => {
                self.misfit("is out of range", kind, tree, path)
            }
            (Kind::OneOf(words), Node::Str(s)) if words.contains(&s.as_str()) => Some(Value::Str(s.clone())),
            (Kind::OneOf(words), Node::Str(s)) => {
                let what = format!("{path} is not one of the known words");
                let problem = Problem::new("", what).expected(kind.to_string()).found(quote(s));
                self.add(tree.span, with_guess(problem, s, words.iter().copied()));
                None
            }
            (Kind::Tuple(len, _), Node::List(items)) if items.len() != len => {
                self.misfit("has the wrong length", kind, tree, path)
            }
            (Kind::List(item) | Kind::Tuple(_, item), Node::List(items)) => {
                let before = self.len();
                let each = items.iter().enumerate();
                let values = each.filter_map(|(i, tree)| self.value(item, tree, &format!("{path}.{i}")));
                let values = values.collect();
                (self.len() == before).then_some(Value::List(values))
            }
            (Kind::Table(kind), Node::Table(entries)) => {
                let before = self.len();
                let values = entries.iter().filter_map(|(name, tree)| {
                    let value = self.value(kind, tree, &join(path, &toml_key(&name.text)))?;
                    Some((name.text.clone(), value))
                });
                let values = values.collect();
                (self.len() == before).then_some(Value::Table(values))
            }
            (Kind::Keys(keys), Node::Table(_)) => Some(self.check(keys, tree, path).into_table()),
            (Kind::Choice(family), Node::Str(_) | Node::Table(_)) => {
                let choice = self.pick(family, tree, path)?;
                Some(if family.is_completed() { choice.to_given() } else { choice.to_value() })
            }
            _ => self.misfit("has the wrong type", kind, tree, path),
        }
    }

    /// Resolves `"name"` or `{ type = "name", ... }` against a registry. Of the families that are
    /// [completed](Family::is_completed) later, a table may lack its `type`.
    pub fn pick(&mut self, family: Family, tree: &Tree, path: &str) -> Option<Choice> {
        let (rows, before) = (self.registries.rows(family), self.len());
        let given = tree.entries().iter().map(|(name, _)| name.text.as_str());
        let (name, span) = match (&tree.node, tree.get("type")) {
            (Node::Str(name), _) => (name.as_str(), tree.span),
            (Node::Table(_), Some(Tree { node: Node::Str(name), span })) => (name.as_str(), *span),
            (Node::Table(_), Some(other)) => {
                self.value(&Kind::Str, other, &join(path, "type"));
                return None;
            }
            (Node::Table(_), None) => match self.registries.untyped(family, given.clone()) {
                Some(index) => (rows[index].name, tree.span),
                None => {
                    let known = rows.iter().flat_map(|row| row.keys).map(|key| key.name);
                    let unknown = |(name, _): &&(Name, Tree)| known.clone().all(|known| known != name.text);
                    if let (true, Some((name, _))) =
                        (family.is_completed(), tree.entries().iter().find(unknown))
                    {
                        let what = format!("{path}: no {} has the key {}", family.noun(), quote(&name.text));
                        self.add(name.span, with_guess(Problem::new("", what), &name.text, known));
                        return None;
                    }
                    let problem = Problem::new("", format!("{path} has no type"));
                    self.add(tree.span, problem.help(format!("add type = \"...\", one of: {}", names(rows))));
                    return None;
                }
            },
            _ => {
                self.misfit("has the wrong type", &Kind::Choice(family), tree, path);
                return None;
            }
        };
        let Some(index) = rows.iter().position(|row| row.name == name) else {
            let problem = Problem::new("", format!("{path}: unknown {} {}", family.noun(), quote(name)));
            self.add(span, with_guess(problem, name, rows.iter().map(|row| row.name)));
            return None;
        };
        let row = rows[index];
        let keys = [row.keys, self.registries.common_keys(family)];
        let values = match &tree.node {
            Node::Str(_) => self.missing_keys(&keys, &[], tree, path, Some(row.name)),
            _ => self.check_entries(&keys, tree, path, Some(row.name)),
        };
        let choice = Choice::new(index, row.name, values);
        let choice = match &tree.node {
            Node::Str(_) => choice.given_in_part(["type"].into_iter()),
            _ => choice.given_in_part(given),
        };
        (self.len() == before).then_some(choice)
    }

    /// `only`: the row of a registry that the table is for, whose `type` key is allowed.
    fn check_entries(&mut self, keys: &[&[Key]], table: &Tree, path: &str, only: Option<&str>) -> Values {
        let Node::Table(entries) = &table.node else {
            let problem = Problem::new(
                "",
                format!("{} has the wrong type", if path.is_empty() { "the config" } else { path }),
            );
            self.add(table.span, problem.expected("a table").found(table.describe()));
            return Values::default();
        };
        let mut values = self.missing_keys(keys, entries, table, path, only);
        for (name, tree) in entries {
            if only.is_some() && name.text == "type" {
                continue;
            }
            let known = keys.iter().copied().flatten();
            match known.clone().find(|key| key.name == name.text) {
                Some(key) => {
                    if let Some(value) = self.value(&key.kind, tree, &join(path, key.name)) {
                        values.set(key.name, value);
                    } else {
                        values.remove(key.name);
                    }
                }
                None => {
                    let of = match (only, path) {
                        (Some(row), _) => format!(" of {row}"),
                        (None, "") => String::new(),
                        (None, path) => format!(" in [{path}]"),
                    };
                    let problem = Problem::new("", format!("unknown key {}{of}", quote(&name.text)));
                    let typed = join(path, &name.text);
                    let place = self.belongs(&name.text, known.clone()).filter(|place| *place != typed);
                    let problem = match place {
                        Some(place) => problem.help(format!("did you mean {place}?")),
                        None => with_guess(problem, &name.text, known.map(|key| key.name)),
                    };
                    self.add(name.span, problem);
                }
            }
        }
        values
    }

    /// The defaults of `keys`, and a problem for each required one that `entries` lack.
    fn missing_keys(
        &mut self,
        keys: &[&[Key]],
        entries: &[(Name, Tree)],
        table: &Tree,
        path: &str,
        only: Option<&str>,
    ) -> Values {
        let mut values = Values::default();
        for key in keys.iter().copied().flatten() {
            if entries.iter().any(|(name, _)| name.text == key.name) {
                continue;
            }
            if let Some(preset) = Option::<Value>::from(key.default) {
                // Read like one that is typed: the name of a choice becomes its table, with defaults of its own.
                let typed = Tree::from_value(&preset, table.span);
                if let Some(value) = self.value(&key.kind, &typed, &join(path, key.name)) {
                    values.set(key.name, value);
                }
            }
            if let Kind::Keys(section) = key.kind {
                let section = self.check(section, &Tree::table(table.span), &join(path, key.name));
                values.set(key.name, section.into_table());
            } else if matches!(key.default, Preset::Required) {
                let of = only.map(|row| format!(" ({row})")).unwrap_or_default();
                let problem = Problem::new("", format!("{}{of} is missing", join(path, key.name)));
                self.add(table.span, problem.expected(key.kind.to_string()).help(key.doc));
            }
        }
        values
    }

    /// The first kind that fits; if none does, the problem of the last one that has the right type.
    fn any(&mut self, kinds: &[Kind], whole: &Kind, tree: &Tree, path: &str) -> Option<Value> {
        let mut closest = None;
        for kind in kinds {
            let mut trial = Report::new(self.sources.clone(), self.registries);
            let value = trial.value(kind, tree, path);
            if trial.is_empty() {
                return value;
            }
            if accepts(kind, tree) {
                closest = Some(trial);
            }
        }
        let Some(trial) = closest else {
            return self.misfit("has the wrong type", whole, tree, path);
        };
        let is_scalar = !matches!(tree.node, Node::List(_) | Node::Table(_));
        for (span, problem) in trial.found {
            let of_whole = is_scalar && problem.expected.is_some();
            self.add(span, if of_whole { problem.expected(whole.to_string()) } else { problem });
        }
        self.dropped += trial.dropped;
        None
    }

    /// The full name of a key of another section that was meant by `typed`, if no key here (`known`) is near.
    fn belongs<'k>(&self, typed: &str, known: impl Iterator<Item = &'k Key> + Clone) -> Option<String> {
        if self.found.len() > SHOWN || nearest(typed, known.map(|key| key.name)).is_some() {
            return None;
        }
        let mut all = Vec::new();
        self.collect_keys(self.schema, "", &mut all);
        let name = |full: &'_ str| full.rsplit('.').next().unwrap_or_default().to_owned();
        let meant = all.iter().find(|full| name(full) == typed);
        meant.or_else(|| all.iter().find(|full| is_abbreviation(typed, &name(full)))).cloned()
    }

    fn collect_keys(&self, keys: &[Key], path: &str, all: &mut Vec<String>) {
        for key in keys {
            let full = join(path, key.name);
            all.push(full.clone());
            let kinds = if let Kind::Any(kinds) = key.kind { kinds } else { std::slice::from_ref(&key.kind) };
            for kind in kinds {
                match kind {
                    Kind::Keys(keys) => self.collect_keys(keys, &full, all),
                    Kind::Choice(family) => {
                        self.registries
                            .rows(*family)
                            .iter()
                            .for_each(|row| self.collect_keys(row.keys, &full, all));
                    }
                    _ => {}
                }
            }
        }
    }

    /// A value that its kind does not admit.
    fn misfit(&mut self, what: &str, kind: &Kind, tree: &Tree, path: &str) -> Option<Value> {
        let mut problem = Problem::new("", format!("{path} {what}"));
        problem = problem.expected(kind.to_string()).found(tree.describe());
        if tree.node == Node::Null {
            problem = problem.help("to take the default, leave the key out");
        }
        self.add(tree.span, problem);
        None
    }
}

/// Whether a finite number lies within the bounds of a [`Kind::Float`].
fn in_range(kind: &Kind, x: f64) -> bool {
    let Kind::Float { min, max, min_in, max_in } = *kind else { return false };
    x.is_finite() && (x > min || (min_in && x == min)) && (x < max || (max_in && x == max))
}

/// Whether `tree` has the type of `kind`, whatever its value.
fn accepts(kind: &Kind, tree: &Tree) -> bool {
    match (kind, &tree.node) {
        (Kind::Bool, Node::Bool(_))
        | (Kind::Int { .. } | Kind::Float { .. }, Node::Int(_) | Node::Float(_))
        | (Kind::Str | Kind::OneOf(_), Node::Str(_))
        | (Kind::List(_) | Kind::Tuple(..), Node::List(_))
        | (Kind::Table(_) | Kind::Keys(_), Node::Table(_))
        | (Kind::Choice(_), Node::Str(_) | Node::Table(_))
        | (Kind::Raw, Node::List(_) | Node::Table(_)) => true,
        (Kind::Any(kinds), _) => kinds.iter().any(|kind| accepts(kind, tree)),
        _ => false,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn names(rows: &[Described]) -> String {
    rows.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")
}

/// Adds the known word that was probably meant, and the others.
fn with_guess<'k>(problem: Problem, typed: &str, known: impl Iterator<Item = &'k str> + Clone) -> Problem {
    let list = known.clone().collect::<Vec<_>>().join(", ");
    match nearest(typed, known) {
        Some(word) => problem.help(format!("did you mean \"{word}\"? known here: {list}")),
        None if list.is_empty() => problem,
        None => problem.help(format!("known here: {list}")),
    }
}
