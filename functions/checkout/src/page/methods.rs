//! The ways to pay to choose from, where a session offers other ways than by bank.

use askama::Template;
use models::{PaymentMethod, Session};
use pages::{CheckoutTexts, Html, MethodTexts, Shell};
use providers::Offer;

use super::awaiting::{Asking, Step};
use super::bank_list::{down, of_method};
use super::ended::{ended, replaces};
use super::summary::Summary;

/// Asks how to pay: for the first time, after an attempt that ended, or because the payer wants another way.
#[derive(Template)]
#[template(path = "methods.html")]
pub(crate) struct MethodsPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    summary: Summary<'a>,
    asking: Asking,
    /// None after the last choice that there may be.
    list: Option<MethodList<'a>>,
    /// Why the last attempt came to nothing.
    ended: Option<Html>,
    /// What a new choice does to the one that is open.
    replaces: Option<Html>,
}

/// The ways to pay, and which attempt the choice would be.
struct MethodList<'a> {
    methods: Vec<Row<'a>>,
    attempt: u8,
}

/// A way to pay.
struct Row<'a> {
    name: &'static str,
    about: &'static str,
    leads: Leads<'a>,
}

/// Where a way to pay leads.
enum Leads<'a> {
    /// To the one provider that there is of it, and what happens there, if it is a mock.
    ToProvider(&'a str, Option<&'a str>),
    /// To the list of its providers.
    ToList(PaymentMethod),
    /// Nowhere: its one provider can't be chosen.
    Nowhere(&'static str),
}

impl<'a> MethodsPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer]) -> Self {
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        summary.name_bank(offers);
        let asking = Asking::new(&summary, Step::Bank);
        let list = MethodList::new(summary.session, offers, t, m);
        let (ended, replaces) = (ended(&summary, offers), replaces(&summary));
        Self { shell, t, m, asking, list, ended, replaces, summary }
    }
}

impl<'a> MethodList<'a> {
    fn new(session: &Session, offers: &'a [Offer], t: &'static CheckoutTexts, m: &'static MethodTexts) -> Option<Self> {
        let attempt = session.attempt_number().checked_add(1).filter(|_| session.may_choose_again())?;
        let methods = session.payment_methods.as_slice().iter();
        let methods = methods.filter_map(|method| Row::new(*method, of_method(offers, *method), t, m)).collect();
        Some(Self { methods, attempt })
    }
}

impl<'a> Row<'a> {
    /// None of a way that nobody offers.
    fn new(
        method: PaymentMethod,
        offers: Vec<&'a Offer>,
        t: &'static CheckoutTexts,
        m: &'static MethodTexts,
    ) -> Option<Self> {
        let leads = match offers.as_slice() {
            [] => return None,
            [one] => match down(one, t) {
                Some(reason) => Leads::Nowhere(reason),
                None => Leads::ToProvider(one.id.as_str(), one.note.as_deref()),
            },
            [_, _, ..] => Leads::ToList(method),
        };
        let (name, about) = name(method, m);
        Some(Self { name, about, leads })
    }
}

/// What a way to pay is called, and what it is.
pub(super) const fn name(method: PaymentMethod, m: &'static MethodTexts) -> (&'static str, &'static str) {
    match method {
        PaymentMethod::Card => (m.card, m.card_about),
        PaymentMethod::CardPresent => (m.card_present, m.card_present_about),
        PaymentMethod::BacsDebit => (m.bacs_debit, m.bacs_debit_about),
        PaymentMethod::SepaDebit => (m.sepa_debit, m.sepa_debit_about),
        PaymentMethod::Autogiro => (m.autogiro, m.autogiro_about),
        PaymentMethod::BankTransfer => (m.bank_transfer, m.bank_transfer_about),
        PaymentMethod::DirectTransfer => (m.direct_transfer, m.direct_transfer_about),
        PaymentMethod::GbpCreditTransfer => (m.gbp_credit_transfer, m.gbp_credit_transfer_about),
        PaymentMethod::PayByBank => (m.pay_by_bank, m.pay_by_bank_about),
        PaymentMethod::BuyNowPayLater => (m.buy_now_pay_later, m.buy_now_pay_later_about),
    }
}
