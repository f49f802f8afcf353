//! Reading what a form posted.

use api::InvalidForm;
use lambda_http::Request;
use models::{EmailAddress, InvalidText, Name, Payer, whole_number};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use crate::answer::Problem;

/// The longest form accepted, in bytes.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// Reads the body as a form.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let body: &[u8] = request.body();
    if body.len() > MAX_FORM_BYTES {
        return Err(Problem::TooLong);
    }
    api::parse_form(request.headers(), body).map_err(|invalid| match invalid {
        InvalidForm::MediaType => Problem::NotAForm,
        InvalidForm::NotUtf8 | InvalidForm::Fields => Problem::Unreadable,
    })
}

/// Who pays, as typed.
#[derive(Default, Deserialize)]
pub(crate) struct PayerForm {
    /// The full name.
    #[serde(default)]
    pub(crate) name: String,
    /// The e-mail address; empty if none.
    #[serde(default)]
    pub(crate) email: String,
}

/// What is wrong with each field, for the payer to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PayerErrors {
    /// The name.
    pub(crate) name: Option<&'static str>,
    /// The e-mail address.
    pub(crate) email: Option<&'static str>,
}

impl PayerErrors {
    /// Whether there are any.
    pub(crate) const fn any(&self) -> bool {
        self.name.is_some() || self.email.is_some()
    }
}

impl PayerForm {
    /// The payer, or all that is wrong at once. What of them is `known` is not asked for, and stays whatever was typed.
    pub(crate) fn check(&self, known: Option<&Payer>, email_required: bool) -> Result<Payer, PayerErrors> {
        let (name, email) = (self.name.trim(), self.email.trim());
        let checked_name = match (known, name) {
            (Some(known), _) => Ok(known.name.clone()),
            (None, "") => Err("Enter your full name"),
            (None, name) => Name::try_from(name.to_owned())
                .map_err(|_: InvalidText| "Your name can have up to 140 ordinary characters, all of them on one line"),
        };
        let checked_email = match email {
            "" if email_required => Err("Enter your e-mail address, so that we can send your receipt"),
            "" => Ok(None),
            email => EmailAddress::try_from(email.to_owned())
                .map(Some)
                .map_err(|_: InvalidText| "Enter an e-mail address like name@example.com"),
        };
        match (checked_name, checked_email) {
            (Ok(name), Ok(email)) => Ok(Payer { name, email, phone: known.and_then(|known| known.phone.clone()) }),
            (name, email) => Err(PayerErrors { name: name.err(), email: email.err() }),
        }
    }
}

/// The choice of a bank.
#[derive(Debug, Deserialize)]
pub(crate) struct BankForm {
    /// The bank's id.
    pub(crate) bank: String,
    /// Which attempt this choice would be, from 1.
    #[serde(deserialize_with = "number")]
    pub(crate) attempt: u8,
}

/// A number, as our pages write it.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    whole_number(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not a number from 0 to 255"))
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn check(name: &str, email: &str, email_required: bool) -> Result<Payer, PayerErrors> {
        PayerForm { name: name.to_owned(), email: email.to_owned() }.check(None, email_required)
    }

    #[test]
    fn a_payer_is_taken_without_the_spaces_around() {
        let payer = check("  Gerald Wiley ", " g@example.com ", true).unwrap();
        assert_eq!(payer.name.as_str(), "Gerald Wiley");
        assert_eq!(payer.email.unwrap().as_str(), "g@example.com");
        assert_eq!(check("G", "", false).unwrap().email, None);
    }

    #[test]
    fn what_is_known_of_a_payer_stays() {
        let (name, phone) = ("Gerald Wiley".to_owned(), Some("+447911123456".to_owned().try_into().unwrap()));
        let known = Payer { name: name.try_into().unwrap(), email: None, phone };
        let check = |name: &str, email: &str| {
            PayerForm { name: name.to_owned(), email: email.to_owned() }.check(Some(&known), true)
        };
        for typed in ["", "Somebody Else", "a\nb"] {
            let payer = check(typed, "g@example.com").unwrap();
            assert_eq!((payer.name.as_str(), payer.email.unwrap().as_str()), ("Gerald Wiley", "g@example.com"));
            assert_eq!(payer.phone, known.phone);
        }
        assert!(check("", "").is_err_and(|errors| errors.name.is_none() && errors.email.is_some()));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = |name: &str, email: &str, required| {
            let errors = check(name, email, required).unwrap_err();
            (errors.name.is_some(), errors.email.is_some())
        };
        assert_eq!(wrong("", "", true), (true, true));
        assert_eq!(wrong("", "", false), (true, false));
        assert_eq!(wrong("Gerald", "gerald", false), (false, true));
        assert_eq!(wrong(&"é".repeat(141), "g@example.com", true), (true, false));
        assert_eq!(wrong("a\nb", "a b@example.com", true), (true, true));
    }

    fn request(content_type: &str, body: impl Into<Body>) -> Request {
        lambda_http::http::Request::builder().header("content-type", content_type).body(body.into()).unwrap()
    }

    #[test]
    fn only_a_short_form_is_read() {
        let form = "application/x-www-form-urlencoded";
        let read = |content_type: &str, body: &str| read::<BankForm>(&request(content_type, body));
        let good = read("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "bank=mock-bank&attempt=2&more=1").unwrap();
        assert_eq!((good.bank.as_str(), good.attempt), ("mock-bank", 2));
        assert!(matches!(read("application/json", "{}"), Err(Problem::NotAForm)));
        assert!(matches!(read("", "bank=a&attempt=1"), Err(Problem::NotAForm)));
        assert!(matches!(read(form, &"a".repeat(MAX_FORM_BYTES + 1)), Err(Problem::TooLong)));
        for body in [
            "",
            "bank=mock-bank",
            "bank=mock-bank&attempt=",
            "bank=mock-bank&attempt=256",
            "bank=mock-bank&attempt=%2B1",
            "bank=mock-bank&attempt=01",
            "bank=mock-bank&attempt=1%20",
            "bank=a&attempt=1&bank=b",
        ] {
            assert!(matches!(read(form, body), Err(Problem::Unreadable)), "{body}");
        }
    }
}
