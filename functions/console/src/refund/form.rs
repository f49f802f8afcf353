//! What the form of a refund brings.

use models::{AccountKind, ActReason, EmailAddress, MinorUnits, Money, Name, Payee, RefundPayee};
use pages::{AccountErrors, AccountFields, Facts, Language};
use payments::RefundWay;
use serde::Deserialize;
use store::Fingerprint;

use crate::amounts::read_typed;
use crate::digest::{account_texts, digest};
use crate::reason::{OF_REFUNDS, ReasonChoice, ReasonField};
use crate::step::Step;
use crate::texts::texts;

/// Who says where the money goes, if the payer's bank didn't.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskedOf {
    /// The payer is asked.
    #[default]
    Payer,
    /// The form gives an account.
    Account,
}

/// A refund as typed. The account is personal data, so nothing debugs it.
#[derive(Default, Deserialize)]
pub(crate) struct RefundForm {
    /// The button.
    #[serde(default)]
    pub(crate) step: Step,
    /// How many refunds of the payment its author saw.
    pub(crate) seen: u32,
    #[serde(default)]
    pub(crate) amount: String,
    #[serde(default)]
    pub(crate) to: AskedOf,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) sort_code: String,
    #[serde(default)]
    pub(crate) account_number: String,
    #[serde(default)]
    pub(crate) iban: String,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) note: String,
}

/// What a form asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) amount: Money,
    pub(crate) payee: Option<RefundPayee>,
    pub(crate) reason: ActReason,
}

impl Asked {
    /// What makes it another refund: how much, where to, why, and who makes it. It is kept when the payer's data is removed, and
    /// so nobody who doesn't know the merchant's `salt` can find out the account by it.
    pub(crate) fn fingerprint(&self, who: &EmailAddress, salt: &[u8; 32]) -> Fingerprint {
        let Self { amount, payee, reason } = self;
        let amount = format!("{} {}", amount.minor(), amount.currency().code());
        let (name, [account, rest_of_account]) = match payee {
            None => ("", ["", ""]),
            Some(RefundPayee { name, account }) => (name.as_ref().map_or("", Name::as_str), account_texts(account)),
        };
        let texts = [amount.as_str(), name, account, rest_of_account, ReasonChoice::of(reason).value(), who.as_str()];
        Fingerprint(digest(salt, &texts))
    }
}

/// What is wrong with each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) amount: Option<String>,
    pub(crate) account: AccountErrors,
}

impl Errors {
    /// Each by the id of its field.
    pub(crate) fn list(&self) -> Vec<(&'static str, String)> {
        let amount = self.amount.iter().map(|text| ("amount", text.clone()));
        amount.chain(self.account.list().into_iter().map(|(field, text)| (field, text.to_owned()))).collect()
    }
}

impl RefundForm {
    /// One that nobody has typed in: of all that is left.
    pub(crate) fn of(left: Money, seen: u32) -> Self {
        Self { seen, amount: left.to_decimal(), ..Self::default() }
    }

    /// Its part about the reason.
    pub(crate) fn reason_field(&self) -> ReasonField {
        ReasonField::new(OF_REFUNDS, &self.reason, &self.note)
    }

    /// What it asks for, where so much is left and so much may be asked for at the most; or all that is wrong at once.
    pub(crate) fn check(
        &self,
        left: Money,
        most: MinorUnits,
        way: &RefundWay<'_>,
        language: Language,
    ) -> Result<Asked, Box<(Errors, ReasonField)>> {
        let amount = read_amount(&self.amount, left, most, language);
        let payee = match way {
            RefundWay::ToBeAsked(kind) if self.to == AskedOf::Account => self.payee(*kind, language).map(Some),
            RefundWay::ToBeAsked(_) | RefundWay::ByProvider | RefundWay::ToPayer(_) | RefundWay::None => Ok(None),
        };
        let mut field = self.reason_field();
        match (amount, payee, field.read(language)) {
            (Ok(amount), Ok(payee), Some(reason)) => Ok(Asked { amount, payee, reason }),
            (amount, payee, _) => {
                let errors = Errors { amount: amount.err(), account: payee.err().unwrap_or_default() };
                Err(Box::new((errors, field)))
            }
        }
    }

    fn payee(&self, kind: AccountKind, language: Language) -> Result<RefundPayee, AccountErrors> {
        let Self { name, sort_code, account_number, iban, .. } = self;
        let fields = AccountFields { name, sort_code, account_number, iban };
        // What a payer reads about wrong details is true for a merchant, too.
        let Payee { name, account } = fields.check(kind, &language.texts().refunds)?;
        Ok(RefundPayee { name: Some(name), account })
    }
}

/// An amount from the least there is to this one.
fn read_amount(typed: &str, left: Money, most: MinorUnits, language: Language) -> Result<Money, String> {
    let t = texts(language).refunds;
    let facts = Facts::new(language).amount("left", &left);
    if typed.trim().is_empty() {
        return Err(facts.plain(t.amount_missing));
    }
    let Some(amount) = read_typed(typed, left.currency(), language) else {
        return Err(match left.currency().exponent().unwrap_or(0) {
            0 => facts.text("currency", left.currency().code()).plain(t.amount_whole),
            decimals => facts.text("decimals", decimals).text("example", left.to_decimal()).plain(t.amount_wrong),
        });
    };
    if amount.minor() < 1 {
        Err(facts.plain(t.amount_zero))
    } else if amount.minor() > most.get() {
        Err(facts.plain(t.amount_more))
    } else {
        Ok(amount)
    }
}
