//! What SES publishes of mails after it has accepted them, through EventBridge, to functions whose rule asks for it.
//! <https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator>
//!
//! Only mails to SES's simulator come back here: `bounce@` and `complaint@simulator.amazonses.com`, also with `+label`. As
//! any other address would be, and other than on AWS, they are then on the suppression list, as long as the machine runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::functions::Functions;
use crate::names;
use crate::tasks::Tasks;
use crate::template::{ConfigurationSet, Filter};

const SIMULATOR: &str = "simulator.amazonses.com";

/// How often Lambda tries an asynchronous invocation.
const TRIES: usize = 3;

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Bounced,
    /// Delivered, and called spam.
    Complained,
    /// Accepted, and not sent: the address has bounced before.
    SuppressedBounce,
    /// The same, because it has complained.
    SuppressedComplaint,
}

/// Which functions get events of mails, and which addresses get no further mail.
pub(crate) struct Feedback {
    pub(crate) sets: BTreeMap<String, ConfigurationSet>,
    /// Each function with a pattern of the events that it is called with.
    pub(crate) rules: Vec<(String, Filter)>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) tasks: Tasks,
    pub(crate) suppressed: Mutex<BTreeSet<String>>,
}

impl Feedback {
    /// Whether there is such a configuration set.
    pub(crate) fn knows(&self, set: &str) -> bool {
        self.sets.contains_key(set)
    }

    /// What becomes of a mail to this address, sent with this configuration set.
    pub(crate) fn fate(&self, set: Option<&str>, address: &str) -> Fate {
        let mut suppressed = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
        let address = address.to_lowercase();
        let suppresses =
            |reason: &str| set.and_then(|set| self.sets.get(set)).is_some_and(|set| set.suppresses.contains(reason));
        let (fate, again, reason) = match address.split_once('@') {
            Some((local, SIMULATOR)) => match local.split('+').next() {
                Some("bounce") => (Fate::Bounced, Fate::SuppressedBounce, "BOUNCE"),
                Some("complaint") => (Fate::Complained, Fate::SuppressedComplaint, "COMPLAINT"),
                Some(_) | None => return Fate::Delivered,
            },
            Some(_) | None => return Fate::Delivered,
        };
        if suppresses(reason) && suppressed.contains(&address) {
            return again;
        }
        if suppresses(reason) {
            suppressed.insert(address);
        }
        fate
    }

    /// Calls every function whose rule matches, without waiting for it.
    pub(crate) fn publish(&self, set: &str, fate: Fate, message_id: &str, address: &str, tags: &[(String, String)]) {
        let Some(event) = event(set, fate, message_id, address, tags) else { return };
        let published = self.sets.get(set).is_some_and(|set| set.publishes.contains(event_type(fate)));
        for (function, _) in self.rules.iter().filter(|(_, rule)| published && rule.matches(&event)) {
            let (functions, function, event) = (Arc::clone(&self.functions), function.clone(), event.to_string());
            self.tasks.spawn(async move {
                for _ in 0..TRIES {
                    if functions.invoke(&function, event.clone().into()).await.is_ok() {
                        return;
                    }
                }
            });
        }
    }
}

/// As `MatchingEventTypes` names it.
fn event_type(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivery",
        Fate::Bounced | Fate::SuppressedBounce => "bounce",
        Fate::Complained | Fate::SuppressedComplaint => "complaint",
    }
}

/// <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html>, as EventBridge wraps it.
fn event(set: &str, fate: Fate, message_id: &str, address: &str, tags: &[(String, String)]) -> Option<Value> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let bounce = |sub_type: &str| {
        let recipients = json!([{ "emailAddress": address, "action": "failed", "status": "5.1.1" }]);
        json!({
            "bounceType": "Permanent", "bounceSubType": sub_type, "bouncedRecipients": recipients,
            "timestamp": now, "feedbackId": Uuid::new_v4(),
        })
    };
    let complaint = |sub_type: Option<&str>| {
        json!({
            "complainedRecipients": [{ "emailAddress": address }], "complaintSubType": sub_type,
            "complaintFeedbackType": "abuse", "timestamp": now, "feedbackId": Uuid::new_v4(),
        })
    };
    let on_list = "OnAccountSuppressionList";
    let (detail_type, name, key, about) = match fate {
        Fate::Delivered => return None,
        Fate::Bounced => ("Email Bounced", "Bounce", "bounce", bounce("General")),
        Fate::SuppressedBounce => ("Email Bounced", "Bounce", "bounce", bounce(on_list)),
        Fate::Complained => ("Email Complaint Received", "Complaint", "complaint", complaint(None)),
        Fate::SuppressedComplaint => ("Email Complaint Received", "Complaint", "complaint", complaint(Some(on_list))),
    };
    let mut all_tags: Map<String, Value> = tags.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    all_tags.insert("ses:configuration-set".to_owned(), json!([set]));
    let mut detail = json!({
        "eventType": name,
        "mail": { "timestamp": now, "messageId": message_id, "destination": [address], "tags": all_tags },
    });
    if let Value::Object(detail) = &mut detail {
        detail.insert(key.to_owned(), about);
    }
    let set_arn = format!("arn:aws:ses:{}:{}:configuration-set/{set}", names::REGION, names::ACCOUNT);
    Some(json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": names::ACCOUNT,
        "time": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": names::REGION,
        "resources": [set_arn],
        "detail": detail,
    }))
}
