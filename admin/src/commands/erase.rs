//! Removing personal data.

use std::cell::{Cell, RefCell};

use clap::Subcommand;
use models::{ActKind, ActObject, CustomerId, EmailAddress, InvalidId, SessionId};
use runtime::Clock;
use store::{Customers, Erasable, Erased, Erasures, PayersData, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun, session_id, text};
use crate::confirm::Yes;
use crate::failure::{Failure, Interrupted, Meant};
use crate::interrupt::unless_interrupted;
use crate::other_kind::no_session;
use crate::progress::{ReadRate, walk};
use crate::report::{Record, Report, field, maybe, word};
use crate::target::Service;

const PAYER: &str = "What all payment sessions with this address hold of their payer will be erased, for good, and so will \
     each customer with it: of all merchants, test and live.";
const NOT_ALL_NOTE: &str = "Sessions that are not final are left as they are: cancel them, or wait until they and their refunds \
     have ended and their last event and mail are on their way, then repeat the command.";
const NOT_READ_NOTE: &str = "Not all payment sessions were read: repeat the command; what was erased stays erased.";

#[derive(Debug, Subcommand)]
pub(crate) enum Erase {
    /// Remove what a payment session holds of its payer, for good
    ///
    /// Name, e-mail address and accounts go, with the merchant's metadata; also from the sessions that pay its refunds, and
    /// from its events. Amounts, references, states, history and fingerprints stay. The session and its refunds must be final.
    #[command(after_help = "Example:\n  counterfoil erase session 1ae1ce03-dfa9-4593-b487-65c656991cb5 --dry-run")]
    Session {
        /// The session's id, as any format shows it
        #[arg(value_parser = session_id)]
        id: SessionId,
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove what is known of a customer, for good
    ///
    /// What is left is as of one that its merchant deleted. What payment sessions hold of them stays: `erase payer` removes both.
    #[command(after_help = "Example:\n  counterfoil erase customer 1ae1ce03-dfa9-4593-b487-65c656991cb5 --dry-run")]
    Customer {
        /// The customer's id, as API answers have it (`cus_…`) or as logs have it
        #[arg(value_parser = customer_id)]
        id: CustomerId,
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove what all payment sessions of a payer hold of them, and customers with their address, for good
    ///
    /// This reads the whole table. Sessions that are not final are left as they are, and listed.
    #[command(after_help = "Example:\n  counterfoil erase payer --email ada@example.com --dry-run")]
    Payer {
        /// The payer's e-mail address, in capital letters or small
        #[arg(long, value_name = "ADDRESS", value_parser = text::<EmailAddress>)]
        email: EmailAddress,
        #[command(flatten)]
        rate: ReadRate,
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: Erase, service: &Service) -> Result<Report, Failure> {
    match command {
        Erase::Session { id, yes, dry } => {
            let what = format!("What session {id} and its refunds hold of their payer will be erased, for good.");
            yes.or_confirm("erase", &what, &service.deployment(), dry).await?;
            let erased = erase(service, &id, dry).await?;
            match erased {
                Erased::NotFound => return Err(no_session(&service.table, id, Meant::Erase).await),
                Erased::NotFinal => return Err(Failure::NotFinal(id)),
                Erased::Done | Erased::AlreadyErased => {}
            }
            let record = Record(vec![field("session_id", id), word("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Customer { id, yes, dry } => {
            let what = format!("What is known of customer {id} will be erased, for good; their payment sessions stay.");
            yes.or_confirm("erase", &what, &service.deployment(), dry).await?;
            let erased = erase_customer(service, &id, dry).await?;
            if erased == Erased::NotFound {
                return Err(Failure::NoCustomer(id));
            }
            let record = Record(vec![field("customer_id", id), word("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Payer { email, rate, yes, dry } => {
            yes.or_confirm("erase", PAYER, &service.deployment(), dry).await?;
            payer(service, &email, rate, dry).await
        }
    }
}

async fn payer(service: &Service, email: &EmailAddress, rate: ReadRate, dry: DryRun) -> Result<Report, Failure> {
    let (records, not_final, failed) = (RefCell::new(Vec::new()), Cell::new(false), Cell::new(false));
    let erase_theirs = async |found: Vec<PayersData>| {
        for PayersData { of, email: found } in found {
            if !found.as_str().eq_ignore_ascii_case(email.as_str()) {
                continue;
            }
            let (session_id, customer_id, erased) = match of {
                Erasable::Session(id) => (Some(id), None, erase(service, &id, dry).await),
                Erasable::Customer(id) => (None, Some(id), erase_customer(service, &id, dry).await),
            };
            // What is erased is not found by its address again: whatever goes wrong with one, the others are reported.
            let (result, why) = match erased {
                Ok(erased @ Erased::NotFinal) => {
                    not_final.set(true);
                    (result(erased, dry), session_id.map(Failure::NotFinal))
                }
                Ok(erased) => (result(erased, dry), None),
                Err(failure) => {
                    failed.set(true);
                    ("not erased", Some(failure.at(&service.location)))
                }
            };
            records.borrow_mut().push(record(session_id, customer_id, result, why));
        }
        Ok(0.0)
    };
    let walking = walk(&service.table, "finding the payer", rate, Table::payers, erase_theirs);
    let walked = unless_interrupted(Interrupted::of(!dry.dry_run), walking).await;
    report(records.into_inner(), walked, not_final.get(), failed.get(), dry)
}

/// What became of each that was found, also if it broke off: what is erased is not found again.
fn report(
    records: Vec<Record>,
    walked: Result<(), Failure>,
    not_final: bool,
    failed: bool,
    dry: DryRun,
) -> Result<Report, Failure> {
    let report = match walked {
        Err(failure) if records.is_empty() => return Err(failure),
        Err(failure @ Failure::Interrupted(_)) => return Ok(Report::until(records, failure)),
        Err(failure) => return Ok(Report::until(records, failure).with_note(NOT_READ_NOTE)),
        Ok(()) => Report::many(records),
    };
    let report = Report { failed: failed || not_final, ..report };
    Ok(match (dry.dry_run, not_final) {
        (true, true) => report.with_note(format!("{DRY_RUN_NOTE} {NOT_ALL_NOTE}")),
        (true, false) => report.with_note(DRY_RUN_NOTE),
        (false, true) => report.with_note(NOT_ALL_NOTE),
        (false, false) => report,
    })
}

/// What became of one session or customer, and why, if it is not erased.
fn record(session: Option<SessionId>, customer: Option<CustomerId>, result: &str, why: Option<Failure>) -> Record {
    Record(vec![
        maybe("session_id", session),
        maybe("customer_id", customer),
        word("result", result),
        maybe("why", why.map(|failure| failure.in_one_line())),
    ])
}

async fn erase(service: &Service, id: &SessionId, dry: DryRun) -> Result<Erased, Failure> {
    let (erasures, now) = (Erasures::new(service.table.clone()), Clock::System.now());
    let (would_be, session) = erasures.check(id, now).await?;
    if dry.dry_run || would_be == Erased::NotFinal {
        return Ok(would_be);
    }
    // What was erased or deleted before holds nothing but what was published late, and that goes without an act.
    if would_be == Erased::Done
        && let Some(session) = session
    {
        let (mode, object) = (Some(session.mode), ActObject::Session(*id));
        service.record(&session.merchant_id, mode, ActKind::PersonalDataErased, object).await?;
    }
    Ok(erasures.erase(id, now).await?)
}

async fn erase_customer(service: &Service, id: &CustomerId, dry: DryRun) -> Result<Erased, Failure> {
    let table = &service.table;
    let Some((merchant_id, mode, is_there)) = Customers::new(table.clone()).whose(id).await? else {
        return Ok(Erased::NotFound);
    };
    if dry.dry_run || !is_there {
        return Ok(if is_there { Erased::Done } else { Erased::AlreadyErased });
    }
    service.record(&merchant_id, Some(mode), ActKind::PersonalDataErased, ActObject::Customer(*id)).await?;
    Ok(Erasures::new(table.clone()).erase_customer(id, None, Clock::System.now()).await?)
}

/// As formats show it, or as it is stored.
fn customer_id(text: &str) -> Result<CustomerId, InvalidId> {
    text.strip_prefix("cus_").map_or_else(|| text.parse(), CustomerId::from_base62)
}

fn result(erased: Erased, dry: DryRun) -> &'static str {
    match erased {
        Erased::Done if dry.dry_run => "would be erased",
        Erased::Done => "erased",
        Erased::AlreadyErased => "was erased before",
        Erased::NotFinal => "not final",
        Erased::NotFound => "deleted meanwhile",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Content;

    const DRY: DryRun = DryRun { dry_run: true };
    const REAL: DryRun = DryRun { dry_run: false };

    fn erased() -> Vec<Record> {
        vec![record(None, None, "erased", None)]
    }

    fn broken() -> Failure {
        Failure::Queue { operation: "Scan", cause: "throttled".to_owned() }
    }

    #[test]
    fn what_was_erased_is_listed_though_the_walk_broke_off() {
        for dry in [DRY, REAL] {
            assert!(report(Vec::new(), Err(broken()), false, false, dry).is_err(), "nothing was done");
            let stopped = report(erased(), Err(broken()), true, false, dry).unwrap();
            assert!(matches!(&stopped.content, Content::Many(records) if records.len() == 1));
            assert_eq!(stopped.note.as_deref(), Some(NOT_READ_NOTE));
            assert!(matches!(stopped.broke_off, Some(Failure::Queue { .. })), "{stopped:?}");
        }
        let interrupted = Err(Failure::Interrupted(Interrupted::Changing));
        let interrupted = report(erased(), interrupted, false, false, REAL).unwrap();
        assert!(matches!(interrupted.broke_off, Some(Failure::Interrupted(Interrupted::Changing))));
        assert_eq!(interrupted.note, None);
    }

    #[test]
    fn what_is_not_final_is_said_where_something_is_not() {
        let both = format!("{DRY_RUN_NOTE} {NOT_ALL_NOTE}");
        for (not_final, failed, dry, note, has_failed) in [
            (false, false, REAL, None, false),
            (true, false, REAL, Some(NOT_ALL_NOTE), true),
            (false, true, REAL, None, true),
            (false, false, DRY, Some(DRY_RUN_NOTE), false),
            (true, false, DRY, Some(both.as_str()), true),
            (false, true, DRY, Some(DRY_RUN_NOTE), true),
        ] {
            let report = report(erased(), Ok(()), not_final, failed, dry).unwrap();
            assert_eq!((report.note.as_deref(), report.failed), (note, has_failed), "{report:?}");
        }
    }
}
