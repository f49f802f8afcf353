//! Refunds from the first request to the mail, what is refused, and what is repeated.

use futures_util::future::join_all;
use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, document_1, page, states, text};

/// Document 3's own request ("Refund a payment session", section 1), for this session.
fn document_3(session: &Value) -> Value {
    json!({
        "success_url": "http://example.com/success?id=__PAYMENT_ID__",
        "error_url": "http://example.com/error",
        "amount": 400,
        "reference": "refund Candles",
        "payment_session_id": session["id"],
    })
}

fn parameter(answer: &Answer) -> &str {
    answer.body["errors"][0]["source"]["parameter"].as_str().unwrap_or("")
}

fn title(answer: &Answer) -> &str {
    answer.body["errors"][0]["title"].as_str().unwrap_or("")
}

#[tokio::test]
async fn document_3_from_its_command_to_the_money_and_the_mail() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    assert_eq!(world.get(&id).await["refundable_amount"], 400);

    let made = answer(world.demo(Method::POST, "/v2/refunds").json(&document_3(&session))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let refund = made.body;
    let payment_id = text(&refund["refund_payment_session_id"]);
    let expected = json!({
        "amount": 400,
        "amount_formatted": "£4.00",
        "payment_session_id": id,
        "refund_payment_session_id": payment_id,
        "state": "awaiting_payment",
        "url": format!("{}/refunds/{}", world.machine.api_url(), text(&refund["id"])),
        "id": refund["id"],
        "reference": "refund Candles",
        "created_at": refund["created_at"],
        "sent_at": null,
        "failure_reason": null,
    });
    assert_eq!(refund, expected);
    assert!(text(&refund["created_at"]).ends_with(" UTC"));

    let refunded = world.get(&id).await;
    assert_eq!(refunded["refunds"], json!([refund]));
    assert_eq!(refunded["refundable_amount"], 0);

    // The merchant authorises it as any payment.
    let payment = world.get(&payment_id).await;
    assert_eq!((&payment["state"], &payment["amount"]), (&json!("awaiting_provider"), &json!(400)));
    assert_eq!(payment["payee"], json!({ "name": "Ada Payer", "sort_code": "040004", "account_number": "87654321" }));
    assert_eq!(payment["payer"], json!({ "name": "Gerald Wiley", "email": null }));
    assert_eq!(payment["reference"], "refund Candles");
    assert_eq!(payment["success_url"], format!("http://example.com/success?id={payment_id}"));
    assert_eq!(payment["pays_refund"], json!({ "id": refund["id"], "payment_session_id": id }));
    assert_eq!((&payment["refundable_amount"], &payment["refunds"]), (&json!(0), &json!([])));
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;

    let paid = world.get(&payment_id).await;
    assert_eq!(states(&paid), ["awaiting_provider", "awaiting_payment_consent", "pending", "sent"]);
    let sent = world.get_refund(&refund).await;
    assert_eq!((&sent["state"], &sent["failure_reason"]), (&json!("sent"), &json!(null)));
    assert!(text(&sent["sent_at"]).ends_with(" UTC"));
    assert_eq!(world.get(&id).await["refunds"], json!([sent]));

    // The receipt, and one mail about the refund; the refund's own payment has none.
    let mails = world.mails().await;
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.to == ["ada@example.com"]));
    let mail = mails.iter().find(|mail| mail.subject.contains("Refund")).expect("a mail about the refund");
    let body = mail.text.as_ref().unwrap();
    for fact in ["£4.00", "Gerald Wiley", "refund Candles", "4321"] {
        assert!(body.contains(fact), "{fact}: {body}");
    }
    for secret in [&id, &payment_id, &"87654321".to_owned()] {
        assert!(!body.contains(secret), "{secret}: {body}");
    }
    let page = page(world.request(Method::GET, &format!("/refunds/{}", text(&refund["id"])))).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.html.contains(&payment_id), "a customer must not be led to the merchant's checkout");
}

