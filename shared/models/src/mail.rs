//! Mails: which history entries call for one, and where each stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, LinkMailId, RefundId, SessionId};
use crate::number::whole_number;
use crate::refund::Refund;
use crate::refund_transition::RefundState;
use crate::session::Session;
use crate::transition::{SessionEvent, SessionState};

/// What a mail is about, and so whom it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailTopic {
    /// To the payer: the payment was sent.
    Receipt(SessionId),
    /// To the customer: where should the refund go?
    RefundDetails(RefundId),
    /// To the customer: the refund was sent.
    RefundSent(RefundId),
    /// To the payer: where to pay.
    PaymentLink(SessionId),
    /// To the merchant: where to authorise what pays the refund.
    RefundToAuthorise(RefundId),
}

impl MailTopic {
    /// The kind of mail, as stored.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Receipt(_) => "receipt",
            Self::RefundDetails(_) => "refund_details",
            Self::RefundSent(_) => "refund_sent",
            Self::PaymentLink(_) => "payment_link",
            Self::RefundToAuthorise(_) => "refund_to_authorise",
        }
    }

    /// The id of the object, as stored.
    pub fn object(self) -> String {
        match self {
            Self::Receipt(id) | Self::PaymentLink(id) => id.to_string(),
            Self::RefundDetails(id) | Self::RefundSent(id) | Self::RefundToAuthorise(id) => id.to_string(),
        }
    }
}

/// One mail: its topic, and the history entry that called for it. There can be only one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MailId {
    /// What it is about.
    pub topic: MailTopic,
    /// The history entry that called for it, from 1.
    pub sequence: usize,
}

impl MailId {
    /// The id as tags that a mail service keeps with the mail and shows in its feedback: letters, digits, `_` and
    /// `-` only, as SES takes them.
    pub fn tags(&self) -> [(&'static str, String); 3] {
        let (object, kind) = (self.topic.object(), self.topic.kind().to_owned());
        [("object", object), ("kind", kind), ("sequence", self.sequence.to_string())]
    }

    /// The id that such tags spell.
    ///
    /// # Errors
    /// They spell none.
    pub fn from_tags<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidId> {
        let part = |name| tag(name).ok_or(InvalidId::new("mail id"));
        format!("{}/{}/{}", part("object")?, part("kind")?, part("sequence")?).parse()
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic.object(), self.topic.kind(), self.sequence)
    }
}

impl FromStr for MailId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("mail id");
        let mut parts = text.split('/');
        let (Some(object), Some(kind), Some(sequence), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid);
        };
        let topic = match kind {
            "receipt" => MailTopic::Receipt(object.parse()?),
            "refund_details" => MailTopic::RefundDetails(object.parse()?),
            "refund_sent" => MailTopic::RefundSent(object.parse()?),
            "payment_link" => MailTopic::PaymentLink(object.parse()?),
            "refund_to_authorise" => MailTopic::RefundToAuthorise(object.parse()?),
            _ => return Err(invalid),
        };
        Ok(Self { topic, sequence: whole_number(sequence).ok_or(invalid)? })
    }
}

impl LinkMailId {
    const KIND: &str = "sign_in_link";

    /// The id as tags, as of [`MailId::tags`]; of all of its mails the same.
    pub fn tags(self) -> [(&'static str, String); 3] {
        [("object", self.to_string()), ("kind", Self::KIND.to_owned()), ("sequence", "1".to_owned())]
    }

    /// The id that such tags spell.
    ///
    /// # Errors
    /// They spell none.
    pub fn from_tags<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("id of mails with sign-in links");
        let object = tag("object").filter(|_| tag("kind") == Some(Self::KIND));
        object.ok_or(invalid)?.parse()
    }
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// To be sent, or being sent.
    Due,
    /// Handed to the mail service.
    Sent,
    /// Refused for good, or tried too often.
    Failed,
    /// There was nothing to say any more, or nobody to say it to, when it was to be sent. An earlier attempt whose answer was
    /// lost may have been sent.
    NotNeeded,
}

