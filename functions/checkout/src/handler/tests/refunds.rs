//! The refund's page over a table in memory, and the checkout that pays it.

use models::{AccountIdentifier, Currency, Refund, RefundState};
use store::{RefundEnd, Refunds};

use super::*;
use crate::samples::{in_state, refund_of};

const DETAILS: &str = "name=Ada+Customer&sort_code=11-22-33&account_number=87654321";

impl Site {
    /// A session that was paid at the mock bank.
    async fn paid(&self, payer_account: &str) -> Session {
        let session = self.at_the_bank(1).await;
        let form = format!("decision=approve&payer_account={payer_account}");
        self.post(&format!("/mock-bank/{}/1", session.id), &form).await;
        self.now(&session).await
    }

    /// A refund of a part of a session, which awaits details.
    async fn awaiting_details(&self, change: impl FnOnce(&mut Refund)) -> Refund {
        let mut refund = refund_of(&self.paid("withheld").await, 250, samples::now());
        change(&mut refund);
        self.refunds().create(&refund, None, None, None, None).await.unwrap();
        self.refund(&refund).await
    }

    /// The same in euro.
    async fn awaiting_details_in_euro(&self) -> Refund {
        let in_euro = samples::in_currency(in_state(SessionState::Sent), Currency::EUR);
        let session = self.create(|session| *session = in_euro).await;
        let refund = refund_of(&session, 250, samples::now());
        self.refunds().create(&refund, None, None, None, None).await.unwrap();
        self.refund(&refund).await
    }

    fn refunds(&self) -> &Refunds {
        &self.refunds.refunds
    }

    async fn refund(&self, refund: &Refund) -> Refund {
        self.refunds().get(&refund.id).await.unwrap().unwrap()
    }

    /// The session that pays a refund.
    async fn payment(&self, refund: &Refund) -> Session {
        let id = self.refund(refund).await.payment_session_id.unwrap();
        self.sessions.get(&id).await.unwrap().unwrap()
    }

    /// The refund's page, which shows nothing that opens a checkout.
    async fn refund_page(&self, refund: &Refund) -> String {
        let (status, html) = self.get(&path(refund)).await;
        assert_eq!(status, 200);
        assert!(!html.contains("/checkout/") && !html.contains(&refund.session_id.to_string()), "{html}");
        if let Some(payment) = self.refund(refund).await.payment_session_id {
            assert!(!html.contains(&payment.to_string()), "{html}");
        }
        for personal in ["Ada", "11-22-33", "112233", "87654321", PAYER_NAME, PAYER_EMAIL] {
            assert!(!html.contains(personal), "{personal}: {html}");
        }
        html
    }
}

fn path(refund: &Refund) -> String {
    format!("/refunds/{}", refund.id)
}

/// What a form posts.
fn step(step: &str, details: &str) -> String {
    format!("step={step}&{details}")
}

fn refund_causes(refund: &Refund) -> Vec<&'static str> {
    refund.history.iter().map(|entry| entry.cause.as_str()).collect()
}

#[tokio::test]
async fn the_mock_bank_tells_the_account_unless_asked_not_to() {
    let (checkout, _) = checkout().await;
    let shared = checkout.paid("shared").await.payer_account.unwrap();
    assert_eq!((shared.name.as_str(), Ok(shared.account)), (PAYER_NAME, AccountIdentifier::uk("040004", "87654321")));
    let session = checkout.at_the_bank(1).await;
    checkout.post(&format!("/mock-bank/{}/1", session.id), "decision=approve").await;
    assert!(checkout.now(&session).await.payer_account.is_some());
    let session = checkout.paid("withheld").await;
    assert_eq!((session.state, session.payer_account), (SessionState::Sent, None));
}

