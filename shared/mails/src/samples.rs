//! Sessions and refunds for tests, and what must be so of every mail.

use jiff::Timestamp;
use models::{
    Creation, LineItem, Mode, NewRefund, NewSession, Payer, Refund, RefundCreation, RefundEvent, RefundState, Session,
    SessionEvent, SessionState, Shop,
};
use pages::{Language, Zone};

use crate::mail::Mail;

/// A name that tries to be markup.
pub(crate) const HOSTILE: &str = r#"<script>alert("1")</script> & 'Söns' {{ total }}"#;

const SESSION_ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
const PAYMENT_SESSION_ID: &str = "5e0c2b8e-51f4-4d5b-8d0e-0f3f6f0f7c11";
const PAYMENT_END_TO_END_ID: &str = "c0ffee00-1d2c-4f3b-8a4d-5e6f70819203";
const PAYER: &str = "Paula Payer";
const PAYER_EMAIL: &str = "paula@example.com";
const PAYEE_ACCOUNT: [&str; 2] = ["010203", "12345678"];
/// The account that the customer gives for a refund, and whose it is.
const CUSTOMER: &str = "P J Payer";
const CUSTOMER_ACCOUNT: [&str; 2] = ["040506", "87654321"];

const BASE_URL: &str = "http://127.0.0.1:3000";

pub(crate) fn item(text: &str, description: Option<&str>, minor: i64, quantity: u32) -> LineItem {
    LineItem { description: description.map(samples::name), ..samples::item(text, minor, quantity) }
}

/// £16.50.
pub(crate) fn candles() -> Vec<LineItem> {
    vec![item("Candles", None, 100, 4), item("Diffuser", Some("Lavender, 200 ml"), 1250, 1)]
}

/// Awaits its payer.
pub(crate) fn created(items: Vec<LineItem>, payee_name: &str) -> Session {
    let [sort_code, account_number] = PAYEE_ACCOUNT;
    let new = NewSession {
        payee: samples::payee(payee_name, sort_code, account_number),
        payer: Some(samples::payer(PAYER, PAYER_EMAIL)),
        ..samples::new_session(items)
    };
    let creation = Creation {
        id: SESSION_ID.parse().unwrap(),
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        test_clock: None,
        base_url: BASE_URL.to_owned(),
        ..samples::creation("2019-11-01T15:48:26Z".parse().unwrap())
    };
    Session::create(new, creation)
}

pub(crate) fn sent(items: Vec<LineItem>, payee_name: &str) -> Session {
    let mut session = created(items, payee_name);
    session.state = SessionState::Sent;
    session.history.append(
        session.state,
        "2019-11-01T15:50:59.999Z".parse().unwrap(),
        SessionEvent::Settled,
        samples::write_id(),
    );
    session
}

/// A refund of `minor` of this session, which awaits the customer's details.
pub(crate) fn awaiting_details(session: &Session, minor: i64) -> Refund {
    let reference = Some(samples::text("Broken candles"));
    let new = NewRefund { reference, ..samples::new_refund(session, Some(minor)) };
    let creation = RefundCreation {
        id: "9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77".parse().unwrap(),
        base_url: BASE_URL.to_owned(),
        ..samples::refund_creation("2019-11-04T09:30:00Z".parse().unwrap())
    };
    Refund::create(session, new, creation).unwrap().0
}

/// The same after the customer gave them, and the session that pays it.
pub(crate) fn awaiting_payment(session: &Session, minor: i64) -> (Refund, Session) {
    let mut refund = awaiting_details(session, minor);
    let [sort_code, account_number] = CUSTOMER_ACCOUNT;
    let payment = refund.give_details(
        session,
        samples::payee(CUSTOMER, sort_code, account_number),
        PAYMENT_SESSION_ID.parse().unwrap(),
        PAYMENT_END_TO_END_ID.parse().unwrap(),
        "2019-11-04T18:02:10Z".parse().unwrap(),
        samples::write_id(),
    );
    (refund, payment.unwrap())
}

/// The same after it was paid.
pub(crate) fn refunded(session: &Session, minor: i64) -> (Refund, Session) {
    let (mut refund, payment) = awaiting_payment(session, minor);
    refund.state = RefundState::Sent;
    refund.history.append(
        refund.state,
        "2019-11-05T08:15:40Z".parse().unwrap(),
        RefundEvent::Settled,
        samples::write_id(),
    );
    (refund, payment)
}

/// The same session, live.
pub(crate) fn live(session: Session) -> Session {
    Session { mode: Mode::Live, ..session }
}

/// The same session with a payer who gave no address, and with no payer.
pub(crate) fn without_address(session: &Session) -> [Session; 2] {
    let payer = session.payer.clone().map(|payer| Payer { email: None, ..payer });
    [Session { payer, ..session.clone() }, Session { payer: None, ..session.clone() }]
}

