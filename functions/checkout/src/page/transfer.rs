//! Where a payer makes a transfer to: the instructions, and what has come by now.

use askama::Template;
use jiff::Timestamp;
use models::{AccountIdentifier, Mode, Session, TransferInstructions};
use pages::{CheckoutTexts, Html, MethodTexts, RefundTexts, Shell, TransferTexts};
use providers::{Offer, virtual_account};

use super::awaiting::{Asking, Step};
use super::pending::Checking;
use super::summary::Summary;
use crate::epc::transfer_code;
use crate::flow::{self, Stage};
use crate::view::{Choose, View};

/// Shows where to transfer the money, or what is missing of it.
#[derive(Template)]
#[template(path = "transfer.html")]
pub(crate) struct TransferPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    x: &'static TransferTexts,
    summary: Summary<'a>,
    intro: &'static str,
    asking: Asking,
    checking: Checking,
    /// Who is paid, where, how much (all of it, or what is missing) and under which reference.
    values: Vec<Value>,
    /// That a part has come, and how much is missing.
    missing: Option<Html>,
    code: Option<String>,
    /// Until the first money has come.
    may_choose_again: bool,
    /// The page that makes test transfers.
    test: Option<String>,
}

/// What is to be copied: by its id, what it is, and it.
type Value = (&'static str, &'static str, String);

/// An account as people write it.
fn account(account: &AccountIdentifier, refunds: &'static RefundTexts) -> Vec<Value> {
    let in_parts = |text: &str, length: usize, between: &str| {
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(length).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join(between)
    };
    match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => vec![
            ("sort_code", refunds.sort_code_label, in_parts(sort_code.as_str(), 2, "-")),
            ("account_number", refunds.account_number_label, account_number.as_str().to_owned()),
        ],
        AccountIdentifier::Iban { iban } => vec![("iban", "IBAN", in_parts(iban.as_str(), 4, " "))],
    }
}

/// The instructions that a page with this view shows: the session awaits a transfer, or the rest of one.
pub(crate) fn instructions<'a>(session: &'a Session, stage: Stage, view: &View) -> Option<&'a TransferInstructions> {
    let shown = match stage {
        Stage::Consent => view.choose == Choose::No,
        Stage::Pending => session.missing().is_some(),
        Stage::Payer | Stage::Bank | Stage::TimeUp | Stage::Sent | Stage::NotSent(_) => false,
    };
    session.transfer().filter(|_| shown)
}

impl<'a> TransferPage<'a> {
    pub(crate) fn new(
        shell: &'a Shell<'a>,
        mut summary: Summary<'a>,
        to: &TransferInstructions,
        offers: &'a [Offer],
        view: &View,
        now: Timestamp,
    ) -> Self {
        let (texts, x) = (shell.texts(), &shell.texts().transfers);
        summary.name_bank(offers);
        let session = summary.session;
        let own = virtual_account(session).is_some_and(|own| own.payee == to.payee);
        let wanted = session.missing().unwrap_or(session.amount);
        let missing = session.missing().zip(session.received_amount()).map(|(missing, received)| {
            summary.facts = summary.facts.clone().amount("missing", &missing).amount("received", &received);
            summary.html(x.missing)
        });
        let mut values = vec![("account_name", x.account_name, to.payee.name.as_str().to_owned())];
        values.extend(account(&to.payee.account, &texts.refunds));
        values.push(("amount", x.amount, shell.language.amount(&wanted)));
        values.push(("reference", x.reference, to.reference.as_str().to_owned()));
        Self {
            shell,
            t: &texts.checkout,
            m: &texts.methods,
            x,
            intro: if own { x.intro_own_account } else { x.intro },
            asking: Asking::new(&summary, Step::Approve),
            checking: Checking::new(&summary, view, now),
            values,
            code: transfer_code(to, wanted),
            may_choose_again: missing.is_none() && flow::may_choose_another(session),
            missing,
            test: (session.mode == Mode::Test).then(|| format!("/mock-bank/{}/transfer", session.id)),
            summary,
        }
    }

    fn heading(&self) -> &'static str {
        if self.missing.is_some() { self.x.heading_missing } else { self.x.heading }
    }
}
