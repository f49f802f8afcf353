//! Payment links by people, over tables in memory: what the pages say, what a second form does, and a process that dies anywhere.

use jiff::SignedDuration;
use models::{
    AccountIdentifier, ActKind, ActObject, ActOutcome, Currency, LinkedAccount, Mode, Session, SessionId, SessionState,
    WireFormat,
};
use pages::Language;
use samples::read_qr;

use super::{show, show_link, submit};
use crate::desk::{BASE_URL, Desk, form, seen, words};
use crate::frame::{Frame, Part};

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn with<'a>(fields: &Fields<'a>, name: &'a str, value: &'a str) -> Fields<'a> {
    let mut fields: Fields<'a> = fields.iter().filter(|(field, _)| *field != name).copied().collect();
    fields.push((name, value));
    fields
}

fn typed<'a>(step: &'a str, to: &'a str) -> Fields<'a> {
    let payer = [("name", "Ada"), ("email", "ada@example.com"), ("by_mail", "true")];
    let link = [("amount", " £25.00"), ("to", to), ("what", "Invoice 12"), ("reference", "INV 12")];
    [&[("step", step), ("token", "form-1")][..], &link, &payer].concat()
}

impl Desk {
    /// A desk whose merchant can be paid into a British account and a German one.
    async fn with_accounts() -> Self {
        let desk = Self::new().await;
        let iban = AccountIdentifier::Iban { iban: "DE89370400440532013000".to_owned().try_into().unwrap() };
        for account in [AccountIdentifier::uk("010203", "12345678").unwrap(), iban] {
            let name = samples::name("Gerald Wiley");
            let linked = LinkedAccount { name, account, default: false, linked_at: None };
            desk.services.merchants.link_account(&"demo".parse().unwrap(), &linked, None).await.unwrap();
        }
        desk
    }

    async fn link_form(&self, mode: Mode) -> (u16, String) {
        seen(show(&self.services, &self.frame(mode)).await)
    }

    async fn send_link(&self, fields: &Fields<'_>) -> (u16, String) {
        let request = form(fields);
        seen(Box::pin(submit(&self.services, &self.frame(Mode::Test), &request, BASE_URL)).await)
    }

    async fn link_page(&self, id: SessionId) -> (u16, String) {
        seen(show_link(&self.services, &self.frame(Mode::Test), id).await)
    }

    /// How the form spells that the money goes to the account of this label.
    async fn to(&self, label: &str) -> String {
        let (_, html) = self.link_form(Mode::Test).await;
        let (before, _) = html.split_once(label).unwrap_or_else(|| panic!("no {label} in {html}"));
        let (_, option) = before.rsplit_once("<option value=\"").unwrap();
        option.split('"').next().unwrap().to_owned()
    }

    /// The session whose link an answer leads to.
    async fn made(&self, (status, location): (u16, String)) -> Session {
        assert_eq!(status, 303, "{location}");
        let id = location.strip_prefix("/console/test/payments/").unwrap().strip_suffix("/link").unwrap();
        let session = self.services.sessions.get(&id.parse().unwrap()).await.unwrap().unwrap();
        let (methods, currency) = (session.payment_methods.as_slice(), session.amount.currency());
        let known = session.payer.as_ref().filter(|_| session.state != SessionState::AwaitingPayer);
        let limits = &session.offer_limits;
        let live = providers::can_be_paid_live(methods, currency, &session.payee.account, limits, known);
        assert_eq!(live, Ok(()), "no link is made that could not be paid");
        session
    }
}

