//! Faults that a test endpoint asked for, so that its merchant's own tests meet them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use models::{CursorId, Endpoint, EndpointFaults, OnClock};
use outbound::{Delivery, DeliveryResult, Failure};
use store::{CursorClaim, DeliveryAttempt, StoredEvent};

/// How long a duplicate may take: as long as what it repeats.
const DUPLICATE_TAKES: Duration = Duration::from_secs(16);

/// Why an event is not sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is first sent then, by the time that its cursor goes by.
    NotBefore(Timestamp),
    /// The attempt fails.
    Fails,
}

/// What the endpoint asked to go wrong with the next attempt to deliver this event, if anything. `now` is by the time that the
/// cursor goes by.
pub(crate) fn before_sending(
    claim: &CursorClaim,
    event: &StoredEvent,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Option<Fault> {
    fault(endpoint.faults?, claim.attempts, waits_from(&claim.id, claim.test_clock.as_ref(), event), now)
}

fn fault(faults: EndpointFaults, failed_attempts: u32, waits_from: Option<Timestamp>, now: Timestamp) -> Option<Fault> {
    let first_sent_at = waits_from.map(|happened_at| faults.first_sent_at(happened_at));
    // What has failed was due before, whatever was asked for since.
    match first_sent_at.filter(|at| failed_attempts == 0 && *at > now) {
        Some(at) => Some(Fault::NotBefore(at)),
        None => faults.fails_after(failed_attempts).then_some(Fault::Fails),
    }
}

/// When the event happened, by the time that its cursor goes by; none if it is not to wait from then on: a replay is no first
/// delivery, and a cursor that no longer follows its object's test clock can't compare that with its own time.
fn waits_from(id: &CursorId, test_clock: Option<&OnClock>, event: &StoredEvent) -> Option<Timestamp> {
    let is_comparable = event.object.test_clock().is_some() == test_clock.is_some();
    (is_comparable && id.replay_of.is_none()).then(|| event.created_at())
}

/// What the merchant can read of an attempt that failed on purpose.
pub(crate) fn failed_on_purpose(endpoint: &Endpoint, at: Timestamp) -> DeliveryAttempt {
    DeliveryAttempt {
        endpoint_id: endpoint.id,
        at,
        latency_ms: 0,
        headers: BTreeMap::new(),
        status: None,
        answer: None,
        error: Some(EndpointFaults::FAILED_ON_PURPOSE.to_owned()),
    }
}

/// Whether what the endpoint accepts is sent a second time.
pub(crate) fn is_duplicated(endpoint: &Endpoint) -> bool {
    endpoint.faults.is_some_and(EndpointFaults::duplicate)
}

/// Until when a delivery may begin: sooner than `stop_at`, if a duplicate is to follow it.
pub(crate) fn stop_at(endpoint: &Endpoint, stop_at: SystemTime) -> SystemTime {
    if is_duplicated(endpoint) { stop_at.checked_sub(DUPLICATE_TAKES).unwrap_or(stop_at) } else { stop_at }
}

/// The duplicate of what was sent at `first_at`: the same id and body, and a timestamp of its own, which is a later one, as
/// attempts are known by theirs.
pub(crate) fn duplicate(first: Delivery, first_at: Timestamp, now: Timestamp) -> (Delivery, Timestamp) {
    let at = first_at.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX).max(now);
    (Delivery { timestamp_s: at.as_second(), ..first }, at)
}

/// What came of a duplicate: one that was not answered at once is not sent again.
pub(crate) fn result_of_duplicate(result: DeliveryResult) -> DeliveryResult {
    let response = result.response.map_err(|failure| match failure {
        Failure::NotAtOnce => Failure::TimedOut,
        Failure::TimedOut
        | Failure::ConnectionFailed
        | Failure::NameNotFound
        | Failure::AddressNotAllowed
        | Failure::PortNotAllowed
        | Failure::TlsFailed => failure,
    });
    DeliveryResult { response, ..result }
}

#[cfg(test)]
mod tests {
    use models::{Object, Session};
    use samples::{NOW, later};

    use super::*;

    fn faults(delay_s: i64, first_attempts_fail: i64) -> EndpointFaults {
        EndpointFaults::new(true, delay_s, first_attempts_fail).unwrap().unwrap()
    }

