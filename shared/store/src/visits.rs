//! Sign-in links, and visits: browsers that somebody is signed in with. Of their tokens the table has the digests alone.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use models::{EmailAddress, MerchantId, Person};
use runtime::Random;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::acts::ActWrite;
use crate::error::StoreError;
use crate::keys;
use crate::people::read_person;
use crate::table::{Key, Table, ms, read, s};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::Update;
use crate::write::WriteKind;

/// How long a sign-in link can be used.
pub const LINK_LASTS: SignedDuration = SignedDuration::from_mins(15);

/// How long a visit lasts in which nothing is asked for.
pub const VISIT_IDLE: SignedDuration = SignedDuration::from_mins(30);

/// How long a visit lasts at the most.
pub const VISIT_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// How much later than it was noted last a visit is noted to go on.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How long a link or visit that is over stays: longer than a write is late.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// It is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no token of ours")]
pub struct TokenUnreadable;

macro_rules! tokens {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// 32 random bytes as base64url (RFC 4648, 5). A secret: `Debug` does not show it.
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// A new one.
            pub fn new(random: &Random) -> Self {
                Self(BASE64_URL_SAFE_NO_PAD.encode(random.bytes::<32>()))
            }

            /// As it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// As it is stored.
            pub(crate) fn digest(&self) -> String {
                digest(&SHA256, self.0.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }

        impl FromStr for $name {
            type Err = TokenUnreadable;
            fn from_str(text: &str) -> Result<Self, TokenUnreadable> {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenUnreadable)?;
                if bytes.len() == 32 { Ok(Self(text.to_owned())) } else { Err(TokenUnreadable) }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

tokens! {
    /// What a sign-in link has.
    LinkToken,
    /// What the cookie of a visit has.
    VisitToken,
    /// What a sign-in at an issuer comes back with: its `state` (RFC 6749, 4.1.1).
    StateToken,
    /// What the cookie of the browser has in which a sign-in at an issuer was begun.
    BrowserToken,
    /// What the form bears by which somebody chooses a merchant after a sign-in at an issuer.
    ChoiceToken,
}

/// The table's sign-in links and visits.
#[derive(Debug, Clone)]
pub struct Visits {
    table: Table,
}

/// A sign-in link: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    /// Whose console it leads to.
    pub merchant_id: MerchantId,
    /// Who signs in by it.
    pub email: EmailAddress,
    /// Where they asked to go on, if they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    made_at: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    expires_at: Timestamp,
    /// Once it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_by: Option<String>,
    /// When DynamoDB removes it, in seconds.
    ttl: i64,
}

/// A visit as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VisitItem {
    merchant_id: MerchantId,
    email: EmailAddress,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    signed_in_at: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    seen_at: Timestamp,
    csrf: String,
    /// When they showed who they are, where an issuer says that; else they did as they signed in.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    authenticated_at: Option<Timestamp>,
    /// Whether their groups let them into other merchants' consoles, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_choice: bool,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    ended_at: Option<Timestamp>,
    ttl: i64,
}

/// A browser that somebody is signed in with.
#[derive(Clone)]
pub struct Visit {
    /// Who, as they are now.
    pub person: Person,
    /// When they showed who they are: as they signed in, or earlier, where an issuer knew them already.
    pub authenticated_at: Timestamp,
    /// Whether their groups let them into other merchants' consoles, too.
    pub has_choice: bool,
    /// What forms of the visit's pages bear. A secret.
    pub csrf: String,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("person", &self.person)
            .field("authenticated_at", &self.authenticated_at)
            .field("has_choice", &self.has_choice)
            .finish_non_exhaustive()
    }
}

impl Visits {
    /// The links and visits in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Makes a link for a person, who has to be there when it is used.
    ///
    /// # Errors
    /// The table failed us; it may have been made.
    pub async fn make_link(
        &self,
        token: &LinkToken,
        merchant: &MerchantId,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.make_link_back(token, merchant, email, None, now).await
    }

    /// The same, which leads on to where they were about to go, if that is known.
    ///
    /// # Errors
    /// The table failed us; it may have been made.
    pub async fn make_link_back(
        &self,
        token: &LinkToken,
        merchant: &MerchantId,
        email: &EmailAddress,
        back: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = later(now, LINK_LASTS);
        let link = SignInLink {
            merchant_id: merchant.clone(),
            email: email.clone(),
            back,
            made_at: now,
            expires_at,
            used_by: None,
            ttl: later(expires_at, KEPT).as_second(),
        };
        let item = serde_dynamo::to_item(link)?;
        self.table.put_new(WriteKind::LinkPut, keys::link(&token.digest()), item).await.map(|_| ())
    }

