//! A bank whose money moves at consent, and what a session that may be paid again goes through.

use models::AttemptEnd;

use super::*;

const CHOOSE: &str = "bank=mock-consent&attempt=";

impl Site {
    /// A session whose payer has chosen the bank whose money moves at consent.
    async fn at_consent(&self, retry: bool) -> Session {
        let session = self.create(|session| session.retry = retry).await;
        let path = format!("/checkout/{}", session.id);
        self.post(&format!("{path}/payer"), "name=Gerald+Wiley&email=gerald.wiley%40example.com").await;
        let answer = self.post(&format!("{path}/bank"), &format!("{CHOOSE}1")).await;
        assert_eq!(answer, (303, path), "a form leads to our own page, and the link there to the bank");
        self.now(&session).await
    }

    /// Where a page leads to.
    async fn leads_to(&self, path: &str) -> String {
        let request = lambda_http::http::Request::get(path).body(Body::Empty).unwrap();
        let response = self.handle(request).await;
        assert_eq!(response.status(), 303, "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The bank's page of an attempt, by the link on ours, from its path on.
    pub(super) async fn link(&self, session: &Session, number: u8) -> String {
        let link = self.leads_to(&format!("/checkout/{}/bank/{number}", session.id)).await;
        link.strip_prefix(samples::BASE_URL).unwrap().to_owned()
    }

    /// The payer decides at the bank, by its link, and comes back.
    async fn decide(&self, session: &Session, number: u8, decision: &str) -> (u16, String) {
        let link = self.link(session, number).await;
        let (path, token) = link.split_once("?token=").unwrap();
        self.post(path, &format!("decision={decision}&token={token}")).await
    }
}

#[tokio::test]
async fn the_link_to_the_bank_can_be_pressed_again_and_is_stored_nowhere() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_consent(false).await;
    let page = checkout.get(&format!("/checkout/{}", session.id)).await.1;
    assert!(page.contains(&format!("href=\"/checkout/{}/bank/1\"", session.id)), "{page}");
    let link = checkout.link(&session, 1).await;
    let (path, token) = link.split_once("?token=").unwrap();
    assert_eq!(path, format!("/mock-bank/{}/1", session.id));
    let begun = checkout.now(&session).await;
    for _ in 0..3 {
        assert_eq!(checkout.link(&session, 1).await, link);
    }
    assert_eq!(checkout.now(&session).await, begun, "nothing changes");
    assert!(!serde_json::to_string(&begun).unwrap().contains(token), "the token is stored");
    // What is not open leads to where the payment stands.
    for number in [0, 2, 20] {
        let to = checkout.leads_to(&format!("/checkout/{}/bank/{number}", session.id)).await;
        assert_eq!(to, format!("/checkout/{}", session.id));
    }
    // Without the link's token the bank knows nobody.
    assert_eq!(checkout.get(&link).await.0, 200);
    for stranger in [path.to_owned(), format!("{path}?token=a1")] {
        assert_eq!(checkout.get(&stranger).await.0, 404, "{stranger}");
    }
    for form in ["decision=approve", "decision=approve&token=a1"] {
        assert_eq!(checkout.post(path, form).await.0, 404, "{form}");
    }
    assert_eq!(checkout.now(&session).await, begun);
}

#[tokio::test]
async fn a_provider_with_one_address_for_all_payers_says_whose_payment_it_was() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_consent(false).await;
    let at_consent = session.attempt.as_ref().unwrap().at_consent.as_ref().unwrap();
    let payment_id = at_consent.payment_id.as_ref().unwrap();
    for query in [format!("payment_id={payment_id}"), format!("error=access_denied&payment_id={payment_id}")] {
        let to = checkout.leads_to(&format!("/providers/mock-consent/return?{query}")).await;
        assert_eq!(to, format!("/checkout/{}/return", session.id));
    }
    for path in [
        "/providers/mock-consent/return".to_owned(),
        "/providers/mock-consent/return?payment_id=mock-1".to_owned(),
        format!("/providers/mock-consent/return?payment_id={payment_id}&payment_id={payment_id}"),
        format!("/providers/mock-card/return?payment_id={payment_id}"),
    ] {
        let (status, html) = checkout.get(&path).await;
        assert!(status == 404 && html.contains("<h1"), "{path}: {status} {html}");
    }
    assert_eq!(checkout.now(&session).await, session, "that proves nothing");
}

#[tokio::test]
async fn consent_moves_the_money_and_the_first_decision_holds() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_consent(false).await;
    let page = (303, format!("/checkout/{}", session.id));
    let link = checkout.link(&session, 1).await;
    let (path, token) = link.split_once("?token=").unwrap();
    // Approved, and the tab is closed.
    assert_eq!(checkout.press(path, &format!("decision=approve&token={token}")).await.0, 303);
    assert_eq!(checkout.now(&session).await.state, SessionState::AwaitingPaymentConsent);
    let html = checkout.get(&link).await.1;
    assert!(html.contains("You have approved this payment") && !html.contains("<form"), "{html}");
    assert_eq!(checkout.press(path, &format!("decision=decline&token={token}")).await, (303, link.clone()));
    // Neither is another bank begun, nor is it cancelled: the bank says that the money has moved.
    assert_eq!(checkout.post(&format!("{}/bank", page.1), "bank=mock-bank&attempt=2").await, page);
    let session = checkout.now(&session).await;
    assert_eq!((session.state, session.attempt_number()), (SessionState::Sent, 1));
    assert_eq!(checkout.post(&format!("{}/cancel", page.1), "").await, (303, format!("{}?check=auto", page.1)));
    let thanks = thanks(&session);
    assert_eq!(checkout.leads_to(&format!("{}/return", page.1)).await, thanks);
    assert_eq!(causes(&checkout.now(&session).await).last(), Some(&"settled"));
}

