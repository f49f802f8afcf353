//! All that happened to a session and its refunds, in order of time.

use std::fmt::Display;

use jiff::Timestamp;
use models::{CorrelationId, HistoryEntry, LateMoney, MailState};
use store::{Deliveries, DeliveryAttempt, MailLog, StoredEvent};

use crate::report::{Record, field, maybe};

/// What happened, as it is gathered.
pub(super) struct Timeline {
    personal: bool,
    rows: Vec<Row>,
}

struct Row {
    at: Timestamp,
    of: String,
    what: String,
    detail: String,
    request: Option<CorrelationId>,
}

impl Timeline {
    pub(super) fn new(personal: bool) -> Self {
        Self { personal, rows: Vec::new() }
    }

    fn add(&mut self, at: Timestamp, of: &str, what: impl Into<String>, detail: impl Into<String>) {
        self.rows.push(Row { at, of: of.to_owned(), what: what.into(), detail: detail.into(), request: None });
    }

    /// A history, and which of its events are kept.
    pub(super) fn history<S: Display, E: Display>(
        &mut self,
        of: &str,
        history: &[HistoryEntry<S, E>],
        deliveries: &Deliveries,
    ) {
        for (entry, sequence) in history.iter().zip(1..) {
            let event = match deliveries.events.iter().any(|event| event.sequence == sequence) {
                true => format!("event {sequence}"),
                false => "no event is kept".to_owned(),
            };
            self.rows.push(Row {
                at: entry.at,
                of: of.to_owned(),
                what: entry.state.to_string(),
                detail: format!("by {}; {event}", entry.cause),
                request: entry.correlation_id.clone(),
            });
        }
    }

    /// Of what is not there any more, what its events say.
    pub(super) fn events(&mut self, of: &str, deliveries: &Deliveries) {
        for event in &deliveries.events {
            self.rows.push(Row {
                at: event.created_at(),
                of: of.to_owned(),
                what: event.event_type().to_string(),
                detail: format!("event {}", event.sequence),
                request: StoredEvent::correlation_id(event).cloned(),
            });
        }
    }

    /// How webhooks were answered.
    pub(super) fn deliveries(&mut self, of: &str, deliveries: &Deliveries) {
        for (event, attempt) in &deliveries.attempts {
            let DeliveryAttempt { endpoint_id, at, latency_ms, status, answer, error } = attempt;
            let (what, why) = match (status, error) {
                (Some(status), _) => (format!("webhook answered {status}"), String::new()),
                (None, error) => {
                    let why = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                    ("webhook not answered".to_owned(), why)
                }
            };
            let answer = match answer.as_deref() {
                Some(answer) if self.personal && !answer.is_empty() => format!(": {answer}"),
                Some(_) | None => String::new(),
            };
            let event = event.sequence;
            self.add(*at, of, what, format!("event {event} to {endpoint_id} in {latency_ms} ms{why}{answer}"));
        }
    }

    /// What became of mails.
    pub(super) fn mails(&mut self, of: &str, logs: &[MailLog]) {
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

    /// Money that came of an attempt that was over.
    pub(super) fn late_money(&mut self, of: &str, money: &LateMoney) {
        let LateMoney { at, provider, payment_id, attempt } = money;
        self.add(*at, of, "late money noted", format!("of attempt {attempt}; payment {payment_id} at {provider}"));
    }

    /// In order of time; what happened at once, in the order in which it was added.
    pub(super) fn into_records(mut self) -> Vec<Record> {
        self.rows.sort_by_key(|row| row.at);
        let record = |Row { at, of, what, detail, request }| {
            Record(vec![
                field("at", format!("{at:.3}")),
                field("of", of),
                field("what", what),
                field("detail", detail),
                maybe("request", request),
            ])
        };
        self.rows.into_iter().map(record).collect()
    }
}
