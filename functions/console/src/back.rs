//! Where a person goes once they are signed in.

use lambda_http::http::{Method, Uri};
use models::Mode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::paths::root;
use crate::route::Route;

/// The longest that is kept: a list's address with all its filters is shorter.
const MAX_LENGTH: usize = 1024;

/// The address of a page of the console itself, so that a link to sign in never leads anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Back(String);

impl Back {
    /// That page, if it is one; else the overview.
    pub(crate) fn read(address: &str) -> Self {
        Self::page(address).unwrap_or_else(|| Self(format!("{}/overview", root(Mode::Test))))
    }

    fn page(address: &str) -> Option<Self> {
        let is_plain = address.len() <= MAX_LENGTH && address.bytes().all(|byte| byte.is_ascii_graphic());
        let uri: Uri = address.parse().ok().filter(|_| is_plain && !address.contains('\\'))?;
        if uri.scheme().is_some() || uri.authority().is_some() {
            return None;
        }
        let (route, _) = Route::of(&Method::GET, uri.path())?;
        match route {
            Route::In(..) => Some(Self(address.to_owned())),
            Route::Home
            | Route::SignIn
            | Route::AskForLink
            | Route::Link(_)
            | Route::UseLink(_)
            | Route::Company
            | Route::FromCompany
            | Route::ChooseMerchant
            | Route::SignOut => None,
        }
    }

    /// Where it was asked for: a page's own address, so that the person goes on there after signing in.
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let address = uri.path_and_query().map_or("", |address| address.as_str());
        Self::read(if method == Method::GET { address } else { "" })
    }

    /// As an address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, for who is signed in already, and has to show once more who they are.
    pub(crate) fn sign_in_again(&self) -> String {
        format!("/console/sign-in?again=1&back={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }

    /// Leads to one's company account, `again` for who has to show once more who they are.
    pub(crate) fn company(&self, again: bool) -> String {
        let again = if again { "again=1&" } else { "" };
        format!("/console/oidc/start?{again}back={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }

    /// The page that says that a link was asked for.
    pub(crate) fn asked(&self) -> String {
        format!("/console/sign-in?sent=1&back={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }

    /// The page that asks who one is, and leads there.
    pub(crate) fn sign_in(&self) -> String {
        format!("/console/sign-in?back={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_console_are_gone_back_to() {
        for address in ["/console/test/payments", "/console/live/audit?who=ada%40shop.example", "/console/test/people"]
        {
            assert_eq!(Back::read(address).as_str(), address);
        }
        for address in [
            "",
            "/",
            "/console",
            "/console/sign-in",
            "/console/sign-in/abc",
            "/console/sign-out",
            "/console/test/nowhere",
            "/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5",
            "https://evil.example/console/test/payments",
            "//evil.example/console/test/payments",
            "/\\evil.example/console/test/payments",
            "/console/test/payments?\\",
            "/console/test/payments\r\nx: y",
            "javascript:alert(1)",
            "evil.example",
            " /console/test/payments",
            "/console/test/payments?q=é",
        ] {
            assert_eq!(Back::read(address).as_str(), "/console/test/overview", "{address}");
        }
        let long = format!("/console/test/payments?q={}", "a".repeat(MAX_LENGTH));
        assert_eq!(Back::read(&long).as_str(), "/console/test/overview");
    }

    #[test]
    fn a_form_is_not_sent_again_by_going_back() {
        let uri: Uri = "/console/live/refunds?after=a%3Db&x=1".parse().unwrap();
        assert_eq!(
            Back::of(&Method::GET, &uri).sign_in(),
            "/console/sign-in?back=%2Fconsole%2Flive%2Frefunds%3Fafter%3Da%253Db%26x%3D1"
        );
        assert_eq!(Back::of(&Method::POST, &uri).as_str(), "/console/test/overview");
    }
}
