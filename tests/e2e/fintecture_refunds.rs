//! Refunds in Fintecture's format: parts of a payment, until all of it is refunded.

use futures_util::future::join;
use models::{AccountIdentifier, Mode, RefundId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Refunds, Sessions};
use tests::{Answer, World, answer, page, text};
use uuid::Uuid;

use crate::fintecture::{CONNECT, PAYMENTS, create, demo, get, least, paid, payer, read, world};

const REFUND: &str = "/pis/v2/refund";

/// A request to refund so much of a payment, as JSON has it; all that is left if it is null.
fn of(payment: &str, amount: &Value) -> Value {
    json!({ "meta": { "session_id": payment }, "data": { "attributes": { "amount": amount } } })
}

/// Asks for a refund by a request of this id.
async fn ask(world: &World, path: &str, request_id: Uuid, body: &Value) -> Answer {
    answer(demo(world, Method::POST, path).header("x-request-id", request_id.to_string()).json(body)).await
}

/// Makes a refund of so much, and returns its answer.
async fn refund(world: &World, payment: &str, amount: Value) -> Value {
    let made = ask(world, REFUND, Uuid::new_v4(), &of(payment, &amount)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.body
}

/// The amounts and statuses in the list of a payment's refunds.
async fn listed(world: &World, payment: &str) -> Vec<(String, String)> {
    let list = get(world, &format!("{PAYMENTS}/{payment}/refunds")).await;
    let data = list["data"].as_array().unwrap();
    assert_eq!(list["meta"], json!({ "totalItems": data.len(), "totalPages": 1 }));
    data.iter().map(|one| (text(&one["attributes"]["amount"]), text(&one["meta"]["status"]))).collect()
}

/// The merchant authorises a refund, or declines to.
async fn authorise(world: &World, refund: &Value, decision: &str) {
    let id = RefundId::from_hex(&text(&refund["meta"]["session_id"])).unwrap();
    let stored = Refunds::new(world.table()).get(&id).await.unwrap().unwrap();
    let merchant = world.payer(&json!({ "id": stored.payment_session_id.unwrap().to_string() }));
    merchant.choose_bank(1).await;
    merchant.decide(1, decision).await;
}

/// The one thing that is wrong.
fn refused(answer: &Answer) -> (StatusCode, String, String) {
    let body = &answer.body;
    assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{body}");
    assert_eq!(body["code"], if answer.status == StatusCode::NOT_FOUND { "not_found" } else { "bad_request" });
    (answer.status, text(&body["errors"][0]["code"]), text(&body["errors"][0]["title"]))
}

fn aborted(parameter: &str) -> (StatusCode, String, String) {
    (StatusCode::BAD_REQUEST, "refund_aborted".to_owned(), parameter.to_owned())
}

const AMOUNT: &str = "data.attributes.amount";

#[tokio::test]
async fn a_payment_is_refunded_in_parts_until_nothing_is_left() {
    let world = world().await;
    let payment = paid(&world).await;
    let mut body = of(&payment, &json!("49.3"));
    body["data"]["attributes"]["communication"] = json!("Back 7");
    let first_id = Uuid::new_v4();
    let path = format!("{REFUND}?state=back%207");
    let first = ask(&world, &path, first_id, &body).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let id = text(&first.body["meta"]["session_id"]);
    let attributes = json!({
        "amount": "49.3", "currency": "EUR", "communication": "Back 7", "transfer_state": "pending",
    });
    let expected = json!({
        "meta": {
            "session_id": id,
            "refunded_session_id": payment,
            "state": "back 7",
            "status": "refund_waiting",
            "code": "refund_waiting",
            "type": "Refund",
        },
        "data": { "id": id, "type": "Refund", "transfer_state": "pending", "attributes": attributes },
    });
    assert_eq!(first.body, expected);
    // A request of the same id is done once, in whatever case that is written; and what it says belongs to it.
    let again = answer(
        demo(&world, Method::POST, &path).header("x-request-id", first_id.to_string().to_uppercase()).json(&body),
    );
    let again = again.await;
    assert!(again.is_replayed() && again.body == expected, "{}", again.text);
    let conflict = ask(&world, &path, first_id, &of(&payment, &json!("49.31"))).await;
    assert_eq!(refused(&conflict), (StatusCode::BAD_REQUEST, "request_id_reused".into(), "request_id_reused".into()));
    for other_path in [REFUND, "/pis/v2/refund?state=x", "/pis/v1/refund?state=back%207"] {
        assert_eq!(ask(&world, other_path, first_id, &body).await.body["errors"][0]["code"], "request_id_reused");
    }

    let number = ask(&world, "/pis/v1/refund", Uuid::new_v4(), &of(&payment, &json!(60))).await;
    assert_eq!(number.body["data"]["attributes"]["amount"], "60", "{}", number.text);
    let too_much = ask(&world, REFUND, Uuid::new_v4(), &of(&payment, &json!("40.01"))).await;
    assert_eq!(refused(&too_much), aborted(AMOUNT));
    let message = "data.attributes.amount must be at most 40.00, which is what is left of the payment";
    assert_eq!(too_much.body["errors"][0]["message"], message);
    assert_eq!(refund(&world, &payment, json!("")).await["data"]["attributes"]["amount"], "40.00", "all that is left");
    for amount in [json!("0.01"), json!(null)] {
        let nothing = ask(&world, REFUND, Uuid::new_v4(), &of(&payment, &amount)).await;
        assert_eq!(refused(&nothing), aborted(AMOUNT));
    }
    let waiting = |amount: &str| (amount.to_owned(), "refund_waiting".to_owned());
    assert_eq!(listed(&world, &payment).await, ["40.00", "60", "49.3"].map(waiting), "newest first");

    // What fails is given back, and can be refunded again.
    authorise(&world, &number.body, "decline").await;
    authorise(&world, &first.body, "approve").await;
    let rest = answer(demo(&world, Method::POST, REFUND).json(&json!({ "meta": { "session_id": payment } }))).await;
    assert_eq!(rest.body["data"]["attributes"]["amount"], "60.00", "{}", rest.text);
    let list = listed(&world, &payment).await;
    let statuses: Vec<_> = list.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(statuses, ["refund_waiting", "refund_waiting", "refund_aborted", "refund_completed"]);
    // It is a session of its own, which is read as others are.
    let mut own = expected.clone();
    own["meta"]["status"] = json!("refund_completed");
    own["meta"]["code"] = json!(200);
    own["data"]["transfer_state"] = json!("completed");
    own["data"]["attributes"]["transfer_state"] = json!("completed");
    for path in ["/pis/v2/payments/ID", "/pis/v1/payments/ID?with_beneficiary=true"] {
        assert_eq!(get(&world, &path.replace("ID", &id)).await, own, "{path}");
    }
    let acme = world.merchant("acme", Mode::Test, "all").await;
    let theirs = world.request(Method::GET, &format!("{PAYMENTS}/{id}")).basic_auth(&acme.0, Some(&acme.1));
    let none = (StatusCode::NOT_FOUND, "session_id_invalid_or_expired".into(), "session_id_invalid_or_expired".into());
    assert_eq!(refused(&answer(theirs).await), none);
    let banked = world.paid().await;
    let banked = text(&world.refund(&banked, 100).await["id"]).replace('-', "");
    let of_another_format = answer(demo(&world, Method::GET, &format!("{PAYMENTS}/{banked}"))).await;
    assert_eq!(refused(&of_another_format), none);
    // What was answered first is answered still, and the payment is as it was.
    assert_eq!(ask(&world, &path, first_id, &body).await.body, expected);
    assert_eq!(read(&world, &payment).await["meta"]["status"], "payment_created");
}

#[tokio::test]
async fn a_refund_that_the_payments_provider_makes_is_accepted_at_once() {
    let world = world().await;
    let payment = create(&world, CONNECT, &least()).await;
    let payer = payer(&world, &payment);
    payer.choose("mock-consent", 1).await;
    payer.consent(&payer.link(1).await, "approve").await;
    payer.come_back().await;
    let made = refund(&world, &payment, json!("10")).await;
    assert_eq!(
        (&made["meta"]["status"], &made["meta"]["code"]),
        (&json!("refund_accepted"), &json!("refund_accepted"))
    );
    assert_eq!(made["data"]["transfer_state"], "processing");
    // Nobody has to authorise it.
    let subjects: Vec<_> = world.mails().await.into_iter().map(|mail| mail.subject).collect();
    assert!(!subjects.iter().any(|subject| subject.contains("Approve")), "{subjects:?}");
}

#[tokio::test]
async fn where_the_bank_kept_the_payers_account_to_itself_the_refund_waits() {
    let world = world().await;
    let payment = create(&world, CONNECT, &least()).await;
    let payer = payer(&world, &payment);
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    let made = refund(&world, &payment, json!(null)).await;
    assert_eq!(made["meta"]["status"], "refund_waiting");
    assert_eq!(made["data"]["attributes"]["amount"], "149.30");
}

#[tokio::test]
async fn in_euro_the_payer_is_asked_for_an_iban_and_paid_there() {
    let world = world().await;
    let payment = create(&world, CONNECT, &least()).await;
    let payer = payer(&world, &payment);
    payer.choose("mock-withholds-account", 1).await;
    payer.decide(1, "approve").await;
    let made = refund(&world, &payment, json!("49.30")).await;
    let id = RefundId::from_hex(&text(&made["meta"]["session_id"])).unwrap();
    let path = format!("/refunds/{id}");
    let asked = page(world.request(Method::GET, &path)).await;
    assert!(asked.html.contains("name=\"iban\"") && !asked.html.contains("sort_code"), "{}", asked.html);
    let post = async |account: &[(&str, &str)]| {
        let form = [&[("step", "confirm"), ("name", "Ada Payer")][..], account].concat();
        page(world.request(Method::POST, &path).form(&form)).await.status
    };
    for wrong in [
        &[("sort_code", "040004"), ("account_number", "11112222")][..],
        &[("iban", "FR1520041010050500013M02606")],
        &[("iban", "BR1800360305000010009795493C1")],
    ] {
        assert_eq!(post(wrong).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert_eq!(listed(&world, &payment).await, [("49.30".to_owned(), "refund_waiting".to_owned())]);
    }
    assert_eq!(post(&[("iban", "fr14 2004-1010 0505 0001 3m02 606")]).await, StatusCode::SEE_OTHER);
    let stored = Refunds::new(world.table()).get(&id).await.unwrap().unwrap();
    let paid_by = Sessions::new(world.table()).get(&stored.payment_session_id.unwrap()).await.unwrap().unwrap();
    let AccountIdentifier::Iban { iban } = &paid_by.payee.account else { panic!("no IBAN") };
    assert_eq!((iban.as_str(), paid_by.amount.to_decimal().as_str()), ("FR1420041010050500013M02606", "49.30"));
    authorise(&world, &made, "approve").await;
    assert_eq!(listed(&world, &payment).await, [("49.30".to_owned(), "refund_completed".to_owned())]);
}

#[tokio::test]
async fn what_can_not_be_refunded_is_refused_as_clients_read_it() {
    let world = world().await;
    let unpaid = create(&world, CONNECT, &least()).await;
    let not_yet = ask(&world, REFUND, Uuid::new_v4(), &of(&unpaid, &json!("1"))).await;
    assert_eq!(refused(&not_yet), aborted("meta.session_id"));
    let message = "meta.session_id names a payment that is provider_required; only payment_created can be refunded";
    assert_eq!(not_yet.body["errors"][0]["message"], message);

    let payment = paid(&world).await;
    let refund = refund(&world, &payment, json!("1")).await;
    let banked = world.paid().await;
    let acme = world.merchant("acme", Mode::Test, "all").await;
    let unknown = [
        Uuid::new_v4().simple().to_string(),
        payment.to_uppercase(),
        "7".to_owned(),
        text(&refund["meta"]["session_id"]),
        text(&banked["id"]).replace('-', ""),
    ];
    let expected = |title: &str| (StatusCode::NOT_FOUND, "session_id_invalid_or_expired".into(), title.to_owned());
    for id in &unknown {
        let none = ask(&world, REFUND, Uuid::new_v4(), &of(id, &json!("1"))).await;
        assert_eq!(refused(&none), expected("session_id_invalid_or_expired"), "{id}");
        for version in ["v1", "v2"] {
            let none = answer(demo(&world, Method::GET, &format!("/pis/{version}/payments/{id}/refunds"))).await;
            assert_eq!(refused(&none).0, StatusCode::NOT_FOUND, "{id}: {}", none.text);
        }
    }
    let theirs =
        world.request(Method::POST, REFUND).basic_auth(&acme.0, Some(&acme.1)).json(&of(&payment, &json!("1")));
    assert_eq!(answer(theirs).await.status, StatusCode::NOT_FOUND, "another merchant's");

    let missing = ask(&world, REFUND, Uuid::new_v4(), &json!({})).await;
    assert_eq!(
        refused(&missing),
        (StatusCode::BAD_REQUEST, "mandatory_field_missing".into(), "meta.session_id".to_owned())
    );
    let wrong = ask(&world, REFUND, Uuid::new_v4(), &of(&payment, &json!("1,00"))).await;
    assert_eq!(refused(&wrong), (StatusCode::BAD_REQUEST, "invalid_field".into(), AMOUNT.to_owned()));
    assert_eq!(listed(&world, &payment).await.len(), 1);
    // Each address of the list, also to HEAD.
    let of_v1 = format!("/pis/v1/payments/{payment}/refunds?page%5Bsize%5D=1");
    assert_eq!(get(&world, &of_v1).await["meta"]["totalItems"], 1);
    let head = answer(demo(&world, Method::HEAD, &format!("{PAYMENTS}/{payment}/refunds"))).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn two_refunds_at_once_are_never_more_than_the_payment() {
    let world = world().await;
    let payment = paid(&world).await;
    let body = of(&payment, &json!("100"));
    let (one, other) =
        join(ask(&world, REFUND, Uuid::new_v4(), &body), ask(&world, REFUND, Uuid::new_v4(), &body)).await;
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::BAD_REQUEST], "{} {}", one.text, other.text);
    // The same request at once is one refund.
    let (body, id) = (of(&payment, &json!("20")), Uuid::new_v4());
    let (one, other) = join(ask(&world, REFUND, id, &body), ask(&world, REFUND, id, &body)).await;
    assert_eq!((one.status, &one.body), (StatusCode::OK, &other.body));
    assert_eq!(listed(&world, &payment).await.len(), 2);
}
