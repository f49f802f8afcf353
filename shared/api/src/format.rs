//! The wire formats: which one a request is in, what it says in that, and how it is answered.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Request, RequestExt};
use models::{
    AmountCaps, ApiKey, ApiKeyId, Application, Currency, Customer, CustomerId, Merchant, NewCustomer, NewRefund,
    NewSession, NotRefundable, Refund, RefundId, Scopes, Session, SessionId, SessionState, WireFormat,
};
use providers::{NotPayableLive, Offer};
use store::{Fingerprint, ListCursor};
use thiserror::Error;

use crate::answer::{Answer, json, list};
use crate::banked::{self, Dialect, ProviderView, RefundView, SessionView};
use crate::error::{ApiError, Refusal};
use crate::fintecture::{self, OffersIn};
use crate::json::Json;
use crate::list::{Beside, CustomerListRequest, ListLinks, ListRequest, RefundListRequest};
use crate::oauth;
use crate::route::path_id;
use crate::session_request::SessionRequest;
use crate::yorlet::{self, CustomerChange};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Banked's, in one of its two dialects.
    Banked(Dialect),
    /// Yorlet's.
    Yorlet,
    /// Fintecture's.
    Fintecture,
}

impl Format {
    /// The format of a request, by its path.
    pub fn of(request: &Request) -> Self {
        Self::of_path(request.raw_http_path())
    }

    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/v1/") {
            Self::Yorlet
        } else if fintecture::has_path(path) {
            Self::Fintecture
        } else {
            Self::Banked(Dialect::of_path(path))
        }
    }

    /// The format in which a stored object is published.
    ///
    /// # Errors
    /// It is of a release after this one.
    pub const fn of_stored(format: WireFormat) -> Result<Self, NotServed> {
        match format {
            WireFormat::Banked => Ok(Self::Banked(Dialect::V2)),
            WireFormat::Yorlet => Ok(Self::Yorlet),
            WireFormat::Fintecture => Ok(Self::Fintecture),
        }
    }

    /// The formats that are served.
    pub(crate) fn served() -> impl Iterator<Item = WireFormat> {
        WireFormat::ALL.into_iter().filter(|format| Self::of_stored(*format).is_ok())
    }

    /// As it is stored, and as ids that are derived from idempotency keys spell it.
    pub const fn stored(self) -> WireFormat {
        match self {
            Self::Banked(_) => WireFormat::Banked,
            Self::Yorlet => WireFormat::Yorlet,
            Self::Fintecture => WireFormat::Fintecture,
        }
    }

    /// A session's id, as a path names it.
    ///
    /// # Errors
    /// 404 if it is none, for then there is no such session.
    pub fn session_id(self, text: &str) -> Result<SessionId, Refusal> {
        match self {
            Self::Banked(_) => path_id(text),
            Self::Yorlet => yorlet::read_session_id(text).ok_or(Refusal::NotFound),
            Self::Fintecture => fintecture::read_session_id(text).ok_or(self.unknown_session()),
        }
    }

    /// A session's id, as answers show it.
    pub fn shown_session_id(self, id: SessionId) -> String {
        match self {
            Self::Banked(_) => id.to_string(),
            Self::Yorlet => yorlet::session_id(id),
            Self::Fintecture => id.to_hex(),
        }
    }

    /// A refund's id, as answers show it.
    pub fn shown_refund_id(self, id: RefundId) -> String {
        match self {
            Self::Banked(_) => id.to_string(),
            Self::Yorlet => yorlet::refund_id(id),
            Self::Fintecture => id.to_hex(),
        }
    }

    /// The path at which a session is read.
    pub fn session_path(self, id: SessionId) -> String {
        let lists = match self {
            Self::Banked(Dialect::V2) => "/v2/payment_sessions",
            Self::Banked(Dialect::ApiV2) => "/api/v2/payment_sessions",
            Self::Yorlet => "/v1/payment_sessions",
            Self::Fintecture => "/pis/v2/payments",
        };
        format!("{lists}/{}", self.shown_session_id(id))
    }

    /// What a path is refused with that names a session which is not there, or not the caller's.
    pub const fn unknown_session(self) -> Refusal {
        match self {
            Self::Banked(_) | Self::Yorlet => Refusal::NotFound,
            Self::Fintecture => Refusal::Unknown(fintecture::SESSION_ID),
        }
    }

    /// The session whose transaction a path names.
    ///
    /// # Errors
    /// 404 if it names none.
    pub fn transaction_id(self, text: &str) -> Result<SessionId, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::read_transaction_id(text).ok_or(Refusal::NotFound),
        }
    }

    /// A refund's id, as a path names it.
    ///
    /// # Errors
    /// 404 if it is none, for then there is no such refund.
    pub fn refund_id(self, text: &str) -> Result<RefundId, Refusal> {
        match self {
            Self::Banked(_) => path_id(text),
            Self::Yorlet => yorlet::read_refund_id(text).ok_or(Refusal::NotFound),
            Self::Fintecture => fintecture::read_refund_id(text).ok_or(self.unknown_session()),
        }
    }

    /// A customer's id, as a path names it.
    ///
    /// # Errors
    /// 404 if it is none, for then there is no such customer.
    pub fn customer_id(self, text: &str) -> Result<CustomerId, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::read_customer_id(text).ok_or(Refusal::NotFound),
        }
    }

    /// Reads what a customer is created of.
    ///
    /// # Errors
    /// What is wrong with it; 404 if the format has no customers.
    pub fn read_customer(self, body: &Json<'_>) -> Result<NewCustomer, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::parse_customer(body),
        }
    }

    /// Reads what is to be changed of a customer.
    ///
    /// # Errors
    /// What is wrong with it; 404 if the format has no customers.
    pub fn read_customer_change(self, body: &Json<'_>) -> Result<CustomerChange, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::parse_customer_change(body),
        }
    }

    /// Reads which customers are asked for.
    ///
    /// # Errors
    /// What is wrong with the query string; 404 if the format has no customers.
    pub fn read_customer_list(self, query: &str) -> Result<CustomerListRequest, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::read_customer_list(query),
        }
    }

    /// A customer, also as the answer to its creation.
    ///
    /// # Errors
    /// 404 if the format has no customers; 500.
    pub fn customer(self, customer: &Customer) -> Answer {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound.into()),
            Self::Yorlet => json(StatusCode::OK, &yorlet::CustomerView::new(customer)),
        }
    }

    /// What is left of a customer that was deleted or erased, also as the answer to its deletion.
    ///
    /// # Errors
    /// 404 if the format has no customers; 500.
    pub fn customer_deleted(self, id: CustomerId) -> Answer {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound.into()),
            Self::Yorlet => json(StatusCode::OK, &yorlet::DeletedCustomerView::new(id)),
        }
    }

    /// A page of customers.
    ///
    /// # Errors
    /// 404 if the format has no customers; 500.
    pub fn customers(self, customers: &[Customer], page: &PageEnd) -> Answer {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound.into()),
            Self::Yorlet => {
                yorlet::list(customers.iter().map(yorlet::CustomerView::new), page.count, page.next.is_some())
            }
        }
    }

    /// Checks that a request was signed by the application of the key that it was sent with, where the format has that.
    ///
    /// # Errors
    /// 401 with the first thing that is wrong.
    pub(crate) fn check_signature(
        self,
        request: &Request,
        key: &ApiKeyId,
        application: Option<&Application>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match self {
            Self::Banked(_) | Self::Yorlet => Ok(()),
            Self::Fintecture => fintecture::check_signature(request, key, application, now),
        }
    }

    /// What a request for a token of this key is granted, if its key has the scopes `own`.
    ///
    /// # Errors
    /// What is wrong with it, or that it asks for no scope that the key has.
    pub fn granted_scopes(self, request: &Request, key: &ApiKeyId, own: Scopes) -> Result<Scopes, Refusal> {
        match self {
            Self::Banked(_) | Self::Yorlet => oauth::granted_scopes(request, own),
            Self::Fintecture => fintecture::granted_scopes(request, key, own),
        }
    }

    /// The answer with a new token of `key` for `scopes`.
    ///
    /// # Errors
    /// 500 if it can't be signed.
    pub fn token(self, key: &ApiKey, scopes: Scopes, now: Timestamp) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => oauth::token_answer(key, scopes, now),
            Self::Fintecture => fintecture::token(key, scopes, now),
        }
    }

    /// The header by which a repeated request is recognised, as people write it.
    pub const fn idempotency_header(self) -> &'static str {
        match self {
            Self::Banked(_) | Self::Yorlet => "Idempotency-Key",
            Self::Fintecture => "X-Request-ID",
        }
    }

    /// What that header says, in one spelling if it may have several.
    pub(crate) fn idempotency_key(self, given: &str) -> String {
        match self {
            Self::Banked(_) | Self::Yorlet => given.to_owned(),
            // A UUID, which is the same in capitals (RFC 9562, 4).
            Self::Fintecture => given.to_ascii_lowercase(),
        }
    }

    /// What a repeated request is compared by.
    ///
    /// # Errors
    /// 500 if its body can't be written in canonical form.
    pub fn fingerprint(self, request: &Request, body: &Json<'_>) -> Result<Fingerprint, ApiError> {
        match self {
            Self::Banked(_) | Self::Yorlet => body.fingerprint(),
            Self::Fintecture => fintecture::fingerprint(request, body),
        }
    }

    /// Reads what a session with this id is created of; its total may be at most its currency's cap.
    ///
    /// # Errors
    /// 400 if it can't be read at all; else 422 with everything that is wrong.
    pub fn read_session(
        self,
        asked: &SessionRequest<'_>,
        id: SessionId,
        caps: &AmountCaps,
    ) -> Result<NewSession, Refusal> {
        match self {
            Self::Banked(dialect) => banked::parse_create(asked.body, dialect, asked.accounts(), id, caps),
            Self::Yorlet => yorlet::parse_create(asked.body, asked.accounts(), caps),
            Self::Fintecture => fintecture::parse_create(asked, caps),
        }
    }

    /// Why a session can't be created with a live key.
    pub fn not_payable_live(self, why: NotPayableLive) -> Refusal {
        match self {
            Self::Banked(_) => banked::not_payable_live(why),
            Self::Yorlet => yorlet::not_payable_live(why),
            Self::Fintecture => fintecture::not_payable_live(why),
        }
    }

    /// Whether a session that was just created has its transfer begun, since the answer says where to transfer to.
    pub fn begins_transfer(self, session: &Session) -> bool {
        match self {
            Self::Banked(_) | Self::Yorlet => false,
            Self::Fintecture => fintecture::begins_transfer(session),
        }
    }

    /// Checks the body of a request to cancel, where the format has one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_cancel(self, request: &Request) -> Result<(), Refusal> {
        match self {
            Self::Banked(_) | Self::Yorlet => Ok(()),
            Self::Fintecture => fintecture::check_cancel(request),
        }
    }

    /// A session to be, with its customer as its payer: what is read of it says only which customer that is.
    ///
    /// # Errors
    /// 404 if there is no such customer.
    pub fn paid_by(self, new: NewSession, customer: Option<&Customer>) -> Result<NewSession, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Ok(new),
            Self::Yorlet => Ok(yorlet::paid_by(new, customer.ok_or(Refusal::Unknown(yorlet::CUSTOMER))?)),
        }
    }

    /// Reads a request for a refund, with this body.
    ///
    /// # Errors
    /// 400 if it can't be read at all; else 422 with everything that is wrong.
    pub fn read_refund(self, request: &Request, body: &Json<'_>) -> Result<NewRefund, Refusal> {
        match self {
            Self::Banked(_) => banked::parse_refund(body),
            Self::Yorlet => yorlet::parse_refund(body),
            Self::Fintecture => fintecture::parse_refund(request, body),
        }
    }

    /// Why a session is not refunded.
    pub fn not_refundable(self, why: NotRefundable) -> Refusal {
        match self {
            Self::Banked(_) => banked::not_refundable(why),
            Self::Yorlet => yorlet::not_refundable(why),
            Self::Fintecture => fintecture::not_refundable(why),
        }
    }

    /// How a session stands at `now`, as the format calls it where it says why a request is not done.
    pub fn state_of(self, session: &Session, now: Timestamp) -> &'static str {
        match self {
            Self::Banked(_) => session.state_at(now).as_str(),
            Self::Yorlet => yorlet::shown_status(session.state_at(now)),
            Self::Fintecture => fintecture::session_status(session, now),
        }
    }

    /// A session's state, as the format calls it.
    pub const fn shown_state(self, state: SessionState) -> &'static str {
        match self {
            Self::Banked(_) => banked::shown_state(state),
            Self::Yorlet => yorlet::shown_status(state),
            Self::Fintecture => fintecture::shown_status(state),
        }
    }

    /// The answer to a session's creation: as of then, so that even a repeat after its expiry says what the first answer said.
    ///
    /// # Errors
    /// 500 if it can't be written as JSON, as for all answers.
    pub fn session_created(self, session: &Session) -> Answer {
        match self {
            Self::Banked(dialect) => {
                json(StatusCode::CREATED, &SessionView::new(session, &[], dialect, session.created_at))
            }
            Self::Yorlet => json(StatusCode::OK, &yorlet::SessionView::new(session, session.created_at)),
            Self::Fintecture => fintecture::created(session),
        }
    }

    /// A session as it is at `now`, with all of its refunds.
    ///
    /// # Errors
    /// 500.
    pub fn session(self, session: &Session, refunds: &[Refund], now: Timestamp) -> Answer {
        match self {
            Self::Banked(dialect) => json(StatusCode::OK, &SessionView::new(session, refunds, dialect, now)),
            Self::Yorlet => json(StatusCode::OK, &yorlet::SessionView::new(session, now)),
            Self::Fintecture => fintecture::session(session, now),
        }
    }

    /// The transaction of a session as it is at `now`, with all of its refunds.
    ///
    /// # Errors
    /// 404 if the format has no transactions; 500.
    pub fn transaction(self, session: &Session, refunds: &[Refund], now: Timestamp) -> Answer {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound.into()),
            Self::Yorlet => json(StatusCode::OK, &yorlet::TransactionView::new(session, refunds, now)),
        }
    }

    /// Reads which sessions are asked for.
    ///
    /// # Errors
    /// What is wrong with the query string.
    pub fn read_session_list(self, query: &str) -> Result<ListRequest, Refusal> {
        match self {
            Self::Banked(_) => banked::read_session_list(query),
            Self::Yorlet => yorlet::read_session_list(query),
            Self::Fintecture => fintecture::read_session_list(query),
        }
    }

    /// Reads which sessions' transactions are asked for.
    ///
    /// # Errors
    /// What is wrong with the query string; 404 if the format has no transactions.
    pub fn read_transaction_list(self, query: &str) -> Result<ListRequest, Refusal> {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound),
            Self::Yorlet => yorlet::read_transaction_list(query),
        }
    }

    /// What a page beside something that is not there, or not the caller's, is refused with.
    pub fn unknown_in_list<Id>(self, beside: &Beside<Id>) -> Refusal {
        match self {
            Self::Banked(_) | Self::Fintecture => Refusal::NotFound,
            Self::Yorlet => yorlet::unknown_in_list(beside),
        }
    }

    /// Whether a refund is a session of its own, which the paths of sessions show.
    pub const fn has_refunds_as_sessions(self) -> bool {
        match self {
            Self::Banked(_) | Self::Yorlet => false,
            Self::Fintecture => true,
        }
    }

    /// Whether sessions are shown with their refunds.
    pub const fn shows_refunds_of_sessions(self) -> bool {
        match self {
            Self::Banked(_) => true,
            Self::Yorlet | Self::Fintecture => false,
        }
    }

    /// Whether lists say how many there are in all.
    pub const fn lists_say_count(self) -> bool {
        match self {
            Self::Banked(_) => false,
            Self::Yorlet | Self::Fintecture => true,
        }
    }

    /// A page of sessions as they are at `now`, each with its refunds if the format shows them.
    ///
    /// # Errors
    /// 500.
    pub fn sessions(
        self,
        sessions: &[(Session, Vec<Refund>)],
        now: Timestamp,
        page: &PageEnd,
        links: &ListLinks,
    ) -> Answer {
        let each = sessions.iter();
        match self {
            Self::Banked(dialect) => list(
                each.map(|(session, refunds)| SessionView::new(session, refunds, dialect, now)),
                page.next.as_ref().map(ListCursor::encode),
            ),
            Self::Yorlet => {
                let each = each.map(|(session, _)| yorlet::SessionView::new(session, now));
                yorlet::list(each, page.count, page.next.is_some())
            }
            Self::Fintecture => fintecture::list(sessions, now, page.count, page.next.as_ref(), links),
        }
    }

    /// A page of transactions: of sessions as they are at `now`, each with all of its refunds.
    ///
    /// # Errors
    /// 404 if the format has no transactions; 500.
    pub fn transactions(self, sessions: &[(Session, Vec<Refund>)], now: Timestamp, page: &PageEnd) -> Answer {
        match self {
            Self::Banked(_) | Self::Fintecture => Err(Refusal::NotFound.into()),
            Self::Yorlet => {
                let each = sessions.iter();
                let each = each.map(|(session, refunds)| yorlet::TransactionView::new(session, refunds, now));
                yorlet::list(each, page.count, page.next.is_some())
            }
        }
    }

    /// The banks that a payer can choose.
    ///
    /// # Errors
    /// 404 if the format lists them by country, or not at all; 500.
    pub fn providers(self, offers: &[Offer]) -> Answer {
        match self {
            Self::Banked(_) => json(StatusCode::OK, &offers.iter().map(ProviderView::new).collect::<Vec<_>>()),
            Self::Yorlet | Self::Fintecture => Err(Refusal::NotFound.into()),
        }
    }

    /// The currencies whose banks are listed by country.
    pub const fn currencies_of_providers(self) -> &'static [Currency] {
        match self {
            Self::Banked(_) | Self::Yorlet => &[],
            Self::Fintecture => &fintecture::CURRENCIES,
        }
    }

    /// Those of the banks of each country that the query string asks for.
    ///
    /// # Errors
    /// What is wrong with the query string; 404 if the format doesn't list them so; 500.
    pub fn providers_by_country(self, query: &str, all: &[OffersIn]) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound.into()),
            Self::Fintecture => fintecture::providers(query, all),
        }
    }

    /// One of the banks of each country.
    ///
    /// # Errors
    /// 404 if there is no such bank, or the format doesn't show one; 500.
    pub fn provider(self, id: &str, all: &[OffersIn]) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound.into()),
            Self::Fintecture => fintecture::provider(id, all),
        }
    }

    /// What to try the mock banks of each country with.
    ///
    /// # Errors
    /// 404 if the format doesn't say so; 500.
    pub fn test_accounts(self, all: &[OffersIn]) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound.into()),
            Self::Fintecture => fintecture::test_accounts(all),
        }
    }

    /// The key that a request without credentials claims to be sent for, if it names one.
    ///
    /// # Errors
    /// 401 if that can't be one.
    pub fn claimed_key(self, request: &Request) -> Result<Option<ApiKeyId>, Refusal> {
        match self {
            Self::Banked(_) | Self::Yorlet => Ok(None),
            Self::Fintecture => fintecture::claimed_application(request.headers()),
        }
    }

    /// The application of a key: all of it for `own`, the merchant whose key it is with what stands beside the key; else what the
    /// key's id says.
    ///
    /// # Errors
    /// 404 if the format has no applications; 500.
    pub fn application(self, id: &ApiKeyId, own: Option<(&Merchant, Option<&Application>)>) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound.into()),
            Self::Fintecture => fintecture::application(id, own),
        }
    }

    /// What was settled to a merchant: nothing ever, since payers pay to the merchant's own accounts.
    ///
    /// # Errors
    /// 404 if the format has no settlements; 500.
    pub fn settlements(self, now: Timestamp, links: &ListLinks) -> Answer {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound.into()),
            Self::Fintecture => fintecture::list(&[], now, 0, None, links),
        }
    }

    /// Why a token is not refreshed.
    pub fn no_refresh_token(self) -> Refusal {
        match self {
            Self::Banked(_) | Self::Yorlet => Refusal::NotFound,
            Self::Fintecture => fintecture::no_refresh_token(),
        }
    }

    /// The answer to the making of a refund: as of then, as that of a session is.
    ///
    /// # Errors
    /// 500.
    pub fn refund_created(self, refund: &Refund) -> Answer {
        match self {
            Self::Banked(_) => json(StatusCode::CREATED, &RefundView::new(refund, refund.created_at)),
            Self::Yorlet => json(StatusCode::OK, &yorlet::RefundView::new(refund, refund.created_at)),
            Self::Fintecture => fintecture::refund_created(refund),
        }
    }

    /// A refund as it is at `now`.
    ///
    /// # Errors
    /// 500.
    pub fn refund(self, refund: &Refund, now: Timestamp) -> Answer {
        match self {
            Self::Banked(_) => json(StatusCode::OK, &RefundView::new(refund, now)),
            Self::Yorlet => json(StatusCode::OK, &yorlet::RefundView::new(refund, now)),
            Self::Fintecture => fintecture::refund(refund, now),
        }
    }

    /// Reads of which session refunds are asked for.
    ///
    /// # Errors
    /// What is wrong with the query string.
    pub fn read_refund_list(self, query: &str) -> Result<RefundListRequest, Refusal> {
        match self {
            Self::Banked(_) => banked::read_refund_list(query),
            Self::Yorlet => yorlet::read_refund_list(query),
            Self::Fintecture => Err(Refusal::NotFound),
        }
    }

    /// Reads which refunds of the session in the path are asked for.
    ///
    /// # Errors
    /// What is wrong with the query string; 404 if the format has no such path.
    pub fn refund_list_of(self, id: &str, query: &str) -> Result<RefundListRequest, Refusal> {
        match self {
            Self::Banked(_) | Self::Yorlet => Err(Refusal::NotFound),
            Self::Fintecture => fintecture::refund_list_of(id, query),
        }
    }

    /// Those refunds of a session, of which these are all, oldest first, that are asked for: as they are at `now`.
    ///
    /// # Errors
    /// 400 if the page is to begin beside none of them; 500.
    pub fn refunds(self, refunds: &[Refund], asked: &RefundListRequest, now: Timestamp) -> Answer {
        match self {
            Self::Banked(_) => list(refunds.iter().map(|refund| RefundView::new(refund, now)), None),
            Self::Yorlet => yorlet::refund_page(refunds, asked, now),
            Self::Fintecture => fintecture::refunds(refunds, asked, now),
        }
    }

    /// The parameter by which a client names the payment that is refunded.
    pub const fn refunded_parameter(self) -> &'static str {
        match self {
            Self::Banked(_) => banked::PAYMENT_SESSION_ID,
            Self::Yorlet => yorlet::TRANSACTION,
            Self::Fintecture => fintecture::SESSION_ID,
        }
    }

    /// A request for a refund, as it is compared with a repeat of it: in whatever way ids may be spelled.
    #[must_use]
    pub fn comparable_refund(self, body: Json<'_>) -> Json<'_> {
        match self {
            Self::Banked(_) => body.with_id_in_small_letters(banked::PAYMENT_SESSION_ID),
            Self::Yorlet | Self::Fintecture => body,
        }
    }

    /// Whether a session in this state counts as cancelled, so that cancelling it once more has nothing to do.
    pub fn is_cancelled(self, state: SessionState) -> bool {
        match self {
            Self::Banked(_) | Self::Fintecture => state == SessionState::Cancelled,
            Self::Yorlet => yorlet::shown_status(state) == yorlet::shown_status(SessionState::Cancelled),
        }
    }
}

