//! The page that asks who one is, and has a link mailed to the address that is typed.
//!
//! It does and says the same for every address, whether or not somebody works here with it: `email-receipt` finds that out.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{EmailAddress, LinkMailId, Locale};
use pages::{Answer, Problem, Shell, read_form, see_other};
use serde::Deserialize;
use store::SignInRequest;

use super::answer::{asks_again, back_in};
use crate::back::Back;
use crate::frame::{language_of, nobodys};
use crate::services::Services;
use crate::texts::{Texts, around, texts};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sign_in/ask.html")]
struct AskPage<'a> {
    shell: &'a Shell<'a>,
    t: Texts,
    /// Where they were about to go.
    back: &'a Back,
    /// Leads to their company account, if there is an issuer of such.
    company: Option<String>,
    is_sent: bool,
    /// What was typed that is no address.
    typed: &'a str,
    errors: Vec<(&'static str, &'static str)>,
}

impl AskPage<'_> {
    fn error(&self) -> Option<&'static str> {
        self.errors.first().map(|(_, text)| *text)
    }

    fn by_operator(&self) -> (&'static str, &'static str) {
        around(self.t.sign_in.by_operator, "{command}")
    }

    fn go_on(&self) -> (&'static str, &'static str) {
        around(self.t.sign_in.go_on, "{link}")
    }

    fn ask_again(&self) -> (&'static str, &'static str) {
        around(self.t.sign_in.ask_again, "{link}")
    }
}

#[derive(Deserialize)]
struct AskForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    back: String,
}

/// The page that asks who one is, or says that a link was asked for; who is signed in already is led on, unless they have to
/// show it once more.
pub(crate) async fn show(services: &Services, request: &Request) -> Answer {
    let (back, is_sent) = (back_in(request), request.uri().query().unwrap_or("").starts_with("sent=1"));
    let again = is_sent || asks_again(request);
    if !again && Visitor::find(services, request).await?.is_some() {
        return see_other(back.as_str());
    }
    let language = language_of(request);
    let (shell, t) = (&nobodys(language), texts(language));
    let company = services.settings.oidc.is_some().then(|| back.company(again));
    shell.page(StatusCode::OK, &AskPage { shell, t, back: &back, company, is_sent, typed: "", errors: Vec::new() })
}

