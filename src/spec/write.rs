//! Values as TOML text.

use super::Value;

/// `key` as TOML writes it: bare where it may be, quoted otherwise.
pub fn toml_key(key: &str) -> String {
    toml_edit::Key::new(key).default_repr().as_raw().as_str().unwrap_or_default().to_owned()
}

/// `value` as TOML writes it, on one line. A float reads back to the same bits.
pub fn toml_value(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(x) if x.is_nan() => "nan".to_owned(),
        Value::Float(x) => format!("{x:?}"),
        Value::Str(text) => string(text),
        Value::List(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Table(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(k, v)| format!("{} = {}", toml_key(k), toml_value(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A basic string of TOML on one line: line ends and control characters escaped.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let value = Value::Table(vec![
            (
                "plain_key".into(),
                Value::List(vec![Value::Float(1e-8), Value::Float(1.0), Value::Float(1e300)]),
            ),
            ("a key. with \"quotes\"\n".into(), Value::Str("tab\t, \\ \" \u{1b} é \r\n".into())),
            ("".into(), Value::Table(vec![("x".into(), Value::Int(-3)), ("y".into(), Value::Bool(true))])),
            ("empty".into(), Value::Table(vec![])),
        ]);
        let source = crate::spec::SourceText::new(
            "t",
            format!("v = {}", toml_value(&value)),
            crate::spec::Format::Toml,
        );
        let (tree, problems) = crate::spec::parse(&source, 0).unwrap();
        assert!(problems.is_empty());
        assert_eq!(tree.get("v").unwrap().to_value(), value);
    }
}
