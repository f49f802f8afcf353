//! Choices of a merchant, by somebody whom an issuer of OpenID Connect vouches for, and whose groups let them into the consoles of
//! several. Each is made once, in the browser that came back from the issuer.

use jiff::Timestamp;
use models::{EmailAddress, MerchantId, Role};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::oidc_requests::{OIDC_LASTS, use_up};
use crate::table::{Table, read, s};
use crate::update::Update;
use crate::visits::{BrowserToken, ChoiceToken, KEPT, later};
use crate::write::WriteKind;

/// The table's choices.
#[derive(Debug, Clone)]
pub struct OidcChoices {
    table: Table,
}

/// Into whose console somebody is let, and in which role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whose console.
    pub merchant_id: MerchantId,
    /// What they may do there.
    pub role: Role,
}

/// What is known of somebody who may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcChoice {
    /// Who it is.
    pub email: EmailAddress,
    /// Among what they choose, each merchant once.
    pub access: Vec<Access>,
    /// When they showed the issuer who they are, if it says so.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub authenticated_at: Option<Timestamp>,
    /// Where they were about to go.
    pub back: String,
}

/// As it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChoiceItem {
    choice: OidcChoice,
    /// Those of `choice`, as a condition names them.
    merchants: Vec<MerchantId>,
    /// The digest of the browser's token.
    browser: String,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    expires_at: Timestamp,
    /// When DynamoDB removes it, in seconds.
    ttl: i64,
}

impl OidcChoices {
    /// The choices in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Lets somebody choose in this browser within ten minutes.
    ///
    /// # Errors
    /// The table failed us; they may be able to.
    pub async fn put(
        &self,
        token: &ChoiceToken,
        browser: &BrowserToken,
        choice: &OidcChoice,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = later(now, OIDC_LASTS);
        let item = ChoiceItem {
            choice: choice.clone(),
            merchants: choice.access.iter().map(|access| access.merchant_id.clone()).collect(),
            browser: browser.digest(),
            expires_at,
            ttl: later(expires_at, KEPT).as_second(),
        };
        let item = serde_dynamo::to_item(item)?;
        self.table.put_new(WriteKind::OidcChoicePut, keys::oidc_choice(&token.digest()), item).await.map(|_| ())
    }

    /// Uses a choice up that is made in this browser; none if it was made before, has expired, is another browser's, or if this
    /// merchant is not among those that can be chosen.
    ///
    /// # Errors
    /// The table failed us; it may be used up.
    pub async fn use_up(
        &self,
        token: &ChoiceToken,
        browser: &BrowserToken,
        merchant: &MerchantId,
        now: Timestamp,
    ) -> Result<Option<OidcChoice>, StoreError> {
        let update = Update::new(WriteKind::OidcChoiceUse, keys::oidc_choice(&token.digest()))
            .when("contains(#merchants, :merchant)", [(":merchant", s(merchant.as_str()))]);
        let Some(item) = use_up(&self.table, update, browser, now).await? else { return Ok(None) };
        let ChoiceItem { choice, .. } = read("of a choice of merchants", item)?;
        Ok(Some(choice))
    }
}
