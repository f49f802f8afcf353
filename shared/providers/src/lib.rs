//! The port to whatever moves the money, shaped by real providers, and the mock banks behind it.
//!
//! [`Provider`] is the port, [`Connector`] one provider or another, [`Providers`] the directory of what can be chosen. No
//! AWS and no HTTP here.

mod connector;
mod directory;
mod event;
pub mod mock;
mod port;

pub use connector::Connector;
pub use directory::{Availability, Country, InvalidCountry, Offer, Providers, Wanted, can_pay};
pub use event::{NotGenuine, ProviderEvent, RawEvent};
pub use port::{
    Begun, Cancellation, Next, PayerLink, Provider, ProviderError, ProviderRefundId, RefundAnswer, RefundRefusal,
    RefundStatus, Status,
};
