//! What a page's address asks to see of it.

use models::{PaymentMethod, ProviderPaymentId};
use serde::Deserialize;

/// The query of a checkout's address. Parameters that are not ours are left out; with a value that is not ours, all of it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct View {
    /// Banks whose name has this in it.
    pub(crate) q: String,
    /// Which banks are listed.
    pub(crate) banks: Banks,
    /// Which way to pay the providers are listed of, where the session has several.
    pub(crate) method: Option<PaymentMethod>,
    /// Whether the bank is chosen again.
    pub(crate) choose: Choose,
    /// Whether the page checks by itself.
    pub(crate) check: Check,
}

/// Which banks are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Banks {
    /// The first.
    #[default]
    Popular,
    /// All of them.
    All,
}

/// Whether the bank is chosen again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choose {
    /// The session's own page.
    #[default]
    No,
    /// Another than the one that is chosen.
    Another,
}

/// Whether a page that waits for a bank checks by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Check {
    /// Only once the payer asks for it: no page changes under who reads it slowly (WCAG 2.2, 2.2.1).
    #[default]
    Asked,
    /// From time to time.
    Auto,
}

impl View {
    /// What the query asks for.
    pub(crate) fn of(query: Option<&str>) -> Self {
        serde_urlencoded::from_str(query.unwrap_or_default()).unwrap_or_default()
    }
}

/// The query with which a provider sends a payer back. Parameters that we don't read are left out: an error that one names is a
/// hint, and the provider is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Returned {
    /// What it calls the payment.
    pub(crate) payment_id: ProviderPaymentId,
}

impl Returned {
    /// None if the query names no payment, or several.
    pub(crate) fn of(query: Option<&str>) -> Option<Self> {
        serde_urlencoded::from_str(query?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_names_the_one_payment_that_its_payer_comes_back_from() {
        let of = |query: Option<&str>| Returned::of(query).map(|returned| returned.payment_id.to_string());
        for query in ["payment_id=a-1.b", "payment_id=a-1%2Eb&error=x&error=y", "x=%FF&payment_id=a-1.b"] {
            assert_eq!(of(Some(query)).as_deref(), Some("a-1.b"), "{query}");
        }
        for query in [
            "",
            "payment_id",
            "payment_id=",
            "payment_id=a%23b",
            "payment_id=%FF",
            "payment_id=a&payment_id=a",
            "payment-id=a",
            "PAYMENT_ID=a",
        ] {
            assert_eq!(of(Some(query)), None, "{query}");
        }
        assert_eq!(of(Some(&format!("payment_id={}", "a".repeat(129)))), None);
        assert_eq!(of(None), None);
    }

    #[test]
    fn a_query_is_read_or_is_none() {
        let view = View::of(Some("q=St%C3%A9&banks=all&choose=another&check=auto&more=1"));
        let (q, method) = ("Sté".to_owned(), None);
        assert_eq!(view, View { q, banks: Banks::All, method, choose: Choose::Another, check: Check::Auto });
        assert_eq!(View::of(Some("attempt=1&method=pay_by_bank")).method, Some(PaymentMethod::PayByBank));
        for query in
            [None, Some(""), Some("banks=some"), Some("q=1&q=2"), Some("method=cash"), Some("%FF=%FF"), Some("check")]
        {
            assert_eq!(View::of(query), View::default(), "{query:?}");
        }
    }
}
