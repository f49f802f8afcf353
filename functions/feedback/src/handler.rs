//! Records bounces and complaints with the mail that they are about. SES itself sends nothing more to such an address: the
//! configuration set in template.yaml says so.
//!
//! SES reports twice, late or, seldom, not at all; each report is recorded once. Where the console is on, its overview names what did
//! not arrive.

use std::collections::HashMap;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use models::{LinkMailId, MailFeedback, MailId};
use runtime::{Clock, Metric, SettingError};
use serde::{Deserialize, Serialize};
use store::{Bounces, Mails, Table};

/// What SES reports when it accepted a mail and did not send it, because an earlier one bounced or was complained about.
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Complaint.html>
const ON_LIST: &str = "OnAccountSuppressionList";

/// Records what became of mails.
#[derive(Debug)]
pub struct Feedback {
    mails: Mails,
    /// Where the console is on.
    bounces: Option<Bounces>,
    clock: Clock,
}

/// An event that SES publishes about a mail; of it nothing that is about a person is read.
/// <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SesEvent {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounce_sub_type: String,
    timestamp: Timestamp,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complaint_sub_type: Option<String>,
    timestamp: Timestamp,
}

impl SesEvent {
    fn tag(&self, name: &str) -> Option<&str> {
        self.mail.tags.get(name)?.first().map(String::as_str)
    }

    fn mail_id(&self) -> Option<MailId> {
        MailId::from_tags(|name| self.tag(name)).ok()
    }

    fn link_mail_id(&self) -> Option<LinkMailId> {
        LinkMailId::from_tags(|name| self.tag(name)).ok()
    }

    /// What it says, and of when; none if it is nothing that we record.
    fn feedback(&self, now: Timestamp) -> Option<(MailFeedback, Timestamp)> {
        match (self.event_type.as_str(), &self.bounce, &self.complaint) {
            ("Bounce", Some(bounce), _) => {
                let feedback = match (bounce.bounce_type.as_str(), bounce.bounce_sub_type.as_str()) {
                    ("Permanent", "Suppressed" | ON_LIST) => MailFeedback::Suppressed,
                    ("Permanent", _) => MailFeedback::Bounced,
                    // SES has tried for hours.
                    _ => MailFeedback::Undelivered,
                };
                Some((feedback, bounce.timestamp))
            }
            ("Complaint", _, Some(complaint)) => {
                let suppressed = complaint.complaint_sub_type.as_deref() == Some(ON_LIST);
                let feedback = if suppressed { MailFeedback::Suppressed } else { MailFeedback::Complained };
                Some((feedback, complaint.timestamp))
            }
            ("Reject", ..) => Some((MailFeedback::Rejected, now)),
            _ => None,
        }
    }
}

impl Feedback {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(Table::from_env()?, Clock::System, runtime::console_is_on()))
    }

    /// Over this table, by this clock, with the console on or off.
    pub fn new(table: Table, clock: Clock, console_is_on: bool) -> Self {
        Self { bounces: console_is_on.then(|| Bounces::new(table.clone())), mails: Mails::new(table), clock }
    }

    /// Records the event; an error makes Lambda try again.
    pub async fn handle(&self, event: LambdaEvent<EventBridgeEvent<SesEvent>>) -> Result<(), Error> {
        let event = event.payload.detail;
        let message_id = &event.mail.message_id;
        let feedback = event.feedback(self.clock.now());
        let feedback = match (event.mail_id(), event.link_mail_id(), feedback) {
            (Some(mail), _, Some((feedback, at))) => {
                let at = models::truncate_to_ms(at);
                let noted = self.mails.note(&mail, feedback, at).await?;
                if let Some(bounces) = self.bounces.as_ref().filter(|_| noted && !feedback.arrived()) {
                    bounces.note(&mail, at).await?;
                }
                let text = feedback.as_str();
                tracing::warn!(%mail, message_id, feedback = text, noted, "SES reported a problem with a mail");
                feedback
            }
            // Nothing is kept of it that could bear a note.
            (None, Some(mail), Some((feedback, _))) => {
                let text = feedback.as_str();
                tracing::warn!(%mail, message_id, feedback = text, "SES reported a problem with a mail to one of a merchant's people");
                feedback
            }
            (_, _, None) | (None, None, Some(_)) => {
                tracing::error!(message_id, event_type = event.event_type, "an event of SES is not understood");
                return Ok(());
            }
        };
        match feedback {
            MailFeedback::Bounced | MailFeedback::Undelivered | MailFeedback::Suppressed | MailFeedback::Rejected => {
                Metric::MailsBounced.count();
            }
            MailFeedback::Complained => Metric::MailsComplained.count(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const AT: &str = "2026-11-21T10:00:00.123Z";

    fn event(event_type: &str, more: Value) -> SesEvent {
        let mut event = json!({
            "eventType": event_type,
            "mail": {
                "messageId": "0101-1",
                "destination": ["ada@example.com"],
                "tags": {
                    "object": ["1ae1ce03-dfa9-4593-b487-65c656991cb5"],
                    "kind": ["receipt"],
                    "sequence": ["4"],
                    "ses:configuration-set": ["set"],
                },
            },
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    fn bounce(kind: &str, sub_kind: &str) -> Option<MailFeedback> {
        let bounce = json!({ "bounce": { "bounceType": kind, "bounceSubType": sub_kind, "timestamp": AT } });
        event("Bounce", bounce).feedback(Timestamp::UNIX_EPOCH).map(|(feedback, at)| {
            assert_eq!(at, AT.parse().unwrap());
            feedback
        })
    }

    #[test]
    fn each_kind_of_feedback_is_distinguished() {
        assert_eq!(bounce("Permanent", "General"), Some(MailFeedback::Bounced));
        assert_eq!(bounce("Permanent", "OnAccountSuppressionList"), Some(MailFeedback::Suppressed));
        assert_eq!(bounce("Transient", "MailboxFull"), Some(MailFeedback::Undelivered));
        assert_eq!(bounce("Undetermined", "Undetermined"), Some(MailFeedback::Undelivered));
        let complaint = event("Complaint", json!({ "complaint": { "timestamp": AT } }));
        assert_eq!(complaint.feedback(Timestamp::UNIX_EPOCH).map(|(kind, _)| kind), Some(MailFeedback::Complained));
        let again = json!({ "complaint": { "complaintSubType": "OnAccountSuppressionList", "timestamp": AT } });
        let again = event("Complaint", again).feedback(Timestamp::UNIX_EPOCH);
        assert_eq!(again.map(|(kind, _)| kind), Some(MailFeedback::Suppressed));
        let rejected = event("Reject", json!({ "reject": { "reason": "Bad content" } }));
        assert_eq!(rejected.feedback(Timestamp::UNIX_EPOCH), Some((MailFeedback::Rejected, Timestamp::UNIX_EPOCH)));
        assert_eq!(event("Delivery", json!({})).feedback(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_tags_say_which_mail() {
        let mail = event("Bounce", json!({})).mail_id().unwrap();
        assert_eq!(mail.to_string(), "1ae1ce03-dfa9-4593-b487-65c656991cb5/receipt/4");
        let mut other = event("Bounce", json!({}));
        other.mail.tags.remove("kind");
        assert_eq!(other.mail_id(), None);
    }
}
