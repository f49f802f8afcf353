//! Removing personal data.

use std::cell::RefCell;

use clap::Subcommand;
use models::{ActKind, ActObject, CustomerId, EmailAddress, InvalidId, InvalidText, SessionId};
use runtime::Clock;
use store::{Customers, Erasable, Erased, Erasures, PayersData, Refunds, Sessions, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun, session_id};
use crate::confirm::Yes;
use crate::failure::Failure;
use crate::progress::{ReadRate, walk};
use crate::report::{Record, Report, field, maybe, word};
use crate::target::Service;

const PAYER: &str = "What all payment sessions with this address hold of their payer is erased, for good, and so is each \
     customer with it: of all merchants, test and live.";
const NOT_ALL_NOTE: &str = "Sessions that are not final were left as they are: cancel them, or wait until they and their refunds \
     have ended and their events are delivered, then repeat the command.";

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
        #[arg(long, value_name = "ADDRESS", value_parser = email)]
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
            let what = format!("What session {id} and its refunds hold of their payer is erased, for good.");
            yes.or_confirm("erase", &what, &service.place(), dry).await?;
            let erased = erase(service, &id, dry).await?;
            match erased {
                Erased::NotFound => return Err(Failure::NoObject(id.into())),
                Erased::NotFinal => return Err(Failure::NotFinal(id)),
                Erased::Done | Erased::AlreadyErased => {}
            }
            let record = Record(vec![field("session_id", id), word("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Customer { id, yes, dry } => {
            let what = format!("What is known of customer {id} is erased, for good; their payment sessions are not.");
            yes.or_confirm("erase", &what, &service.place(), dry).await?;
            let erased = erase_customer(service, &id, dry).await?;
            if erased == Erased::NotFound {
                return Err(Failure::NoCustomer(id));
            }
            let record = Record(vec![field("customer_id", id), word("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Payer { email, rate, yes, dry } => {
            yes.or_confirm("erase", PAYER, &service.place(), dry).await?;
            payer(service, &email, rate, dry).await
        }
    }
}

async fn payer(service: &Service, email: &EmailAddress, rate: ReadRate, dry: DryRun) -> Result<Report, Failure> {
    let (records, failed) = (RefCell::new(Vec::new()), RefCell::new(false));
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
            let (result, done, why) = match erased {
                Ok(erased) => (result(erased, dry), erased != Erased::NotFinal, None),
                Err(failure) => ("not erased", false, Some(failure)),
            };
            *failed.borrow_mut() |= !done;
            records.borrow_mut().push(record(session_id, customer_id, result, why));
        }
        Ok(0.0)
    };
    if let Err(failure) = walk(&service.table, "finding the payer", rate, Table::payers, erase_theirs).await {
        *failed.borrow_mut() = true;
        records.borrow_mut().push(record(None, None, "not all read", Some(failure)));
    }
    let report = Report::many(records.into_inner());
    Ok(match (dry.dry_run, failed.into_inner()) {
        (true, _) => report.with_note(DRY_RUN_NOTE),
        (false, true) => Report { failed: true, ..report.with_note(NOT_ALL_NOTE) },
        (false, false) => report,
    })
}

/// What became of one session or customer, and why, if that was not foreseen.
fn record(session: Option<SessionId>, customer: Option<CustomerId>, result: &str, why: Option<Failure>) -> Record {
    Record(vec![
        maybe("session_id", session),
        maybe("customer_id", customer),
        word("result", result),
        maybe("why", why.map(|failure| failure.in_one_line())),
    ])
}

async fn erase(service: &Service, id: &SessionId, dry: DryRun) -> Result<Erased, Failure> {
    let table = &service.table;
    if !dry.dry_run {
        // What was deleted holds nothing but what was published late.
        if let Some(session) = Sessions::new(table.clone()).get(id).await? {
            let object = ActObject::Session(*id);
            service.record(&session.merchant_id, Some(session.mode), ActKind::PersonalDataErased, object).await?;
        }
        return Ok(Erasures::new(table.clone()).erase(id, Clock::System.now()).await?);
    }
    let Some(session) = Sessions::new(table.clone()).get(id).await? else { return Ok(Erased::NotFound) };
    let refunds = Refunds::new(table.clone()).of(id).await?.refunds;
    let final_too = refunds.iter().all(|refund| refund.state.is_final());
    Ok(match (session.erased_at, session.state.is_final() && final_too) {
        (Some(_), _) => Erased::AlreadyErased,
        (None, true) => Erased::Done,
        (None, false) => Erased::NotFinal,
    })
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

fn email(text: &str) -> Result<EmailAddress, InvalidText> {
    text.to_owned().try_into()
}