#[tokio::test]
async fn parts_are_refunded_until_nothing_is_left() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    let first = world.refund(&session, 150).await;
    assert_eq!(first["reference"], "Illuminate", "the session's own, as none was given");
    assert_eq!(world.get(&id).await["refundable_amount"], 250);
    let second = world.refund(&session, 100).await;
    let too_much = world.ask_refund(&session, json!({ "amount": 151 })).await;
    assert_eq!((too_much.status, too_much.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_amount"));
    assert_eq!(parameter(&too_much), "amount");
    assert!(title(&too_much).contains("150 (£1.50)"), "{}", title(&too_much));
    // Without an amount: what is left.
    let rest = world.ask_refund(&session, json!({})).await;
    assert_eq!((rest.status, &rest.body["amount"]), (StatusCode::CREATED, &json!(150)));
    assert_eq!(world.get(&id).await["refundable_amount"], 0);
    let nothing = world.ask_refund(&session, json!({})).await;
    assert_eq!((nothing.status, parameter(&nothing)), (StatusCode::UNPROCESSABLE_ENTITY, "amount"));
    assert!(title(&nothing).contains("£0.00"), "{}", title(&nothing));

    let path = format!("/v2/refunds?payment_session_id={id}");
    let list = answer(world.demo(Method::GET, &path)).await;
    assert_eq!(list.body, json!({ "data": [first, second, rest.body], "next_cursor": null }));
    assert_eq!(world.get(&id).await["refunds"], list.body["data"]);
    let sessions = answer(world.demo(Method::GET, "/v2/payment_sessions")).await.body;
    let listed = sessions["data"].as_array().unwrap().iter().find(|listed| listed["id"] == session["id"]).unwrap();
    assert_eq!((&listed["refunds"], &listed["refundable_amount"]), (&list.body["data"], &json!(0)));
}

#[tokio::test]
async fn a_withheld_account_is_asked_for_once() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let made = answer(world.demo(Method::POST, "/v2/refunds").json(&document_3(&session))).await;
    let refund = made.body;
    assert_eq!(refund["state"], "awaiting_details");
    assert_eq!(refund["refund_payment_session_id"], json!(null));
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 0, "taken from the first");

    let mails = world.mails().await;
    let link = text(&refund["url"]);
    let asks: Vec<_> = mails.iter().filter(|mail| mail.text.as_ref().unwrap().contains(&link)).collect();
    assert_eq!(asks.len(), 1);
    assert_eq!(asks[0].to, ["ada@example.com"]);

    let check = world.give_details(&refund, "check", "11112222").await;
    assert_eq!(check.status, StatusCode::OK);
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_details", "nothing happens before it is confirmed");
    let wrong = world.give_details(&refund, "confirm", "1111").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let confirm = world.give_details(&refund, "confirm", "11112222").await;
    assert_eq!(confirm.status, StatusCode::SEE_OTHER);
    let given = world.get_refund(&refund).await;
    assert_eq!(given["state"], "awaiting_payment");
    let payment = world.get(&text(&given["refund_payment_session_id"])).await;
    assert_eq!(payment["payee"], json!({ "name": "Ada Payer", "sort_code": "040004", "account_number": "11112222" }));
    assert_eq!(payment["reference"], "refund Candles");
    assert_eq!(payment["error_url"], "http://example.com/error");

    // Once: another account changes nothing.
    world.give_details(&refund, "confirm", "33334444").await;
    assert_eq!(world.get_refund(&refund).await, given);
    let merchant = world.refunder(&given);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    assert_eq!(world.mails().await.len(), 3, "the receipt, the question, the refund");
}

#[tokio::test]
async fn a_given_payee_is_used_only_where_the_account_is_not_known() {
    let world = World::start().await;
    let payee = json!({ "name": "Ada Lovelace", "sort_code": "11-22-33", "account_number": "44445555" });
    let withheld = world.paid_from_withheld_account().await;
    let nameless = json!({ "sort_code": "11-22-33", "account_number": "44445555" });
    let shared = world.paid().await;
    for (session, payee, name, number) in [
        (&withheld, &payee, "Ada Lovelace", "44445555"),
        (&withheld, &nameless, "Ada Payer", "44445555"),
        (&shared, &payee, "Ada Payer", "87654321"),
    ] {
        let refund = world.ask_refund(session, json!({ "amount": 100, "payee": payee })).await.body;
        assert_eq!(refund["state"], "awaiting_payment");
        let payment = world.get(&text(&refund["refund_payment_session_id"])).await;
        assert_eq!((&payment["payee"]["name"], &payment["payee"]["account_number"]), (&json!(name), &json!(number)));
    }
    // Nobody is asked for what is known.
    let mails = world.mails().await;
    assert!(mails.iter().all(|mail| !mail.text.as_ref().unwrap().contains("/refunds/")));
}

