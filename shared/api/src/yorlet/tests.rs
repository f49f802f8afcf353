//! Property tests of what is read, and what a session, its transaction and its events say in each state.

use jiff::Timestamp;
use models::{
    Currency, Customer, Mode, Object, PaymentMethod, Session, SessionEvent, SessionState, TransferInstructions,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    EventView, PAYMENT_METHODS, SessionView, TransactionView, extra, id, paid_by, parse_create, parse_refund,
    return_url,
};
use crate::error::Refusal;
use crate::json::Json;

fn customer() -> Customer {
    samples::customer(&samples::merchant().id, Mode::Test, samples::NOW)
}

fn request(amount: i64, methods: &[&str]) -> Value {
    json!({
        "amount": amount,
        "currency": "gbp",
        "customer": id::customer(customer().id),
        "mode": "payment",
        "payment_method_types": methods,
    })
}

fn read(request: &Value) -> Result<models::NewSession, Refusal> {
    let body = serde_json::to_vec(request).unwrap();
    let caps = "GBP:100000000,EUR:100000000".parse().unwrap();
    let merchant = samples::merchant();
    parse_create(&Json::read(&body).unwrap(), merchant.payable_accounts(Mode::Test, samples::now()), &caps)
}

#[test]
fn an_account_that_was_just_linked_is_refused_live_and_says_from_when_on() {
    let mut merchant = samples::merchant();
    merchant.linked_accounts[0].linked_at = Some("2026-01-31T09:30:00Z".parse().unwrap());
    let create = |now: &str| {
        let accounts = merchant.payable_accounts(Mode::Live, now.parse().unwrap());
        let body = serde_json::to_vec(&request(400, &["pay_by_bank"])).unwrap();
        parse_create(&Json::read(&body).unwrap(), accounts, &"GBP:100000000".parse().unwrap())
    };
    assert!(create("2026-02-01T09:30:00Z").is_ok());
    let Err(Refusal::Invalid(wrong)) = create("2026-01-31T09:30:00Z") else { panic!("created") };
    let shown = format!("{wrong:?}");
    assert!(wrong.len() == 1 && wrong[0].parameter.as_deref() == Some("payment_method_types"), "{shown}");
    assert!(shown.contains("from 2026-02-01T09:30:00Z on"), "{shown}");
}

#[test]
fn another_formats_way_to_pay_is_none_of_this_one() {
    assert_eq!(PaymentMethod::ALL.len(), PAYMENT_METHODS.len() + 1);
    for method in PaymentMethod::ALL {
        let here = PAYMENT_METHODS.contains(&method);
        assert_eq!(here, method != PaymentMethod::BuyNowPayLater);
        let Err(Refusal::Invalid(violations)) =
            read(&request(400, &[method.as_str(), "pay_by_bank", "card", "nothing"]))
        else {
            panic!("{method:?}")
        };
        let titles: Vec<_> = violations.into_iter().map(|violation| violation.title).collect();
        let titles = titles.join("\n");
        assert_eq!(titles.contains("payment_method_types[0] must be one of card, "), !here, "{titles}");
        assert!(titles.contains("payment_method_types[3]") && !titles.contains("buy_now_pay_later"), "{titles}");
    }
}

/// Any JSON, of small size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}|payment|gbp|card|cus_[0-9A-Za-z]{22}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,12}|unit|apply|description|transfer_data", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

const FIELDS: [&str; 15] = [
    "amount",
    "currency",
    "customer",
    "mode",
    "payment_method_types",
    "description",
    "metadata",
    "payment_method_options",
    "reporting_type",
    "return_url",
    "send_email",
    "statement_descriptor",
    "transaction_data",
    "test_clock",
    "something_else",
];

