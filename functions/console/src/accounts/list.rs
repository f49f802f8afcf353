//! Which accounts are linked, and the form that links one.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{AccountIdentifier, LinkedAccount, Merchant, Mode, NotPayable};
use pages::{AccountErrors, Answer, Facts, Html, Shell, Zone};

use super::form::{Kind, LinkForm};
use super::own::{account_path, accounts_path, sign_in_again, unlink_text};
use crate::frame::Frame;
use crate::payments::mask;
use crate::services::Services;

struct Row {
    /// Where it is unlinked.
    path: String,
    /// What the button says that goes there.
    unlink: String,
    holder: String,
    account: String,
    /// What names it, and whether it comes first.
    kind: String,
    linked: String,
    /// From when on live payments can be paid into it; none if they can now.
    live_from: Option<Html>,
}

impl Row {
    fn new(services: &Services, frame: &Frame<'_>, merchant: &Merchant, linked: &LinkedAccount) -> Self {
        let LinkedAccount { name, account, default, linked_at } = linked;
        let t = frame.texts().accounts;
        let kind = match account {
            AccountIdentifier::UkAccount { .. } => t.uk_account,
            AccountIdentifier::Iban { .. } => "IBAN",
        };
        let time = |at| frame.language.date_and_time(at, Zone::London);
        let facts = || Facts::new(frame.language);
        let live = merchant.payable_accounts(Mode::Live, services.clock.now()).named(account);
        Self {
            path: account_path(frame, merchant, account),
            unlink: unlink_text(frame, account),
            holder: name.as_str().to_owned(),
            account: mask::account(account, frame.language),
            kind: if *default { facts().text("kind", kind).plain(t.comes_first) } else { kind.to_owned() },
            linked: linked_at.map_or_else(|| t.by_operator.to_owned(), time),
            live_from: match live {
                Err(NotPayable::NotYet(from)) => Some(facts().time("time", from, Zone::London).html(t.live_from)),
                Ok(_) | Err(NotPayable::NotLinked) => None,
            },
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    rows: Vec<Row>,
    path: String,
    typed: &'a LinkForm,
    errors: Vec<(&'static str, &'static str)>,
    wrong: AccountErrors,
    sign_in_again: Option<String>,
}

/// All accounts, and a form that nobody has typed in.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let merchant = frame.visitor.merchant(services).await?;
    page(services, frame, &merchant, StatusCode::OK, &LinkForm::default(), AccountErrors::default())
}

/// The same, with a form as it was typed.
pub(super) fn page(
    services: &Services,
    frame: &Frame<'_>,
    merchant: &Merchant,
    status: StatusCode,
    typed: &LinkForm,
    wrong: AccountErrors,
) -> Answer {
    let row = |linked: &LinkedAccount| Row::new(services, frame, merchant, linked);
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        rows: merchant.linked_accounts.iter().map(row).collect(),
        path: accounts_path(frame),
        typed,
        errors: wrong.list(),
        wrong,
        sign_in_again: sign_in_again(services, frame),
    };
    frame.page(status, &page)
}
