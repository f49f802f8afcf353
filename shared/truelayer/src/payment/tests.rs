use models::{Country, MinorUnits, Money, PayerKind};
use proptest::prelude::*;

use super::*;

const BANK: Option<&str> = Some("mock-payments-gb-redirect");

fn paid_by(payer: Payer) -> Session {
    Session { payer: Some(payer), ..samples::session() }
}

fn in_pounds() -> Session {
    paid_by(samples::payer("Gerald Wiley", "gerald.wiley@example.com"))
}

fn in_euros() -> Session {
    let mut session = in_pounds();
    session.amount = Money::new(MinorUnits::new(400), Currency::EUR);
    session.payee.account = AccountIdentifier::Iban { iban: samples::text("FR1420041010050500013M02606") };
    session
}

/// A reference as it was stored by looser rules.
fn with_reference(session: Session, reference: &str) -> Session {
    Session { reference: serde_json::from_value(reference.into()).unwrap(), ..session }
}

fn body(session: &Session, bank: Option<&str>, merchant_account: Option<Uuid>) -> Value {
    serde_json::from_str(&request(session, 1, bank, merchant_account).body).unwrap()
}

#[test]
fn a_payment_in_pounds_goes_to_the_payees_account_from_the_bank_that_was_chosen() {
    let session = in_pounds();
    let expected = json!({
        "amount_in_minor": 400,
        "currency": "GBP",
        "payment_method": {
            "type": "bank_transfer",
            "provider_selection": {
                "type": "preselected",
                "provider_id": "mock-payments-gb-redirect",
                "scheme_selection": { "type": "instant_preferred" },
            },
            "beneficiary": {
                "type": "external_account",
                "account_holder_name": "Bright Candles Ltd",
                "account_identifier": {
                    "type": "sort_code_account_number",
                    "sort_code": "010203",
                    "account_number": "12345678",
                },
                "reference": "Illuminate",
            },
        },
        "user": { "name": "Gerald Wiley", "email": "gerald.wiley@example.com" },
        "metadata": { "end_to_end_id": session.end_to_end_id.to_string(), "attempt": "1" },
    });
    assert_eq!(body(&session, BANK, None), expected);
    let asked = request(&session, 1, BANK, None);
    assert!(!asked.body.contains(&session.id.to_string()), "the session's id opens its checkout");
    assert!(!format!("{asked:?}").contains("Gerald"));
}

#[test]
fn a_payment_in_euros_goes_to_an_iban_from_a_bank_that_is_chosen_at_truelayer() {
    let asked = body(&in_euros(), None, None);
    assert_eq!(asked["currency"], "EUR");
    let identifier = json!({ "type": "iban", "iban": "FR1420041010050500013M02606" });
    assert_eq!(asked["payment_method"]["beneficiary"]["account_identifier"], identifier);
    let selection = json!({ "type": "user_selected", "filter": { "countries": ["DE", "IE"] } });
    assert_eq!(asked["payment_method"]["provider_selection"], selection);
}

#[test]
fn what_limits_offers_limits_the_choice_at_truelayer() {
    let country: Country = "DE".parse().unwrap();
    let offer_limits = OfferLimits { provider: None, country: Some(country), payers: Some(PayerKind::Corporate) };
    let asked = body(&Session { offer_limits, ..in_euros() }, None, None);
    let filter = json!({ "countries": ["DE"], "customer_segments": ["business", "corporate"] });
    assert_eq!(asked["payment_method"]["provider_selection"]["filter"], filter);
}

#[test]
fn a_british_iban_is_paid_in_pounds_by_its_sort_code_and_number() {
    let account = AccountIdentifier::Iban { iban: samples::text("GB29NWBK60161331926819") };
    let uk = json!({ "type": "sort_code_account_number", "sort_code": "601613", "account_number": "31926819" });
    assert_eq!(account_identifier(&account, Currency::GBP), uk);
    let iban = json!({ "type": "iban", "iban": "GB29NWBK60161331926819" });
    assert_eq!(account_identifier(&account, Currency::EUR), iban);
}

