//! Who asks, whether they may, and which page answers.

use ::payments::Connections;
use api::{ApiError, ErrorShape, Formats};
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use models::{Mode, Permission};
use outbound::Policy;
use pages::{Answer, Language, Problem, ProblemTexts, see_other};
use queue::Queue;
use runtime::{Clock, Random, SettingError};
use store::{AuditTable, Merchants, Table};

use crate::accounts;
use crate::audit;
use crate::back::Back;
use crate::cancel;
use crate::frame::{Frame, Part, language_of, nobodys};
use crate::guard::{check_form, check_origin};
use crate::keys;
use crate::links;
use crate::logs::Logs;
use crate::oidc::Oidc;
use crate::overview;
use crate::paths::root;
use crate::payments;
use crate::people;
use crate::refund;
use crate::refunds;
use crate::refusal::RefusalPage;
use crate::route::{Page, Route};
use crate::services::{Services, Settings};
use crate::shop;
use crate::sign_in;
use crate::texts::texts;
use crate::visitor::Visitor;
use crate::webhooks;

/// The merchant's console.
#[derive(Debug)]
pub struct Console {
    is_on: bool,
    /// Where browsers reach it; the request's own domain if there is none.
    public_base_url: Option<String>,
    services: Services,
}

impl Console {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let is_on = runtime::console_is_on();
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, Random::System);
        let webhooks = Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?);
        let receipts = Queue::new(&config, runtime::required("RECEIPTS_QUEUE_URL")?);
        let audit_table = AuditTable::new(&config, runtime::required("AUDIT_TABLE_NAME")?);
        let policy = Policy { loopback_allowed: runtime::local_loopback_webhooks() };
        let caps = api::amount_caps_from_env()?;
        let (formats, logs) = (Formats::from_env()?, Logs::from_env()?);
        // They read the system's root certificates, and a secret.
        let (oidc, connections) = if is_on {
            let oidc = Oidc::from_env(policy)?;
            let merchants = Merchants::new(table.clone());
            // While there is a whole core to do it with; see `api::Authenticator::start`. A secret is read meanwhile.
            let warm_up = tokio::time::timeout(api::WARM_UP_TIMEOUT, merchants.warm_up());
            let (connections, _) = tokio::join!(Connections::from_env(&Clock::System), warm_up);
            (oidc, connections?)
        } else {
            (None, Connections::default())
        };
        let settings = Settings { caps, formats, connections, policy, logs, oidc };
        let (queues, public_base_url) = ([webhooks, receipts], runtime::optional("PUBLIC_BASE_URL"));
        let console = Self::new(table, audit_table, queues, settings, public_base_url, Clock::System, Random::System);
        Ok(Self { is_on, ..console })
    }

    /// One that is on, over the table, that of acts and these queues: webhooks, mails; by this clock and randomness. Browsers
    /// reach it at `public_base_url`; at the request's own domain if there is none.
    pub fn new(
        table: Table,
        audit_table: AuditTable,
        [webhooks, receipts]: [Queue; 2],
        settings: Settings,
        public_base_url: Option<String>,
        clock: Clock,
        random: Random,
    ) -> Self {
        let services = Services::new(table, audit_table, webhooks, receipts, settings, clock, random);
        Self { is_on: true, public_base_url, services }
    }

    /// Answers a request before Lambda's time runs out, if need be with a page that says to try again.
    pub async fn handle_in_time(&self, request: Request) -> Response<Body> {
        let (request_id, language) = (api::request_id(&request), language_of(&request));
        let answer = tokio::time::timeout(api::time_left(&request), self.handle(request)).await;
        answer.unwrap_or_else(|elapsed| problem_page(Problem::Unavailable(Box::new(elapsed)), &request_id, language))
    }

    /// Answers a request; a problem with a page about it. Nothing is compressed: pages bear a token and repeat what was typed.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let request_id = api::request_id(&request);
        let answer = match Route::of(request.method(), request.uri().path()) {
            Some((route, permission)) if self.is_on => {
                runtime::correlated(&request_id, self.answer(route, permission, &request)).await
            }
            None if self.is_on => match Route::methods(request.uri().path()) {
                Some(methods) => Err(Problem::MethodNotAllowed(methods)),
                None => self.no_page(&request).await,
            },
            Some(_) | None => Err(Problem::NotFound),
        };
        let mut response = answer.unwrap_or_else(|problem| problem_page(problem, &request_id, language_of(&request)));
        // Browsers say of which origin a form is only where they may say so of a link (Fetch, "Origin header").
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }

    async fn answer(&self, route: Route<'_>, permission: Option<Permission>, request: &Request) -> Answer {
        if request.method() == "POST" {
            check_origin(request, &self.base_url(request)?)?;
        }
        match route {
            Route::Home => see_other(&format!("{}/overview", root(Mode::Test))),
            Route::SignIn => sign_in::show(&self.services, request).await,
            Route::AskForLink => sign_in::ask(&self.services, request, self.base_url(request)?).await,
            Route::Link(token) => sign_in::show_link(&self.services, token, request).await,
            Route::UseLink(token) => sign_in::use_link(&self.services, token, request).await,
            Route::Company => sign_in::company(&self.services, request, &self.base_url(request)?).await,
            Route::FromCompany => sign_in::from_company(&self.services, request, &self.base_url(request)?).await,
            Route::ChooseMerchant => sign_in::choose_merchant(&self.services, request).await,
            Route::SignOut => sign_in::sign_out(&self.services, request).await,
            Route::In(mode, page) => {
                let Some(visitor) = Visitor::find(&self.services, request).await? else {
                    return see_other(&Back::of(request.method(), request.uri()).sign_in());
                };
                let checked = match permission.filter(|permission| visitor.may(*permission)) {
                    None => Err(not_allowed()),
                    Some(_) if request.method() == "POST" => check_form(request, &visitor.csrf),
                    Some(_) => Ok(()),
                };
                let answer = match checked {
                    Ok(()) => self.page(mode, page, request, &visitor).await,
                    Err(problem) => Err(problem),
                };
                answer.or_else(|problem| refused(problem, &Frame::of_no_part(&visitor, mode, language_of(request))))
            }
        }
    }

    /// 404, at an address that is no page's.
    async fn no_page(&self, request: &Request) -> Answer {
        let Some(visitor) = Visitor::find(&self.services, request).await? else { return Err(Problem::NotFound) };
        let is_live = request.uri().path().starts_with(&root(Mode::Live));
        let mode = if is_live { Mode::Live } else { Mode::Test };
        refused(Problem::NotFound, &Frame::of_no_part(&visitor, mode, language_of(request)))
    }

    /// Where this is, as browsers see it.
    fn base_url(&self, request: &Request) -> Result<String, Problem> {
        self.public_base_url.clone().or_else(|| api::base_url(request)).ok_or(Problem::Malformed)
    }

    /// A page, or what its form does; whether they may was asked.
    pub(crate) async fn page(&self, mode: Mode, page: Page<'_>, request: &Request, visitor: &Visitor) -> Answer {
        let services = &self.services;
        let language = language_of(request);
        let frame = |part| Frame::new(visitor, mode, part, language);
        let (payments, people, webhooks) = (frame(Part::Payments), frame(Part::People), frame(Part::Webhooks));
        let query = request.uri().query().unwrap_or("");
        let base_url = || self.base_url(request);
        match page {
            Page::Overview => overview::show(services, &frame(Part::Overview), query).await,
            Page::Payments => payments::list_page(services, &payments, query).await,
            Page::ExportForm => payments::export_page(services, &payments, query),
            Page::Export => payments::export(services, &payments, request).await,
            Page::Payment(id) => payments::payment_page(services, &payments, id, query, &base_url()?).await,
            Page::ShowPersonalData(id) => payments::ask_for_personal_data(services, &payments, id).await,
            Page::PaymentJson(id) => payments::json_page(services, &payments, id, query).await,
            Page::RefundForm(id) => refund::show(services, &payments, id, &base_url()?).await,
            Page::Refund(id) => refund::submit(services, &payments, id, request, &base_url()?).await,
            Page::CancelForm(id) => cancel::show_payment(services, &payments, id, &base_url()?).await,
            Page::Cancel(id) => cancel::cancel_payment(services, &payments, id, request, &base_url()?).await,
            Page::Link(id) => links::show_link(services, &payments, id).await,
            Page::LinkForm => links::show(services, &payments).await,
            Page::MakeLink => links::submit(services, &payments, request, &base_url()?).await,
            Page::Refunds => refunds::list(services, &frame(Part::Refunds), query).await,
            Page::CancelRefundForm(id) => cancel::show_refund(services, &payments, id, &base_url()?).await,
            Page::CancelRefund(id) => cancel::cancel_refund(services, &payments, id, request, &base_url()?).await,
            Page::Webhooks => webhooks::list(services, &webhooks, &base_url()?).await,
            Page::RegisterWebhook => webhooks::register(services, &webhooks, request, &base_url()?).await,
            Page::Webhook(id) => webhooks::endpoint(services, &webhooks, id, query, &base_url()?).await,
            Page::ChangeWebhook(id) => webhooks::change(services, &webhooks, id, request, &base_url()?).await,
            Page::ResendSince(id) => webhooks::resend_since(services, &webhooks, id, request, &base_url()?).await,
            Page::TestWebhook(id) => webhooks::test(services, &webhooks, id, &base_url()?).await,
            Page::Event(id) => webhooks::event(services, &webhooks, id, &base_url()?).await,
            Page::ResendEvent(id) => webhooks::resend(services, &webhooks, id).await,
            Page::Keys => keys::show(services, &frame(Part::Keys)).await,
            Page::IssueKey => keys::issue(services, &frame(Part::Keys), request).await,
            Page::Key(id) => keys::show_key(services, &frame(Part::Keys), id).await,
            Page::ChangeKey(id) => keys::change(services, &frame(Part::Keys), id, request).await,
            Page::Accounts => accounts::show(services, &frame(Part::Accounts)).await,
            Page::LinkAccount => accounts::link(services, &frame(Part::Accounts), request).await,
            Page::UnlinkAccount(mark) => accounts::unlink(services, &frame(Part::Accounts), mark, request).await,
            Page::Shop => shop::show(services, &frame(Part::Shop)).await,
            Page::ChangeShop => shop::submit(services, &frame(Part::Shop), request).await,
            Page::People => people::show(services, &people).await,
            Page::AddPerson => people::add(services, &people, request, &base_url()?).await,
            Page::Person(email) => people::show_person(services, &people, email).await,
            Page::ChangePerson(email) => people::change(services, &people, email, request, &base_url()?).await,
            Page::Audit => audit::show(services, &frame(Part::Audit), query).await,
            Page::AuditExport => audit::export(services, &frame(Part::Audit), request).await,
        }
    }
}

