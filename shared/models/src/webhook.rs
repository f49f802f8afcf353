//! Webhook endpoints: where events are delivered to merchants, and when a delivery is tried again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::EventType;
use crate::faults::EndpointFaults;
use crate::ids::{ApiKeyId, EndpointId, InvalidId, MerchantId, ObjectId};
use crate::mode::Mode;
use crate::number::whole_number;
use crate::object::Object;
use crate::pace::Pace;
use crate::text::{MerchantUrl, Name};
use crate::wire_format::{EventEncoding, WireFormat};

/// How many endpoints a merchant may have for test payments, and how many for live ones.
pub const MAX_ENDPOINTS: u32 = 10;

/// How many deliveries to one endpoint may be under way at a time, at the most.
pub const MAX_CONCURRENT_DELIVERIES: usize = 10;

/// After this number of failures in a row an endpoint is *failing*: it is tried by one delivery at a time, and all others wait.
const FAILING_AFTER: u32 = 5;

/// How long an endpoint is parked at the most; with a fifth more it is still within SQS's longest delay, 15 minutes.
const LONGEST_PARKED: SignedDuration = SignedDuration::from_mins(12);

/// How long a rotated secret stays valid beside the new one.
const ROTATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The longest wait between two attempts to deliver an event, also if its server asks for a longer one.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// How long a delivery is tried before it is given up.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Which events are delivered to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// All, also those of types to come.
    All,
    /// Those of these types.
    Types(Vec<EventType>),
}

impl Subscription {
    /// Whether events of this type are delivered.
    pub fn includes(&self, event_type: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => types.contains(&event_type),
        }
    }
}

/// What deliveries are signed with, `whsec_…`. Debug output doesn't show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointSecret(String);

impl EndpointSecret {
    /// Wraps a secret that the caller made.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The whole text, `whsec_` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EndpointSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointSecret(…)")
    }
}

/// Why nothing is delivered to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBy {
    /// The merchant said so.
    Merchant,
    /// The endpoint answered 410 Gone.
    Gone,
}

impl DisabledBy {
    /// As it is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Gone => "gone",
        }
    }
}

/// Where events are delivered to a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Whether it gets events of test or of live payments.
    pub mode: Mode,
    /// Of which format's sessions and their refunds it is notified, in that format.
    #[serde(default, skip_serializing_if = "WireFormat::is_banked")]
    pub format: WireFormat,
    /// How its events are encoded.
    #[serde(default, skip_serializing_if = "EventEncoding::is_json")]
    pub encoding: EventEncoding,
    /// The API key that registered it, of a format that has applications: its deliveries are signed for that one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApiKeyId>,
    /// Where events are posted.
    pub url: MerchantUrl,
    /// The merchant's own note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Name>,
    /// Which events it gets.
    pub events: Subscription,
    /// Whether its events hold ids only.
    pub thin: bool,
    /// Why it gets nothing, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<DisabledBy>,
    /// When it was registered.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// What deliveries are signed with.
    pub secret: EndpointSecret,
    /// How often it has been replaced.
    #[serde(default)]
    pub rotations: u32,
    /// The secret before, while it is being replaced. Ask [`Endpoint::previous_secret_at`] instead, which knows the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret: Option<EndpointSecret>,
    /// Until when that is valid beside the new one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub previous_secret_until: Option<Timestamp>,
    /// How many deliveries have failed since the last that succeeded.
    #[serde(default)]
    pub failures: u32,
    /// Until when nothing is tried, while it is failing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub parked_until: Option<Timestamp>,
    /// How soon it answers. Items of before have none, and are unknown.
    #[serde(default, skip_serializing_if = "Pace::is_unknown")]
    pub pace: Pace,
    /// What goes wrong on purpose, if its merchant asked for that. Only test endpoints can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<EndpointFaults>,
}

impl Endpoint {
    /// Whether it gets events at all.
    pub const fn is_enabled(&self) -> bool {
        self.disabled_by.is_none()
    }

