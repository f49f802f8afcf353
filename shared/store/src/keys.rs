//! How items are keyed. Nothing outside of this crate spells a key.

use jiff::Timestamp;
use jiff::civil::Date;
use models::{
    AccountIdentifier, ActKey, ActObject, ApiKeyId, BankId, CursorId, CustomerId, EmailAddress, EndToEndId, EndpointId,
    EventId, LinkMailId, LinkedAccount, ListShard, MailId, MerchantId, Mode, ObjectId, ProviderPaymentId, RefundId,
    SessionId, SortableTimestamp, TestClockId, TransferId, WireFormat, stable_hash,
};

use crate::table::{Item, Key};

/// The due index's partitions: enough that no one of them is hot, few enough to read all every minute. It may only rise:
/// what waits in a shard stays there (docs/decisions/0010-shards.md).
pub const DUE_SHARDS: u32 = 640;

/// The partitions of the index of what is final. Two writes of each session go there, distributed by its id, so that no
/// partition is hot below tens of thousands of payments a second; it may only rise.
pub const FINAL_SHARDS: u32 = 64;

pub(crate) const PROFILE: &str = "PROFILE";
pub(crate) const KEY_PREFIX: &str = "KEY#";
const ACCOUNT_PREFIX: &str = "ACCOUNT#";
/// Of accounts that are no British ones. Release 0.1.0 reads every [`ACCOUNT_PREFIX`] as a British one, and no merchant that has
/// another; these it passes over.
const IBAN_PREFIX: &str = "IBAN#";
pub(crate) const SESSION_SK: &str = "SESSION";
pub(crate) const REFUND_PREFIX: &str = "REFUND#";
pub(crate) const CURSOR_PREFIX: &str = "CURSOR#";
pub(crate) const EVENT_PREFIX: &str = "EVENT#";
pub(crate) const ATTEMPT_PREFIX: &str = "ATTEMPT#";
pub(crate) const SESSION_PK_PREFIX: &str = "SESSION#";
pub(crate) const CUSTOMER_PK_PREFIX: &str = "CUSTOMER#";
pub(crate) const CUSTOMER_SK: &str = "CUSTOMER";
pub(crate) const BANK_PAYMENT_PK_PREFIX: &str = "BANKPAYMENT#";
pub(crate) const BANK_PAYMENT_SK: &str = "BANKPAYMENT";
pub(crate) const COUNT_PREFIX: &str = "COUNT#";
const FIND_PREFIX: &str = "FIND#";
pub(crate) const BOUNCE_PREFIX: &str = "BOUNCE#";
pub(crate) const SHOP_SK: &str = "SHOP";
pub(crate) const APPLICATION_SK: &str = "APP";
/// Beside people's addresses, each of which has an `@`.
pub(crate) const PEOPLE_SK: &str = "PEOPLE";
pub(crate) const LINK_SK: &str = "LINK";
pub(crate) const LINK_MAIL_SK: &str = "LINKMAIL";
pub(crate) const VISIT_SK: &str = "VISIT";
pub(crate) const OIDC_SK: &str = "OIDC";
pub(crate) const OIDC_CHOICE_SK: &str = "CHOICE";

/// Sorts before every timestamp.
pub(crate) const FIRST_TIMESTAMP: &str = "0";

/// A partition that stays empty, since no merchant's id is; policies allow it like any merchant's.
pub(crate) const NO_MERCHANT_PK: &str = "MERCHANT#";

pub(crate) fn merchant_pk(id: &MerchantId) -> String {
    format!("MERCHANT#{id}")
}

pub(crate) fn profile(id: &MerchantId) -> Key {
    Key::new(merchant_pk(id), PROFILE)
}

pub(crate) fn api_key(id: &ApiKeyId) -> Key {
    Key::new(merchant_pk(id.merchant()), format!("{KEY_PREFIX}{id}"))
}

