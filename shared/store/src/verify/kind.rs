//! What an item is, by its key; and how messages name it.

use std::fmt;

use jiff::civil::Date;
use models::{
    ApiKeyId, BankId, CursorId, CustomerId, EndpointId, EventId, LinkMailId, MailId, MerchantId, Mode, ObjectId,
    ProviderPaymentId, RefundId, SessionId, TestClockId,
};

use crate::keys;
use crate::object_path::ObjectPath;
use crate::pointers;
use crate::table::Key;

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Session(SessionId),
    Refund(SessionId, RefundId),
    Pointer(RefundId),
    Customer(CustomerId),
    TestClock(TestClockId),
    /// By which kind of knowledge, and which session, if its key says that.
    FoundBy(String, Option<SessionId>),
    /// Of an owner's lists, and of what.
    Count(String, String),
    CountMark(String),
    /// Of a session, or of a refund of it.
    Ended(SessionId, Option<RefundId>),
    Day(MerchantId, Mode, Date),
    Bounce(MailId),
    Event(EventId),
    Cursor(CursorId),
    Attempt(ObjectId),
    Mail(MailId),
    Merchant(MerchantId),
    ApiKey(MerchantId, ApiKeyId),
    KeyUse(MerchantId, ApiKeyId),
    Account(MerchantId),
    Shop(MerchantId),
    Application(ApiKeyId),
    Person(MerchantId),
    People(MerchantId),
    SignIn,
    Link,
    LinkMail(LinkMailId),
    OidcRequest,
    OidcChoice,
    Visit,
    Endpoint(MerchantId, EndpointId),
    EndpointCount(MerchantId, Mode),
    BankPayment(BankId, ProviderPaymentId),
    MockAttempt(String),
    MockOrder(String),
    MockBegun(String),
    MockConclusion(String),
    MockChallenge(String),
    MockTakenBack(String),
    MockRefund(String),
    MockTransfer(String),
    MockReference(String),
    MockUnmatched(String),
    /// With this partition key.
    Unknown(String),
}

impl Kind {
    pub(super) fn of(key: &Key) -> Self {
        Self::known(key).unwrap_or_else(|| Self::Unknown(key.pk.clone()))
    }

