//! Several ways to pay, and the card provider's pages: what each test number brings, and that the payer always has a way on.

use models::{AttemptEnd, CardBrand, PaymentMethod, PaymentMethods, TakenBackReason};

use super::*;

impl Site {
    /// A session that offers these ways to pay, and whose payer is known.
    async fn offering(&self, methods: &[PaymentMethod], change: impl FnOnce(&mut Session)) -> Session {
        let session = self
            .create(|session| {
                session.payment_methods = PaymentMethods::new(methods.to_vec()).unwrap();
                change(session);
            })
            .await;
        let details = "name=Gerald+Wiley&email=gerald.wiley%40example.com";
        self.post(&format!("/checkout/{}/payer", session.id), details).await;
        self.now(&session).await
    }

    /// A session whose payer has chosen to pay by card as this attempt, and the path and token of the provider's link.
    async fn by_card(&self, session: &Session, number: u8) -> (String, String) {
        let path = format!("/checkout/{}", session.id);
        let chosen = self.post(&format!("{path}/bank"), &format!("bank=mock-card&attempt={number}")).await;
        assert_eq!(chosen, (303, path));
        let link = self.link(session, number).await;
        let (path, token) = link.split_once("?token=").unwrap();
        (path.to_owned(), token.to_owned())
    }

    async fn pay(&self, (path, token): &(String, String), number: &str) -> (u16, String) {
        self.post(path, &format!("act=pay&token={token}&number={number}&expiry=12%2F40&cvc=123&name=Ada")).await
    }
}

const BOTH: [PaymentMethod; 2] = [PaymentMethod::Card, PaymentMethod::PayByBank];

#[tokio::test]
async fn a_payer_chooses_how_to_pay_and_can_always_go_back() {
    let (site, _) = checkout().await;
    let methods = [PaymentMethod::SepaDebit, PaymentMethod::PayByBank, PaymentMethod::Card];
    let session = site.offering(&methods, |_| {}).await;
    let path = format!("/checkout/{}", session.id);
    let (_, html) = site.get(&path).await;
    assert!(html.contains("<h1>Choose how to pay</h1>") && !html.contains("SEPA"), "{html}");
    let button = format!("name=\"method\" value=\"pay_by_bank\" formmethod=\"get\" formaction=\"{path}\"");
    assert!(html.contains(&button) && html.contains("name=\"bank\" value=\"mock-card\""), "{html}");
    assert!(html.find(&button) < html.find("mock-card"), "in the session's order");
    let list = site.get(&format!("{path}?attempt=1&method=pay_by_bank")).await.1;
    assert!(list.contains("Choose your bank") && list.contains("value=\"mock-settles\""), "{list}");
    assert!(!list.contains("mock-card") && list.contains(&format!("href=\"{path}\">All ways to pay")), "{list}");
    // What has no list of its own leads to the ways.
    for query in ["method=card", "method=sepa_debit", "method=cash"] {
        assert!(site.get(&format!("{path}?{query}")).await.1.contains("Choose how to pay"), "{query}");
    }
    // While one is chosen, another can be.
    site.by_card(&session, 1).await;
    let chosen = site.get(&path).await.1;
    assert!(
        chosen.contains("Pay by card at <bdi>Mock Card</bdi>")
            && chosen.contains("?choose=another\">Choose another way")
    );
    let again = site.get(&format!("{path}?choose=another")).await.1;
    assert!(again.contains("Choose how to pay") && again.contains("Stay with <bdi>Mock Card</bdi>"), "{again}");
    assert!(again.contains("name=\"attempt\" value=\"2\"") && again.contains("name=\"choose\" value=\"another\""));
    let list = site.get(&format!("{path}?attempt=2&choose=another&method=pay_by_bank")).await.1;
    assert!(list.contains("Choose your bank") && list.contains(&format!("{path}?choose=another\">All ways to pay")));
    assert_eq!(site.post(&format!("{path}/bank"), "bank=mock-bank&attempt=2&choose=another").await.0, 303);
    let now = site.now(&session).await;
    assert_eq!(now.attempt.unwrap().bank.as_str(), "mock-bank");
    // What the session does not offer is not begun.
    let bank_alone = site.offering(&[PaymentMethod::PayByBank], |_| {}).await;
    let refused = site.post(&format!("/checkout/{}/bank", bank_alone.id), "bank=mock-card&attempt=1").await;
    assert_eq!(refused.0, 422);
}

