//! The port to whatever moves the money, shaped by real providers, and the mock banks behind it.
//!
//! [`Provider`] is the port, [`MockConnector`] one mock or another, [`Providers`] the directory of those that can be chosen. No
//! AWS and no HTTP here.

mod availability;
mod connector;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod delegate;
mod directory;
mod event;
mod market;
pub mod mock;
mod port;
mod virtual_account;

pub use availability::{Availability, Outage};
pub use connector::MockConnector;
pub use directory::{
    NotPayableLive, Offer, Providers, TRUELAYER, Wanted, can_be_paid_live, can_pay, has_offers, method_of,
    method_of_session, truelayer_countries,
};
pub use event::{NotGenuine, ProviderEvent, RawEvent};
pub use market::{Market, countries};
pub use port::{
    Arrivals, Begun, Cancellation, EventRefusal, Next, PayerLink, Provider, ProviderError, RefundAnswer, RefundRefusal,
    RefundStatus, Status,
};
pub use virtual_account::{VirtualAccount, virtual_account};
