//! SES: the only place that sends mail.

use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use mails::{Mail, sender};
use models::CorrelationId;
use runtime::Random;
use thiserror::Error;

/// How long SES may take for one mail.
pub(crate) const POST_TIMEOUT: Duration = Duration::from_secs(15);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends mails from one address.
#[derive(Debug)]
pub struct Postbox {
    client: Client,
    sender: String,
    configuration_set: String,
}

/// Why a mail was not sent. Neither shows the address.
#[derive(Debug, Error)]
pub(crate) enum PostError {
    /// SES will never accept this mail.
    #[error("SES refuses this mail: {0}")]
    Refused(&'static str),
    /// Later, perhaps: SES is busy, unreachable, or not set up yet.
    #[error("SES did not accept it: {0}")]
    NotNow(String),
    /// SES certainly did not accept it, and accepts no other just now: that says nothing about this mail.
    #[error("SES accepts no more for now: {0}")]
    Throttled(String, Limit),
}

/// What keeps SES from accepting any mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The account's mails a second.
    Rate,
    /// The account's mails in 24 hours; or the account may send nothing until a person has acted.
    Quota,
}

impl Limit {
    /// How long to wait. For a rate some seconds, not the same for all who met it. For a quota what AWS advises:
    /// <https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html>
    pub(crate) fn wait(self, random: &Random) -> Duration {
        match self {
            Self::Rate => Duration::from_secs(random.u32(1..=4).into()),
            Self::Quota => Duration::from_secs(600),
        }
    }

    /// Which limit an answer of SES reports, if any. For a rate and for a quota it is the same error in other words:
    /// `Maximum sending rate exceeded`, `Daily message quota exceeded`.
    /// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>,
    /// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html>
    fn of(code: Option<&str>, status: Option<u16>, message: Option<&str>) -> Option<Self> {
        let throttled = match code {
            Some("AccountSuspendedException" | "LimitExceededException" | "SendingPausedException") => {
                return Some(Self::Quota);
            }
            Some("TooManyRequestsException" | "ThrottlingException" | "Throttling") => true,
            Some(_) | None => status == Some(429),
        };
        let quota = message.is_some_and(|message| message.to_lowercase().contains("quota"));
        throttled.then_some(if quota { Self::Quota } else { Self::Rate })
    }
}

impl From<BuildError> for PostError {
    fn from(_: BuildError) -> Self {
        Self::Refused("it lacks a part")
    }
}

impl Postbox {
    /// One attempt and no repeats: a mail that SES accepted slowly must not be handed to it again. What fails is due again.
    ///
    /// The configuration set says what becomes of bounces and complaints.
    pub fn new(config: &SdkConfig, sender: String, configuration_set: String) -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_timeout(POST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build();
        let config = config.to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts).build();
        Self { client: Client::new(&config), sender, configuration_set }
    }

    /// Hands the mail to SES and returns SES's id of it. What SES reports about it later bears `tags`; its header says
    /// what caused it.
    pub(crate) async fn post(
        &self,
        mail: &Mail,
        tags: [(&'static str, String); 3],
        correlation_id: Option<&CorrelationId>,
    ) -> Result<String, PostError> {
        let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(utf8(&mail.text)?).html(utf8(&mail.html)?).build();
        // No program answers it with a mail of its own (RFC 3834, 5).
        let automatic = MessageHeader::builder().name("Auto-Submitted").value("auto-generated").build()?;
        let mut message = Message::builder().subject(utf8(&mail.subject)?).body(body).headers(automatic);
        if let Some(correlation_id) = correlation_id {
            let header = MessageHeader::builder().name("Counterfoil-Correlation-Id").value(correlation_id.as_str());
            message = message.headers(header.build()?);
        }
        let tags = tags.map(|(name, value)| MessageTag::builder().name(name).value(value).build());
        let tags = tags.into_iter().collect::<Result<Vec<_>, _>>()?;
        let sent = self
            .client
            .send_email()
            .from_email_address(sender::mailbox(&mail.shop, mail.language, &self.sender))
            .set_reply_to_addresses(mail.reply_to.as_ref().map(|address| vec![address.as_str().to_owned()]))
            .destination(Destination::builder().to_addresses(mail.to.as_str()).build())
            .content(EmailContent::builder().simple(message.build()).build())
            .configuration_set_name(&self.configuration_set)
            .set_email_tags(Some(tags))
            .send()
            .await;
        match sent {
            Ok(output) => Ok(output.message_id.unwrap_or_default()),
            Err(error) => match error.as_service_error() {
                // `MessageRejected` is later, too: it is what SES says while the sender's address is not verified.
                Some(SendEmailError::BadRequestException(_)) => Err(PostError::Refused("BadRequestException")),
                // SES's own messages can name the recipient: only the kind of error is kept.
                Some(other) => {
                    let code = other.code().unwrap_or("an unknown error").to_owned();
                    let status = error.raw_response().map(|response| response.status().as_u16());
                    Err(match Limit::of(other.code(), status, other.message()) {
                        Some(limit) => PostError::Throttled(code, limit),
                        None => PostError::NotNow(code),
                    })
                }
                None => Err(PostError::NotNow(DisplayErrorContext(error).to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_distinguished_from_what_concerns_one_mail() {
        let rate = Some("Maximum sending rate exceeded.");
        for (code, status, message, limit) in [
            ("TooManyRequestsException", 429, rate, Some(Limit::Rate)),
            ("TooManyRequestsException", 429, None, Some(Limit::Rate)),
            ("ThrottlingException", 400, rate, Some(Limit::Rate)),
            ("Throttling", 400, rate, Some(Limit::Rate)),
            ("RequestLimit", 429, None, Some(Limit::Rate)),
            ("TooManyRequestsException", 429, Some("Daily message quota exceeded."), Some(Limit::Quota)),
            ("ThrottlingException", 400, Some("Daily sending Quota exceeded"), Some(Limit::Quota)),
            ("LimitExceededException", 400, None, Some(Limit::Quota)),
            ("SendingPausedException", 400, None, Some(Limit::Quota)),
            ("AccountSuspendedException", 400, None, Some(Limit::Quota)),
            ("MessageRejected", 400, Some("Email address is not verified."), None),
            ("MailFromDomainNotVerifiedException", 400, None, None),
            ("NotFoundException", 404, Some("a quota of its own"), None),
            ("InternalServiceErrorException", 500, None, None),
        ] {
            assert_eq!(Limit::of(Some(code), Some(status), message), limit, "{code}, {message:?}");
        }
    }

    #[test]
    fn a_wait_is_one_that_a_message_can_have() {
        for limit in [Limit::Rate, Limit::Quota] {
            assert!((Duration::from_secs(1)..=queue::MAX_DELAY).contains(&limit.wait(&Random::System)), "{limit:?}");
        }
    }
}
