//! From host names to addresses.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use crate::policy::Policy;

type Finding = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// How a host name is resolved: by the system, or as a test says.
#[derive(Clone)]
pub struct Lookup(Arc<dyn Fn(String) -> Finding + Send + Sync>);

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup(…)")
    }
}

impl Lookup {
    /// As the system does it.
    pub fn system() -> Self {
        Self::by(|name| async move {
            // The port is not looked up; the call needs one.
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
        })
    }

    /// As `find` says.
    pub fn by<F>(find: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |name| Box::pin(find(name))))
    }

    /// All addresses of a name.
    pub(crate) fn find(&self, name: &str) -> Finding {
        (self.0)(name.to_owned())
    }
}

/// Why there is no address to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NoAddress {
    /// The name has none.
    #[error("the host name does not resolve")]
    NotFound,
    /// None of the name's addresses may be called.
    #[error("the host name resolves to no address that may be called")]
    NotAllowed,
}

/// Passes on only those addresses that may be called. The client connects to nothing else, so that no second look-up
/// can put another address in the place of the one that was checked (DNS rebinding).
pub(crate) struct AllowedOnly {
    pub(crate) lookup: Lookup,
    pub(crate) policy: Policy,
}

impl Resolve for AllowedOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let (finding, policy) = (self.lookup.find(name.as_str()), self.policy);
        Box::pin(async move {
            let found = finding.await.map_err(|_| NoAddress::NotFound)?;
            if found.is_empty() {
                return Err(NoAddress::NotFound.into());
            }
            // Port 0 is replaced by the URL's.
            let allowed = found.into_iter().filter(|&address| policy.allows(address));
            let allowed: Vec<_> = allowed.map(|address| SocketAddr::new(address, 0)).collect();
            if allowed.is_empty() {
                return Err(NoAddress::NotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn passed_on(policy: Policy, addresses: &'static [&'static str]) -> Result<Vec<String>, NoAddress> {
        let lookup = Lookup::by(|_| async { Ok(addresses.iter().map(|text| text.parse().unwrap()).collect()) });
        match (AllowedOnly { lookup, policy }).resolve("shop.example.com".parse().unwrap()).await {
            Ok(passed) => Ok(passed.map(|address| address.to_string()).collect()),
            Err(error) => Err(*error.downcast().unwrap()),
        }
    }

    #[tokio::test]
    async fn only_what_may_be_called_is_passed_on() {
        let all = &["10.0.0.1", "93.184.215.14", "127.0.0.1", "::1", "2606:4700::1", "::ffff:169.254.169.254"];
        let usual = passed_on(Policy::default(), all).await.unwrap();
        assert_eq!(usual, ["93.184.215.14:0", "[2606:4700::1]:0"]);
        let local = passed_on(Policy { loopback_allowed: true }, all).await.unwrap();
        assert_eq!(local, ["93.184.215.14:0", "127.0.0.1:0", "[::1]:0", "[2606:4700::1]:0"]);
    }

    #[tokio::test]
    async fn if_nothing_is_left_the_error_says_why() {
        assert_eq!(passed_on(Policy::default(), &["10.0.0.1", "::1"]).await, Err(NoAddress::NotAllowed));
        assert_eq!(passed_on(Policy::default(), &[]).await, Err(NoAddress::NotFound));
    }

    #[tokio::test]
    async fn the_system_knows_its_own_name() {
        let found = Lookup::system().find("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
