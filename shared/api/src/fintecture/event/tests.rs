//! The body of each event, as a form, as JSON and thin.

use models::{
    Extra, MinorUnits, NewRefund, PaymentMethod, PaymentMethods, RefundEvent, RefundState, SessionEvent as E,
};
use samples::{NOW, refund_at_provider, session_after, write_id};
use store::StoredEvent;

use super::*;

/// What every session here is called, and every refund.
const SESSION: &str = "00000000000000000000000000000007";
const REFUND_ID: &str = "00000000000000000000000000000008";

const PAID: [E; 4] = [E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled];

fn body(event: &StoredEvent, encoding: EventEncoding, thin: bool) -> String {
    String::from_utf8(event_body(event, encoding, thin).unwrap()).unwrap()
}

fn form(event: &StoredEvent) -> String {
    body(event, EventEncoding::Form, false)
}

/// A session after these events, with its `state` in its query; and what its extra has beside that.
fn session(causes: &[E], more: &str) -> Session {
    let extra = Some(Extra::new(format!(r#"{{"state":"order-7"{more}}}"#)).unwrap());
    Session { extra, format: models::WireFormat::Fintecture, ..session_after(causes) }
}

/// The event of the latest entry of a session's history.
fn of_session(session: Session) -> StoredEvent {
    let object = Object::Session(Box::new(session));
    let sequence = object.history_len();
    StoredEvent::new(object, sequence)
}

/// The event of the latest entry of a refund's history.
fn of_refund(refund: Refund) -> StoredEvent {
    let object = Object::Refund(Box::new(refund));
    let sequence = object.history_len();
    StoredEvent::new(object, sequence)
}

fn refund(at_provider: bool, payer_account: bool) -> Refund {
    let mut session = session(&PAID, "");
    session.payer_account = payer_account.then(|| samples::payee("Ada Payer", "040004", "87654321"));
    let id = models::RefundId::new(uuid::Uuid::from_u128(8));
    let at_provider = at_provider.then(|| refund_at_provider(id));
    let creation = models::RefundCreation { id, at_provider, ..samples::refund_creation(NOW) };
    let extra = Some(Extra::new(r#"{"amount":"1.5","communication":"x","state":"back-7"}"#.to_owned()).unwrap());
    let new = NewRefund { amount: Some(MinorUnits::new(150)), extra, ..NewRefund::of(session.id) };
    Refund::create(&session, new, creation).unwrap().0
}

fn ended(mut refund: Refund, state: RefundState, cause: RefundEvent) -> Refund {
    refund.state = state;
    refund.submitted = true;
    refund.history.append(state, NOW, cause, write_id());
    refund
}

#[test]
fn a_form_has_its_fields_in_their_order() {
    let paid = of_session(session(&PAID, ""));
    assert_eq!(
        form(&paid),
        "session_id=00000000000000000000000000000007&status=payment_created&provider=mock-bank&state=order-7\
         &event=payment_session.status.payment_created&type=PayByBank&transfer_state=completed&amount=4.00"
    );
    let refunded = of_refund(ended(refund(false, true), RefundState::Sent, RefundEvent::Settled));
    assert_eq!(
        form(&refunded),
        "session_id=00000000000000000000000000000008&status=refund_completed&state=back-7\
         &event=payment_session.status.refund_completed&type=Refund&transfer_state=completed&amount=1.50\
         &refunded_session_id=00000000000000000000000000000007"
    );
}

#[test]
fn json_has_the_same_in_the_same_order() {
    let paid = of_session(session(&PAID, ""));
    assert_eq!(
        body(&paid, EventEncoding::Json, false),
        r#"{"session_id":"00000000000000000000000000000007","status":"payment_created","provider":"mock-bank","state":"order-7","event":"payment_session.status.payment_created","type":"PayByBank","transfer_state":"completed","amount":"4.00"}"#
    );
    let refunded = of_refund(ended(refund(false, true), RefundState::Sent, RefundEvent::Settled));
    assert_eq!(
        body(&refunded, EventEncoding::Json, false),
        r#"{"session_id":"00000000000000000000000000000008","status":"refund_completed","state":"back-7","event":"payment_session.status.refund_completed","type":"Refund","transfer_state":"completed","amount":"1.50","refunded_session_id":"00000000000000000000000000000007"}"#
    );
}

#[test]
fn a_thin_one_has_the_id_the_event_and_the_type() {
    let paid = of_session(session(&PAID, ""));
    let refunded = of_refund(ended(refund(false, true), RefundState::Failed, RefundEvent::DeclinedByBank));
    for (event, as_form, as_json) in [
        (
            &paid,
            "session_id=00000000000000000000000000000007&event=payment_session.status.payment_created&type=PayByBank",
            r#"{"session_id":"00000000000000000000000000000007","event":"payment_session.status.payment_created","type":"PayByBank"}"#,
        ),
        (
            &refunded,
            "session_id=00000000000000000000000000000008&event=payment_session.status.refund_aborted&type=Refund",
            r#"{"session_id":"00000000000000000000000000000008","event":"payment_session.status.refund_aborted","type":"Refund"}"#,
        ),
    ] {
        assert_eq!(body(event, EventEncoding::Form, true), as_form);
        assert_eq!(body(event, EventEncoding::Json, true), as_json);
    }
}

/// As [`form`], by its parts: the status, what stands between it and the event, the type, and the transfer's state.
fn session_form(status: &str, provider: &str, object_type: &str, transfer_state: &str) -> String {
    format!(
        "session_id={SESSION}&status={status}{provider}&state=order-7&event=payment_session.status.{status}\
         &type={object_type}{transfer_state}&amount=4.00"
    )
}

#[test]
fn each_state_of_a_session_has_its_event() {
    let bank = "&provider=mock-bank";
    for (causes, status, provider, transfer_state) in [
        (&[][..], "provider_required", "", ""),
        (&PAID[..1], "provider_required", "", ""),
        (&PAID[..2], "sca_required", bank, ""),
        (&PAID[..3], "payment_pending", bank, "&transfer_state=processing"),
        (&PAID[..], "payment_created", bank, "&transfer_state=completed"),
        (
            &[E::PayerIdentified, E::BankChosen, E::DeclinedByPayer][..],
            "payment_unsuccessful",
            bank,
            "&transfer_state=rejected",
        ),
        (&[E::CancelledByMerchant][..], "payment_cancelled", "", "&transfer_state=cancelled"),
        (&[E::CancelledByPayer][..], "payment_cancelled", "", "&transfer_state=cancelled"),
        (&[E::TimePassed][..], "payment_expired", "", ""),
    ] {
        let event = of_session(session(causes, ""));
        assert_eq!(form(&event), session_form(status, provider, "PayByBank", transfer_state), "{causes:?}");
    }
}

#[test]
fn the_type_is_how_it_is_paid_or_that_it_was_requested() {
    let requested = session(&[], r#","kind":"request_to_pay""#);
    assert_eq!(form(&of_session(requested)), session_form("provider_required", "", "RequestToPay", ""));
    let offers = |method| PaymentMethods::new(vec![method]).unwrap();
    let transferred = Session { payment_methods: offers(PaymentMethod::BankTransfer), ..session(&[], "") };
    assert_eq!(form(&of_session(transferred.clone())), session_form("provider_required", "", "ManualTransfer", ""));
    // The payer is to transfer, also where the event of that choice does not have the instructions yet.
    let mut awaited =
        Session { payment_methods: transferred.payment_methods, ..session(&[E::PayerIdentified, E::BankChosen], "") };
    let attempt = samples::attempt_at_consent(awaited.id, 1, NOW);
    let provider = format!("&provider={}", attempt.bank);
    awaited.attempt = Some(attempt);
    let expected = session_form("payment_waiting", &provider, "ManualTransfer", "&transfer_state=pending");
    assert_eq!(form(&of_session(awaited)), expected);
    let later = Session { payment_methods: offers(PaymentMethod::BuyNowPayLater), ..session(&PAID[..3], "") };
    let bank = "&provider=mock-bank";
    let expected = session_form("order_created", bank, "BuyNowPayLater", "&transfer_state=processing");
    assert_eq!(form(&of_session(later)), expected);
}

#[test]
fn each_state_of_a_refund_has_its_event() {
    for (refund, status, transfer_state) in [
        (refund(false, false), "refund_waiting", "pending"),
        (refund(false, true), "refund_waiting", "pending"),
        (refund(true, true), "refund_accepted", "processing"),
        (ended(refund(false, true), RefundState::Sent, RefundEvent::Settled), "refund_completed", "completed"),
        (ended(refund(true, true), RefundState::Failed, RefundEvent::DeclinedByBank), "refund_aborted", "rejected"),
        (ended(refund(false, false), RefundState::Failed, RefundEvent::TimePassed), "refund_aborted", "rejected"),
    ] {
        let expected = format!(
            "session_id={REFUND_ID}&status={status}&state=back-7&event=payment_session.status.{status}&type=Refund\
             &transfer_state={transfer_state}&amount=1.50&refunded_session_id={SESSION}"
        );
        assert_eq!(form(&of_refund(refund)), expected);
    }
}

#[test]
fn a_form_leaves_only_unreserved_characters_as_they_are() {
    let mut session = session(&PAID[..1], "");
    let state = "a b+c&d=e%7Ef~g*h'i(j)!é-._\"/?#[]";
    session.extra = Some(Extra::new(serde_json::json!({ "state": state }).to_string()).unwrap());
    let event = of_session(session);
    let written = form(&event);
    let encoded = "a%20b%2Bc%26d%3De%257Ef~g%2Ah%27i%28j%29%21%C3%A9-._%22%2F%3F%23%5B%5D";
    assert!(written.contains(&format!("&state={encoded}&")), "{written}");
    let read: Vec<(String, String)> = serde_urlencoded::from_str(&written).unwrap();
    assert!(read.contains(&("state".to_owned(), state.to_owned())));
}

#[test]
fn what_is_erased_leaves_the_rest() {
    let erased = of_session(session(&PAID, "").erased(NOW));
    assert_eq!(
        form(&erased),
        "session_id=00000000000000000000000000000007&status=payment_created\
         &event=payment_session.status.payment_created&type=PayByBank&transfer_state=completed&amount=4.00"
    );
}
