//! All that happened to a session and its refunds, in order of time: for operators, and for people of the merchant.

use std::fmt::Display;

use jiff::Timestamp;
use models::{
    CorrelationId, EventId, EventType, HistoryEntry, LateMoney, MailFeedback, MailState, MailTopic, Money, ObjectId,
    Received, Refund, RefundEvent, RefundState, Session, SessionEvent, SessionId, SessionState, TakenBackReason,
};

use crate::deliveries::{CursorState, Deliveries};
use crate::error::StoreError;
use crate::events::{DeliveryAttempt, Events};
use crate::mail_log::MailLog;
use crate::mails::Mails;
use crate::refunds::{Refunds, WithRefunds};
use crate::sessions::Sessions;
use crate::table::Table;

/// The timelines of the table's sessions.
#[derive(Debug, Clone)]
pub struct Timelines {
    table: Table,
}

/// A session with its refunds, and all that happened to them.
#[derive(Debug)]
pub struct Timeline {
    /// The session; none if it was deleted.
    pub session: Option<Session>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Money that came of an attempt that was over, noted also of a deleted session.
    pub late_money: Option<LateMoney>,
    /// How many events of them were delivered to each endpoint.
    pub cursors: Vec<CursorState>,
    /// What happened, in order of time.
    pub entries: Vec<TimelineEntry>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// To the session, or to which refund.
    pub of: ObjectId,
    /// What.
    pub happened: Happened,
    /// By which request, if that is known.
    pub request: Option<CorrelationId>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// The session came to a state.
    ToSession {
        /// Which state.
        state: SessionState,
        /// By what.
        cause: SessionEvent,
        /// Which entry of its history it is, from 1.
        sequence: usize,
        /// Whether the event of it is still kept.
        has_event: bool,
    },
    /// The refund came to a state.
    ToRefund {
        /// Which state.
        state: RefundState,
        /// By what.
        cause: RefundEvent,
        /// Which entry of its history it is, from 1.
        sequence: usize,
        /// Whether the event of it is still kept.
        has_event: bool,
    },
    /// What the event says of something that is not there any more.
    Event(EventType, usize),
    /// An event was sent to an endpoint.
    Webhook(EventId, DeliveryAttempt),
    /// A mail was called for, or something became of it.
    Mail(MailTopic, MailFate),
    /// What has come by the payer's transfers, in all, was noted.
    Received {
        /// How much.
        total: Money,
        /// Of how much.
        amount: Money,
        /// How the two differ.
        difference: Difference,
    },
    /// Money came of an attempt that was over.
    LateMoney(LateMoney),
    /// The money was taken back.
    TakenBack(TakenBackReason),
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailFate {
    /// It was called for by this entry of the history, from 1.
    CalledFor(usize),
    /// It was sent, after this many attempts.
    Sent {
        /// How many.
        attempts: u32,
        /// What the mail service calls it.
        message_id: Option<String>,
    },
    /// It was given up, after this many attempts.
    GivenUp(u32),
    /// There was no need for it any more.
    NotNeeded {
        /// After how many attempts. The last is the one that saw it.
        attempts: u32,
        /// Whether it had been sent.
        was_sent: bool,
    },
    /// The mail service reported this of it.
    Reported(MailFeedback),
    /// It is due then, after this many attempts.
    Due(u32),
}

/// How what came by transfers differs from what was to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Not at all.
    None,
    /// So much is missing.
    Missing(Money),
    /// So much is too much, for a person to return.
    Excess(Money),
    /// It was too little, and the provider has returned it.
    Returned,
}

impl TimelineEntry {
    /// What happened, for operators.
    pub fn what(&self) -> String {
        match &self.happened {
            Happened::ToSession { state, .. } => state.to_string(),
            Happened::ToRefund { state, .. } => state.to_string(),
            Happened::Event(event_type, _) => event_type.to_string(),
            Happened::Webhook(_, DeliveryAttempt { status: Some(status), .. }) => format!("webhook answered {status}"),
            Happened::Webhook(_, DeliveryAttempt { status: None, .. }) => "webhook not answered".to_owned(),
            Happened::Mail(topic, fate) => {
                let became = match fate {
                    MailFate::CalledFor(_) => "called for",
                    MailFate::Sent { .. } => "sent",
                    MailFate::GivenUp(_) => "given up",
                    MailFate::NotNeeded { .. } => "not needed",
                    MailFate::Reported(feedback) => feedback.as_str(),
                    MailFate::Due(_) => "is due",
                };
                format!("mail {} {became}", topic.kind())
            }
            Happened::Received { .. } => "transfers noted".to_owned(),
            Happened::LateMoney(_) => "late money noted".to_owned(),
            Happened::TakenBack(_) => "money taken back".to_owned(),
        }
    }

