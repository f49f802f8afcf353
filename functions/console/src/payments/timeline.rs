//! All that happened to a payment and its refunds, in words.

use jiff::Timestamp;
use models::{Act, ActChange, ActObject, Actor, MailFeedback, MailTopic, Money, ObjectId, Permission, Refund, Session};
use pages::{Facts, Html, Language};
use store::{DeliveryAttempt, Difference, Happened, MailFate, TimelineEntry};

use super::list::time;
use super::personal::Personal;
use crate::frame::Frame;
use crate::logs::Logs;
use crate::texts::texts;
use crate::words::{
    deed, event_text, reason, refund_event_text, refund_state_text, said_reason, state_text, taken_back_text,
    who_in_words, why_unanswered,
};

/// Something that happened, as a page shows it.
pub(super) struct Entry {
    pub(super) at: Html,
    pub(super) what: String,
    /// Of which refund, if of one: its id, and how it is called.
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
            of_refund: refund.map(|refund| of_refund(refund, language)),
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
            Actor::Person(_) | Actor::Operator(_) if names => who_in_words(act, frame.language),
            Actor::Person(_) => frame.texts().words.a_person,
            Actor::Operator(_) => frame.texts().words.the_command_line,
        };
        let t = frame.texts().payments;
        let reason = act.reason.as_ref().map(|of| match (said_reason(of, frame.language), personal) {
            (Some(_), _) | (None, Personal::Shown) => {
                Facts::new(frame.language).name("reason", reason(of, frame.language)).plain(t.reason)
            }
            // It may name anybody.
            (None, Personal::Masked) => t.reason_hidden.to_owned(),
        });
        let change = act.change.as_ref().map(|ActChange { from, to }| match from.as_str() {
            "" => to.clone(),
            from => format!("{from} → {to}"),
        });
        Self {
            at: time(act.at, frame.language),
            what: deed(by, act, frame.language),
            of_refund: refund.map(|refund| of_refund(refund, frame.language)),
            detail: change.into_iter().chain(reason).collect::<Vec<_>>().join(". "),
            answer: None,
            event_path: None,
            request: act.correlation_id.as_ref().map(ToString::to_string),
            logs_url: None,
        }
    }
}

fn of_refund(refund: &Refund, language: Language) -> (String, String) {
    let facts = Facts::new(language).amount("amount", &refund.amount);
    (refund.id.to_string(), facts.plain(texts(language).payments.of_refund))
}

fn words(happened: &Happened, session: &Session, language: Language) -> (String, String) {
    let t = texts(language).payments;
    let facts = Facts::new(language);
    match happened {
        Happened::ToSession { state, cause, .. } => {
            let state = state_text(*state, language);
            (event_text(*cause, language).to_owned(), facts.text("state", state).plain(t.now_is))
        }
        Happened::ToRefund { state, cause, .. } => {
            let state = refund_state_text(*state, language);
            (refund_event_text(*cause, language).to_owned(), facts.text("state", state).plain(t.now_is))
        }
        Happened::Event(event_type, sequence) => (event_type.to_string(), facts.text("n", sequence).plain(t.event)),
        Happened::Webhook(event, DeliveryAttempt { endpoint_id, latency_ms, status, error, .. }) => {
            let what = match status {
                Some(status @ 200..=299) => facts.clone().text("status", status).plain(t.webhook_accepted),
                Some(status) => facts.clone().text("status", status).plain(t.webhook_refused),
                None => t.webhook_not_answered.to_owned(),
            };
            let facts = facts.text("event", event).text("endpoint", endpoint_id).text("ms", latency_ms);
            let detail = match error.as_ref().filter(|_| status.is_none()) {
                Some(error) => facts.text("error", why_unanswered(error, language)).plain(t.delivery_failed),
                None => facts.plain(t.delivery),
            };
            (what, detail)
        }
        Happened::Mail(topic, fate) => (mail(*topic, fate, language), tries(fate, language)),
        Happened::Received { total, amount, difference } => {
            let facts = facts.amount("total", total).amount("amount", amount);
            let detail = match difference {
                Difference::None => facts.plain(t.received),
                Difference::Missing(missing) => facts.amount("missing", missing).plain(t.received_missing),
                Difference::Excess(excess) => facts.amount("excess", excess).plain(t.received_excess),
                Difference::Returned => facts.plain(t.received_returned),
            };
            (t.transfers_came.to_owned(), detail)
        }
        Happened::LateMoney(late) => {
            let amount = late.amount_minor.map(|minor| Money::new(minor, session.amount.currency()));
            let facts = facts.text("attempt", late.attempt).text("provider", &late.provider);
            let facts = facts.text("id", &late.payment_id);
            let detail = match amount {
                Some(amount) => facts.amount("amount", &amount).plain(t.late_money_of),
                None => facts.plain(t.late_money_of_unknown),
            };
            (t.late_money.to_owned(), detail)
        }
        Happened::TakenBack(reason) => (t.money_taken_back.to_owned(), taken_back_text(*reason, language).to_owned()),
    }
}

fn mail(topic: MailTopic, fate: &MailFate, language: Language) -> String {
    let t = texts(language).payments;
    let what = match topic {
        MailTopic::Receipt(_) => t.mail_receipt,
        MailTopic::RefundDetails(_) => t.mail_refund_details,
        MailTopic::RefundSent(_) => t.mail_refund_sent,
        MailTopic::PaymentLink(_) => t.mail_payment_link,
        MailTopic::RefundToAuthorise(_) => t.mail_refund_to_authorise,
    };
    let became = match fate {
        MailFate::CalledFor(_) => t.mail_called_for,
        MailFate::Sent { .. } => t.mail_sent,
        MailFate::GivenUp(_) => t.mail_given_up,
        MailFate::NotNeeded { .. } => t.mail_not_needed,
        MailFate::Reported(MailFeedback::Bounced) => t.mail_bounced,
        MailFate::Reported(MailFeedback::Undelivered) => t.mail_undelivered,
        MailFate::Reported(MailFeedback::Suppressed) => t.mail_suppressed,
        MailFate::Reported(MailFeedback::Complained) => t.mail_complained,
        MailFate::Reported(MailFeedback::Rejected) => t.mail_rejected,
        MailFate::Due(_) => t.mail_due,
    };
    Facts::new(language).text("what", what).text("became", became).plain(t.mail)
}

fn tries(fate: &MailFate, language: Language) -> String {
    let t = texts(language).payments;
    match fate {
        MailFate::CalledFor(_) | MailFate::Reported(_) => String::new(),
        MailFate::Sent { attempts, .. }
        | MailFate::GivenUp(attempts)
        | MailFate::Due(attempts)
        | MailFate::NotNeeded { attempts, .. } => match attempts {
            0 => t.not_tried.to_owned(),
            1 => t.one_try.to_owned(),
            times => Facts::new(language).text("n", times).plain(t.tries),
        },
    }
}
