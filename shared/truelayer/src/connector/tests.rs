use models::{AccountIdentifier, Currency, MinorUnits, Mode, PayerKind, PaysRefund};
use outbound::Policy;
use providers::Availability;
use serde_json::json;
use url::Url;

use super::*;
use crate::client::tests::{Log, asked, credentials, server, token};
use crate::hosts::Hosts;

const PAYMENT: &str = "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f";
const REFUND: &str = "f61c0ec7-0f83-414e-8e5f-aace86e0ed35";

/// TrueLayer's sandbox, which gives a token and then these answers.
async fn truelayer(answers: Vec<(u16, Value)>) -> (TrueLayer, Log) {
    let (url, log) = server([vec![token("quiet")], answers].concat()).await;
    (TrueLayer::new(settings(&url), credentials(), Clock::System).unwrap(), log)
}

fn settings(url: &Url) -> Settings {
    Settings {
        hosts: Hosts::at(url),
        policy: Policy { loopback_allowed: true },
        merchant_accounts: format!("demo:EUR={REFUND}").parse().unwrap(),
        ..Settings::of(Environment::Sandbox)
    }
}

fn at_bank(truelayer: &TrueLayer) -> AtBank {
    truelayer.at(&"truelayer.ob-monzo".parse().unwrap()).unwrap()
}

fn session() -> Session {
    Session { payer: Some(samples::payer(samples::PAYER_NAME, samples::PAYER_EMAIL)), ..samples::session() }
}

fn in_euros() -> Session {
    let mut session = session();
    session.amount = Money::new(MinorUnits::new(400), Currency::EUR);
    session.payee.account = AccountIdentifier::Iban { iban: samples::text("FR1420041010050500013M02606") };
    session
}

/// An attempt at this session, whose id is recorded or not.
fn attempt(connector: &AtBank, session: &Session, payment_id: Option<&str>) -> PaymentAttempt {
    let at_consent = AtConsent {
        begun_at: samples::NOW,
        request: connector.begin_request(session, 1),
        payment_id: payment_id.map(|id| id.parse().unwrap()),
        transfer: None,
    };
    PaymentAttempt {
        bank: "truelayer.ob-monzo".parse().unwrap(),
        at_consent: Some(at_consent),
        ..samples::attempt(session.id, 1)
    }
}

fn created() -> (u16, Value) {
    let user = json!({ "id": REFUND });
    (201, json!({ "id": PAYMENT, "user": user, "resource_token": "quiet", "status": "authorization_required" }))
}

fn payment(status: &str) -> (u16, Value) {
    let beneficiary = json!({ "type": "external_account" });
    (200, json!({ "id": PAYMENT, "status": status, "payment_method": { "beneficiary": beneficiary } }))
}

fn failed(reason: &str) -> (u16, Value) {
    (200, json!({ "id": PAYMENT, "status": "failed", "failure_stage": "authorizing", "failure_reason": reason }))
}

fn accepted() -> (u16, Value) {
    (202, Value::Null)
}

fn refused(status: u16) -> (u16, Value) {
    (status, json!({ "title": "Invalid State", "status": status }))
}

#[tokio::test]
async fn what_a_payer_may_choose_has_a_connector() {
    let (truelayer, _) = truelayer(vec![]).await;
    let bank = |id: &str| truelayer.at(&id.parse().unwrap()).map(|at_bank| at_bank.bank);
    assert_eq!(bank("truelayer"), Some(None));
    assert_eq!(bank("truelayer.ob-monzo"), Some(Some("ob-monzo".to_owned())));
    assert_eq!(bank("truelayer.a.b"), Some(Some("a.b".to_owned())));
    for other in ["mock-bank", "truelayers", "truelayer-x", "a.truelayer"] {
        assert_eq!(bank(other), None, "{other}");
    }
    assert_eq!(truelayer.environment(), Environment::Sandbox);
    assert!(!format!("{truelayer:?}").contains("quiet"));
}

#[tokio::test]
async fn an_attempt_is_begun_by_its_recorded_bytes_and_leads_to_the_page_and_back() {
    let (truelayer, log) = truelayer(vec![created(), created()]).await;
    let (connector, session) = (at_bank(&truelayer), session());
    let request = connector.begin_request(&session, 1);
    assert_eq!(request, connector.begin_request(&session, 1));
    let begun = connector.begin(&session, 1, &request).await.unwrap();
    assert_eq!(begun, connector.begin(&session, 1, &request).await.unwrap());
    assert_eq!(begun.payment_id, Some(PAYMENT.parse().unwrap()));
    assert_eq!(begun.provider_state, "");
    let Next::Redirect(link) = begun.next else { panic!("it has a page") };
    let way_back = "return_uri=http%3A%2F%2Fpay.example%2Fproviders%2Ftruelayer%2Freturn";
    assert!(link.reveal().ends_with(way_back), "the way back is to {}", session.base_url);
    assert!(link.reveal().contains(&format!("/payments#payment_id={PAYMENT}&resource_token=quiet&")));
    let log = log.lock().unwrap();
    for received in &log[1..] {
        assert_eq!((received.asked.as_str(), &received.body), ("POST /v3/payments", &request.body));
        assert_eq!(received.headers["idempotency-key"], request.idempotency_key);
    }
}

