//! Which page or form a request is for, and what one needs to be allowed to ask for it.

use lambda_http::http::Method;
use models::{Mode, Permission, RefundId, SessionId};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/console`: leads to where one may go.
    Home,
    /// The page that asks who one is.
    SignIn,
    /// Asks for a link by mail.
    AskForLink,
    /// The page of a link, with its token; nothing is used up.
    Link(&'a str),
    /// Signs in by a link.
    UseLink(&'a str),
    /// Leads to the issuer of one's company account.
    Company,
    /// Comes back from there.
    FromCompany,
    /// Chooses a merchant, where one may use the consoles of several.
    ChooseMerchant,
    /// Signs out.
    SignOut,
    /// A page or form of the console itself.
    In(Mode, Page<'a>),
}

/// A page or form of the console itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page<'a> {
    /// What needs a person, and what the last days add up to.
    Overview,
    /// A list of payments, or those that were searched for.
    Payments,
    /// The parts of a list of payments that can be exported.
    ExportForm,
    /// Makes a file of a part.
    Export,
    /// One payment.
    Payment(SessionId),
    /// Asks for a payment's personal data.
    ShowPersonalData(SessionId),
    /// A payment as JSON.
    PaymentJson(SessionId),
    /// The form of a refund.
    RefundForm(SessionId),
    /// Checks or makes a refund.
    Refund(SessionId),
    /// The form by which a payment is cancelled.
    CancelForm(SessionId),
    /// Cancels a payment.
    Cancel(SessionId),
    /// The link by which a payment is paid.
    Link(SessionId),
    /// The form of a payment link.
    LinkForm,
    /// Checks or makes a payment link.
    MakeLink,
    /// A list of refunds.
    Refunds,
    /// The form by which a refund is cancelled.
    CancelRefundForm(RefundId),
    /// Cancels a refund.
    CancelRefund(RefundId),
    /// A list of webhook endpoints.
    Webhooks,
    /// Registers a webhook endpoint.
    RegisterWebhook,
    /// One webhook endpoint.
    Webhook(&'a str),
    /// Changes a webhook endpoint.
    ChangeWebhook(&'a str),
    /// Delivers to a webhook endpoint again what happened since a time.
    ResendSince(&'a str),
    /// Sends a test event to a webhook endpoint.
    TestWebhook(&'a str),
    /// One event, and how it was delivered.
    Event(&'a str),
    /// Delivers an event again.
    ResendEvent(&'a str),
    /// A list of API keys.
    Keys,
    /// Issues an API key.
    IssueKey,
    /// One API key.
    Key(&'a str),
    /// Rolls or revokes an API key.
    ChangeKey(&'a str),
    /// The linked accounts.
    Accounts,
    /// Checks an account, or links it.
    LinkAccount,
    /// Asks whether to unlink an account, by its mark, or unlinks it.
    UnlinkAccount(&'a str),
    /// What payers see of the merchant.
    Shop,
    /// Changes what payers see of the merchant.
    ChangeShop,
    /// The people of the merchant.
    People,
    /// Adds a person.
    AddPerson,
    /// One person.
    Person(&'a str),
    /// Changes or removes a person.
    ChangePerson(&'a str),
    /// What was done, by whom.
    Audit,
    /// Makes a file of it.
    AuditExport,
}

/// What a path below the mode means, given the segment that it leaves open; none if that can't be one.
type Means = for<'a> fn(&'a str) -> Option<Page<'a>>;

/// Method, path below the mode, what one has to be allowed, and what it means.
type Row = (&'static str, &'static str, Permission, Means);

/// Every page and form of the console itself.
pub(crate) const PAGES: [Row; 40] = [
    ("GET", "overview", Permission::SeePayments, |_| Some(Page::Overview)),
    ("GET", "payments", Permission::SeePayments, |_| Some(Page::Payments)),
    ("GET", "payments/export", Permission::SeePayments, |_| Some(Page::ExportForm)),
    ("POST", "payments/export", Permission::SeePayments, |_| Some(Page::Export)),
    ("GET", "payments/{id}", Permission::SeePayments, |id| Some(Page::Payment(id.parse().ok()?))),
    ("POST", "payments/{id}/personal-data", Permission::SeePersonalData, |id| {
        Some(Page::ShowPersonalData(id.parse().ok()?))
    }),
    ("GET", "payments/{id}/json", Permission::SeePayments, |id| Some(Page::PaymentJson(id.parse().ok()?))),
    ("GET", "payments/{id}/refund", Permission::MoveMoney, |id| Some(Page::RefundForm(id.parse().ok()?))),
    ("POST", "payments/{id}/refund", Permission::MoveMoney, |id| Some(Page::Refund(id.parse().ok()?))),
    ("GET", "payments/{id}/cancel", Permission::MoveMoney, |id| Some(Page::CancelForm(id.parse().ok()?))),
    ("POST", "payments/{id}/cancel", Permission::MoveMoney, |id| Some(Page::Cancel(id.parse().ok()?))),
    ("GET", "payments/{id}/link", Permission::MoveMoney, |id| Some(Page::Link(id.parse().ok()?))),
    ("GET", "links", Permission::MoveMoney, |_| Some(Page::LinkForm)),
    ("POST", "links", Permission::MoveMoney, |_| Some(Page::MakeLink)),
    ("GET", "refunds", Permission::SeePayments, |_| Some(Page::Refunds)),
    ("GET", "refunds/{id}/cancel", Permission::MoveMoney, |id| Some(Page::CancelRefundForm(id.parse().ok()?))),
    ("POST", "refunds/{id}/cancel", Permission::MoveMoney, |id| Some(Page::CancelRefund(id.parse().ok()?))),
    ("GET", "webhooks", Permission::SeePayments, |_| Some(Page::Webhooks)),
    ("POST", "webhooks", Permission::ChangeWebhooks, |_| Some(Page::RegisterWebhook)),
    ("GET", "webhooks/{id}", Permission::SeePayments, |id| Some(Page::Webhook(id))),
    ("POST", "webhooks/{id}", Permission::ChangeWebhooks, |id| Some(Page::ChangeWebhook(id))),
    ("POST", "webhooks/{id}/resend", Permission::ChangeWebhooks, |id| Some(Page::ResendSince(id))),
    ("POST", "webhooks/{id}/test", Permission::ChangeWebhooks, |id| Some(Page::TestWebhook(id))),
    ("GET", "events/{id}", Permission::SeePayments, |id| Some(Page::Event(id))),
    ("POST", "events/{id}", Permission::ChangeWebhooks, |id| Some(Page::ResendEvent(id))),
    // Of live keys it takes more: see `Permission::in_mode`.
    ("GET", "keys", Permission::ManageTestKeys, |_| Some(Page::Keys)),
    ("POST", "keys", Permission::ManageTestKeys, |_| Some(Page::IssueKey)),
    ("GET", "keys/{id}", Permission::ManageTestKeys, |id| Some(Page::Key(id))),
    ("POST", "keys/{id}", Permission::ManageTestKeys, |id| Some(Page::ChangeKey(id))),
    ("GET", "accounts", Permission::ManageLive, |_| Some(Page::Accounts)),
    ("POST", "accounts", Permission::ManageLive, |_| Some(Page::LinkAccount)),
    ("POST", "accounts/{id}", Permission::ManageLive, |id| Some(Page::UnlinkAccount(id))),
    ("GET", "shop", Permission::ManageLive, |_| Some(Page::Shop)),
    ("POST", "shop", Permission::ManageLive, |_| Some(Page::ChangeShop)),
    ("GET", "people", Permission::ManagePeople, |_| Some(Page::People)),
    ("POST", "people", Permission::ManagePeople, |_| Some(Page::AddPerson)),
    ("GET", "people/{id}", Permission::ManagePeople, |id| Some(Page::Person(id))),
    ("POST", "people/{id}", Permission::ManagePeople, |id| Some(Page::ChangePerson(id))),
    ("GET", "audit", Permission::SeeAudit, |_| Some(Page::Audit)),
    ("POST", "audit/export", Permission::SeeAudit, |_| Some(Page::AuditExport)),
];

impl<'a> Route<'a> {
    /// What a request is for; none if there is no such page.
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<(Self, Option<Permission>)> {
        let path = path.strip_prefix("/console")?;
        let open = match (method.as_str(), path) {
            ("GET", "" | "/") => Self::Home,
            ("GET", "/sign-in") => Self::SignIn,
            ("POST", "/sign-in") => Self::AskForLink,
            ("GET", "/oidc/start") => Self::Company,
            ("GET", "/oidc/callback") => Self::FromCompany,
            ("POST", "/oidc/choice") => Self::ChooseMerchant,
            ("POST", "/sign-out") => Self::SignOut,
            (method, path) => {
                if let Some(token) = path.strip_prefix("/sign-in/").filter(|token| is_segment(token)) {
                    match method {
                        "GET" => Self::Link(token),
                        "POST" => Self::UseLink(token),
                        _ => return None,
                    }
                } else {
                    let (mode, rest) = path.strip_prefix('/')?.split_once('/')?;
                    let mode: Mode = mode.parse().ok()?;
                    let (permission, page) = page(method, rest)?;
                    return Some((Self::In(mode, page), Some(permission.in_mode(mode))));
                }
            }
        };
        Some((open, None))
    }

    /// The methods that a path accepts, if it is one of ours.
    pub(crate) fn methods(path: &str) -> Option<String> {
        let accepted = |method: &Method| Route::of(method, path).is_some();
        let (get, post) = (accepted(&Method::GET), accepted(&Method::POST));
        match (get, post) {
            (true, true) => Some("GET, HEAD, POST".to_owned()),
            (true, false) => Some("GET, HEAD".to_owned()),
            (false, true) => Some("POST".to_owned()),
            (false, false) => None,
        }
    }
}

fn page<'a>(method: &str, path: &'a str) -> Option<(Permission, Page<'a>)> {
    PAGES.iter().filter(|(of_row, ..)| *of_row == method).find_map(|(_, pattern, permission, means)| {
        let open = open_segment(pattern, path)?;
        Some((*permission, means(open)?))
    })
}

/// What stands in the place of `{id}`, or nothing where the pattern leaves none open; none if the path is not of this form.
fn open_segment<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{id}") else { return (pattern == path).then_some("") };
    path.strip_prefix(before)?.strip_suffix(after).filter(|segment| is_segment(segment))
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

    fn of(method: &str, path: &'static str) -> Option<Route<'static>> {
        let method: Method = method.parse().unwrap();
        Route::of(&method, path).map(|(route, _)| route)
    }

    #[test]
    fn a_path_means_a_page() {
        let id: SessionId = ID.parse().unwrap();
        assert_eq!(of("GET", "/console"), Some(Route::Home));
        assert_eq!(of("GET", "/console/sign-in"), Some(Route::SignIn));
        assert_eq!(of("POST", "/console/sign-in"), Some(Route::AskForLink));
        assert_eq!(of("GET", "/console/sign-in/abc"), Some(Route::Link("abc")));
        assert_eq!(of("POST", "/console/sign-in/abc"), Some(Route::UseLink("abc")));
        assert_eq!(of("GET", "/console/oidc/start"), Some(Route::Company));
        assert_eq!(of("GET", "/console/oidc/callback"), Some(Route::FromCompany));
        assert_eq!(of("POST", "/console/oidc/choice"), Some(Route::ChooseMerchant));
        assert_eq!(of("POST", "/console/sign-out"), Some(Route::SignOut));
        assert_eq!(of("GET", "/console/test/payments"), Some(Route::In(Mode::Test, Page::Payments)));
        assert_eq!(
            of("GET", "/console/live/payments/1ae1ce03-dfa9-4593-b487-65c656991cb5"),
            Some(Route::In(Mode::Live, Page::Payment(id)))
        );
        assert_eq!(
            of("POST", "/console/live/payments/1ae1ce03-dfa9-4593-b487-65c656991cb5/refund"),
            Some(Route::In(Mode::Live, Page::Refund(id)))
        );
        for (method, path) in [
            ("POST", "/console"),
            ("PUT", "/console/sign-in"),
            ("GET", "/console/sign-out"),
            ("POST", "/console/oidc/start"),
            ("POST", "/console/oidc/callback"),
            ("GET", "/console/oidc/choice"),
            ("GET", "/console/sign-in/"),
            ("GET", "/console/sign-in/a/b"),
            ("GET", "/consoles"),
            ("GET", "/console/prod/payments"),
            ("GET", "/console/test"),
            ("GET", "/console/test/"),
            ("GET", "/console/test/payments/"),
            ("GET", "/console/test/payments/x"),
            ("GET", "/console/test/payments/x/refund"),
            ("POST", "/console/test/payments"),
            ("GET", "/checkout/x"),
        ] {
            assert_eq!(of(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_path_says_which_methods_it_accepts() {
        assert_eq!(Route::methods("/console/test/people").as_deref(), Some("GET, HEAD, POST"));
        assert_eq!(Route::methods("/console/test/payments").as_deref(), Some("GET, HEAD"));
        assert_eq!(Route::methods("/console/sign-out").as_deref(), Some("POST"));
        assert_eq!(Route::methods("/console/nowhere"), None);
    }
}