    fn known(key: &Key) -> Option<Self> {
        let Key { pk, sk } = key;
        let (kind, id) = pk.split_once('#')?;
        match kind {
            "SESSION" => match ObjectPath::from_key(pk, sk)? {
                ObjectPath::Session(id) => Some(Self::Session(id)),
                ObjectPath::Refund(session, id) => Some(Self::Refund(session, id)),
            },
            "REFUND" => (sk == "REFUND").then_some(Self::Pointer(id.parse().ok()?)),
            "CUSTOMER" => (sk == keys::CUSTOMER_SK).then_some(Self::Customer(id.parse().ok()?)),
            "CLOCK" => (sk == "CLOCK").then_some(Self::TestClock(id.parse().ok()?)),
            "FIND" => Some(Self::FoundBy(id.split('#').nth(2)?.to_owned(), pointers::session_of(key))),
            "COUNT" => Some(Self::Count(id.to_owned(), sk.to_lowercase())),
            "COUNTED" => Some(Self::CountMark(id.to_owned())),
            "ENDED" => match sk.split_once('#')? {
                ("SESSION", session) => Some(Self::Ended(session.parse().ok()?, None)),
                ("REFUND", path) => {
                    let (session, refund) = path.split_once('#')?;
                    Some(Self::Ended(session.parse().ok()?, Some(refund.parse().ok()?)))
                }
                (_, _) => None,
            },
            "DAYS" => {
                let (merchant, mode) = id.split_once('#')?;
                Some(Self::Day(merchant.parse().ok()?, mode.parse().ok()?, sk.parse().ok()?))
            }
            "NEEDS" => {
                let (_, mail) = sk.strip_prefix(keys::BOUNCE_PREFIX)?.split_once('#')?;
                Some(Self::Bounce(mail.parse().ok()?))
            }
            "EVENTS" => Self::of_events(id.parse().ok()?, sk),
            "MAIL" => Some(Self::Mail(format!("{id}/{}", sk.replace('#', "/")).parse().ok()?)),
            "MERCHANT" => {
                let merchant = id.parse().ok()?;
                if sk == keys::PROFILE {
                    Some(Self::Merchant(merchant))
                } else if let Some(key_id) = sk.strip_prefix(keys::KEY_PREFIX) {
                    Some(Self::ApiKey(merchant, key_id.parse().ok()?))
                } else {
                    keys::is_linked_account(sk).then_some(Self::Account(merchant))
                }
            }
            "KEYUSE" => Some(Self::KeyUse(id.parse().ok()?, sk.parse().ok()?)),
            "SHOP" => (sk == keys::SHOP_SK).then_some(Self::Shop(id.parse().ok()?)),
            "APP" => (sk == keys::APPLICATION_SK).then_some(Self::Application(id.parse().ok()?)),
            "PEOPLE" => {
                let merchant = id.parse().ok()?;
                Some(if sk == keys::PEOPLE_SK { Self::People(merchant) } else { Self::Person(merchant) })
            }
            "SIGNIN" => Some(Self::SignIn),
            "LINK" => (sk == keys::LINK_SK).then_some(Self::Link),
            "LINKMAIL" => (sk == keys::LINK_MAIL_SK).then_some(Self::LinkMail(id.parse().ok()?)),
            "OIDC" => match sk.as_str() {
                keys::OIDC_SK => Some(Self::OidcRequest),
                keys::OIDC_CHOICE_SK => Some(Self::OidcChoice),
                _ => None,
            },
            "VISIT" => (sk == keys::VISIT_SK).then_some(Self::Visit),
            "ENDPOINTS" => {
                let merchant = id.parse().ok()?;
                match sk.strip_prefix(keys::COUNT_PREFIX) {
                    Some(mode) => Some(Self::EndpointCount(merchant, mode.parse().ok()?)),
                    None => Some(Self::Endpoint(merchant, sk.parse().ok()?)),
                }
            }
            "BANKPAYMENT" => {
                let (provider, id) = id.split_once('#')?;
                let is_one = sk == keys::BANK_PAYMENT_SK;
                is_one.then_some(Self::BankPayment(provider.parse().ok()?, id.parse().ok()?))
            }
            "MOCKBANK" => match sk.split('#').next()? {
                "ATTEMPT" => Some(Self::MockAttempt(id.to_owned())),
                "ORDER" => Some(Self::MockOrder(id.to_owned())),
                "BEGUN" => Some(Self::MockBegun(id.to_owned())),
                "CONCLUSION" => Some(Self::MockConclusion(id.to_owned())),
                "CHALLENGE" => Some(Self::MockChallenge(id.to_owned())),
                "TAKENBACK" => Some(Self::MockTakenBack(id.to_owned())),
                "REFUND" => Some(Self::MockRefund(id.to_owned())),
                "TRANSFER" => Some(Self::MockTransfer(id.to_owned())),
                "REFERENCE" => Some(Self::MockReference(id.to_owned())),
                "UNMATCHED" => Some(Self::MockUnmatched(sk.strip_prefix("UNMATCHED#")?.to_owned())),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_events(object_id: ObjectId, sk: &str) -> Option<Self> {
        if let Some(sequence) = sk.strip_prefix(keys::EVENT_PREFIX) {
            return Some(Self::Event(EventId { object_id, sequence: sequence.parse().ok()? }));
        }
        if let Some(cursor) = sk.strip_prefix(keys::CURSOR_PREFIX) {
            return Some(Self::Cursor(format!("{object_id}/{}", cursor.replace('#', "/")).parse().ok()?));
        }
        sk.starts_with(keys::ATTEMPT_PREFIX).then_some(Self::Attempt(object_id))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id}"),
            Self::Refund(session, id) => write!(f, "refund {id} of session {session}"),
            Self::Pointer(id) => write!(f, "pointer of refund {id}"),
            Self::Customer(id) => write!(f, "customer {id}"),
            Self::TestClock(id) => write!(f, "test clock {id}"),
            Self::FoundBy(kind, Some(id)) => write!(f, "pointer by {kind} to session {id}"),
            Self::FoundBy(kind, None) => write!(f, "pointer by {kind}"),
            Self::Count(owner, counted) => write!(f, "count {counted} of {owner}"),
            Self::CountMark(id) => write!(f, "mark that {id} is counted"),
            Self::Ended(session, None) => write!(f, "ending of session {session}"),
            Self::Ended(session, Some(refund)) => write!(f, "ending of refund {refund} of session {session}"),
            Self::Day(merchant, mode, day) => write!(f, "{} day {day} of merchant {merchant}", mode.as_str()),
            Self::Bounce(id) => write!(f, "note that mail {id} did not arrive"),
            Self::Event(id) => write!(f, "event {id}"),
            Self::Cursor(id) => write!(f, "cursor {id}"),
            Self::Attempt(id) => write!(f, "an attempt to deliver {id}"),
            Self::Mail(id) => write!(f, "mail {id}"),
            Self::Merchant(id) => write!(f, "merchant {id}"),
            Self::ApiKey(_, id) => write!(f, "key {id}"),
            Self::KeyUse(_, id) => write!(f, "when key {id} was used"),
            Self::Account(merchant) => write!(f, "a linked account of merchant {merchant}"),
            Self::Shop(merchant) => write!(f, "shop of merchant {merchant}"),
            Self::Application(key) => write!(f, "application of key {key}"),
            // By no address and no digest.
            Self::Person(merchant) => write!(f, "a person of merchant {merchant}"),
            Self::People(merchant) => write!(f, "people of merchant {merchant}"),
            Self::SignIn => write!(f, "where a person signs in"),
            Self::Link => write!(f, "a sign-in link"),
            Self::LinkMail(id) => write!(f, "mail {id} to people"),
            Self::OidcRequest => write!(f, "a sign-in at an issuer"),
            Self::OidcChoice => write!(f, "a choice of merchants"),
            Self::Visit => write!(f, "a visit of the console"),
            Self::Endpoint(merchant, id) => write!(f, "endpoint {id} of merchant {merchant}"),
            Self::EndpointCount(merchant, mode) => {
                write!(f, "count of {} endpoints of merchant {merchant}", mode.as_str())
            }
            Self::BankPayment(provider, id) => write!(f, "payment {id} at {provider}"),
            Self::MockAttempt(id) => write!(f, "mock bank's attempt at {id}"),
            Self::MockOrder(id) => write!(f, "mock bank's order {id}"),
            Self::MockBegun(id) => write!(f, "mock bank's payment {id}"),
            Self::MockConclusion(id) => write!(f, "mock bank's conclusion of {id}"),
            Self::MockChallenge(id) => write!(f, "mock bank's challenge of {id}"),
            Self::MockTakenBack(id) => write!(f, "mock bank's taking back of {id}"),
            Self::MockRefund(id) => write!(f, "mock bank's refund of {id}"),
            Self::MockTransfer(id) => write!(f, "a mock's transfers to {id}"),
            Self::MockReference(id) => write!(f, "a mock's reference {id}"),
            Self::MockUnmatched(id) => write!(f, "unmatched transfer {id}"),
            Self::Unknown(pk) => write!(f, "item {pk}"),
        }
    }
}