#[tokio::test]
async fn each_test_number_brings_what_the_page_says() {
    let (site, _) = checkout().await;
    for (number, brand, last_four) in
        [("4242424242424242", CardBrand::Visa, "4242"), ("5555+5555+5555+4444", CardBrand::Mastercard, "4444")]
    {
        let session = site.offering(&BOTH, |_| {}).await;
        let link = site.by_card(&session, 1).await;
        assert_eq!(site.pay(&link, number).await, (303, thanks(&session)), "{number}");
        let paid = site.now(&session).await;
        let card = paid.card.unwrap();
        assert_eq!((paid.state, card.brand, card.last_four.as_str()), (SessionState::Sent, brand, last_four));
        assert_eq!(paid.payer_account, None);
        let html = site.get(&format!("/checkout/{}", session.id)).await.1;
        assert!(html.contains(&format!("<dd>{} ending {last_four}</dd>", brand.name())), "{html}");
        assert!(html.contains("You have paid <span class=\"amount\">£4.00</span> to"), "{html}");
        // The first decision holds, also over another card.
        let here = format!("{}?token={}", link.0, link.1);
        assert_eq!(site.pay(&link, "4000000000000002").await, (303, here.clone()));
        assert!(site.get(&here).await.1.contains("You have paid by card"));
    }
    for (number, end, says) in [
        ("4000000000000002", AttemptEnd::DeclinedByBank, "Your card was declined at <bdi>Mock Card</bdi>. No money"),
        ("4000000000009995", AttemptEnd::InsufficientFunds, "there was not enough money. None has been taken."),
    ] {
        let session = site.offering(&BOTH, |session| session.retry = true).await;
        let link = site.by_card(&session, 1).await;
        let path = format!("/checkout/{}", session.id);
        assert_eq!(site.pay(&link, number).await, (303, path.clone()));
        let refused = site.now(&session).await;
        assert_eq!((refused.state, refused.attempt.unwrap().ended), (SessionState::AwaitingProvider, Some(end)));
        let html = site.get(&path).await.1;
        assert!(html.contains("Choose again how to pay") && html.contains(says), "{html}");
        // Another card, or another way.
        let link = site.by_card(&session, 2).await;
        assert_eq!(site.pay(&link, "4242424242424242").await, (303, thanks(&session)));
        // Without another try, the session ends by it.
        let once = site.offering(&BOTH, |_| {}).await;
        let link = site.by_card(&once, 1).await;
        site.pay(&link, number).await;
        assert_eq!(site.now(&once).await.state, SessionState::Failed);
        let html = site.get(&format!("/checkout/{}", once.id)).await.1;
        assert!(html.contains("No money has been taken.") && html.contains("card"), "{html}");
    }
}

#[tokio::test]
async fn a_challenge_is_answered_by_the_holder() {
    let (site, _) = checkout().await;
    for (act, state) in [("approve", SessionState::Sent), ("refuse", SessionState::Failed)] {
        let session = site.offering(&BOTH, |_| {}).await;
        let link = site.by_card(&session, 1).await;
        let here = format!("{}?token={}", link.0, link.1);
        // There is nothing to answer yet.
        assert_eq!(site.post(&link.0, &format!("act=approve&token={}", link.1)).await, (303, here.clone()));
        assert_eq!(site.pay(&link, "4000002500003155").await, (303, here.clone()));
        assert_eq!(site.now(&session).await.state, SessionState::AwaitingPaymentConsent, "nothing is decided");
        let html = site.get(&here).await.1;
        assert!(html.contains("3-D Secure") && html.contains("Visa ending 3155"), "{html}");
        site.post(&link.0, &format!("act={act}&token={}", link.1)).await;
        let now = site.now(&session).await;
        assert_eq!((now.state, now.card.is_some()), (state, state == SessionState::Sent), "{act}");
    }
}

#[tokio::test]
async fn what_is_no_test_card_is_refused_and_the_form_comes_back_empty() {
    let (site, _) = checkout().await;
    let session = site.offering(&[PaymentMethod::Card], |_| {}).await;
    let link = site.by_card(&session, 1).await;
    let before = site.now(&session).await;
    let token = &link.1;
    for form in [
        "act=pay&number=4242424242424241&expiry=12%2F40&cvc=987&name=Somebody".to_owned(),
        "act=pay&number=4242424242424242&expiry=12%2F20&cvc=987&name=Somebody".to_owned(),
        "act=pay".to_owned(),
    ] {
        let (status, html) = site.post(&link.0, &format!("{form}&token={token}")).await;
        assert!(status == 422 && html.contains("role=\"alert\"") && html.contains("Please check"), "{html}");
        // Ids and tokens are random, and may have any digits in them.
        let html = html.replace(token.as_str(), "").replace(&session.id.to_string(), "");
        for typed in ["4242424242424241", "4242424242424242", "12/40", "12/20", "987", "Somebody"] {
            assert!(!html.contains(typed), "{typed}: {html}");
        }
    }
    assert_eq!(site.post(&link.0, &format!("act=steal&token={token}")).await.0, 422);
    assert_eq!(site.post(&link.0, "act=pay&number=4242424242424242&token=a1").await.0, 404);
    assert_eq!(site.now(&session).await, before);
    // The holder goes back without paying.
    site.post(&link.0, &format!("act=cancel&token={token}")).await;
    let ended = site.now(&session).await;
    assert_eq!((ended.state, *causes(&ended).last().unwrap()), (SessionState::Failed, "declined_by_payer"));
}

#[tokio::test]
async fn a_payment_by_card_can_be_disputed_and_is_not_refunded_any_more() {
    let (site, _) = checkout().await;
    let session = site.offering(&BOTH, |_| {}).await;
    let link = site.by_card(&session, 1).await;
    let here = format!("{}?token={}", link.0, link.1);
    let dispute = format!("act=dispute&token={}", link.1);
    assert_eq!(site.post(&link.0, &dispute).await.0, 422, "nothing is paid yet");
    assert_eq!(site.pay(&link, "4000000000000259").await, (303, here.clone()), "the page stays open");
    site.get(&format!("/checkout/{}/return", session.id)).await;
    assert_eq!(site.now(&session).await.state, SessionState::Sent);
    assert!(site.get(&here).await.1.contains("Dispute this payment"));
    assert_eq!(site.post(&link.0, &dispute).await, (303, here.clone()));
    let html = site.get(&here).await.1;
    assert!(html.contains("You have disputed this payment") && !html.contains("<form"), "{html}");
    assert_eq!(site.post(&link.0, &dispute).await.0, 303, "once more is as once");
    site.payments.follow_up(&site.now(&session).await).await.unwrap();
    let now = site.now(&session).await;
    assert_eq!((now.state, now.taken_back.unwrap().reason), (SessionState::Sent, TakenBackReason::Chargeback));
    assert!(now.refundable(samples::now()).is_err());
    let html = site.get(&format!("/checkout/{}", session.id)).await.1;
    assert!(html.contains("The money of this payment was taken back afterwards."), "{html}");
}
