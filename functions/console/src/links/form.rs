//! What the form of a payment link brings.

use models::{
    AmountCaps, EmailAddress, Lifetime, LineItem, LinkedAccount, Money, Name, NewSession, PayableAccounts, Payee,
    Payer, PaymentMethods, Reference, WireFormat, WriteId,
};
use pages::{Facts, Language};
use serde::Deserialize;
use store::Fingerprint;

use crate::amounts::{CURRENCIES, read_typed};
use crate::digest::{account_mark, account_texts, digest};
use crate::step::Step;
use crate::texts::texts;

/// How long a link can be paid: who gets one by mail may be away for some days.
pub(super) const LIFETIME: Lifetime = Lifetime::MAX;

/// Where a link's money may go: to an account of the merchant's, in a currency that it can receive.
pub(super) struct Target<'a> {
    /// As the form spells it.
    pub(super) value: String,
    /// As it reads: what distinguishes two accounts of one holder comes first, as a narrow screen cuts the end off.
    pub(super) label: String,
    account: &'a LinkedAccount,
    /// The most that may be asked for, in the currency.
    cap: Money,
}

impl<'a> Target<'a> {
    fn new(account: &'a LinkedAccount, cap: Money, salt: &[u8; 32]) -> Self {
        let code = cap.currency().code();
        let mark = account_mark(salt, &account.account);
        let label = format!("{code} · {} · {}", account.account.last_four(), account.name.as_str());
        Self { value: format!("{code}-{mark}"), label, account, cap }
    }
}

/// Where the money may go of a merchant with these accounts and this `salt`. The first of each currency is where it goes if nobody says
/// so.
pub(super) fn targets<'a>(accounts: PayableAccounts<'a>, salt: &[u8; 32], caps: &AmountCaps) -> Vec<Target<'a>> {
    let methods = PaymentMethods::default();
    let mut targets = Vec::new();
    for currency in CURRENCIES {
        let can_have = methods.as_slice().iter().any(|method| method.can_have(currency));
        let Some(cap) = caps.of(currency).filter(|_| can_have) else { continue };
        let first = accounts.of_currency(currency).ok();
        let others = accounts.all().filter(|linked| {
            linked.account.receives(currency) && first.is_some_and(|first| first.account != linked.account)
        });
        let accounts = first.into_iter().chain(others);
        targets.extend(accounts.map(|account| Target::new(account, cap, salt)));
    }
    targets
}

/// A payment link as typed. The payer is personal data, so nothing debugs it.
#[derive(Deserialize)]
pub(super) struct LinkForm {
    /// The button.
    #[serde(default)]
    pub(super) step: Step,
    /// Which form it is: each makes one link.
    pub(super) token: WriteId,
    #[serde(default)]
    pub(super) amount: String,
    /// The target.
    #[serde(default)]
    pub(super) to: String,
    #[serde(default)]
    pub(super) what: String,
    #[serde(default)]
    pub(super) reference: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) email: String,
    /// Whether the payer is mailed the link.
    #[serde(default)]
    pub(super) by_mail: bool,
}

/// What a form asks for.
pub(super) struct Asked {
    pub(super) amount: Money,
    pub(super) payee: Payee,
    pub(super) what: Name,
    pub(super) reference: Option<Reference>,
    pub(super) payer: Option<Payer>,
    pub(super) by_mail: bool,
}

/// What is wrong with each field.
#[derive(Default)]
pub(super) struct Errors {
    pub(super) amount: Option<String>,
    pub(super) to: Option<&'static str>,
    pub(super) what: Option<&'static str>,
    pub(super) reference: Option<&'static str>,
    pub(super) name: Option<&'static str>,
    pub(super) email: Option<&'static str>,
}

impl Errors {
    /// Each by the id of its field, in the order of the form.
    pub(super) fn list(&self) -> Vec<(&'static str, String)> {
        let Self { amount, to, what, reference, name, email } = self;
        let rest = [("to", to), ("what", what), ("reference", reference), ("name", name), ("email", email)];
        let rest = rest.into_iter().filter_map(|(field, error)| Some((field, (*error)?.to_owned())));
        amount.iter().map(|text| ("amount", text.clone())).chain(rest).collect()
    }
}