#[tokio::test]
async fn a_begin_that_is_refused_never_happened_and_any_other_that_fails_may_have() {
    for (answer, is_refused) in [
        (refused(400), true),
        (refused(422), true),
        (refused(429), false),
        (refused(503), false),
        ((201, json!({ "id": PAYMENT })), false),
    ] {
        let (truelayer, _) = truelayer(vec![answer.clone()]).await;
        let (connector, session) = (at_bank(&truelayer), session());
        let error = connector.begin(&session, 1, &connector.begin_request(&session, 1)).await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::Refused(_)), is_refused, "{answer:?}");
    }
}

#[tokio::test]
async fn the_status_is_that_of_the_recorded_payment_or_of_the_one_that_its_request_made() {
    let (truelayer, log) = truelayer(vec![payment("authorized"), created(), payment("executed")]).await;
    let (connector, session) = (at_bank(&truelayer), session());
    let recorded = attempt(&connector, &session, Some(PAYMENT));
    assert_eq!(connector.status(&session, &recorded, samples::NOW).await.unwrap(), Status::Accepted);
    let lost = attempt(&connector, &session, None);
    let settled = Status::Settled(PaidFrom::Undisclosed);
    assert_eq!(connector.status(&session, &lost, samples::NOW).await.unwrap(), settled);
    let get = format!("GET /v3/payments/{PAYMENT}");
    assert_eq!(asked(&log)[1..], [get.clone(), "POST /v3/payments".to_owned(), get]);
}

#[tokio::test]
async fn a_payment_that_is_not_there_is_unknown_and_one_by_its_id_says_nothing_of_the_payer() {
    let source = json!({
        "account_holder_name": "MR G WILEY",
        "account_identifiers": [{ "type": "sort_code_account_number", "sort_code": "010203", "account_number": "12345678" }],
    });
    let settled = json!({ "status": "settled", "currency": "GBP", "payment_source": source });
    let (truelayer, _) = truelayer(vec![refused(404), (200, settled), refused(404), refused(500)]).await;
    let (connector, id) = (at_bank(&truelayer), PAYMENT.parse().unwrap());
    assert_eq!(connector.status_by_id(&id, samples::NOW).await.unwrap(), Status::Unknown);
    let status = connector.status_by_id(&id, samples::NOW).await.unwrap();
    assert_eq!(status, Status::Settled(PaidFrom::Undisclosed));
    let refund = connector.refund_status(&id, &REFUND.parse().unwrap(), samples::NOW).await.unwrap();
    assert_eq!(refund, RefundStatus::Unknown);
    let error = connector.status_by_id(&id, samples::NOW).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable(_)));
}

#[tokio::test]
async fn a_payment_is_known_to_its_own_client_alone() {
    let (truelayer, log) = truelayer(vec![payment("failed"), refused(404), refused(403), refused(500)]).await;
    let id = PAYMENT.parse().unwrap();
    assert!(truelayer.knows_payment(&id).await.unwrap());
    assert!(!truelayer.knows_payment(&id).await.unwrap());
    for _ in [403, 500] {
        assert!(truelayer.knows_payment(&id).await.is_err());
    }
    assert_eq!(asked(&log)[1], format!("GET /v3/payments/{PAYMENT}"));
}

/// It says what TrueLayer is to be asked, in the words of one with credentials, and asks for nothing.
#[tokio::test]
async fn without_credentials_a_refund_is_put_into_words_and_nothing_is_sent() {
    let (url, log) = server(vec![token("quiet")]).await;
    let with = at_bank(&TrueLayer::new(settings(&url), credentials(), Clock::System).unwrap());
    let without = at_bank(&TrueLayer::unasked(settings(&url), Clock::System).unwrap());
    let (session, refund_id) = (in_euros(), RefundId::new(samples::uuid()));
    let attempt = attempt(&with, &session, Some(PAYMENT));
    let request = without.refund_request(&session, &attempt, refund_id, session.amount).unwrap();
    assert_eq!(Some(&request), with.refund_request(&session, &attempt, refund_id, session.amount).as_ref());
    let asked_for = without.refund(&PAYMENT.parse().unwrap(), &request, samples::NOW).await;
    assert!(matches!(asked_for, Err(ProviderError::Unreachable(_))), "{asked_for:?}");
    assert_eq!(asked(&log), [""; 0]);
}

