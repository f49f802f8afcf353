//! Cards: a number is read, compared and dropped, and money that was taken back is noted.

use models::{PaymentMethod, PaymentMethods, Session};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Payer, Receiver, World, answer, page, text};

/// A session that can be paid by card, with a payer who gets a receipt, and the way to the provider's page.
async fn by_card(world: &World) -> (Value, String, String) {
    let session = world.create_from(&with_receipt()).await;
    offer_cards(world, &session).await;
    let payer = world.payer(&session);
    payer.identify().await;
    let (path, token) = to_provider(&payer, 1).await;
    (session, path, token)
}

fn with_receipt() -> Value {
    let mut order = tests::document_1();
    order["email_receipt"] = true.into();
    order["retry"] = true.into();
    order
}

/// The session as another format would have stored it.
async fn offer_cards(world: &World, session: &Value) {
    let methods = PaymentMethods::new(vec![PaymentMethod::Card, PaymentMethod::PayByBank]).unwrap();
    let names: Vec<Value> = methods.as_slice().iter().map(|method| json!({ "S": method.as_str() })).collect();
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET payment_methods = :methods",
        "ExpressionAttributeValues": { ":methods": { "L": names } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

async fn to_provider(payer: &Payer<'_>, attempt: u8) -> (String, String) {
    payer.choose("mock-card", attempt).await;
    let link = payer.link(attempt).await;
    let (path, token) = link.split_once("?token=").unwrap();
    (path.to_owned(), token.to_owned())
}

async fn stored(world: &World, session: &Value) -> Session {
    store::Sessions::new(world.table()).get(&text(&session["id"]).parse().unwrap()).await.unwrap().unwrap()
}

/// Sixteen digits that stand nowhere and pass the check that real numbers pass (ISO/IEC 7812-1, annex B).
fn number() -> String {
    let mut digits: Vec<u32> = "4".chars().filter_map(|digit| digit.to_digit(10)).collect();
    let random = uuid::Uuid::new_v4().as_u128();
    digits.extend((0..14).map(|position| u32::try_from((random >> (position * 8)) % 10).unwrap()));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, digit)| if position % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect()
}

#[tokio::test]
async fn a_number_that_was_typed_is_found_nowhere() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/hooks"), json!({})).await;
    let number = number();
    let (plain, grouped) =
        (number.clone(), format!("{} {} {} {}", &number[..4], &number[4..8], &number[8..12], &number[12..]));
    let (session, path, token) = by_card(&world).await;
    let mut answers = Vec::new();
    let mut send = async |form: &[(&str, &str)]| {
        let mut form = form.to_vec();
        form.push(("token", &token));
        let answer = page(world.request(Method::POST, &path).form(&form)).await;
        answers.push(format!("{:?} {:?} {}", answer.headers, answer.location, answer.html));
        answer.status
    };
    for number in [&plain, &grouped] {
        // As one that succeeds, in every field, with a field too many or too few, and twice.
        let right = [("act", "pay"), ("number", number), ("expiry", "12/40"), ("cvc", "123"), ("name", "Ada Payer")];
        assert_eq!(send(&right).await, StatusCode::UNPROCESSABLE_ENTITY);
        let everywhere = [("act", "pay"), ("number", number), ("expiry", number), ("cvc", number), ("name", number)];
        assert_eq!(send(&everywhere).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&[("act", "pay"), ("name", number), (number, number)]).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&[("act", number), ("number", number)]).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&[("act", "pay"), ("number", number), ("number", number)]).await, StatusCode::BAD_REQUEST);
        assert_eq!(send(&[("act", "pay"), ("token", number), ("number", number)]).await, StatusCode::BAD_REQUEST);
    }
    // Not a form at all, and more than is read.
    for (kind, body) in [
        ("application/json", format!("{{\"number\":\"{plain}\"}}")),
        ("application/x-www-form-urlencoded", format!("number={plain}&name=%FF{plain}")),
        ("application/x-www-form-urlencoded", format!("number={}", plain.repeat(2_000))),
    ] {
        let request = world.request(Method::POST, &path).header("content-type", kind).body(body);
        let answer = page(request).await;
        assert!(answer.status.is_client_error());
        answers.push(format!("{:?} {}", answer.headers, answer.html));
    }
    // As the link's token, and where no card is asked for.
    for request in [
        world.request(Method::GET, &format!("{path}?token={plain}")),
        world.request(Method::GET, &format!("{path}?token={token}&number={plain}")),
        world.request(Method::POST, &format!("/checkout/{}/bank", text(&session["id"]))).form(&[("bank", &plain)]),
    ] {
        let answer = page(request).await;
        answers.push(format!("{:?} {}", answer.headers, answer.html));
    }
    // The same holder then pays with a card that is accepted.
    let card = [("number", "4242424242424242"), ("expiry", "12/40"), ("cvc", "123"), ("name", "Ada Payer")];
    let paid =
        page(world.request(Method::POST, &path).form(&[&card[..], &[("act", "pay"), ("token", &token)]].concat()))
            .await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER);
    world.payer(&session).come_back().await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
    let receipt = format!("{mails:?}");
    assert!(receipt.contains("Visa ending 4242"), "{receipt}");
    let table = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    let api = answer(world.demo(Method::GET, "/v2/payment_sessions")).await.text;
    let webhooks: Vec<String> = receiver.received().iter().map(|received| format!("{received:?}")).collect();
    assert!(!webhooks.is_empty());
    let logs: Vec<String> = world.machine.logs().into_iter().map(|line| line.text).collect();
    assert!(logs.iter().any(|line| line.contains("recorded")));
    for (place, found) in [
        ("an answer", answers.join("\n")),
        ("the table", table.to_string()),
        ("the API", api),
        ("a mail", receipt),
        ("a webhook", webhooks.join("\n")),
        ("a log", logs.join("\n")),
    ] {
        for spelling in
            [&plain, &grouped, &grouped.replace(' ', "+"), &grouped.replace(' ', "%20"), &number[..12].to_owned()]
        {
            assert!(!found.contains(spelling.as_str()), "the number is in {place}");
        }
    }
    // Nor is anything kept of a card that is accepted but this.
    let session = stored(&world, &session).await;
    assert_eq!(session.card.unwrap().last_four.as_str(), "4242");
    for kept in ["4242424242424242", "4242 4242", "12/40"] {
        assert!(!table.to_string().contains(kept), "{kept}");
    }
}

