//! What a mock bank says of a payment that was decided.

use jiff::Timestamp;
use models::{AccountIdentifier, DeclineReason, PaidFrom, Payee, Session};

use super::decision::{Decided, Decision, PayerAccount};
use crate::port::Status;

/// What a mock bank says at `now` of a payment whose money was asked for, by us or by the payer's consent, at
/// `ordered_at`. `session` is whose payer has the account; none where the payment is known by its id alone.
pub(super) fn after_order(
    decided: Decided,
    session: Option<&Session>,
    ordered_at: Timestamp,
    now: Timestamp,
) -> Status {
    let waiting = now.duration_since(ordered_at) < decided.decision.delay();
    match decided.decision {
        Decision::Decline | Decision::InsufficientFunds | Decision::Refuse => before_order(decided.decision),
        Decision::Approve
        | Decision::ApproveThenSettle
        | Decision::ApproveThenFail
        | Decision::ApproveThenLackFunds
            if waiting =>
        {
            Status::Accepted
        }
        Decision::Approve | Decision::ApproveThenSettle => Status::Settled(paid_from(decided, session)),
        Decision::ApproveThenFail => Status::Refused(DeclineReason::ByBank),
        Decision::ApproveThenLackFunds => Status::Refused(DeclineReason::InsufficientFunds),
    }
}

/// What a mock bank that moves money at submission says between the payer's decision and the submission.
pub(super) fn before_order(decision: Decision) -> Status {
    match decision {
        Decision::Approve
        | Decision::ApproveThenSettle
        | Decision::ApproveThenFail
        | Decision::ApproveThenLackFunds => Status::Consented,
        Decision::Decline => Status::Refused(DeclineReason::ByPayer),
        Decision::InsufficientFunds => Status::Refused(DeclineReason::InsufficientFunds),
        Decision::Refuse => Status::Refused(DeclineReason::ByBank),
    }
}

fn paid_from(decided: Decided, session: Option<&Session>) -> PaidFrom {
    if let Some(card) = decided.card {
        return PaidFrom::Card(card);
    }
    let account = match decided.payer_account {
        PayerAccount::Shared => session.and_then(account_of_payer),
        PayerAccount::Withheld => None,
    };
    account.map_or(PaidFrom::Undisclosed, PaidFrom::Account)
}

/// Where every payer of a mock bank has their account.
pub(super) fn account_of_payer(session: &Session) -> Option<Payee> {
    let account = AccountIdentifier::uk("040004", "87654321").ok()?;
    Some(Payee { name: session.payer.as_ref()?.name.clone(), account })
}
