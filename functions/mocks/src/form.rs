//! What the payer's form posts.

use pages::Problem;
use providers::mock::{Decided, PayerAccount};
use serde::Deserialize;

use crate::problem::unknown_decision;

/// What every form has.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkForm {
    /// That of the link to the page, if it has one.
    #[serde(default)]
    pub(crate) token: String,
}

/// The payer's decision.
#[derive(Debug, Deserialize)]
pub(crate) struct DecisionForm {
    /// As [`providers::mock::Decision::as_str`] spells it.
    decision: String,
    /// Whether the merchant learns from which account; a box that is not ticked is not sent at all.
    payer_account: Option<String>,
}

impl DecisionForm {
    /// What was decided.
    pub(crate) fn check(&self) -> Result<Decided, Problem> {
        let payer_account = match self.payer_account.as_deref() {
            None | Some("shared") => PayerAccount::Shared,
            Some("withheld") => PayerAccount::Withheld,
            Some(_) => return Err(unknown_decision()),
        };
        let decision = self.decision.parse().map_err(|()| unknown_decision())?;
        Ok(Decided { decision, payer_account, card: None })
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use providers::mock::Decision;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, Problem> {
        let request = lambda_http::http::Request::builder().header("content-type", "application/x-www-form-urlencoded");
        pages::read_form(&request.body(Body::Text(body.to_owned())).unwrap())
    }

    #[test]
    fn a_decision_is_read_with_what_goes_with_it() {
        let body = "decision=approve&token=a1&more=1";
        let form: DecisionForm = read(body).unwrap();
        assert_eq!(read::<LinkForm>(body).unwrap().token, "a1");
        assert_eq!(form.check().unwrap(), Decided::from(Decision::Approve));
        let body = "decision=decline&payer_account=withheld";
        assert_eq!(read::<DecisionForm>(body).unwrap().check().unwrap().payer_account, PayerAccount::Withheld);
        assert_eq!(read::<LinkForm>(body).unwrap().token, "");
        for body in ["decision=pay", "decision=", "decision=approve&payer_account=lost"] {
            assert!(matches!(read::<DecisionForm>(body).unwrap().check(), Err(Problem::Refused(..))), "{body}");
        }
        for body in ["", "decision=a&decision=b", "decision=%FF"] {
            assert!(matches!(read::<DecisionForm>(body), Err(Problem::Unreadable)), "{body}");
        }
    }
}