#[tokio::test]
async fn no_mail_about_a_refund_where_no_receipt_was_wanted_but_the_question_if_there_is_an_address() {
    let world = World::start().await;
    let mut request = document_1();
    request["email_receipt"] = json!(false);
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    let refund = world.refund(&session, 400).await;
    assert_eq!(world.mails().await.len(), 1, "the question");
    world.give_details(&refund, "confirm", "11112222").await;
    let refund = world.get_refund(&refund).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    assert_eq!(world.mails().await.len(), 1);
    // And none at all without an address.
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer" });
    request["email_receipt"] = json!(false);
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    world.refund(&session, 400).await;
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn only_what_is_sent_and_ones_own_is_refunded() {
    let world = World::start().await;
    let all_as_before = async |session: &Value| {
        let now = world.get(&text(&session["id"])).await;
        assert_eq!((&now["refunds"], &now["refundable_amount"]), (&json!([]), &json!(0)), "{now}");
    };
    // Every state on the way, and the other ends.
    let session = world.create().await;
    let payer = world.payer(&session);
    for step in 0..4 {
        match step {
            1 => drop(payer.identify().await),
            2 => drop(payer.choose_bank(1).await),
            3 => drop(payer.decide(1, "approve_then_settle").await),
            _ => {}
        }
        let refused = world.ask_refund(&session, json!({})).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "invalid_action"), "{step}");
        assert_eq!(parameter(&refused), "payment_session_id");
        all_as_before(&session).await;
    }
    let declined = world.create().await;
    let payer = world.payer(&declined);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "decline").await;
    let cancelled = world.create().await;
    world.payer(&cancelled).cancel().await;
    for (session, state) in [(&declined, "failed"), (&cancelled, "cancelled")] {
        let refused = world.ask_refund(session, json!({ "amount": 1 })).await;
        assert_eq!((refused.status, parameter(&refused)), (StatusCode::CONFLICT, "payment_session_id"));
        assert!(title(&refused).contains(state), "{}", title(&refused));
        all_as_before(session).await;
    }

    // A refund's own payment.
    let paid = world.paid().await;
    let refund = world.refund(&paid, 100).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    let refused = world.ask_refund(&json!({ "id": refund["refund_payment_session_id"] }), json!({})).await;
    assert_eq!((refused.status, parameter(&refused)), (StatusCode::CONFLICT, "payment_session_id"));

    // Another merchant's, and none at all.
    let (key, secret) = world.merchant("acme", Mode::Test, "all").await;
    let ask = |method: Method, path: String| world.request(method, &path).basic_auth(&key, Some(&secret));
    let others = answer(ask(Method::POST, "/v2/refunds".to_owned()).json(&json!({ "payment_session_id": paid["id"] })));
    let unknown = json!({ "id": "1ae1ce03-dfa9-4593-b487-65c656991cb5" });
    for refused in [others.await, world.ask_refund(&unknown, json!({})).await] {
        assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"));
        assert_eq!(parameter(&refused), "payment_session_id");
    }
    let refund_id = text(&refund["id"]);
    for (method, path, parameter_named) in [
        (Method::GET, format!("/v2/refunds/{refund_id}"), ""),
        (Method::POST, format!("/v2/refunds/{refund_id}/cancel"), ""),
        (Method::GET, format!("/v2/refunds?payment_session_id={}", text(&paid["id"])), "payment_session_id"),
    ] {
        let refused = answer(ask(method, path)).await;
        assert_eq!((refused.status, parameter(&refused)), (StatusCode::NOT_FOUND, parameter_named));
    }
    for (path, status) in [
        ("/v2/refunds/x", StatusCode::NOT_FOUND),
        ("/v2/refunds/1ae1ce03-dfa9-4593-b487-65c656991cb5", StatusCode::NOT_FOUND),
        ("/v2/refunds", StatusCode::UNPROCESSABLE_ENTITY),
        ("/v2/refunds?payment_session_id=x", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(answer(world.demo(Method::GET, path)).await.status, status, "{path}");
    }
    let list = answer(world.demo(Method::GET, &format!("/v2/refunds?payment_session_id={}", text(&paid["id"])))).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bad_requests_name_the_field_and_change_nothing() {
    let world = World::start().await;
    let session = world.paid().await;
    for (request, named) in [
        (json!({ "amount": 0 }), "amount"),
        (json!({ "amount": 401 }), "amount"),
        (json!({ "amount": "100" }), "amount"),
        (json!({ "reference": "refund: Candles" }), "reference"),
        (json!({ "success_url": "example.com" }), "success_url"),
        (json!({ "payee": { "sort_code": "1" } }), "payee.sort_code"),
    ] {
        let refused = world.ask_refund(&session, request.clone()).await;
        assert_eq!((refused.status, parameter(&refused)), (StatusCode::UNPROCESSABLE_ENTITY, named), "{request}");
    }
    for body in ["", "[]", "{"] {
        let request = world.demo(Method::POST, "/v2/refunds").header("content-type", "application/json").body(body);
        assert_eq!(answer(request).await.code(), "bad_request", "{body}");
    }
    let text_body = world.demo(Method::POST, "/v2/refunds").header("content-type", "text/plain").body("{}");
    assert_eq!(answer(text_body).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let now = world.get(&text(&session["id"])).await;
    assert_eq!((&now["refunds"], &now["refundable_amount"]), (&json!([]), &json!(400)));
}

#[tokio::test]
async fn a_token_needs_the_scope_for_refunds() {
    let world = World::start().await;
    let session = world.paid().await;
    let token = async |scope: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        text(&answer(world.demo(Method::POST, "/oauth/token").form(&form)).await.body["access_token"])
    };
    let request = json!({ "payment_session_id": session["id"], "amount": 1 });
    let ask =
        async |token: &str| answer(world.request(Method::POST, "/v2/refunds").bearer_auth(token).json(&request)).await;
    let writer = token("refunds:write").await;
    let made = ask(&writer).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let reader = token("payment_sessions:read payment_sessions:write").await;
    let refused = ask(&reader).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "forbidden"));
    let path = format!("/v2/refunds/{}", text(&made.body["id"]));
    let read = async |token: &str| answer(world.request(Method::GET, &path).bearer_auth(token)).await.status;
    assert_eq!((read(&reader).await, read(&writer).await), (StatusCode::OK, StatusCode::FORBIDDEN));
    assert_eq!(answer(world.request(Method::POST, "/v2/refunds").json(&request)).await.status, 401);
}

