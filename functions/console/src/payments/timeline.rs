//! All that happened to a payment and its refunds, in words.

use jiff::Timestamp;
use models::{
    Act, ActChange, ActObject, ActOutcome, Actor, MailFeedback, MailTopic, ObjectId, Permission, Refund, Session,
};
use pages::{Html, Language};
use store::{DeliveryAttempt, Difference, Happened, MailFate, TimelineEntry};

use super::list::time;
use super::personal::Personal;
use crate::frame::Frame;
use crate::logs::Logs;
use crate::words::{
    act_text, event_text, reason, refund_event_text, refund_state_text, said_reason, state_text, taken_back_text, who,
};

/// Something that happened, as a page shows it.
pub(super) struct Entry {
    pub(super) at: Html,
    pub(super) what: String,
    /// Of which refund, if of one: its id, and for how much it is.
    pub(super) of_refund: Option<(String, String)>,
    pub(super) detail: String,
    /// What a merchant's server answered; none if nothing, and hidden if it may name a person.
    pub(super) answer: Option<Answered>,
    /// The page of the event that was delivered.
    pub(super) event_path: Option<String>,
    pub(super) request: Option<String>,
    /// Where its logs are found, if that is on AWS.
    pub(super) logs_url: Option<String>,
}

/// What a merchant's server answered.
pub(super) enum Answered {
    Hidden,
    Text(String),
}

impl Entry {
    pub(super) fn new(
        entry: &TimelineEntry,
        frame: &Frame<'_>,
        session: &Session,
        refunds: &[Refund],
        personal: Personal,
    ) -> Self {
        let language = frame.language;
        let refund = refunds.iter().find(|refund| ObjectId::from(refund.id) == entry.of);
        let (what, detail) = words(&entry.happened, session, language);
        Self {
            at: time(entry.at, language),
            what,
            of_refund: refund.map(|refund| (refund.id.to_string(), language.amount(&refund.amount))),
            detail,
            answer: entry.personal().map(|answer| match personal {
                Personal::Masked => Answered::Hidden,
                Personal::Shown => Answered::Text(answer.to_owned()),
            }),
            event_path: match &entry.happened {
                Happened::Webhook(event, _) => Some(format!("{}/events/{event}", frame.root())),
                Happened::ToSession { .. }
                | Happened::ToRefund { .. }
                | Happened::Event(..)
                | Happened::Mail(..)
                | Happened::Received { .. }
                | Happened::LateMoney(_)
                | Happened::TakenBack(_) => None,
            },
            request: entry.request.as_ref().map(ToString::to_string),
            logs_url: None,
        }
    }

    /// With where the logs of its request are found.
    pub(super) fn with_logs(self, logs: Option<&Logs>, at: Timestamp) -> Self {
        let logs_url = self.request.as_deref().zip(logs).map(|(request, logs)| logs.query_url(request, at));
        Self { logs_url, ..self }
    }

    /// What a person of the merchant, or an operator, did; named to who may see personal data or the audit.
    pub(super) fn of_act(act: &Act, frame: &Frame<'_>, refunds: &[Refund], personal: Personal) -> Self {
        let refund = match &act.object {
            ActObject::Refund { refund_id, .. } => refunds.iter().find(|refund| refund.id == *refund_id),
            ActObject::Session(_)
            | ActObject::Person(_)
            | ActObject::Customer(_)
            | ActObject::Endpoint(_)
            | ActObject::Event(_)
            | ActObject::Key(_)
            | ActObject::Account(_)
            | ActObject::Shop
            | ActObject::Payments => None,
        };
        let names = frame.may_see_personal_data() || frame.visitor.may(Permission::SeeAudit);
        let by = match &act.who {
            Actor::Person(_) | Actor::Operator(_) if names => who(act),
            Actor::Person(_) => "A person",
            Actor::Operator(_) => "The command line",
        };
        let what = act_text(act.what);
        let what = match &act.outcome {
            ActOutcome::Done => format!("{by} {what}"),
            ActOutcome::Refused(_) => format!("{by} was refused: {what}"),
        };
        let reason = act.reason.as_ref().map(|of| match (said_reason(of), personal) {
            (Some(_), _) | (None, Personal::Shown) => format!("Reason: {}", reason(of)),
            // It may name anybody.
            (None, Personal::Masked) => "Reason: noted; it shows with personal data".to_owned(),
        });
        let change = act.change.as_ref().map(|ActChange { from, to }| match from.as_str() {
            "" => to.clone(),
            from => format!("{from} → {to}"),
        });
        Self {
            at: time(act.at, frame.language),
            what,
            of_refund: refund.map(|refund| (refund.id.to_string(), frame.language.amount(&refund.amount))),
            detail: change.into_iter().chain(reason).collect::<Vec<_>>().join(". "),
            answer: None,
            event_path: None,
            request: act.correlation_id.as_ref().map(ToString::to_string),
            logs_url: None,
        }
    }
}

