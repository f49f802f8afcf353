//! Refunds by people, over tables in memory: what the pages say, what a second form does, and a process that dies anywhere.

use jiff::SignedDuration;
use models::{ActKind, ActObject, ActOutcome, ActReason, Currency, Mode, Money, RefundState, Session};
use pages::Language;

use super::{show, submit};
use crate::back::Back;
use crate::desk::{BASE_URL, Desk, form, seen, words};

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn fields<'a>(step: &'a str, amount: &'a str) -> Fields<'a> {
    vec![("step", step), ("seen", "0"), ("amount", amount), ("reason", "returned"), ("note", "")]
}

fn with<'a>(fields: &Fields<'a>, name: &'a str, value: &'a str) -> Fields<'a> {
    let mut fields: Fields<'a> = fields.iter().filter(|(field, _)| *field != name).copied().collect();
    fields.push((name, value));
    fields
}

impl Desk {
    async fn refund_form(&self, session: &Session) -> (u16, String) {
        seen(show(&self.services, &self.frame(Mode::Test), session.id, BASE_URL).await)
    }

    async fn send(&self, session: &Session, fields: &Fields<'_>) -> (u16, String) {
        let request = form(fields);
        seen(Box::pin(submit(&self.services, &self.frame(Mode::Test), session.id, &request, BASE_URL)).await)
    }

    async fn left(&self, session: &Session) -> i64 {
        let session = self.services.sessions.get(&session.id).await.unwrap().unwrap();
        session.refundable(self.services.clock.now()).unwrap().minor()
    }
}

fn page_of(session: &Session) -> (u16, String) {
    (303, format!("/console/test/payments/{}#refunds", session.id))
}

