//! Reading one session, listing them, and listing the banks that their payers can choose.

use api::{Answer, Authenticator, Caller, Format, ListParameters, Refusal, Route};
use futures_util::future::try_join_all;
use lambda_http::Request;
use models::{Currency, PaymentMethod, Refund, Session, SessionState};
use providers::{Providers, Wanted};
use runtime::{Clock, SettingError};
use store::{ListCursor, ListRange, Merchants, MockLedger, Page, Refunds, Sessions, StoreError, Table, WithRefunds};

/// The most refunds in one page of a list: an answer may have 6 MB (AWS Lambda, quotas), and each has half a kilobyte.
const MAX_REFUNDS: u32 = 4000;

/// How many sessions' refunds are asked for at a time.
const REFUNDS_AT_ONCE: usize = 8;

/// Shows payment sessions, and the banks that their payers can choose.
#[derive(Debug)]
pub struct Get {
    authenticator: Authenticator,
    sessions: Sessions,
    refunds: Refunds,
    providers: Providers<MockLedger>,
    clock: Clock,
}

/// What the query string of a list asks for.
#[derive(Debug)]
struct Query {
    range: ListRange,
    /// Shown states; all if empty.
    states: Vec<&'static str>,
}

impl Get {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(Table::from_env()?, runtime::local_live_connector(), Clock::System).await)
    }

    /// Over this table, by this clock; `local_live` is whether the mock banks stand in for live ones.
    pub async fn new(table: Table, local_live: bool, clock: Clock) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            providers: Providers::new(MockLedger::new(table), local_live),
            clock,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let format = Format::of(&request);
        match Route::of(&request) {
            Some(Route::Session(id)) => self.one(id, &caller, format).await,
            Some(Route::Sessions) => self.list(&request, &caller, format).await,
            Some(Route::Providers) => self.providers(&request, &caller, format),
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    async fn one(&self, id: &str, caller: &Caller, format: Format) -> Answer {
        let WithRefunds { session, refunds } = self.refunds.of(&format.session_id(id)?).await?;
        let session = session.filter(|session| caller.owner_in(format).owns(session)).ok_or(Refusal::NotFound)?;
        format.session(&session, &refunds, self.clock.now())
    }

    async fn list(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        let Query { range, states } = parse_query(request.uri().query().unwrap_or(""), format)?;
        let now = self.clock.now();
        let wanted = |session: &Session| states.contains(&format.shown_state(session.state_at(now)));
        let filter: Option<&(dyn Fn(&Session) -> bool + Sync)> = if states.is_empty() { None } else { Some(&wanted) };
        let shards = caller.merchant.list_sharding.shards();
        let page = cut(self.sessions.list(&caller.owner_in(format), shards, range, filter).await?);
        let refunds = self.refunds_of_each(&page.items).await?;
        let sessions: Vec<_> = page.items.into_iter().zip(refunds).collect();
        format.sessions(&sessions, now, page.next.map(|cursor| cursor.encode()))
    }

    /// What a payer of the caller's can choose from.
    fn providers(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        api::read_query(request.uri().query().unwrap_or(""), ListParameters::NONE, |_, _| Ok(()))?;
        let (method, currency) = (PaymentMethod::PayByBank, Currency::GBP);
        let wanted = Wanted { mode: caller.mode(), method, currency, country: None };
        format.providers(&self.providers.offers(&wanted))
    }

    /// The refunds of each of these sessions, some at a time.
    async fn refunds_of_each(&self, sessions: &[Session]) -> Result<Vec<Vec<Refund>>, StoreError> {
        let mut refunds = Vec::with_capacity(sessions.len());
        for some in sessions.chunks(REFUNDS_AT_ONCE) {
            refunds.extend(try_join_all(some.iter().map(|session| self.refunds_of(session))).await?);
        }
        Ok(refunds)
    }

    /// A session's refunds; asked for only if it has some.
    async fn refunds_of(&self, session: &Session) -> Result<Vec<Refund>, StoreError> {
        if session.refund_count == 0 { Ok(Vec::new()) } else { Ok(self.refunds.of(&session.id).await?.refunds) }
    }
}

/// The page without what would bring more than [`MAX_REFUNDS`] refunds, but for its first session.
fn cut(mut page: Page<Session>) -> Page<Session> {
    let mut refunds: u32 = 0;
    let fits = page.items.iter().take_while(|session| {
        refunds = refunds.saturating_add(session.refund_count);
        refunds <= MAX_REFUNDS
    });
    let kept = fits.count().max(1);
    if kept < page.items.len() {
        page.items.truncate(kept);
        page.next = page.items.last().map(ListCursor::at);
    }
    page
}

/// Reads a list's query string.
fn parse_query(query: &str, format: Format) -> Result<Query, Refusal> {
    let mut states = Vec::new();
    let known = ListParameters { once: &[], repeated: &["state"] };
    let range = api::list_query(
        query,
        known,
        |text| api::list_cursor(ListCursor::of_sessions(text)),
        |_, value| {
            let several: Option<Vec<_>> = value.split(',').map(|state| parse_state(state, format)).collect();
            states.extend(several.ok_or("must be a state, or several with commas between them")?);
            Ok(())
        },
    )?;
    Ok(Query { range, states })
}

/// A state as clients read it.
fn parse_state(text: &str, format: Format) -> Option<&'static str> {
    SessionState::ALL.into_iter().map(|state| format.shown_state(state)).find(|shown| *shown == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Format {
        Format::of(&Request::default())
    }

    fn refused(query: &str) -> Vec<String> {
        match parse_query(query, format()) {
            Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|v| v.parameter).collect(),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_a_list_can_be_asked_for() {
        let query = "limit=20&state=sent,pending&state=failed&created_from=2026-01-31T09:30:00Z&created_before=2026-02-01T00:00:00%2B01:00";
        let query = parse_query(query, format()).unwrap();
        assert_eq!(query.range.limit, 20);
        assert_eq!(query.states, ["sent", "pending", "failed"]);
        assert_eq!(query.range.created_from.unwrap().to_string(), "2026-01-31T09:30:00Z");
        assert_eq!(query.range.created_before.unwrap().to_string(), "2026-01-31T23:00:00Z");
        assert_eq!(parse_query("", format()).unwrap().range.limit, 100);
    }

    #[test]
    fn names_every_parameter_that_is_wrong() {
        assert_eq!(refused("limit=0&state=paid&cursor=x"), ["limit", "state", "cursor"]);
        assert_eq!(refused("limit=101"), ["limit"]);
        for limit in ["%2B1", "01", "1.0", "%EF%BC%91"] {
            assert_eq!(refused(&format!("limit={limit}")), ["limit"], "{limit}");
        }
        assert_eq!(refused("limit=1&limit=2&state[0]=sent&created_after=x"), ["limit", "state[0]", "created_after"]);
        assert_eq!(refused("limit=ten"), ["limit"]);
        assert_eq!(refused("created_from=yesterday&created_before=1"), ["created_from", "created_before"]);
        // Ours are shown as failed, so they can't be asked for by their own names.
        assert_eq!(refused("state=expired"), ["state"]);
    }
}
