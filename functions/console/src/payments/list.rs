//! The list of payments, newest first.

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{ListShards, MinorUnits, Mode, Money, PaymentMethod, Session};
use pages::{Answer, Facts, Html, Language, Shell, Zone, see_other};
use store::{ListCursor, ListRange, ListStart, Page, StoreError};

use super::filter::{Asked, Filter, PAGE, Typed, What, read};
use super::search::{Found, search};
use crate::days::Errors;
use crate::frame::Frame;
use crate::paths::payment_path;
use crate::services::Services;
use crate::words::{State, method_of, method_text, state_of};

/// A payment in a list.
pub(super) struct Row {
    path: String,
    at: Html,
    reference: String,
    amount: String,
    state: State,
    method: &'static str,
    refunded: Option<String>,
    format: &'static str,
    pays_refund: bool,
}

impl Row {
    fn new(session: &Session, frame: &Frame<'_>, now: Timestamp) -> Self {
        let (language, t) = (frame.language, frame.texts().payments);
        let taken = session.refundable.map_or(0, |left| session.amount.minor().saturating_sub(left.get()));
        let refunded = Money::new(MinorUnits::new(taken), session.amount.currency());
        Self {
            path: payment_path(frame.mode, session.id),
            at: time(session.created_at, language),
            reference: session.reference.as_str().to_owned(),
            amount: language.amount(&session.amount),
            state: state_of(session, language, now),
            method: method_of(session).map_or(t.method_open, |method| method_text(method, language)),
            refunded: (taken != 0).then(|| language.amount(&refunded)),
            format: session.format.name(),
            pays_refund: session.pays_refund.is_some(),
        }
    }
}

/// A time as London's clocks show it, where the dates are that one filters by.
pub(super) fn time(at: Timestamp, language: Language) -> Html {
    with_time("{time}", at, language)
}

/// A text with such a time.
pub(super) fn with_time(text: &str, at: Timestamp, language: Language) -> Html {
    Facts::new(language).time("time", at, Zone::London).html(text)
}

/// What a page shows of the list: some payments, and where to go on.
struct Listed {
    rows: Vec<Row>,
    newest: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    /// How far was searched, where it was not all that there is.
    searched: Option<Searched>,
}

/// What was searched, and where to go on.
struct Searched {
    text: Html,
    path: String,
}

#[derive(Template)]
#[template(path = "payments/list.html")]
struct ListPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    typed: &'a Typed,
    errors: Errors,
    listed: Option<Listed>,
    /// Where the same list is exported, if it is one.
    export: Option<String>,
}

impl ListPage<'_> {
    /// Whether something is wrong with this field.
    fn wrong(&self, field: &str) -> bool {
        self.errors.iter().any(|(id, _)| *id == field)
    }

    /// That what was searched for was not found.
    fn found_none(&self) -> Html {
        let t = self.frame.texts().payments;
        let text = match self.frame.mode {
            Mode::Test => t.found_none_test,
            Mode::Live => t.found_none_live,
        };
        Facts::new(self.frame.language).name("q", &self.typed.q).html(text)
    }

    /// That there is no payment.
    fn none_yet(&self) -> &'static str {
        let t = self.frame.texts().payments;
        match self.frame.mode {
            Mode::Test => t.none_yet_test,
            Mode::Live => t.none_yet_live,
        }
    }
}

/// The list, or what was searched for; 400 with the form again if that can't be read.
pub(crate) async fn list_page(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let now = services.clock.now();
    let (typed, asked) = read(query, frame.language);
    let path = format!("{}/payments", frame.root());
    let page = |status, errors, listed: Option<Listed>| {
        let path = path.clone();
        let is_exported = listed.is_some() && typed.q.is_empty();
        let export = is_exported.then(|| format!("{path}/export?{}", typed.query(&ListStart::Newest)));
        frame.page(status, &ListPage { shell: frame.shell(), frame, path, typed: &typed, errors, listed, export })
    };
    let Asked { what, start } = match asked {
        Ok(asked) => asked,
        Err(errors) => return page(StatusCode::BAD_REQUEST, errors, None),
    };
    let (found, filter) = match what {
        What::Search(q) => match search(services, frame, &q, &start).await? {
            Found::One(path) => return see_other(&path),
            Found::Some(found) => (found, Filter::default()),
        },
        What::List(filter) => (find(services, frame, &filter, start.clone(), PAGE, now).await?, filter),
    };
    let listed = listed(found, &start, &filter, &typed, frame, now);
    page(StatusCode::OK, Errors::new(), Some(listed))
}

