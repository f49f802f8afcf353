//! Reading one session and listing them. What is open to all is answered by resources.rs.

use api::{Answer, ApiError, Authenticator, Beside, Caller, Format, ListLinks, ListRequest, PageEnd, Route};
use futures_util::future::{try_join, try_join_all};
use jiff::Timestamp;
use lambda_http::{Request, RequestExt};
use models::{ListShards, Refund, RefundId, Session, SessionId};
use providers::Providers;
use runtime::{Clock, SettingError};
use store::{
    Counted, Counts, ListCursor, ListRange, ListStart, Merchants, MockLedger, Owner, Page, Refunds, Sessions,
    StoreError, Table, WithRefunds,
};

use crate::resources::Resources;

/// The most refunds in one page of a list: an answer may have 6 MB (AWS Lambda, quotas), and each has half a kilobyte.
const MAX_REFUNDS: u32 = 4000;

/// The most sessions that a page of the table's has.
const MAX_PAGE: usize = 100;

/// How many sessions' refunds are asked for at a time.
const REFUNDS_AT_ONCE: usize = 8;

/// Shows payment sessions, and the banks that their payers can choose.
#[derive(Debug)]
pub struct Get {
    authenticator: Authenticator,
    sessions: Sessions,
    refunds: Refunds,
    counts: Counts,
    resources: Resources,
    clock: Clock,
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
            counts: Counts::new(table.clone()),
            resources: Resources::new(Providers::new(MockLedger::new(table), local_live)),
            clock,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let format = Format::of(&request);
        if api::is_open(&request) {
            let caller = self.authenticator.authenticate_if_given(&request).await?;
            return self.resources.handle(&request, caller.as_ref(), format);
        }
        let caller = self.authenticator.authenticate(&request).await?;
        match Route::of(&request) {
            Some(Route::Session(id)) => match self.own(&format.session_id(id)?, &caller, format).await? {
                Some((session, refunds)) => format.session(&session, &refunds, self.clock.now()),
                None if format.has_refunds_as_sessions() => {
                    let refund = self.own_refund(&format.refund_id(id)?, &caller, format).await?;
                    format.refund(&refund.ok_or(format.unknown_session())?, self.clock.now())
                }
                None => Err(format.unknown_session().into()),
            },
            Some(Route::Transaction(id)) => {
                let own = self.own(&format.transaction_id(id)?, &caller, format).await?;
                let (session, refunds) = own.ok_or(format.unknown_session())?;
                format.transaction(&session, &refunds, self.clock.now())
            }
            Some(Route::Sessions) => {
                let asked = format.read_session_list(request.uri().query().unwrap_or(""))?;
                let now = self.clock.now();
                let with_refunds = format.shows_refunds_of_sessions();
                let links = links(&request, &asked);
                let (sessions, page) = self.list(asked, with_refunds, now, &caller, format).await?;
                format.sessions(&sessions, now, &page, &links)
            }
            Some(Route::Transactions) => {
                let asked = format.read_transaction_list(request.uri().query().unwrap_or(""))?;
                let now = self.clock.now();
                let (sessions, page) = self.list(asked, true, now, &caller, format).await?;
                format.transactions(&sessions, now, &page)
            }
            Some(Route::Providers) => self.resources.of_payers(&request, &caller, format),
            Some(Route::Settlements) => {
                let asked = format.read_session_list(request.uri().query().unwrap_or(""))?;
                format.settlements(self.clock.now(), &links(&request, &asked))
            }
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    /// A session of the caller's, with its refunds.
    async fn own(
        &self,
        id: &SessionId,
        caller: &Caller,
        format: Format,
    ) -> Result<Option<(Session, Vec<Refund>)>, StoreError> {
        let WithRefunds { session, refunds } = self.refunds.of(id).await?;
        let session = session.filter(|session| caller.owner_in(format).owns(session));
        Ok(session.map(|session| (session, refunds)))
    }

    /// A refund of the caller's.
    async fn own_refund(&self, id: &RefundId, caller: &Caller, format: Format) -> Result<Option<Refund>, StoreError> {
        let refund = self.refunds.get(id).await?;
        Ok(refund.filter(|refund| caller.owner_in(format).owns_refund(refund)))
    }

    /// A page of the caller's sessions, each with its refunds if those are shown.
    async fn list(
        &self,
        asked: ListRequest,
        with_refunds: bool,
        now: Timestamp,
        caller: &Caller,
        format: Format,
    ) -> Result<(Vec<(Session, Vec<Refund>)>, PageEnd), ApiError> {
        let ListRequest { mut range, beside, number: _, skip, states } = asked;
        if let Some(beside) = beside {
            range.start = self.start(&beside, caller, format).await?;
        }
        let wanted = |session: &Session| states.contains(&format.shown_state(session.state_at(now)));
        let filter: Option<&(dyn Fn(&Session) -> bool + Sync)> = if states.is_empty() { None } else { Some(&wanted) };
        let (owner, shards) = (caller.owner_in(format), caller.merchant.list_sharding.shards());
        let is_older = !matches!(range.start, ListStart::Before(_));
        let count =
            async { if format.lists_say_count() { self.counts.of(&owner, Counted::Sessions).await } else { Ok(0) } };
        let page = async {
            match self.pass_over(skip, &owner, shards, range, filter).await? {
                Some(range) => self.sessions.list(&owner, shards, range, filter).await,
                None => Ok(Page { items: Vec::new(), next: None }),
            }
        };
        let (mut page, count) = try_join(page, count).await?;
        let refunds = if with_refunds {
            page = truncate(page, is_older);
            self.refunds_of_each(&page.items).await?
        } else {
            vec![Vec::new(); page.items.len()]
        };
        Ok((page.items.into_iter().zip(refunds).collect(), PageEnd { next: page.next, count }))
    }

    /// What is left of this range after its first `skip`, which are read for that; none if there are no more.
    async fn pass_over(
        &self,
        mut skip: usize,
        owner: &Owner,
        shards: ListShards,
        mut range: ListRange,
        filter: Option<&(dyn Fn(&Session) -> bool + Sync)>,
    ) -> Result<Option<ListRange>, StoreError> {
        while skip > 0 {
            let some = ListRange { limit: skip.min(MAX_PAGE), ..range.clone() };
            let page = self.sessions.list(owner, shards, some, filter).await?;
            skip = skip.saturating_sub(page.items.len());
            let Some(next) = page.next else { return Ok(None) };
            range.start = ListStart::After(next);
        }
        Ok(Some(range))
    }

    /// The position of a session of the caller's, beside which a page begins.
    async fn start(&self, beside: &Beside<SessionId>, caller: &Caller, format: Format) -> Result<ListStart, ApiError> {
        let session = self.sessions.get(beside.id()).await?;
        let session = session.filter(|session| caller.owner_in(format).owns(session));
        let session = session.ok_or_else(|| format.unknown_in_list(beside))?;
        Ok(beside.start(ListCursor::at(&session)))
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

/// Where the page is that is asked for.
fn links(request: &Request, asked: &ListRequest) -> ListLinks {
    ListLinks {
        list: format!("{}{}", api::base_url(request).unwrap_or_default(), request.raw_http_path()),
        query: request.uri().query().unwrap_or("").to_owned(),
        number: asked.number,
        size: asked.range.limit,
    }
}

/// The page without what would bring more than [`MAX_REFUNDS`] refunds, but for the session that it was read from first: its
/// newest, if it goes on to older ones, else its oldest.
fn truncate(mut page: Page<Session>, to_older: bool) -> Page<Session> {
    if !to_older {
        page.items.reverse();
    }
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
    if !to_older {
        page.items.reverse();
    }
    page
}