#[tokio::test]
async fn a_refund_from_the_question_where_it_goes_to_the_money_sent() {
    let (checkout, _) = checkout().await;
    let refund = checkout.awaiting_details(|_| {}).await;
    let html = checkout.refund_page(&refund).await;
    for part in ["Where should your refund go?", "Bright Candles Ltd", "£2.50", "£4.00", "Illuminate", "Candles refund"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    // To be checked: as it will be sent, and stored nowhere.
    let typed = "name=+Ada+Customer&sort_code=11+22+33&account_number=8765-4321";
    let (status, html) = checkout.post(&path(&refund), &step("check", typed)).await;
    assert_eq!(status, 200);
    for (name, value) in [("name", "Ada Customer"), ("sort_code", "11-22-33"), ("account_number", "87654321")] {
        assert!(html.contains(&format!(">{value}</")), "{html}");
        assert!(html.contains(&format!("type=\"hidden\" name=\"{name}\" value=\"{value}\"")), "{html}");
    }
    let (status, html) = checkout.post(&path(&refund), &step("edit", DETAILS)).await;
    assert_eq!(status, 200);
    for value in ["Ada Customer", "11-22-33", "87654321"] {
        assert!(html.contains(&format!("value=\"{value}\"")), "{html}");
    }
    assert!(!html.contains("role=\"alert\""));
    assert_eq!(checkout.refund(&refund).await, refund);
    checkout.refund_page(&refund).await;
    // Confirmed, and once more.
    for _ in 0..2 {
        let answer = checkout.post(&path(&refund), &step("confirm", DETAILS)).await;
        assert_eq!(answer, (303, path(&refund)));
        assert!(checkout.refund_page(&refund).await.contains("<bdi>Bright Candles Ltd</bdi> now has to approve"));
    }
    assert_eq!(refund_causes(&checkout.refund(&refund).await), ["created", "details_given"]);
    let payment = checkout.payment(&refund).await;
    assert_eq!(payment.payee, crate::samples::details());
    assert_eq!(payment.payer.as_ref().unwrap().name.as_str(), "Bright Candles Ltd");
    assert_eq!((payment.amount, payment.state), (refund.amount, SessionState::AwaitingProvider));
    // The merchant's part.
    let checkout_path = format!("/checkout/{}", payment.id);
    assert!(checkout.get(&checkout_path).await.1.contains("Refund to <bdi>Ada Customer</bdi>"));
    checkout.post(&format!("{checkout_path}/bank"), "bank=mock-bank&attempt=1").await;
    let bank_path = format!("/mock-bank/{}/1", payment.id);
    assert_eq!(checkout.post(&bank_path, "decision=approve").await, (303, checkout_path.clone()));
    assert!(checkout.get(&checkout_path).await.1.contains("Refund sent"));
    assert_eq!(checkout.refund(&refund).await.state, RefundState::Sent);
    assert!(checkout.refund_page(&refund).await.contains("Refund sent"));
    // A tab left behind is led to where the refund stands.
    for pressed in ["check", "edit", "confirm"] {
        assert_eq!(checkout.post(&path(&refund), &step(pressed, DETAILS)).await, (303, path(&refund)));
    }
    assert_eq!(refund_causes(&checkout.refund(&refund).await), ["created", "details_given", "settled"]);
}

#[tokio::test]
async fn wrong_details_are_named_and_nothing_is_written() {
    let (checkout, _) = checkout().await;
    let refund = checkout.awaiting_details(|_| {}).await;
    for pressed in ["check", "confirm"] {
        let typed = "name=Ada+Customer&sort_code=1122&account_number=";
        let (status, html) = checkout.post(&path(&refund), &step(pressed, typed)).await;
        assert_eq!(status, 422);
        assert!(html.contains("value=\"Ada Customer\"") && html.contains("value=\"1122\""));
        assert!(html.contains("role=\"alert\"") && html.contains("href=\"#sort_code\""));
        assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"sort_code-hint sort_code-error\""));
        assert!(html.contains("id=\"account_number-error\"") && !html.contains("id=\"name-error\""));
        assert!(html.contains("<title>Error: "));
    }
    let (_, html) = checkout.post(&path(&refund), "step=check&name=%22%3E%3Cscript%3E&sort_code=%22%3E").await;
    assert!(!html.contains("<script") && html.contains("value=\"&#34;&#62;&#60;script&#62;\""));
    for pressed in ["check", "confirm"] {
        let not_utf_8 = "name=Zo%EB&sort_code=010203&account_number=12345678";
        assert_eq!(checkout.post(&path(&refund), &step(pressed, not_utf_8)).await.0, 400);
    }
    assert_eq!(checkout.refund(&refund).await, refund);
    // Kept in those answers alone.
    checkout.refund_page(&refund).await;
}

