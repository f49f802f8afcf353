//! Transfers that payers make themselves.

use clap::Subcommand;
use models::{Currency, MinorUnits, Money};
use providers::mock::UnmatchedTransfer;
use store::{MockLedger, Table};

use crate::failure::Failure;
use crate::report::{Record, Report, amount, field, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Transfers {
    /// List the transfers that match no payment, oldest first
    ///
    /// Their reference is nobody's, or they came in another currency than the payment's. Those to a payment that had ended, or of
    /// more than its amount, are shown with its session.
    Unmatched,
}

pub(crate) async fn run(command: Transfers, table: &Table) -> Result<Report, Failure> {
    match command {
        Transfers::Unmatched => {
            let unmatched = MockLedger::new(table.clone()).unmatched().await?;
            Ok(Report::many(unmatched.iter().map(record).collect()))
        }
    }
}

fn record(transfer: &UnmatchedTransfer) -> Record {
    let UnmatchedTransfer { id, reference, amount_minor, currency, sender, at } = transfer;
    let money = Currency::from_code(currency).map(|currency| Money::new(MinorUnits::new(*amount_minor), currency));
    Record(vec![
        field("transfer_id", id),
        when("at", *at),
        amount("amount", money),
        field("reference", reference),
        field("sender", sender.as_str()),
    ])
}
