//! Reading what a form posted.

use models::{EmailAddress, InvalidText, Name, Payer, Session, whole_number};
use pages::CheckoutTexts;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

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

/// What the payer's e-mail address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmailFor {
    /// Questions: it may be left out.
    Questions,
    /// The receipt.
    Receipt,
    /// The provider that leads the payer to their bank.
    Bank,
}

impl EmailFor {
    /// `needs_contact` is whether a provider of the session's needs it.
    pub(crate) const fn of(session: &Session, needs_contact: bool) -> Self {
        match (session.email_receipt, needs_contact) {
            (true, _) => Self::Receipt,
            (false, true) => Self::Bank,
            (false, false) => Self::Questions,
        }
    }

    pub(crate) fn is_required(self) -> bool {
        self != Self::Questions
    }

    /// What is said beside the field.
    pub(crate) const fn hint(self, t: &'static CheckoutTexts) -> &'static str {
        match self {
            Self::Questions => t.email_hint,
            Self::Receipt => t.email_hint_receipt,
            Self::Bank => t.email_hint_bank,
        }
    }
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

    /// Each by the id of its field.
    pub(crate) fn list(&self) -> Vec<(&'static str, &'static str)> {
        let fields = [("name", self.name), ("email", self.email)];
        fields.into_iter().filter_map(|(field, error)| Some((field, error?))).collect()
    }
}

impl PayerForm {
    /// The payer, or all that is wrong at once. What of them is `known` is not asked for, and stays whatever was typed.
    pub(crate) fn check(
        &self,
        known: Option<&Payer>,
        email_for: EmailFor,
        t: &'static CheckoutTexts,
    ) -> Result<Payer, PayerErrors> {
        let (name, email) = (self.name.trim(), self.email.trim());
        let checked_name = match (known, name) {
            (Some(known), _) => Ok(known.name.clone()),
            (None, "") => Err(t.name_missing),
            (None, name) => Name::try_from(name.to_owned()).map_err(|_: InvalidText| t.name_wrong),
        };
        let checked_email = match email {
            "" => match email_for {
                EmailFor::Questions => Ok(None),
                EmailFor::Receipt => Err(t.email_missing),
                EmailFor::Bank => Err(t.email_wrong),
            },
            email => EmailAddress::try_from(email.to_owned()).map(Some).map_err(|_: InvalidText| t.email_wrong),
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
    use pages::Language;

    use super::*;

    const T: &CheckoutTexts = &Language::English.texts().checkout;

    fn check(name: &str, email: &str, email_for: EmailFor) -> Result<Payer, PayerErrors> {
        PayerForm { name: name.to_owned(), email: email.to_owned() }.check(None, email_for, T)
    }

    #[test]
    fn a_payer_is_accepted_without_the_spaces_around() {
        let payer = check("  Gerald Wiley ", " g@example.com ", EmailFor::Receipt).unwrap();
        assert_eq!(payer.name.as_str(), "Gerald Wiley");
        assert_eq!(payer.email.unwrap().as_str(), "g@example.com");
        assert_eq!(check("G", "", EmailFor::Questions).unwrap().email, None);
    }

    #[test]
    fn what_is_known_of_a_payer_stays() {
        let (name, phone) = ("Gerald Wiley".to_owned(), Some("+447911123456".to_owned().try_into().unwrap()));
        let known = Payer { name: name.try_into().unwrap(), email: None, phone };
        let check = |name: &str, email: &str| {
            PayerForm { name: name.to_owned(), email: email.to_owned() }.check(Some(&known), EmailFor::Receipt, T)
        };
        for typed in ["", "Somebody Else", "a\nb"] {
            let payer = check(typed, "g@example.com").unwrap();
            assert_eq!((payer.name.as_str(), payer.email.unwrap().as_str()), ("Gerald Wiley", "g@example.com"));
            assert_eq!(payer.phone, known.phone);
        }
        assert!(check("", "").is_err_and(|errors| errors.name.is_none() && errors.email.is_some()));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let (required, optional) = (EmailFor::Receipt, EmailFor::Questions);
        let wrong = |name: &str, email: &str, email_for| {
            let errors = check(name, email, email_for).unwrap_err();
            (errors.name.is_some(), errors.email.is_some())
        };
        assert_eq!(wrong("", "", required), (true, true));
        assert_eq!(wrong("", "", optional), (true, false));
        assert_eq!(wrong("Gerald", "gerald", optional), (false, true));
        assert_eq!(wrong(&"é".repeat(141), "g@example.com", required), (true, false));
        assert_eq!(wrong("a\nb", "a b@example.com", required), (true, true));
    }

    #[test]
    fn an_address_is_asked_for_by_what_it_is_for() {
        let mut session = samples::session();
        for (receipt, needs_contact, expected, error) in [
            (true, true, EmailFor::Receipt, Some(T.email_missing)),
            (true, false, EmailFor::Receipt, Some(T.email_missing)),
            // Where no receipt is sent, none is promised.
            (false, true, EmailFor::Bank, Some(T.email_wrong)),
            (false, false, EmailFor::Questions, None),
        ] {
            session.email_receipt = receipt;
            let email_for = EmailFor::of(&session, needs_contact);
            assert_eq!((email_for, email_for.is_required()), (expected, error.is_some()));
            assert_eq!(check("Gerald", "", email_for).err().and_then(|errors| errors.email), error);
            assert!(check("Gerald", "g@example.com", email_for).is_ok());
        }
    }

    #[test]
    fn a_choice_names_a_bank_and_an_attempt() {
        let read = |form: &str| serde_urlencoded::from_str::<BankForm>(form);
        let good = read("bank=mock-bank&attempt=2&more=1").unwrap();
        assert_eq!((good.bank.as_str(), good.attempt), ("mock-bank", 2));
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
            assert!(read(body).is_err(), "{body}");
        }
    }
}