#[tokio::test]
async fn a_refund_from_the_form_to_the_act() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    let (status, html) = desk.refund_form(&session).await;
    assert_eq!(status, 200);
    for part in ["value=\"4.00\"", "name=\"seen\" value=\"0\"", "name=\"csrf\" value=\"c5rf\"", "ending 4321", "$KEY"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let typed = with(&with(&fields("check", " £1.50"), "reason", "other"), "note", "Came <broken>");
    let (status, html) = desk.send(&session, &typed).await;
    assert_eq!(status, 200);
    let said = words(&html);
    assert!(said.contains("£1.50 of £4.00 to the account ending 4321. £2.50 stays."), "{said}");
    assert!(html.contains("Came &#60;broken&#62;") && !html.contains("<broken>"), "{html}");
    assert!(said.contains("The payer, by e-mail, when the money is sent."), "{said}");
    assert!(html.contains(r#"&#34;amount&#34;:150"#), "{html}");
    let (status, html) = desk.send(&session, &with(&typed, "step", "edit")).await;
    assert_eq!(status, 200);
    assert!(html.contains("value=\" £1.50\"") && html.contains("Came &#60;broken&#62;"), "{html}");
    assert_eq!((desk.refunds(&session).await, desk.acts().await), (vec![], vec![]), "nothing is done yet");
    for _ in 0..3 {
        assert_eq!(desk.send(&session, &with(&typed, "step", "confirm")).await, page_of(&session));
    }
    let refunds = desk.refunds(&session).await;
    let [refund] = &refunds[..] else { panic!("{refunds:?}") };
    assert_eq!((refund.amount.minor(), refund.state), (150, RefundState::AwaitingPayment));
    let acts = desk.acts().await;
    let [act] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((act.what, &act.outcome, act.mode), (ActKind::RefundMade, &ActOutcome::Done, Some(Mode::Test)));
    assert_eq!(act.object, ActObject::Refund { session_id: session.id, refund_id: refund.id });
    assert_eq!(act.reason, Some(ActReason::Other(samples::text("Came <broken>"))));
    let change = act.change.as_ref().unwrap();
    assert_eq!((change.from.as_str(), change.to.as_str()), ("£4.00", "£2.50"));
    // All that is left, with what is left now.
    let (_, html) = desk.refund_form(&session).await;
    assert!(html.contains("value=\"2.50\"") && html.contains("name=\"seen\" value=\"1\""), "{html}");
    let (_, html) = desk.send(&session, &with(&fields("check", "2.50"), "seen", "1")).await;
    assert!(words(&html).contains("£2.50 of £4.00 to the account ending 4321. Nothing stays."), "{html}");
    let all = with(&fields("confirm", "2.50"), "seen", "1");
    assert_eq!(desk.send(&session, &all).await, page_of(&session));
    assert_eq!(desk.left(&session).await, 0);
    let (status, html) = desk.refund_form(&session).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains("All of it has been refunded"), "{html}");
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    for (amount, error) in [
        ("4.01", "Only £4.00 is left to refund"),
        ("0", "The amount must be more than 0; £4.00 is left"),
        ("", "Enter an amount, at most the £4.00 that is left"),
        ("1.005", "at most 2 decimals"),
        ("1,5", "at most 2 decimals"),
        ("0,500", "at most 2 decimals"),
        ("ten", "£4.00 is left"),
        ("-1", "£4.00 is left"),
    ] {
        let (status, html) = desk.send(&session, &fields("check", amount)).await;
        assert_eq!(status, 422, "{amount}");
        assert!(html.contains("<a href=\"#amount\">") && words(&html).contains(error), "{amount}: {html}");
        let (_, message) = html.split_once("id=\"amount-error\">").unwrap();
        assert!(message.split('<').next().unwrap().contains(error), "{amount}");
    }
    for (name, value, field) in [("reason", "", "reason"), ("reason", "other", "note"), ("note", "so", "note")] {
        let (status, html) = desk.send(&session, &with(&fields("check", "1"), name, value)).await;
        assert_eq!(status, 422, "{name} {value}");
        assert!(
            html.contains(&format!("<a href=\"#{field}\">")) && html.contains(&format!("id=\"{field}\"")),
            "{html}"
        );
    }
    assert_eq!(desk.send(&session, &with(&fields("check", "1"), "seen", "")).await.0, 400);
    assert_eq!((desk.refunds(&session).await, desk.acts().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_form_that_comes_second_shows_what_was_refunded_meanwhile() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    assert_eq!(desk.send(&session, &fields("confirm", "1.00")).await, page_of(&session));
    for (step, amount) in [("check", "1.00"), ("edit", "3"), ("check", "2.00"), ("confirm", "2.00")] {
        let (status, html) = desk.send(&session, &fields(step, amount)).await;
        assert_eq!(status, 409, "{step} {amount}");
        let said = words(&html);
        assert!(said.contains("Meanwhile somebody refunded £1.00.") && said.contains("£3.00 is left"), "{said}");
        assert!(html.contains("name=\"seen\" value=\"1\""), "{html}");
        assert!(html.contains(&format!("value=\"{amount}\"")), "what was typed stays: {html}");
    }
    desk.advance(SignedDuration::from_secs(1));
    assert_eq!(desk.send(&session, &with(&fields("confirm", "3"), "seen", "1")).await, page_of(&session));
    // Nothing is left, and so there is no form.
    let (status, html) = desk.send(&session, &fields("confirm", "2.00")).await;
    let said = words(&html);
    assert_eq!(status, 409);
    assert!(said.contains("Meanwhile somebody refunded £1.00. Meanwhile somebody refunded £3.00."), "{said}");
    assert_eq!(desk.refunds(&session).await.len(), 2);
    let outcomes: Vec<_> = desk.acts().await.into_iter().map(|act| act.outcome).collect();
    let refused = ActOutcome::Refused("changed_meanwhile".to_owned());
    let of = |outcome: &ActOutcome| outcomes.iter().filter(|of| *of == outcome).count();
    assert_eq!((outcomes.len(), of(&ActOutcome::Done), of(&refused)), (4, 2, 2), "{outcomes:?}");
}

#[tokio::test]
async fn a_second_form_for_the_same_amount_is_the_same_only_if_all_of_it_is() {
    let mut desk = Desk::new().await;
    let session = desk.paid(|session| session.payer_account = None).await;
    let first = with(&with(&fields("confirm", "1.00"), "to", "account"), "name", "Ada Customer");
    let first = with(&with(&first, "sort_code", "11-22-33"), "account_number", "87655678");
    for _ in 0..2 {
        assert_eq!(desk.send(&session, &first).await, page_of(&session));
    }
    let others = [
        with(&first, "account_number", "87655679"),
        with(&first, "sort_code", "11-22-34"),
        with(&first, "name", "Ida Customer"),
        with(&first, "to", "payer"),
        with(&first, "reason", "goodwill"),
    ];
    for other in &others {
        let (status, html) = desk.send(&session, other).await;
        assert_eq!(status, 409, "{html}");
        assert!(words(&html).contains("Meanwhile somebody refunded £1.00."), "{html}");
    }
    desk.visitor.person.email = samples::text("bob@shop.example");
    assert_eq!(desk.send(&session, &first).await.0, 409, "a colleague’s");
    assert_eq!((desk.refunds(&session).await.len(), desk.acts().await.len()), (1, 2 + others.len()));
}

#[tokio::test]
async fn an_old_form_makes_no_second_refund_after_its_own_was_cancelled() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    let form = fields("confirm", "1.00");
    assert_eq!(desk.send(&session, &form).await, page_of(&session));
    let refunds = desk.refunds(&session).await;
    let write_id = desk.services.random.write_id();
    desk.services.payments.cancel_refund(&refunds[0], &write_id, None).await.unwrap();
    let (status, html) = desk.send(&session, &form).await;
    assert_eq!(status, 409);
    let said = words(&html);
    assert!(said.contains("Meanwhile somebody made a refund of £1.00, which has failed."), "{said}");
    assert!(said.contains("£4.00 is left") && html.contains("name=\"seen\" value=\"1\""), "{said}");
    assert_eq!(desk.refunds(&session).await.len(), 1);
}

#[tokio::test]
async fn what_the_domain_refuses_is_recorded() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    let (status, html) = desk.send(&session, &fields("confirm", "4.01")).await;
    assert_eq!(status, 422);
    assert!(html.contains("Only £4.00 is left to refund"), "{html}");
    desk.advance(SignedDuration::from_secs(1));
    let unpaid = desk.session(|_| {}).await;
    let (status, html) = desk.refund_form(&unpaid).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains("This payment is waiting for its payer."), "{html}");
    assert_eq!(desk.send(&unpaid, &fields("check", "1")).await.0, 409);
    let (status, html) = desk.send(&unpaid, &fields("confirm", "1")).await;
    assert_eq!(status, 409);
    assert!(words(&html).contains("can’t be refunded"), "{html}");
    let acts = desk.acts().await;
    let outcomes: Vec<_> = acts.iter().map(|act| (act.what, act.outcome.clone(), act.change.is_none())).collect();
    let refused = |code: &str| (ActKind::RefundMade, ActOutcome::Refused(code.to_owned()), true);
    assert_eq!(outcomes, [refused("more_than_is_left"), refused("not_sent")]);
    assert!(desk.refunds(&session).await.is_empty() && desk.refunds(&unpaid).await.is_empty());
}

