//! Payments and refunds that an operator cancels, by the same operations as the console.

use clap::Args;
use jiff::Timestamp;
use models::{
    Act, ActKind, ActObject, ActReason, Refund, RefundEvent, RefundId, RefundState, SessionEvent, SessionId,
    SessionState,
};
use payments::{EndError, RefundEndError};
use runtime::{Clock, Random};
use store::{Change, ChangeError, Owner, RefundChangeError, Refunds, Sessions};

use crate::arguments::{DRY_RUN_NOTE, DryRun, reason, refund_id, session_id};
use crate::connection::{Connection, not_ended};
use crate::failure::{Failure, Meant};
use crate::other_kind::{no_refund, no_session};
use crate::report::{Record, Report, amount, field, word};
use crate::target::Service;

const CANCELLED: &str = "cancelled";
const WOULD_BE_CANCELLED: &str = "would be cancelled";
const WAS_CANCELLED: &str = "was cancelled before";

/// Cancel a payment session that is not paid: its link stops working, and it can't be paid any more
///
/// If its payer may be paying just now, its provider is asked first to stop that; TrueLayer has to know the payment by the credentials
/// that are given (`--secret-arn`), for a dry run too. A session that pays a refund is cancelled as the
/// refund, by `counterfoil refunds cancel`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  counterfoil sessions cancel 1ae1ce03-dfa9-4593-b487-65c656991cb5 --reason \"Ordered twice\""
)]
pub(crate) struct CancelSession {
    /// The id of the payment session, as any format shows it
    #[arg(value_parser = session_id)]
    id: SessionId,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    dry: DryRun,
}

/// Cancel a refund whose money is not on its way: it can't be authorised any more, and its amount can be refunded again
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  counterfoil refunds cancel 1ae1ce03-dfa9-4593-b487-65c656991cb5 --reason \"Ordered twice\""
)]
pub(crate) struct CancelRefund {
    /// The id of the refund, as any format shows it
    #[arg(value_parser = refund_id)]
    id: RefundId,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    dry: DryRun,
}

#[derive(Debug, Args)]
struct Why {
    /// Why: duplicate, or a note of up to 200 characters. The merchant's people see it, and it can't be removed: don't name the payer
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: ActReason,
}

pub(crate) async fn session(command: CancelSession, service: &Service) -> Result<Report, Failure> {
    let CancelSession { id, why, connection, dry } = command;
    let Some(session) = Sessions::new(service.table.clone()).get(&id).await? else {
        return Err(no_session(&service.table, id, Meant::Cancel).await);
    };
    if let Some(paid) = session.pays_refund {
        return Err(Failure::PaysRefund { id, refund_id: paid.refund_id });
    }
    let report = |result| {
        let amount = amount("amount", Some(session.amount));
        Report::one(Record(vec![field("session_id", id), amount, word("result", result)]))
    };
    match session.state_at(Clock::System.now()) {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {}
        SessionState::Cancelled => return Ok(report(WAS_CANCELLED)),
        state @ (SessionState::Pending | SessionState::Sent | SessionState::Failed | SessionState::Expired) => {
            return Err(Failure::NotCancellable { id, state });
        }
    }
    // It changes nothing, and may refuse.
    let payments = connection.to_end(Some(&session), service).await?;
    if dry.dry_run {
        return Ok(report(WOULD_BE_CANCELLED).with_note(DRY_RUN_NOTE));
    }
    let (mode, object) = (Some(session.mode), ActObject::Session(id));
    let act = service.act(&session.merchant_id, mode, ActKind::PaymentCancelled, object).await?;
    let act = service.acts().await?.write(&Act { reason: Some(why.reason), ..act })?;
    let owner = Owner { merchant_id: session.merchant_id.clone(), mode: session.mode, format: None };
    let (at, write_id) = (Clock::System.now(), Random::System.write_id());
    let change = Change { session_id: id, event: SessionEvent::CancelledByMerchant, at, write_id };
    match Box::pin(payments.end(change, Some(&owner), Some(&act))).await {
        Ok(_) => Ok(report(CANCELLED)),
        Err(EndError::Change(ChangeError::Refused(now_as))) => {
            let state = now_as.state_at(Clock::System.now());
            if state == SessionState::Cancelled {
                Ok(report(WAS_CANCELLED))
            } else if now_as.open_at_consent().is_some() {
                Err(Failure::MoneyMayMove(id))
            } else {
                Err(Failure::NotCancellable { id, state })
            }
        }
        Err(EndError::Change(ChangeError::NotFound)) => Err(Failure::NoSession(id)),
        Err(EndError::Change(ChangeError::Store(error))) => Err(error.into()),
        Err(EndError::Payment(error)) => Err(not_ended(error)),
    }
}

pub(crate) async fn refund(command: CancelRefund, service: &Service) -> Result<Report, Failure> {
    let CancelRefund { id, why, connection, dry } = command;
    let (table, now) = (&service.table, Clock::System.now());
    let Some(refund) = Refunds::new(table.clone()).get(&id).await? else { return Err(no_refund(table, id).await) };
    let report = |result| {
        let of = [field("refund_id", id), field("session_id", refund.session_id)];
        let rest = [amount("amount", Some(refund.amount)), word("result", result)];
        Report::one(Record(of.into_iter().chain(rest).collect()))
    };
    if is_cancelled(&refund, now) {
        return Ok(report(WAS_CANCELLED));
    }
    if let Some(why) = not_cancellable(&refund, now) {
        return Err(Failure::RefundNotCancellable { id, why });
    }
    let payment = match &refund.payment_session_id {
        Some(payment) => Sessions::new(table.clone()).get(payment).await?,
        None => None,
    };
    let payments = connection.to_end(payment.as_ref(), service).await?;
    if dry.dry_run {
        return Ok(report(WOULD_BE_CANCELLED).with_note(DRY_RUN_NOTE));
    }
    let object = ActObject::Refund { session_id: refund.session_id, refund_id: id };
    let act = service.act(&refund.merchant_id, Some(refund.mode), ActKind::RefundCancelled, object).await?;
    let act = service.acts().await?.write(&Act { reason: Some(why.reason), ..act })?;
    match Box::pin(payments.cancel_refund(&refund, &Random::System.write_id(), Some(&act))).await {
        Ok(_) => Ok(report(CANCELLED)),
        Err(RefundEndError::Change(RefundChangeError::Refused(now_as))) => {
            let now = Clock::System.now();
            if is_cancelled(&now_as, now) {
                return Ok(report(WAS_CANCELLED));
            }
            let may_move = "its payment may be on its way just now: wait until that has ended, then repeat the command";
            Err(Failure::RefundNotCancellable { id, why: not_cancellable(&now_as, now).unwrap_or(may_move) })
        }
        Err(RefundEndError::Change(RefundChangeError::Store(error))) => Err(error.into()),
        Err(RefundEndError::Payment(error)) => Err(not_ended(error)),
    }
}

fn is_cancelled(refund: &Refund, now: Timestamp) -> bool {
    refund.failure_reason_at(now) == Some(RefundEvent::CancelledByMerchant)
}

/// Why a refund is not cancelled as it is; none if it can be, unless its payment is being made.
fn not_cancellable(refund: &Refund, now: Timestamp) -> Option<&'static str> {
    match refund.state_at(now) {
        RefundState::AwaitingPayment if refund.submitted => {
            Some("its money is on its way, for the bank or the provider was asked to send it")
        }
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => None,
        RefundState::Sent => Some("it is sent"),
        RefundState::Failed => {
            Some("it has failed already, and `counterfoil refunds create` can refund its amount again")
        }
    }
}
