//! What is wrong with a request: all of it, gathered while it is read.

use crate::error::Violation;
use crate::given::Given;

pub(crate) const A_STRING: &str = "must be a string";
pub(crate) const A_TRUTH: &str = "must be true or false";
pub(crate) const AN_OBJECT: &str = "must be an object";
pub(crate) const A_WHOLE_NUMBER: &str = "must be a whole number of 64 bits, not a string or a fraction";

/// All that is wrong with a request, gathered while it is read.
#[derive(Debug, Default)]
pub(crate) struct Violations(pub(crate) Vec<Violation>);

impl Violations {
    pub(crate) fn add(&mut self, code: impl Into<Option<&'static str>>, parameter: &str, rule: impl std::fmt::Display) {
        self.0.push(Violation::new(code, parameter, rule));
    }

    /// A field that may be left out.
    pub(crate) fn optional<T, U, E: std::fmt::Display>(
        &mut self,
        given: Given<T>,
        code: impl Into<Option<&'static str>> + Copy,
        parameter: &str,
        wrong_type: &str,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        match given {
            Given::Nothing => None,
            Given::Wrong => {
                self.add(code, parameter, wrong_type);
                None
            }
            Given::Value(value) => match check(value) {
                Ok(value) => Some(value),
                Err(rule) => {
                    self.add(code, parameter, rule);
                    None
                }
            },
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T, U, E: std::fmt::Display>(
        &mut self,
        given: Given<T>,
        code: impl Into<Option<&'static str>> + Copy,
        parameter: &str,
        wrong_type: &str,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        if matches!(given, Given::Nothing) {
            self.add(code, parameter, "must be given");
        }
        self.optional(given, code, parameter, wrong_type, check)
    }
}

/// A check that everything passes.
pub(crate) fn infallible<T>(value: T) -> Result<T, &'static str> {
    Ok(value)
}
