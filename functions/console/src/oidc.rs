//! Signing in at an issuer of OpenID Connect, by the code flow with PKCE (OpenID Connect Core 1.0; RFC 6749, 7636 and 9700):
//! what is asked of it, and what it says of somebody.
//!
//! The token is checked by `jsonwebtoken`, not by `openidconnect`: that brings `rsa`, of which an advisory is open.

mod groups;
mod id_token;
mod issuer;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use models::EmailAddress;
use outbound::Policy;
use runtime::{Clock, SettingError};
use store::{Access, OidcRequest, StateToken};
use thiserror::Error;

use groups::Groups;
use id_token::{BadToken, Expected};
use issuer::{Client, Issuer};

pub(crate) use issuer::IssuerError;

/// What is asked for: who they are, and their address.
const SCOPE: &str = "openid email";

/// The issuer, and what is agreed with it.
#[derive(Debug)]
pub struct Oidc {
    issuer: Issuer,
    client: Client,
    groups: Groups,
    /// Which claim has somebody's groups.
    groups_claim: String,
    /// Whether an address is theirs of which the issuer doesn't say whether it is.
    trusts_all_addresses: bool,
}

/// Somebody, as the issuer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) email: EmailAddress,
    /// Whose consoles their groups let them into, one at the least.
    pub(crate) access: Vec<Access>,
    /// When they showed the issuer who they are, if it says so.
    pub(crate) authenticated_at: Option<Timestamp>,
}

/// Why nobody is signed in.
#[derive(Debug, Error)]
pub(crate) enum NotVouched {
    /// The issuer could not be asked.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// What it said is not for us, or not of it.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// It says no address, or that it doesn't know whose it is.
    #[error("there is no verified address in the token")]
    NoAddress,
    /// None of their groups is let in.
    #[error("none of the groups in the token is let in")]
    NoGroup,
}

impl Oidc {
    /// From the variables that template.yaml sets; none if it sets no issuer. An error names the one that is missing or wrong.
    pub(crate) fn from_env(policy: Policy) -> Result<Option<Self>, SettingError> {
        let Some(url) = runtime::optional("OIDC_ISSUER") else { return Ok(None) };
        let issuer = Issuer::new(url, policy, Clock::System);
        let issuer = issuer.map_err(|problem| SettingError::new("OIDC_ISSUER", problem))?;
        let (id, secret) = (runtime::required("OIDC_CLIENT_ID")?, runtime::optional("OIDC_CLIENT_SECRET"));
        let groups = Groups::read(&runtime::required("OIDC_GROUPS")?);
        let groups = groups.map_err(|problem| SettingError::new("OIDC_GROUPS", problem))?;
        let groups_claim = runtime::required("OIDC_GROUPS_CLAIM")?;
        let trusts_all_addresses = match runtime::required("OIDC_ADDRESSES")?.as_str() {
            "all" => true,
            "verified" => false,
            _ => return Err(SettingError::new("OIDC_ADDRESSES", "is neither `verified` nor `all`")),
        };
        Ok(Some(Self { issuer, client: Client { id, secret }, groups, groups_claim, trusts_all_addresses }))
    }

    /// Whether an answer that names its issuer (RFC 9207) is of this one.
    pub(crate) fn is_of(&self, named: Option<&str>) -> bool {
        named.is_none_or(|named| named == self.issuer.url())
    }

    /// Where the browser goes to sign in, and from where it comes back to `redirect_uri`.
    pub(crate) async fn authorization_url(
        &self,
        state: &StateToken,
        request: &OidcRequest,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<String, IssuerError> {
        let known = self.issuer.known(now).await?;
        let mut url = known.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", SCOPE)
            .append_pair("state", state.as_str())
            .append_pair("nonce", &request.nonce)
            .append_pair("code_challenge", &challenge(&request.verifier))
            .append_pair("code_challenge_method", "S256");
        if request.again {
            url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
        }
        Ok(url.into())
    }

    /// Whom the issuer vouches for, by the code that the browser came back with.
    pub(crate) async fn vouched(
        &self,
        code: &str,
        request: &OidcRequest,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Vouched, NotVouched> {
        let known = self.issuer.known(now).await?;
        let token = self.issuer.exchange(&known, &self.client, code, &request.verifier, redirect_uri).await?;
        let expected = Expected { issuer: self.issuer.url(), client_id: &self.client.id, nonce: &request.nonce };
        let claims = match id_token::check(&token, &known.keys, &expected, now) {
            // It signs by a key that is newer than what is known of it.
            Err(BadToken::UnknownKey) if known.read_at < now => {
                id_token::check(&token, &self.issuer.read(now).await?.keys, &expected, now)?
            }
            checked => checked?,
        };
        let email = claims
            .verified_email(self.trusts_all_addresses)
            .and_then(|email| EmailAddress::try_from(email.to_owned()).ok());
        let email = email.ok_or(NotVouched::NoAddress)?;
        let access = self.groups.let_in(claims.other(&self.groups_claim));
        if access.is_empty() {
            return Err(NotVouched::NoGroup);
        }
        Ok(Vouched { email, access, authenticated_at: claims.authenticated_at(now) })
    }
}

/// What a code is asked for with, of what it is exchanged with: `S256` (RFC 7636, 4.2).
fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(api::sha256(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
