//! Which page or form a request is for.

use lambda_http::http::Method;
use models::{BankId, RefundId, SessionId, whole_number};

use pages::{Back, ProblemsTexts};

use crate::paths::{checkout_path, refund_path};

/// One route of template.yaml, with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// The page that fits the session's state.
    Page(SessionId),
    /// A form's own address, opened as if it were a page.
    Step(SessionId),
    /// The payer's details.
    Payer(SessionId),
    /// The choice of a bank.
    ChooseBank(SessionId),
    /// The payer cancels.
    Cancel(SessionId),
    /// The way to the bank of one attempt, where that leads to a link which is the payer's alone.
    ToBank(SessionId, u8),
    /// The payer comes back from a bank.
    Return(SessionId),
    /// The payer comes back from a provider that has one address for all payers.
    ReturnFrom(BankId),
    /// The page that fits the refund's state.
    Refund(RefundId),
    /// Where a refund goes.
    RefundDetails(RefundId),
}

impl Route {
    /// None if there is no such route, or the path's id can't be one.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["checkout", id]) => Some(Self::Page(id.parse().ok()?)),
            ("GET", ["checkout", id, "bank", attempt]) => Some(Self::ToBank(id.parse().ok()?, whole_number(attempt)?)),
            ("GET", ["checkout", id, "return"]) => Some(Self::Return(id.parse().ok()?)),
            ("GET", ["checkout", id, step]) if !step.is_empty() => Some(Self::Step(id.parse().ok()?)),
            ("POST", ["checkout", id, "payer"]) => Some(Self::Payer(id.parse().ok()?)),
            ("POST", ["checkout", id, "bank"]) => Some(Self::ChooseBank(id.parse().ok()?)),
            ("POST", ["checkout", id, "cancel"]) => Some(Self::Cancel(id.parse().ok()?)),
            ("GET", ["providers", provider, "return"]) => Some(Self::ReturnFrom(provider.parse().ok()?)),
            ("GET", ["refunds", id]) => Some(Self::Refund(id.parse().ok()?)),
            ("POST", ["refunds", id]) => Some(Self::RefundDetails(id.parse().ok()?)),
            _ => None,
        }
    }

    /// What it is about, if its path says so.
    pub(crate) const fn object(&self) -> Option<Object> {
        match *self {
            Self::Page(id)
            | Self::Step(id)
            | Self::Payer(id)
            | Self::ChooseBank(id)
            | Self::Cancel(id)
            | Self::ToBank(id, _)
            | Self::Return(id) => Some(Object::Session(id)),
            Self::ReturnFrom(_) => None,
            Self::Refund(id) | Self::RefundDetails(id) => Some(Object::Refund(id)),
        }
    }

    /// The page of the session or refund that it is about.
    pub(crate) fn back(&self, texts: &'static ProblemsTexts) -> Option<Back> {
        self.object().map(|object| match object {
            Object::Session(id) => Back { path: checkout_path(&id), label: texts.back_to_payment },
            Object::Refund(id) => Back { path: refund_path(&id), label: texts.back_to_refund },
        })
    }
}

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    Session(SessionId),
    Refund(RefundId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_and_nothing_else() {
        let text = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let id: SessionId = text.parse().unwrap();
        let of = |method: Method, path: &str| Route::of(&method, &path.replace("{id}", text));
        assert_eq!(of(Method::GET, "/checkout/{id}"), Some(Route::Page(id)));
        assert_eq!(of(Method::POST, "/checkout/{id}/payer"), Some(Route::Payer(id)));
        assert_eq!(of(Method::POST, "/checkout/{id}/bank"), Some(Route::ChooseBank(id)));
        assert_eq!(of(Method::POST, "/checkout/{id}/cancel"), Some(Route::Cancel(id)));
        assert_eq!(of(Method::GET, "/checkout/{id}/return"), Some(Route::Return(id)));
        assert_eq!(of(Method::GET, "/checkout/{id}/bank/2"), Some(Route::ToBank(id, 2)));
        assert_eq!(of(Method::GET, "/checkout/{id}/payer"), Some(Route::Step(id)));
        let provider = |text: &str| Some(Route::ReturnFrom(text.parse().unwrap()));
        assert_eq!(of(Method::GET, "/providers/mock-consent/return"), provider("mock-consent"));
        let refund: RefundId = text.parse().unwrap();
        assert_eq!(of(Method::GET, "/refunds/{id}"), Some(Route::Refund(refund)));
        assert_eq!(of(Method::POST, "/refunds/{id}"), Some(Route::RefundDetails(refund)));
        for path in [
            "/",
            "/checkout",
            "/checkout/",
            "/checkout/x",
            "/checkout/{id}/",
            "/checkout/{id}/a/b",
            "/checkout/{id}/return/",
            "/checkout/{id}/bank/",
            "/checkout/{id}/bank/01",
            "/checkout/{id}/bank/256",
            "/checkout/{id}/bank/1/",
            "/mock-bank/{id}/1",
            "/providers/mock-consent",
            "/providers/mock-consent/return/",
            "/providers/mock-consent/webhook",
            "/providers/Mock%20Bank/return",
            "/providers//return",
            "/refunds",
            "/refunds/x",
            "/refunds/{id}/details",
        ] {
            assert_eq!(of(Method::GET, path), None, "{path}");
        }
        assert_eq!(of(Method::POST, "/checkout/{id}"), None);
        assert_eq!(of(Method::POST, "/checkout/{id}/return"), None);
        assert_eq!(of(Method::POST, "/providers/mock-consent/return"), None);
        // An id in capitals is the same id; in another form it is none.
        assert_eq!(Route::of(&Method::GET, &format!("/checkout/{}", text.to_uppercase())), Some(Route::Page(id)));
        for other in [text.replace('-', ""), format!("%7B{text}%7D"), format!("urn:uuid:{text}")] {
            assert_eq!(Route::of(&Method::GET, &format!("/checkout/{other}")), None, "{other}");
        }
    }

    #[test]
    fn every_problem_leads_back_to_what_it_is_about() {
        let text = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for (path, page) in
            [("checkout/{id}", "/checkout"), ("checkout/{id}/return", "/checkout"), ("refunds/{id}", "/refunds")]
        {
            let route = Route::of(&Method::GET, &format!("/{}", path.replace("{id}", text))).unwrap();
            let back = route.back(&pages::Language::English.texts().problems).unwrap();
            assert_eq!(back.path, format!("{page}/{text}"));
        }
        let of_all = Route::of(&Method::GET, "/providers/mock-consent/return").unwrap();
        assert_eq!(of_all.object(), None);
    }
}
