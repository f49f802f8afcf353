//! What AWS charges for, and how much. To compute with another region's prices, put them here and run `make cost`.

/// Where the prices hold, and when they were published. Tiers for large volumes and the free tier are left out.
pub(super) const REGION: &str = "us-east-1 (N. Virginia)";
pub(super) const PUBLISHED: &str = "December 2025";

/// Something that AWS charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Charge {
    Writes,
    Reads,
    HttpRequests,
    Invocations,
    DurationMs,
    QueueRequests,
    Mails,
    LogKb,
    OutKb,
    Traces,
}

impl Charge {
    pub(super) const ALL: [Self; 10] = [
        Self::Writes,
        Self::Reads,
        Self::HttpRequests,
        Self::Invocations,
        Self::DurationMs,
        Self::QueueRequests,
        Self::Mails,
        Self::LogKb,
        Self::OutKb,
        Self::Traces,
    ];

    /// Name, unit, dollars for a million units, and the page that says so.
    pub(super) const fn price(self) -> (&'static str, &'static str, f64, &'static str) {
        match self {
            Self::Writes => {
                ("DynamoDB, writes", "write request unit", 0.625, "https://aws.amazon.com/dynamodb/pricing/on-demand/")
            }
            Self::Reads => {
                ("DynamoDB, reads", "read request unit", 0.125, "https://aws.amazon.com/dynamodb/pricing/on-demand/")
            }
            Self::HttpRequests => {
                ("API Gateway, HTTP API", "request", 1.00, "https://aws.amazon.com/api-gateway/pricing/")
            }
            Self::Invocations => ("Lambda, requests", "invocation", 0.20, "https://aws.amazon.com/lambda/pricing/"),
            // $0.0000133334 for a GB-second of arm64; 256 MB are a quarter.
            Self::DurationMs => {
                ("Lambda, duration", "ms of 256 MB, arm64", 0.003_333_35, "https://aws.amazon.com/lambda/pricing/")
            }
            Self::QueueRequests => ("SQS, standard queue", "request", 0.40, "https://aws.amazon.com/sqs/pricing/"),
            Self::Mails => ("SES", "mail", 100.00, "https://aws.amazon.com/ses/pricing/"),
            Self::LogKb => ("CloudWatch Logs, ingested", "KB", 0.50, "https://aws.amazon.com/cloudwatch/pricing/"),
            Self::OutKb => (
                "Data transfer to the internet",
                "KB",
                0.09,
                "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
            ),
            Self::Traces => ("X-Ray", "trace recorded", 5.00, "https://aws.amazon.com/xray/pricing/"),
        }
    }
}

/// Dollars a month: for a GB in the table, the same for its point-in-time recovery, a GB of logs.
pub(super) const TABLE_GB_MONTH: f64 = 0.25;
pub(super) const RECOVERY_GB_MONTH: f64 = 0.20;
/// Dollars a month for each alarm and each metric of our own.
pub(super) const ALARM_MONTH: f64 = 0.10;
pub(super) const METRIC_MONTH: f64 = 0.30;
/// Dollars a month for a trace every second, which X-Ray records before it takes samples.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html>
pub(super) const RESERVOIR_MONTH: f64 = 60.0 * 60.0 * 730.0 * 5.0 / 1_000_000.0;
/// Dollars a month for 14 functions that have DynamoDB ask for the table's key every five minutes, at $0.03 for 10,000
/// requests. <https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html>
pub(super) const KEY_MONTH: f64 = 14.0 * 12.0 * 730.0 * 0.03 / 10_000.0;