/// When a merchant's API keys were last used. Apart from the keys: what notes that may not change a key.
pub(crate) fn key_uses_pk(merchant: &MerchantId) -> String {
    format!("KEYUSE#{merchant}")
}

pub(crate) fn key_use(id: &ApiKeyId) -> Key {
    Key::new(key_uses_pk(id.merchant()), id.as_str())
}

/// Whether it is a linked account's, among a merchant's.
pub(crate) fn is_linked_account(sk: &str) -> bool {
    [ACCOUNT_PREFIX, IBAN_PREFIX].iter().any(|prefix| sk.starts_with(prefix))
}

pub(crate) fn linked_account(merchant: &MerchantId, linked: &LinkedAccount) -> Key {
    linked_account_of(merchant, &linked.account)
}

pub(crate) fn linked_account_of(merchant: &MerchantId, account: &AccountIdentifier) -> Key {
    let sk = match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => {
            format!("{ACCOUNT_PREFIX}{}-{}", sort_code.as_str(), account_number.as_str())
        }
        AccountIdentifier::Iban { iban } => format!("{IBAN_PREFIX}{}", iban.as_str()),
    };
    Key::new(merchant_pk(merchant), sk)
}

/// Apart from the merchant's partition, which has its keys: what pages may read.
pub(crate) fn shop(id: &MerchantId) -> Key {
    Key::new(format!("SHOP#{id}"), SHOP_SK)
}

/// What an API key has as an application; apart from the key, which few read.
pub(crate) fn application(id: &ApiKeyId) -> Key {
    Key::new(format!("APP#{id}"), APPLICATION_SK)
}

pub(crate) fn people_pk(merchant: &MerchantId) -> String {
    format!("PEOPLE#{merchant}")
}

/// Counts how often a merchant's people were changed.
pub(crate) fn people(merchant: &MerchantId) -> Key {
    Key::new(people_pk(merchant), PEOPLE_SK)
}

/// Somebody who works in a merchant's console. Mail reaches an address in whatever case it is written.
pub(crate) fn person(merchant: &MerchantId, email: &EmailAddress) -> Key {
    Key::new(people_pk(merchant), email.as_str().to_ascii_lowercase())
}

/// In whose consoles somebody works.
pub(crate) fn sign_in_pk(email: &EmailAddress) -> String {
    format!("SIGNIN#{}", email.as_str().to_ascii_lowercase())
}

pub(crate) fn sign_in(merchant: &MerchantId, email: &EmailAddress) -> Key {
    Key::new(sign_in_pk(email), merchant.as_str())
}

/// A sign-in link, by the digest of its token.
pub(crate) fn link(digest: &str) -> Key {
    Key::new(format!("LINK#{digest}"), LINK_SK)
}

/// Mails to a merchant's people.
pub(crate) fn link_mail(id: LinkMailId) -> Key {
    Key::new(format!("LINKMAIL#{id}"), LINK_MAIL_SK)
}

/// A sign-in that was begun at an issuer, by the digest of its state.
pub(crate) fn oidc_request(digest: &str) -> Key {
    Key::new(format!("OIDC#{digest}"), OIDC_SK)
}

/// A choice of merchants after such a sign-in, by the digest of its token.
pub(crate) fn oidc_choice(digest: &str) -> Key {
    Key::new(format!("OIDC#{digest}"), OIDC_CHOICE_SK)
}

/// A visit of the console, by the digest of its cookie.
pub(crate) fn visit(digest: &str) -> Key {
    Key::new(format!("VISIT#{digest}"), VISIT_SK)
}

/// Where no session is, since each has an id; policies allow it like any session's.
pub(crate) fn no_session() -> Key {
    Key::new(SESSION_PK_PREFIX, SESSION_SK)
}

pub(crate) fn session_pk(id: &SessionId) -> String {
    format!("SESSION#{id}")
}

