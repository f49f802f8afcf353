//! Payments in Yorlet's format, from their creation to their refund.

use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Erased, Erasures, Sessions};
use tests::{World, answer, text};

use crate::yorlet::{
    SESSIONS, create, customer, customer_id, customer_of, demo, get, least, own_id, paid, payer, post, read,
    transaction, transaction_id, with,
};

#[tokio::test]
async fn a_payment_by_bank_from_its_creation_to_its_refund() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let session =
        create(&world, &with(&least(&customer), json!({ "return_url": "https://shop.example/rent?unit=7" }))).await;
    assert_eq!((&session["status"], &session["transaction"]), (&json!("unpaid"), &json!(null)));
    let how = async |status: &str| {
        let transaction = transaction(&world, &session).await;
        assert_eq!(transaction["status"], status, "{transaction}");
        transaction
    };
    how("requires_payment_method").await;
    let payer = payer(&world, &session);
    payer.choose_bank(1).await;
    let waiting = how("requires_action").await;
    let next = json!({ "type": "redirect_to_url", "redirect_to_url": { "url": session["url"] } });
    assert_eq!((&waiting["next_action"], &waiting["paid_at"]), (&next, &json!(null)));
    let page = payer.decide(1, "approve").await;
    let paid = read(&world, &session).await;
    assert_eq!(paid["status"], "paid");
    assert_eq!(paid["transaction"], transaction_id(&session));
    let back = format!("https://shop.example/rent?unit=7&payment_session={}&status=paid", text(&session["id"]));
    assert_eq!(page.location.as_deref(), Some(back.as_str()));
    // All of it as it was, but for what came of it.
    let unpaid = with(&paid, json!({ "status": "unpaid", "transaction": null }));
    assert_eq!(unpaid, session);

    let done = how("succeeded").await;
    let created = session["created"].as_i64().unwrap();
    for at in ["created", "confirmed_at", "paid_at"] {
        assert!((created..created + 60).contains(&done[at].as_i64().unwrap()), "{done}");
    }
    let expected = with(
        &done,
        json!({
            "id": transaction_id(&session),
            "object": "transaction",
            "amount": 10_000,
            "amount_refunded": 0,
            "capture_method": "automatic",
            "currency": "gbp",
            "customer": customer_id(customer.id),
            "description": null,
            "disputed": false,
            "last_payment_error": null,
            "metadata": {},
            "next_action": null,
            "payment_method": { "type": "pay_by_bank" },
            "payment_method_types": ["pay_by_bank"],
            "payment_session": session["id"],
            "processing": null,
            "receipt_url": session["url"],
            "refunded": false,
            "reporting_type": "charge",
            "status": "succeeded",
        }),
    );
    assert_eq!(done, expected);
    assert_eq!(done.as_object().unwrap().len(), 23, "{done}");

    // Half of it, and then the rest.
    let half = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"], "amount": 4_000 })).await;
    assert_eq!((half.status, &half.body["status"]), (StatusCode::OK, &json!("pending")), "{}", half.text);
    assert_eq!(transaction(&world, &session).await["amount_refunded"], 0, "it is not on its way yet");
    authorise(&world, &half.body).await;
    let half = get(&world, &format!("/v1/refunds/{}", text(&half.body["id"]))).await;
    assert_eq!(half["status"], "succeeded");
    let so_far = transaction(&world, &session).await;
    assert_eq!((&so_far["amount_refunded"], &so_far["refunded"]), (&json!(4_000), &json!(false)));
    let rest = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"] })).await.body;
    assert_eq!(rest["amount"], 6_000);
    let more = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"], "amount": 1 })).await;
    assert_eq!((more.status, &more.body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("amount")));
    authorise(&world, &rest).await;
    let all = transaction(&world, &session).await;
    assert_eq!((&all["amount_refunded"], &all["refunded"]), (&json!(10_000), &json!(true)));
    assert_eq!(read(&world, &session).await["status"], "paid", "it was");
}

/// The merchant authorises a refund at the checkout of the session that pays it.
async fn authorise(world: &World, refund: &Value) {
    let id = models::RefundId::from_base62(text(&refund["id"]).strip_prefix("re_").unwrap()).unwrap();
    let stored = store::Refunds::new(world.table()).get(&id).await.unwrap().unwrap();
    let payment = json!({ "id": stored.payment_session_id.unwrap().to_string() });
    let merchant = world.payer(&payment);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
}