#[tokio::test]
async fn a_dispute_is_noted_counted_and_ends_refunding() {
    let world = World::with_webhooks().await;
    let (session, path, token) = by_card(&world).await;
    let send = async |form: &[(&str, &str)]| {
        page(world.request(Method::POST, &path).form(&[form, &[("token", token.as_str())]].concat())).await
    };
    let card = [("act", "pay"), ("number", "4000000000000259"), ("expiry", "12/40"), ("cvc", "123"), ("name", "Ada")];
    assert_eq!(send(&card).await.status, StatusCode::SEE_OTHER);
    // By the provider's webhook alone.
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent", "{:#?}", world.machine.logs());
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
    let refund = world.refund(&session, 100).await;
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment", "made at the provider");
    assert_eq!(send(&[("act", "dispute")]).await.status, StatusCode::SEE_OTHER);
    let noted = stored(&world, &session).await;
    assert_eq!((noted.state.as_str(), noted.taken_back.unwrap().reason.as_str()), ("sent", "chargeback"));
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 0);
    let refused = world.ask_refund(&session, json!({ "amount": 1 })).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "invalid_action"), "{}", refused.text);
    // Once more is as once.
    send(&[("act", "dispute")]).await;
    assert_eq!(stored(&world, &session).await.taken_back, noted.taken_back);
    world.settled().await;
    let logs = world.machine.logs();
    assert_eq!(logs.iter().filter(|line| line.text.contains("money was taken back")).count(), 1, "{logs:#?}");
    assert!(logs.iter().any(|line| line.text.contains("MoneyTakenBack")), "{logs:#?}");
}
