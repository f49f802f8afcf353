//! Finding a session by what a customer says of it: its reference, its end-to-end id, the payer's e-mail address.
//!
//! A pointer is an item of its own for each of them, under a key that says what is known. It is put after the table's stream,
//! never where a session is created, in one transaction with the condition that its session is neither erased nor deleted;
//! the transaction that erases or deletes the session removes it. So none comes back after that, however late it is put
//! (docs/decisions/0049-finding-payments.md).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use models::{EmailAddress, EndToEndId, MerchantId, Mode, Reference, Session, SessionId};

use crate::error::StoreError;
use crate::keys;
use crate::list::{self, ListRange, Page};
use crate::merchants::Merchants;
use crate::table::{Item, Key, Table, s};
use crate::transaction::{Transacted, Transaction};
use crate::write::WriteKind;

/// That a session is there, and neither deleted nor erased.
const IS_WHOLE: &str = "attribute_exists(pk) AND attribute_not_exists(deleted_at) AND attribute_not_exists(erased_at)";

/// That another pointer of the session is there, which goes when the session is erased or deleted.
const IS_POINTED_TO: &str = "attribute_exists(pk)";

/// What a payment is sought by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// What stands on the bank statement, in capital letters or small, whatever spaces stand around it.
    Reference(Reference),
    /// The id that every party sees.
    EndToEnd(EndToEndId),
    /// The payer's address, in capital letters or small.
    Email(EmailAddress),
}

impl Sought {
    /// Whether this is known of a session, which may have no pointer.
    pub fn is_of(&self, session: &Session) -> bool {
        let email = || session.payer.as_ref().and_then(|payer| payer.email.as_ref());
        match self {
            Self::Reference(reference) => normalised(reference.as_str()) == normalised(session.reference.as_str()),
            Self::EndToEnd(id) => *id == session.end_to_end_id,
            Self::Email(sought) => email().is_some_and(|email| email.as_str().eq_ignore_ascii_case(sought.as_str())),
        }
    }
}

/// What e-mail addresses are hashed with, of one merchant: keys of items stand in traces and logs of AWS where attributes do
/// not, and there nobody can try out addresses without it.
struct PointerKey([u8; 32]);

impl fmt::Debug for PointerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PointerKey(…)")
    }
}

impl PointerKey {
    /// HMAC-SHA256 (RFC 2104) of an address in small letters, in base64url.
    fn hash(&self, email: &EmailAddress) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let hash = hmac::sign(&key, email.as_str().to_ascii_lowercase().as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(hash)
    }
}

/// The table's pointers.
#[derive(Debug, Clone)]
pub struct Pointers {
    table: Table,
}

impl Pointers {
    /// The pointers in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts the pointers to a session, of all that is known of it. False, and nothing is put, if it is erased or deleted.
    ///
    /// # Errors
    /// The table failed us; they may be put.
    pub async fn put_for(&self, session: &Session) -> Result<bool, StoreError> {
        let whole = Transaction::default().check(WriteKind::PointerPut, keys::session(&session.id), IS_WHOLE);
        self.put(whole, self.keys_of(session).await?, session).await
    }

    /// Puts the pointer of the payer's address, of a session whose others were put before the address was known. False, and
    /// nothing is put, if those are not there: the session is erased or deleted, or older than pointers are.
    ///
    /// That they are there is a smaller condition than that the session is (docs/cost.md), and nobody changes them.
    ///
    /// # Errors
    /// The table failed us; it may be put.
    pub async fn put_email_of(&self, session: &Session) -> Result<bool, StoreError> {
        let Some(email) = self.email_pk(session).await? else { return Ok(false) };
        let pointed_to = Transaction::default().check(WriteKind::PointerPut, by_reference(session), IS_POINTED_TO);
        self.put(pointed_to, vec![key_in(email, session)], session).await
    }