/// Each field of a request is read back or, if the format doesn't give it back, has its effect.
#[tokio::test]
async fn every_field_is_read_back_or_has_its_effect() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let request = json!({
        "amount": 95_000,
        "currency": "gbp",
        "customer": customer_id(customer.id),
        "mode": "payment",
        "payment_method_types": ["pay_by_bank", "card", "sepa_debit", "card_present"],
        "description": "Rent für November",
        "metadata": { "tenant": "17", "": "no" },
        "payment_method_options": { "card": { "request_three_d_secure": "any" }, "n": [1.50, null] },
        "reporting_type": "rent",
        "return_url": "https://shop.example/rent?tenant=17#top",
        "send_email": true,
        "statement_descriptor": "Rent November",
        "transaction_data": {
            "transfer_data": { "use_unit_ownership": true },
            "unit": "unit_17",
            "customer_balance": { "apply": false, "description": "Rent" },
        },
        "unknown": "is ignored",
    });
    let refused = post(&world, SESSIONS, &request).await;
    assert_eq!(refused.body["error"]["param"], "metadata", "a key must be something");
    let request = with(&request, json!({ "metadata": { "tenant": "17" } }));
    let body = request.to_string().replace("1.5,", "1.50,");
    let posted = demo(&world, Method::POST, SESSIONS).header("content-type", "application/json").body(body);
    let session = answer(posted).await.body;
    let url = text(&session["url"]);
    assert!(url.starts_with(&format!("{}/checkout/", world.machine.api_url())), "{url}");
    let digits = text(&session["id"]).strip_prefix("py_sess_").unwrap().to_owned();
    assert!(digits.len() == 22 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{digits}");
    assert!(session["created"].is_i64());
    let expected = json!({
        "id": session["id"],
        "object": "payment_session",
        "created": session["created"],
        "amount": 95_000,
        "currency": "gbp",
        "customer": customer_id(customer.id),
        "description": "Rent für November",
        "metadata": { "tenant": "17" },
        "mode": "payment",
        "payment_method_types": ["pay_by_bank", "card", "sepa_debit", "card_present"],
        "reporting_type": "rent",
        "return_url": "https://shop.example/rent?tenant=17#top",
        "status": "unpaid",
        "transaction": null,
        "url": url,
    });
    assert_eq!(session, expected);
    assert_eq!(read(&world, &session).await, expected);
    let transaction = transaction(&world, &session).await;
    for field in ["amount", "currency", "customer", "description", "metadata", "payment_method_types", "reporting_type"]
    {
        assert_eq!(transaction[field], expected[field], "{field}");
    }
    // What is not given back: the reference at the bank, whom the link is mailed to, and what is kept.
    let stored = Sessions::new(world.table()).get(&own_id(&session).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.reference.as_str(), "Rent November");
    assert!(stored.email_link && stored.retry && !stored.email_receipt);
    assert_eq!(stored.expires_at.duration_since(stored.created_at).as_hours(), 7 * 24);
    let kept: Value = serde_json::from_str(stored.extra.as_ref().unwrap().as_str()).unwrap();
    let expected = json!({
        "reporting_type": "rent",
        "transaction_data": { "use_unit_ownership": true, "unit": "unit_17", "apply_balance": false, "balance_description": "Rent" },
        "payment_method_options": request["payment_method_options"],
    });
    assert_eq!(kept, expected);
    assert!(stored.extra.unwrap().as_str().contains("1.50"), "as it was sent");
    let payer = stored.payer.unwrap();
    assert_eq!(Some(payer.name), customer.name);
    assert_eq!((payer.email, payer.phone), (Some(customer.email.clone()), customer.phone.clone()));
    let mails = world.mails().await;
    let link = mails.iter().filter(|mail| mail.text.as_ref().is_some_and(|text| text.contains(&url))).count();
    assert_eq!(link, 1, "{} mails", mails.len());
    // Without a descriptor the reference is the payment's own; without `send_email` nothing is mailed.
    let bare = create(&world, &least(&customer)).await;
    let stored = Sessions::new(world.table()).get(&own_id(&bare).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.reference, models::Reference::of_payment(&stored.end_to_end_id));
    assert_eq!((stored.extra, &bare["reporting_type"], &bare["return_url"]), (None, &json!("charge"), &json!(null)));
    assert_eq!(world.mails().await.len(), mails.len());
}

