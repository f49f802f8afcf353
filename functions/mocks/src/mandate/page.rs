//! What the page shows: the payment, the form, the mandate, and accounts to try.

use askama::Template;
use models::Session;
use pages::{Facts, Html, Language};
use providers::mock::{MandateScheme, NamedMock};

use super::accounts::{TestAccount, to_try};
use super::form::MandateErrors;
use crate::house::House;
use crate::route::{bank_path, checkout_path};

/// Asks the payer to sign.
#[derive(Template)]
#[template(path = "mandate.html")]
pub(crate) struct MandatePage<'a> {
    house: House,
    note: &'static str,
    checkout: String,
    action: String,
    token: &'a str,
    payee: &'a str,
    amount: String,
    reference: &'a str,
    words: Words,
    mandate: Vec<Html>,
    fields: Vec<Field<'a>>,
    errors: MandateErrors,
    accounts: &'static [TestAccount],
}

/// A scheme's words.
struct Words {
    /// What it is called.
    scheme: &'static str,
    /// What is signed.
    heading: &'static str,
    /// Its text.
    mandate: &'static [&'static str],
}

/// One field of the form.
struct Field<'a> {
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    numeric: bool,
    max_length: u16,
    /// What is shown again: never an account.
    value: &'a str,
    error: Option<&'static str>,
}

/// Bacs: the instruction's and the Guarantee's words, shortened ("Service User's Guide", Direct Debit Guarantee). SEPA: the
/// Core mandate's (EPC016-06, annex VII). Autogiro: the consent's, shortened (Bankgirot, "Autogiro: medgivande").
const fn words(scheme: MandateScheme) -> Words {
    match scheme {
        MandateScheme::Bacs => Words {
            scheme: "Direct Debit",
            heading: "Instruction to your bank to pay by Direct Debit",
            mandate: &[
                "Please pay {payee} by Direct Debit from the account detailed here, subject to the safeguards assured by the \
                 Direct Debit Guarantee.",
                "The Direct Debit Guarantee is offered by all banks and building societies that accept instructions to pay \
                 Direct Debits. If the amount or date changes, {payee} tells you in advance. If an error is made in the payment, \
                 you are entitled to a full and immediate refund from your bank. You can cancel at any time by contacting your \
                 bank.",
            ],
        },
        MandateScheme::Sepa => Words {
            scheme: "SEPA Direct Debit",
            heading: "SEPA Direct Debit mandate",
            mandate: &[
                "By signing this mandate, you authorise {payee} to send an instruction to your bank to debit your account, and \
                 your bank to debit your account in accordance with it. It is for one payment.",
                "As part of your rights, you are entitled to a refund from your bank under the terms and conditions of your \
                 agreement with it. A refund must be claimed within 8 weeks from the date on which your account was debited.",
            ],
        },
        MandateScheme::Autogiro => Words {
            scheme: "Autogiro",
            heading: "Consent to payment by Autogiro",
            mandate: &[
                "You consent to this payment being withdrawn from the account given here, at the request of {payee}. Your bank \
                 need not check beforehand that it may, nor notify you.",
                "You can withdraw the consent by contacting {payee} or your bank, and claim back what was withdrawn without \
                 one.",
            ],
        },
    }
}

