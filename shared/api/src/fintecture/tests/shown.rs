//! A session as it is shown: all that was sent of it, how it stands, and what is left once personal data is removed.

use models::{
    AccountIdentifier, BankId, Currency, Extra, MinorUnits, Money, Payee, PaymentMethod, PaymentMethods, Received,
    Session, SessionEvent as E, TransferInstructions,
};
use samples::{NOW, later, name, session, session_after, text};
use serde_json::{Value, json};

use super::super::created::CreatedView;
use super::super::session::SessionView;

const ID: &str = "00000000000000000000000000000007";

fn value(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap()
}

fn shown(session: &Session) -> Value {
    value(&SessionView::new(session, NOW))
}

fn with_extra(extra: &Value, session: Session) -> Session {
    Session { extra: Some(Extra::new(extra.to_string()).unwrap()), ..session }
}

/// Everything that only this format keeps.
fn everything() -> Value {
    json!({
        "kind": "request_to_pay",
        "state": "order 7",
        "with_beneficiary": true,
        "with_virtual_beneficiary": false,
        "psu_type": "corporate",
        "country": "FR",
        "provider": "ftecfr",
        "data_type": "SEPA",
        "attributes": {
            "amount": "149.3",
            "beneficiary": {
                "name": "Bright Candles", "iban": "FR7630006000011234567890189", "swift_bic": "AGRIFRPP",
                "bank_name": "A bank", "street": "Rue des Bougies", "number": "7", "zip": "75002", "city": "Paris",
                "country": "FR",
            },
            "end_to_end_id": "E2E-7",
            "execution_date": "2026-12-01",
            "scheme": "SEPA",
            "external_reference": "ext-7",
            "debited_account_id": "FR7630006000011234567890189",
            "debited_account_type": "iban",
            "net_amount": "124.42",
        },
        "meta": {
            "psu_phone": "601020304",
            "psu_phone_prefix": "+33",
            "psu_company": "Wiley SARL",
            "psu_form": "SARL",
            "psu_incorporation": "1985",
            "psu_address": {
                "street": "Rue du Nord", "number": "12", "complement": "Bis", "zip": "75010", "city": "Paris",
                "country": "FR",
            },
            "psu_ip": "203.0.113.7",
            "cc": ["cc@shop.example"],
            "bcc": ["bcc@shop.example"],
            "custom": { "order": 7, "price": 1.50 },
            "method": "email",
            "expiry": "86400",
            "due_date": 3600,
            "payment_methods": [{ "id": "smart_transfer", "order": 1 }, { "id": "immediate_transfer" }],
            "reconciliation": { "level": "key", "key": "INV-7", "match_amount": true },
        },
    })
}

/// A session of €149.30 with [`everything`].
fn full() -> Session {
    let methods = vec![PaymentMethod::BankTransfer, PaymentMethod::PayByBank];
    let session = Session {
        amount: Money::new(MinorUnits::new(14_930), Currency::EUR),
        description: Some(text("Order 7")),
        locale: Some(text("fr")),
        success_url: Some(text("https://shop.example/back")),
        cancel_url: Some(text("https://shop.example/basket")),
        payment_methods: PaymentMethods::new(methods).unwrap(),
        ..session_after(&[E::PayerIdentified])
    };
    with_extra(&everything(), session)
}

