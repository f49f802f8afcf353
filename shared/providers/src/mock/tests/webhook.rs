//! The webhook of the bank whose money moves at consent.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;
use models::ProviderPaymentId;

use super::*;
use crate::event::{NotGenuine, ProviderEvent, RawEvent};
use crate::port::EventRefusal;

/// A webhook as it goes over the wire.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    now: jiff::Timestamp,
}

impl Sent {
    fn read(&self, bank: &impl Provider) -> Result<ProviderEvent, NotGenuine> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let Self { method, path, body, now, .. } = self;
        let event = RawEvent { method, path, headers: &headers, body, now: *now };
        // A mock asks nobody.
        match pin!(bank.read_event(&event)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(event)) => Ok(event),
            Poll::Ready(Err(EventRefusal::NotGenuine(refused))) => Err(refused),
            Poll::Ready(Err(other)) => panic!("{other}"),
            Poll::Pending => panic!("asks somebody"),
        }
    }

    fn signature(&mut self) -> &mut String {
        &mut self.headers.iter_mut().find(|(name, _)| name == "mock-signature").unwrap().1
    }
}

fn bank() -> MockConsent<MemoryLedger> {
    match connector("mock-consent", MemoryLedger::default()) {
        MockConnector::MockConsent(bank) => bank,
        MockConnector::MockBank(_) | MockConnector::MockTransfer(_) => panic!("another bank"),
    }
}

fn sent(session: &Session) -> Sent {
    let SignedEvent { path, headers, body } = bank().event(session, 2, NOW).unwrap();
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Sent { method: "POST", path, headers, body: body.into_bytes(), now: NOW }
}

#[test]
fn a_webhook_says_which_payment_it_is_about() {
    let session = session();
    let sent = sent(&session);
    assert_eq!(sent.path, "/providers/mock-consent/webhook");
    assert_eq!(sent.headers[0], ("content-type".to_owned(), "application/json".to_owned()));
    let payment_id: ProviderPaymentId = format!("mock.{}.2", session.end_to_end_id).parse().unwrap();
    assert_eq!(sent.read(&bank()), Ok(ProviderEvent { payment_id }));
    let mut shouted = sent.clone();
    shouted.headers.iter_mut().for_each(|(name, _)| name.make_ascii_uppercase());
    assert_eq!(shouted.read(&bank()), sent.read(&bank()), "names of headers have no case");
}

/// Made by another implementation of HMAC-SHA256: Python's `hmac.new(key, text, "sha256").hexdigest()`.
#[test]
fn a_signature_is_what_others_make_of_it() {
    let mut sent = sent(&session());
    sent.body = br#"{"payment_id":"pay_1"}"#.to_vec();
    *sent.signature() = "t=1772000000,v1=d648e6d5f0bbb160c737cdd696934d540fb14234da268aaa973c0d43514dbec2".to_owned();
    assert_eq!(sent.read(&bank()), Ok(ProviderEvent { payment_id: "pay_1".parse().unwrap() }));
}

#[test]
fn what_is_forged_or_changed_on_the_way_is_not_genuine() {
    let (bank, sent) = (bank(), sent(&session()));
    let forged = |change: &dyn Fn(&mut Sent)| {
        let mut forged = sent.clone();
        change(&mut forged);
        forged.read(&bank)
    };
    assert!(forged(&|_| {}).is_ok());
    let changes: [&dyn Fn(&mut Sent); 17] = [
        &|sent| sent.method = "PUT",
        &|sent| sent.path = "/providers/mock-transfer/webhook".to_owned(),
        &|sent| sent.path.push('/'),
        &|sent| sent.body.push(b' '),
        &|sent| sent.body.clear(),
        &|sent| sent.headers.clear(),
        &|sent| sent.headers.push(sent.headers[1].clone()),
        &|sent| *sent.signature() = sent.signature().replace("t=1772000000", "t=1772000001"),
        &|sent| *sent.signature() = sent.signature().replace("t=1772000000", "t="),
        &|sent| *sent.signature() = sent.signature().replace("t=1772000000", "t=99999999999999999"),
        &|sent| *sent.signature() = sent.signature().replace("v1=", "v2="),
        &|sent| *sent.signature() = sent.signature().replace("t=", ""),
        &|sent| sent.signature().push('0'),
        &|sent| sent.signature().truncate(70),
        &|sent| sent.signature().make_ascii_uppercase(),
        &|sent| sent.signature().clear(),
        &|sent| *sent.signature() = "t=1772000000,v1=".to_owned(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(forged(change), Err(NotGenuine), "{index}");
    }
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let (bank, sent) = (bank(), sent(&session()));
    for (seconds, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let sent = Sent { now: NOW + SignedDuration::from_secs(seconds), ..sent.clone() };
        assert_eq!(sent.read(&bank).is_ok(), good, "{seconds}");
    }
}

#[test]
fn what_is_signed_and_means_nothing_is_not_genuine() {
    let bank = bank();
    for (body, tag) in [
        ("{}", "81c15eb37b61d7332ae14c4024eed4cec58b617cffc5afe59069f856db69ec33"),
        (r#"{"payment_id":"a b"}"#, "6ea2007e428e8f387056213d3e7c96acba8f2e0b3fee92349cc8a4ff9fb4f495"),
        ("?", "823221ca408554d6d613bb2125b210c158a69a69d24838e6f265c11620756246"),
    ] {
        let mut sent = sent(&session());
        sent.body = body.as_bytes().to_vec();
        *sent.signature() = format!("t=1772000000,v1={tag}");
        assert_eq!(sent.read(&bank), Err(NotGenuine), "{body}");
    }
}

#[test]
fn other_banks_send_none() {
    let sent = sent(&session());
    assert_eq!(sent.read(&connector("mock-bank", MemoryLedger::default())), Err(NotGenuine));
    assert_eq!(sent.read(&connector("mock-transfer", MemoryLedger::default())), Err(NotGenuine));
    assert!(sent.read(&connector("mock-consent", MemoryLedger::default())).is_ok());
}

proptest! {
    #[test]
    fn nothing_that_is_sent_panics(signature in "(t=)?[0-9-]{0,20}(,v1=)?[0-9a-f]{0,70}|.{0,30}", body: Vec<u8>) {
        let mut sent = sent(&session());
        (*sent.signature(), sent.body) = (signature, body);
        prop_assert_eq!(sent.read(&bank()), Err(NotGenuine));
    }
}