#[tokio::test]
async fn a_refunds_fields_are_read_back() {
    let world = World::start().await;
    let paid = paid(&world, &least(&customer(&world).await)).await;
    let request = json!({
        "transaction": paid["transaction"],
        "amount": 2_500,
        "metadata": { "ticket": "9" },
        "reason": "requested_by_customer",
        "reason_description": "Moved out",
        "reverse_transfer": true,
    });
    let refund = post(&world, "/v1/refunds", &request).await.body;
    let expected = json!({
        "id": refund["id"],
        "object": "refund",
        "amount": 2_500,
        "balance_transaction": null,
        "created": refund["created"],
        "currency": "gbp",
        "customer": null,
        "description": null,
        "metadata": { "ticket": "9" },
        "reason": "requested_by_customer",
        "reason_description": "Moved out",
        "reverse_transfer": true,
        "status": "pending",
        "transaction": paid["transaction"],
    });
    assert_eq!(refund, expected);
    assert!(text(&refund["id"]).starts_with("re_") && refund["created"].is_i64());
    assert_eq!(get(&world, &format!("/v1/refunds/{}", text(&refund["id"]))).await, expected);
    let bare = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"] })).await.body;
    let nothing = json!({ "amount": 7_500, "metadata": {}, "reason": null, "reason_description": null, "reverse_transfer": false });
    assert_eq!(bare, with(&bare, nothing));
}

/// What the merchant noted of a payment and of its refund goes with the payer; amounts and states stay.
#[tokio::test]
async fn what_was_noted_of_a_payment_and_its_refund_is_erased() {
    let world = World::start().await;
    let request = with(&least(&customer(&world).await), json!({ "metadata": { "flat": "Zwingli 7" } }));
    let paid = paid(&world, &request).await;
    let request = json!({
        "transaction": paid["transaction"],
        "metadata": { "ticket": "Zwingli 9" },
        "reason_description": "Zwingli moved out",
    });
    let refund = post(&world, "/v1/refunds", &request).await.body;
    authorise(&world, &refund).await;
    world.settled().await;
    let erasures = Erasures::new(world.table());
    let id = own_id(&paid).parse().unwrap();
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::Done);
    let shown_refund = get(&world, &format!("/v1/refunds/{}", text(&refund["id"]))).await;
    let answers = [read(&world, &paid).await, transaction(&world, &paid).await, shown_refund.clone()];
    let events = get(&world, "/v2/events").await;
    for answer in answers.iter().chain([&events]) {
        assert!(!answer.to_string().contains("Zwingli"), "{answer}");
    }
    assert_eq!((&shown_refund["status"], &shown_refund["amount"]), (&json!("succeeded"), &paid["amount"]));
}