/// What the mail service reported of a mail after it had accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFeedback {
    /// There is no such mailbox.
    Bounced,
    /// It could not be delivered for hours, and is given up.
    Undelivered,
    /// It was not sent, for the address had bounced or complained before.
    Suppressed,
    /// Its recipient calls it unwanted.
    Complained,
    /// It was not sent for what it contains.
    Rejected,
}

impl MailFeedback {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Bounced, Self::Undelivered, Self::Suppressed, Self::Complained, Self::Rejected];

    /// Whether the mail reached somebody.
    pub const fn arrived(self) -> bool {
        match self {
            Self::Complained => true,
            Self::Bounced | Self::Undelivered | Self::Suppressed | Self::Rejected => false,
        }
    }

    /// Its name, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Undelivered => "undelivered",
            Self::Suppressed => "suppressed",
            Self::Complained => "complained",
            Self::Rejected => "rejected",
        }
    }
}

/// The mail that a session's history entry with this sequence number calls for, if any. A session that pays a refund has
/// none: its customer hears of the refund.
///
/// The link is mailed to whom the merchant named as the payer, not to an address that somebody typed at the checkout.
pub(crate) fn mail_for_session(session: &Session, sequence: usize) -> Option<MailId> {
    let entry = session.history.entry(sequence)?;
    let has_address = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
    if !has_address || session.pays_refund.is_some() {
        return None;
    }
    let topic = match (entry.cause, entry.state) {
        (SessionEvent::Created, SessionState::AwaitingProvider) if session.email_link => {
            MailTopic::PaymentLink(session.id)
        }
        (_, SessionState::Sent) if session.email_receipt => MailTopic::Receipt(session.id),
        (_, _) => return None,
    };
    Some(MailId { topic, sequence })
}

/// The mail that a refund's history entry with this sequence number calls for, if any.
pub(crate) fn mail_for_refund(refund: &Refund, sequence: usize) -> Option<MailId> {
    let entry = refund.history.entry(sequence)?;
    let is_mailed = !refund.format.shows_refund_link() && refund.payment_session_id.is_some();
    let topic = match entry.state {
        RefundState::AwaitingDetails if refund.has_email => MailTopic::RefundDetails(refund.id),
        RefundState::AwaitingPayment if is_mailed => MailTopic::RefundToAuthorise(refund.id),
        RefundState::Sent if refund.has_email && refund.email_receipt => MailTopic::RefundSent(refund.id),
        RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent | RefundState::Failed => {
            return None;
        }
    };
    Some(MailId { topic, sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_id_reads_back_and_nothing_else_does() {
        let text = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for topic in [
            MailTopic::Receipt(text.parse().unwrap()),
            MailTopic::RefundDetails(text.parse().unwrap()),
            MailTopic::RefundSent(text.parse().unwrap()),
            MailTopic::PaymentLink(text.parse().unwrap()),
            MailTopic::RefundToAuthorise(text.parse().unwrap()),
        ] {
            let id = MailId { topic, sequence: 5 };
            assert_eq!(id.to_string().parse(), Ok(id));
            let tags = id.tags();
            let tag = |name: &str| tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| value.as_str());
            assert_eq!(MailId::from_tags(tag), Ok(id));
            let allowed = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
            assert!(tags.iter().all(|(name, value)| allowed(name) && allowed(value)));
            assert!(MailId::from_tags(|name| tag(name).filter(|_| name != "kind")).is_err());
        }
        let links: LinkMailId = text.parse().unwrap();
        let tags = links.tags();
        let tag = |name: &str| tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| value.as_str());
        assert_eq!(LinkMailId::from_tags(tag), Ok(links));
        assert!(MailId::from_tags(tag).is_err() && text.parse::<MailId>().is_err());
        assert!(LinkMailId::from_tags(|name| if name == "kind" { Some("receipt") } else { tag(name) }).is_err());
        for text in [
            "",
            "x/receipt/5",
            &format!("{text}/letter/5"),
            &format!("{text}/receipt/x"),
            &format!("{text}/receipt/5/6"),
        ] {
            assert!(text.parse::<MailId>().is_err(), "{text}");
        }
    }
}