    /// The sessions of a merchant and mode that this is known of, newest first, whether or not the merchant's API shows them. One
    /// call, and one more to find an e-mail address. Consistent; a session is pointed to seconds after its creation.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn find(
        &self,
        merchant: &MerchantId,
        mode: Mode,
        sought: &Sought,
        range: ListRange,
    ) -> Result<Page<SessionId>, StoreError> {
        let pk = match sought {
            Sought::Reference(reference) => reference_pk(merchant, mode, reference),
            Sought::EndToEnd(id) => end_to_end_pk(merchant, mode, id),
            Sought::Email(email) => match self.key_of(merchant).await? {
                Some(key) => email_pk(merchant, mode, &key, email),
                None => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let Page { items, next } = list::keys_in(&self.table, pk, range).await?;
        Ok(Page { items: items.iter().filter_map(session_of).collect(), next })
    }

    /// The keys of all pointers that a session may have. With a payer's address known, one read.
    pub(crate) async fn keys_of(&self, session: &Session) -> Result<Vec<Key>, StoreError> {
        let Session { merchant_id, mode, .. } = session;
        let email = self.email_pk(session).await?;
        let pks = [
            reference_pk(merchant_id, *mode, &session.reference),
            end_to_end_pk(merchant_id, *mode, &session.end_to_end_id),
        ];
        Ok(pks.into_iter().chain(email).map(|pk| key_in(pk, session)).collect())
    }

    /// Of the payer's address, if it is known.
    async fn email_pk(&self, session: &Session) -> Result<Option<String>, StoreError> {
        let Some(email) = session.payer.as_ref().and_then(|payer| payer.email.as_ref()) else { return Ok(None) };
        let key = self.key_of(&session.merchant_id).await?;
        Ok(key.map(|key| email_pk(&session.merchant_id, session.mode, &key, email)))
    }

    /// None if there is no such merchant, of which no address is pointed to then.
    async fn key_of(&self, merchant: &MerchantId) -> Result<Option<PointerKey>, StoreError> {
        Ok(Merchants::new(self.table.clone()).idempotency_salt(merchant).await?.map(PointerKey))
    }

    async fn put(&self, condition: Transaction, keys: Vec<Key>, session: &Session) -> Result<bool, StoreError> {
        let all = keys.into_iter().fold(condition, |all, key| {
            let pointer = Item::from([("session_id".to_owned(), s(session.id.to_string()))]);
            all.put(WriteKind::PointerPut, key, pointer)
        });
        Ok(match all.send(&self.table).await? {
            Transacted::Done => true,
            Transacted::Refused(_) => false,
        })
    }
}

/// A transaction that also removes what points to a session.
pub(crate) fn without_pointers(all: Transaction, keys: Vec<Key>) -> Transaction {
    keys.into_iter().fold(all, |all, key| all.remove(WriteKind::PointerRemove, key))
}

/// To which session a pointer leads, by its key.
pub(crate) fn session_of(pointer: &Key) -> Option<SessionId> {
    pointer.sk.split_once('#')?.1.parse().ok()
}

/// The pointer that every session has that was created with the console on, until it is erased or deleted.
pub(crate) fn by_reference(session: &Session) -> Key {
    key_in(reference_pk(&session.merchant_id, session.mode, &session.reference), session)
}

fn reference_pk(merchant: &MerchantId, mode: Mode, reference: &Reference) -> String {
    keys::find_pk(merchant, mode, "reference", &normalised(reference.as_str()))
}

fn end_to_end_pk(merchant: &MerchantId, mode: Mode, id: &EndToEndId) -> String {
    keys::find_pk(merchant, mode, "end-to-end", &id.to_string())
}

fn email_pk(merchant: &MerchantId, mode: Mode, key: &PointerKey, email: &EmailAddress) -> String {
    keys::find_pk(merchant, mode, "email", &key.hash(email))
}

/// Newest first among others of the same value.
fn key_in(pk: String, session: &Session) -> Key {
    Key::new(pk, keys::list_sk(session.created_at, session.id))
}

/// As banks print it and customers type it, it is the same.
fn normalised(reference: &str) -> String {
    reference.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(text: &str, capitals: &[bool]) -> String {
        let mut capitals = capitals.iter().cycle();
        let spell = |c: char| if *capitals.next().unwrap() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(spell).collect()
    }

    proptest! {
        #[test]
        fn a_reference_and_an_address_are_found_however_they_are_spelled(
            reference in "[A-Za-z0-9]([A-Za-z0-9 ]{0,12}[A-Za-z0-9])?",
            before in " {0,2}",
            after in " {0,2}",
            local in "[a-z0-9.]{1,20}",
            capitals in proptest::collection::vec(any::<bool>(), 1..20),
        ) {
            let (merchant, mode) = ("demo".parse().unwrap(), Mode::Test);
            let of = |text: String| reference_pk(&merchant, mode, &text.try_into().unwrap());
            let typed = format!("{before}{}{after}", spelled(&reference, &capitals));
            prop_assert_eq!(of(typed), of(reference.clone()));
            let other = format!("{}x", reference.trim());
            prop_assert_ne!(of(other), of(reference));

            let key = PointerKey([1; 32]);
            let address = format!("a{}b@example.com", local.replace("..", "."));
            let Ok(email) = EmailAddress::try_from(address.clone()) else { return Ok(()) };
            let typed: EmailAddress = spelled(&address, &capitals).try_into().unwrap();
            prop_assert_eq!(key.hash(&typed), key.hash(&email));
            prop_assert_ne!(PointerKey([2; 32]).hash(&email), key.hash(&email), "another merchant's");
        }
    }

    #[test]
    fn nobody_reads_an_address_or_a_secret_out_of_a_pointer() {
        let key = PointerKey([1; 32]);
        assert_eq!(format!("{key:?}"), "PointerKey(…)");
        let email: EmailAddress = "ada@example.com".to_owned().try_into().unwrap();
        // As `openssl dgst -sha256 -mac HMAC -macopt hexkey:0101…` has it.
        assert_eq!(key.hash(&email), "zQd5pu4gkqiNtpsNVo3W6bswiITlhkWq28VeVBnR4nU");
        let pk = email_pk(&"demo".parse().unwrap(), Mode::Live, &key, &email);
        assert!(pk.starts_with("FIND#demo#live#email#") && !pk.contains("ada"), "{pk}");
    }
}