    /// More of it, for operators: ids, counts, causes. Nothing personal.
    pub fn detail(&self) -> String {
        match &self.happened {
            Happened::ToSession { cause, sequence, has_event, .. } => history_detail(cause, *sequence, *has_event),
            Happened::ToRefund { cause, sequence, has_event, .. } => history_detail(cause, *sequence, *has_event),
            Happened::Event(_, sequence) => format!("event {sequence}"),
            Happened::Webhook(event, DeliveryAttempt { endpoint_id, latency_ms, status, error, .. }) => {
                let why = error.as_ref().filter(|_| status.is_none());
                let why = why.map(|error| format!(": {error}")).unwrap_or_default();
                format!("event {} to {endpoint_id} in {latency_ms} ms{why}", event.sequence)
            }
            Happened::Mail(_, fate) => match fate {
                MailFate::CalledFor(sequence) => format!("for history entry {sequence}"),
                MailFate::Sent { attempts, message_id } => {
                    format!("{}; message {}", tried(*attempts), message_id.as_deref().unwrap_or("-"))
                }
                MailFate::GivenUp(attempts) | MailFate::Due(attempts) => tried(*attempts),
                MailFate::NotNeeded { attempts, was_sent } => {
                    let before = match (was_sent, attempts) {
                        (true, _) => "it was not sent again",
                        (false, 0 | 1) => "it was never sent",
                        (false, _) => "an earlier attempt may have been sent, its answer lost",
                    };
                    format!("{}; {before}", tried(*attempts))
                }
                MailFate::Reported(_) => "as SES reported".to_owned(),
            },
            Happened::Received { total, amount, difference } => {
                let rest = match difference {
                    Difference::Missing(missing) => format!("; {missing} is missing"),
                    Difference::Excess(excess) => format!("; {excess} too much, for a person to return"),
                    Difference::Returned => "; the provider has returned it".to_owned(),
                    Difference::None => String::new(),
                };
                format!("{total} of {amount} in all{rest}")
            }
            Happened::LateMoney(LateMoney { provider, payment_id, attempt, amount_minor, .. }) => {
                let amount = amount_minor.map(|minor| format!("; {} in minor units", minor.get())).unwrap_or_default();
                format!("of attempt {attempt}; payment {payment_id} at {provider}{amount}")
            }
            Happened::TakenBack(reason) => reason.as_str().to_owned(),
        }
    }

    /// What a merchant's server answered, which may name a person.
    pub fn personal(&self) -> Option<&str> {
        match &self.happened {
            Happened::Webhook(_, attempt) => attempt.answer.as_deref().filter(|answer| !answer.is_empty()),
            Happened::ToSession { .. }
            | Happened::ToRefund { .. }
            | Happened::Event(..)
            | Happened::Mail(..)
            | Happened::Received { .. }
            | Happened::LateMoney(_)
            | Happened::TakenBack(_) => None,
        }
    }
}

fn history_detail(cause: impl Display, sequence: usize, has_event: bool) -> String {
    let event = if has_event { format!("event {sequence}") } else { "no event is kept".to_owned() };
    format!("by {cause}; {event}")
}

fn tried(attempts: u32) -> String {
    match attempts {
        0 => "not tried yet".to_owned(),
        1 => "tried once".to_owned(),
        times => format!("tried {times} times"),
    }
}

