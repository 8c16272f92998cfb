//! Values from the command line, laid over a config before it is checked.

use super::tree::parse_toml_value;
use super::{DEPTH_LIMIT, Name, Node, Report, SourceText, Span, Tree, Value};
use crate::error::{Problem, quote};

/// One value for one key of a config, from the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// As messages call it: `--set train.epochs=3`, `--target`.
    place: String,
    given: Given,
}

#[derive(Clone, Debug, PartialEq)]
enum Given {
    /// `a.b.c=VALUE`, not yet read.
    Text(String),
    /// A path and a value.
    Known(Vec<String>, Value),
}

impl Setting {
    /// `a.b.c=VALUE` as given to `--set`. The value is TOML; what is no TOML value is a text (`train.loss=mse`). A number
    /// in the path is a place in a list (`model.layers.0.p`); quotes hold a dot (`data.columns."a.b".type`).
    pub fn parse(text: &str) -> Self {
        Setting { place: format!("--set {}", shown(text)), given: Given::Text(text.to_owned()) }
    }

    /// The value of a named flag: `Setting::flag("--target", "data.target", Value::Str(..))`. `key` has no quotes.
    pub fn flag(flag: &str, key: &str, value: Value) -> Self {
        let path = key.split('.').map(str::to_owned).collect();
        Setting { place: flag.to_owned(), given: Given::Known(path, value) }
    }

    /// The place of the setting among the sources of `report`.
    fn span(&self, report: &mut Report<'_>) -> Span {
        Span::new(report.sources.add(SourceText::flag(&self.place)), 0..0)
    }

    fn apply_at(&self, span: Span, tree: &mut Tree, report: &mut Report<'_>) {
        let set = self.read(span).and_then(|(path, value)| put(tree, &path, value, span));
        if let Err(problem) = set {
            report.add(span, *problem);
        }
    }

    /// Lays all of `settings` over `tree`: those of `--set` first, the shorter path before the longer, then named flags; what cannot be is added to the report. So
    /// `train.optimizer` and `train.optimizer.learning_rate` mean the same in either order; of one key the last counts.
    pub fn apply_all(settings: &[Setting], tree: &mut Tree, report: &mut Report<'_>) {
        // Problems are told in the order of the command line.
        let mut ordered: Vec<(Span, &Setting)> = settings.iter().map(|s| (s.span(report), s)).collect();
        ordered.sort_by_key(|(_, setting)| match &setting.given {
            Given::Text(text) => (false, depth(text)),
            Given::Known(..) => (true, 0),
        });
        ordered.into_iter().for_each(|(span, setting)| setting.apply_at(span, tree, report));
    }

    fn read(&self, span: Span) -> Result<(Vec<String>, Tree), Box<Problem>> {
        let text = match &self.given {
            Given::Known(path, value) => return Ok((path.clone(), Tree::from_value(value, span))),
            Given::Text(text) => text,
        };
        let example = "for example --set train.epochs=20";
        let Some((path, written)) = split_at_equals(text) else {
            return Err(Problem::new("", "no value").expected("KEY=VALUE").help(example).into());
        };
        if path.matches('.').count() >= DEPTH_LIMIT {
            return Err(Problem::new("", format!("nested more than {DEPTH_LIMIT} deep")).into());
        }
        let Ok(path) = toml_edit::Key::parse(path.trim()) else {
            return Err(Problem::new("", format!("{} is not a key", quote(path)))
                .expected("KEY=VALUE")
                .help(example)
                .into());
        };
        let path = path.iter().map(|key| key.get().to_owned()).collect();
        let value = parse_toml_value(written.trim(), span);
        Ok((path, value.unwrap_or_else(|| Tree { node: Node::Str(written.to_owned()), span })))
    }
}

