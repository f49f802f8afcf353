//! Unlinking an account: a page that says what that does, and then it is unlinked.

use askama::Template;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{AccountIdentifier, LinkedAccount, Merchant, Mode};
use pages::{Answer, Problem, Shell, read_form, see_other};
use serde::Deserialize;
use store::AccountChange;

use super::change::Change;
use super::own::{account_path, accounts_path, find, sign_in_again, unlink_text};
use crate::counterfoil;
use crate::frame::Frame;
use crate::payments::mask;
use crate::services::Services;
use crate::step::Step;

#[derive(Deserialize)]
struct UnlinkForm {
    #[serde(default)]
    step: Step,
}

#[derive(Template)]
#[template(path = "accounts/unlink.html")]
struct UnlinkPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    list_path: String,
    /// The page's title.
    title: String,
    holder: &'a str,
    account: String,
    /// Whether real payments have nowhere else to go now.
    is_last: bool,
    command: String,
}

/// One step of it. The last alone unlinks anything.
pub(crate) async fn unlink(services: &Services, frame: &Frame<'_>, mark: &str, request: &Request) -> Answer {
    if let Some(sign_in_again) = sign_in_again(services, frame) {
        return see_other(&sign_in_again);
    }
    let UnlinkForm { step } = read_form(request)?;
    let (merchant, list_path) = (frame.visitor.merchant(services).await?, accounts_path(frame));
    let Some(LinkedAccount { name, account, .. }) = find(&merchant, mark) else {
        return match step {
            Step::Check | Step::Edit => Err(Problem::NotFound),
            // The same form did it, as a rule: the list shows what is there.
            Step::Confirm => see_other(&list_path),
        };
    };
    match step {
        Step::Edit => see_other(&list_path),
        Step::Check => {
            let page = UnlinkPage {
                shell: &frame.shell(),
                frame,
                path: account_path(frame, &merchant, account),
                list_path,
                title: unlink_text(frame, account),
                holder: name.as_str(),
                account: mask::account(account, frame.language),
                is_last: is_last(&merchant, account, services.clock.now()),
                command: counterfoil::unlink_account(&merchant.id, account),
            };
            frame.page(StatusCode::OK, &page)
        }
        Step::Confirm => {
            let change = Change::new(services, frame, account, AccountChange::Unlinked)?;
            if services.merchants.unlink_account(&merchant.id, account, Some(change.by())).await? {
                change.notify(services).await;
            }
            see_other(&list_path)
        }
    }
}

/// Whether no other account can be paid into in live: one that was linked a short time ago can't yet.
fn is_last(merchant: &Merchant, account: &AccountIdentifier, now: Timestamp) -> bool {
    merchant.payable_accounts(Mode::Live, now).all().all(|linked| linked.account == *account)
}