#[tokio::test]
async fn a_link_from_the_form_to_the_act() {
    let desk = Desk::with_accounts().await;
    let (status, html) = desk.link_form(Mode::Test).await;
    assert_eq!(status, 200);
    assert!(html.contains("name=\"csrf\" value=\"c5rf\"") && html.contains("name=\"token\" value=\""), "{html}");
    for whole in ["12345678", "DE89370400440532013000", "010203"] {
        assert!(!html.contains(whole), "{html}");
    }
    let to = desk.to("GBP · 5678 · Gerald Wiley").await;
    assert!(html.contains(&format!("<option value=\"{to}\" selected>")), "pounds come first: {html}");
    let (status, html) = desk.send_link(&typed("check", &to)).await;
    assert_eq!(status, 200);
    let said = words(&html);
    assert!(said.contains("£25.00 from Ada, for Invoice 12; the link is valid until 7 February"), "{said}");
    assert!(said.contains("Gerald Wiley, account ending 5678") && said.contains("ada@example.com"), "{said}");
    let (status, html) = desk.send_link(&typed("edit", &to)).await;
    assert_eq!(status, 200);
    assert!(html.contains("value=\" £25.00\"") && html.contains("value=\"true\" checked"), "{html}");
    assert_eq!(desk.acts().await, [], "nothing is made yet");
    let session = desk.made(desk.send_link(&typed("confirm", &to)).await).await;
    for _ in 0..3 {
        assert_eq!(desk.made(desk.send_link(&typed("confirm", &to)).await).await, session, "one, however often");
    }
    assert_eq!((session.amount.minor(), session.amount.currency()), (2_500, Currency::GBP));
    assert_eq!((session.state, session.reference.as_str()), (SessionState::AwaitingProvider, "INV 12"));
    assert!(session.email_link && session.email_receipt && session.retry);
    assert_eq!(session.payer, Some(samples::payer("Ada", "ada@example.com")));
    assert_eq!(session.payee, samples::payee("Gerald Wiley", "010203", "12345678"));
    assert_eq!(session.line_items, [samples::item("Invoice 12", 2_500, 1)]);
    assert_eq!(session.expires_at.duration_since(session.created_at), SignedDuration::from_hours(7 * 24));
    let acts = desk.acts().await;
    let [act] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((act.what, &act.outcome, act.mode), (ActKind::PaymentLinkMade, &ActOutcome::Done, Some(Mode::Test)));
    assert_eq!((&act.object, act.reason.is_none()), (&ActObject::Session(session.id), true));
    assert_eq!(act.change.as_ref().unwrap().to, "£25.00");
    let (status, html) = desk.link_page(session.id).await;
    assert_eq!(status, 200);
    let url = format!("{BASE_URL}/checkout/{}", session.id);
    assert!(html.contains(&format!("<code>{url}</code>")), "{html}");
    assert_eq!(read_qr(&html), url);
    assert!(html.contains("We mail it to a…@example.com.") && !html.contains("ada@example.com"), "{html}");
}

#[tokio::test]
async fn only_what_has_to_be_said_has_to_be_said() {
    let desk = Desk::with_accounts().await;
    let to = desk.to("EUR · 3000 · Gerald Wiley").await;
    let short = vec![("token", "form-2"), ("amount", "7,00"), ("to", to.as_str()), ("what", "Candles")];
    let (status, html) = desk.send_link(&short).await;
    assert_eq!(status, 200);
    let said = words(&html);
    assert!(said.contains("€7.00 from the person who opens the link, for Candles;"), "{said}");
    assert!(said.contains("One of the payment’s own") && said.contains("Nobody: you pass the link on"), "{said}");
    let session = desk.made(desk.send_link(&with(&short, "step", "confirm")).await).await;
    assert_eq!((session.state, session.payer.is_none()), (SessionState::AwaitingPayer, true));
    assert_eq!((session.amount.currency(), session.payee.account.last_four()), (Currency::EUR, "3000"));
    assert!(!session.email_link && !session.email_receipt);
    let (_, html) = desk.link_page(session.id).await;
    assert!(!html.contains("We mail it"), "{html}");
    // Of a payer who is named the checkout asks for the address alone.
    let named = with(&with(&short, "name", "Ada"), "token", "form-3");
    let session = desk.made(desk.send_link(&with(&named, "step", "confirm")).await).await;
    assert_eq!((session.state, session.payer_named_at_creation), (SessionState::AwaitingPayer, true));
    assert!(session.email_receipt);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let desk = Desk::with_accounts().await;
    let to = desk.to("GBP · ").await;
    let long = "é".repeat(141);
    for (name, value, field, error) in [
        ("amount", "", "amount", "Enter an amount"),
        ("amount", "0", "amount", "The amount must be more than 0"),
        ("amount", "1.005", "amount", "at most 2 decimals"),
        ("amount", "1,5", "amount", "at most 2 decimals"),
        ("amount", "0,500", "amount", "at most 2 decimals"),
        ("amount", "€1", "amount", "at most 2 decimals"),
        ("amount", "1000000.01", "amount", "The amount can be at most £1,000,000.00"),
        ("to", "", "to", "Choose a currency"),
        ("to", "GBP-0000000000000000", "to", "Choose a currency"),
        ("what", " ", "what", "Say what the payment is for"),
        ("what", long.as_str(), "what", "up to 140"),
        ("reference", "INV-12", "reference", "up to 18 letters"),
        ("reference", "1234567890123456789", "reference", "up to 18 letters"),
        ("name", "", "name", "Enter the payer’s name, too"),
        ("name", long.as_str(), "name", "up to 140"),
        ("email", "", "email", "Enter the e-mail address that the link goes to"),
        ("email", "ada", "email", "Enter an e-mail address"),
    ] {
        for step in ["check", "confirm"] {
            let (status, html) = desk.send_link(&with(&typed(step, &to), name, value)).await;
            assert_eq!(status, 422, "{name} {value}");
            assert!(html.contains(&format!("<a href=\"#{field}\">")), "{name} {value}: {html}");
            let (_, message) = html.split_once(&format!("id=\"{field}-error\">")).unwrap();
            assert!(message.split('<').next().unwrap().contains(error), "{name} {value}: {html}");
            assert!(html.contains("name=\"token\" value=\"form-1\""), "{html}");
        }
    }
    for (name, value) in [("token", ""), ("by_mail", "perhaps"), ("step", "make")] {
        assert_eq!(desk.send_link(&with(&typed("confirm", &to), name, value)).await.0, 400, "{name}");
    }
    assert_eq!(desk.acts().await, []);
}

