//! All that happened to a session and its refunds, in order of time: for operators.

use std::fmt::Display;

use jiff::Timestamp;
use models::{CorrelationId, HistoryEntry, LateMoney, MailState, ObjectId, Received, Refund, Session, SessionId};

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
    pub what: String,
    /// More of it: ids, counts, causes. Nothing personal.
    pub detail: String,
    /// What a merchant's server answered, which may name a person.
    pub personal: Option<String>,
    /// By which request, if that is known.
    pub request: Option<CorrelationId>,
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
            Some(session) => entries.history(id, &session.history, &deliveries),
            None => entries.events(id, &deliveries),
        }
        entries.deliveries(id, &deliveries);
        entries.mails(id, &mails.of(&id).await?);
        if let Some(session) = &session {
            entries.received(id, session);
        }
        if let Some(money) = &late_money {
            entries.late_money(id, money);
        }
        if let Some(taken_back) = session.as_ref().and_then(|session| session.taken_back) {
            entries.add(taken_back.at, id, "money taken back", taken_back.reason.as_str());
        }
        cursors.extend(deliveries.cursors);
        for refund in &refunds {
            let id = ObjectId::from(refund.id);
            let deliveries = events.deliveries(&id).await?;
            entries.history(id, &refund.history, &deliveries);
            entries.deliveries(id, &deliveries);
            entries.mails(id, &mails.of(&id).await?);
            cursors.extend(deliveries.cursors);
        }
        Ok(Timeline { session, refunds, late_money, cursors, entries: entries.in_order() })
    }
}

/// What happened, as it is gathered.
#[derive(Default)]
struct Entries(Vec<TimelineEntry>);

impl Entries {
    fn add(&mut self, at: Timestamp, of: ObjectId, what: impl Into<String>, detail: impl Into<String>) {
        let (what, detail) = (what.into(), detail.into());
        self.0.push(TimelineEntry { at, of, what, detail, personal: None, request: None });
    }

    /// A history, and which of its events are kept.
    fn history<S: Display, E: Display>(
        &mut self,
        of: ObjectId,
        history: &[HistoryEntry<S, E>],
        deliveries: &Deliveries,
    ) {
        for (entry, sequence) in history.iter().zip(1..) {
            let event = match deliveries.events.iter().any(|event| event.sequence == sequence) {
                true => format!("event {sequence}"),
                false => "no event is kept".to_owned(),
            };
            self.0.push(TimelineEntry {
                at: entry.at,
                of,
                what: entry.state.to_string(),
                detail: format!("by {}; {event}", entry.cause),
                personal: None,
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
                what: event.event_type().to_string(),
                detail: format!("event {}", event.sequence),
                personal: None,
                request: event.correlation_id().cloned(),
            });
        }
    }

    /// How webhooks were answered.
    fn deliveries(&mut self, of: ObjectId, deliveries: &Deliveries) {
        for (event, attempt) in &deliveries.attempts {
            let DeliveryAttempt { endpoint_id, at, latency_ms, status, answer, error } = attempt;
            let (what, why) = match (status, error) {
                (Some(status), _) => (format!("webhook answered {status}"), String::new()),
                (None, error) => {
                    let why = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                    ("webhook not answered".to_owned(), why)
                }
            };
            self.0.push(TimelineEntry {
                at: *at,
                of,
                what,
                detail: format!("event {} to {endpoint_id} in {latency_ms} ms{why}", event.sequence),
                personal: answer.clone().filter(|answer| !answer.is_empty()),
                request: None,
            });
        }
    }

    /// What became of mails.
    fn mails(&mut self, of: ObjectId, logs: &[MailLog]) {
        for log in logs {
            let kind = log.id.topic.kind();
            let tried = match log.attempts {
                0 => "not tried yet".to_owned(),
                1 => "tried once".to_owned(),
                times => format!("tried {times} times"),
            };
            self.add(
                log.created_at,
                of,
                format!("mail {kind} called for"),
                format!("for history entry {}", log.id.sequence),
            );
            if let Some(at) = log.sent_at {
                let message = log.message_id.as_deref().unwrap_or("-");
                self.add(at, of, format!("mail {kind} sent"), format!("{tried}; message {message}"));
            }
            if let Some(at) = log.failed_at {
                self.add(at, of, format!("mail {kind} given up"), tried.clone());
            }
            if let Some(at) = log.not_needed_at {
                // The last attempt is the one that saw it.
                let before = match (log.sent_at, log.attempts) {
                    (Some(_), _) => "it was not sent again",
                    (None, 0 | 1) => "it was never sent",
                    (None, _) => "an earlier attempt may have been sent, its answer lost",
                };
                self.add(at, of, format!("mail {kind} not needed"), format!("{tried}; {before}"));
            }
            for (at, feedback) in &log.feedback {
                self.add(*at, of, format!("mail {kind} {}", feedback.as_str()), "as SES reported");
            }
            match (log.state, log.due_at) {
                (MailState::Due, Some(at)) => self.add(at, of, format!("mail {kind} is due"), tried),
                (MailState::Due | MailState::Sent | MailState::Failed | MailState::NotNeeded, _) => {}
            }
        }
    }

    /// What has come by the payer's transfers, in all.
    fn received(&mut self, of: ObjectId, session: &Session) {
        let (Some(Received { at, .. }), Some(total)) = (session.received, session.received_amount()) else { return };
        let rest = match (session.missing(), session.excess(), session.returned()) {
            (Some(missing), _, _) => format!("; {missing} is missing"),
            (None, Some(excess), _) => format!("; {excess} too much, for a person to return"),
            (None, None, Some(_)) => "; the provider has returned it".to_owned(),
            (None, None, None) => String::new(),
        };
        self.add(at, of, "transfers noted", format!("{total} of {} in all{rest}", session.amount));
    }

    /// Money that came of an attempt that was over.
    fn late_money(&mut self, of: ObjectId, money: &LateMoney) {
        let LateMoney { at, provider, payment_id, attempt, amount_minor } = money;
        let amount = amount_minor.map(|minor| format!("; {} in minor units", minor.get())).unwrap_or_default();
        let detail = format!("of attempt {attempt}; payment {payment_id} at {provider}{amount}");
        self.add(*at, of, "late money noted", detail);
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
            let entries: Vec<_> = entries.in_order().into_iter().map(|entry| (entry.at, entry.detail)).collect();
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
        entries.add(later(1), id, "sent", "");
        let entries = entries.in_order();
        let what: Vec<_> = entries.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(what, ["webhook not answered", "webhook answered 500", "sent", "webhook answered 200"]);
        let personal: Vec<_> = entries.iter().map(|entry| entry.personal.as_deref()).collect();
        assert_eq!(personal, [None, None, None, Some("Thanks, Ada")]);
        assert!(entries.iter().all(|entry| !entry.detail.contains("Ada")));
        assert!(entries.first().unwrap().detail.ends_with("in 7 ms: the connection was refused"));
    }
}