/// The fields that name an account.
const fn account_fields(scheme: MandateScheme) -> &'static [Field<'static>] {
    const fn digits(id: &'static str, label: &'static str, hint: &'static str) -> Field<'static> {
        Field { id, label, hint, numeric: true, max_length: 30, value: "", error: None }
    }
    match scheme {
        MandateScheme::Bacs => {
            const {
                &[
                    digits("sort_code", "Sort code", "6 digits, such as 10-88-00"),
                    digits("account_number", "Account number", "8 digits"),
                ]
            }
        }
        MandateScheme::Sepa => {
            const {
                &[Field {
                    id: "iban",
                    label: "IBAN",
                    hint: "It begins with a country’s two letters",
                    numeric: false,
                    max_length: 60,
                    value: "",
                    error: None,
                }]
            }
        }
        MandateScheme::Autogiro => {
            const {
                &[
                    digits("clearing_number", "Clearing number", "4 or 5 digits"),
                    digits("account_number", "Account number", "Without the clearing number"),
                ]
            }
        }
    }
}

impl<'a> MandatePage<'a> {
    pub(crate) fn new(
        bank: &'static NamedMock,
        scheme: MandateScheme,
        session: &'a Session,
        number: u8,
        token: &'a str,
    ) -> Self {
        let payee = session.payee.name.as_str();
        let words = words(scheme);
        let facts = Facts::new(Language::English).name("payee", payee);
        let name = Field {
            id: "name",
            label: "Name on the account",
            hint: "",
            numeric: false,
            max_length: 140,
            value: "",
            error: None,
        };
        let account = account_fields(scheme).iter().map(|field| Field { ..*field });
        Self {
            house: House::of(bank),
            note: bank.note,
            checkout: checkout_path(&session.id),
            action: bank_path(&session.id, number, ""),
            token,
            payee,
            amount: Language::English.amount(&session.amount),
            reference: session.reference.as_str(),
            mandate: words.mandate.iter().map(|text| facts.html(text)).collect(),
            words,
            fields: std::iter::once(name).chain(account).collect(),
            errors: MandateErrors::new(),
            accounts: to_try(scheme),
        }
    }

    /// Shown again, with the name that was typed and what is wrong. Of the account nothing is shown.
    pub(crate) fn with_errors(mut self, name: &'a str, errors: MandateErrors) -> Self {
        for field in &mut self.fields {
            field.error = errors.iter().find(|(id, _)| *id == field.id).map(|(_, text)| *text);
            if field.id == "name" {
                field.value = name;
            }
        }
        self.errors = errors;
        self
    }
}

#[cfg(test)]
mod tests {
    use providers::mock::{MockPage, mocks};

    use super::*;

    fn each(mut check: impl FnMut(&'static NamedMock, MandateScheme)) {
        let mut seen = 0;
        for mock in mocks() {
            if let MockPage::Mandate(scheme) = mock.page {
                check(mock, scheme);
                seen += 1;
            }
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn it_shows_what_is_signed_and_accounts_to_try() {
        let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
        let session = samples::session();
        each(|mock, scheme| {
            let html = MandatePage::new(mock, scheme, &session, 3, "a1b2").render().unwrap();
            if let Some(folder) = &folder {
                std::fs::write(folder.join(format!("mandate_{}.html", mock.id)), &html).unwrap();
            }
            for fact in [
                "<span class=\"amount\">£4.00</span>",
                "<bdi>Bright Candles Ltd</bdi>",
                "Illuminate",
                "type=\"hidden\" name=\"token\" value=\"a1b2\"",
                "name=\"act\" value=\"decline\"",
                &format!("action=\"/mock-bank/{}/3\"", session.id),
                &format!("<p class=\"brand\">{}</p>", mock.name),
                words(scheme).heading,
            ] {
                assert!(html.contains(fact), "{fact}: {html}");
            }
            for account in to_try(scheme) {
                assert!(html.contains(&account.parts.join(" ")) && html.contains(account.meaning), "{html}");
            }
            for field in account_fields(scheme) {
                assert_eq!(html.matches(&format!("name=\"{}\"", field.id)).count(), 1, "{html}");
            }
            assert_eq!((html.matches("<h1").count(), html.matches("value=\"\"").count()), (1, 0), "{html}");
            assert!(!html.contains("{payee}") && !html.contains("<script") && !html.contains(" style="), "{html}");
        });
    }

    #[test]
    fn what_is_wrong_is_shown_with_the_name_and_without_the_account() {
        let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
        let session = samples::session();
        each(|mock, scheme| {
            let errors: Vec<_> = account_fields(scheme).iter().map(|field| (field.id, "It is wrong")).collect();
            let count = errors.len();
            let page = MandatePage::new(mock, scheme, &session, 1, "").with_errors("\"><script>", errors);
            let html = page.render().unwrap();
            if let Some(folder) = &folder {
                std::fs::write(folder.join(format!("mandate_errors_{}.html", mock.id)), &html).unwrap();
            }
            assert!(html.contains("value=\"&#34;&#62;&#60;script&#62;\"") && !html.contains("<script"), "{html}");
            assert_eq!(html.matches("aria-invalid=\"true\"").count(), count, "{html}");
            // In the list above, and at the field.
            assert_eq!(html.matches("It is wrong").count(), 2 * count, "{html}");
            assert!(!html.contains("name=\"token\""), "{html}");
        });
    }
}
