//! Refunds: made, cancelled, and concluded where TrueLayer was asked for one and has not answered.

mod create;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use models::{ActKind, ActObject, ProviderRefundId, Refund, RefundId};
use runtime::{Clock, Random};
use store::{RefundChangeError, RefundConclusion, Refunds as Stored};
use truelayer::{MerchantAccounts, REPEATS_WITHIN};

use crate::arguments::{DRY_RUN_NOTE, DryRun, refund_id};
use crate::commands::cancel::{self, CancelRefund};
use crate::connection::Connection;
use crate::failure::{Failure, cause_of};
use crate::other_kind::no_refund;
use crate::report::{Record, Report, field, shown_as};
use crate::target::Service;

#[derive(Debug, Subcommand)]
pub(crate) enum Refunds {
    Create(Box<create::Create>),
    Cancel(Box<CancelRefund>),
    /// Say what became of a refund that TrueLayer was asked for and never answered about
    ///
    /// That was a day ago or longer: it is not asked for again, as TrueLayer might make it twice. First find out in TrueLayer's Console, at
    /// the payment, whether it is there.
    #[command(after_help = "Example:\n  counterfoil refunds conclude 1ae1ce03-dfa9-4593-b487-65c656991cb5 --not-there")]
    Conclude {
        /// The refund's id, as any format shows it
        #[arg(value_parser = refund_id)]
        id: RefundId,
        #[command(flatten)]
        found: Found,
        #[command(flatten)]
        connection: Connection,
        #[command(flatten)]
        dry: DryRun,
    },
}

/// Whether TrueLayer has it.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Found {
    /// It is there, and TrueLayer calls it this: from now on it is asked how the refund ends
    #[arg(long, value_name = "ID")]
    known_as: Option<ProviderRefundId>,
    /// It is not there: the refund has failed, and its amount can be refunded again
    #[arg(long)]
    not_there: bool,
}

pub(crate) async fn run(command: Refunds, service: &Service) -> Result<Report, Failure> {
    match command {
        Refunds::Create(command) => create::run(*command, service).await,
        Refunds::Cancel(command) => cancel::refund(*command, service).await,
        Refunds::Conclude { id, found, connection, dry } => conclude(service, id, found, &connection, dry).await,
    }
}

async fn conclude(
    service: &Service,
    id: RefundId,
    Found { known_as, not_there }: Found,
    connection: &Connection,
    dry: DryRun,
) -> Result<Report, Failure> {
    let (refunds, now) = (Stored::new(service.table.clone()), Clock::System.now());
    let Some(refund) = refunds.get(&id).await? else { return Err(no_refund(&service.table, id).await) };
    let Some(at_provider) = refund.open_at_provider().filter(|_| was_never_answered(&refund, now)) else {
        return Err(Failure::RefundNotOpen(id));
    };
    if let Some(known_as) = &known_as {
        let truelayer = connection.open(refund.mode.into(), MerchantAccounts::default(), Some(&service.config)).await?;
        let known = truelayer.knows_refund(&at_provider.payment_id, known_as, id, refund.amount).await;
        if !known.map_err(|error| Failure::TrueLayerSilent(cause_of(&error)))? {
            return Err(Failure::RefundNotKnown { id, known_as: known_as.clone() });
        }
    }
    let (result, in_one) = if not_there { ("failed", "failed") } else { ("TrueLayer is asked how it ends", "asked") };
    let report = Report::one(Record(vec![field("refund_id", id), shown_as("result", result, in_one)]));
    if dry.dry_run {
        return Ok(report.with_note(DRY_RUN_NOTE));
    }
    let object = ActObject::Refund { session_id: refund.session_id, refund_id: id };
    service.record(&refund.merchant_id, Some(refund.mode), ActKind::RefundConcluded, object).await?;
    let concluded = match known_as {
        Some(known_as) => refunds.provider_accepted(&refund, &known_as).await.map(drop),
        None => {
            let write_id = Random::System.write_id();
            refunds.conclude(&refund, RefundConclusion::Refused, now, &write_id).await.map(drop)
        }
    };
    match concluded {
        Ok(()) => Ok(report),
        // TrueLayer has answered meanwhile.
        Err(RefundChangeError::Refused(_)) => Err(Failure::RefundNotOpen(id)),
        Err(RefundChangeError::Store(error)) => Err(error.into()),
    }
}

/// Whether TrueLayer was asked to make it so long ago that it isn't asked again, and has not said what it calls it.
fn was_never_answered(refund: &Refund, now: Timestamp) -> bool {
    let is_old = now.duration_since(refund.created_at) >= REPEATS_WITHIN;
    let known = refund.open_at_provider().filter(|known| known.provider.provider() == providers::TRUELAYER);
    is_old && known.is_some_and(|known| known.id.is_none())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use models::{RefundAtProvider, RefundCreation, RefundState, SessionEvent};

    use super::*;

    fn made(provider: &str, known_as: Option<&str>) -> Refund {
        use SessionEvent::{BankChosen, ConsentGiven, PayerIdentified, Settled};
        let session = samples::session_after(&[PayerIdentified, BankChosen, ConsentGiven, Settled]);
        let creation = samples::refund_creation(samples::NOW);
        let at_provider = RefundAtProvider {
            provider: provider.parse().unwrap(),
            id: known_as.map(|id| id.parse().unwrap()),
            ..samples::refund_at_provider(creation.id)
        };
        let creation = RefundCreation { at_provider: Some(at_provider), ..creation };
        Refund::create(&session, samples::new_refund(&session, None), creation).unwrap().0
    }

    #[test]
    fn only_what_truelayer_never_answered_about_is_concluded() {
        let open = made("truelayer", None);
        let later = open.created_at + SignedDuration::from_hours(24);
        assert!(was_never_answered(&open, later));
        assert!(!was_never_answered(&open, later - SignedDuration::from_secs(1)), "it is asked for again still");
        for other in [made("truelayer", Some("r-1")), made("mock-consent", None)] {
            assert!(!was_never_answered(&other, later), "{other:?}");
        }
        assert!(!was_never_answered(&Refund { state: RefundState::Failed, ..open }, later));
    }
}