#[test]
fn a_merchant_account_is_paid_where_there_is_one() {
    let id = Uuid::from_u128(7);
    let asked = request(&in_pounds(), 1, BANK, Some(id));
    let beneficiary = json!({
        "type": "merchant_account",
        "merchant_account_id": id.to_string(),
        "statement_reference": "Illuminate",
    });
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["payment_method"]["beneficiary"], beneficiary);
    assert!(pays_into_merchant_account(&asked));
    assert!(!pays_into_merchant_account(&request(&in_pounds(), 1, BANK, None)));
    for body in ["", "{}", "[]", r#"{"payment_method":"merchant_account"}"#] {
        let other = ProviderRequest { idempotency_key: String::new(), body: body.to_owned() };
        assert!(!pays_into_merchant_account(&other), "{body}");
    }
}

#[test]
fn a_payer_is_reached_in_one_way() {
    let payer = |email: Option<&str>, phone: Option<&str>| Payer {
        name: samples::name("Ada"),
        email: email.map(samples::text),
        phone: phone.map(samples::text),
    };
    for (payer, user) in [
        (payer(Some("ada@shop.example"), Some("+442079460999")), json!({ "name": "Ada", "email": "ada@shop.example" })),
        (payer(None, Some("+44 (20) 7946-0999")), json!({ "name": "Ada", "phone": "+442079460999" })),
        (payer(None, Some("+44 (0)20 7946 0999")), json!({ "name": "Ada", "phone": "+442079460999" })),
        // Whose country it is of is not said.
        (payer(None, Some("020 7946 0999")), json!({ "name": "Ada" })),
        (payer(None, None), json!({ "name": "Ada" })),
    ] {
        assert_eq!(body(&paid_by(payer.clone()), BANK, None)["user"], user);
        assert_eq!(payer.can_be_reached(), user.as_object().unwrap().len() == 2, "{user}");
    }
}

#[test]
fn a_reference_is_what_truelayer_accepts_of_it() {
    for (written, sent) in [
        ("Illuminate", "Illuminate"),
        ("INV-7: (a) 'b', c.d?/e+f", "INV-7: (a) 'b', c."),
        ("Zoë & Söhne", "Zo    S hne"),
        (" spaced ", "spaced"),
        ("a\nb\u{202e}c", "a b c"),
    ] {
        assert_eq!(reference(&with_reference(in_pounds(), written)), sent, "{written:?}");
    }
    let long = "x".repeat(200);
    assert_eq!(reference(&with_reference(in_pounds(), &long)).len(), 18);
    assert_eq!(reference(&with_reference(in_euros(), &long)).len(), 140);
    let session = in_pounds();
    let own = Reference::of_payment(&session.end_to_end_id);
    for nothing in ["", " ", "ёёё"] {
        assert_eq!(reference(&with_reference(session.clone(), nothing)), own.as_str(), "{nothing:?}");
    }
}

#[test]
fn keys_have_the_form_of_random_uuids_and_each_operation_has_its_own() {
    let session = in_pounds();
    let id = session.id.to_string();
    let mut keys: Vec<String> = (1..=20).map(|number| request(&session, number, None, None).idempotency_key).collect();
    keys.push(idempotency_key("cancel", &id, 1));
    keys.push(idempotency_key("begin", &samples::uuid().to_string(), 1));
    for key in &keys {
        let uuid = Uuid::try_parse(key).unwrap();
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (4, uuid::Variant::RFC4122));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    // The key of what is under way must not change.
    assert_eq!(idempotency_key("begin", "a", 1), "c0552821-1aa2-4142-ac6b-c2abe37e39ae");
}

#[test]
fn a_link_leads_to_the_page_and_back_and_is_not_debugged() {
    let created = r#"{
        "id": "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f",
        "user": { "id": "f61c0ec7-0f83-414e-8e5f-aace86e0ed35" },
        "resource_token": "a.b-c_d+e&f#g",
        "status": "authorization_required"
    }"#;
    let created: Created = serde_json::from_str(created).unwrap();
    assert_eq!(created.id().unwrap().as_str(), "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f");
    let host = "https://payment.truelayer-sandbox.com".parse().unwrap();
    let link = created.link(&host, "https://pay.example/shop/providers/truelayer/return?a=b&c=d");
    let expected = "https://payment.truelayer-sandbox.com/payments#payment_id=6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f\
                    &resource_token=a.b-c_d%2Be%26f%23g\
                    &return_uri=https%3A%2F%2Fpay.example%2Fshop%2Fproviders%2Ftruelayer%2Freturn%3Fa%3Db%26c%3Dd";
    assert_eq!(link.reveal(), expected);
    assert_eq!(format!("{link:?}"), "PayerLink(…)");
    for no_payment in [json!({}), json!({ "id": "..", "resource_token": "a" }), json!({ "id": Uuid::from_u128(1) })] {
        assert!(Created::deserialize(&no_payment).is_err(), "{no_payment}");
    }
}