pub(crate) fn session(id: &SessionId) -> Key {
    Key::new(session_pk(id), SESSION_SK)
}

/// A refund stands beside the session that it refunds.
pub(crate) fn refund(session: &SessionId, id: &RefundId) -> Key {
    Key::new(session_pk(session), format!("{REFUND_PREFIX}{id}"))
}

/// Says of which session a refund is.
pub(crate) fn refund_pointer(id: &RefundId) -> Key {
    Key::new(format!("{REFUND_PREFIX}{id}"), "REFUND")
}

/// Of the table of acts.
pub(crate) fn acts_pk(merchant: &MerchantId) -> String {
    format!("AUDIT#{merchant}")
}

pub(crate) fn act(merchant: &MerchantId, key: &ActKey) -> Key {
    Key::new(acts_pk(merchant), key.to_string())
}

/// What the index of acts has them under: a session's with those of its refunds. Names the merchant where what was acted on has
/// no id that is its own everywhere.
pub(crate) fn acts_object(merchant: &MerchantId, object: &ActObject) -> String {
    match object {
        ActObject::Session(session_id) | ActObject::Refund { session_id, .. } => session_pk(session_id),
        ActObject::Person(email) => format!("PERSON#{merchant}#{}", email.as_str().to_ascii_lowercase()),
        ActObject::Customer(id) => customer(id).pk,
        ActObject::Endpoint(id) => format!("ENDPOINT#{id}"),
        ActObject::Event(id) => format!("EVENT#{id}"),
        ActObject::Key(id) => format!("KEY#{id}"),
        ActObject::Account(end) => format!("ACCOUNT#{merchant}#{}", end.as_str()),
        ActObject::Shop => format!("SHOP#{merchant}"),
        ActObject::Payments => format!("PAYMENTS#{merchant}"),
    }
}

pub(crate) fn customer(id: &CustomerId) -> Key {
    Key::new(format!("{CUSTOMER_PK_PREFIX}{id}"), CUSTOMER_SK)
}

pub(crate) fn test_clock(id: &TestClockId) -> Key {
    Key::new(format!("CLOCK#{id}"), "CLOCK")
}

/// Where the sessions are pointed to of which this is known: a kind of knowledge, and the value.
pub(crate) fn find_pk(merchant: &MerchantId, mode: Mode, kind: &str, value: &str) -> String {
    format!("{FIND_PREFIX}{merchant}#{}#{kind}#{value}", mode.as_str())
}

/// What ended on a day, by UTC, of what is in this shard of its merchant's lists.
pub(crate) fn ended_pk(merchant: &MerchantId, mode: Mode, day: Date, shard: ListShard) -> String {
    format!("ENDED#{merchant}#{}#{day}#{shard}", mode.as_str())
}

/// That a session ended, or a refund of it.
pub(crate) fn ended_sk(session: &SessionId, refund: Option<&RefundId>) -> String {
    match refund {
        None => format!("{SESSION_PK_PREFIX}{session}"),
        Some(refund) => format!("{REFUND_PREFIX}{session}#{refund}"),
    }
}

pub(crate) fn days_pk(merchant: &MerchantId, mode: Mode) -> String {
    format!("DAYS#{merchant}#{}", mode.as_str())
}

/// What a day adds up to.
pub(crate) fn day(merchant: &MerchantId, mode: Mode, day: Date) -> Key {
    Key::new(days_pk(merchant, mode), day.to_string())
}

/// What needs a person of a merchant.
pub(crate) fn needs_pk(merchant: &MerchantId, mode: Mode) -> String {
    format!("NEEDS#{merchant}#{}", mode.as_str())
}

/// That a mail did not arrive, in the order of time.
pub(crate) fn bounce(merchant: &MerchantId, mode: Mode, at: Timestamp, mail: &MailId) -> Key {
    Key::new(needs_pk(merchant, mode), format!("{}#{mail}", bounce_prefix(at)))
}