#[tokio::test]
async fn a_refund_in_euro_asks_for_an_iban_and_is_paid_there() {
    let (checkout, _) = checkout().await;
    let refund = checkout.awaiting_details_in_euro().await;
    let html = checkout.refund_page(&refund).await;
    for part in
        ["€2.50", "Enter one of yours that takes euros", "<label for=\"iban\">IBAN</label>", "autocomplete=\"off\""]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("sort_code") && !html.contains("account_number"), "{html}");
    let typed = "name=+Ada+Customer&iban=fr14-2004-1010-0505-0001-3m02-606";
    let (status, html) = checkout.post(&path(&refund), &step("check", typed)).await;
    assert_eq!(status, 200);
    assert!(html.contains("<dd>FR14 2004 1010 0505 0001 3M02 606</dd>"), "{html}");
    let shown = "type=\"hidden\" name=\"iban\" value=\"FR14 2004 1010 0505 0001 3M02 606\"";
    assert!(html.contains(shown) && !html.contains("sort_code"), "{html}");
    let (status, html) = checkout.post(&path(&refund), &step("edit", typed)).await;
    assert!(status == 200 && html.contains("value=\"fr14-2004-1010-0505-0001-3m02-606\""), "{html}");
    assert_eq!(checkout.refund(&refund).await, refund);
    // As the page to check posts it.
    let checked = "name=Ada+Customer&iban=FR14+2004+1010+0505+0001+3M02+606";
    assert_eq!(checkout.post(&path(&refund), &step("confirm", checked)).await, (303, path(&refund)));
    let html = checkout.refund_page(&refund).await;
    assert!(!html.contains("FR14") && !html.contains("2606"), "{html}");
    let payment = checkout.payment(&refund).await;
    assert_eq!((payment.payee, payment.amount), (crate::samples::details_with_iban(), refund.amount));
    let (_, html) = checkout.get(&format!("/checkout/{}", payment.id)).await;
    assert!(html.contains("account ending 2606") && html.contains("mock-bank"), "{html}");
}

#[tokio::test]
async fn an_account_that_cannot_receive_the_refund_is_refused_and_nothing_is_written() {
    let (checkout, _) = checkout().await;
    let (pounds, euro) = (checkout.awaiting_details(|_| {}).await, checkout.awaiting_details_in_euro().await);
    for (refund, typed, fields) in [
        // Each in the fields of the other.
        (&pounds, "name=Ada&iban=FR1420041010050500013M02606", &["sort_code", "account_number"][..]),
        (&pounds, "name=Ada&iban=GB29NWBK60161331926819", &["sort_code", "account_number"]),
        (&pounds, "name=Ada&sort_code=FR1420041010050500013M02606&account_number=1", &["sort_code", "account_number"]),
        (&euro, DETAILS, &["iban"]),
        (&euro, "name=Ada&iban=11-22-33+87654321", &["iban"]),
        // Wrong check digits, too short, and none that SEPA reaches.
        (&euro, "name=Ada&iban=FR1520041010050500013M02606", &["iban"]),
        (&euro, "name=Ada&iban=FR14200410100505", &["iban"]),
        (&euro, "name=Ada&iban=BR1800360305000010009795493C1", &["iban"]),
        (&euro, "name=&iban=", &["name", "iban"]),
    ] {
        for pressed in ["check", "confirm"] {
            let (status, html) = checkout.post(&path(refund), &step(pressed, typed)).await;
            assert_eq!(status, 422, "{typed}");
            let listed: Vec<_> =
                html.match_indices("<a href=\"#").map(|(at, found)| &html[at + found.len()..]).collect();
            let listed: Vec<_> = listed.iter().filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(listed, fields, "{typed}: {html}");
            for field in fields {
                assert!(html.contains(&format!("id=\"{field}-error\"")), "{field}: {html}");
            }
        }
        assert_eq!(checkout.refund(refund).await, *refund);
    }
    let (_, html) = checkout.post(&path(&euro), "step=check&name=Ada&iban=%22%3E%3Cscript%3E").await;
    assert!(!html.contains("<script") && html.contains("value=\"&#34;&#62;&#60;script&#62;\""));
    assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"iban-hint iban-error\""), "{html}");
}