/// How a page of a list ends.
#[derive(Debug)]
pub struct PageEnd {
    /// Where to go on in the direction that was asked for, if there are more.
    pub next: Option<ListCursor>,
    /// How many there are in all, if the format says so.
    pub count: u64,
}

/// A stored object is of a format that this release doesn't serve, as while a release is deployed over the one before. It is
/// never published in another format: what fails by this is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the format {} is not served by this release", .0.as_str())]
pub struct NotServed(WireFormat);

impl From<NotServed> for ApiError {
    fn from(error: NotServed) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// The session that pays a refund, as it is stored: what its format fills in of the URLs that the refund was made with.
pub fn fill_in_return_urls(payment: Session) -> Session {
    match payment.format {
        WireFormat::Banked => banked::fill_in_return_urls(payment),
        // Their ids are parameters that are added when the payer is sent back.
        WireFormat::Yorlet | WireFormat::Fintecture => payment,
    }
}

/// The merchant's page that the payer goes on to, with the result in its query as the session's format has it; none while the
/// session awaits the payer, if the merchant gave no such URL, or if the format is not served.
pub fn return_url(session: &Session, now: Timestamp) -> Option<String> {
    match Format::of_stored(session.format).ok()? {
        Format::Banked(_) => banked::return_url(session, now),
        Format::Yorlet => yorlet::return_url(session, now),
        Format::Fintecture => fintecture::return_url(session, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Violation;

    #[test]
    fn what_a_live_key_can_not_have_paid_names_the_field_that_is_in_the_way() {
        for (why, fields) in [
            (NotPayableLive::Methods, ["currency", "payment_method_types", "meta.payment_methods"]),
            (NotPayableLive::Currency, ["currency", "currency", "data.attributes.currency"]),
            (NotPayableLive::Account, ["payee", "payment_method_types", "data.attributes.currency"]),
            (NotPayableLive::Country, ["currency", "payment_method_types", "header.x-country"]),
            (NotPayableLive::Provider, ["currency", "payment_method_types", "header.x-provider"]),
            (NotPayableLive::Payer, ["payer.email", "customer", "meta.psu_email"]),
        ] {
            let formats = [Format::Banked(Dialect::V2), Format::Yorlet, Format::Fintecture];
            for (format, field) in formats.into_iter().zip(fields) {
                let Refusal::Invalid(wrong) = format.not_payable_live(why) else { panic!("{why:?}") };
                assert_eq!(wrong, [Violation::new(wrong[0].code, field, why)], "{format:?}");
            }
        }
    }

    #[test]
    fn what_is_stored_is_published_in_its_own_format_or_not_at_all() {
        for format in WireFormat::ALL {
            match Format::of_stored(format) {
                Ok(served) => assert_eq!(served.stored(), format),
                Err(error) => assert_eq!(error, NotServed(format)),
            }
        }
        assert_eq!(Format::of_stored(WireFormat::default()), Ok(Format::Banked(Dialect::V2)));
    }
}
