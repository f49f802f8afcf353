//! What is recorded of payments, compared with TrueLayer's word.

use std::cell::RefCell;
use std::collections::BTreeSet;

use clap::Args;
use jiff::Timestamp;
use models::Mode;
use payments::{Compared, Connections, Differs, Fit, PaymentError, Payments};
use runtime::{Clock, Random};
use store::{KnownPayment, Table};
use truelayer::MerchantAccounts;

use crate::arguments::{self, time};
use crate::connection::Connection;
use crate::failure::{Failure, cause_of};
use crate::progress::{Pace, ReadRate, walk};
use crate::report::{Content, Record, Report, field, plain, when};
use crate::target::Service;

/// How many differences are shown, so that memory has a bound.
const SHOWN: usize = 1000;

/// After how many payments in a row that TrueLayer could not be asked about nobody goes on asking.
const UNASKED_IN_A_ROW: u64 = 20;

/// Compare payments with what TrueLayer says of them
///
/// It finds every payment of the mode that was begun at TrueLayer since then, also those of earlier attempts and of sessions that were
/// deleted, and asks TrueLayer how each stands. Money that moved for an attempt which was over is listed as late. It changes
/// nothing, and may run while the service does.
///
/// The exit code is 0 if all agree, and 1 if something differs or TrueLayer could not be asked about all.
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// Payments begun from this time on, such as 2026-01-31T09:30:00Z or, ago, 90m, 72h or 30d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Timestamp,
    /// Of which mode; test is TrueLayer's sandbox
    #[arg(long, value_name = "MODE", default_value = "live", value_parser = arguments::mode())]
    mode: Mode,
    /// How many payments to ask TrueLayer about in a second, at the most
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    calls_per_second: u32,
    #[command(flatten)]
    read: ReadRate,
    #[command(flatten)]
    connection: Connection,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    same: u64,
    lag: u64,
    unasked: u64,
    unasked_in_a_row: u64,
    differ: u64,
    shown: Vec<Record>,
    kinds: BTreeSet<Differs>,
}

impl Found {
    fn add(&mut self, payment: &KnownPayment, compared: &Compared) {
        self.unasked_in_a_row = 0;
        match compared.fit {
            Fit::Same => self.same += 1,
            Fit::Lags => self.lag += 1,
            Fit::Differs(how) => {
                self.differ += 1;
                self.kinds.insert(how);
                if self.shown.len() < SHOWN {
                    self.shown.push(record(payment, compared, how));
                }
            }
        }
    }
}

pub(crate) async fn run(command: Reconcile, service: &Service) -> Result<Report, Failure> {
    let Reconcile { since, mode, calls_per_second, read, connection } = command;
    let truelayer = connection.open(mode.into(), MerchantAccounts::default(), Some(&service.config)).await?;
    let connections = Connections { truelayer: Some(truelayer), ..Connections::default() };
    let payments = Payments::new(service.table.clone(), connections, Clock::System, Random::System);
    let (found, pace) = (RefCell::new(Found::default()), Pace::new(calls_per_second));
    let compare = async |page: Vec<KnownPayment>| {
        let mut units = 0.0;
        for payment in page.iter().filter(|payment| payment.provider.as_str() == providers::TRUELAYER) {
            // Its session.
            units += 1.0;
            let compared = payments.compare(payment, mode, since).await;
            // TrueLayer was asked, whether or not it answered.
            if matches!(compared, Ok(Some(_)) | Err(PaymentError::Provider(_))) {
                pace.spend(1.0).await;
            }
            match compared {
                Ok(Some(compared)) => found.borrow_mut().add(payment, &compared),
                Ok(None) => {}
                Err(PaymentError::Provider(error)) => {
                    let mut found = found.borrow_mut();
                    found.unasked += 1;
                    found.unasked_in_a_row += 1;
                    if found.unasked_in_a_row >= UNASKED_IN_A_ROW {
                        return Err(Failure::TrueLayerSilent(cause_of(&error)));
                    }
                }
                Err(PaymentError::Store(error)) => return Err(error.into()),
                Err(error @ PaymentError::Inconsistent(_)) => return Err(error.into()),
            }
        }
        Ok(units)
    };
    walk(&service.table, "comparing payments", read, Table::bank_payments, compare).await?;
    Ok(report(found.into_inner(), since, mode))
}

fn record(payment: &KnownPayment, compared: &Compared, how: Differs) -> Record {
    Record(vec![
        field("session_id", payment.pays.session_id),
        plain("attempt", payment.pays.attempt),
        field("payment_id", &payment.id),
        field("session", compared.state),
        field("truelayer", compared.says),
        field("difference", name(how)),
    ])
}