/// Asks for a link to be mailed to an address. Nothing is read of whose that is: neither the answer nor its time says it.
pub(crate) async fn ask(services: &Services, request: &Request, base_url: String) -> Answer {
    let AskForm { email, back } = read_form(request)?;
    let (back, language) = (Back::read(&back), language_of(request));
    let Ok(address) = EmailAddress::try_from(email.trim().to_owned()) else {
        let (shell, t) = (&nobodys(language), texts(language));
        let errors = vec![("email", t.sign_in.email_wrong)];
        let company = services.settings.oidc.is_some().then(|| back.company(false));
        let page = AskPage { shell, t, back: &back, company, is_sent: false, typed: &email, errors };
        return shell.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let id = LinkMailId::new(services.random.uuid_v4());
    let at = models::truncate_to_ms(services.clock.now());
    let locale = Locale::try_from(language.tag().to_owned()).ok();
    let asked = SignInRequest { email: address, base_url, back: back.as_str().to_owned(), locale, at };
    services.link_mails.put(id, &asked).await?;
    // What no message names is never sent: they are asked to try again.
    let queued = services.receipts.enqueue(&id.to_string()).await;
    queued.map_err(|error| Problem::Unavailable(Box::new(error)))?;
    tracing::info!(mail = %id, "sign-in link asked for");
    see_other(&back.asked())
}

#[cfg(test)]
mod tests {
    use store::LinkMail;

    use super::*;
    use crate::desk::{BASE_URL, Desk, form, seen, words};

    const BACK: &str = "/console/live/webhooks";
    const EMAIL: &str = "Enter your e-mail address, such as ada@example.com.";

    async fn asked(desk: &Desk, email: &str) -> (u16, String) {
        seen(ask(&desk.services, &form(&[("email", email), ("back", BACK)]), BASE_URL.to_owned()).await)
    }

    async fn shown(desk: &Desk, query: &str) -> String {
        let request = lambda_http::http::Request::get(format!("/console/sign-in?{query}"));
        seen(show(&desk.services, &request.body(lambda_http::Body::Empty).unwrap()).await).1
    }

    #[tokio::test]
    async fn what_is_asked_for_is_put_with_no_token_and_named_in_the_queue() {
        let desk = Desk::new().await;
        let sent = (303, "/console/sign-in?sent=1&back=%2Fconsole%2Flive%2Fwebhooks".to_owned());
        assert_eq!(asked(&desk, " ada@shop.example ").await, sent);
        let message = desk.aws.receive(0).unwrap();
        assert_eq!(message.queue, "receipts");
        let id: LinkMailId = message.body.parse().unwrap();
        let claim = desk.services.link_mails.claim(id, desk.services.clock.now()).await.unwrap().unwrap();
        let LinkMail::SignIn(SignInRequest { email, base_url, back, .. }) = claim.request else { panic!("{claim:?}") };
        assert_eq!((email.as_str(), base_url.as_str(), back.as_str()), ("ada@shop.example", BASE_URL, BACK));
        // Nobody works here with this one.
        assert_eq!(asked(&desk, "eve@evil.example").await, sent);
        assert!(desk.aws.receive(0).is_some() && desk.aws.receive(0).is_none());
        assert!(desk.acts().await.is_empty());
    }

    #[tokio::test]
    async fn the_mail_is_asked_for_in_the_language_of_the_page() {
        let desk = Desk::new().await;
        for (accepted, tag) in [(Some("cy, en;q=0.5"), "cy"), (Some("ja"), "en-GB"), (None, "en-GB")] {
            let mut request = form(&[("email", "ada@shop.example"), ("back", BACK)]);
            if let Some(accepted) = accepted {
                request.headers_mut().insert("accept-language", accepted.parse().unwrap());
            }
            assert_eq!(seen(ask(&desk.services, &request, BASE_URL.to_owned()).await).0, 303);
            let id = desk.aws.receive(0).unwrap().body.parse().unwrap();
            let claim = desk.services.link_mails.claim(id, desk.services.clock.now()).await.unwrap().unwrap();
            let LinkMail::SignIn(SignInRequest { locale, .. }) = claim.request else { panic!("{claim:?}") };
            assert_eq!(locale.unwrap().as_str(), tag, "{accepted:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_address_is_shown_again() {
        let desk = Desk::new().await;
        for typed in ["", "ada", "ada@", "<b>@x"] {
            let (status, html) = asked(&desk, typed).await;
            assert_eq!(status, 422, "{typed}");
            assert!(words(&html).contains(EMAIL) && html.contains("href=\"#email\"") && !html.contains("<b>"));
            assert!(html.contains(&format!("name=\"back\" value=\"{BACK}\"")), "{html}");
        }
        assert!(desk.aws.receive(0).is_none());
    }

    #[tokio::test]
    async fn the_answer_says_what_to_do_next() {
        let desk = Desk::new().await;
        let asks = shown(&desk, "back=%2Fconsole%2Flive%2Fwebhooks").await;
        for text in [&format!("name=\"back\" value=\"{BACK}\""), "Send me a link", "counterfoil console invite"] {
            assert!(asks.contains(text), "{text}: {asks}");
        }
        let sent = shown(&desk, "sent=1&back=%2Fconsole%2Flive%2Fwebhooks").await;
        for text in ["a link is on its way", "15 minutes", "spam", "counterfoil console invite", BACK] {
            assert!(sent.contains(text), "{text}: {sent}");
        }
    }

    #[tokio::test]
    async fn it_is_asked_in_the_language_that_the_browser_accepts() {
        let desk = Desk::new().await;
        let request = lambda_http::http::Request::get("/console/sign-in").header("accept-language", "fr");
        let (_, html) = seen(show(&desk.services, &request.body(lambda_http::Body::Empty).unwrap()).await);
        for text in ["· Console Counterfoil</title>", "<h1>Se connecter</h1>", "Recevoir un lien"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("Sign in") && !html.contains("Send me a link"), "{html}");
    }
}
