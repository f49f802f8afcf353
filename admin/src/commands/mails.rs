//! Mails.

use clap::{Subcommand, ValueEnum};
use models::{MailFeedback, MailState, MailTopic, ObjectId, RefundId, SessionId};
use runtime::Clock;
use store::{MailLog, Mails as Stored, Refunds, Resent, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::report::{Record, Report, field, maybe, plain};

const RESENT_NOTE: &str = "It is sent within a minute: the same mail, to the same address.";
const SUPPRESSED_NOTE: &str = "It is tried within a minute, but SES sends nothing to an address that has bounced or complained \
     until it is taken off the account's suppression list (`aws sesv2 delete-suppressed-destination`).";

#[derive(Debug, Subcommand)]
pub(crate) enum Mails {
    /// List the mails about a payment session and its refunds, or about a refund
    ///
    /// STATE is due, sent (SES accepted it), failed (it was given up) or not_needed (there was nothing to say any more when it was
    /// to be sent; with more than one attempt, an earlier one may have been sent). FEEDBACK is what SES reported of it since.
    List {
        /// The id of the payment session or refund
        id: ObjectId,
    },
    /// Send a mail again that was sent, given up or not needed
    ///
    /// It is the same mail, to the same address, as of now. To a payer whose personal data was erased nothing can be sent.
    Resend {
        /// The id of the payment session (for its link and its receipt) or refund that it is about
        id: ObjectId,
        /// Which mail
        kind: Kind,
        #[command(flatten)]
        dry: DryRun,
    },
}

/// Which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// To the payer: the payment was sent
    Receipt,
    /// To the customer: where does the refund go?
    #[value(name = "refund_details")]
    RefundDetails,
    /// To the customer: the refund was sent
    #[value(name = "refund_sent")]
    RefundSent,
    /// To the payer: where to pay
    #[value(name = "payment_link")]
    PaymentLink,
    /// To the merchant: where to authorise the refund
    #[value(name = "refund_to_authorise")]
    RefundToAuthorise,
}

impl Kind {
    fn is(self, topic: MailTopic) -> bool {
        match topic {
            MailTopic::Receipt(_) => self == Self::Receipt,
            MailTopic::RefundDetails(_) => self == Self::RefundDetails,
            MailTopic::RefundSent(_) => self == Self::RefundSent,
            MailTopic::PaymentLink(_) => self == Self::PaymentLink,
            MailTopic::RefundToAuthorise(_) => self == Self::RefundToAuthorise,
        }
    }
}

pub(crate) async fn run(command: Mails, table: &Table) -> Result<Report, Failure> {
    let mails = &Stored::new(table.clone());
    match command {
        Mails::List { id } => {
            let logs = of_all(mails, &objects_of(table, id).await?).await?;
            Ok(Report::many(logs.iter().map(record).collect()))
        }
        Mails::Resend { id, kind, dry } => resend(mails, id, kind, dry).await,
    }
}

/// The object itself and, of a session, its refunds.
async fn objects_of(table: &Table, id: ObjectId) -> Result<Vec<ObjectId>, Failure> {
    let refunds = Refunds::new(table.clone());
    let of_session = match id.to_string().parse::<SessionId>() {
        Ok(session_id) => refunds.of(&session_id).await?,
        Err(_) => return Err(Failure::NoObject(id)),
    };
    if of_session.session.is_some() || !of_session.refunds.is_empty() {
        return Ok(std::iter::once(id).chain(of_session.refunds.iter().map(|refund| refund.id.into())).collect());
    }
    match id.to_string().parse::<RefundId>() {
        Ok(refund_id) if refunds.get(&refund_id).await?.is_some() => Ok(vec![id]),
        Ok(_) | Err(_) => Err(Failure::NoObject(id)),
    }
}

/// The mails about these, oldest first.
pub(crate) async fn of_all(mails: &Stored, objects: &[ObjectId]) -> Result<Vec<MailLog>, Failure> {
    let mut logs = Vec::new();
    for object in objects {
        logs.extend(mails.of(object).await?);
    }
    logs.sort_by_key(|log| log.created_at);
    Ok(logs)
}

async fn resend(mails: &Stored, object: ObjectId, kind: Kind, dry: DryRun) -> Result<Report, Failure> {
    let mut logs = mails.of(&object).await?;
    logs.retain(|log| kind.is(log.id.topic));
    let Some(mail) = logs.pop() else { return Err(Failure::NoMail { object }) };
    match mail.state {
        MailState::Due => return Err(Failure::MailDue { object }),
        MailState::Sent | MailState::Failed | MailState::NotNeeded => {}
    }
    let report = |status| Report::one(Record(vec![field("mail", mail.id), field("status", status)]));
    if dry.dry_run {
        return Ok(report("would be sent again").with_note(DRY_RUN_NOTE));
    }
    match mails.resend(&mail.id, Clock::System.now()).await? {
        Resent::Due => {}
        Resent::WasDue => return Err(Failure::MailDue { object }),
        Resent::NotFound => return Err(Failure::NoMail { object }),
    }
    let suppressed = mail.feedback.iter().any(|(_, feedback)| match feedback {
        MailFeedback::Bounced | MailFeedback::Suppressed | MailFeedback::Complained => true,
        MailFeedback::Undelivered | MailFeedback::Rejected => false,
    });
    Ok(report("due").with_note(if suppressed { SUPPRESSED_NOTE } else { RESENT_NOTE }))
}

pub(crate) const fn state(state: MailState) -> &'static str {
    match state {
        MailState::Due => "due",
        MailState::Sent => "sent",
        MailState::Failed => "failed",
        MailState::NotNeeded => "not_needed",
    }
}

fn record(log: &MailLog) -> Record {
    let feedback: Vec<_> = log.feedback.iter().map(|(at, feedback)| format!("{} at {at}", feedback.as_str())).collect();
    Record(vec![
        field("mail", log.id),
        field("state", state(log.state)),
        plain("attempts", log.attempts),
        field("created_at", log.created_at),
        maybe("due_at", log.due_at),
        maybe("sent_at", log.sent_at),
        maybe("failed_at", log.failed_at),
        maybe("not_needed_at", log.not_needed_at),
        maybe("feedback", (!feedback.is_empty()).then(|| feedback.join(", "))),
    ])
}