/// A payment after the documentation, into an account of this type.
fn payment(status: &str, beneficiary: &str) -> Value {
    json!({
        "id": "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f",
        "amount_in_minor": 400,
        "currency": "GBP",
        "user": { "id": "f61c0ec7-0f83-414e-8e5f-aace86e0ed35" },
        "payment_method": {
            "type": "bank_transfer",
            "provider_selection": { "type": "preselected", "provider_id": "ob-monzo", "scheme_id": "faster_payments_service" },
            "beneficiary": { "type": beneficiary },
        },
        "payment_source": {
            "id": "1122aabb-37df-4cd7-ada5-aace86e0ed35",
            "account_holder_name": "MR G WILEY",
            "account_identifiers": [
                { "type": "nrb", "nrb": "61109010140000071219812874" },
                { "type": "iban", "iban": "GB29NWBK60161331926819" },
                { "type": "sort_code_account_number", "sort_code": "601613", "account_number": "31926819" },
            ],
        },
        "created_at": "2026-01-31T09:30:00.123456Z",
        "status": status,
        "a_field_of_tomorrow": [1, 2, 3],
    })
}

fn payer_account() -> PaidFrom {
    PaidFrom::Account(samples::payee("MR G WILEY", "601613", "31926819"))
}

#[test]
fn each_status_is_known_and_what_is_not_ends_nothing() {
    for (status, external, merchant) in [
        ("authorization_required", Status::AwaitingConsent, Status::AwaitingConsent),
        ("authorizing", Status::AwaitingConsent, Status::AwaitingConsent),
        ("attempt_failed", Status::AwaitingConsent, Status::AwaitingConsent),
        ("authorized", Status::Accepted, Status::Accepted),
        ("executed", Status::Settled(payer_account()), Status::Accepted),
        ("settled", Status::Settled(payer_account()), Status::Settled(payer_account())),
        ("failed", Status::Refused(DeclineReason::ByBank), Status::Refused(DeclineReason::ByBank)),
        ("disputed", Status::Unknown, Status::Unknown),
        ("", Status::Unknown, Status::Unknown),
    ] {
        assert_eq!(Payment::new(payment(status, "external_account")).status(), external, "{status}");
        assert_eq!(Payment::new(payment(status, "merchant_account")).status(), merchant, "{status}");
    }
    // Where it is not said whose account it goes to, it may fail still.
    assert_eq!(Payment::new(json!({ "status": "executed" })).status(), Status::Accepted);
    for nothing in [json!(null), json!({}), json!({ "status": 1 }), json!(["status"])] {
        assert_eq!(Payment::new(nothing.clone()).status(), Status::Unknown, "{nothing}");
    }
}

#[test]
fn each_reason_of_a_failure_is_somebodys() {
    let by_payer = Status::Refused(DeclineReason::ByPayer);
    let by_bank = Status::Refused(DeclineReason::ByBank);
    for (reason, expected) in [
        ("canceled", Status::Cancelled),
        ("expired", Status::Cancelled),
        ("authorization_failed", by_payer.clone()),
        ("not_authorized", by_payer.clone()),
        ("user_canceled_at_provider", by_payer),
        ("insufficient_funds", Status::Refused(DeclineReason::InsufficientFunds)),
        ("blocked", by_bank.clone()),
        ("constraint_violation", by_bank.clone()),
        ("internal_server_error", by_bank.clone()),
        ("invalid_account_details", by_bank.clone()),
        ("invalid_account_holder_name", by_bank.clone()),
        ("invalid_beneficiary_account", by_bank.clone()),
        ("invalid_credentials", by_bank.clone()),
        ("invalid_otp", by_bank.clone()),
        ("invalid_remitter_account", by_bank.clone()),
        ("invalid_request", by_bank.clone()),
        ("invalid_sort_code", by_bank.clone()),
        ("payment_limit_exceeded", by_bank.clone()),
        ("provider_error", by_bank.clone()),
        ("provider_expired", by_bank.clone()),
        ("provider_rejected", by_bank.clone()),
        ("rejected", by_bank.clone()),
        ("scheme_unavailable", by_bank.clone()),
        ("unknown_error", by_bank.clone()),
        ("verification_declined", by_bank.clone()),
        ("a_reason_of_tomorrow", by_bank.clone()),
        ("", by_bank.clone()),
    ] {
        let mut failed = payment("failed", "external_account");
        failed["failure_stage"] = "authorizing".into();
        failed["failure_reason"] = reason.into();
        assert_eq!(Payment::new(failed).status(), expected, "{reason}");
    }
    assert_eq!(Payment::new(json!({ "status": "failed" })).status(), by_bank);
}

