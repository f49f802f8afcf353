//! The page that a payer is sent to, which stands in for TrueLayer's and for their bank's.
//! <https://docs.truelayer.com/docs/authorise-payments-or-mandates-with-the-hpp>

use askama::Template;

use super::payment::{Decision, Payment};

/// Our own styles and script. What it leads to may be anywhere, so it says nothing of forms.
pub(super) const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// Moves what the link says after its `#` into a form, and sends that.
    Arrival,
    /// The payer's choices.
    Choice(Box<ChoicePage>),
    /// The link is wrong, or its time is over.
    Refused,
}

#[derive(Template)]
#[template(path = "truelayer_arrival.html")]
struct ArrivalPage;

/// A payment, and what can be decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "truelayer_choice.html")]
pub(super) struct ChoicePage {
    amount: String,
    payee: String,
    reference: String,
    bank: &'static str,
    payment_id: String,
    resource_token: String,
    return_uri: String,
    /// The value of each button, and what it says.
    buttons: [(&'static str, &'static str); Decision::ALL.len()],
}

#[derive(Template)]
#[template(path = "truelayer_refused.html")]
struct RefusedPage;

impl Page {
    /// The choices about this payment, from which the payer is led back to `return_uri`.
    pub(super) fn choice(payment: &Payment, return_uri: String) -> Self {
        let (minor, currency) = (payment.request.amount_minor, payment.request.currency);
        Self::Choice(Box::new(ChoicePage {
            amount: format!("{currency} {}.{:02}", minor / 100, minor % 100),
            payee: payment.request.payee.clone(),
            reference: payment.request.reference.clone(),
            bank: payment.request.bank.name,
            payment_id: payment.id.to_string(),
            resource_token: payment.resource_token.clone(),
            return_uri,
            buttons: Decision::ALL.map(|decision| (decision.as_str(), decision.label())),
        }))
    }

    /// Its HTML.
    pub(super) fn render(&self) -> Result<String, askama::Error> {
        match self {
            Self::Arrival => ArrivalPage.render(),
            Self::Choice(page) => page.render(),
            Self::Refused => RefusedPage.render(),
        }
    }
}