#[tokio::test]
async fn the_status_says_what_became_of_cancelling() {
    let too_late = Cancellation::TooLate;
    for (answers, expected) in [
        (vec![accepted(), failed("canceled")], Ok(Cancellation::Yes)),
        (vec![accepted(), payment("authorizing"), failed("canceled")], Ok(Cancellation::Yes)),
        (vec![refused(400), failed("expired")], Ok(Cancellation::Yes)),
        (vec![refused(400), payment("authorized")], Ok(too_late(Status::Accepted))),
        (vec![accepted(), payment("executed")], Ok(too_late(Status::Settled(PaidFrom::Undisclosed)))),
        (
            vec![refused(400), failed("insufficient_funds")],
            Ok(too_late(Status::Refused(models::DeclineReason::InsufficientFunds))),
        ),
        (vec![refused(400), payment("authorizing")], Err("the provider refused the request")),
        (vec![refused(503)], Err("the provider could not be reached")),
        (vec![accepted(), refused(503)], Err("the provider could not be reached")),
        ([vec![accepted()], vec![payment("authorizing"); 4]].concat(), Err("the provider could not be reached")),
    ] {
        let (count, (truelayer, log)) = (answers.len(), truelayer(answers).await);
        let (connector, session) = (at_bank(&truelayer), session());
        let attempt = attempt(&connector, &session, Some(PAYMENT));
        let cancelled = connector.cancel(&session, &attempt, samples::NOW).await;
        assert_eq!(cancelled.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
        let log = log.lock().unwrap();
        assert_eq!(log.len(), 1 + count, "each answer was asked for");
        assert_eq!(log[1].asked, format!("POST /v3/payments/{PAYMENT}/actions/cancel"));
        assert!(log[1].headers.contains_key("tl-signature") && log[1].body.is_empty());
        assert_ne!(log[1].headers["idempotency-key"], attempt.at_consent.unwrap().request.idempotency_key);
    }
}

#[tokio::test]
async fn what_came_into_a_merchant_account_can_be_refunded() {
    let answers = vec![(202, json!({ "id": REFUND })), refused(400), refused(422), (202, json!({}))];
    let (truelayer, log) = truelayer(answers).await;
    let connector = at_bank(&truelayer);
    let refund_id = RefundId::new(samples::uuid());
    let ask = |session: &Session, id: Option<&str>| {
        let attempt = attempt(&connector, session, id);
        connector.refund_request(session, &attempt, refund_id, session.amount)
    };
    assert_eq!(ask(&session(), Some(PAYMENT)), None, "it went to an account of the payee's");
    assert_eq!(ask(&in_euros(), None), None, "it was never paid");
    let request = ask(&in_euros(), Some(PAYMENT)).unwrap();
    let id = PAYMENT.parse().unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(connector.refund(&id, &request, samples::NOW).await.map_err(|error| error.to_string()));
    }
    let expected = [
        Ok(RefundAnswer::Accepted(REFUND.parse().unwrap())),
        Ok(RefundAnswer::Refused(RefundRefusal::ByProvider)),
        // The key is another request's: that says nothing of this one.
        Err("the provider refused the request".to_owned()),
        Err("the provider could not be reached".to_owned()),
    ];
    assert_eq!(outcomes, expected);
    let log = log.lock().unwrap();
    assert_eq!(log[1].asked, format!("POST /v3/payments/{PAYMENT}/refunds"));
    assert_eq!(log[1].body, request.body);
}

#[tokio::test]
async fn what_pays_a_refund_goes_to_the_customer() {
    let (truelayer, _) = truelayer(vec![]).await;
    let (connector, session) = (at_bank(&truelayer), in_euros());
    let into_merchant_account = |session: &Session| pays_into_merchant_account(&connector.begin_request(session, 1));
    assert!(into_merchant_account(&session));
    let pays_refund = PaysRefund { refund_id: RefundId::new(samples::uuid()), session_id: session.id };
    assert!(!into_merchant_account(&Session { pays_refund: Some(pays_refund), ..session }));
}

#[tokio::test]
async fn nothing_is_submitted() {
    let (truelayer, _) = truelayer(vec![]).await;
    let (connector, session) = (at_bank(&truelayer), session());
    let attempt = attempt(&connector, &session, Some(PAYMENT));
    assert_eq!(connector.moves_money(), MovesMoney::AtConsent);
    assert_eq!(connector.link_lasts(), Some(SignedDuration::from_mins(10)));
    assert_eq!((connector.repeats_within(), connector.takes_back()), (Some(SignedDuration::from_hours(24)), false));
    assert_eq!(connector.prepare(&session, &attempt, samples::NOW), None);
    let error = connector.submit(&session, &attempt, &samples::submission(samples::NOW), samples::NOW).await;
    assert!(matches!(error, Err(ProviderError::Refused(_))));
    let unsigned = RawEvent { method: "POST", path: "/", headers: &[], body: b"{}", now: samples::NOW };
    assert!(matches!(connector.read_event(&unsigned).await, Err(EventRefusal::NotGenuine(_))));
}

