//! Where TrueLayer is.

use std::str::FromStr;

use models::Mode;
use thiserror::Error;
use url::Url;

/// The path at which TrueLayer publishes the keys that it signs webhooks by.
const JWKS_PATH: &str = "/.well-known/jwks";

/// Which TrueLayer: each has payments, keys and credentials of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Nothing moves. Serves test sessions alone.
    Sandbox,
    /// Real money. Serves live sessions alone.
    Live,
}

impl Environment {
    /// `sandbox` or `live`, as the setting spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }

    /// Which sessions it serves.
    pub const fn mode(self) -> Mode {
        match self {
            Self::Sandbox => Mode::Test,
            Self::Live => Mode::Live,
        }
    }
}

impl From<Mode> for Environment {
    /// Which one serves sessions of this mode.
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Test => Self::Sandbox,
            Mode::Live => Self::Live,
        }
    }
}

/// Not `sandbox` or `live`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be sandbox or live")]
pub struct InvalidEnvironment;

impl FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, InvalidEnvironment> {
        match text {
            "sandbox" => Ok(Self::Sandbox),
            "live" => Ok(Self::Live),
            _ => Err(InvalidEnvironment),
        }
    }
}

/// The hosts of one environment, without paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Gives access tokens.
    pub auth: Url,
    /// Payments, refunds, banks.
    pub api: Url,
    /// Publishes the keys of webhooks.
    pub webhooks: Url,
    /// The page on which the payer pays.
    pub payment: Url,
}

impl Hosts {
    /// TrueLayer's own.
    pub fn of(environment: Environment) -> Self {
        match environment {
            Environment::Sandbox => Self {
                auth: constant("https://auth.truelayer-sandbox.com"),
                api: constant("https://api.truelayer-sandbox.com"),
                webhooks: constant("https://webhooks.truelayer-sandbox.com"),
                payment: constant("https://payment.truelayer-sandbox.com"),
            },
            Environment::Live => Self {
                auth: constant("https://auth.truelayer.com"),
                api: constant("https://api.truelayer.com"),
                webhooks: constant("https://webhooks.truelayer.com"),
                payment: constant("https://payment.truelayer.com"),
            },
        }
    }

    /// One host in place of all four: a simulator on one's own machine. Its path, if it has one, is left out.
    pub fn at(base: &Url) -> Self {
        let base = at_path(base, "/");
        Self { auth: base.clone(), api: base.clone(), webhooks: base.clone(), payment: base }
    }

    /// Where the keys of webhooks are; webhooks name it so, to the letter.
    pub fn jwks(&self) -> Url {
        at_path(&self.webhooks, JWKS_PATH)
    }
}

/// This path on a host, and nothing after it. What a URL can't have in its path is percent-encoded.
pub(crate) fn at_path(host: &Url, path: &str) -> Url {
    let mut url = host.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[expect(clippy::expect_used, reason = "constants that a test parses")]
fn constant(url: &str) -> Url {
    url.parse().expect("it is a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_serves_one_mode_and_is_spelled_in_one_way() {
        assert_eq!((Environment::Sandbox.mode(), Environment::Live.mode()), (Mode::Test, Mode::Live));
        for environment in [Environment::Sandbox, Environment::Live] {
            assert_eq!(Environment::from(environment.mode()), environment);
            assert_eq!(environment.as_str().parse(), Ok(environment));
        }
        for other in ["", "off", "Live", "test", "sandbox "] {
            assert_eq!(other.parse::<Environment>(), Err(InvalidEnvironment), "{other:?}");
        }
    }

    #[test]
    fn no_host_of_one_environment_is_the_others() {
        let domains = [(Environment::Sandbox, ".truelayer-sandbox.com"), (Environment::Live, ".truelayer.com")];
        for (environment, domain) in domains {
            let Hosts { auth, api, webhooks, payment } = Hosts::of(environment);
            for (host, name) in [(auth, "auth"), (api, "api"), (webhooks, "webhooks"), (payment, "payment")] {
                assert_eq!(host.as_str(), format!("https://{name}{domain}/"));
            }
        }
    }

    #[test]
    fn the_keys_are_where_webhooks_say_that_they_are() {
        assert_eq!(Hosts::of(Environment::Live).jwks().as_str(), "https://webhooks.truelayer.com/.well-known/jwks");
        let simulator = Hosts::at(&"http://127.0.0.1:9400/some/path?a=b#c".parse().unwrap());
        assert_eq!(simulator.jwks().as_str(), "http://127.0.0.1:9400/.well-known/jwks");
        assert_eq!(simulator.api.as_str(), "http://127.0.0.1:9400/");
    }
}
