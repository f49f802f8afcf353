//! The domain: money, sessions, refunds, customers, transitions, events, webhook endpoints, mails, validation.
//!
//! This crate does no I/O and knows neither AWS nor HTTP nor any client's wire format. What it can't express can't
//! happen: amounts are whole minor units with a currency, ids are types of their own, a session changes only by
//! [`transition`] and a refund only by [`refund_transition`].

mod account;
mod act;
mod application;
mod attempt;
mod card;
mod customer;
mod event;
mod faults;
mod history;
mod iban;
mod ids;
mod list_shards;
mod mail;
mod merchant;
mod mode;
mod money;
mod new_session;
mod number;
mod object;
mod offer_limits;
mod pace;
mod payable_accounts;
mod payment_method;
mod person;
mod received;
mod refund;
mod refund_at_provider;
mod refund_transition;
mod schedule;
mod session;
mod shop;
mod taken_back;
mod test_clock;
mod text;
mod time;
mod transfers;
mod transition;
mod typed;
mod webhook;
mod wire_format;

pub use account::{
    AccountIdentifier, AccountKind, AccountNumber, InvalidAccount, LinkedAccount, Payee, Payer, SortCode,
};
pub use act::{Act, ActChange, ActKey, ActKind, ActObject, ActOutcome, ActReason, Actor};
pub use application::{Application, MAX_PUBLIC_KEYS, MAX_REDIRECT_URLS, PublicKey, PublicKeyId};
pub use attempt::{
    AtConsent, AttemptEnd, DeclineReason, LateMoney, MAX_ATTEMPTS, MovesMoney, PaymentAttempt, ProviderRequest,
    TransferInstructions,
};
pub use card::{Card, CardBrand, InvalidLastFour, LastFour, PaidFrom};
pub use customer::{Customer, CustomerCreation, NewCustomer};
pub use event::{EventId, EventType};
pub use faults::{EndpointFaults, InvalidFault};
pub use history::{History, HistoryEntry};
pub use iban::{Iban, InvalidIban};
pub use ids::{
    ActId, ApiKeyId, ApiSecret, BankId, CorrelationId, CustomerId, EndToEndId, EndpointId, InvalidId, LinkMailId,
    MerchantId, ObjectId, ProviderPaymentId, ProviderRefundId, RefundId, SessionId, TestClockId, TransferId, WriteId,
    credential_prefix,
};
pub use list_shards::{InvalidListShards, ListShard, ListSharding, ListShards, stable_hash};
pub use mail::{MailFeedback, MailId, MailState, MailTopic};
pub use merchant::{ApiKey, InvalidKeyOverlap, KeyOverlap, Merchant, Scope, Scopes, UnknownScope};
pub use mode::{InvalidMode, Mode};
pub use money::{AmountCaps, AnyAmount, Currency, InvalidAmountCaps, InvalidDecimal, MinorUnits, Money, MoneyError};
pub use new_session::{InvalidLifetime, InvalidMetadata, Lifetime, LineItem, Metadata, NewSession};
pub use number::whole_number;
pub use object::Object;
pub use offer_limits::{Country, InvalidCountry, OfferLimits, PayerKind};
pub use pace::{Lane, Pace, QUICK};
pub use payable_accounts::{NotPayable, PayableAccounts};
pub use payment_method::{MethodFamily, NoPaymentMethod, PaymentMethod, PaymentMethods};
pub use person::{InvalidRole, Permission, Person, Role};
pub use received::Received;
pub use refund::{MAX_REFUNDS, NewRefund, NotRefundable, Refund, RefundCreation, RefundPayee, WrongAccount, left_of};
pub use refund_at_provider::RefundAtProvider;
pub use refund_transition::{IllegalRefundTransition, RefundEvent, RefundState, refund_transition};
pub use schedule::{next_check_at, next_check_by_clock};
pub use session::{Creation, MAX_ENTRIES_BEFORE_A_CHOICE, MAX_HISTORY_ENTRIES, PaysRefund, Session, Submission};
pub use shop::{Colour, InvalidColour, InvalidLogo, Logo, LogoKind, Shop};
pub use taken_back::{TakenBack, TakenBackReason};
pub use test_clock::{InvalidClockTime, MAX_SESSIONS_ON_A_CLOCK, OnClock, TestClock};
pub use text::{
    AccountEnd, Description, EmailAddress, InvalidText, Locale, MerchantUrl, Name, Note, OperatorName, PhoneNumber,
    Reference, is_noncharacter,
};
pub use time::{SortableTimestamp, stamp, truncate_to_ms};
pub use transition::{IllegalTransition, InTime, SessionEvent, SessionState, transition};
pub use typed::typed_digits;
pub use webhook::{
    CursorId, DisabledBy, Endpoint, EndpointSecret, MAX_CONCURRENT_DELIVERIES, MAX_ENDPOINTS, Subscription,
    is_given_up, next_delivery, not_before,
};
pub use wire_format::{EventEncoding, Extra, ExtraTooLong, WireFormat};