impl LinkForm {
    /// One that nobody has typed in.
    pub(super) fn new(targets: &[Target<'_>], token: WriteId) -> Self {
        Self {
            step: Step::Check,
            token,
            amount: String::new(),
            to: targets.first().map(|target| target.value.clone()).unwrap_or_default(),
            what: String::new(),
            reference: String::new(),
            name: String::new(),
            email: String::new(),
            by_mail: false,
        }
    }

    /// What it asks for; or all that is wrong at once.
    pub(super) fn check(&self, targets: &[Target<'_>], language: Language) -> Result<Asked, Box<Errors>> {
        let (t, mut wrong) = (texts(language).links, Errors::default());
        let target = targets.iter().find(|target| target.value == self.to);
        if target.is_none() {
            wrong.to = Some(t.to_missing);
        }
        let amount = target.map(|target| read_amount(&self.amount, target.cap, language));
        let amount = amount.and_then(|amount| amount.map_err(|error| wrong.amount = Some(error)).ok());
        let what = match self.what.trim() {
            "" => {
                wrong.what = Some(t.what_missing);
                None
            }
            what => Name::try_from(what.to_owned()).map_err(|_| wrong.what = Some(t.what_wrong)).ok(),
        };
        let reference = match self.reference.trim() {
            "" => None,
            reference => {
                Reference::try_from(reference.to_owned()).map_err(|_| wrong.reference = Some(t.reference_wrong)).ok()
            }
        };
        let payer = self.payer(&mut wrong, language);
        match (amount, target, what) {
            (Some(amount), Some(Target { account, .. }), Some(what)) if wrong.list().is_empty() => {
                let payee = Payee { name: account.name.clone(), account: account.account.clone() };
                Ok(Asked { amount, payee, what, reference, payer, by_mail: self.by_mail })
            }
            _ => Err(Box::new(wrong)),
        }
    }

    /// Who pays, if that is said.
    fn payer(&self, wrong: &mut Errors, language: Language) -> Option<Payer> {
        let t = texts(language).links;
        let email = match self.email.trim() {
            "" => {
                wrong.email = self.by_mail.then_some(t.email_missing);
                None
            }
            email => EmailAddress::try_from(email.to_owned()).map_err(|_| wrong.email = Some(t.email_wrong)).ok(),
        };
        let name = match self.name.trim() {
            "" => {
                wrong.name = email.is_some().then_some(t.name_missing);
                None
            }
            name => Name::try_from(name.to_owned()).map_err(|_| wrong.name = Some(t.name_wrong)).ok(),
        };
        name.map(|name| Payer { name, email, phone: None })
    }
}

impl Asked {
    /// What makes it another link. It is kept when the payer's data is removed, and so nobody who doesn't know the merchant's `salt`
    /// can find out the payer by it.
    pub(super) fn fingerprint(&self, salt: &[u8; 32]) -> Fingerprint {
        let Self { amount, payee, what, reference, payer, by_mail } = self;
        let amount = format!("{} {}", amount.minor(), amount.currency().code());
        let [account, rest_of_account] = account_texts(&payee.account);
        let reference = reference.as_ref().map_or("", Reference::as_str);
        let name = payer.as_ref().map_or("", |payer| payer.name.as_str());
        let email = payer.as_ref().and_then(|payer| payer.email.as_ref()).map_or("", EmailAddress::as_str);
        let by_mail = if *by_mail { "by mail" } else { "" };
        let texts = [amount.as_str(), account, rest_of_account, what.as_str(), reference, name, email, by_mail];
        Fingerprint(digest(salt, &texts))
    }

    /// As a session to be. Its payer may choose again after a refusal, and gets a receipt if they are named: where there is no address
    /// for it, the checkout asks for one, without which they might have no bank to pay with.
    pub(super) fn to_new(&self) -> NewSession {
        let Self { amount, payee, what, reference, payer, by_mail } = self;
        let item = LineItem { name: what.clone(), description: None, unit_price: *amount, quantity: 1 };
        NewSession {
            line_items: vec![item],
            payer: payer.clone(),
            email_link: *by_mail,
            email_receipt: payer.is_some(),
            retry: true,
            lifetime: LIFETIME,
            ..NewSession::new(WireFormat::default(), *amount, payee.clone(), reference.clone())
        }
    }
}

/// An amount from the least there is to this one.
fn read_amount(typed: &str, cap: Money, language: Language) -> Result<Money, String> {
    let t = texts(language).links;
    if typed.trim().is_empty() {
        return Err(t.amount_missing.to_owned());
    }
    // Each of them has two decimals (ISO 4217), of which the text speaks.
    let amount = read_typed(typed, cap.currency(), language).ok_or(t.amount_wrong)?;
    if amount.minor() < 1 {
        Err(t.amount_zero.to_owned())
    } else if amount.minor() > cap.minor() {
        Err(Facts::new(language).amount("amount", &cap).plain(t.amount_over))
    } else {
        Ok(amount)
    }
}