    /// A link that can be used at `now`, read consistently; using it may still fail.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn find_link(&self, token: &LinkToken, now: Timestamp) -> Result<Option<SignInLink>, StoreError> {
        let item = self.table.get(keys::link(&token.digest())).await?;
        let link = item.map(|item| read::<SignInLink>("of a sign-in link", item)).transpose()?;
        Ok(link.filter(|link| link.used_by.is_none() && now < link.expires_at))
    }

    /// Uses a link that was found up and begins a visit, all at once, with the act that says so; none if the link was used or has
    /// expired, or its person was removed or all their visits were ended since it was made.
    ///
    /// # Errors
    /// The table failed us; the visit may have begun, and the link be used.
    pub async fn begin(
        &self,
        token: &LinkToken,
        link: &SignInLink,
        visit: &VisitToken,
        now: Timestamp,
        act: Option<&ActWrite>,
    ) -> Result<Option<Visit>, StoreError> {
        let visit_digest = visit.digest();
        let item = self.new_visit(&link.merchant_id, &link.email, None, now);
        let used = Update::new(WriteKind::LinkUse, keys::link(&token.digest()))
            .when("attribute_exists(#pk) AND attribute_not_exists(#used_by)", [])
            .when("#expires_at > :now", [(":now", ms(now))])
            .set("used_by", s(visit_digest.clone()));
        let signed_in = signs_in(&link.merchant_id, &link.email, link.made_at, now);
        let transaction = Transaction::default().update(used).put_new(
            WriteKind::VisitPut,
            keys::visit(&visit_digest),
            serde_dynamo::to_item(item)?,
        );
        match transaction.update(signed_in).act(act).send(&self.table).await? {
            Transacted::Done => {}
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                // The SDK repeated a transaction whose answer was lost: the visit is our own.
                Verdict::Refused(Some(link)) if link.get("used_by") == Some(&s(visit_digest)) => {}
                Verdict::Refused(_) | Verdict::Held => return Ok(None),
            },
        }
        self.find(visit, now).await
    }

    /// Begins a visit of a person for whom an issuer vouched just now, with the act that says so; none if they were removed
    /// meanwhile. They showed the issuer who they are at `authenticated_at`; `has_choice` if their groups let them into other
    /// merchants' consoles, too.
    ///
    /// # Errors
    /// The table failed us; the visit may have begun.
    pub async fn begin_vouched(
        &self,
        person: &Person,
        authenticated_at: Timestamp,
        has_choice: bool,
        visit: &VisitToken,
        now: Timestamp,
        act: Option<&ActWrite>,
    ) -> Result<Option<Visit>, StoreError> {
        let Person { merchant_id, email, .. } = person;
        let item = VisitItem { has_choice, ..self.new_visit(merchant_id, email, Some(authenticated_at), now) };
        let transaction = Transaction::default()
            .put_new(WriteKind::VisitPut, keys::visit(&visit.digest()), serde_dynamo::to_item(item)?)
            .update(signs_in(merchant_id, email, now, now));
        match transaction.act(act).send(&self.table).await? {
            Transacted::Done => {}
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                // The SDK repeated a transaction whose answer was lost: nobody else has this token.
                Verdict::Refused(_) => {}
                Verdict::Held => return Ok(None),
            },
        }
        self.find(visit, now).await
    }

    fn new_visit(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        authenticated_at: Option<Timestamp>,
        now: Timestamp,
    ) -> VisitItem {
        VisitItem {
            merchant_id: merchant.clone(),
            email: email.clone(),
            signed_in_at: now,
            seen_at: now,
            csrf: VisitToken::new(&self.table.random).0,
            authenticated_at,
            has_choice: false,
            ended_at: None,
            ttl: later(later(now, VISIT_LASTS), KEPT).as_second(),
        }
    }

    /// The visit with this token and its person as they are now, if it goes on at `now`: not ended, seen less than 30 minutes
    /// ago, begun less than 12 hours ago. Notes once a minute that it does.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn find(&self, token: &VisitToken, now: Timestamp) -> Result<Option<Visit>, StoreError> {
        let key = keys::visit(&token.digest());
        let Some(item) = self.table.get(key.clone()).await? else { return Ok(None) };
        let VisitItem {
            merchant_id, email, signed_in_at, seen_at, csrf, authenticated_at, has_choice, ended_at, ..
        } = read(A_VISIT, item)?;
        let goes_on = ended_at.is_none()
            && now.duration_since(signed_in_at) < VISIT_LASTS
            && now.duration_since(seen_at) < VISIT_IDLE;
        if !goes_on {
            return Ok(None);
        }
        // After the visit, so that who was removed or given another role before this request is seen so.
        let Some(item) = self.table.get(keys::person(&merchant_id, &email)).await? else { return Ok(None) };
        let person = read_person(item)?;
        if signed_in_at < person.visits_from {
            return Ok(None);
        }
        if now.duration_since(seen_at) >= SEEN_EVERY {
            let update = of_visit(WriteKind::VisitSeen, key)
                .when("#seen_at < :now", [(":now", ms(now))])
                .set("seen_at", ms(now));
            update.send(&self.table).await?;
        }
        Ok(Some(Visit { person, authenticated_at: authenticated_at.unwrap_or(signed_in_at), has_choice, csrf }))
    }

    /// Ends a visit, if it goes on, with the act that says so.
    ///
    /// # Errors
    /// The table failed us; it may have ended.
    pub async fn end(&self, token: &VisitToken, now: Timestamp, act: Option<&ActWrite>) -> Result<(), StoreError> {
        let update = of_visit(WriteKind::VisitEnd, keys::visit(&token.digest())).set("ended_at", ms(now));
        Transaction::default().update(update).act(act).send(&self.table).await.map(|_| ())
    }
}

/// As what an item is named in errors.
const A_VISIT: &str = "of a visit";

/// Notes that somebody signs in who is there, and whose visits were not all ended since `by`.
fn signs_in(merchant: &MerchantId, email: &EmailAddress, by: Timestamp, now: Timestamp) -> Update {
    Update::new(WriteKind::PersonSignIn, keys::person(merchant, email))
        .when("attribute_exists(#pk) AND #visits_from <= :by", [(":by", ms(by))])
        .set("signed_in_at", ms(now))
}

/// Of a visit that is there and was not ended.
fn of_visit(kind: WriteKind, key: Key) -> Update {
    Update::new(kind, key).when("attribute_exists(#pk) AND attribute_not_exists(#ended_at)", [])
}

pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