pub(crate) fn assert_both_say(mail: &Mail, facts: &[&str]) {
    for fact in facts {
        assert!(mail.text.contains(fact), "{fact} in {}", mail.text);
        assert!(mail.html.contains(fact), "{fact} in {}", mail.html);
    }
}

/// No session's id, nothing that the payer typed, and no whole account.
pub(crate) fn assert_keeps_secrets(mail: &Mail) {
    let typed = [PAYER, PAYER_EMAIL, CUSTOMER, "Payer", "Paula"];
    let secrets = [&[SESSION_ID, PAYMENT_SESSION_ID], &typed[..], &PAYEE_ACCOUNT, &CUSTOMER_ACCOUNT].concat();
    for part in [&mail.subject, &mail.text, &mail.html] {
        for secret in &secrets {
            assert!(!part.contains(secret), "{secret} in {part}");
        }
    }
}

pub(crate) fn assert_says_test(mail: &Mail, expected: bool) {
    assert_eq!(mail.subject.contains("Test"), expected, "{}", mail.subject);
    assert_eq!(mail.text.contains("Test"), expected, "{}", mail.text);
    assert_eq!(mail.html.contains("Test"), expected, "{}", mail.html);
}

/// [`HOSTILE`] is shown this many times in the text, at least once in the HTML, and is nothing but text there.
pub(crate) fn assert_shows_hostile(mail: &Mail, times: usize) {
    assert_eq!(mail.text.matches(HOSTILE).count(), times, "{}", mail.text);
    assert!(!mail.html.contains("<script") && !mail.html.contains("'Söns'"), "{}", mail.html);
    let shown = html_unescaped(&mail.html).matches(HOSTILE).count();
    assert!(shown > 0 && shown == mail.html.matches("&#60;script").count(), "{}", mail.html);
}

fn html_unescaped(html: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(html.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A shop of this name that says nothing else.
pub(crate) fn shop(name: &str) -> Shop {
    Shop::new(samples::name(name))
}

/// A time as mails in English show it.
pub(crate) fn shown(at: &str) -> String {
    Language::English.date_and_time(at.parse::<Timestamp>().unwrap(), Zone::London)
}

/// The same session, whose payer reads this language.
pub(crate) fn in_language(language: Language, session: &Session) -> Session {
    Session { locale: Some(samples::text(language.tag())), ..session.clone() }
}

/// It says that it is in this language, once, and every text is filled. With PAGES_DIR set to a folder, it is written
/// there.
pub(crate) fn assert_speaks(name: &str, language: Language, mail: &Mail) {
    if let Some(folder) = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from) {
        std::fs::write(folder.join(format!("mail_{name}_{}.html", language.tag())), &mail.html).unwrap();
    }
    assert_eq!(mail.html.matches("lang=").count(), 1, "{}", mail.html);
    assert!(mail.html.contains(&format!("<html lang=\"{}\">", language.tag())), "{}", mail.html);
    assert_eq!(mail.language, language);
    let is_filled = |part: &str| !part.replace("{{ total }}", "").contains(['{', '}']);
    let (_, body) = mail.html.split_once("</style>").unwrap();
    assert!(is_filled(&mail.subject) && is_filled(&mail.text) && is_filled(body), "{}", mail.text);
}

/// In each language it says so, and a test is marked as one.
pub(crate) fn assert_speaks_every_language(name: &str, session: &Session, write: impl Fn(&Session) -> Mail) {
    for language in Language::ALL {
        let mail = write(&in_language(language, session));
        assert_speaks(name, language, &mail);
        assert!(mail.subject.starts_with(&format!("{} ", language.texts().mails.test_subject)), "{}", mail.subject);
    }
    let other = Session { locale: Some(samples::text("ja-JP")), ..session.clone() };
    assert_eq!(write(&other).language, Language::English);
}

/// A subject is one line that ends in the shop's name, whatever that is, and none of it is an encoded word.
pub(crate) fn assert_subject_ends_in_any_shop(beginning: &str, subject_of: impl Fn(&Shop) -> String) {
    for (name, shown) in [
        (HOSTILE, HOSTILE),
        ("Gerald: Wiley; Bcc=x", "Gerald: Wiley; Bcc=x"),
        ("=?UTF-8?Q?=0ABcc:?=", "= ?UTF-8?Q?=0ABcc:?="),
        ("==?u?q?a?= =?u?b?Yg==?=", "== ?u?q?a?= = ?u?b?Yg== ?="),
        (&"é".repeat(140), &"é".repeat(140)),
    ] {
        let subject = subject_of(&shop(name));
        assert_eq!(subject, format!("{beginning}{shown}"));
        assert!(!subject.chars().any(char::is_control) && !subject.contains("=?"));
    }
}

/// No URL, link or picture.
pub(crate) fn assert_fetches_nothing(html: &str) {
    for remote in ["http:", "https:", "//", "src=", "<img", "<link", "url(", "@import", "<script", "<a "] {
        assert!(!html.contains(remote), "{remote} in {html}");
    }
}
