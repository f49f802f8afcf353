//! Removing personal data.

use std::cell::RefCell;

use clap::Subcommand;
use models::{ActKind, ActObject, CustomerId, EmailAddress, InvalidId, InvalidText, SessionId};
use runtime::Clock;
use store::{Customers, Erasable, Erased, Erasures, PayersData, Refunds, Sessions, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::progress::{ReadRate, walk};
use crate::report::{Record, Report, field, maybe};
use crate::target::Service;

const NOT_FINAL: &str = "not final, and left as it is";
const NOT_ALL_NOTE: &str = "Sessions that are not final were left as they are: cancel them, or wait until they and their refunds \
     have ended and their events are delivered, then repeat the command.";

#[derive(Debug, Subcommand)]
pub(crate) enum Erase {
    /// Remove what a payment session holds of its payer, for good
    ///
    /// Name, e-mail address and accounts go, with the merchant's metadata; also from the sessions that pay its refunds, and
    /// from its events. Amounts, references, states, history and fingerprints stay. The session and its refunds must be final.
    Session {
        /// The session's id
        id: SessionId,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove what is known of a customer, for good
    ///
    /// What is left is as of one that its merchant deleted. What payment sessions hold of them stays: `erase payer` removes both.
    Customer {
        /// The customer's id, as API answers have it (`cus_…`) or as logs have it
        #[arg(value_parser = customer_id)]
        id: CustomerId,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove what all payment sessions of a payer hold of them, and customers with their address, for good
    ///
    /// This reads the whole table. Sessions that are not final are left as they are, and listed.
    Payer {
        /// The payer's e-mail address, in capital letters or small
        #[arg(long, value_name = "ADDRESS", value_parser = email)]
        email: EmailAddress,
        #[command(flatten)]
        rate: ReadRate,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: Erase, service: &Service) -> Result<Report, Failure> {
    match command {
        Erase::Session { id, dry } => {
            let erased = erase(service, &id, dry).await?;
            match erased {
                Erased::NotFound => return Err(Failure::NoObject(id.into())),
                Erased::NotFinal => return Err(Failure::NotFinal(id)),
                Erased::Done | Erased::AlreadyErased => {}
            }
            let record = Record(vec![field("session_id", id), field("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Customer { id, dry } => {
            let erased = erase_customer(service, &id, dry).await?;
            if erased == Erased::NotFound {
                return Err(Failure::NoCustomer(id));
            }
            let record = Record(vec![field("customer_id", id), field("result", result(erased, dry))]);
            let report = Report::one(record);
            Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
        }
        Erase::Payer { email, rate, dry } => payer(service, &email, rate, dry).await,
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
            let (result, done) = match erased {
                Ok(erased) => (result(erased, dry).to_owned(), erased != Erased::NotFinal),
                Err(failure) => (format!("not erased: {failure}"), false),
            };
            *failed.borrow_mut() |= !done;
            let ids = [maybe("session_id", session_id), maybe("customer_id", customer_id)];
            records.borrow_mut().push(Record(ids.into_iter().chain([field("result", result)]).collect()));
        }
        Ok(0.0)
    };
    if let Err(failure) = walk(&service.table, "finding the payer", rate, Table::payers, erase_theirs).await {
        *failed.borrow_mut() = true;
        let record = vec![
            maybe("session_id", None::<SessionId>),
            maybe("customer_id", None::<CustomerId>),
            field("result", format!("not all sessions and customers were read: {failure}")),
        ];
        records.borrow_mut().push(Record(record));
    }
    let report = Report::many(records.into_inner());
    Ok(match (dry.dry_run, failed.into_inner()) {
        (true, _) => report.with_note(DRY_RUN_NOTE),
        (false, true) => Report { failed: true, ..report.with_note(NOT_ALL_NOTE) },
        (false, false) => report,
    })
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
        Erased::NotFinal => NOT_FINAL,
        Erased::NotFound => "deleted meanwhile",
    }
}

fn email(text: &str) -> Result<EmailAddress, InvalidText> {
    text.to_owned().try_into()
}
