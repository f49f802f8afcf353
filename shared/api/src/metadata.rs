//! Reading a merchant's own notes, which are the same in every format.

use std::collections::BTreeMap;

use models::Metadata;

use crate::given::Given;
use crate::violations::{A_STRING, Violations};

/// `metadata`, as a request gives it: an object of strings. What is wrong has this code.
pub(crate) fn read_metadata(
    given: Given<BTreeMap<String, Given<String>>>,
    code: Option<&'static str>,
    wrong: &mut Violations,
) -> Option<Metadata> {
    let given = match given {
        Given::Nothing => return None,
        Given::Wrong => {
            wrong.add(code, "metadata", "must be an object");
            return None;
        }
        Given::Value(given) => given,
    };
    let mut texts = BTreeMap::new();
    let before = wrong.0.len();
    // Enough of them to see what is wrong, however many there are.
    for (key, value) in given.into_iter().take(Metadata::MAX_KEYS + 1) {
        match value {
            Given::Value(text) => drop(texts.insert(key, text)),
            Given::Nothing | Given::Wrong => wrong.add(code, &format!("metadata.{key}"), A_STRING),
        }
    }
    if wrong.0.len() > before {
        return None;
    }
    wrong.optional(Given::Value(texts), code, "metadata", "", Metadata::try_from)
}