/// Puts `value` at `path`, making the tables on the way.
fn put(tree: &mut Tree, path: &[String], value: Tree, span: Span) -> Result<(), Box<Problem>> {
    let mut here = tree;
    for (depth, key) in path.iter().enumerate() {
        let so_far = || path[..depth].join(".");
        // `optimizer = "adam"` and `optimizer.eps=1`: the name becomes the table's type. Words for "nothing is given" become an empty
        // table.
        if let Node::Str(name) = &here.node {
            let is_open = matches!(name.as_str(), "auto" | "none");
            let name = Tree { node: Node::Str(name.clone()), span: here.span };
            let entry = (Name { text: "type".to_owned(), span: name.span }, name);
            let entries = if is_open { Vec::new() } else { vec![entry] };
            *here = Tree { node: Node::Table(entries), span };
        }
        let found = here.describe();
        here = match &mut here.node {
            Node::Table(entries) => {
                let at = entries.iter().position(|(name, _)| name.text == *key).unwrap_or_else(|| {
                    entries.push((Name { text: key.clone(), span }, Tree::table(span)));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            Node::List(items) => {
                let len = items.len();
                let Some(item) = key.parse().ok().and_then(|at: usize| items.get_mut(at)) else {
                    let problem = Problem::new("", format!("{} has no item {}", so_far(), quote(key)));
                    let problem = match len {
                        0 => problem.help("the list is empty"),
                        _ => problem.expected(format!("a number from 0 to {}", len - 1)),
                    };
                    return Err(problem.into());
                };
                item
            }
            _ => {
                let what = format!("{} has no keys", so_far());
                return Err(Problem::new("", what).expected("a table or a list").found(found).into());
            }
        };
    }
    *here = value;
    Ok(())
}

/// Keys in the path of `a.b.c=VALUE`; 0 if it is no path.
fn depth(text: &str) -> usize {
    let path =
        split_at_equals(text).map(|(path, _)| path).filter(|path| path.matches('.').count() < DEPTH_LIMIT);
    path.and_then(|path| toml_edit::Key::parse(path.trim()).ok()).map_or(0, |keys| keys.len())
}

/// Splits at the first `=` outside of quotes.
fn split_at_equals(text: &str) -> Option<(&str, &str)> {
    let mut quoted = None;
    for (i, c) in text.char_indices() {
        match (quoted, c) {
            (None, '=') => return Some((&text[..i], &text[i + 1..])),
            (None, '"' | '\'') => quoted = Some(c),
            (Some(open), _) if open == c => quoted = None,
            _ => {}
        }
    }
    None
}

/// `text` for a message: cut, and without control characters; quotes only where there was something to escape.
fn shown(text: &str) -> String {
    let quoted = quote(text);
    if quoted.len() == text.len() + 2 { text.to_owned() } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Format, parse};

    fn set(text: &str, setting: &str) -> Result<Value, String> {
        let source = SourceText::new("t", text, Format::Toml);
        let (mut tree, _) = parse(&source, 0).unwrap();
        let mut report = Report::default();
        Setting::apply_all(&[Setting::parse(setting)], &mut tree, &mut report);
        report.finish().map(|()| tree.to_value()).map_err(|error| error.to_string())
    }

    fn table(text: &str) -> Result<Value, String> {
        let source = SourceText::new("t", text, Format::Toml);
        Ok(parse(&source, 0).unwrap().0.to_value())
    }

    #[test]
    fn a_value_is_toml_or_a_text() {
        for (setting, same) in [
            ("a=1", "a = 1"),
            ("a = [1, 'x']", "a = [1, 'x']"),
            ("a={b=true}", "a.b = true"),
            ("a=adam", "a = 'adam'"),
            ("a=x=y", "a = 'x=y'"),
            ("a=", "a = ''"),
            ("a=../b c", "a = '../b c'"),
            ("a.b.c=1e-3", "a.b.c = 0.001"),
            ("a.\"b.=c\"=1", "a.\"b.=c\" = 1"),
        ] {
            assert_eq!(set("", setting), table(same), "{setting}");
        }
    }

    #[test]
    fn a_table_and_its_keys_may_be_set_in_any_order() {
        let source = SourceText::new("t", "o = { type = 'adam', eps = 1 }", Format::Toml);
        let all = |settings: &[&str]| {
            let (mut tree, _) = parse(&source, 0).unwrap();
            let settings: Vec<Setting> = settings.iter().map(|text| Setting::parse(text)).collect();
            Setting::apply_all(&settings, &mut tree, &mut Report::default());
            tree.to_value()
        };
        let sgd = table("o = { type = 'sgd', rate = 2 }").unwrap();
        assert_eq!(all(&["o=sgd", "o.rate=2"]), sgd);
        assert_eq!(all(&["o.rate=2", "o=sgd"]), sgd);
        assert_eq!(all(&["o.rate=1", "o=sgd", "o.rate=2"]), sgd);
        assert_eq!(all(&["o=auto", "o.rate=2"]), table("o = { rate = 2 }").unwrap());
    }

    #[test]
    fn a_path_leads_through_tables_lists_and_names() {
        assert_eq!(set("a = [{ p = 1 }, 'x']", "a.0.p=2"), table("a = [{ p = 2 }, 'x']"));
        assert_eq!(set("a = ['x', 'y']", "a.1.p=2"), table("a = ['x', { type = 'y', p = 2 }]"));
        assert_eq!(set("a = 'adam'", "a.eps=2"), table("a = { type = 'adam', eps = 2 }"));
        assert!(set("a = [1]", "a.1=2").unwrap_err().contains("a has no item \"1\""));
        assert!(
            set("", &format!("a{}=1", ".a".repeat(20_000))).unwrap_err().contains("nested more than 64 deep")
        );
        assert!(set("", &format!("a={}", "[".repeat(20_000))).is_ok(), "no TOML value: a text");
    }
}