/// How the keys of those begin that were reported then.
pub(crate) fn bounce_prefix(at: Timestamp) -> String {
    format!("{BOUNCE_PREFIX}{}", SortableTimestamp::from(at).as_str())
}

/// How many of something there are in an owner's lists of one format.
pub(crate) fn count(merchant: &MerchantId, mode: Mode, counted: &str, format: WireFormat) -> Key {
    Key::new(format!("COUNT#{merchant}#{}", mode.as_str()), format!("{counted}#{}", format.as_str()))
}

/// Marks that something came to a list, or left it, and was counted.
pub(crate) fn counted(id: &str, came: bool) -> Key {
    Key::new(format!("COUNTED#{id}"), if came { "CAME" } else { "LEFT" })
}

pub(crate) fn events_pk(object: &ObjectId) -> String {
    format!("EVENTS#{object}")
}

pub(crate) fn event(id: &EventId) -> Key {
    Key::new(events_pk(&id.object_id), event_sk(id.sequence))
}

/// In the order of the sequence numbers.
pub(crate) fn event_sk(sequence: usize) -> String {
    format!("{EVENT_PREFIX}{sequence:06}")
}

/// In the order of time.
pub(crate) fn attempt(id: &EventId, endpoint: &EndpointId, at: Timestamp) -> Key {
    let at = SortableTimestamp::from(at);
    Key::new(events_pk(&id.object_id), format!("{}{}#{endpoint}", attempt_prefix(id.sequence), at.as_str()))
}

pub(crate) fn attempt_prefix(sequence: usize) -> String {
    format!("{ATTEMPT_PREFIX}{sequence:06}#")
}

/// A cursor's key holds all of its id, so that what is due can be enqueued by key.
pub(crate) fn cursor(id: &CursorId) -> Key {
    let replay = id.replay_of.map(|sequence| format!("#{sequence}")).unwrap_or_default();
    Key::new(events_pk(&id.object_id), format!("{CURSOR_PREFIX}{}#{}{replay}", id.merchant_id, id.endpoint_id))
}

/// The cursor that an item of the due index is about, if it is one.
pub(crate) fn cursor_of(item: &Item) -> Option<CursorId> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let (object, cursor) = (part("pk")?.strip_prefix("EVENTS#")?, part("sk")?.strip_prefix(CURSOR_PREFIX)?);
    format!("{object}/{}", cursor.replace('#', "/")).parse().ok()
}

pub(crate) fn endpoints_pk(merchant: &MerchantId) -> String {
    format!("ENDPOINTS#{merchant}")
}

pub(crate) fn endpoint(merchant: &MerchantId, id: &EndpointId) -> Key {
    Key::new(endpoints_pk(merchant), id.to_string())
}

/// How many endpoints a merchant has.
pub(crate) fn endpoint_count(merchant: &MerchantId, mode: Mode) -> Key {
    Key::new(endpoints_pk(merchant), format!("{COUNT_PREFIX}{}", mode.as_str()))
}

fn mail_pk(id: &MailId) -> String {
    object_mails_pk(id.topic.object())
}

/// All mails about a session or refund.
pub(crate) fn object_mails_pk(object: impl std::fmt::Display) -> String {
    format!("MAIL#{object}")
}

pub(crate) fn mail(id: &MailId) -> Key {
    Key::new(mail_pk(id), format!("{}#{}", id.topic.kind(), id.sequence))
}

/// Says of which session's attempt a provider's payment is.
pub(crate) fn bank_payment(provider: &BankId, id: &ProviderPaymentId) -> Key {
    Key::new(format!("{BANK_PAYMENT_PK_PREFIX}{provider}#{id}"), BANK_PAYMENT_SK)
}

pub(crate) fn mock_attempt(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("ATTEMPT#{attempt}"))
}

pub(crate) fn mock_order(payment: EndToEndId) -> Key {
    mock(payment, "ORDER")
}