#[tokio::test]
async fn a_payment_is_cancelled_once_the_bank_has_given_it_up() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_consent(false).await;
    let link = checkout.link(&session, 1).await;
    let page = format!("/checkout/{}", session.id);
    assert_eq!(checkout.post(&format!("{page}/cancel"), "").await, (303, format!("{page}?check=auto")));
    assert_eq!(checkout.now(&session).await.state, SessionState::Cancelled);
    // The tab that is still open at the bank.
    let (path, token) = link.split_once("?token=").unwrap();
    let html = checkout.get(&link).await.1;
    assert!(html.contains("This payment was cancelled") && !html.contains("<form"), "{html}");
    assert_eq!(checkout.press(path, &format!("decision=approve&token={token}")).await, (303, link.clone()));
    assert!(checkout.leads_to(&format!("{page}/return")).await.starts_with("https://shop.example/sorry?"));
    assert_eq!(checkout.now(&session).await.state, SessionState::Cancelled);
}

#[tokio::test]
async fn a_refusal_leads_back_to_the_choice_where_the_session_may_be_paid_again() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_consent(true).await;
    let path = format!("/checkout/{}", session.id);
    for (number, decision, end, why) in [
        (
            1,
            "refuse",
            AttemptEnd::DeclinedByBank,
            "Your bank said no. No money has left your account. To learn why, ask <bdi>Thistledown Pay</bdi>.",
        ),
        (
            2,
            "insufficient_funds",
            AttemptEnd::InsufficientFunds,
            "not enough money in the account at <bdi>Thistledown Pay</bdi>",
        ),
        (3, "decline", AttemptEnd::DeclinedByPayer, "You said no at <bdi>Thistledown Pay</bdi>"),
    ] {
        assert_eq!(checkout.decide(&session, number, decision).await, (303, path.clone()));
        let now = checkout.now(&session).await;
        assert_eq!((now.state, now.attempt.unwrap().ended), (SessionState::AwaitingProvider, Some(end)));
        let html = checkout.get(&path).await.1;
        assert!(html.contains("Choose your bank again") && html.contains(why), "{html}");
        let next = number + 1;
        assert!(html.contains(&format!("name=\"attempt\" value=\"{next}\"")), "{html}");
        assert_eq!(checkout.post(&format!("{path}/bank"), &format!("{CHOOSE}{next}")).await.0, 303);
    }
    let thanks = thanks(&session);
    assert_eq!(checkout.decide(&session, 4, "approve").await, (303, thanks));
    assert_eq!(checkout.now(&session).await.state, SessionState::Sent);
    let once = checkout.at_consent(false).await;
    checkout.decide(&once, 1, "refuse").await;
    assert_eq!(checkout.now(&once).await.state, SessionState::Failed);
}

#[tokio::test]
async fn each_named_bank_does_what_its_note_says() {
    let (checkout, _) = checkout().await;
    for (bank, decision, last, account) in [
        ("mock-settles", "approve", "settled", true),
        ("mock-settles-later", "approve_then_settle", "consent_given", false),
        ("mock-fails-later", "approve_then_fail", "consent_given", false),
        ("mock-refuses", "refuse", "declined_by_bank", false),
        ("mock-insufficient-funds", "insufficient_funds", "insufficient_funds", false),
        ("mock-withholds-account", "approve", "settled", false),
    ] {
        let session = checkout.at_the_bank(0).await;
        let path = format!("/mock-bank/{}/1", session.id);
        let choose = format!("bank={bank}&attempt=1");
        let answer = checkout.post(&format!("/checkout/{}/bank", session.id), &choose).await;
        assert_eq!(answer, (303, path.clone()), "{bank}");
        // Only what it offers.
        assert_eq!(checkout.post(&path, "decision=maybe").await.0, 422);
        let other = if decision == "approve" { "refuse" } else { "approve" };
        assert_eq!(checkout.post(&path, &format!("decision={other}")).await.0, 422, "{bank}");
        checkout.post(&path, &format!("decision={decision}")).await;
        let session = checkout.now(&session).await;
        assert_eq!(causes(&session).last(), Some(&last), "{bank}");
        assert_eq!(session.payer_account.is_some(), account, "{bank}");
    }
}

#[tokio::test]
async fn a_bank_that_is_down_or_not_offered_is_not_begun() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_the_bank(0).await;
    let path = format!("/checkout/{}/bank", session.id);
    let (status, html) = checkout.post(&path, "bank=mock-down&attempt=1").await;
    assert!(status == 409 && html.contains("can’t be used at the moment"), "{html}");
    assert_eq!(checkout.post(&path, "bank=mock-transfer&attempt=1").await.0, 422);
    assert_eq!(checkout.now(&session).await, session);
}
