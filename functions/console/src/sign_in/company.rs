//! Signing in with a company account, at the issuer that the operator names (docs/decisions/0052-openid-connect.md).

use askama::Template;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::{HeaderValue, StatusCode, header};
use models::{Act, ActChange, ActKind, ActObject, Person};
use pages::{Answer, Problem, Shell};
use serde::Deserialize;
use store::{BrowserToken, OIDC_LASTS, PeopleChanged, StateToken, VisitToken};

use super::answer::{back_in, lead_on};
use super::out;
use crate::acts;
use crate::back::Back;
use crate::frame::nobodys;
use crate::fresh::FRESH_FOR;
use crate::oidc::{IssuerError, NotVouched, Oidc, Vouched};
use crate::services::Services;
use crate::visitor::{self, ATTRIBUTES, Visitor, cookie_of};

/// The cookie of the browser in which a sign-in was begun: one that comes back to another browser is somebody else's.
const COOKIE: &str = "__Host-counterfoil-oidc";

#[derive(Template)]
#[template(path = "sign_in/refused.html")]
struct RefusedPage<'a> {
    shell: &'a Shell<'a>,
    heading: &'static str,
    text: &'static str,
    path: String,
}

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

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Used, expired, begun in another browser or never: the same for all.
    Expired,
    Declined,
    Unconfirmed,
    NoAddress,
    NoGroup,
    NotFresh,
    LastOwner,
    TooMany,
    Meanwhile,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::GONE,
            Self::Declined | Self::Unconfirmed | Self::NoAddress | Self::NoGroup | Self::NotFresh => {
                StatusCode::FORBIDDEN
            }
            Self::LastOwner | Self::TooMany | Self::Meanwhile => StatusCode::CONFLICT,
        }
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Expired => {
                ("This sign-in has expired", "It works once, for ten minutes, in the browser in which you began it.")
            }
            Self::Declined => {
                ("You aren’t signed in", "You turned back, or your company account didn’t let you through.")
            }
            Self::Unconfirmed => (
                "You can’t be signed in",
                "What your company account says of you can’t be confirmed. If this happens again, ask the people \
                 who run this console.",
            ),
            Self::NoAddress => (
                "Your e-mail address isn’t confirmed",
                "Your company account has no confirmed e-mail address. Ask the people who look after it to confirm \
                 yours.",
            ),
            Self::NoGroup => (
                "You have no access yet",
                "Your company account is in none of the groups that may use this console. Ask the people who look \
                 after it to add you to one.",
            ),
            Self::NotFresh => (
                "This needs a link by mail",
                "What you were about to do asks who you are, and your company account doesn’t say that you signed in \
                 just now. Start again, and have a link sent to you.",
            ),
            Self::LastOwner => (
                "Your role can’t be changed yet",
                "Your groups give you another role, and nobody else here has the role “own”. Sign in by a link, and \
                 give somebody else that role first.",
            ),
            Self::TooMany => (
                "There is no room yet",
                "There are 100 people, which is the most. Ask somebody whose role is “own” to remove somebody.",
            ),
            Self::Meanwhile => {
                ("Somebody changed this in the meantime", "What you may do here was changed while you signed in.")
            }
        }
    }

    /// A page that says so, and from which they start again.
    fn page(self, back: &Back) -> Answer {
        tracing::info!(refusal = ?self, "not signed in with a company account");
        let (heading, text) = self.texts();
        let path = if self == Self::NotFresh { back.sign_in_again() } else { back.sign_in() };
        let shell = &nobodys();
        shell.page(self.status(), &RefusedPage { shell, heading, text, path })
    }
}

/// Leads to the issuer.
pub(crate) async fn start(services: &Services, request: &Request, base_url: &str) -> Answer {
    let oidc = issuer(services)?;
    let again = request.uri().query().unwrap_or("").starts_with("again=1");
    let (state, browser) = (StateToken::new(&services.random), BrowserToken::new(&services.random));
    let (back, now) = (back_in(request), services.clock.now());
    let begun = services.oidc_requests.put(&state, &browser, back.as_str(), again, now).await?;
    let url = oidc.authorization_url(&state, &begun, &redirect_uri(base_url), now).await;
    let url = url.map_err(|error| Problem::Unavailable(Box::new(error)))?;
    lead_on(&url, &format!("{COOKIE}={}; {ATTRIBUTES}; Max-Age={}", browser.as_str(), OIDC_LASTS.as_secs()))
}

