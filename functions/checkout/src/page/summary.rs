//! What every page of a session shows: who is paid, how much and for what.

use jiff::Timestamp;
use models::{LineItem, Mode, Name, Session};

use crate::flow::merchant;
use crate::paths::checkout_path;

/// With more line items than this, those after the first three are folded away.
const MAX_OPEN_ITEMS: usize = 5;

/// What every page of a session shows.
pub(crate) struct Summary<'a> {
    pub(crate) path: String,
    /// `payment`, or `refund` where the merchant pays one.
    pub(crate) what: &'static str,
    pub(crate) payee: &'a str,
    pub(crate) merchant: &'a str,
    pub(crate) account_ending: &'a str,
    pub(crate) total: String,
    pub(crate) reference: &'a str,
    pub(crate) items: Vec<Row<'a>>,
    pub(crate) folded_items: Vec<Row<'a>>,
    pub(crate) test: bool,
    pub(crate) pay_by: String,
}

/// One line item.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    /// `2 × £1.50`, unless it is one.
    pub(crate) each: Option<String>,
    pub(crate) total: String,
}

impl<'a> Row<'a> {
    fn new(item: &'a LineItem) -> Self {
        let each = (item.quantity != 1).then(|| format!("{} × {}", item.quantity, item.unit_price));
        // The session's total holds every product, so that none of them overflows.
        let total =
            item.unit_price.checked_mul(item.quantity).map_or_else(|_| String::new(), |total| total.to_string());
        Self { name: item.name.as_str(), description: item.description.as_ref().map(Name::as_str), each, total }
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        let mut items: Vec<_> = session.line_items.iter().map(Row::new).collect();
        let folded_items = if items.len() > MAX_OPEN_ITEMS { items.split_off(3) } else { Vec::new() };
        Self {
            path: checkout_path(&session.id),
            what: what(session),
            payee: session.payee.name.as_str(),
            merchant: merchant(session),
            account_ending: account_ending(session),
            total: session.amount.to_string(),
            reference: session.reference.as_str(),
            items,
            folded_items,
            test: session.mode == Mode::Test,
            pay_by: date_and_time(session.expires_at),
        }
    }
}

/// What is paid: the word for it in every text.
pub(crate) const fn what(session: &Session) -> &'static str {
    if session.pays_refund.is_some() { "refund" } else { "payment" }
}

/// The last four digits of the payee's account.
fn account_ending(session: &Session) -> &str {
    session.payee.account.last_four()
}

/// `1 November 2019, 15:48 UTC`.
pub(crate) fn date_and_time(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