#[tokio::test]
async fn where_the_account_is_not_known_it_is_given_or_asked_for() {
    let desk = Desk::new().await;
    let withheld = desk.paid(|session| session.payer_account = None).await;
    let (_, html) = desk.refund_form(&withheld).await;
    assert!(html.contains("Ask the payer, by e-mail") && html.contains("id=\"sort_code\""), "{html}");
    let (status, html) = desk.send(&withheld, &fields("check", "1")).await;
    assert_eq!(status, 200);
    let said = words(&html);
    assert!(said.contains("£1.00 of £4.00. The payer is asked by e-mail where the money goes. £3.00 stays."), "{said}");
    assert!(said.contains("The payer, by e-mail: now, and when the money is sent."), "{said}");
    assert_eq!(desk.send(&withheld, &fields("confirm", "1")).await, page_of(&withheld));
    let given = with(&with(&fields("check", "1"), "seen", "1"), "to", "account");
    let (status, html) = desk.send(&withheld, &given).await;
    assert_eq!(status, 422);
    for field in ["name", "sort_code", "account_number"] {
        assert!(html.contains(&format!("<a href=\"#{field}\">")), "{field}: {html}");
    }
    let given = with(&with(&given, "name", "Ada Customer"), "sort_code", "11-22-33");
    let given = with(&given, "account_number", "87655678");
    let (status, html) = desk.send(&withheld, &given).await;
    assert_eq!(status, 200, "{html}");
    assert!(words(&html).contains("£1.00 of £4.00 to the account ending 5678. £2.00 stays."), "{html}");
    assert_eq!(desk.send(&withheld, &with(&given, "step", "confirm")).await, page_of(&withheld));
    // Both of the same millisecond: either comes first.
    let mut states: Vec<_> = desk.refunds(&withheld).await.into_iter().map(|refund| refund.state).collect();
    states.sort_by_key(|state| state.as_str());
    assert_eq!(states, [RefundState::AwaitingDetails, RefundState::AwaitingPayment]);
    let acts = format!("{:?}", desk.acts().await);
    assert!(!acts.contains("87655678") && !acts.contains("Customer"), "{acts}");
}