    #[test]
    fn an_event_waits_once_and_then_its_first_attempts_fail() {
        let after = |attempts, seconds| fault(faults(60, 2), attempts, Some(NOW), later(seconds));
        assert_eq!([0, 59].map(|seconds| after(0, seconds)), [Some(Fault::NotBefore(later(60))); 2]);
        assert_eq!(
            [(0, 60), (1, 65), (2, 80)].map(|(n, at)| after(n, at)),
            [Some(Fault::Fails), Some(Fault::Fails), None]
        );
        assert_eq!(after(1, 10), Some(Fault::Fails), "it was sent before the delay was asked for");
        assert_eq!(after(2, 10), None);
        assert_eq!(fault(faults(60, 0), 0, None, NOW), None, "it waits for nothing");
        assert_eq!(fault(faults(0, 0), 0, Some(NOW), NOW), None);
    }

    #[test]
    fn a_delay_counts_from_when_it_happened_by_the_same_time() {
        let session = samples::session();
        let clock = OnClock { id: models::TestClockId::new(samples::uuid()), now: later(1_000_000) };
        let on_clock = Session { test_clock: Some(clock), ..session.clone() };
        let [real, on_clock] =
            [session, on_clock].map(|session| StoredEvent::new(Object::Session(Box::new(session)), 1));
        let id = |replay_of| CursorId {
            object_id: real.object.id(),
            merchant_id: real.object.merchant_id().clone(),
            endpoint_id: samples::endpoint().id,
            replay_of,
        };
        assert_eq!(waits_from(&id(None), None, &real), Some(NOW));
        assert_eq!(waits_from(&id(None), Some(&clock), &on_clock), Some(NOW));
        assert_eq!(waits_from(&id(Some(1)), None, &real), None);
        assert_eq!(waits_from(&id(Some(1)), None, &on_clock), None);
        assert_eq!(waits_from(&id(None), None, &on_clock), None, "resumed, it goes by the real time");
    }

    #[test]
    fn a_duplicate_is_of_its_own_time_and_begins_only_where_there_is_time_for_it() {
        let first = || Delivery {
            url: "https://example.com/".parse().unwrap(),
            id: "evt_1".parse().unwrap(),
            format: models::WireFormat::default(),
            correlation_id: None,
            is_test: false,
            timestamp_s: NOW.as_second(),
            encoding: models::EventEncoding::Json,
            body: b"{}".to_vec(),
            application: None,
            secret: outbound::WebhookSecret::generate([7; 32]),
            further_secrets: vec![],
        };
        let (duplicate_at_once, at) = duplicate(first(), NOW, NOW);
        assert_eq!(
            (at.duration_since(NOW), duplicate_at_once.timestamp_s),
            (SignedDuration::from_millis(1), NOW.as_second())
        );
        let (sent, at) = duplicate(first(), NOW, later(3));
        assert_eq!(
            (at, sent.timestamp_s, sent.id, sent.body),
            (later(3), later(3).as_second(), first().id, first().body)
        );

        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        let duplicated = Endpoint { faults: EndpointFaults::new(true, 0, 0).unwrap(), ..samples::endpoint() };
        let delayed = Endpoint { faults: EndpointFaults::new(false, 5, 5).unwrap(), ..samples::endpoint() };
        assert_eq!(stop_at(&duplicated, now), now - DUPLICATE_TAKES);
        assert_eq!([&delayed, &samples::endpoint()].map(|endpoint| stop_at(endpoint, now)), [now; 2]);
        assert_eq!([&duplicated, &delayed, &samples::endpoint()].map(is_duplicated), [true, false, false]);
    }

    #[test]
    fn a_duplicate_that_is_not_answered_at_once_is_late_for_good() {
        let late = DeliveryResult { latency_ms: 800, headers: vec![], response: Err(Failure::NotAtOnce) };
        assert_eq!(result_of_duplicate(late).response, Err(Failure::TimedOut));
        let refused = DeliveryResult { latency_ms: 1, headers: vec![], response: Err(Failure::ConnectionFailed) };
        assert_eq!(result_of_duplicate(refused.clone()), refused);
    }
}
