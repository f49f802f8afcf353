//! Sign-ins that were begun at an issuer of OpenID Connect. Each comes back once, in the browser in which it was begun.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Table, ms, read, s};
use crate::update::{Update, Updated};
use crate::visits::{BrowserToken, KEPT, StateToken, later};
use crate::write::WriteKind;

/// How long somebody may take to sign in at the issuer.
pub const OIDC_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// The table's sign-ins at an issuer.
#[derive(Debug, Clone)]
pub struct OidcRequests {
    table: Table,
}

/// A sign-in that was begun at an issuer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcRequest {
    /// What the ID token has to bear (OpenID Connect Core 1.0, 3.1.2.1).
    pub nonce: String,
    /// What the code is exchanged with. A secret (RFC 7636, 4.1).
    pub verifier: String,
    /// Where they were about to go.
    pub back: String,
    /// Whether they have to show who they are, even if the issuer knows them.
    pub again: bool,
}

impl fmt::Debug for OidcRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcRequest").field("again", &self.again).finish_non_exhaustive()
    }
}

/// As it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OidcItem {
    #[serde(flatten)]
    request: OidcRequest,
    /// The digest of the browser's token.
    browser: String,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    expires_at: Timestamp,
    /// When DynamoDB removes it, in seconds.
    ttl: i64,
}

impl OidcRequests {
    /// The sign-ins in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Begins a sign-in, which may come back to this browser within ten minutes.
    ///
    /// # Errors
    /// The table failed us; it may have begun.
    pub async fn put(
        &self,
        state: &StateToken,
        browser: &BrowserToken,
        back: &str,
        again: bool,
        now: Timestamp,
    ) -> Result<OidcRequest, StoreError> {
        let secret = || BASE64_URL_SAFE_NO_PAD.encode(self.table.random.bytes::<32>());
        let request = OidcRequest { nonce: secret(), verifier: secret(), back: back.to_owned(), again };
        let expires_at = later(now, OIDC_LASTS);
        let item = OidcItem {
            request: request.clone(),
            browser: browser.digest(),
            expires_at,
            ttl: later(expires_at, KEPT).as_second(),
        };
        let item = serde_dynamo::to_item(item)?;
        self.table.put_new(WriteKind::OidcPut, keys::oidc_request(&state.digest()), item).await?;
        Ok(request)
    }

    /// Uses a sign-in up that came back to this browser; none if it was used, has expired, or was begun in another one.
    ///
    /// # Errors
    /// The table failed us; it may be used up.
    pub async fn use_up(
        &self,
        state: &StateToken,
        browser: &BrowserToken,
        now: Timestamp,
    ) -> Result<Option<OidcRequest>, StoreError> {
        let update = Update::new(WriteKind::OidcUse, keys::oidc_request(&state.digest()));
        let Some(item) = use_up(&self.table, update, browser, now).await? else { return Ok(None) };
        let OidcItem { request, .. } = read("of a sign-in at an issuer", item)?;
        Ok(Some(request))
    }
}

/// Uses up by this update, once and within its time, what was put for this browser: the item, if this did it.
pub(crate) async fn use_up(
    table: &Table,
    update: Update,
    browser: &BrowserToken,
    now: Timestamp,
) -> Result<Option<Item>, StoreError> {
    let used_by = s(table.random.write_id().as_str());
    let update = update
        .when("attribute_exists(#pk) AND attribute_not_exists(#used_by)", [])
        .when("#browser = :browser", [(":browser", s(browser.digest()))])
        .when("#expires_at > :now", [(":now", ms(now))])
        .set("used_by", used_by.clone());
    let item = match update.send(table).await? {
        Updated::New(item) | Updated::Refused(Some(item)) => item,
        Updated::Refused(None) => return Ok(None),
    };
    // A refused write that is in the item had succeeded; its answer was lost.
    Ok((item.get("used_by") == Some(&used_by)).then_some(item))
}