#[tokio::test]
async fn a_refund_is_asked_for_in_the_language_of_the_browser() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    let mut frame = desk.frame(Mode::Test);
    frame.language = Language::German;
    let (status, html) = seen(show(&desk.services, &frame, session.id, BASE_URL).await);
    assert_eq!(status, 200);
    let said = words(&html);
    for (german, english) in [("Zahlung erstatten", "Refund a payment"), ("Warum?", "Why?"), ("Weiter", "Continue")] {
        assert!(said.contains(german) && !said.contains(english), "{german}: {said}");
    }
    let typed = form(&fields("check", "1,50"));
    let (status, html) = seen(Box::pin(submit(&desk.services, &frame, session.id, &typed, BASE_URL)).await);
    assert_eq!(status, 200, "{html}");
    let said = words(&html);
    assert!(said.contains("Rückerstattung prüfen") && !said.contains("Check the refund"), "{said}");
    let sentence = "1,50 £ von 4,00 £ auf das Konto mit den Endziffern 4321. Es bleiben 2,50 £.";
    assert!(said.contains(sentence) && html.contains("value=\"1,50\""), "{said}");
}

#[tokio::test]
async fn only_who_signed_in_just_now_refunds_real_money() {
    let desk = Desk::new().await;
    let session = desk.paid(|session| session.mode = Mode::Live).await;
    let live = desk.frame(Mode::Live);
    let confirm = form(&fields("confirm", "1"));
    let again = Back::read(&format!("/console/live/payments/{}/refund", session.id)).sign_in_again();
    let again = (303, again);
    desk.advance(SignedDuration::from_secs(300));
    assert_eq!(seen(show(&desk.services, &live, session.id, BASE_URL).await).0, 200);
    desk.advance(SignedDuration::from_secs(1));
    assert_eq!(seen(show(&desk.services, &live, session.id, BASE_URL).await), again);
    assert_eq!(seen(submit(&desk.services, &live, session.id, &confirm, BASE_URL).await), again);
    assert!(desk.refunds(&session).await.is_empty());
    // A test moves no money.
    assert_eq!(
        seen(show(&desk.services, &desk.frame(Mode::Test), session.id, BASE_URL).await).0,
        404,
        "the other mode"
    );
    assert_eq!(desk.refund_form(&desk.paid(|_| {}).await).await.0, 200);
    let theirs = desk.paid(|session| session.merchant_id = "other".parse().unwrap()).await;
    assert_eq!(desk.refund_form(&theirs).await.0, 404);
    assert_eq!(desk.send(&theirs, &fields("confirm", "1")).await.0, 404);
    assert_eq!(desk.acts().await, []);
}

#[tokio::test]
async fn what_no_bank_sends_back_has_no_form() {
    let desk = Desk::new().await;
    let session = desk.paid(|session| session.amount = Money::new(session.amount.minor_units(), Currency::USD)).await;
    let (status, html) = desk.refund_form(&session).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains("A payment in USD can only be refunded by the provider that took it"), "{html}");
    assert!(!html.contains("name=\"seen\""), "no form: {html}");
    assert_eq!(desk.send(&session, &fields("confirm", "1")).await.0, 409);
    let outcomes: Vec<_> = desk.acts().await.into_iter().map(|act| act.outcome).collect();
    assert_eq!(outcomes, [ActOutcome::Refused("not_by_bank".to_owned())]);
}

/// Wherever the process dies, the same form sent again makes the one refund; and there is an act of it exactly if it is there.
#[tokio::test]
async fn a_process_may_die_anywhere() {
    for done in [false, true] {
        for calls in 0.. {
            let desk = Desk::new().await;
            let session = desk.paid(|_| {}).await;
            let fields = fields("confirm", "1.00");
            let answer = desk.aws.process(Some((calls, done)), desk.send(&session, &fields)).await;
            let what = format!("after {calls} calls, the last {done}");
            assert_eq!(desk.acts().await.len(), desk.refunds(&session).await.len(), "{what}");
            assert_eq!(desk.send(&session, &fields).await, page_of(&session), "{what}");
            assert_eq!((desk.acts().await.len(), desk.refunds(&session).await.len()), (1, 1), "{what}");
            assert_eq!(desk.left(&session).await, 300, "{what}");
            if answer.is_some() {
                assert!(calls >= 4, "{calls}");
                break;
            }
        }
    }
}
