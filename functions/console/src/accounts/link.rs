//! Linking an account: a form, a page that shows what was typed to be checked, and then it is linked.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{AccountIdentifier, LinkedAccount, Payee};
use pages::{AccountErrors, Answer, Facts, Html, Language, Problem, ProblemTexts, Shell, Zone, read_form, see_other};
use store::AccountChange;

use super::change::Change;
use super::form::{Kind, LinkForm};
use super::list::page;
use super::own::{MAX_ACCOUNTS, accounts_path, sign_in_again};
use crate::acts::refused;
use crate::counterfoil;
use crate::frame::Frame;
use crate::services::Services;
use crate::step::Step;
use crate::texts::texts;

#[derive(Template)]
#[template(path = "accounts/check.html")]
struct CheckPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    form: &'a LinkForm,
    holder: &'a str,
    /// What names it, in full: to be compared.
    numbers: Vec<(&'static str, &'a str)>,
    /// What happens then.
    warning: Html,
    command: String,
}

/// One step of the form. The last alone links anything.
pub(crate) async fn link(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    if let Some(sign_in_again) = sign_in_again(services, frame) {
        return see_other(&sign_in_again);
    }
    let form: LinkForm = read_form(request)?;
    let merchant = frame.visitor.merchant(services).await?;
    let form_page = |status, wrong| page(services, frame, &merchant, status, &form, wrong);
    let Payee { name, account } = match (form.step, form.check(frame.language)) {
        (Step::Edit, _) => return form_page(StatusCode::OK, AccountErrors::default()),
        (Step::Check | Step::Confirm, Err(wrong)) => return form_page(StatusCode::UNPROCESSABLE_ENTITY, wrong),
        (Step::Check | Step::Confirm, Ok(payee)) => payee,
    };
    let is_linked = merchant.linked_account(&account).is_some();
    let at = models::truncate_to_ms(services.clock.now());
    let linked = LinkedAccount { name, account, default: false, linked_at: Some(at) };
    let live_from = linked.live_from().unwrap_or(at);
    match form.step {
        Step::Check | Step::Edit if is_linked => {
            form_page(StatusCode::UNPROCESSABLE_ENTITY, form.linked_already(frame.language))
        }
        Step::Check | Step::Edit => {
            let facts = Facts::new(frame.language).time("time", live_from, Zone::London);
            let page = CheckPage {
                shell: &frame.shell(),
                frame,
                path: accounts_path(frame),
                form: &form,
                holder: linked.name.as_str(),
                numbers: numbers(&linked.account, frame.language),
                warning: facts.html(frame.texts().accounts.check_warning),
                command: counterfoil::link_account(&merchant.id, &linked),
            };
            frame.page(StatusCode::OK, &page)
        }
        // The same form did it, as a rule: the list shows it.
        Step::Confirm if is_linked => see_other(&accounts_path(frame)),
        Step::Confirm => {
            let change = Change::new(services, frame, &linked.account, AccountChange::Linked { live_from })?;
            if merchant.linked_accounts.len() >= MAX_ACCOUNTS {
                services.acts.put(&refused(change.act, "too_many_accounts")).await?;
                return Err(too_many());
            }
            if services.merchants.link_account(&merchant.id, &linked, Some(change.by())).await? {
                change.notify(services).await;
            }
            see_other(&accounts_path(frame))
        }
    }
}

/// An account's numbers, by what they are called.
fn numbers(account: &AccountIdentifier, language: Language) -> Vec<(&'static str, &str)> {
    let t = &language.texts().refunds;
    match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => {
            vec![(t.sort_code_label, sort_code.as_str()), (t.account_number_label, account_number.as_str())]
        }
        AccountIdentifier::Iban { iban } => vec![("IBAN", iban.as_str())],
    }
}

/// 409: there are too many accounts.
fn too_many() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).accounts;
        ProblemTexts { heading: t.too_many_heading, text: t.too_many_text }
    })
}
