//! What every page of a session shows: whose shop it is, how much and for what.

use jiff::Timestamp;
use models::{LineItem, Name, Session, Shop};
use pages::{Face, Facts, Html, Language, Shell, Texts, Zone, qr_code};
use providers::Offer;

use super::bank_list::bank_of;
use crate::flow::Stage;
use crate::paths::checkout_path;

/// With more line items than this, those after the first three are folded away.
const MAX_OPEN_ITEMS: usize = 5;

/// Whose the session is: its merchant's shop; where nothing is known of it who is paid, or, where a refund is paid, who pays.
pub(crate) fn face<'a>(session: &'a Session, shop: Option<&'a Shop>) -> Face<'a> {
    let payer = session.payer.as_ref().filter(|_| session.pays_refund.is_some());
    Face::new(shop, payer.map_or(&session.payee.name, |payer| &payer.name).as_str())
}

/// A session on its page.
#[derive(Clone)]
pub(crate) struct Summary<'a> {
    pub(crate) session: &'a Session,
    texts: &'static Texts,
    pub(crate) path: String,
    pub(crate) facts: Facts<'a>,
    pub(crate) shop: &'a str,
    pub(crate) total: String,
    /// `3 items` and `Order 10423`.
    pub(crate) in_short: Vec<String>,
    pub(crate) items: Vec<Row<'a>>,
    pub(crate) folded_items: Vec<Row<'a>>,
    /// The way on with a phone.
    pub(crate) phone: Option<String>,
    /// What it came to, if that is known.
    pub(crate) came_to: Option<&'static str>,
}

/// One line item.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    /// `2 × £1.50`, unless it is one.
    pub(crate) each: Option<String>,
    pub(crate) total: String,
}

impl<'a> Row<'a> {
    fn new(item: &'a LineItem, language: Language) -> Self {
        let each = (item.quantity != 1).then(|| format!("{} × {}", item.quantity, language.amount(&item.unit_price)));
        // The session's total holds every product, so that none of them overflows.
        let total = item.unit_price.checked_mul(item.quantity);
        let total = total.map_or_else(|_| String::new(), |total| language.amount(&total));
        Self { name: item.name.as_str(), description: item.description.as_ref().map(Name::as_str), each, total }
    }
}

impl<'a> Summary<'a> {
    /// For the page of this stage: one that asks shows the way on with a phone.
    pub(crate) fn new(session: &'a Session, shell: &Shell<'a>, stage: Stage) -> Self {
        let language = shell.language;
        let texts = shell.texts();
        let what = if session.pays_refund.is_some() { texts.common.the_refund } else { texts.common.the_payment };
        let facts = shell
            .facts()
            .name("payee", session.payee.name.as_str())
            .text("account", session.payee.account.last_four())
            .amount("amount", &session.amount)
            .text("what", what);
        let mut items: Vec<_> = session.line_items.iter().map(|item| Row::new(item, language)).collect();
        let count = match items.len() {
            0 => session.description.as_ref().map(|description| description.as_str().to_owned()),
            1 => Some(texts.checkout.one_item.to_owned()),
            n => Some(Facts::new(language).text("n", n).plain(texts.checkout.items)),
        };
        let in_short = count.into_iter().chain([session.reference.as_str().to_owned()]).collect();
        let folded_items = if items.len() > MAX_OPEN_ITEMS { items.split_off(3) } else { Vec::new() };
        let path = checkout_path(&session.id);
        let phone = match stage {
            Stage::Payer | Stage::Bank | Stage::Consent => qr_code(&format!("{}{path}", session.base_url)),
            Stage::TimeUp | Stage::Pending | Stage::Sent | Stage::NotSent(_) => None,
        };
        Self {
            session,
            texts,
            path,
            facts,
            shop: shell.face.map_or("", |face| face.name),
            total: language.amount(&session.amount),
            in_short,
            items,
            folded_items,
            phone,
            came_to: None,
        }
    }

    /// What `{bank}` is: where the session's latest attempt is.
    pub(super) fn name_bank(&mut self, offers: &'a [Offer]) {
        let bank = bank_of(self.session, offers).unwrap_or(self.texts.checkout.your_bank);
        self.facts = self.facts.clone().name("bank", bank);
    }

    /// The text, filled with what is known of the session.
    pub(crate) fn html(&self, text: &str) -> Html {
        self.facts.html(text)
    }

    /// What cancelling does to what has begun.
    pub(crate) fn cancelling(&self) -> Html {
        let (session, t) = (self.session, &self.texts.checkout);
        self.html(if session.transfer().is_some() {
            self.texts.transfers.cancel_intro
        } else if session.open_at_consent().is_some() {
            t.cancel_intro_at_consent
        } else {
            t.cancel_intro
        })
    }

    /// How the text reads where there is no markup.
    pub(crate) fn plain(&self, text: &str) -> String {
        self.facts.plain(text)
    }

    /// Whether the merchant pays a refund.
    pub(crate) const fn pays_refund(&self) -> bool {
        self.session.pays_refund.is_some()
    }

    /// The text, its `{time}` as the payer's clock shows it.
    pub(crate) fn html_at(&self, text: &str, at: Timestamp) -> Html {
        self.facts.clone().time("time", at, Zone::of(self.session.amount.currency())).html(text)
    }

    /// A time as the payer's clock shows it.
    pub(crate) fn time(&self, at: Timestamp) -> Html {
        self.html_at("{time}", at)
    }

    /// That no bank has this name.
    pub(crate) fn nothing_found(&self, search: &str) -> Html {
        self.facts.clone().name("query", search).html(self.texts.checkout.bank_not_found)
    }

    /// How many items are folded away, in words.
    pub(crate) fn more_items(&self) -> String {
        self.facts.clone().text("n", self.folded_items.len()).plain(self.texts.checkout.more_items)
    }

    /// All texts in the page's language.
    pub(crate) const fn texts(&self) -> &'static Texts {
        self.texts
    }
}