/// At most `limit` of the payments that fit, from 1 to 100.
pub(super) async fn find(
    services: &Services,
    frame: &Frame<'_>,
    filter: &Filter,
    start: ListStart,
    limit: usize,
    now: Timestamp,
) -> Result<Page<Session>, StoreError> {
    let merchant = services.merchants.get(&frame.visitor.person.merchant_id).await?;
    let shards = merchant.map_or_else(ListShards::default, |merchant| merchant.list_sharding.shards());
    let mut owner = frame.visitor.owner(frame.mode);
    owner.format = filter.format;
    let range = ListRange { created_from: filter.from, created_before: filter.until, start, limit };
    let by_amount = filter.amount.as_ref().map(|amount| |money: Money| amount.is(money));
    let by_amount = by_amount.as_ref().map(|amount| amount as &(dyn Fn(Money) -> bool + Sync));
    let fits = |session: &Session| {
        filter.state.is_none_or(|state| session.state_at(now) == state)
            && filter.method.is_none_or(|method| is_paid_by(session, method))
    };
    let is_filtered = filter.state.is_some() || filter.method.is_some();
    let fits: Option<&(dyn Fn(&Session) -> bool + Sync)> = if is_filtered { Some(&fits) } else { None };
    services.sessions.search(&owner, shards, range, by_amount, fits).await
}

/// Whether that is how it is paid, or, before its payer has chosen, how it may be.
fn is_paid_by(session: &Session, method: PaymentMethod) -> bool {
    let offered = || session.payment_methods.as_slice().contains(&method);
    method_of(session).map_or_else(offered, |chosen| chosen == method)
}

fn listed(
    Page { items, next }: Page<Session>,
    start: &ListStart,
    filter: &Filter,
    typed: &Typed,
    frame: &Frame<'_>,
    now: Timestamp,
) -> Listed {
    let at = |start: ListStart| format!("{}/payments?{}", frame.root(), typed.query(&start));
    let after = |cursor: ListCursor| at(ListStart::After(cursor));
    let before = |cursor: ListCursor| at(ListStart::Before(cursor));
    let is_short = items.len() < PAGE;
    let reached_at = next.as_ref().and_then(ListCursor::created_at).filter(|_| is_short);
    let begun_at = match start {
        ListStart::Newest => None,
        ListStart::After(cursor) | ListStart::Before(cursor) => cursor.created_at(),
    };
    let begun_at = begun_at.unwrap_or_else(|| filter.until.map_or(now, |before| before.min(now)));
    let (newer, older) = match start {
        ListStart::Newest => (None, next.map(after)),
        ListStart::After(_) => (items.first().map(ListCursor::at).map(before), next.map(after)),
        ListStart::Before(_) => (next.map(before), items.last().map(ListCursor::at).map(after)),
    };
    let is_older = !matches!(start, ListStart::Before(_));
    let on = if is_older { &older } else { &newer };
    let searched = reached_at.zip(on.clone()).map(|(reached_at, path)| {
        // The later first.
        let [from, until] = if is_older { [begun_at, reached_at] } else { [reached_at, begun_at] };
        let facts = Facts::new(frame.language).time("from", from, Zone::London).time("until", until, Zone::London);
        Searched { text: facts.html(frame.texts().payments.searched), path }
    });
    let (newer, older) = match &searched {
        // Going on is said there.
        Some(_) if is_older => (newer, None),
        Some(_) => (None, older),
        None => (newer, older),
    };
    Listed {
        newest: (*start != ListStart::Newest).then(|| at(ListStart::Newest)),
        newer,
        older,
        searched,
        rows: items.iter().map(|session| Row::new(session, frame, now)).collect(),
    }
}