#[test]
fn all_that_was_sent_is_given_back() {
    let sent = everything();
    let mut meta = json!({
        "session_id": ID,
        "status": "provider_required",
        "code": 200,
        "type": "RequestToPay",
        "created_at": models::stamp(NOW),
        "expires_at": models::stamp(later(86_400)),
        "language": "fr",
        "redirect_uri": "https://shop.example/back",
        "origin_uri": "https://shop.example/basket",
        "psu_name": samples::PAYER_NAME,
        "psu_email": samples::PAYER_EMAIL,
    });
    for name in
        ["state", "with_beneficiary", "with_virtual_beneficiary", "psu_type", "country", "provider", "data_type"]
    {
        meta[name] = sent[name].clone();
    }
    meta.as_object_mut().unwrap().extend(sent["meta"].as_object().unwrap().clone());
    let mut attributes = sent["attributes"].clone();
    (attributes["currency"], attributes["communication"]) = (json!("EUR"), json!("Order 7"));
    let data = json!({ "id": ID, "type": "RequestToPay", "attributes": attributes });
    assert_eq!(shown(&full()), json!({ "meta": meta, "data": data }));
    // The merchant's own object is not read, so that its numbers stay as they were written.
    let kept = everything().to_string().replace(r#""price":1.5"#, r#""price":1.50"#);
    let session = Session { extra: Some(Extra::new(kept).unwrap()), ..full() };
    let text = serde_json::to_string(&SessionView::new(&session, NOW)).unwrap();
    assert!(text.contains(r#""price":1.50"#), "{text}");
}

#[test]
fn what_was_not_sent_is_left_out() {
    let beneficiary = json!({ "name": "Bright Candles Ltd", "sort_code": "010203", "account_number": "12345678" });
    let plain = session();
    let attributes = json!({
        "amount": "4.00",
        "currency": "GBP",
        "end_to_end_id": plain.end_to_end_id.to_hex(),
        "beneficiary": beneficiary,
    });
    let meta = json!({
        "session_id": ID,
        "status": "provider_required",
        "code": 200,
        "type": "PayByBank",
        "created_at": models::stamp(NOW),
        "expires_at": models::stamp(later(86_400)),
        "redirect_uri": "https://shop.example/thanks?order=7",
        "payment_methods": [{ "id": "immediate_transfer" }],
    });
    assert_eq!(
        shown(&plain),
        json!({ "meta": meta, "data": { "id": ID, "type": "PayByBank", "attributes": attributes } })
    );
}

#[test]
fn how_a_payment_stands_is_said_in_each_of_its_places() {
    let paid = session_after(&[E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled]);
    let said = shown(&Session { received: Some(Received { total: MinorUnits::new(401), at: NOW }), ..paid });
    assert_eq!([&said["meta"]["status"], &said["meta"]["provider"]], ["payment_created", "mock-bank"]);
    assert_eq!([&said["data"]["transfer_state"], &said["data"]["attributes"]["transfer_state"]], ["overpaid"; 2]);
    assert_eq!(said["data"]["attributes"]["received_amount"], "4.01");
    // Whom the payer chose comes before whom the merchant named.
    let chosen = with_extra(&json!({ "provider": "ftecfr" }), session_after(&[E::PayerIdentified, E::BankChosen]));
    assert_eq!(shown(&chosen)["meta"]["provider"], "mock-bank");
}

#[test]
fn a_payment_is_named_by_its_only_method_or_by_the_one_that_was_chosen() {
    let (bank, transfer, later) =
        (PaymentMethod::PayByBank, PaymentMethod::BankTransfer, PaymentMethod::BuyNowPayLater);
    let with = |methods: &[PaymentMethod], provider: Option<&str>| {
        let mut session = session_after(if provider.is_some() { &[E::PayerIdentified, E::BankChosen] } else { &[] });
        session.payment_methods = PaymentMethods::new(methods.to_vec()).unwrap();
        if let (Some(attempt), Some(provider)) = (&mut session.attempt, provider) {
            attempt.bank = provider.parse::<BankId>().unwrap();
        }
        shown(&session)["data"]["type"].clone()
    };
    assert_eq!(with(&[bank], None), "PayByBank");
    assert_eq!(with(&[transfer], None), "ManualTransfer");
    assert_eq!(with(&[later], None), "BuyNowPayLater");
    assert_eq!(with(&[bank, transfer, later], None), "PayByBank");
    assert_eq!(with(&[bank, transfer], Some("mock-transfer")), "ManualTransfer");
    assert_eq!(with(&[transfer, bank], Some("mock-bank")), "PayByBank");
    assert_eq!(with(&[transfer, bank], Some("a-bank-that-is-gone")), "PayByBank");
}

#[test]
fn without_personal_data_the_payment_is_left() {
    let erased = shown(&full().erased(NOW));
    let attributes = &erased["data"]["attributes"];
    assert_eq!([&attributes["amount"], &attributes["currency"]], ["149.30", "EUR"]);
    let meta: Vec<_> = erased["meta"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(meta, ["code", "created_at", "expires_at", "payment_methods", "session_id", "status", "type"]);
    let methods = json!([{ "id": "smart_transfer" }, { "id": "immediate_transfer" }]);
    assert_eq!(erased["meta"]["payment_methods"], methods);
    let all = erased.to_string();
    for personal in [samples::PAYER_NAME, samples::PAYER_EMAIL, "order 7", "ftecfr", "203.0.113.7", "Wiley"] {
        assert!(!all.contains(personal), "{personal}");
    }
}

#[test]
fn a_creation_is_answered_alike_whatever_has_happened_since() {
    let created = |session: &Session| {
        let answer = super::super::created(session).unwrap();
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    let url = format!("http://pay.example/checkout/{}", session().id);
    let meta = |status: u16, code: &str| json!({ "session_id": ID, "url": url, "status": status, "code": code });
    assert_eq!(created(&session()), (200, json!({ "meta": meta(200, "connect_initiated") })));
    let beneficiary = everything()["attributes"]["beneficiary"].clone();
    let requested = json!({ "meta": meta(201, "request_to_pay_initiated"), "beneficiary": beneficiary });
    assert_eq!(created(&full()), (201, requested.clone()));
    let mut paid = full();
    [E::BankChosen, E::ConsentGiven, E::Settled].into_iter().for_each(|e| samples::happen(&mut paid, e, NOW));
    assert_eq!(created(&paid.as_created()), (201, requested));
    // Of what was not sent of a beneficiary, the account's.
    let iban: models::Iban = text("FR7630006000011234567890189");
    let payee = Payee { name: name("Bright Candles"), account: AccountIdentifier::Iban { iban } };
    let asked = with_extra(&json!({ "with_beneficiary": true }), Session { payee, ..session() });
    let of_account = json!({ "name": "Bright Candles", "iban": "FR7630006000011234567890189", "country": "FR" });
    assert_eq!(value(&CreatedView::new(&asked))["beneficiary"], of_account);
    let partly = json!({ "with_beneficiary": true, "attributes": { "beneficiary": { "swift_bic": "AGRIFRPP" } } });
    let partly = value(&CreatedView::new(&with_extra(&partly, session())))["beneficiary"].take();
    let uk = json!({
        "name": "Bright Candles Ltd", "swift_bic": "AGRIFRPP", "sort_code": "010203", "account_number": "12345678",
    });
    assert_eq!(partly, uk);
}

#[test]
fn an_account_of_the_sessions_own_is_shown_to_who_asked_for_it() {
    let asked = with_extra(&json!({ "with_virtual_beneficiary": true }), Session { virtual_iban: true, ..full() });
    let own = value(&CreatedView::new(&asked))["virtual_beneficiary"].take();
    let said = (own["name"].as_str().unwrap(), own["country"].as_str().unwrap());
    assert_eq!(said, ("Bright Candles Ltd", "FR"));
    assert!(own["iban"].as_str().unwrap().starts_with("FR") && own.as_object().unwrap().len() == 3, "{own}");
    // An account takes no money before its transfer has begun.
    let is_shown = |session: &Session| shown(session)["data"]["attributes"].get("virtual_beneficiary").cloned();
    assert_eq!(is_shown(&asked), None);
    let mut attempt = samples::attempt_at_consent(asked.id, 1, NOW);
    let transfer = TransferInstructions { payee: asked.payee.clone(), reference: asked.reference.clone() };
    attempt.at_consent.as_mut().unwrap().transfer = Some(transfer);
    let begun = Session { attempt: Some(attempt), ..asked.clone() };
    assert_eq!(is_shown(&begun), Some(own));
    let not_asked = Session { extra: None, ..asked };
    assert_eq!(value(&CreatedView::new(&not_asked)).get("virtual_beneficiary"), None);
}