fn report(found: Found, since: Timestamp, mode: Mode) -> Report {
    let Found { same, lag, unasked, differ, shown, kinds, .. } = found;
    let unshown = differ.saturating_sub(shown.len() as u64);
    let summary = Record(vec![
        when("since", since),
        field("mode", mode.as_str()),
        plain("payments", same + lag + differ + unasked),
        plain("same", same),
        plain("lag", lag),
        plain("differ", differ),
        plain("not_asked", unasked),
    ]);
    let what_to_do =
        kinds.into_iter().map(|how| Record(vec![field("difference", name(how)), field("what_to_do", what_to_do(how))]));
    let sections = vec![
        ("summary", Content::One(summary)),
        ("differences", Content::Many(shown)),
        ("what_to_do", Content::Many(what_to_do.collect())),
    ];
    let note = match (differ, unshown, unasked) {
        (0, _, 0) => "What is recorded fits what TrueLayer says.".to_owned(),
        (0, _, _) => "Not all could be asked about: see `counterfoil truelayer check`, then repeat this.".to_owned(),
        (_, 0, _) => "Some payments differ; docs/operating.md has what to do, under Reconcile.".to_owned(),
        (_, unshown, _) => format!("Some payments differ; {unshown} more are not shown: repeat it from a later time."),
    };
    Report { failed: differ > 0 || unasked > 0, ..Report::new(Content::Sections(sections)).with_note(note) }
}

const fn name(how: Differs) -> &'static str {
    match how {
        Differs::Late => "late",
        Differs::LateAndNoted => "late_and_noted",
        Differs::Ahead => "ahead",
        Differs::Behind => "behind",
        Differs::Open => "open",
        Differs::Unknown => "unknown",
    }
}

const fn what_to_do(how: Differs) -> &'static str {
    match how {
        Differs::Late => {
            "return the money at TrueLayer by its payment id, and inform the merchant; see why no webhook came: its page in the Console"
        }
        Differs::LateAndNoted => "return the money at TrueLayer by its payment id, if that has not been done",
        Differs::Ahead => "refund nothing of it and ask TrueLayer by its payment id",
        Differs::Behind => "see that the schedule runs, and expire's log: a follow-up brings it",
        Differs::Open => {
            "ask TrueLayer by its payment id why it is open still: nobody has its link any more, and money that comes of it is late"
        }
        Differs::Unknown => {
            "check that the credentials are of the same application; else see the status in expire's log"
        }
    }
}

#[cfg(test)]
mod tests {
    use models::SessionState;
    use store::BankPayment;

    use super::*;
    use crate::report::Output;

    fn found(fits: &[Fit]) -> Found {
        let pays = BankPayment { session_id: samples::session().id, attempt: 1 };
        let payment = KnownPayment { provider: "truelayer".parse().unwrap(), id: "p-1".parse().unwrap(), pays };
        let mut found = Found::default();
        for fit in fits {
            found.add(&payment, &Compared { state: SessionState::Expired, says: "settled", fit: *fit });
        }
        found
    }

    #[test]
    fn what_agrees_or_lags_is_no_difference() {
        let report = report(found(&[Fit::Same, Fit::Lags]), samples::NOW, Mode::Live);
        assert!(!report.failed);
        let json: serde_json::Value = serde_json::from_str(&report.render(Output::Json).unwrap()).unwrap();
        let summary = &json["summary"];
        assert_eq!([&summary["payments"], &summary["same"], &summary["lag"], &summary["differ"]], [2, 1, 1, 0]);
        assert_eq!(json["differences"], serde_json::json!([]));
    }

    #[test]
    fn each_difference_is_listed_and_each_kind_explained_once() {
        let late = Fit::Differs(Differs::Late);
        let report = report(found(&[late, late, Fit::Differs(Differs::Behind)]), samples::NOW, Mode::Live);
        assert!(report.failed);
        let json: serde_json::Value = serde_json::from_str(&report.render(Output::Json).unwrap()).unwrap();
        assert_eq!(json["differences"].as_array().unwrap().len(), 3);
        let first = &json["differences"][0];
        assert_eq!((&first["difference"], &first["session"]), (&"late".into(), &"expired".into()));
        assert_eq!(json["what_to_do"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_could_not_be_asked_fails_too() {
        let unasked = Found { unasked: 1, ..found(&[Fit::Same]) };
        assert!(report(unasked, samples::NOW, Mode::Live).failed);
    }
}
