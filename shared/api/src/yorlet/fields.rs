//! What several requests have: how their fields are read.

use std::ops::RangeInclusive;

use models::{Description, InvalidText};

/// What may be paid, in minor units.
pub(crate) const AMOUNT: RangeInclusive<i64> = 100..=99_999_900;

/// A text that is kept for its merchant and shown to nobody: by the rules of a description.
///
/// # Errors
/// It breaks them.
pub(crate) fn text(text: String) -> Result<String, InvalidText> {
    Description::try_from(text).map(String::from)
}
