//! Signing in with a company account, at the issuer that the operator names (docs/decisions/0052-openid-connect.md).

use lambda_http::Request;
use pages::{Answer, Language, Problem};
use serde::Deserialize;
use store::{Access, BrowserToken, OidcChoice, StateToken};

use super::answer::{asks_again, back_in, lead_on};
use super::arrival::Arrival;
use super::refusal::Refusal;
use super::{browser, merchant};
use crate::back::Back;
use crate::frame::language_of;
use crate::fresh::FRESH_FOR;
use crate::oidc::{IssuerError, NotVouched, Vouched};
use crate::services::Services;
use crate::visitor::Visitor;

/// What the issuer sends back (RFC 6749, 4.1.2; RFC 9207). Without a code, an error.
#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
    iss: Option<String>,
}

/// Leads to the issuer.
pub(crate) async fn start(services: &Services, request: &Request, base_url: &str) -> Answer {
    let oidc = services.issuer()?;
    let (state, browser) = (StateToken::new(&services.random), BrowserToken::new(&services.random));
    let (back, now) = (back_in(request), services.clock.now());
    let begun = services.oidc_requests.put(&state, &browser, back.as_str(), asks_again(request), now).await?;
    let url = oidc.authorization_url(&state, &begun, &redirect_uri(base_url), now).await;
    let url = url.map_err(|error| Problem::Unavailable(Box::new(error)))?;
    lead_on(&url, &browser::kept(&browser))
}

/// Signs in who comes back from the issuer, as it says who they are; or asks first which merchant it is.
pub(crate) async fn come_back(services: &Services, request: &Request, base_url: &str) -> Answer {
    let (oidc, now, nowhere) = (services.issuer()?, services.clock.now(), Back::read(""));
    let language = language_of(request);
    let query = serde_urlencoded::from_str(request.uri().query().unwrap_or(""));
    let Ok(Query { state, code, error, iss }) = query else { return Refusal::Expired.page(&nowhere, language) };
    let (Ok(state), Some(browser)) = (state.parse::<StateToken>(), browser::token_of(request)) else {
        return Refusal::Expired.page(&nowhere, language);
    };
    let Some(begun) = services.oidc_requests.use_up(&state, &browser, now).await? else {
        return Refusal::Expired.page(&nowhere, language);
    };
    let back = Back::read(&begun.back);
    if !oidc.is_of(iss.as_deref()) {
        return Refusal::Unconfirmed.page(&back, language);
    }
    if code.is_empty() {
        return declined(&error).page(&back, language);
    }
    let vouched = match oidc.vouched(&code, &begun, &redirect_uri(base_url), now).await {
        Ok(vouched) => vouched,
        Err(error) => return refuse(error, &back, language),
    };
    let is_fresh = vouched.authenticated_at.is_some_and(|at| now.duration_since(at) <= FRESH_FOR);
    if begun.again && !is_fresh {
        return Refusal::NotFresh.page(&back, language);
    }
    // Who shows once more who they are goes on where they were.
    let visitor = if begun.again { Visitor::find(services, request).await? } else { None };
    let stays_at = visitor.map(|visitor| visitor.person.merchant_id);
    let Vouched { email, access, authenticated_at } = vouched;
    let access = those_there(services, access).await?;
    if access.is_empty() {
        return Refusal::NoGroup.page(&back, language);
    }
    let has_choice = access.len() > 1;
    let is_it = |access: &&Access| !has_choice || stays_at.as_ref() == Some(&access.merchant_id);
    let chosen = access.iter().find(is_it).cloned();
    match chosen {
        Some(access) => {
            Arrival { email, access, authenticated_at, has_choice, back }.sign_in(services, request, now).await
        }
        None => {
            let choice = OidcChoice { email, access, authenticated_at, back: begun.back };
            merchant::ask(services, &browser, &choice, language, now).await
        }
    }
}

/// Those whose merchants are there: nobody is asked to choose what they can't come into.
async fn those_there(services: &Services, access: Vec<Access>) -> Result<Vec<Access>, Problem> {
    let mut there = Vec::with_capacity(access.len());
    for access in access {
        if services.merchants.get(&access.merchant_id).await?.is_some() {
            there.push(access);
        } else {
            tracing::error!(merchant_id = %access.merchant_id, "OIDC_GROUPS names a merchant that is not there");
        }
    }
    Ok(there)
}

/// Why the issuer sent no code (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
fn declined(error: &str) -> Refusal {
    match error {
        "access_denied" | "login_required" | "interaction_required" | "consent_required" => Refusal::Declined,
        // For the operator: what is set up otherwise than at the issuer.
        "invalid_request"
        | "unauthorized_client"
        | "unsupported_response_type"
        | "invalid_scope"
        | "server_error"
        | "temporarily_unavailable" => {
            tracing::warn!(error, "the issuer answered with an error");
            Refusal::Unconfirmed
        }
        _ => Refusal::Unconfirmed,
    }
}

/// Where the issuer leads back to. It knows this address beforehand.
fn redirect_uri(base_url: &str) -> String {
    format!("{base_url}/console/oidc/callback")
}

fn refuse(error: NotVouched, back: &Back, language: Language) -> Answer {
    match error {
        NotVouched::Issuer(IssuerError::Code) => Refusal::Expired.page(back, language),
        NotVouched::Issuer(error) => Err(Problem::Unavailable(Box::new(error))),
        NotVouched::Token(bad) => {
            // For the operator: what is set up otherwise than at the issuer, unless somebody forged it.
            tracing::warn!(cause = %bad, "an ID token was refused");
            Refusal::Unconfirmed.page(back, language)
        }
        NotVouched::NoAddress => Refusal::NoAddress.page(back, language),
        NotVouched::NoGroup => Refusal::NoGroup.page(back, language),
    }
}