impl Timelines {
    /// The timelines in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The timeline of a session. Each part of it is read consistently; events and deliveries are kept for 30 days.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, session_id: &SessionId) -> Result<Timeline, StoreError> {
        let WithRefunds { session, refunds } = Refunds::new(self.table.clone()).of(session_id).await?;
        let late_money = match &session {
            Some(session) => session.late_money.clone(),
            None => Sessions::new(self.table.clone()).late_money(session_id).await?,
        };
        let (events, mails) = (Events::new(self.table.clone()), Mails::new(self.table.clone()));
        let (mut entries, mut cursors) = (Entries::default(), Vec::new());
        let id = ObjectId::from(*session_id);
        let deliveries = events.deliveries(&id).await?;
        match &session {
            Some(session) => entries.history(id, &session.history, &deliveries, to_session),
            None => entries.events(id, &deliveries),
        }
        entries.deliveries(id, &deliveries);
        entries.mails(id, &mails.of(&id).await?);
        if let Some(session) = &session {
            entries.received(id, session);
        }
        if let Some(money) = &late_money {
            entries.add(money.at, id, Happened::LateMoney(money.clone()));
        }
        if let Some(taken_back) = session.as_ref().and_then(|session| session.taken_back) {
            entries.add(taken_back.at, id, Happened::TakenBack(taken_back.reason));
        }
        cursors.extend(deliveries.cursors);
        for refund in &refunds {
            let id = ObjectId::from(refund.id);
            let deliveries = events.deliveries(&id).await?;
            entries.history(id, &refund.history, &deliveries, to_refund);
            entries.deliveries(id, &deliveries);
            entries.mails(id, &mails.of(&id).await?);
            cursors.extend(deliveries.cursors);
        }
        Ok(Timeline { session, refunds, late_money, cursors, entries: entries.in_order() })
    }
}

const fn to_session(state: SessionState, cause: SessionEvent, sequence: usize, has_event: bool) -> Happened {
    Happened::ToSession { state, cause, sequence, has_event }
}

const fn to_refund(state: RefundState, cause: RefundEvent, sequence: usize, has_event: bool) -> Happened {
    Happened::ToRefund { state, cause, sequence, has_event }
}

/// What happened, as it is gathered.
#[derive(Default)]
struct Entries(Vec<TimelineEntry>);

impl Entries {
    fn add(&mut self, at: Timestamp, of: ObjectId, happened: Happened) {
        self.0.push(TimelineEntry { at, of, happened, request: None });
    }

    /// A history, and which of its events are kept.
    fn history<S: Copy, E: Copy>(
        &mut self,
        of: ObjectId,
        history: &[HistoryEntry<S, E>],
        deliveries: &Deliveries,
        happened: impl Fn(S, E, usize, bool) -> Happened,
    ) {
        for (entry, sequence) in history.iter().zip(1..) {
            let has_event = deliveries.events.iter().any(|event| event.sequence == sequence);
            self.0.push(TimelineEntry {
                at: entry.at,
                of,
                happened: happened(entry.state, entry.cause, sequence, has_event),
                request: entry.correlation_id.clone(),
            });
        }
    }

    /// Of what is not there any more, what its events say.
    fn events(&mut self, of: ObjectId, deliveries: &Deliveries) {
        for event in &deliveries.events {
            self.0.push(TimelineEntry {
                at: event.created_at(),
                of,
                happened: Happened::Event(event.event_type(), event.sequence),
                request: event.correlation_id().cloned(),
            });
        }
    }

    /// How webhooks were answered.
    fn deliveries(&mut self, of: ObjectId, deliveries: &Deliveries) {
        for (event, attempt) in &deliveries.attempts {
            self.add(attempt.at, of, Happened::Webhook(*event, attempt.clone()));
        }
    }

    /// What became of mails.
    fn mails(&mut self, of: ObjectId, logs: &[MailLog]) {
        for log in logs {
            let (topic, attempts) = (log.id.topic, log.attempts);
            let due_at = match (log.state, log.due_at) {
                (MailState::Due, at) => at,
                (MailState::Sent | MailState::Failed | MailState::NotNeeded, _) => None,
            };
            self.add(log.created_at, of, Happened::Mail(topic, MailFate::CalledFor(log.id.sequence)));
            if let Some(at) = log.sent_at {
                let message_id = log.message_id.clone();
                self.add(at, of, Happened::Mail(topic, MailFate::Sent { attempts, message_id }));
            }
            if let Some(at) = log.failed_at {
                self.add(at, of, Happened::Mail(topic, MailFate::GivenUp(attempts)));
            }
            if let Some(at) = log.not_needed_at {
                let was_sent = log.sent_at.is_some();
                self.add(at, of, Happened::Mail(topic, MailFate::NotNeeded { attempts, was_sent }));
            }
            for (at, feedback) in &log.feedback {
                self.add(*at, of, Happened::Mail(topic, MailFate::Reported(*feedback)));
            }
            if let Some(at) = due_at {
                self.add(at, of, Happened::Mail(topic, MailFate::Due(attempts)));
            }
        }
    }