#[tokio::test]
async fn a_form_that_made_a_link_makes_no_other() {
    let mut desk = Desk::with_accounts().await;
    let (pounds, euro) = (desk.to("GBP · ").await, desk.to("EUR · ").await);
    let first = typed("confirm", &pounds);
    let session = desk.made(desk.send_link(&first).await).await;
    let others = [
        with(&with(&first, "amount", "25.01"), "name", "Ada"),
        with(&with(&first, "amount", "25"), "to", &euro),
        with(&first, "what", "Invoice 13"),
        with(&first, "reference", ""),
        with(&first, "name", "Ida"),
        with(&first, "email", "ida@example.com"),
        with(&first, "by_mail", "false"),
    ];
    for other in &others {
        let (status, html) = desk.send_link(other).await;
        assert_eq!(status, 409, "{html}");
        assert!(words(&html).contains("Another link was made from this form before"), "{html}");
        assert!(html.contains(&format!("/console/test/payments/{}\"", session.id)), "{html}");
        assert!(!html.contains("value=\"form-1\""), "as a form of its own it can be sent: {html}");
    }
    let outcomes: Vec<_> = desk.acts().await.into_iter().map(|act| act.outcome).collect();
    let refused = ActOutcome::Refused("made_before".to_owned());
    let of = |outcome: &ActOutcome| outcomes.iter().filter(|of| *of == outcome).count();
    assert_eq!((of(&ActOutcome::Done), of(&refused)), (1, others.len()), "{outcomes:?}");
    // A colleague's form is another one.
    desk.visitor.person.email = samples::text("bob@shop.example");
    assert_ne!(desk.made(desk.send_link(&first).await).await.id, session.id);
}

#[tokio::test]
async fn where_there_can_be_no_link_the_page_says_why() {
    let desk = Desk::new().await;
    let (status, html) = desk.link_form(Mode::Test).await;
    assert_eq!(status, 200);
    assert!(html.contains("counterfoil accounts link demo ") && !html.contains("name=\"token\""), "{html}");
    assert_eq!(desk.send_link(&typed("confirm", "GBP-0000000000000000")).await.0, 409);
    let (status, html) = Desk::with_accounts().await.link_form(Mode::Live).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains("Live payments are switched off here."), "{html}");
    assert_eq!(desk.acts().await, []);
}

