//! The bank is sending the money: the payer checks when they like, or has the page check by itself.

use askama::Template;
use jiff::Timestamp;
use models::MethodFamily;
use pages::{CheckoutTexts, Shell, Texts};
use providers::Offer;

use super::ended::family_of;
use super::summary::Summary;
use crate::flow::refresh_s;
use crate::view::{Check, View};

/// How a page that waits for a bank is loaded again.
pub(super) struct Checking {
    /// `{n}` is how often it does, in seconds.
    pub(super) offer: String,
    pub(super) state: String,
    pub(super) by_itself: bool,
}

impl Checking {
    pub(super) fn new(summary: &Summary<'_>, view: &View, now: Timestamp) -> Self {
        let t = &summary.texts().checkout;
        let facts = summary.facts.clone().text("n", refresh_s(summary.session, now));
        Self {
            offer: facts.plain(t.check_every),
            state: facts.plain(t.checks_every),
            by_itself: view.check == Check::Auto,
        }
    }
}

/// The bank is sending the money.
#[derive(Template)]
#[template(path = "pending.html")]
pub(crate) struct PendingPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    heading: &'static str,
    text: &'static str,
    checking: Checking,
    way_on: Option<String>,
}

impl<'a> PendingPage<'a> {
    pub(crate) fn new(
        shell: &'a Shell<'a>,
        summary: Summary<'a>,
        offers: &[Offer],
        view: &View,
        now: Timestamp,
    ) -> Self {
        let checking = Checking::new(&summary, view, now);
        let way_on = api::return_url(summary.session, now);
        let (heading, text) = pending(family_of(summary.session, offers), shell.texts());
        Self { shell, t: &shell.texts().checkout, summary, heading, text, checking, way_on }
    }
}

/// What is going on, in the words of the way to pay.
const fn pending(family: MethodFamily, texts: &Texts) -> (&'static str, &'static str) {
    let (t, m) = (&texts.checkout, &texts.methods);
    match family {
        MethodFamily::Debit => (m.debit_pending_heading, m.debit_pending_text),
        MethodFamily::Plan => (m.plan_pending_heading, m.plan_pending_text),
        MethodFamily::Card | MethodFamily::Bank => (t.pending_heading, t.pending_text),
    }
}