#[tokio::test]
async fn a_session_is_cancelled_once_and_not_once_it_is_paid_or_being_paid() {
    let world = World::start().await;
    let request = least(&customer(&world).await);
    let cancel = async |session: &Value| {
        answer(demo(&world, Method::POST, &format!("{SESSIONS}/{}/cancel", text(&session["id"])))).await
    };
    let session = create(&world, &request).await;
    let cancelled = with(&session, json!({ "status": "canceled" }));
    for _ in 0..2 {
        let answer = cancel(&session).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &cancelled));
    }
    let transaction = transaction(&world, &session).await;
    assert_eq!((&transaction["status"], &transaction["last_payment_error"]), (&json!("canceled"), &json!(null)));
    let (checkout, refused) = (payer(&world, &session).page().await, json!("invalid_request"));
    assert!(!checkout.html.contains("action=\"") || checkout.location.is_some(), "nothing to pay");

    let paid = paid(&world, &request).await;
    let pending = create(&world, &request).await;
    payer(&world, &pending).choose_bank(1).await;
    payer(&world, &pending).decide(1, "approve_then_settle").await;
    for (session, state) in [(&paid, "paid"), (&pending, "unpaid")] {
        let answer = cancel(session).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["type"]),
            (StatusCode::BAD_REQUEST, &refused),
            "{}",
            answer.text
        );
        assert_eq!(answer.body["status"], 400);
        assert_eq!(read(&world, session).await["status"], state);
    }
    let unknown = with(&session, json!({ "id": format!("py_sess_{}", "0".repeat(22)) }));
    assert_eq!(cancel(&unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_refused_may_choose_again_and_the_return_url_says_what_came_of_it() {
    let world = World::start().await;
    let request = with(&least(&customer(&world).await), json!({ "return_url": "https://shop.example/" }));
    let session = create(&world, &request).await;
    let payer = payer(&world, &session);
    payer.choose_bank(1).await;
    payer.decide(1, "decline").await;
    assert_eq!(read(&world, &session).await["status"], "unpaid");
    assert_eq!(transaction(&world, &session).await["status"], "requires_payment_method");
    let page = payer.cancel().await;
    let cancelled = payer.page().await;
    let back = format!("https://shop.example/?payment_session={}&status=canceled", text(&session["id"]));
    let leads = page.location.as_deref() == Some(back.as_str()) || cancelled.html.contains(&back.replace('&', "&#38;"));
    assert!(leads, "{:?}: {}", page.location, cancelled.html);
    assert_eq!(read(&world, &session).await["status"], "canceled");
}

#[tokio::test]
async fn a_repeated_request_gets_its_first_answer_and_another_is_refused() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let request = least(&customer);
    let with_key = async |path: &str, key: &str, body: &Value| {
        answer(demo(&world, Method::POST, path).header("Idempotency-Key", key).json(body)).await
    };
    let first = with_key(SESSIONS, "order-1", &request).await;
    assert!(first.status == StatusCode::OK && !first.is_replayed(), "{}", first.text);
    payer(&world, &first.body).choose_bank(1).await;
    payer(&world, &first.body).decide(1, "approve").await;
    let again = with_key(SESSIONS, "order-1", &request).await;
    assert!(again.is_replayed());
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body), "as it was created, though it is paid");
    let other = with_key(SESSIONS, "order-1", &with(&request, json!({ "amount": 10_001 }))).await;
    assert_eq!((other.status, &other.body["error"]["param"]), (StatusCode::CONFLICT, &json!(null)), "{}", other.text);
    assert_eq!(other.body["status"], 409);
    // The same key in the other format is another request.
    let banked = world.demo(Method::POST, "/v2/payment_sessions").header("Idempotency-Key", "order-1");
    assert_eq!(answer(banked.json(&tests::document_1())).await.status, StatusCode::CREATED);

    let refund = json!({ "transaction": transaction_id(&first.body), "amount": 100 });
    let made = with_key("/v1/refunds", "order-1", &refund).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let again = with_key("/v1/refunds", "order-1", &refund).await;
    assert!(again.is_replayed() && again.body == made.body);
    // Ids differ by case, so this is another request, for a transaction that there isn't.
    let upper = json!({ "transaction": text(&refund["transaction"]).to_uppercase().replacen("TXN_", "txn_", 1), "amount": 100 });
    let other = with_key("/v1/refunds", "order-1", &upper).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);

    let session = create(&world, &request).await;
    let path = format!("{SESSIONS}/{}/cancel", text(&session["id"]));
    let cancelled = with_key(&path, "stop", &json!({})).await;
    assert!(cancelled.status == StatusCode::OK && !cancelled.is_replayed());
    let again = with_key(&path, "stop", &json!({})).await;
    assert!(again.is_replayed() && again.body == cancelled.body);

    // What was created once is answered, though its customer is gone.
    let gone = with_key(SESSIONS, "order-2", &request).await;
    forget(&world, &customer).await;
    let again = with_key(SESSIONS, "order-2", &request).await;
    assert!(again.is_replayed() && again.body == gone.body, "{}", again.text);
    let new = with_key(SESSIONS, "order-3", &request).await;
    assert_eq!((new.status, &new.body["error"]["param"]), (StatusCode::NOT_FOUND, &json!("customer")));
}

