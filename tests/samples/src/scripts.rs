//! What scripts read of `counterfoil --output json`.

use jiff::Timestamp;
use serde_json::Value;

/// The fields whose texts people write, or that are for people alone. Others hold ids, times, URLs, words of fixed sets.
const TEXTS: [&str; 12] = [
    "name",
    "display_name",
    "description",
    "reference",
    "sender",
    "payer_name",
    "reason",
    "detail",
    "item",
    "problem",
    "what_to_do",
    "why",
];

/// The first text of several words that no field for texts holds, or time that is written unlike the others, with its field's name.
pub fn prose_in(json: &Value) -> Option<String> {
    prose("", json)
}

fn prose(name: &str, json: &Value) -> Option<String> {
    match json {
        Value::String(text) => {
            let is_prose = text.contains(' ') && !TEXTS.contains(&name);
            let is_unlike = text.parse::<Timestamp>().is_ok_and(|at| format!("{at:.3}") != *text);
            (is_prose || is_unlike).then(|| format!("{name}: {text}"))
        }
        Value::Array(all) => all.iter().find_map(|one| prose(name, one)),
        // What a merchant says of a payment has names of the merchant's own.
        Value::Object(fields) if name != "metadata" => fields.iter().find_map(|(name, one)| prose(name, one)),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
