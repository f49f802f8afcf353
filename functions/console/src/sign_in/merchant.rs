//! Choosing a merchant, by somebody whose groups let them into the consoles of several (docs/decisions/0052-openid-connect.md).

use askama::Template;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::MerchantId;
use pages::{Answer, Shell, read_form};
use serde::Deserialize;
use store::{BrowserToken, ChoiceToken, OidcChoice};

use super::answer::with_cookie;
use super::arrival::Arrival;
use super::browser;
use super::refusal::Refusal;
use crate::back::Back;
use crate::frame::nobodys;
use crate::services::Services;

#[derive(Template)]
#[template(path = "sign_in/merchant.html")]
struct MerchantPage<'a> {
    shell: &'a Shell<'a>,
    choice: &'a OidcChoice,
    /// By which the form finds the choice.
    token: &'a str,
}

#[derive(Deserialize)]
struct ChoiceForm {
    #[serde(default)]
    choice: String,
    #[serde(default)]
    merchant: String,
}

/// Asks this browser which merchant it is. Nobody is signed in by that yet, and a visit that the browser has goes on.
pub(super) async fn ask(services: &Services, browser: &BrowserToken, choice: &OidcChoice, now: Timestamp) -> Answer {
    let token = ChoiceToken::new(&services.random);
    services.oidc_choices.put(&token, browser, choice, now).await?;
    tracing::info!("asked which merchant it is");
    let shell = &nobodys();
    let page = MerchantPage { shell, choice, token: token.as_str() };
    with_cookie(shell.page(StatusCode::OK, &page)?, &browser::kept(browser))
}

/// Signs in at the merchant that was chosen. What was chosen before, too late, in another browser or never offered signs nobody in.
pub(crate) async fn choose(services: &Services, request: &Request) -> Answer {
    services.issuer()?;
    let (now, nowhere) = (services.clock.now(), Back::read(""));
    let ChoiceForm { choice, merchant } = read_form(request)?;
    let (Ok(token), Ok(merchant_id)) = (choice.parse::<ChoiceToken>(), merchant.parse::<MerchantId>()) else {
        return Refusal::Expired.page(&nowhere);
    };
    let Some(browser) = browser::token_of(request) else { return Refusal::Expired.page(&nowhere) };
    let chosen = services.oidc_choices.use_up(&token, &browser, &merchant_id, now).await?;
    let Some(OidcChoice { email, access, authenticated_at, back }) = chosen else {
        return Refusal::Expired.page(&nowhere);
    };
    let (back, has_choice) = (Back::read(&back), access.len() > 1);
    let Some(access) = access.into_iter().find(|access| access.merchant_id == merchant_id) else {
        return Refusal::Expired.page(&back);
    };
    Arrival { email, access, authenticated_at, has_choice, back }.sign_in(services, request, now).await
}