    /// Whether it is notified of what happened last to this object: in its mode, in its format, of a type that it wants, unless it
    /// is not shown.
    pub fn wants(&self, object: &Object) -> bool {
        self.is_enabled()
            && self.mode == object.mode()
            && self.format == object.format()
            && object.is_shown()
            && self.events.includes(object.event_type())
    }

    /// The secret before, if it is still valid at `now`.
    pub fn previous_secret_at(&self, now: Timestamp) -> Option<&EndpointSecret> {
        let valid = self.previous_secret_until.is_some_and(|until| now < until);
        self.previous_secret.as_ref().filter(|_| valid)
    }

    /// When the secret before stops being valid if it is replaced at `now`.
    pub fn rotated_until(now: Timestamp) -> Timestamp {
        now.checked_add(ROTATION_LIFETIME).unwrap_or(Timestamp::MAX)
    }

    /// How many deliveries may be under way at once.
    pub const fn max_concurrent_deliveries(&self) -> usize {
        if self.failures >= FAILING_AFTER { 1 } else { self.pace.of_slots(MAX_CONCURRENT_DELIVERIES) }
    }

    /// Until when nothing is tried after `failures` in a row; none if it isn't failing yet. `jitter` is random, from 0 to 1.
    pub fn park_until(failures: u32, now: Timestamp, jitter: f64) -> Option<Timestamp> {
        let beyond = failures.checked_sub(FAILING_AFTER)?;
        now.checked_add(wait(beyond, LONGEST_PARKED, jitter)).ok()
    }
}

/// When a delivery that has failed `attempts` times (1 or more) is tried again: after about 5 seconds, then three times as
/// long each time, up to 6 hours. `jitter` is random, from 0 to 1.
pub fn next_delivery(attempts: u32, now: Timestamp, jitter: f64) -> Timestamp {
    now.checked_add(wait(attempts.saturating_sub(1), LONGEST_WAIT, jitter)).unwrap_or(Timestamp::MAX)
}

/// Until when a receiver that asks for so long a wait is not called: for 6 hours at the most.
pub fn not_before(asked: Duration, now: Timestamp) -> Timestamp {
    let asked = SignedDuration::try_from(asked).unwrap_or(SignedDuration::MAX).min(LONGEST_WAIT);
    now.checked_add(asked).unwrap_or(Timestamp::MAX)
}

/// Whether a delivery that has waited since then is given up.
pub fn is_given_up(waiting_since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(waiting_since) >= TRIED_FOR
}

/// 5 seconds × 3^`step`, at most `most`, and up to a fifth more or less.
fn wait(step: u32, most: SignedDuration, jitter: f64) -> SignedDuration {
    let plain = SignedDuration::from_secs(5 * 3_i64.pow(step.min(12))).min(most);
    plain.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
}

/// How much of one object has been delivered to one endpoint; or, for a replay, one event that is delivered once more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CursorId {
    /// Of which session or refund.
    pub object_id: ObjectId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// The one event to be delivered again, if that is all.
    pub replay_of: Option<usize>,
}

impl fmt::Display for CursorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.object_id, self.merchant_id, self.endpoint_id)?;
        self.replay_of.map_or(Ok(()), |sequence| write!(f, "/{sequence}"))
    }
}