#[tokio::test]
async fn a_repeated_refund_is_answered_as_the_first_was() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let other = world.paid().await;
    let ask = async |session: &Value, amount: i64| {
        let request = json!({ "payment_session_id": session["id"], "amount": amount });
        answer(world.demo(Method::POST, "/v2/refunds").header("idempotency-key", "a").json(&request)).await
    };
    let first = ask(&session, 400).await;
    assert_eq!((first.status, first.is_replayed()), (StatusCode::CREATED, false));
    let same = async || {
        let again = ask(&session, 400).await;
        assert_eq!((again.status, &again.text, again.is_replayed()), (first.status, &first.text, true));
    };
    // Nothing is left, and still: a repeat beats the refusal.
    same().await;
    world.give_details(&first.body, "confirm", "11112222").await;
    same().await;
    let given = world.get_refund(&first.body).await;
    let merchant = world.refunder(&given);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    assert_eq!(world.get_refund(&first.body).await["state"], "sent");
    same().await;
    // Another body, however it would be refused, or another session: a conflict.
    let unknown = json!({ "id": "1ae1ce03-dfa9-4593-b487-65c656991cb5" });
    let others = [(&session, 399), (&session, 0), (&session, 1_000), (&other, 400), (&other, 1), (&unknown, 400)];
    for (session, amount) in others {
        let conflict = ask(session, amount).await;
        assert_eq!((conflict.status, conflict.code()), (StatusCode::CONFLICT, "idempotency_conflict"));
    }
    let no_object = world.demo(Method::POST, "/v2/refunds").header("idempotency-key", "a").json(&json!([]));
    assert_eq!(answer(no_object).await.code(), "idempotency_conflict");
    assert_eq!(world.get(&text(&other["id"])).await["refundable_amount"], 400);
    assert_eq!(world.get(&text(&session["id"])).await["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn fifty_at_once_with_one_key_refund_once() {
    let world = World::start().await;
    let session = world.paid().await;
    let request = json!({ "payment_session_id": session["id"], "amount": 300 });
    let ask = || answer(world.demo(Method::POST, "/v2/refunds").header("idempotency-key", "a").json(&request));
    let answers = join_all((0..50).map(|_| ask())).await;
    let first = answers.iter().find(|answer| !answer.is_replayed()).expect("one that is the first");
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED && answer.text == first.text));
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 100);
}

#[tokio::test]
async fn two_hundred_refunds_of_one_at_once_never_exceed_the_payment() {
    let world = World::start().await;
    let mut request = document_1();
    request["line_items"][0]["quantity"] = json!(1);
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let answers = join_all((0..200).map(|_| world.ask_refund(&session, json!({ "amount": 1 })))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!((made.len(), refused.len()), (100, 100));
    for answer in refused {
        assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_amount"));
        assert!(title(answer).contains("what is left"), "{}", title(answer));
    }
    let refunded = world.get(&text(&session["id"])).await;
    assert_eq!(refunded["refundable_amount"], 0);
    let refunds = refunded["refunds"].as_array().unwrap();
    assert_eq!(refunds.len(), 100);
    assert_eq!(refunds.iter().map(|refund| refund["amount"].as_i64().unwrap()).sum::<i64>(), 100);
}
