//! The way to the one provider that the merchant named, where there is nothing to choose.

use askama::Template;
use models::{MethodFamily, PaymentMethod};
use pages::{CheckoutTexts, Html, Shell, Texts};
use providers::Offer;

use super::awaiting::{Asking, Step, approve};
use super::bank_list::down;
use super::ended::{ended, replaces};
use super::methods;
use super::summary::Summary;

/// Leads on to the provider: for the first time, or after an attempt that ended. The payment begins when the payer says so, by a
/// form: whatever opens a link in a mail begins none.
#[derive(Template)]
#[template(path = "provider.html")]
pub(crate) struct ProviderPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    asking: Asking,
    heading: &'static str,
    intro: &'static str,
    leads: Leads<'a>,
    /// Why the last attempt came to nothing.
    ended: Option<Html>,
    /// What another attempt does to the one that is open.
    replaces: Option<Html>,
}

/// Where the page leads.
enum Leads<'a> {
    /// To this provider, as this attempt; and what happens there, if it is a mock.
    On { provider: &'a str, attempt: u8, note: Option<&'a str> },
    /// Nowhere: it can't be used now.
    Nowhere(&'static str),
    /// Nowhere: there have been as many attempts as there may be.
    NoFurther,
}

impl<'a> ProviderPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer]) -> Self {
        let (t, session) = (&shell.texts().checkout, summary.session);
        summary.name_bank(offers);
        let offer = offers.first();
        if let Some(offer) = offer {
            summary.facts = summary.facts.clone().name("bank", &offer.name);
        }
        let attempt = session.attempt_number().checked_add(1).filter(|_| session.may_choose_again());
        let leads = match (offer, attempt) {
            (None, _) => Leads::Nowhere(t.no_bank),
            (Some(_), None) => Leads::NoFurther,
            (Some(offer), Some(attempt)) => match down(offer, t) {
                Some(reason) => Leads::Nowhere(reason),
                None => Leads::On { provider: offer.id.as_str(), attempt, note: offer.note.as_deref() },
            },
        };
        let (heading, intro) = words(offer, shell.texts());
        let (asking, ended, replaces) =
            (Asking::new(&summary, Step::Bank), ended(&summary, offers), replaces(&summary));
        Self { shell, t, asking, heading, intro, leads, ended, replaces, summary }
    }
}

/// What the payer does there, in the words of the way to pay.
const fn words(offer: Option<&Offer>, texts: &'static Texts) -> (&'static str, &'static str) {
    let Some(offer) = offer else { return approve(MethodFamily::Bank, texts) };
    match offer.method {
        // Nothing is approved there: the payer makes a transfer.
        PaymentMethod::BankTransfer | PaymentMethod::DirectTransfer | PaymentMethod::GbpCreditTransfer => {
            methods::name(offer.method, &texts.methods)
        }
        PaymentMethod::Card
        | PaymentMethod::CardPresent
        | PaymentMethod::BacsDebit
        | PaymentMethod::SepaDebit
        | PaymentMethod::Autogiro
        | PaymentMethod::PayByBank
        | PaymentMethod::BuyNowPayLater => approve(offer.method.family(), texts),
    }
}
