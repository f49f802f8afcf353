//! Acts: who did what, and why. They are written once, together with what was done, and never changed.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::EventId;
use crate::ids::{ActId, ApiKeyId, CorrelationId, CustomerId, EndpointId, MerchantId, RefundId, SessionId};
use crate::mode::Mode;
use crate::text::{AccountEnd, EmailAddress, Note, OperatorName};
use crate::time::SortableTimestamp;

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person in the console.
    Person(EmailAddress),
    /// An operator, at the command line.
    Operator(OperatorName),
}

macro_rules! act_kinds {
    ($($(#[$doc:meta])* $kind:ident => $stored:literal,)*) => {
        /// What somebody did, or tried to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ActKind {
            $($(#[$doc])* $kind,)*
        }

        impl ActKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// As it is stored, and spelled in addresses of the console.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $stored,)*
                }
            }
        }
    };
}

act_kinds! {
    /// Made a refund.
    RefundMade => "refund_made",
    /// Cancelled a refund.
    RefundCancelled => "refund_cancelled",
    /// Said what became of a refund that its provider never answered about.
    RefundConcluded => "refund_concluded",
    /// Cancelled a payment.
    PaymentCancelled => "payment_cancelled",
    /// Asked for the personal data of a payment.
    PersonalDataShown => "personal_data_shown",
    /// Erased personal data.
    PersonalDataErased => "personal_data_erased",
    /// Signed in.
    SignedIn => "signed_in",
    /// Signed out.
    SignedOut => "signed_out",
    /// Let a person in.
    PersonAdded => "person_added",
    /// Made a link by which a person signs in.
    SignInLinkMade => "sign_in_link_made",
    /// Gave a person another role.
    RoleChanged => "role_changed",
    /// Let a person in no more.
    PersonRemoved => "person_removed",
    /// Registered a webhook endpoint.
    WebhookRegistered => "webhook_registered",
    /// Changed or disabled one.
    WebhookChanged => "webhook_changed",
    /// Removed one.
    WebhookRemoved => "webhook_removed",
    /// Had one delivered to again.
    WebhookResumed => "webhook_resumed",
    /// Gave one another secret.
    SecretRolled => "secret_rolled",
    /// Had an event sent again.
    EventResent => "event_resent",
    /// Sent a test event.
    TestEventSent => "test_event_sent",
    /// Issued an API key.
    KeyIssued => "key_issued",
    /// Put another in the place of one.
    KeyRolled => "key_rolled",
    /// Revoked one.
    KeyRevoked => "key_revoked",
    /// Linked an account.
    AccountLinked => "account_linked",
    /// Unlinked one.
    AccountUnlinked => "account_unlinked",
    /// Changed what payers see of the merchant, or how it is set up.
    ShopChanged => "shop_changed",
    /// Made a payment link.
    PaymentLinkMade => "payment_link_made",
    /// Exported payments.
    Exported => "exported",
}

/// What was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActObject {
    /// A payment session.
    Session(SessionId),
    /// A refund.
    Refund {
        /// Of this session.
        session_id: SessionId,
        /// Which.
        refund_id: RefundId,
    },
    /// A person in the console.
    Person(EmailAddress),
    /// A customer.
    Customer(CustomerId),
    /// A webhook endpoint.
    Endpoint(EndpointId),
    /// An event.
    #[serde(with = "event_id")]
    Event(EventId),
    /// An API key.
    Key(ApiKeyId),
    /// A linked account.
    Account(AccountEnd),
    /// The merchant itself.
    Shop,
    /// Many payments: an export.
    Payments,
}

impl ActObject {
    /// The session that this is, or is a refund of.
    pub const fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Session(session_id) | Self::Refund { session_id, .. } => Some(*session_id),
            Self::Person(_)
            | Self::Customer(_)
            | Self::Endpoint(_)
            | Self::Event(_)
            | Self::Key(_)
            | Self::Account(_)
            | Self::Shop
            | Self::Payments => None,
        }
    }
}

/// Event ids as they are spelled.
mod event_id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::event::EventId;

    pub(super) fn serialize<S: Serializer>(id: &EventId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Why a person did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActReason {
    /// The goods came back.
    Returned,
    /// They never arrived.
    NotDelivered,
    /// It was paid twice.
    Duplicate,
    /// To be kind.
    Goodwill,
    /// As the note says.
    Other(Note),
}

/// What a value was and what it became, as a person reads it. Not a secret; `Debug` shows neither, as it may be an address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActChange {
    /// What it was, empty if there was none.
    pub from: String,
    /// What it is, empty if there is none.
    pub to: String,
}