#[test]
fn where_the_money_came_from_is_believed_whole_or_not_at_all() {
    let from = |change: fn(&mut Value)| {
        let mut settled = payment("settled", "merchant_account");
        change(&mut settled);
        let Status::Settled(from) = Payment::new(settled).status() else { panic!("it has settled") };
        from
    };
    assert_eq!(from(|_| {}), payer_account());
    let iban = from(|payment| drop(payment["payment_source"]["account_identifiers"].as_array_mut().unwrap().pop()));
    let account = AccountIdentifier::Iban { iban: samples::text("GB29NWBK60161331926819") };
    assert_eq!(iban, PaidFrom::Account(Payee { name: samples::name("MR G WILEY"), account }));
    let undisclosed: [fn(&mut Value); 8] = [
        |payment| payment["payment_source"] = Value::Null,
        |payment| payment["payment_source"] = json!({ "id": "a", "scheme_id": "internal_transfer" }),
        |payment| payment["payment_source"]["account_holder_name"] = Value::Null,
        |payment| payment["payment_source"]["account_holder_name"] = "".into(),
        |payment| payment["payment_source"]["account_identifiers"] = json!([]),
        |payment| payment["payment_source"]["account_identifiers"] = json!([{ "type": "iban", "iban": "GB00" }, 7]),
        |payment| payment["payment_source"]["account_identifiers"] = json!([{ "type": "iban" }]),
        // A pound does not come from there.
        |payment| payment["currency"] = "SEK".into(),
    ];
    for (index, change) in undisclosed.into_iter().enumerate() {
        assert_eq!(from(change), PaidFrom::Undisclosed, "{index}");
    }
}

#[test]
fn a_log_has_the_beginning_of_a_word() {
    assert_eq!(shortened(None), "");
    assert_eq!(shortened(Some("disputed")), "disputed");
    assert_eq!(shortened(Some(&"é".repeat(1_000))).chars().count(), MAX_LOGGED_CHARS);
}

proptest! {
    #[test]
    fn a_request_is_the_same_each_time_and_its_reference_one_that_truelayer_takes(
        written in "\\PC{0,160}|.{0,160}",
        euros: bool,
        number in 1_u8..=20,
        merchant_account: bool,
        chosen: bool,
    ) {
        let session = with_reference(if euros { in_euros() } else { in_pounds() }, &written);
        let merchant_account = merchant_account.then(|| Uuid::from_u128(7));
        let ask = || request(&session, number, BANK.filter(|_| chosen), merchant_account);
        prop_assert_eq!(ask(), ask());
        let body: Value = serde_json::from_str(&ask().body).unwrap();
        let beneficiary = &body["payment_method"]["beneficiary"];
        let name = if merchant_account.is_some() { "statement_reference" } else { "reference" };
        let sent = beneficiary[name].as_str().unwrap();
        prop_assert!((1..=if euros { 140 } else { 18 }).contains(&sent.len()), "{sent}");
        prop_assert!(sent.chars().all(|c| c.is_ascii_alphanumeric() || "-:().,'+ ?/".contains(c)), "{sent}");
        prop_assert_eq!(sent.trim(), sent);
    }

    #[test]
    fn no_answer_panics(status in ".{0,20}", text in ".{0,40}", number: i64) {
        let mut answer = payment(&status, &text);
        answer["failure_reason"] = text.clone().into();
        answer["payment_source"]["account_holder_name"] = text.clone().into();
        answer["payment_source"]["account_identifiers"] = json!([{ "type": "iban", "iban": text }, { "type": number }]);
        let _ = Payment::new(answer).status();
    }
}