fn banks() -> (u16, Value) {
    let bank = |id: &str, country: &str| json!({ "id": id, "display_name": id, "country_code": country });
    (200, json!({ "items": [bank("ob-monzo", "GB"), bank("ob-starling", "GB")] }))
}

const WANTED: Wanted<'static> = Wanted {
    mode: Mode::Test,
    method: PaymentMethod::PayByBank,
    currency: Currency::GBP,
    country: None,
    payers: None,
    provider: None,
};

async fn offered(truelayer: &TrueLayer, wanted: &Wanted<'_>, payer: Option<&Payer>) -> Vec<String> {
    let offers = truelayer.offers(wanted, payer).await;
    for offer in &offers {
        assert_eq!(offer.note.as_deref(), Some("TrueLayer’s sandbox: no money moves."));
        assert_eq!((offer.method, offer.availability), (PaymentMethod::PayByBank, Availability::Available));
    }
    offers.iter().map(|offer| offer.id.to_string()).collect()
}

#[tokio::test]
async fn its_banks_are_offered_and_asked_for_once() {
    let (truelayer, log) = truelayer(vec![banks()]).await;
    let payer = samples::payer("Gerald Wiley", "gerald.wiley@example.com");
    let all = ["truelayer.ob-monzo", "truelayer.ob-starling"];
    assert_eq!(offered(&truelayer, &WANTED, Some(&payer)).await, all);
    assert_eq!(offered(&truelayer, &WANTED, None).await, all);
    let named: BankId = "truelayer.ob-starling".parse().unwrap();
    assert_eq!(offered(&truelayer, &Wanted { provider: Some(&named), ..WANTED }, None).await, [named.as_str()]);
    let country = Some("GB".parse().unwrap());
    assert_eq!(offered(&truelayer, &Wanted { country, ..WANTED }, None).await, all);
    assert_eq!(asked(&log), ["POST /connect/token", "POST /v3/payments-providers/search"]);
    let body: Value = serde_json::from_str(&log.lock().unwrap()[1].body).unwrap();
    assert_eq!(body["currencies"], json!(["GBP"]));
}

#[tokio::test]
async fn itself_is_offered_where_it_is_named_or_its_banks_can_not_be_had() {
    let nobody = vec![(200, json!({ "items": [] })), refused(503)];
    let (truelayer, log) = truelayer(nobody).await;
    let itself = "truelayer".parse().unwrap();
    assert_eq!(offered(&truelayer, &Wanted { provider: Some(&itself), ..WANTED }, None).await, ["truelayer"]);
    assert_eq!(asked(&log), Vec::<String>::new());
    assert_eq!(offered(&truelayer, &WANTED, None).await, ["truelayer"]);
    let corporate = Wanted { payers: Some(PayerKind::Corporate), ..WANTED };
    assert_eq!(offered(&truelayer, &corporate, None).await, ["truelayer"]);
    // One bank is wanted, and whether it is there can't be said.
    let named: BankId = "truelayer.ob-monzo".parse().unwrap();
    let empty: [&str; 0] = [];
    assert_eq!(offered(&truelayer, &Wanted { provider: Some(&named), ..WANTED }, None).await, empty);
}

#[tokio::test]
async fn nothing_is_offered_that_can_not_be_paid_there() {
    let (truelayer, log) = truelayer(vec![]).await;
    let unreachable = Payer { name: samples::name("Ada"), email: None, phone: Some(samples::text("020 7946 0999")) };
    let (mock, country) = ("mock-bank".parse().unwrap(), Some("FR".parse().unwrap()));
    for (wanted, payer) in [
        (Wanted { mode: Mode::Live, ..WANTED }, None),
        (Wanted { method: PaymentMethod::Card, ..WANTED }, None),
        (Wanted { currency: Currency::SEK, ..WANTED }, None),
        (Wanted { country, ..WANTED }, None),
        // What is opened there might be paid for ever.
        (Wanted { currency: Currency::EUR, country, ..WANTED }, None),
        (Wanted { provider: Some(&mock), ..WANTED }, None),
        (WANTED, Some(&unreachable)),
    ] {
        assert!(truelayer.offers(&wanted, payer).await.is_empty(), "{wanted:?}");
    }
    assert_eq!(asked(&log), Vec::<String>::new());
}