impl fmt::Debug for ActChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActChange(…)")
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActOutcome {
    /// It was done.
    Done,
    /// It was refused, by the rule that this code names.
    Refused(String),
}

/// One act. No personal data of payers: ids, addresses of the merchant's own people and what they note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its id, of version 7: it was made at the time of the act, and so says its key.
    pub id: ActId,
    /// When it was done.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// Whose it is to read.
    pub merchant_id: MerchantId,
    /// In test or live; none if it is for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Who did it.
    pub who: Actor,
    /// What they did.
    pub what: ActKind,
    /// To what. As stored, `object` is the index's.
    #[serde(rename = "acted_on")]
    pub object: ActObject,
    /// Why, if that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ActReason>,
    /// What it changed, if that can be said in a line: an amount, a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ActChange>,
    /// What came of it.
    pub outcome: ActOutcome,
    /// The request that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
}

impl Act {
    /// Where it stands among its merchant's acts.
    pub const fn key(&self) -> ActKey {
        ActKey { at: self.at, id: self.id }
    }
}

/// Where an act stands among its merchant's: they are in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActKey {
    at: Timestamp,
    id: ActId,
}

impl ActKey {
    /// That of the act with this id, which says when it was made; none if it is no id of version 7.
    pub fn of(id: ActId) -> Option<Self> {
        id.made_at().map(|at| Self { at, id })
    }

    /// Whose key it is.
    pub const fn id(&self) -> ActId {
        self.id
    }
}

impl fmt::Display for ActKey {
    /// As it is stored: in the order of time as text, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", SortableTimestamp::from(self.at).as_str(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"id":"019c1363-4a3b-7000-8000-000000000001","at":1769851800123,"merchant_id":"demo","mode":"live","who":{"person":"ada@shop.example"},"what":"refund_made","acted_on":{"refund":{"session_id":"1ae1ce03-dfa9-4593-b487-65c656991cb5","refund_id":"2ae1ce03-dfa9-4593-b487-65c656991cb5"}},"reason":{"other":"Came broken."},"change":{"from":"","to":"GBP 10.00"},"outcome":"done","correlation_id":"req-1"}"#;

    #[test]
    fn an_act_reads_back() {
        let act: Act = serde_json::from_str(STORED).unwrap();
        assert_eq!(serde_json::to_string(&act).unwrap(), STORED);
        assert_eq!(act.object.session_id().map(|id| id.to_string()).unwrap(), "1ae1ce03-dfa9-4593-b487-65c656991cb5");
        let debug = format!("{act:?}");
        for hidden in ["ada", "broken", "10.00"] {
            assert!(!debug.contains(hidden), "{debug}");
        }
    }

    #[test]
    fn its_id_says_its_key() {
        let act: Act = serde_json::from_str(STORED).unwrap();
        assert_eq!(act.key().to_string(), "2026-01-31T09:30:00.123Z#019c1363-4a3b-7000-8000-000000000001");
        assert_eq!(ActKey::of(act.id), Some(act.key()));
        assert_eq!(ActKey::of("1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap()), None, "which is random");
    }

    #[test]
    fn kinds_are_stored_as_they_are_spelled() {
        for kind in ActKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn objects_and_outcomes_read_back() {
        for stored in [
            r#"{"session":"1ae1ce03-dfa9-4593-b487-65c656991cb5"}"#,
            r#"{"person":"ada@shop.example"}"#,
            r#"{"customer":"1ae1ce03-dfa9-4593-b487-65c656991cb5"}"#,
            r#"{"endpoint":"1ae1ce03-dfa9-4593-b487-65c656991cb5"}"#,
            r#"{"event":"evt_1ae1ce03-dfa9-4593-b487-65c656991cb5_3"}"#,
            r#"{"key":"pk_test_demo"}"#,
            r#"{"account":"5678"}"#,
            r#""shop""#,
            r#""payments""#,
        ] {
            let object: ActObject = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&object).unwrap(), stored);
            assert_eq!(object.session_id().is_some(), stored.contains("session"), "{stored}");
        }
        for stored in [r#""done""#, r#"{"refused":"more_than_is_left"}"#] {
            let outcome: ActOutcome = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&outcome).unwrap(), stored);
        }
        for stored in [r#""returned""#, r#""not_delivered""#, r#""duplicate""#, r#""goodwill""#, r#"{"other":"x"}"#] {
            let reason: ActReason = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&reason).unwrap(), stored);
        }
        let operator: Actor = serde_json::from_str(r#"{"operator":"arn:aws:iam::123456789012:user/ada"}"#).unwrap();
        assert!(!format!("{operator:?}").contains("ada"));
    }
}
