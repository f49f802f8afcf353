//! The connector to TrueLayer: payments by bank in the UK and the euro area, by its Payments API v3
//! (<https://docs.truelayer.com/>). Money moves at consent.
//!
//! It is asked by [`outbound`]'s sender. What moves money is signed by a key of ours ([`signature`]); what TrueLayer sends of its
//! own accord is signed by one of its keys, which it publishes.

mod banks;
mod check;
mod client;
mod connector;
mod credentials;
mod hosts;
mod jwks;
mod payment;
#[cfg(test)]
mod recorded;
mod refund;
mod settings;
pub mod signature;
mod webhook;

pub use check::Checked;
pub use connector::{AtBank, LINK_LASTS, REPEATS_WITHIN, RETURN_PATH, TrueLayer};
pub use credentials::{Credentials, CredentialsError, InvalidKey, SigningKey};
pub use hosts::{Environment, Hosts, InvalidEnvironment};
pub use jwks::PublicKey;
pub use settings::{
    InvalidMerchantAccounts, MerchantAccounts, NotThisMachine, SecretError, Settings, WEBHOOK_PATH, credentials,
};
