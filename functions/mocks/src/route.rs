//! Which page or form a request is for, and how one leads to another.

use lambda_http::http::Method;
use models::{SessionId, whole_number};

/// One route of template.yaml, with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The bank's page for one attempt.
    Show(SessionId, u8),
    /// The payer's decision there.
    Decide(SessionId, u8),
    /// The page that makes transfers, opened from a session's instructions.
    ShowTransfer(SessionId),
    /// A transfer is sent there.
    Transfer(SessionId),
}

impl Route {
    /// None if there is no such route, or the path's id can't be one.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["mock-bank", id, TRANSFER]) => Some(Self::ShowTransfer(id.parse().ok()?)),
            ("POST", ["mock-bank", id, TRANSFER]) => Some(Self::Transfer(id.parse().ok()?)),
            ("GET", ["mock-bank", id, attempt]) => Some(Self::Show(id.parse().ok()?, whole_number(attempt)?)),
            ("POST", ["mock-bank", id, attempt]) => Some(Self::Decide(id.parse().ok()?, whole_number(attempt)?)),
            _ => None,
        }
    }

    /// The session that it is about.
    pub(crate) const fn session_id(self) -> SessionId {
        match self {
            Self::Show(id, _) | Self::Decide(id, _) | Self::ShowTransfer(id) | Self::Transfer(id) => id,
        }
    }
}

/// In the place of an attempt's number.
const TRANSFER: &str = "transfer";

/// The page that makes transfers.
pub(crate) fn transfer_path(id: &SessionId) -> String {
    format!("/mock-bank/{id}/{TRANSFER}")
}

/// The bank's page for one attempt; with the token of the link to it, if it has one.
pub(crate) fn bank_path(id: &SessionId, number: u8, token: &str) -> String {
    let path = format!("/mock-bank/{id}/{number}");
    if token.is_empty() { path } else { format!("{path}?token={token}") }
}

/// The merchant's checkout, for a payer who walks away.
pub(crate) fn checkout_path(id: &SessionId) -> String {
    format!("/checkout/{id}")
}

/// Where a payer comes back from the bank.
pub(crate) fn return_path(id: &SessionId) -> String {
    format!("/checkout/{id}/return")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_and_nothing_else() {
        let text = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let id: SessionId = text.parse().unwrap();
        let of = |method: Method, path: &str| Route::of(&method, &path.replace("{id}", text));
        assert_eq!(of(Method::GET, "/mock-bank/{id}/2"), Some(Route::Show(id, 2)));
        assert_eq!(of(Method::POST, "/mock-bank/{id}/20"), Some(Route::Decide(id, 20)));
        assert_eq!(of(Method::GET, "/mock-bank/{id}/transfer"), Some(Route::ShowTransfer(id)));
        assert_eq!(of(Method::POST, "/mock-bank/{id}/transfer"), Some(Route::Transfer(id)));
        for path in [
            "/",
            "/mock-bank/{id}/+1",
            "/mock-bank/{id}/01",
            "/mock-bank/{id}/-1",
            "/mock-bank/{id}/1/",
            "/mock-bank/{id}",
            "/mock-bank/{id}/256",
            "/mock-bank/x/1",
            "/checkout/{id}",
            "/checkout/{id}/return",
        ] {
            assert_eq!(of(Method::GET, path), None, "{path}");
        }
        // An id in capitals is the same id; in another form it is none.
        let upper = format!("/mock-bank/{}/1", text.to_uppercase());
        assert_eq!(Route::of(&Method::GET, &upper), Some(Route::Show(id, 1)));
        for other in [text.replace('-', ""), format!("%7B{text}%7D"), format!("urn:uuid:{text}")] {
            assert_eq!(Route::of(&Method::GET, &format!("/mock-bank/{other}/1")), None, "{other}");
        }
    }
}