impl FromStr for CursorId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("cursor id");
        let mut parts = text.split('/');
        let (Some(object), Some(merchant), Some(endpoint), replay_of, None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid);
        };
        Ok(Self {
            object_id: object.parse()?,
            merchant_id: merchant.parse()?,
            endpoint_id: endpoint.parse()?,
            replay_of: replay_of.map(|text| whole_number(text).ok_or(invalid)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refund_transition::RefundState;
    use crate::transition::SessionState;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    fn wait_s(attempts: u32, jitter: f64) -> i64 {
        next_delivery(attempts, NOW, jitter).duration_since(NOW).as_secs()
    }

    #[test]
    fn deliveries_are_tried_less_and_less_often_for_three_days() {
        assert_eq!([1, 2, 3, 4].map(|attempts| wait_s(attempts, 0.5)), [5, 15, 45, 135]);
        assert_eq!([20, u32::MAX].map(|attempts| wait_s(attempts, 0.5)), [21_600; 2]);
        assert_eq!((wait_s(1, 0.0), wait_s(1, 1.0), wait_s(3, 0.0), wait_s(3, 1.0)), (4, 6, 36, 54));
        let day = |days: i64| NOW.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        assert!(!is_given_up(NOW, day(2)) && is_given_up(NOW, day(3)));
    }

    #[test]
    fn a_receiver_may_ask_for_up_to_six_hours() {
        let asked_s = |seconds| not_before(Duration::from_secs(seconds), NOW).duration_since(NOW).as_secs();
        assert_eq!([0, 1, 21_600, 21_601, u64::MAX].map(asked_s), [0, 1, 21_600, 21_600, 21_600]);
    }

    #[test]
    fn an_endpoint_that_keeps_failing_is_parked() {
        assert_eq!(Endpoint::park_until(4, NOW, 0.5), None);
        let parked_s = |failures| Endpoint::park_until(failures, NOW, 0.5).unwrap().duration_since(NOW).as_secs();
        assert_eq!([5, 6, 7, 100].map(parked_s), [5, 15, 45, 720]);
    }

    #[test]
    fn attempts_that_fail_on_purpose_give_nothing_up() {
        let last =
            (1..=EndpointFaults::MAX_FIRST_ATTEMPTS_FAIL).fold(NOW, |now, failed| next_delivery(failed, now, 1.0));
        assert!(last.duration_since(NOW) < SignedDuration::from_hours(24), "{last}");
        assert!(!is_given_up(NOW, last));
    }

    #[test]
    fn an_endpoint_without_faults_is_stored_as_one_of_before() {
        let stored = r#"{"id":"1ae1ce03-dfa9-4593-b487-65c656991cb5","merchant_id":"demo","mode":"test","url":"https://example.com/a","events":"all","thin":false,"created_at":1772000000000,"secret":"whsec_x","rotations":0,"failures":0}"#;
        let endpoint: Endpoint = serde_json::from_str(stored).unwrap();
        assert_eq!(endpoint.faults, None);
        assert_eq!(serde_json::to_string(&endpoint).unwrap(), stored);
        let faults = EndpointFaults::new(true, 0, 2).unwrap();
        let with_faults = serde_json::to_string(&Endpoint { faults, ..endpoint }).unwrap();
        let added = r#","faults":{"duplicate":true,"first_attempts_fail":2}}"#;
        assert_eq!(with_faults, format!("{}{added}", stored.trim_end_matches('}')));
        assert_eq!(serde_json::from_str::<Endpoint>(&with_faults).unwrap().faults, faults);
    }

    #[test]
    fn a_subscription_is_to_all_or_to_some() {
        let sent = EventType::PaymentSession(SessionState::Sent);
        assert!(Subscription::All.includes(sent));
        let some = Subscription::Types(vec![sent]);
        assert!(some.includes(sent) && !some.includes(EventType::Refund(RefundState::Sent)));
    }

    #[test]
    fn a_cursor_id_reads_back_and_nothing_else_does() {
        let uuid = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for replay_of in [None, Some(3)] {
            let id = CursorId {
                object_id: uuid.parse().unwrap(),
                merchant_id: "demo".parse().unwrap(),
                endpoint_id: uuid.parse().unwrap(),
                replay_of,
            };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in
            ["", uuid, &format!("{uuid}/demo"), &format!("{uuid}/demo/{uuid}/x"), &format!("{uuid}/demo/{uuid}/1/2")]
        {
            assert!(text.parse::<CursorId>().is_err(), "{text}");
        }
    }
}
