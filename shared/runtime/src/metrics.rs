//! Metrics: counts that CloudWatch reads out of the log, in its embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! No call of AWS waits for them. What Lambda, API Gateway, SQS and DynamoDB count by themselves is not counted again.

use std::future::Future;
use std::io::stdout;

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::settings::{self, SettingError};

/// What is counted. template.yaml shows each on its dashboard, and has alarms on some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Payments, refunds included, whose money the bank sent.
    PaymentsSent,
    /// Payments, refunds included, that ended otherwise.
    PaymentsNotSent,
    /// Checks of payments that the bank has not settled an hour after they were submitted; each is checked every hour.
    StuckPending,
    /// Money that came for an attempt that was over: it has to be returned by hand.
    LateMoney,
    /// Payments whose money was taken back after it was sent: by chargeback, indemnity claim or return.
    MoneyTakenBack,
    /// Transfers that match no payment, and payments that were sent more than their amount: what is too much has to be returned
    /// by hand.
    UnmatchedMoney,
    /// Mails that SES accepted.
    MailsSent,
    /// Mails that were given up.
    MailsFailed,
    /// Tries that SES turned away for its rate or its quota, or because the account may not send.
    MailsThrottled,
    /// Mails that came back, or that SES did not send for that.
    MailsBounced,
    /// Mails that their recipients call unwanted.
    MailsComplained,
    /// Deliveries that merchants' endpoints accepted.
    WebhooksAccepted,
    /// Deliveries that they did not.
    WebhooksNotAccepted,
    /// Cursors that were given up after three days.
    DeadCursors,
    /// What fell due and could not be done this time; it stays due.
    DueFailed,
    /// Sessions whose personal data was kept for long enough.
    SessionsErased,
    /// Customers whose personal data was kept for long enough.
    CustomersErased,
}

impl Metric {
    /// All there are.
    pub const ALL: [Self; 17] = [
        Self::PaymentsSent,
        Self::PaymentsNotSent,
        Self::StuckPending,
        Self::LateMoney,
        Self::MoneyTakenBack,
        Self::UnmatchedMoney,
        Self::MailsSent,
        Self::MailsFailed,
        Self::MailsThrottled,
        Self::MailsBounced,
        Self::MailsComplained,
        Self::WebhooksAccepted,
        Self::WebhooksNotAccepted,
        Self::DeadCursors,
        Self::DueFailed,
        Self::SessionsErased,
        Self::CustomersErased,
    ];

    /// Its name in CloudWatch.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentsSent => "PaymentsSent",
            Self::PaymentsNotSent => "PaymentsNotSent",
            Self::StuckPending => "StuckPending",
            Self::LateMoney => "LateMoney",
            Self::MoneyTakenBack => "MoneyTakenBack",
            Self::UnmatchedMoney => "UnmatchedMoney",
            Self::MailsSent => "MailsSent",
            Self::MailsFailed => "MailsFailed",
            Self::MailsThrottled => "MailsThrottled",
            Self::MailsBounced => "MailsBounced",
            Self::MailsComplained => "MailsComplained",
            Self::WebhooksAccepted => "WebhooksTaken",
            Self::WebhooksNotAccepted => "WebhooksNotTaken",
            Self::DeadCursors => "DeadCursors",
            Self::DueFailed => "DueFailed",
            Self::SessionsErased => "SessionsErased",
            Self::CustomersErased => "CustomersErased",
        }
    }

    /// Counts one; written when the invocation ends.
    pub fn count(self) {
        metrics::counter!(self.as_str()).increment(1);
    }
}

/// Writes what was counted.
pub struct Metrics(&'static Collector);

impl Metrics {
    /// Starts counting, for the namespace in `METRICS_NAMESPACE`. Once in a process.
    ///
    /// # Errors
    /// The variable is missing, or counting has been started before.
    pub fn start() -> Result<Self, SettingError> {
        let namespace = settings::required("METRICS_NAMESPACE")?;
        let collector = Builder::new().cloudwatch_namespace(namespace).init();
        let collector = collector.map_err(|_| SettingError::new("METRICS_NAMESPACE", "has been used before"))?;
        for metric in Metric::ALL {
            metrics::describe_counter!(metric.as_str(), metrics::Unit::Count, "");
        }
        Ok(Self(collector))
    }

    /// Does the work of one invocation, and writes what was counted in it, if anything.
    pub async fn of<F: Future>(&self, work: F) -> F::Output {
        let done = work.await;
        if let Err(error) = self.0.flush(stdout()) {
            tracing::warn!(%error, "metrics could not be written");
        }
        done
    }
}
