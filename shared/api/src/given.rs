//! What a client gave for a field: it may be of any type.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A field of a JSON request. Reading it never fails, so that all of a request's mistakes can be reported at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Given<T> {
    /// Not there, or null.
    #[default]
    Nothing,
    /// Of another type.
    Wrong,
    /// There.
    Value(T),
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(match serde_json::from_str::<Option<T>>(raw.get()) {
            Ok(Some(value)) => Self::Value(value),
            Ok(None) => Self::Nothing,
            Err(_) => Self::Wrong,
        })
    }
}

/// A field that is there, whatever it holds: what is left out differs from what is null.
pub(crate) fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A JSON object. Serde would also read a struct from a list of its fields in order, which no client means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Err(serde::de::Error::custom("not an object"));
        }
        serde_json::from_str(raw.get()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Both are described as what they hold.
#[cfg(test)]
macro_rules! described_as_inner {
    ($($outer:ident)*) => {$(
        impl<T: schemars::JsonSchema> schemars::JsonSchema for $outer<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                T::schema_name()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                T::json_schema(generator)
            }
        }
    )*};
}
#[cfg(test)]
described_as_inner! { Given Object }

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    struct Request {
        #[serde(default)]
        amount: Given<i64>,
    }

    #[test]
    fn an_amount_is_a_whole_number_or_wrong() {
        let read = |text: &str| serde_json::from_str::<Request>(text).unwrap().amount;
        assert_eq!(read(r#"{"amount":100}"#), Given::Value(100));
        assert_eq!(read(r#"{"amount":null}"#), Given::Nothing);
        assert_eq!(read("{}"), Given::Nothing);
        for wrong in ["\"100\"", "100.0", "1e2", "[]", "{}", "true", "9223372036854775808"] {
            assert_eq!(read(&format!(r#"{{"amount":{wrong}}}"#)), Given::Wrong, "{wrong}");
        }
    }
}
