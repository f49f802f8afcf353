//! Every rule of a refund's request, with its code and parameter, and what is shown of one.

use lambda_http::Body;
use models::{Currency, MinorUnits, Money, Object, RefundCreation, RefundState, SessionEvent, WireFormat, WriteId};
use samples::{NOW, later};
use serde_json::{Value, json};

use super::*;
use crate::error::ApiError;
use crate::error_shape::ErrorShape;

const ID: &str = "00000000000000000000000000000007";

fn parse_with(query: &str, body: &str) -> Result<NewRefund, Refusal> {
    let uri = format!("https://api.example.com/pis/v2/refund{query}");
    let request = lambda_http::http::Request::builder().method("POST").uri(uri).body(Body::Empty).unwrap();
    parse_refund(&request, &Json::read(body.as_bytes())?)
}

fn parse(body: &Value) -> Result<NewRefund, Refusal> {
    parse_with("", &body.to_string())
}

/// Of this amount, as JSON writes it.
fn parse_amount(amount: &str) -> Result<NewRefund, Refusal> {
    let meta = format!(r#"{{"session_id":"{ID}"}}"#);
    parse_with("", &format!(r#"{{"meta":{meta},"data":{{"attributes":{{"amount":{amount}}}}}}}"#))
}

fn kept(new: &NewRefund) -> RefundExtra {
    extra::read(new.extra.as_ref())
}

/// The codes and parameters of all that is wrong.
fn wrong(answer: Result<NewRefund, Refusal>) -> Vec<(&'static str, String)> {
    match answer {
        Err(Refusal::Invalid(all)) => all
            .into_iter()
            .map(|violation| (violation.code.unwrap_or("invalid_field"), violation.parameter.unwrap_or_default()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// A session of £4.00 that was paid, and a refund of it.
fn refund_of(minor: Option<i64>, request: &str, at_provider: bool) -> Refund {
    let new = parse_with("?state=back%20again", request).unwrap();
    let mut session = samples::session_after(&[
        SessionEvent::PayerIdentified,
        SessionEvent::BankChosen,
        SessionEvent::ConsentGiven,
        SessionEvent::Settled,
    ]);
    session.format = WireFormat::Fintecture;
    session.payer_account = Some(samples::payee("Ada Payer", "040004", "87654321"));
    let id = models::RefundId::new(uuid::Uuid::from_u128(8));
    let creation = RefundCreation {
        id,
        at_provider: at_provider.then(|| samples::refund_at_provider(id)),
        ..samples::refund_creation(NOW)
    };
    let amount = minor.map(MinorUnits::new).or(new.amount);
    Refund::create(&session, NewRefund { amount, ..new }, creation).unwrap().0
}

fn body(answer: Answer) -> Value {
    serde_json::from_slice(answer.unwrap().body()).unwrap()
}

#[test]
fn all_of_a_request_is_read() {
    let body = json!({
        "meta": { "session_id": ID, "user_id": "ignored" },
        "data": { "type": "PIS", "attributes": { "amount": "1.5", "communication": "Order 7" } },
        "more": [1],
    });
    let new = parse_with("?state=a%26b+c&with=1", &body.to_string()).unwrap();
    assert_eq!(new.session_id.to_hex(), ID);
    assert_eq!(new.amount, Some(MinorUnits::new(150)));
    assert_eq!(new.reference.as_ref().map(Reference::as_str), Some("Order 7"));
    let RefundExtra { amount, communication, state } = kept(&new);
    assert_eq!(
        [amount, communication, state].map(Option::unwrap),
        ["1.5".to_owned(), "Order 7".to_owned(), "a&b c".to_owned()]
    );
    // What a bank statement can't hold is kept for the merchant alone.
    let long = parse(&json!({
        "meta": { "session_id": ID },
        "data": { "attributes": { "communication": "Order 7: the large candle" } },
    }))
    .unwrap();
    assert_eq!(long.reference, None);
    assert_eq!(kept(&long).communication.as_deref(), Some("Order 7: the large candle"));
}

#[test]
fn all_that_is_left_is_refunded_if_no_amount_is_given() {
    let meta = json!({ "session_id": ID });
    for data in [
        json!(null),
        json!({}),
        json!({ "attributes": null }),
        json!({ "attributes": {} }),
        json!({ "attributes": { "amount": null } }),
        json!({ "attributes": { "amount": "", "communication": "" } }),
    ] {
        let new = parse(&json!({ "meta": meta, "data": data })).unwrap();
        assert!(new.amount.is_none() && new.extra.is_none(), "{data}");
    }
    let new = parse_with("?state=", &json!({ "meta": meta }).to_string()).unwrap();
    assert!(new.amount.is_none() && new.extra.is_none());
}

#[test]
fn an_amount_is_a_decimal_as_a_string_or_a_number() {
    for (amount, minor, shown) in [
        (r#""149.30""#, 14_930, "149.30"),
        (r#""149.3""#, 14_930, "149.3"),
        ("149.30", 14_930, "149.30"),
        ("149.3", 14_930, "149.3"),
        (r#""20""#, 2_000, "20"),
        ("20", 2_000, "20"),
        ("0.01", 1, "0.01"),
        // Beyond what a float holds.
        ("92233720368547758.07", i64::MAX, "92233720368547758.07"),
    ] {
        let new = parse_amount(amount).unwrap();
        assert_eq!(new.amount, Some(MinorUnits::new(minor)), "{amount}");
        assert_eq!(kept(&new).amount.as_deref(), Some(shown), "as it was sent");
    }
    for amount in [
        "0",
        "-1",
        r#""-1""#,
        r#""0.00""#,
        "0.001",
        r#""149,30""#,
        "1e2",
        r#""1e2""#,
        "1.00e0",
        r#"" 1""#,
        "true",
        "[]",
        "{}",
        r#""NaN""#,
        "92233720368547758.08",
        r#""+1""#,
    ] {
        assert_eq!(wrong(parse_amount(amount)), [("invalid_field", AMOUNT.to_owned())], "{amount}");
    }
    let zeros = format!("\"{}1\"", "0".repeat(8192));
    assert_eq!(wrong(parse_amount(&zeros)), [("invalid_field", AMOUNT.to_owned())], "too long to be kept");
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let missing = ("mandatory_field_missing", SESSION_ID.to_owned());
    for body in [json!({}), json!({ "meta": null }), json!({ "meta": {} }), json!({ "meta": { "session_id": null } })] {
        assert_eq!(wrong(parse(&body)), std::slice::from_ref(&missing), "{body}");
    }
    let invalid = |parameter: &str| ("invalid_field", parameter.to_owned());
    for (body, found) in [
        (json!({ "meta": { "session_id": 7 } }), vec![invalid(SESSION_ID)]),
        (json!({ "meta": [] }), vec![invalid("meta"), missing.clone()]),
        (json!({ "meta": { "session_id": ID }, "data": "x" }), vec![invalid("data")]),
        (json!({ "meta": { "session_id": ID }, "data": { "attributes": [] } }), vec![invalid("data.attributes")]),
        (
            json!({ "data": { "attributes": { "amount": "x", "communication": "a\nb" } } }),
            vec![missing.clone(), invalid(AMOUNT), invalid(COMMUNICATION)],
        ),
        (
            json!({ "meta": { "session_id": ID }, "data": { "attributes": { "communication": "x".repeat(141) } } }),
            vec![invalid(COMMUNICATION)],
        ),
        (
            json!({ "meta": { "session_id": ID }, "data": { "attributes": { "communication": {} } } }),
            vec![invalid(COMMUNICATION)],
        ),
    ] {
        assert_eq!(wrong(parse(&body)), found, "{body}");
    }
    let good = json!({ "meta": { "session_id": ID } }).to_string();
    for query in ["?state=a&state=a", "?state=%0a", &format!("?state={}", "x".repeat(513))] {
        assert_eq!(wrong(parse_with(query, &good)), [invalid("query.state")], "{query}");
    }
    assert!(parse_with(&format!("?state={}", "é".repeat(512)), &good).is_ok());
    // An id that is none names no payment.
    for id in ["", "x", "00000000-0000-0000-0000-000000000007", "0000000000000000000000000000000A"] {
        let refused = parse(&json!({ "meta": { "session_id": id } })).unwrap_err();
        assert_eq!(refused, Refusal::Unknown(SESSION_ID), "{id}");
    }
    for body in ["", "[]", "null", r#"{"meta":{},"meta":{}}"#] {
        assert!(matches!(parse_with("", body), Err(Refusal::BadRequest(_))), "{body}");
    }
}

#[test]
fn a_refund_is_shown_as_a_session_that_names_its_payment() {
    let request = json!({ "meta": { "session_id": ID }, "data": { "attributes": { "amount": 1.5, "communication": "Order 7" } } });
    let refund = refund_of(None, &request.to_string(), false);
    let (id, payment) = ("00000000000000000000000000000008", ID);
    let attributes = json!({
        "amount": "1.5", "currency": "GBP", "communication": "Order 7", "transfer_state": "pending",
    });
    let expected = json!({
        "meta": {
            "session_id": id,
            "refunded_session_id": payment,
            "state": "back again",
            "status": "refund_waiting",
            "code": "refund_waiting",
            "type": "Refund",
        },
        "data": { "id": id, "type": "Refund", "transfer_state": "pending", "attributes": attributes },
    });
    assert_eq!(body(refund_created(&refund)), expected);
    let mut read = expected;
    read["meta"]["code"] = json!(200);
    assert_eq!(body(super::refund(&refund, NOW)), read);
    // Once its merchant notes are erased, what is left is shown.
    let erased = body(super::refund(&refund.erased(), NOW));
    assert_eq!(erased["data"]["attributes"]["amount"], "1.50");
    assert!(erased["meta"].get("state").is_none());
}

#[test]
fn each_state_has_its_words() {
    let request = json!({ "meta": { "session_id": ID } }).to_string();
    let waiting = refund_of(Some(100), &request, false);
    let in_state = |state, submitted| Refund { state, submitted, ..waiting.clone() };
    for (refund, words) in [
        (in_state(RefundState::AwaitingDetails, false), ("refund_waiting", "pending")),
        (in_state(RefundState::AwaitingPayment, false), ("refund_waiting", "pending")),
        (in_state(RefundState::AwaitingPayment, true), ("refund_accepted", "processing")),
        (refund_of(Some(100), &request, true), ("refund_accepted", "processing")),
        (in_state(RefundState::Sent, true), ("refund_completed", "completed")),
        (in_state(RefundState::Failed, false), ("refund_aborted", "rejected")),
    ] {
        let shown = body(super::refund(&refund, NOW));
        assert_eq!((&shown["meta"]["status"], &shown["data"]["transfer_state"]), (&json!(words.0), &json!(words.1)));
    }
    // What waits past its time has failed.
    let late = body(super::refund(&waiting, later(60 * 60 * 24 * 31)));
    assert_eq!(late["meta"]["status"], "refund_aborted");
}

#[test]
fn the_first_answer_is_given_again_whatever_happened_since() {
    let request = json!({ "meta": { "session_id": ID } }).to_string();
    let mut refund = refund_of(Some(100), &request, false);
    let first = body(refund_created(&refund));
    refund.state = RefundState::Sent;
    refund.submitted = true;
    refund.history.append(RefundState::Sent, NOW, models::RefundEvent::Settled, WriteId::from(samples::uuid()));
    assert_eq!(body(super::refund(&refund, NOW))["meta"]["status"], "refund_completed");
    assert_eq!(body(refund_created(&refund.as_created())), first);
}

#[test]
fn a_list_has_all_refunds_newest_first() {
    let request = json!({ "meta": { "session_id": ID } }).to_string();
    let all = [1, 2, 3].map(|minor| refund_of(Some(minor), &request, false));
    let asked = list_of(ID, "page%5Bsize%5D=1&with_beneficiary=true").unwrap();
    assert_eq!(asked.session_id.to_hex(), ID);
    let shown = body(refunds(&all, &asked, NOW));
    assert_eq!(shown["meta"], json!({ "totalItems": 3, "totalPages": 1 }));
    let amounts: Vec<_> = shown["data"].as_array().unwrap().iter().map(|one| &one["attributes"]["amount"]).collect();
    assert_eq!(amounts, ["0.03", "0.02", "0.01"]);
    let one = &shown["data"][0];
    assert_eq!((&one["type"], &one["meta"]["refunded_session_id"]), (&json!("Refund"), &json!(ID)));
    assert_eq!((&one["id"], one["meta"].get("code")), (&one["meta"]["session_id"], None));
    assert_eq!(list_of("x", "").unwrap_err(), Refusal::Unknown(SESSION_ID));
    assert_eq!(body(refunds(&[], &asked, NOW))["data"], json!([]));
}

#[test]
fn what_can_not_be_refunded_is_a_bad_request_with_the_vendors_code() {
    let left = |minor| Money::new(MinorUnits::new(minor), Currency::GBP);
    for (why, parameter, message) in [
        (
            NotRefundable::TooMuch { left: left(14_930) },
            AMOUNT,
            "data.attributes.amount must be at most 149.30, which is what is left of the payment",
        ),
        (
            NotRefundable::NothingLeft { left: left(0) },
            AMOUNT,
            "data.attributes.amount can't be refunded: nothing is left",
        ),
        (
            NotRefundable::NotSent(SessionState::Pending),
            SESSION_ID,
            "meta.session_id names a payment that is payment_pending; only payment_created can be refunded",
        ),
        (NotRefundable::PaysRefund, SESSION_ID, "a session that pays a refund can't be refunded"),
        (NotRefundable::TakenBack, SESSION_ID, "a payment whose money was taken back can't be refunded"),
        (
            NotRefundable::TooMany,
            SESSION_ID,
            "a session can't be refunded more than 500 times, failed refunds included",
        ),
    ] {
        let error = ApiError::Refused(not_refundable(why));
        let answer = ErrorShape::of("POST", "/pis/v2/refund", "log-1").render(&error);
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let entry = json!({ "code": "refund_aborted", "title": parameter, "message": message });
        let expected = json!({ "status": 400, "code": "bad_request", "log_id": "log-1", "errors": [entry] });
        assert_eq!(body(Ok(answer)), expected);
    }
}

#[test]
fn where_its_merchant_authorises_it_is_mailed() {
    let refund = refund_of(Some(100), &json!({ "meta": { "session_id": ID } }).to_string(), false);
    assert!(refund.authorisation_url_at(NOW).is_some());
    assert!(Object::Refund(Box::new(refund)).mail_for(1).is_some(), "no field of the answer has the link");
}
