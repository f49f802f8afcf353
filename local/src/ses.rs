//! SES v2's SendEmail: keeps the mail as a file instead of sending it.
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_parser::MessageParser;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::feedback::{Fate, Feedback};
use crate::http::{self, Answer};
use crate::mails::Mails;
use crate::tasks::lock;

/// Where SendEmail is sent to.
pub(crate) const SEND_EMAIL_PATH: &str = "/v2/email/outbound-emails";

/// SES's limit for a message, attachments included.
const MAX_MAIL_BYTES: usize = 40 * 1024 * 1024;
/// SES's limit for the recipients of one mail.
const MAX_RECIPIENTS: usize = 50;
/// SES's limit for an address, with the name that is shown for it.
const MAX_ADDRESS_LENGTH: usize = 320;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
    #[serde(default)]
    destination: Destination,
    #[serde(default)]
    reply_to_addresses: Vec<String>,
    content: Content,
    configuration_set_name: Option<String>,
    #[serde(default)]
    email_tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Content {
    simple: Option<Simple>,
    raw: Option<RawMail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Simple {
    subject: Text,
    body: Body,
    #[serde(default)]
    headers: Vec<MailHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MailHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawMail {
    data: String,
}

/// An answer that is an error, in SES's wire format.
pub(crate) fn error(status: StatusCode, kind: &str, message: &str) -> Answer {
    let mut answer = http::json(status, "application/json", &json!({ "message": message }));
    http::set_header(&mut answer, "x-amzn-errortype", kind);
    answer
}

/// The answer to a mail beyond the account's rate.
pub(crate) fn rate_exceeded() -> Answer {
    error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Maximum sending rate exceeded.")
}

/// An account's maximum sending rate.
pub(crate) struct MailRate {
    mails_per_second: Option<usize>,
    /// When the mails of the last second were sent.
    sent: Mutex<VecDeque<Instant>>,
}

impl MailRate {
    /// None limits nothing.
    pub(crate) fn new(mails_per_second: Option<usize>) -> Self {
        Self { mails_per_second, sent: Mutex::default() }
    }

    /// Counts a mail, if the rate allows one more.
    pub(crate) fn allows_one(&self) -> bool {
        let Some(most) = self.mails_per_second else { return true };
        let (mut sent, now) = (lock(&self.sent), Instant::now());
        while sent.pop_front_if(|at| now.duration_since(*at) >= Duration::from_secs(1)).is_some() {}
        let allows = sent.len() < most;
        if allows {
            sent.push_back(now);
        }
        allows
    }
}

/// Answers one SendEmail.
pub(crate) fn send_email(mails: &Mails, feedback: &Feedback, body: &[u8]) -> Answer {
    let read = |error: serde_json::Error| error.to_string();
    let request: SendEmail = match serde_json::from_slice(body).map_err(read) {
        Ok(request) => request,
        Err(problem) => return error(StatusCode::BAD_REQUEST, "BadRequestException", &problem),
    };
    let set = request.configuration_set_name.clone();
    if let Some(unknown) = set.as_deref().filter(|set| !feedback.knows(set)) {
        let problem = format!("Configuration set <{unknown}> does not exist.");
        return error(StatusCode::NOT_FOUND, "NotFoundException", &problem);
    }
    let tags: Vec<_> = request.email_tags.iter().map(|Tag { name, value }| (name.clone(), value.clone())).collect();
    if let Some((name, _)) = tags.iter().find(|(name, value)| !is_tag(name) || !is_tag(value)) {
        let problem = format!("Email tag <{name}>: only letters, digits, _ and - may be used.");
        return error(StatusCode::BAD_REQUEST, "BadRequestException", &problem);
    }
    let address = request.destination.to_addresses.first().cloned().unwrap_or_default();
    let eml = match eml(request) {
        Ok(eml) => eml,
        Err(problem) => return error(StatusCode::BAD_REQUEST, "BadRequestException", &problem),
    };
    let fate = feedback.fate(set.as_deref(), &address);
    let kept = match fate {
        Fate::Delivered | Fate::Complained => mails.keep(&eml),
        // Nobody gets it.
        Fate::Bounced | Fate::SuppressedBounce | Fate::SuppressedComplaint => Ok(Uuid::now_v7().to_string()),
    };
    match kept {
        Ok(id) => {
            if let Some(set) = &set {
                feedback.publish(set, fate, &id, &address, &tags);
            }
            http::json(StatusCode::OK, "application/json", &json!({ "MessageId": id }))
        }
        Err(problem) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceErrorException", &problem.to_string()),
    }
}

/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html>
fn is_tag(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn eml(request: SendEmail) -> Result<Vec<u8>, String> {
    let Destination { to_addresses: to, cc_addresses: cc, bcc_addresses: bcc } = &request.destination;
    let recipients = to.len() + cc.len() + bcc.len();
    if recipients > MAX_RECIPIENTS {
        return Err(format!("Recipient count exceeds {MAX_RECIPIENTS}."));
    }
    let eml = match (request.content.simple, request.content.raw) {
        (None, Some(raw)) => STANDARD.decode(raw.data).map_err(|error| format!("Raw.Data is no Base64: {error}"))?,
        (Some(simple), None) => {
            let from = request.from_email_address.ok_or("Missing required FromEmailAddress.")?;
            if recipients == 0 {
                return Err("Missing destination: no recipient.".to_owned());
            }
            let mut message = MessageBuilder::new().from(address(&from)?).subject(simple.subject.data);
            if !to.is_empty() {
                message = message.to(addresses(to)?);
            }
            if !cc.is_empty() {
                message = message.cc(addresses(cc)?);
            }
            // A real mail would not show these; here they show who would have received it.
            if !bcc.is_empty() {
                message = message.bcc(addresses(bcc)?);
            }
            if !request.reply_to_addresses.is_empty() {
                message = message.reply_to(addresses(&request.reply_to_addresses)?);
            }
            for header in simple.headers {
                if (header.name.clone() + &header.value).contains(['\r', '\n', '\0']) {
                    return Err(format!("The header {:?} holds a line break.", header.name));
                }
                message = message.header(header.name, Raw::new(header.value));
            }
            let Body { text, html } = simple.body;
            if text.is_none() && html.is_none() {
                return Err("Missing body: neither Text nor Html.".to_owned());
            }
            if let Some(text) = text {
                message = message.text_body(text.data);
            }
            if let Some(html) = html {
                message = message.html_body(html.data);
            }
            message.write_to_vec().map_err(|error| error.to_string())?
        }
        (None, None) | (Some(_), Some(_)) => return Err("Content must be either Simple or Raw.".to_owned()),
    };
    if eml.len() > MAX_MAIL_BYTES {
        return Err(format!("Message length is more than {MAX_MAIL_BYTES} bytes long."));
    }
    Ok(eml)
}

fn addresses(texts: &[String]) -> Result<Address<'static>, String> {
    Ok(Address::new_list(texts.iter().map(|text| address(text)).collect::<Result<_, _>>()?))
}

/// `a@b.c` or `Name <a@b.c>`, the name being a phrase of words, quoted strings or encoded words (RFC 5322, 3.4; RFC 2047, 5).
/// SES takes ASCII only, and no more than 320 characters of it.
fn address(text: &str) -> Result<Address<'static>, String> {
    let illegal = || format!("Illegal address: {text:?}");
    if !text.bytes().all(|b| matches!(b, b' '..=b'~')) || text.len() > MAX_ADDRESS_LENGTH {
        return Err(illegal());
    }
    let header = format!("From: {text}\r\n\r\n");
    let parsed = MessageParser::default().parse_headers(header.as_bytes()).ok_or_else(illegal)?;
    let Some(mail_parser::Address::List(list)) = parsed.from() else { return Err(illegal()) };
    let [mailbox] = list.as_slice() else { return Err(illegal()) };
    let email = mailbox.address().ok_or_else(illegal)?;
    if text.trim() != email && !text.trim_end().ends_with(&format!("<{email}>")) {
        return Err(illegal());
    }
    let valid = |c: char| !c.is_ascii_whitespace() && !"<>,".contains(c);
    let parts = email.split_once('@');
    if !email.chars().all(valid) || parts.is_none_or(|(local, domain)| local.is_empty() || domain.is_empty()) {
        return Err(illegal());
    }
    Ok(Address::new_address(mailbox.name().map(str::to_owned), email.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn written(request: Value) -> Result<String, String> {
        eml(serde_json::from_value(request).unwrap()).map(|eml| String::from_utf8(eml).unwrap())
    }

    #[test]
    fn a_simple_mail_becomes_a_message() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path().to_owned()).unwrap();
        let request = json!({
            "FromEmailAddress": "Shop <shop@example.com>",
            "Destination": {"ToAddresses": ["a@example.com"], "BccAddresses": ["b@example.com"]},
            "ReplyToAddresses": ["reply@example.com"],
            "Content": {"Simple": {
                "Subject": {"Data": "Café ✓"},
                "Body": {"Text": {"Data": "Grüße"}, "Html": {"Data": "<p>Grüße</p>"}},
                "Headers": [{"Name": "X-Kind", "Value": "receipt"}],
            }},
        });
        mails.keep(&eml(serde_json::from_value(request).unwrap()).unwrap()).unwrap();
        let mail = mails.list().unwrap().remove(0);
        assert_eq!((mail.from.as_str(), mail.subject.as_str()), ("shop@example.com", "Café ✓"));
        assert_eq!(mail.to, ["a@example.com", "b@example.com"]);
        assert_eq!(mail.text.as_deref().map(str::trim), Some("Grüße"));
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<p>Grüße</p>"));
        assert!(String::from_utf8(mails.raw(&mail.id).unwrap()).unwrap().contains("X-Kind: receipt"));
    }

    #[test]
    fn a_sender_is_shown_by_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path().to_owned()).unwrap();
        for (from, name) in [
            ("shop@example.com", None),
            ("Shop <shop@example.com>", Some("Shop")),
            (r#""Wiley, \"G\" <x@y.z>" <shop@example.com>"#, Some(r#"Wiley, "G" <x@y.z>"#)),
            ("=?utf-8?B?QsO8cm8=?= =?utf-8?Q?_=E2=80=93_B?= <shop@example.com>", Some("Büro – B")),
        ] {
            let simple = json!({"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}});
            let request = json!({
                "FromEmailAddress": from,
                "Destination": {"ToAddresses": ["a@example.com"]},
                "ReplyToAddresses": ["help@shop.example"],
                "Content": {"Simple": simple},
            });
            mails.keep(&eml(serde_json::from_value(request).unwrap()).unwrap()).unwrap();
            let mail = mails.list().unwrap().remove(0);
            assert_eq!((mail.from.as_str(), mail.from_name.as_deref()), ("shop@example.com", name));
            assert_eq!(mail.reply_to, ["help@shop.example"]);
        }
    }

    #[test]
    fn a_raw_mail_is_kept_as_it_is() {
        let raw = "Subject: x\r\n\r\ny";
        assert_eq!(written(json!({"Content": {"Raw": {"Data": STANDARD.encode(raw)}}})).unwrap(), raw);
    }

    #[test]
    fn impossible_mails_are_refused() {
        let with = |from: Value, to: Value, content: Value| {
            written(json!({"FromEmailAddress": from, "Destination": {"ToAddresses": to}, "Content": content}))
        };
        let simple = json!({"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}});
        assert!(with(json!("a@b.c"), json!(["d@e.f"]), simple.clone()).is_ok());
        assert!(with(json!(null), json!(["d@e.f"]), simple.clone()).is_err());
        assert!(with(json!("a@b.c"), json!([]), simple.clone()).is_err());
        let long = format!("{} <a@b.c>", "n".repeat(313));
        for from in ["Büro <a@b.c>", "a@b.c, d@e.f", "Shop: a@b.c;", "Shop", "Shop <>", "<a@b.c> x@y.z", &long] {
            assert!(with(json!(from), json!(["d@e.f"]), simple.clone()).is_err(), "{from}");
        }
        assert!(with(json!("a@b.c"), json!(["d@e.f\r\nBcc: x@y.z"]), simple).is_err());
        assert!(with(json!("a@b.c"), json!(["d@e.f"]), json!({})).is_err());
        let no_body = json!({"Simple": {"Subject": {"Data": "s"}, "Body": {}}});
        assert!(with(json!("a@b.c"), json!(["d@e.f"]), no_body).is_err());
    }
}
