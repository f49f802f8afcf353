//! How large items are, as DynamoDB counts ("DynamoDB item sizes and formats" in its developer guide).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::table::Item;

/// The size of an item in bytes, by which DynamoDB limits and charges.
pub fn size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum is open; we write none of the kinds left out")]
fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // A byte for every two digits, and one more.
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        // Three bytes, and one for each element.
        AttributeValue::L(values) => values.iter().map(|value| value_bytes(value) + 1).sum::<usize>() + 3,
        AttributeValue::M(values) => size_bytes(values) + values.len() + 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::table::{n, s};

    #[test]
    fn counts_names_values_and_what_holds_them() {
        assert_eq!(size_bytes(&HashMap::from([("name".to_owned(), s("é"))])), 4 + 2);
        let list = AttributeValue::L(vec![n(12345), AttributeValue::Bool(true)]);
        let map = AttributeValue::M(HashMap::from([("a".to_owned(), list)]));
        assert_eq!(size_bytes(&HashMap::from([("m".to_owned(), map)])), 1 + (3 + 1) + 1 + (3 + (1 + 4) + (1 + 1)));
    }
}
