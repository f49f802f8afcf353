//! Reading what a form posted.

use api::InvalidForm;
use lambda_http::Request;
use providers::mock::{Decided, PayerAccount};
use serde::Deserialize;

use crate::answer::Problem;

/// The longest form accepted, in bytes.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// The payer's decision.
#[derive(Debug, Deserialize)]
pub(crate) struct DecisionForm {
    /// As [`providers::mock::Decision::as_str`] spells it.
    decision: String,
    /// Whether the merchant learns from which account; a box that is not ticked is not sent at all.
    payer_account: Option<String>,
    /// That of the link to the page, if it has one.
    #[serde(default)]
    token: String,
}

impl DecisionForm {
    /// Reads the body as this form.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let body: &[u8] = request.body();
        if body.len() > MAX_FORM_BYTES {
            return Err(Problem::TooLong);
        }
        api::parse_form(request.headers(), body).map_err(|invalid| match invalid {
            InvalidForm::MediaType => Problem::NotAForm,
            InvalidForm::NotUtf8 | InvalidForm::Fields => Problem::Unreadable,
        })
    }

    /// The token of the link; empty if there is none.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// What was decided.
    pub(crate) fn check(&self) -> Result<Decided, Problem> {
        let payer_account = match self.payer_account.as_deref() {
            None | Some("shared") => PayerAccount::Shared,
            Some("withheld") => PayerAccount::Withheld,
            Some(_) => return Err(Problem::UnknownDecision),
        };
        let decision = self.decision.parse().map_err(|()| Problem::UnknownDecision)?;
        Ok(Decided { decision, payer_account })
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    #[test]
    fn only_a_short_form_is_read() {
        let form = "application/x-www-form-urlencoded";
        let read = |content_type: &str, body: &str| {
            let request = lambda_http::http::Request::builder().header("content-type", content_type);
            DecisionForm::read(&request.body(Body::Text(body.to_owned())).unwrap())
        };
        assert!(read("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "decision=approve&more=1").is_ok());
        assert!(matches!(read("application/json", "{}"), Err(Problem::NotAForm)));
        assert!(matches!(read(form, &"a".repeat(MAX_FORM_BYTES + 1)), Err(Problem::TooLong)));
        for body in ["", "decision=a&decision=b", "decision=%FF"] {
            assert!(matches!(read(form, body), Err(Problem::Unreadable)), "{body}");
        }
    }
}
