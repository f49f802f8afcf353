//! YAML as people write it: what is small in one line, and texts of several lines as they are.

use serde_yaml_ng::{Mapping, Value};

const WIDTH: usize = 118;

/// A mapping's lines, each after `indent` spaces.
pub(crate) fn lines(mapping: &Mapping, indent: usize) -> String {
    let line = |(key, value)| format!("{}{}:{}\n", " ".repeat(indent), scalar(key), after(value, indent));
    mapping.iter().map(line).collect()
}

/// What stands after a key's colon, without the last line's end.
fn after(value: &Value, indent: usize) -> String {
    let margin = " ".repeat(indent + 2);
    if let Some(text) = value.as_str().filter(|text| text.trim_end().contains('\n')) {
        let lines =
            text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("\n{margin}{line}") });
        return format!(" {}{}", if text.ends_with('\n') { "|" } else { "|-" }, lines.collect::<String>());
    }
    if is_small(value, indent) {
        return format!(" {}", flow(value));
    }
    if let Value::Mapping(mapping) = value {
        return format!("\n{}", lines(mapping, indent + 2).trim_end_matches('\n'));
    }
    let entry = |item: &Value| match item.as_mapping().filter(|_| !is_small(item, indent)) {
        Some(mapping) => lines(mapping, indent + 4).trim().to_owned(),
        None => flow(item),
    };
    value.as_sequence().into_iter().flatten().map(|item| format!("\n{margin}- {}", entry(item))).collect()
}

fn is_small(value: &Value, indent: usize) -> bool {
    let nests = |mapping: &Mapping| mapping.values().any(Value::is_mapping);
    let is_one = !value.is_mapping() && !value.is_sequence();
    is_one || !value.as_mapping().is_some_and(nests) && indent + 24 + flow(value).chars().count() <= WIDTH
}

fn flow(value: &Value) -> String {
    match value {
        Value::Mapping(mapping) if mapping.is_empty() => "{}".to_owned(),
        Value::Mapping(mapping) => {
            let entry = |(key, value)| format!("{}: {}", scalar(key), flow(value));
            format!("{{ {} }}", mapping.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Tagged(_) => scalar(value),
    }
}

/// A text without quotes where that reads the same, also inside brackets.
fn scalar(value: &Value) -> String {
    let plain = serde_yaml_ng::to_string(value).unwrap().trim_end().to_owned();
    let Value::String(text) = value else { return plain };
    let inside = serde_yaml_ng::from_str::<Value>(&format!("[{plain}]")).ok();
    if inside == Some(Value::Sequence(vec![value.clone()])) { plain } else { serde_json::to_string(text).unwrap() }
}
