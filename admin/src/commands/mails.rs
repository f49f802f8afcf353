//! Mails.

use clap::{Subcommand, ValueEnum};
use models::{MailFeedback, MailId, MailState, MailTopic, ObjectId, RefundId, SessionId, stamp};
use runtime::Clock;
use serde_json::json;
use store::{MailLog, Mails as Stored, Refunds, Resent, Sessions, StoreError, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun, object_id};
use crate::failure::Failure;
use crate::report::{Record, Report, field, maybe_as, plain, when, word};

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
        #[arg(value_parser = object_id)]
        id: ObjectId,
    },
    /// Send a mail again that was sent, given up or not needed
    ///
    /// It is the same mail, to the same address, as of now, if there is still something to say. To a payer whose personal data was
    /// erased nothing can be sent.
    #[command(after_help = "Example:\n  counterfoil mails resend 1ae1ce03-dfa9-4593-b487-65c656991cb5/receipt/5")]
    Resend {
        /// The mail, as `mails list` prints it; or the id of the payment session (for its link and its receipt) or refund
        /// that it is about
        #[arg(value_name = "MAIL|ID", value_parser = sought)]
        mail: Sought,
        /// With an id: of which kind; it is the last of that kind
        kind: Option<Kind>,
        #[command(flatten)]
        dry: DryRun,
    },
}

/// What is to be sent again: a mail, or one that is about this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sought {
    Mail(MailId),
    About(ObjectId),
}

fn sought(text: &str) -> Result<Sought, &'static str> {
    match object_id(text) {
        Ok(object) => Ok(Sought::About(object)),
        Err(_) if text.contains('/') => {
            text.trim().parse().map(Sought::Mail).map_err(|_| "must be a mail as `counterfoil mails list` prints it")
        }
        Err(problem) => Err(problem),
    }
}

/// Which mail, in the words that mails' ids have.
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
        Mails::Resend { mail, kind, dry } => resend(table, mails, mail, kind, dry).await,
    }
}

/// The session or refund that a mail is about.
fn object_of(topic: MailTopic) -> ObjectId {
    match topic {
        MailTopic::Receipt(id) | MailTopic::PaymentLink(id) => id.into(),
        MailTopic::RefundDetails(id) | MailTopic::RefundSent(id) | MailTopic::RefundToAuthorise(id) => id.into(),
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

/// Whether nothing is left of the address to which a mail goes: it was erased, or deleted with the payment session.
async fn is_erased(table: &Table, topic: MailTopic) -> Result<bool, StoreError> {
    let session_id = match topic {
        MailTopic::Receipt(id) | MailTopic::PaymentLink(id) => Some(id),
        MailTopic::RefundDetails(id) | MailTopic::RefundSent(id) => {
            Refunds::new(table.clone()).get(&id).await?.map(|refund| refund.session_id)
        }
        // It goes to the merchant.
        MailTopic::RefundToAuthorise(_) => return Ok(false),
    };
    let session = match session_id {
        Some(id) => Sessions::new(table.clone()).get(&id).await?,
        None => None,
    };
    Ok(session.is_none_or(|session| session.erased_at.is_some()))
}

async fn resend(
    table: &Table,
    mails: &Stored,
    sought: Sought,
    kind: Option<Kind>,
    dry: DryRun,
) -> Result<Report, Failure> {
    let (object, only) = match (sought, kind) {
        (Sought::Mail(id), _) => (object_of(id.topic), Some(id)),
        (Sought::About(object), Some(_)) => (object, None),
        (Sought::About(object), None) => return Err(Failure::WhichMail { object }),
    };
    let mut logs = mails.of(&object).await?;
    logs.retain(|log| only.is_none_or(|only| only == log.id) && kind.is_none_or(|kind| kind.is(log.id.topic)));
    let Some(mail) = logs.pop() else { return Err(Failure::NoMail { object }) };
    match mail.state {
        MailState::Due => return Err(Failure::MailDue { object }),
        MailState::Sent | MailState::Failed | MailState::NotNeeded => {}
    }
    if is_erased(table, mail.id.topic).await? {
        return Err(Failure::NoAddress { object });
    }
    let report = |status| Report::one(Record(vec![field("mail", mail.id), word("status", status)]));
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
    let note = if suppressed {
        SUPPRESSED_NOTE.to_owned()
    } else {
        format!(
            "It is tried within a minute: the same mail, to the same address, unless it is not needed any more, as \
             `counterfoil mails list {object}` then says."
        )
    };
    Ok(report("due").with_note(note))
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
    let feedback = log.feedback.iter().map(|(at, feedback)| (feedback.as_str(), stamp(*at)));
    let text: Vec<_> = feedback.clone().map(|(feedback, at)| format!("{feedback} at {at}")).collect();
    let list: Vec<_> = feedback.map(|(feedback, at)| json!({ "feedback": feedback, "at": at })).collect();
    Record(vec![
        field("mail", log.id),
        field("state", state(log.state)),
        plain("attempts", log.attempts),
        when("created_at", log.created_at),
        when("due_at", log.due_at),
        when("sent_at", log.sent_at),
        when("failed_at", log.failed_at),
        when("not_needed_at", log.not_needed_at),
        maybe_as("feedback", (!list.is_empty()).then(|| (text.join(", "), list.into()))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

    #[test]
    fn what_the_list_prints_is_accepted_mail_by_mail_and_kind_by_kind() {
        let (session, refund): (SessionId, RefundId) = (ID.parse().unwrap(), ID.parse().unwrap());
        let topics = [
            MailTopic::Receipt(session),
            MailTopic::RefundDetails(refund),
            MailTopic::RefundSent(refund),
            MailTopic::PaymentLink(session),
            MailTopic::RefundToAuthorise(refund),
        ];
        assert_eq!(topics.len(), Kind::value_variants().len());
        for topic in topics {
            let id = MailId { topic, sequence: 5 };
            assert_eq!(sought(&id.to_string()), Ok(Sought::Mail(id)));
            assert_eq!(object_of(topic).to_string(), topic.object());
            assert!(Kind::from_str(topic.kind(), false).is_ok_and(|kind| kind.is(topic)), "{}", topic.kind());
        }
        assert_eq!(sought(ID), Ok(Sought::About(session.into())));
        for wrong in ["", "receipt", &format!("{ID}/receipt"), &format!("{ID}/invoice/5")] {
            assert!(sought(wrong).is_err(), "{wrong}");
        }
    }
}
