//! Who is signed in.

use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::header;
use models::{Merchant, Mode, Permission, Person, Session, SessionId};
use pages::Problem;
use store::{Owner, StoreError, Visit, VisitToken};

use crate::services::Services;

/// The cookie of a visit. Its prefix has browsers accept it by HTTPS alone, for this host and all its paths (RFC 6265bis,
/// 4.1.3.2): no other site of the same domain can put one in its place.
const COOKIE: &str = "__Host-counterfoil";

/// What it bears besides its value. `Lax`, so that a link in a mail finds the person who follows it signed in.
pub(crate) const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Who, of which merchant and in which role.
    pub(crate) person: Person,
    /// When they proved who they are.
    pub(crate) signed_in_at: Timestamp,
    /// Whether the groups by which they signed in let them into other merchants' consoles, too.
    pub(crate) has_choice: bool,
    /// What their forms have to bear.
    pub(crate) csrf: Csrf,
}

impl Visitor {
    /// Who is signed in with the browser that asks, if anybody is: as they are now, in the role that they have now.
    pub(crate) async fn find(services: &Services, request: &Request) -> Result<Option<Self>, Problem> {
        let Some(token) = cookie(request) else { return Ok(None) };
        let visit = services.visits.find(&token, services.clock.now()).await?;
        let Some(Visit { person, authenticated_at, has_choice, csrf }) = visit else { return Ok(None) };
        Ok(Some(Self { person, signed_in_at: authenticated_at, has_choice, csrf: Csrf(csrf) }))
    }

    /// The merchant in whose console they work.
    pub(crate) async fn merchant(&self, services: &Services) -> Result<Merchant, Problem> {
        services.merchants.get(&self.person.merchant_id).await?.ok_or(Problem::NotFound)
    }

    /// One of their merchant's payments in this mode; others' are not there.
    pub(crate) async fn session(
        &self,
        services: &Services,
        mode: Mode,
        id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        let session = services.sessions.get(&id).await?;
        Ok(session.filter(|session| self.owner(mode).owns(session)))
    }

    /// Whether they may do this.
    pub(crate) const fn may(&self, permission: Permission) -> bool {
        self.person.role.may(permission)
    }

    /// Whose payments they see in this mode, of every format.
    pub(crate) fn owner(&self, mode: Mode) -> Owner {
        Owner { merchant_id: self.person.merchant_id.clone(), mode, format: None }
    }
}

/// What a form has to bear to be of a page of ours.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Csrf(pub(crate) String);

impl std::fmt::Debug for Csrf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Csrf(…)")
    }
}

/// The token of the visit that a request is a part of, if its cookie has one.
pub(crate) fn cookie(request: &Request) -> Option<VisitToken> {
    cookie_of(request, COOKIE)?.parse().ok()
}

/// The value of the cookie with this name, if there is one.
pub(crate) fn cookie_of<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let headers = request.headers().get_all(header::COOKIE).iter();
    let texts = headers.filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(|text| text.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The header that has a browser keep a visit's cookie, until it is closed.
pub(crate) fn kept(token: &VisitToken) -> String {
    format!("{COOKIE}={}; {ATTRIBUTES}", token.as_str())
}

/// The header that has a browser forget it.
pub(crate) fn forgotten() -> String {
    format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use runtime::Random;

    use super::*;

    #[test]
    fn a_visit_is_found_among_other_cookies() {
        let token = VisitToken::new(&Random::System);
        let found = |cookies: &[String]| {
            let mut request = lambda_http::http::Request::builder();
            for text in cookies {
                request = request.header("cookie", text);
            }
            cookie(&request.body(Body::Empty).unwrap())
        };
        let ours = format!("{COOKIE}={}", token.as_str());
        for cookies in [vec![ours.clone()], vec![format!("a=1; {ours};b=2")], vec!["moved=1".to_owned(), ours.clone()]]
        {
            assert_eq!(found(&cookies), Some(token.clone()), "{cookies:?}");
        }
        for cookies in [
            vec![],
            vec![format!("x{ours}")],
            vec![format!("{COOKIE}=")],
            vec![format!("{COOKIE}=abc")],
            vec![COOKIE.into()],
        ] {
            assert_eq!(found(&cookies), None, "{cookies:?}");
        }
        assert!(kept(&token).starts_with(&format!("{ours}; Path=/; Secure; HttpOnly; SameSite=Lax")));
    }
}
