//! The one way in which JSON is read.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use store::Fingerprint;

use crate::error::{ApiError, Refusal};
use crate::given::Object;
use crate::secrets::sha256;

/// A JSON text that was read as a whole before anything is made of it: UTF-8 (RFC 8259, 8.1), numbers within the range of
/// 64-bit floats, no lone surrogates, at most 127 levels, and each key of an object once.
#[derive(Debug)]
pub struct Json<'a> {
    text: &'a [u8],
    value: Value,
}

impl<'a> Json<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// 400 if it is no JSON, or none that every reader understands alike; names a key that is given twice.
    pub fn read(text: &'a [u8]) -> Result<Self, Refusal> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let (mut path, mut doubled) = (Path::default(), None);
        let value = Unique { path: &mut path, doubled: &mut doubled }
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value));
        match (value, doubled) {
            (Ok(value), _) => Ok(Self { text, value }),
            (Err(_), Some(key)) => Err(Refusal::BadRequest(format!("{RULE}; {key} is given twice"))),
            (Err(_), None) => Err(Refusal::BadRequest(RULE.to_owned())),
        }
    }

    /// What the object says.
    ///
    /// # Errors
    /// 400 if it is no object, or not of this shape.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let Object(object) = serde_json::from_slice(self.text).map_err(|_| Refusal::BadRequest(RULE.to_owned()))?;
        Ok(object)
    }

    /// With the id that a field of the object holds in small letters: in capitals it is the same (RFC 9562, 4), and so is the
    /// request.
    #[must_use]
    pub(crate) fn with_id_in_small_letters(mut self, field: &str) -> Self {
        if let Some(Value::String(id)) = self.value.get_mut(field) {
            id.make_ascii_lowercase();
        }
        self
    }

    /// SHA-256 of it in its canonical form (RFC 8785): white space, the order of keys and the spelling of numbers and strings
    /// don't matter, everything else does.
    ///
    /// # Errors
    /// 500 if it can't be written in that form.
    pub fn fingerprint(&self) -> Result<Fingerprint, ApiError> {
        Ok(Fingerprint(sha256(&self.canonical()?)))
    }

    /// In its canonical form.
    ///
    /// # Errors
    /// 500 if it can't be written in that form.
    pub(crate) fn canonical(&self) -> Result<Vec<u8>, ApiError> {
        serde_json_canonicalizer::to_vec(&self.value).map_err(|error| ApiError::Internal(Box::new(error)))
    }
}

const RULE: &str = "the body must be a JSON object, each of its keys given once";

/// Where in the text something is, as violations name it: `line_items[0].amount`.
#[derive(Debug, Default)]
struct Path(String);

impl Path {
    /// Goes down by one step; gives back what [`Path::leave`] needs.
    fn enter(&mut self, step: fmt::Arguments<'_>) -> usize {
        let before = self.0.len();
        // Writing to a String can't fail.
        let _ = fmt::Write::write_fmt(&mut self.0, step);
        before
    }

    fn leave(&mut self, before: usize) {
        self.0.truncate(before);
    }
}

/// Reads a value in which no object has a key twice.
struct Unique<'a> {
    path: &'a mut Path,
    /// The key that is there twice, if that is what is wrong.
    doubled: &'a mut Option<String>,
}

impl Unique<'_> {
    /// The same, for what is inside.
    fn inner(&mut self) -> Unique<'_> {
        Unique { path: self.path, doubled: self.doubled }
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let before = self.path.enter(format_args!("[{}]", list.len()));
            let item = items.next_element_seed(self.inner())?;
            self.path.leave(before);
            match item {
                Some(item) => list.push(item),
                None => return Ok(list.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let dot = if self.path.0.is_empty() { "" } else { "." };
            let before = self.path.enter(format_args!("{dot}{key}"));
            if object.contains_key(&key) {
                *self.doubled = Some(self.path.0.clone());
                return Err(A::Error::custom("a key is given twice"));
            }
            let value = entries.next_value_seed(self.inner())?;
            self.path.leave(before);
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &[u8]) -> String {
        match Json::read(text) {
            Err(Refusal::BadRequest(rule)) => rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_readers_would_understand_differently_is_refused() {
        let deep = "[".repeat(5_000);
        let closed = format!(r#"{{"x":{}{}}}"#, "[".repeat(127), "]".repeat(127));
        let texts = [
            "",
            "{",
            "{}{}",
            "{\"a\":1,}",
            "1e400",
            r#"{"x":1e400}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"\udc00":1}"#,
            &deep,
            &closed,
        ];
        for text in texts {
            assert_eq!(refused(text.as_bytes()), RULE, "{text}");
        }
        assert_eq!(refused(b"{\"x\":\"\xff\"}"), RULE);
        assert!(Json::read(format!("{}1{}", "[".repeat(127), "]".repeat(127)).as_bytes()).is_ok());
    }

    #[test]
    fn a_key_that_is_given_twice_is_named() {
        for (text, key) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"payee":{"name":"x","sort_code":"1","name":"x"}}"#, "payee.name"),
            (r#"{"line_items":[{},{"more":[0,{"x":1,"\u0078":2}]}]}"#, "line_items[1].more[1].x"),
            (r#"[{"a":{}},{"a":{"b":1,"b":{}}}]"#, "[1].a.b"),
        ] {
            assert_eq!(refused(text.as_bytes()), format!("{RULE}; {key} is given twice"));
        }
        assert!(Json::read(br#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#).is_ok());
    }

    #[test]
    fn a_fingerprint_is_of_what_is_said_not_how() {
        let print = |text: &str| Json::read(text.as_bytes()).unwrap().fingerprint().unwrap();
        assert_eq!(print(r#"{"a":1,"b":"é"}"#), print(" { \"b\" : \"\\u00e9\",\n\"a\":1 } "));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":2}"#));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":"1"}"#));
    }

    proptest! {
        // What earlier releases stored fingerprints of was read by serde_json itself.
        #[test]
        fn it_is_read_as_serde_json_does(text in r#"[\[\]{}:,"a-c0-9eE.\\ u-]{0,20}"#, number in any::<f64>()) {
            for text in [text.clone(), format!(r#"{{"a":[{number},"{text}",null,true,{{"b":-1}}]}}"#)] {
                match (Json::read(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                    (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.value, theirs),
                    (Err(Refusal::BadRequest(rule)), Ok(_)) => prop_assert!(rule.ends_with("twice"), "{}", rule),
                    (ours, theirs) => prop_assert!(ours.is_err() && theirs.is_err(), "{}", text),
                }
            }
        }
    }
}