/// The page for what can't be read as a request.
pub fn refuse(_: &ApiError, _: ErrorShape) -> Response<Body> {
    problem_page(Problem::Malformed, "", Language::English)
}

/// 403: signed in, in a role that may not.
fn not_allowed() -> Problem {
    Problem::Refused(StatusCode::FORBIDDEN, |language| {
        let t = texts(language).frame;
        ProblemTexts { heading: t.not_allowed_heading, text: t.not_allowed_text }
    })
}

/// The page for who is signed in about what is not there or is refused them. Another problem stays one.
fn refused(problem: Problem, frame: &Frame<'_>) -> Answer {
    let ProblemTexts { heading, text } = problem.texts(frame.language);
    let text = match &problem {
        Problem::NotFound => frame.texts().frame.not_there_text,
        Problem::Refused(..) => text,
        Problem::MethodNotAllowed(_)
        | Problem::Malformed
        | Problem::NotAForm
        | Problem::TooLong
        | Problem::Unreadable
        | Problem::Unavailable(_)
        | Problem::Internal(_) => return Err(problem),
    };
    frame.page(problem.status(), &RefusalPage::of_no_payment(frame, heading, text.to_owned()))
}

fn problem_page(problem: Problem, request_id: &str, language: Language) -> Response<Body> {
    problem.log(request_id);
    problem.into_page(&nobodys(language), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Desk, seen, words};

    #[tokio::test]
    async fn who_is_signed_in_is_led_back_from_what_is_not_there_and_from_what_is_refused() {
        let desk = Desk::new().await;
        let frame = Frame::of_no_part(&desk.visitor, Mode::Live, Language::English);
        for (problem, expected, says) in [
            (Problem::NotFound, 404, "This page isn’t there, or it isn’t part of your console. To the overview"),
            (not_allowed(), 403, "to change your role, or to do it. To the overview"),
        ] {
            let (status, html) = seen(refused(problem, &frame));
            assert!(status == expected && words(&html).contains(says), "{status} {html}");
            assert!(html.contains("· Counterfoil console</title>"), "{html}");
            assert!(html.contains("class=\"button primary\" href=\"/console/live/overview\""), "{html}");
            assert!(!html.contains("aria-current=\"page\""), "it is no page of the navigation: {html}");
        }
        assert!(matches!(refused(Problem::Malformed, &frame), Err(Problem::Malformed)));
    }
}