/// Signs in who comes back from the issuer, as it says who they are. A visit that the browser had goes on no more.
pub(crate) async fn come_back(services: &Services, request: &Request, base_url: &str) -> Answer {
    let (oidc, now, nowhere) = (issuer(services)?, services.clock.now(), Back::read(""));
    let query = serde_urlencoded::from_str(request.uri().query().unwrap_or(""));
    let Ok(Query { state, code, error, iss }) = query else { return Refusal::Expired.page(&nowhere) };
    let browser = cookie_of(request, COOKIE).and_then(|value| value.parse::<BrowserToken>().ok());
    let (Ok(state), Some(browser)) = (state.parse::<StateToken>(), browser) else {
        return Refusal::Expired.page(&nowhere);
    };
    let Some(begun) = services.oidc_requests.use_up(&state, &browser, now).await? else {
        return Refusal::Expired.page(&nowhere);
    };
    let back = Back::read(&begun.back);
    if !oidc.is_of(iss.as_deref()) {
        return Refusal::Unconfirmed.page(&back);
    }
    if code.is_empty() {
        return declined(&error).page(&back);
    }
    let vouched = match oidc.vouched(&code, &begun, &redirect_uri(base_url), now).await {
        Ok(vouched) => vouched,
        Err(error) => return refuse(error, &back),
    };
    let is_fresh = vouched.authenticated_at.is_some_and(|at| now.duration_since(at) <= FRESH_FOR);
    if begun.again && !is_fresh {
        return Refusal::NotFresh.page(&back);
    }
    let person = match let_in(services, &vouched, now).await? {
        Ok(person) => person,
        Err(refusal) => return refusal.page(&back),
    };
    let act = act(services, &vouched, ActKind::SignedIn, "", "with a company account".to_owned());
    let write = services.acts.write(&act)?;
    // As by a link: the browser forgets the cookie of its visit before.
    if let Some(earlier) = Visitor::find(services, request).await? {
        out::end(services, request, &earlier).await?;
    }
    let cookie = VisitToken::new(&services.random);
    // Where the issuer doesn't say when, it may have been long ago.
    let authenticated_at = vouched.authenticated_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let visit = services.visits.begin_vouched(&person, authenticated_at, &cookie, now, Some(&write)).await?;
    let Some(visit) = visit else { return Refusal::Meanwhile.page(&back) };
    let (merchant_id, role) = (&visit.person.merchant_id, visit.person.role.as_str());
    tracing::info!(%merchant_id, role, "signed in with a company account");
    let mut response = lead_on(back.as_str(), &visitor::kept(&cookie))?;
    let forgotten = HeaderValue::try_from(format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0"));
    let forgotten = forgotten.map_err(|error| Problem::Internal(Box::new(error)))?;
    response.headers_mut().append(header::SET_COOKIE, forgotten);
    Ok(response)
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

fn issuer(services: &Services) -> Result<&Oidc, Problem> {
    services.settings.oidc.as_ref().ok_or(Problem::NotFound)
}

/// Where the issuer leads back to. It knows this address beforehand.
fn redirect_uri(base_url: &str) -> String {
    format!("{base_url}/console/oidc/callback")
}

fn refuse(error: NotVouched, back: &Back) -> Answer {
    match error {
        NotVouched::Issuer(IssuerError::Code) => Refusal::Expired.page(back),
        NotVouched::Issuer(error) => Err(Problem::Unavailable(Box::new(error))),
        NotVouched::Token(bad) => {
            // For the operator: what is set up otherwise than at the issuer, unless somebody forged it.
            tracing::warn!(cause = %bad, "an ID token was refused");
            Refusal::Unconfirmed.page(back)
        }
        NotVouched::NoAddress => Refusal::NoAddress.page(back),
        NotVouched::NoGroup => Refusal::NoGroup.page(back),
    }
}

/// Who the issuer vouches for, added or given another role if that isn't so already: their groups say it at each sign-in.
async fn let_in(services: &Services, vouched: &Vouched, now: Timestamp) -> Result<Result<Person, Refusal>, Problem> {
    let Vouched { email, merchant_id, role, .. } = vouched;
    let there = services.people.get(merchant_id, email).await?;
    let by_group = format!("{}, by a group", role.as_str());
    let (act, changed) = match there {
        Some(there) if there.role == *role => return Ok(Ok(there)),
        Some(there) => {
            let act = act(services, vouched, ActKind::RoleChanged, there.role.as_str(), by_group);
            let write = services.acts.write(&act)?;
            (act, services.people.change_role(merchant_id, email, there.role, *role, Some(&write)).await?)
        }
        None => {
            if services.merchants.get(merchant_id).await?.is_none() {
                tracing::error!(%merchant_id, "OIDC_GROUPS names a merchant that is not there");
                return Ok(Err(Refusal::NoGroup));
            }
            let (merchant_id, email) = (merchant_id.clone(), email.clone());
            // Not later than when the visit begins that comes of it, which the person has to be there for.
            let new = Person { merchant_id, email, role: *role, added_at: now, visits_from: now };
            let act = act(services, vouched, ActKind::PersonAdded, "", by_group);
            let write = services.acts.write(&act)?;
            (act, services.people.add(&new, Some(&write)).await?)
        }
    };
    let (code, refusal) = match changed {
        PeopleChanged::Done(person) | PeopleChanged::Same(person) => {
            tracing::info!(%merchant_id, role = role.as_str(), "let in by a group");
            return Ok(Ok(person));
        }
        PeopleChanged::LastOwner => ("last_owner", Refusal::LastOwner),
        PeopleChanged::TooMany => ("too_many_people", Refusal::TooMany),
        PeopleChanged::Meanwhile(_) | PeopleChanged::NotFound => ("changed_meanwhile", Refusal::Meanwhile),
    };
    services.acts.put(&acts::refused(act, code)).await?;
    Ok(Err(refusal))
}

/// Done by who the issuer vouches for, to themselves.
fn act(services: &Services, vouched: &Vouched, what: ActKind, from: &str, to: String) -> Act {
    let Vouched { email, merchant_id, .. } = vouched;
    let change = Some(ActChange { from: from.to_owned(), to });
    Act { change, ..acts::by(services, merchant_id, email, what, ActObject::Person(email.clone())) }
}
