//! Calls to merchants' webhook endpoints: which addresses may be called, how a delivery is signed, and how it is sent. Providers and
//! issuers of tokens are called by the same sender.
//!
//! A merchant chooses the URL, and our function does the calling, so the URL must not lead to anything that only we can
//! reach. It is checked when it is registered ([`check_url`], [`resolve_check`]), so that the merchant learns of it, and again
//! by every [`Sender::send`], on the very address that is connected to, since a name may mean another address by then.

mod address;
mod decryptable;
mod endpoint;
mod lookup;
mod policy;
mod port;
mod retry_after;
mod secret;
mod sender;
mod signature;

pub use decryptable::{DecryptableHeaders, DeliveryApplication};
pub use endpoint::{MAX_URL_BYTES, RefusedUrl, check_url, resolve_check};
pub use lookup::Lookup;
pub use policy::Policy;
pub use reqwest::Method;
pub use secret::{InvalidSecret, WebhookSecret};
pub use sender::{
    Delivery, DeliveryResult, EndpointResponse, Failure, MAX_WHOLE_BYTES, NoSender, Response, Sender, TimeOuts,
};
pub use signature::{InvalidMessageId, MessageId, banked_signature, standard_signature, yorlet_signature};