proptest! {
    /// Whatever a field holds, it is accepted, or it is that field that is named.
    #[test]
    fn whatever_a_field_holds_is_accepted_or_named(field in prop::sample::select(&FIELDS[..]), value in any_json()) {
        let mut request = request(10_000, &["pay_by_bank"]);
        request[field] = value;
        match read(&request) {
            Ok(new) => {
                prop_assert!((100..=99_999_900).contains(&new.amount.minor()));
                prop_assert!(new.retry && new.customer_id.is_some());
            }
            Err(Refusal::Invalid(violations)) => {
                let named = violations[0].parameter.clone().unwrap();
                let is_field = named.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
                // A currency that a method can't have is a matter of both.
                let of_both = field == "currency" && named == "payment_method_types";
                prop_assert!(is_field || of_both, "{field}: {named}");
            }
            Err(Refusal::Unknown(named)) => prop_assert_eq!(named, field),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_refund_is_read_or_what_is_wrong_is_named(
        field in prop::sample::select(&["transaction", "amount", "metadata", "reason", "reason_description", "reverse_transfer"][..]),
        value in any_json(),
    ) {
        let mut request = json!({ "transaction": format!("txn_{}", "0".repeat(22)) });
        request[field] = value;
        let body = serde_json::to_vec(&request).unwrap();
        match parse_refund(&Json::read(&body).unwrap()) {
            Ok(new) => prop_assert!(new.amount.is_none_or(|amount| amount.get() >= 1)),
            Err(Refusal::Invalid(violations)) => {
                prop_assert!(violations[0].parameter.clone().unwrap().starts_with(field));
            }
            Err(Refusal::Unknown(named)) => prop_assert_eq!((named, field), ("transaction", "transaction")),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    /// The amount is read exactly, and methods are kept as they were sent, whichever can be offered.
    #[test]
    fn amounts_and_methods_are_kept_as_they_were_sent(
        amount in 100..=99_999_900_i64,
        mut methods in prop::sample::subsequence(PAYMENT_METHODS.to_vec(), 1..=9),
        reversed: bool,
    ) {
        if reversed {
            methods.reverse();
        }
        let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
        match read(&request(amount, &names)) {
            Ok(new) => {
                prop_assert_eq!((new.amount.minor(), new.payment_methods.as_slice()), (amount, &methods[..]));
            }
            Err(refusal) => {
                prop_assert!(methods.iter().all(|method| !method.can_have(Currency::GBP)), "{refusal:?}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_read_back(unit in proptest::option::of("[a-z]{1,140}"), apply: Option<bool>, reporting in 0..5_usize) {
        let kept = extra::SessionExtra {
            reporting_type: extra::ReportingType::ALL[reporting],
            transaction_data: Some(extra::TransactionData { unit, apply_balance: apply, ..Default::default() }),
            payment_method_options: None,
        };
        let read: extra::SessionExtra = crate::extra::read(crate::extra::write(&kept).unwrap().as_ref());
        prop_assert_eq!((read.reporting_type, read.transaction_data), (kept.reporting_type, kept.transaction_data));
    }
}

/// Each part of what is kept has a limit, so that together they are within that of the whole.
#[test]
fn the_longest_of_all_that_is_kept_fits() {
    let mut request = request(10_000, &["pay_by_bank"]);
    let widest = |count: usize| "\u{1f600}".repeat(count);
    request["payment_method_options"] = json!({ "a": "x".repeat(4096 - 8) });
    request["reporting_type"] = json!("advance_rent");
    request["transaction_data"] = json!({
        "unit": widest(140),
        "transfer_data": { "use_unit_ownership": false },
        "customer_balance": { "apply": false, "description": widest(500) },
    });
    assert!(read(&request).unwrap().extra.unwrap().as_str().len() > 6_000);
}

#[test]
fn the_payer_is_the_customer_by_the_name_that_there_is() {
    let new = || read(&request(10_000, &["card"])).unwrap();
    let named = |customer: &Customer| String::from(paid_by(new(), customer).payer.unwrap().name);
    let legal = |json: &str| Some(models::Extra::new(json.to_owned()).unwrap());
    let both = legal(r#"{"legal":{"first_name":"Ada","last_name":"Lovelace"}}"#);
    let whole = Customer { extra: both.clone(), ..customer() };
    assert_eq!(named(&whole), whole.name.clone().unwrap().as_str());
    assert_eq!(named(&Customer { name: None, extra: both, ..customer() }), "Ada Lovelace");
    let last = legal(r#"{"legal":{"last_name":"Lovelace"}}"#);
    assert_eq!(named(&Customer { name: None, extra: last, ..customer() }), "Lovelace");
    let bare = Customer { name: None, extra: None, ..customer() };
    assert_eq!(named(&bare), bare.email.as_str());
    let long = format!("{}@{}.{}.example.com", "a".repeat(64), "b".repeat(63), "c".repeat(63));
    let email: models::EmailAddress = long.clone().try_into().unwrap();
    let payer = paid_by(new(), &Customer { email, ..bare }).payer.unwrap();
    assert_eq!((payer.name.as_str(), payer.email.unwrap().as_str()), (&long[..140], long.as_str()));
}

/// A session of the format to which this happened, one minute after another.
fn after(causes: &[SessionEvent]) -> Session {
    let mut request = request(10_000, &["pay_by_bank"]);
    request["return_url"] = json!("https://shop.example/?order=7");
    let new = paid_by(read(&request).unwrap(), &customer());
    let mut session = Session::create(new, samples::creation(samples::NOW));
    for (cause, minute) in causes.iter().zip(1..) {
        session.state = cause.target().unwrap();
        let at = samples::later(minute * 60);
        session.history.append(session.state, at, *cause, samples::write_id());
    }
    session
}

#[test]
fn each_state_is_said_in_every_view() {
    use SessionEvent as E;
    let consented = [E::BankChosen, E::ConsentGiven];
    let sent = [E::BankChosen, E::ConsentGiven, E::Settled];
    let failed = [E::BankChosen, E::ConsentGiven, E::InsufficientFunds];
    let (unpaid, paid, canceled) = (Some("unpaid"), Some("paid"), Some("canceled"));
    type Case<'a> = (&'a [E], &'a str, &'a str, &'a str, Option<&'a str>);
    let cases: [Case<'_>; 7] = [
        (&[], "unpaid", "requires_payment_method", "created", None),
        (&consented[..1], "unpaid", "requires_action", "updated", None),
        (&consented, "unpaid", "processing", "updated", unpaid),
        (&sent, "paid", "succeeded", "paid", paid),
        (&failed, "canceled", "canceled", "canceled", canceled),
        (&[E::CancelledByPayer], "canceled", "canceled", "canceled", canceled),
        (&[E::TimePassed], "canceled", "canceled", "canceled", canceled),
    ];
    for (causes, status, transaction, event, returned) in cases {
        let session = after(causes);
        let now = samples::later(3_600);
        let shown = serde_json::to_value(SessionView::new(&session, now)).unwrap();
        assert_eq!(shown["status"], status, "{causes:?}");
        let txn = if status == "paid" { json!(id::transaction(session.id)) } else { json!(null) };
        assert_eq!(shown["transaction"], txn);
        let view = serde_json::to_value(TransactionView::new(&session, &[], now)).unwrap();
        assert_eq!(view["status"], transaction, "{causes:?}");
        assert_eq!(view["next_action"].is_object(), transaction == "requires_action");
        let back = returned.map(|status| {
            format!("https://shop.example/?order=7&payment_session={}&status={status}", id::session(session.id))
        });
        assert_eq!(return_url(&session, now), back, "{causes:?}");
        let kept = store::StoredEvent::new(Object::Session(Box::new(session)), causes.len() + 1);
        let notified = serde_json::to_value(EventView::new(&kept)).unwrap();
        assert_eq!(notified["type"], format!("payment_session.{event}"), "{causes:?}");
        let previous = if event == "updated" { json!({}) } else { json!(null) };
        assert_eq!(
            (&notified["data"]["object"]["status"], &notified["data"]["previous_attributes"]),
            (&json!(status), &previous)
        );
    }
    // The payer knows where to transfer the money: what is left to do is not done here.
    let mut instructed = after(&[E::BankChosen]);
    let instructions =
        TransferInstructions { payee: instructed.payee.clone(), reference: instructed.reference.clone() };
    let mut attempt = samples::attempt_at_consent(instructed.id, 1, samples::NOW);
    attempt.at_consent.as_mut().unwrap().transfer = Some(instructions);
    instructed.attempt = Some(attempt);
    let view = serde_json::to_value(TransactionView::new(&instructed, &[], samples::NOW)).unwrap();
    assert_eq!((&view["status"], &view["next_action"]), (&json!("processing"), &json!(null)));
    // Time that has passed counts before it is written down.
    let late: Timestamp = samples::later(8 * 86_400);
    let session = after(&[]);
    assert_eq!(session.state, SessionState::AwaitingProvider);
    assert_eq!(serde_json::to_value(SessionView::new(&session, late)).unwrap()["status"], "canceled");
    let failure = serde_json::to_value(TransactionView::new(&after(&failed), &[], samples::NOW)).unwrap();
    let error = json!({
        "code": "insufficient_funds",
        "failed_at": samples::later(180).as_second(),
        "message": "the payer's account did not hold enough",
    });
    assert_eq!(failure["last_payment_error"], error);
    // Of what was erased only what is no personal data is left, and it reads all the same.
    let erased = after(&sent).erased(late);
    let shown = serde_json::to_value(SessionView::new(&erased, late)).unwrap();
    assert_eq!(
        (&shown["customer"], &shown["return_url"], &shown["status"]),
        (&json!(null), &json!(null), &json!("paid"))
    );
    assert_eq!((&shown["reporting_type"], &shown["metadata"]), (&json!("charge"), &json!({})));
}

#[test]
fn what_is_kept_is_spelled_as_it_is_read() {
    for reporting_type in extra::ReportingType::ALL {
        assert_eq!(serde_json::to_value(reporting_type).unwrap(), reporting_type.as_str());
    }
    for reason in extra::RefundReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
