//! Who paid, and who was paid: masked, until somebody who may has asked.

use models::{AccountIdentifier, Card, Payee, Payer, Session};
use pages::{Facts, Language};

use super::mask;
use super::personal::Personal;
use crate::texts::texts;

/// Who takes part in a payment.
#[derive(Default)]
pub(super) struct Parties {
    pub(super) payer_name: Option<String>,
    pub(super) payer_email: Option<String>,
    pub(super) payer_phone: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) paid_from: Option<String>,
    pub(super) payee_name: String,
    pub(super) payee_account: String,
    /// Whether anything is hidden that can be asked for.
    pub(super) hides: bool,
}

impl Parties {
    pub(super) fn new(session: &Session, personal: Personal, language: Language) -> Self {
        let payer = session.payer.as_ref();
        // What pays a refund is from the merchant, to the customer.
        let is_refund = session.pays_refund.is_some();
        let (of_payer, of_payee) = if is_refund { (Personal::Shown, personal) } else { (personal, Personal::Shown) };
        let from_account = session.payer_account.as_ref().map(|payee| account(&payee.account, of_payer, language));
        let Payee { name: payee_name, account: payee_account } = &session.payee;
        let is_known = if is_refund {
            session.erased_at.is_none()
        } else {
            payer.is_some() || session.payer_account.is_some() || session.customer_id.is_some()
        };
        Self {
            payer_name: payer.map(|Payer { name, .. }| match of_payer {
                Personal::Masked => mask::name(name),
                Personal::Shown => name.as_str().to_owned(),
            }),
            payer_email: payer.and_then(|payer| payer.email.as_ref()).map(|email| match of_payer {
                Personal::Masked => mask::email(email),
                Personal::Shown => email.as_str().to_owned(),
            }),
            payer_phone: payer.and_then(|payer| payer.phone.as_ref()).map(|phone| match of_payer {
                Personal::Masked => mask::phone(phone),
                Personal::Shown => phone.as_str().to_owned(),
            }),
            customer: session.customer_id.map(|id| match of_payer {
                Personal::Masked => texts(language).payments.customer_hidden.to_owned(),
                Personal::Shown => id.to_string(),
            }),
            paid_from: from_account.or_else(|| session.card.as_ref().map(|paid_by| card(paid_by, language))),
            payee_name: match of_payee {
                Personal::Masked => mask::name(payee_name),
                Personal::Shown => payee_name.as_str().to_owned(),
            },
            // One's own account is known by its end.
            payee_account: account(payee_account, if is_refund { of_payee } else { Personal::Masked }, language),
            hides: personal == Personal::Masked && is_known,
        }
    }
}

fn account(account: &AccountIdentifier, personal: Personal, language: Language) -> String {
    match (personal, account) {
        (Personal::Masked, account) => mask::account(account, language),
        (Personal::Shown, AccountIdentifier::UkAccount { sort_code, account_number }) => {
            let (sort_code, number) = (sort_code.as_str(), account_number.as_str());
            let facts = Facts::new(language).text("sort_code", sort_code).text("account", number);
            facts.plain(texts(language).payments.uk_account)
        }
        (Personal::Shown, AccountIdentifier::Iban { iban }) => format!("IBAN {}", iban.in_groups()),
    }
}

/// What a receipt may show of it.
fn card(card: &Card, language: Language) -> String {
    let facts = Facts::new(language).text("card", card.brand.name()).text("end", card.last_four.as_str());
    facts.plain(texts(language).payments.card_ending)
}