fn words(happened: &Happened, session: &Session, language: Language) -> (String, String) {
    match happened {
        Happened::ToSession { state, cause, .. } => (event_text(*cause).to_owned(), now_is(state_text(*state))),
        Happened::ToRefund { state, cause, .. } => {
            (refund_event_text(*cause).to_owned(), now_is(refund_state_text(*state)))
        }
        Happened::Event(event_type, sequence) => (event_type.to_string(), format!("event {sequence}")),
        Happened::Webhook(event, DeliveryAttempt { endpoint_id, latency_ms, status, error, .. }) => {
            let what = match status {
                Some(status @ 200..=299) => format!("Webhook accepted ({status})"),
                Some(status) => format!("Webhook refused ({status})"),
                None => "Webhook not answered".to_owned(),
            };
            let why = error.as_ref().filter(|_| status.is_none());
            let why = why.map(|error| format!(": {error}")).unwrap_or_default();
            (what, format!("{event} to endpoint {endpoint_id}, in {latency_ms} ms{why}"))
        }
        Happened::Mail(topic, fate) => (mail(*topic, fate), tries(fate)),
        Happened::Received { total, amount, difference } => {
            let rest = match difference {
                Difference::None => String::new(),
                Difference::Missing(missing) => format!("; {} is missing", language.amount(missing)),
                Difference::Excess(excess) => format!("; {} too much, for you to return", language.amount(excess)),
                Difference::Returned => "; it was returned".to_owned(),
            };
            let (total, amount) = (language.amount(total), language.amount(amount));
            ("Transfers came".to_owned(), format!("{total} of {amount} in all{rest}"))
        }
        Happened::LateMoney(late) => {
            let amount = late.amount_minor.map(|minor| models::Money::new(minor, session.amount.currency()));
            let amount = amount.map(|amount| format!("{}, ", language.amount(&amount))).unwrap_or_default();
            let detail = format!("{amount}of attempt {}; {} calls it {}", late.attempt, late.provider, late.payment_id);
            ("Money came too late".to_owned(), detail)
        }
        Happened::TakenBack(reason) => ("The money was taken back".to_owned(), taken_back_text(*reason).to_owned()),
    }
}

fn now_is(state: &str) -> String {
    format!("State: {state}")
}

fn mail(topic: MailTopic, fate: &MailFate) -> String {
    let what = match topic {
        MailTopic::Receipt(_) => "Receipt",
        MailTopic::RefundDetails(_) => "Mail that asks where the refund goes",
        MailTopic::RefundSent(_) => "Mail that the refund was sent",
        MailTopic::PaymentLink(_) => "Mail with the payment link",
        MailTopic::RefundToAuthorise(_) => "Mail to you about the refund to authorise",
    };
    let became = match fate {
        MailFate::CalledFor(_) => "to be sent",
        MailFate::Sent { .. } => "sent",
        MailFate::GivenUp(_) => "could not be sent",
        MailFate::NotNeeded { .. } => "not needed any more",
        MailFate::Reported(MailFeedback::Bounced) => "bounced: there is no such mailbox",
        MailFate::Reported(MailFeedback::Undelivered) => "not delivered for hours, and given up",
        MailFate::Reported(MailFeedback::Suppressed) => "not sent: the address had bounced or complained before",
        MailFate::Reported(MailFeedback::Complained) => "called unwanted by its recipient",
        MailFate::Reported(MailFeedback::Rejected) => "not sent, for what it contains",
        MailFate::Due(_) => "is tried again",
    };
    format!("{what} {became}")
}

fn tries(fate: &MailFate) -> String {
    match fate {
        MailFate::CalledFor(_) | MailFate::Reported(_) => String::new(),
        MailFate::Sent { attempts, .. }
        | MailFate::GivenUp(attempts)
        | MailFate::Due(attempts)
        | MailFate::NotNeeded { attempts, .. } => match attempts {
            0 => "not tried yet".to_owned(),
            1 => "at the first try".to_owned(),
            times => format!("after {times} tries"),
        },
    }
}