/// The order of an attempt after one that was ordered and failed.
pub(crate) fn mock_resubmission(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("ORDER#{attempt}"))
}

pub(crate) fn mock_begun(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("BEGUN#{attempt}"))
}

pub(crate) fn mock_conclusion(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("CONCLUSION#{attempt}"))
}

pub(crate) fn mock_challenge(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("CHALLENGE#{attempt}"))
}

pub(crate) fn mock_taken_back(payment: EndToEndId, attempt: u8) -> Key {
    mock(payment, format!("TAKENBACK#{attempt}"))
}

pub(crate) fn mock_refund(payment: EndToEndId, attempt: u8, position: u8) -> Key {
    mock(payment, format!("REFUND#{attempt}#{position}"))
}

/// Of the transfers of a payment, at this position.
pub(crate) fn mock_transfer(payment: EndToEndId, position: u16) -> Key {
    mock(payment, format!("TRANSFER#{position}"))
}

/// The payment is named by its reference here.
pub(crate) fn mock_reference(reference: EndToEndId) -> Key {
    mock(reference, "REFERENCE")
}

/// A transfer that matches no payment: all of them are under one id.
pub(crate) fn mock_unmatched(list: EndToEndId, id: TransferId) -> Key {
    mock(list, format!("UNMATCHED#{id}"))
}

/// What the mock providers know of a payment.
pub(crate) fn mock_pk(payment: EndToEndId) -> String {
    format!("MOCKBANK#{payment}")
}

fn mock(payment: EndToEndId, entry: impl Into<String>) -> Key {
    Key::new(mock_pk(payment), entry)
}

/// Partition of the list index with the sessions of one format, so that no page is emptied by those of others. A merchant has
/// one shard until more are needed; each item keeps its own.
pub(crate) fn list_pk(merchant: &MerchantId, mode: Mode, format: WireFormat, shard: ListShard) -> String {
    match format {
        WireFormat::Banked => format!("{merchant}#{}#{shard}", mode.as_str()),
        WireFormat::Yorlet | WireFormat::Fintecture => {
            format!("{merchant}#{}#{}#{shard}", mode.as_str(), format.as_str())
        }
    }
}

/// The same for customers.
pub(crate) fn customers_list_pk(merchant: &MerchantId, mode: Mode, format: WireFormat, shard: ListShard) -> String {
    format!("{merchant}#{}#customers#{}#{shard}", mode.as_str(), format.as_str())
}

/// The same for events.
pub(crate) fn events_list_pk(merchant: &MerchantId, mode: Mode, shard: ListShard) -> String {
    format!("{merchant}#{}#events#{shard}", mode.as_str())
}

/// Sort key of the list index: by creation, then by id so that no two are the same.
pub(crate) fn list_sk(created_at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{}#{id}", SortableTimestamp::from(created_at).as_str())
}

/// `due_at` of an endpoint's cursors that wait to be resumed. It sorts after every timestamp, so that they never fall due, and
/// are found by it.
pub(crate) fn paused_due_at(endpoint: &EndpointId) -> String {
    format!("~{endpoint}")
}

/// Partition of the due index.
pub(crate) fn due_pk(key: &Key) -> String {
    due_shard_pk(due_shard(&key.pk))
}

/// Partition of the index of what is final.
pub(crate) fn final_pk(key: &Key) -> String {
    final_shard_pk(stable_hash(key.pk.as_bytes()) % FINAL_SHARDS)
}

pub(crate) fn final_shard_pk(shard: u32) -> String {
    format!("FINAL#{shard}")
}

pub(crate) fn due_shard_pk(shard: u32) -> String {
    format!("DUE#{shard}")
}

/// In which shard of the due index an item with this partition key waits. What was written when there were fewer waits
/// where it was put.
pub(crate) fn due_shard(pk: &str) -> u32 {
    stable_hash(pk.as_bytes()) % DUE_SHARDS
}