#[tokio::test]
async fn where_the_format_of_links_is_off_none_is_made() {
    let mut desk = Desk::with_accounts().await;
    let to = desk.to("GBP · ").await;
    let house = WireFormat::default();
    let other = WireFormat::ALL.into_iter().find(|format| *format != house).unwrap();
    desk.services.settings.formats = other.as_str().parse().unwrap();
    let (status, html) = desk.link_form(Mode::Test).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains(&format!("adds {} to the parameter Formats", house.as_str())), "{html}");
    assert!(!html.contains("name=\"token\""), "{html}");
    assert_eq!(desk.send_link(&typed("confirm", &to)).await.0, 409);
    assert_eq!(desk.acts().await, []);
}

#[tokio::test]
async fn only_what_can_be_paid_has_a_link() {
    let desk = Desk::new().await;
    let paid = desk.paid(|_| {}).await;
    let (status, html) = desk.link_page(paid.id).await;
    assert_eq!(status, 200);
    assert!(words(&html).contains("The payment is paid.") && !html.contains("/checkout/"), "{html}");
    desk.advance(SignedDuration::from_secs(1));
    let theirs = desk.session(|session| session.merchant_id = "other".parse().unwrap()).await;
    let live = desk.session(|session| session.mode = Mode::Live).await;
    for other in [theirs, live] {
        assert_eq!(desk.link_page(other.id).await.0, 404);
    }
    let open = desk.session(|_| {}).await;
    assert_eq!(desk.link_page(open.id).await.0, 200);
    desk.advance(SignedDuration::from_hours(25));
    let (_, html) = desk.link_page(open.id).await;
    assert!(words(&html).contains("The payment has expired."), "{html}");
}

#[tokio::test]
async fn it_speaks_the_language_of_its_reader() {
    let desk = Desk::with_accounts().await;
    let frame = Frame::new(&desk.visitor, Mode::Test, Part::Payments, Language::French);
    let (status, html) = seen(show(&desk.services, &frame).await);
    assert_eq!(status, 200);
    assert!(html.contains("<h1>Nouveau lien de paiement</h1>") && html.contains("Libellé (facultatif)"), "{html}");
    let said = words(&html);
    for english in ["New payment link", "Back to", "Amount", "Reference", "Payer", "account ending"] {
        assert!(!said.contains(english), "{english}: {said}");
    }
    let request = form(&typed("check", "GBP-0000000000000000"));
    let (status, html) = seen(Box::pin(submit(&desk.services, &frame, &request, BASE_URL)).await);
    assert_eq!(status, 422);
    assert!(words(&html).contains("Choisissez une devise et le compte qui reçoit l’argent"), "{html}");
    let to = desk.to("GBP · ").await;
    let unclear = form(&with(&typed("check", &to), "amount", "1,249"));
    let (status, html) = seen(Box::pin(submit(&desk.services, &frame, &unclear, BASE_URL)).await);
    assert!(status == 422 && html.contains("href=\"#amount\""), "it may be 1.249: {html}");
    let open = desk.session(|_| {}).await;
    let (_, html) = seen(show_link(&desk.services, &frame, open.id).await);
    assert!(html.contains("<h1>Lien de paiement</h1>") && !html.contains("The payment"), "{html}");
    desk.advance(SignedDuration::from_hours(25));
    let (_, html) = seen(show_link(&desk.services, &frame, open.id).await);
    assert!(words(&html).contains("Le paiement a expiré."), "{html}");
}

/// Wherever the process dies, the same form sent again makes the one link; and there is an act of it exactly if it is there.
#[tokio::test]
async fn a_process_may_die_anywhere() {
    for done in [false, true] {
        for calls in 0.. {
            let desk = Desk::with_accounts().await;
            let to = desk.to("GBP · ").await;
            let fields = typed("confirm", &to);
            let answer = desk.aws.process(Some((calls, done)), desk.send_link(&fields)).await;
            let what = format!("after {calls} calls, the last {done}");
            let session = desk.made(desk.send_link(&fields).await).await;
            let acts = desk.acts().await;
            let [act] = &acts[..] else { panic!("{what}: {acts:?}") };
            assert_eq!(act.object, ActObject::Session(session.id), "{what}");
            if answer.is_some() {
                assert!(calls >= 2, "{calls}");
                break;
            }
        }
    }
}