#[tokio::test]
async fn a_shorter_account_number_is_shown_with_its_zeros_before_it_is_stored() {
    let (checkout, _) = checkout().await;
    let refund = checkout.awaiting_details(|_| {}).await;
    // 01–02–03 with en dashes, 123 4567 in full-width digits with a no-break space.
    let typed = "name=Ada&sort_code=01%E2%80%9302%E2%80%9303&account_number=%EF%BC%91%EF%BC%92%EF%BC%93%C2%A04567";
    let (status, html) = checkout.post(&path(&refund), &step("check", typed)).await;
    assert_eq!(status, 200);
    assert!(html.contains("01-02-03") && html.contains("01234567"), "{html}");
    assert_eq!(checkout.post(&path(&refund), &step("confirm", typed)).await.0, 303);
    let payment = checkout.payment(&refund).await;
    assert_eq!(Ok(payment.payee.account), AccountIdentifier::uk("010203", "01234567"));
}

#[tokio::test]
async fn confirmations_all_at_once_make_one_payment() {
    let database = database();
    let checkout = over(serve(database.clone()).await);
    let refund = checkout.awaiting_details(|_| {}).await;
    let count = || {
        let scan = serde_json::from_value(json!({ "TableName": "Table" })).unwrap();
        let items = database.scan(scan).unwrap().items.unwrap();
        items.iter().filter(|item| json!(item)["sk"]["S"] == "SESSION").count()
    };
    assert_eq!(count(), 1);
    let page = path(&refund);
    let confirm = |account: &str| {
        let form = step("confirm", &format!("name=Ada&sort_code=112233&account_number={account}"));
        let (checkout, page) = (&checkout, &page);
        async move { checkout.post(page, &form).await }
    };
    let answers = tokio::join!(confirm("11111111"), confirm("22222222"), confirm("33333333"), confirm("11111111"));
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer, (303, page.clone()));
    }
    assert_eq!(refund_causes(&checkout.refund(&refund).await), ["created", "details_given"]);
    assert_eq!(count(), 2);
    assert_eq!(checkout.payment(&refund).await.pays_refund.unwrap().refund_id, refund.id);
}

#[tokio::test]
async fn past_its_time_or_cancelled_a_refund_takes_no_details() {
    let (checkout, _) = checkout().await;
    let expired = checkout.awaiting_details(|refund| refund.expires_at = refund.created_at).await;
    let cancelled = checkout.awaiting_details(|_| {}).await;
    let end = RefundEnd::CancelledByMerchant;
    checkout.refunds().end(&cancelled, end, samples::now(), &samples::write_id(), None, None).await.unwrap();
    for (refund, heading) in
        [(expired, "The time to give your details has run out"), (cancelled, "The refund was not made")]
    {
        let before = checkout.refund(&refund).await;
        for pressed in ["check", "edit", "confirm"] {
            assert_eq!(checkout.post(&path(&refund), &step(pressed, DETAILS)).await, (303, path(&refund)));
        }
        let html = checkout.refund_page(&refund).await;
        assert!(
            html.contains(heading) && html.contains("Ask <bdi>Bright Candles Ltd</bdi>") && !html.contains("<form"),
            "{html}"
        );
        assert_eq!(checkout.refund(&refund).await, before);
    }
}

#[tokio::test]
async fn bad_requests_for_a_refund_have_pages_of_their_own() {
    let (checkout, _) = checkout().await;
    let refund = checkout.awaiting_details(|_| {}).await;
    let unknown = "/refunds/00000000-0000-4000-8000-000000000000".to_owned();
    for (path, form, status) in [
        (path(&refund), step("pay", DETAILS), 400),
        (path(&refund), DETAILS.to_owned(), 400),
        (path(&refund), format!("step=check&step=confirm&{DETAILS}"), 400),
        (path(&refund), step("check", &"a".repeat(16 * 1024)), 413),
        (unknown.clone(), step("confirm", DETAILS), 404),
        ("/refunds/x".to_owned(), step("confirm", DETAILS), 404),
        // A session is no refund, nor a refund a session.
        (format!("/refunds/{}", refund.session_id), step("confirm", DETAILS), 404),
        (format!("/checkout/{}/cancel", refund.id), String::new(), 404),
    ] {
        let (answered, html) = checkout.post(&path, &form).await;
        assert_eq!(answered, status, "{path} {form}");
        let back = format!("href=\"/refunds/{}\">Back to the refund", refund.id);
        assert_eq!(html.contains(&back), status != 404, "{path} {form}");
    }
    assert_eq!(checkout.get(&unknown).await.0, 404);
    assert_eq!(checkout.refund(&refund).await, refund);
}