/// As if the customer had never been.
async fn forget(world: &World, customer: &models::Customer) {
    let pk = format!("CUSTOMER#{}", customer.id);
    let key = json!({ "pk": { "S": pk }, "sk": { "S": "CUSTOMER" } });
    world.dynamodb("DeleteItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await;
}

#[tokio::test]
async fn what_is_anothers_of_the_other_mode_or_made_in_the_other_format_is_not_there() {
    let world = World::start().await;
    let mine = paid(&world, &least(&customer(&world).await)).await;
    let refund = post(&world, "/v1/refunds", &json!({ "transaction": mine["transaction"], "amount": 1 })).await.body;
    let banked = world.paid().await;
    let banked_refund = world.refund(&banked, 100).await;
    let (_, other) = world.merchant("other", Mode::Test, "all").await;
    let (_, narrow) = world.merchant("narrow", Mode::Test, "payment_sessions:read").await;
    let base62 = |id: &Value| models::SessionId::to_base62(&text(id).parse().unwrap());
    let banked_as = |prefix: &str| format!("{prefix}{}", base62(&banked["id"]));
    let asked = async |secret: &str, method: Method, path: &str, body: &Value| {
        answer(world.request(method, path).bearer_auth(secret).json(body)).await
    };
    let session_path = format!("{SESSIONS}/{}", text(&mine["id"]));
    let transaction_path = format!("/v1/transactions/{}", text(&mine["transaction"]));
    let refund_path = format!("/v1/refunds/{}", text(&refund["id"]));
    let mut not_there = Vec::new();
    for path in [&session_path, &transaction_path, &refund_path] {
        not_there.push((other.as_str(), Method::GET, path.clone()));
    }
    not_there.push((other.as_str(), Method::POST, format!("{session_path}/cancel")));
    let demo = tests::DEMO.1;
    for path in [
        format!("{SESSIONS}/{}", banked_as("py_sess_")),
        format!("{SESSIONS}/{}", text(&banked["id"])),
        format!("{SESSIONS}/{}", own_id(&mine)),
        format!("{SESSIONS}/{}", text(&mine["transaction"])),
        format!("/v1/transactions/{}", banked_as("txn_")),
        format!("/v1/transactions/{}", text(&mine["id"])),
        format!("/v1/refunds/{}", base62(&banked_refund["id"])),
        format!("/v1/refunds/re_{}", base62(&banked_refund["id"])),
        format!("/v1/refunds/{}", text(&banked_refund["id"])),
        format!("/v2/payment_sessions/{}", own_id(&mine)),
        format!("/v2/payment_sessions/{}/events", own_id(&mine)),
        format!("/v2/payment_sessions/{}", text(&mine["id"])),
        format!("/api/v2/payment_sessions/{}", own_id(&mine)),
        "/v1/payment_sessions/py_sess_".to_owned(),
        "/v1/nothing".to_owned(),
        "/v1/".to_owned(),
    ] {
        not_there.push((demo, Method::GET, path));
    }
    not_there.push((demo, Method::POST, format!("{SESSIONS}/{}/cancel", banked_as("py_sess_"))));
    not_there.push((demo, Method::POST, format!("/v2/payment_sessions/{}/cancel", own_id(&mine))));
    not_there.push((demo, Method::DELETE, format!("/v2/payment_sessions/{}", own_id(&mine))));
    for (secret, method, path) in &not_there {
        let answer = asked(secret, method.clone(), path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.text);
        if path.starts_with("/v1/") {
            assert_eq!(
                (&answer.body["error"]["type"], &answer.body["status"]),
                (&json!("invalid_request"), &json!(404)),
                "{path}"
            );
        } else {
            assert_eq!(answer.code(), "not_found", "{path}");
        }
    }
    // Nor can it be refunded.
    for (secret, transaction) in
        [(other.as_str(), text(&mine["transaction"])), (demo, banked_as("txn_")), (demo, "txn_x".to_owned())]
    {
        let answer = asked(secret, Method::POST, "/v1/refunds", &json!({ "transaction": transaction })).await;
        assert_eq!((answer.status, &answer.body["error"]["param"]), (StatusCode::NOT_FOUND, &json!("transaction")));
    }
    let refused = world.ask_refund(&json!({ "id": own_id(&mine) }), json!({})).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
    // Another's customers, and one of the other mode.
    for customer in [customer_of(&world, "other", Mode::Test).await, customer_of(&world, "demo", Mode::Live).await] {
        let answer = post(&world, SESSIONS, &least(&customer)).await;
        let said = (answer.status, &answer.body["error"]["param"], &answer.body["error"]["message"]);
        let message = json!("customer names nothing that is yours");
        assert_eq!(said, (StatusCode::NOT_FOUND, &json!("customer"), &message));
    }
    // What lists have is their own format's.
    let listed = get(&world, SESSIONS).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let listed = answer(world.demo(Method::GET, "/v2/payment_sessions")).await.body;
    assert!(listed["data"].as_array().unwrap().iter().all(|session| session["id"] != json!(own_id(&mine))), "{listed}");
    // Without credentials, and without the scope.
    let nobody = answer(world.request(Method::GET, SESSIONS)).await;
    assert_eq!((nobody.status, &nobody.body["status"]), (StatusCode::UNAUTHORIZED, &json!(401)));
    assert!(nobody.headers.contains_key("www-authenticate"));
    for path in [SESSIONS, "/v1/refunds"] {
        let narrow = asked(&narrow, Method::POST, path, &json!({})).await;
        assert_eq!((narrow.status, &narrow.body["status"]), (StatusCode::FORBIDDEN, &json!(403)), "{}", narrow.text);
    }
    let wrong = asked(demo, Method::DELETE, &session_path, &json!({})).await;
    assert_eq!((wrong.status, &wrong.body["status"]), (StatusCode::METHOD_NOT_ALLOWED, &json!(405)));
    assert_eq!(wrong.headers["allow"], "GET, HEAD");
}

#[tokio::test]
async fn a_session_that_pays_a_refund_is_not_shown_as_a_payment() {
    let world = World::start().await;
    let paid = paid(&world, &least(&customer(&world).await)).await;
    let refund = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"] })).await.body;
    let id = models::RefundId::from_base62(text(&refund["id"]).strip_prefix("re_").unwrap()).unwrap();
    let stored = store::Refunds::new(world.table()).get(&id).await.unwrap().unwrap();
    let payment = stored.payment_session_id.unwrap();
    for path in
        [format!("{SESSIONS}/py_sess_{}", payment.to_base62()), format!("/v1/transactions/txn_{}", payment.to_base62())]
    {
        assert_eq!(answer(demo(&world, Method::GET, &path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let cancel = format!("{SESSIONS}/py_sess_{}/cancel", payment.to_base62());
    assert_eq!(post(&world, &cancel, &json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&world, &format!("/v1/refunds/{}", text(&refund["id"]))).await["status"], "pending");
    world.settled().await;
    for path in [SESSIONS, "/v1/transactions"] {
        let list = get(&world, path).await;
        assert_eq!((list["data"].as_array().unwrap().len(), &list["count"]), (1, &json!(1)), "{list}");
    }
    let events = answer(world.demo(Method::GET, "/v2/events")).await.body;
    let of_payment =
        events["data"].as_array().unwrap().iter().filter(|event| text(&event["id"]).contains(&payment.to_base62()));
    assert_eq!(of_payment.count(), 0);
}

#[tokio::test]
async fn a_format_that_is_switched_off_creates_nothing_and_serves_what_is_there() {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".into(), "banked".into());
    })
    .await;
    let request = least(&customer(&world).await);
    let off = post(&world, SESSIONS, &request).await;
    assert_eq!((off.status, &off.body["error"]["param"]), (StatusCode::NOT_FOUND, &json!(null)), "{}", off.text);
    assert_eq!(get(&world, SESSIONS).await["data"], json!([]));
    world.create().await;
    let only = World::start_with(|config| {
        config.parameters.insert("Formats".into(), "yorlet".into());
    })
    .await;
    let off = answer(only.demo(Method::POST, "/v2/payment_sessions").json(&tests::document_1())).await;
    assert_eq!((off.status, off.code()), (StatusCode::NOT_FOUND, "not_found"));
    let request = least(&customer(&only).await);
    create(&only, &request).await;
}

#[tokio::test]
async fn paths_end_in_a_slash_or_not_and_others_are_refused_in_the_formats_shape() {
    let world = World::start().await;
    let request = least(&customer(&world).await);
    let session = post(&world, &format!("{SESSIONS}/"), &request).await;
    assert_eq!(session.status, StatusCode::OK, "{}", session.text);
    let id = text(&session.body["id"]);
    for path in [format!("{SESSIONS}/"), format!("{SESSIONS}/{id}/")] {
        get(&world, &path).await;
        let head = answer(demo(&world, Method::HEAD, &path)).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
    }
    for (method, path, status, allow) in [
        (Method::GET, "/v1/nothing".to_owned(), 404, None),
        (Method::POST, "/v1/nothing".to_owned(), 404, None),
        (Method::GET, format!("{SESSIONS}/{id}/cancel"), 405, Some("POST")),
        (Method::PUT, SESSIONS.to_owned(), 405, Some("GET, HEAD, POST")),
        (Method::PATCH, format!("{SESSIONS}/{id}"), 405, Some("GET, HEAD")),
        (Method::POST, "/v1/transactions".to_owned(), 405, Some("GET, HEAD")),
        (Method::DELETE, format!("/v1/refunds/re_{}", "0".repeat(22)), 405, Some("GET, HEAD")),
    ] {
        let refused = answer(demo(&world, method.clone(), &path)).await;
        assert_eq!((refused.status.as_u16(), &refused.body["status"]), (status, &json!(status)), "{method} {path}");
        assert_eq!(refused.body["error"]["type"], "invalid_request", "{}", refused.text);
        assert_eq!(refused.headers.get("allow").map(|value| value.to_str().unwrap()), allow, "{method} {path}");
    }
}