    /// What has come by the payer's transfers, in all.
    fn received(&mut self, of: ObjectId, session: &Session) {
        let (Some(Received { at, .. }), Some(total)) = (session.received, session.received_amount()) else { return };
        let difference = match (session.missing(), session.excess(), session.returned()) {
            (Some(missing), _, _) => Difference::Missing(missing),
            (None, Some(excess), _) => Difference::Excess(excess),
            (None, None, Some(_)) => Difference::Returned,
            (None, None, None) => Difference::None,
        };
        self.add(at, of, Happened::Received { total, amount: session.amount, difference });
    }

    /// What happened at once stays in the order in which it was added.
    fn in_order(mut self) -> Vec<TimelineEntry> {
        self.0.sort_by_key(|entry| entry.at);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use models::{EndpointId, EventId, MinorUnits};
    use samples::later;

    use super::*;

    #[test]
    fn a_transfer_is_said_to_lack_exceed_or_return_an_amount() {
        use models::SessionEvent::{BankChosen, ConsentGiven, PayerIdentified, Settled, Underpaid};
        for (end, minor, detail) in [
            (None, 150, "£1.50 of £4.00 in all; £2.50 is missing"),
            (Some(Settled), 400, "£4.00 of £4.00 in all"),
            (Some(Settled), 405, "£4.05 of £4.00 in all; £0.05 too much, for a person to return"),
            (Some(Underpaid), 150, "£1.50 of £4.00 in all; the provider has returned it"),
        ] {
            let causes: Vec<_> = [PayerIdentified, BankChosen, ConsentGiven].into_iter().chain(end).collect();
            let mut session = samples::session_after(&causes);
            session.received = Some(Received { total: MinorUnits::new(minor), at: later(9) });
            let mut entries = Entries::default();
            entries.received(session.id.into(), &session);
            let entries: Vec<_> = entries.in_order().into_iter().map(|entry| (entry.at, entry.detail())).collect();
            assert_eq!(entries, [(later(9), detail.to_owned())]);
        }
    }

    #[test]
    fn what_happened_is_in_order_and_what_a_server_answered_stands_apart() {
        let (id, endpoint_id) = (ObjectId::from(samples::session().id), EndpointId::new(samples::uuid()));
        let attempt = |seconds, status, answer: Option<&str>, error: Option<&str>| DeliveryAttempt {
            endpoint_id,
            at: later(seconds),
            latency_ms: 7,
            headers: std::collections::BTreeMap::new(),
            status,
            answer: answer.map(str::to_owned),
            error: error.map(str::to_owned),
        };
        let attempts = [
            attempt(2, Some(200), Some("Thanks, Ada"), None),
            attempt(1, Some(500), Some(""), None),
            attempt(0, None, None, Some("the connection was refused")),
        ];
        let event = EventId { object_id: id, sequence: 1 };
        let attempts = attempts.into_iter().map(|attempt| (event, attempt)).collect();
        let mut entries = Entries::default();
        entries.deliveries(id, &Deliveries { attempts, ..Deliveries::default() });
        let sent = to_session(SessionState::Sent, SessionEvent::Settled, 5, true);
        entries.add(later(1), id, sent);
        let entries = entries.in_order();
        let what: Vec<_> = entries.iter().map(TimelineEntry::what).collect();
        assert_eq!(what, ["webhook not answered", "webhook answered 500", "sent", "webhook answered 200"]);
        let personal: Vec<_> = entries.iter().map(TimelineEntry::personal).collect();
        assert_eq!(personal, [None, None, None, Some("Thanks, Ada")]);
        assert!(entries.iter().all(|entry| !entry.detail().contains("Ada")));
        assert!(entries.first().unwrap().detail().ends_with("in 7 ms: the connection was refused"));
    }
}
