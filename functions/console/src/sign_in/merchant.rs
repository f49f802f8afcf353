//! Choosing a merchant, by somebody whose groups let them into the consoles of several (docs/decisions/0052-openid-connect.md).

use askama::Template;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::MerchantId;
use pages::{Answer, Facts, Html, Language, Shell, read_form};
use serde::Deserialize;
use store::{BrowserToken, ChoiceToken, OidcChoice};

use super::answer::with_cookie;
use super::arrival::Arrival;
use super::browser;
use super::refusal::Refusal;
use crate::back::Back;
use crate::frame::{language_of, nobodys};
use crate::services::Services;
use crate::texts::{Texts, texts};

#[derive(Template)]
#[template(path = "sign_in/merchant.html")]
struct MerchantPage<'a> {
    shell: &'a Shell<'a>,
    t: Texts,
    choice: &'a OidcChoice,
    /// By which the form finds the choice.
    token: &'a str,
}

impl MerchantPage<'_> {
    fn text(&self) -> Html {
        let facts = Facts::new(self.shell.language).text("email", self.choice.email.as_str());
        facts.text("n", self.choice.access.len()).html(self.t.sign_in.choice_text)
    }
}

#[derive(Deserialize)]
struct ChoiceForm {
    #[serde(default)]
    choice: String,
    #[serde(default)]
    merchant: String,
}

/// Asks this browser which merchant it is. Nobody is signed in by that yet, and a visit that the browser has goes on.
pub(super) async fn ask(
    services: &Services,
    browser: &BrowserToken,
    choice: &OidcChoice,
    language: Language,
    now: Timestamp,
) -> Answer {
    let token = ChoiceToken::new(&services.random);
    services.oidc_choices.put(&token, browser, choice, now).await?;
    tracing::info!("asked which merchant it is");
    let shell = &nobodys(language);
    let page = MerchantPage { shell, t: texts(language), choice, token: token.as_str() };
    with_cookie(shell.page(StatusCode::OK, &page)?, &browser::kept(browser))
}

/// Signs in at the merchant that was chosen. What was chosen before, too late, in another browser or never offered signs nobody in.
pub(crate) async fn choose(services: &Services, request: &Request) -> Answer {
    services.issuer()?;
    let (now, nowhere, language) = (services.clock.now(), Back::read(""), language_of(request));
    let ChoiceForm { choice, merchant } = read_form(request)?;
    let (Ok(token), Ok(merchant_id)) = (choice.parse::<ChoiceToken>(), merchant.parse::<MerchantId>()) else {
        return Refusal::Expired.page(&nowhere, language);
    };
    let Some(browser) = browser::token_of(request) else { return Refusal::Expired.page(&nowhere, language) };
    let chosen = services.oidc_choices.use_up(&token, &browser, &merchant_id, now).await?;
    let Some(OidcChoice { email, access, authenticated_at, back }) = chosen else {
        return Refusal::Expired.page(&nowhere, language);
    };
    let (back, has_choice) = (Back::read(&back), access.len() > 1);
    let Some(access) = access.into_iter().find(|access| access.merchant_id == merchant_id) else {
        return Refusal::Expired.page(&back, language);
    };
    Arrival { email, access, authenticated_at, has_choice, back }.sign_in(services, request, now).await
}
