//! From what was counted to what AWS charges for: of the service as it is, and of the same flow as it is usually built.

use std::collections::BTreeMap;

use local::{Counts, Usage};

use super::flow::{ENDPOINTS, Payment};
use super::prices::Charge;

/// How long a function waits for one call, in ms, as measured from Lambda in the same region by many; one after the
/// other, even where they go side by side.
const DYNAMODB_MS: f64 = 5.0;
const SQS_MS: f64 = 10.0;
const SES_MS: f64 = 100.0;
/// How long a merchant's server takes to answer.
const MERCHANT_MS: f64 = 200.0;
/// What a function does itself in one invocation, rounded up to a billed ms.
const OWN_MS: f64 = 2.0;

/// What Lambda itself writes to logs for each invocation (`platform.start` and `platform.report`), unless template.yaml says
/// not to, and API Gateway for each request; and 26 bytes that CloudWatch adds to each line.
const PLATFORM_LOG_BYTES: f64 = 500.0 + 2.0 * LINE_BYTES;
const ACCESS_LOG_BYTES: f64 = 300.0;
const LINE_BYTES: f64 = 26.0;
/// The headers of an answer.
const HEADER_BYTES: f64 = 400.0;

/// Of how many invocations X-Ray records a trace, beyond the first in each second.
const TRACED: f64 = 0.05;

/// Requests to SQS for one message, alone in its batch: sent, received, deleted.
const REQUESTS_A_MESSAGE: f64 = 3.0;

/// How often something is charged for in one payment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bill(BTreeMap<Charge, f64>);

impl Bill {
    pub(super) fn get(&self, charge: Charge) -> f64 {
        self.0.get(&charge).copied().unwrap_or(0.0)
    }

    fn and(mut self, charge: Charge, count: f64) -> Self {
        *self.0.entry(charge).or_default() += count;
        self
    }

    fn plus(&self, other: &Self) -> Self {
        other.0.iter().fold(self.clone(), |sum, (charge, count)| sum.and(*charge, *count))
    }

    /// Dollars for a million payments.
    pub(super) fn usd(&self, charge: Charge) -> f64 {
        self.get(charge) * charge.price().2
    }

    pub(super) fn total_usd(&self, without: &[Charge]) -> f64 {
        Charge::ALL.into_iter().filter(|charge| !without.contains(charge)).map(|charge| self.usd(charge)).sum()
    }
}

/// The mock bank's own memory, which a live bank keeps at home.
pub(super) fn is_mock_bank(usage: &Usage) -> bool {
    usage.item == "MOCKBANK"
}

/// Request units: of writes or of reads, of what `wanted` says.
fn units(counts: &Counts, is_write: bool, wanted: impl Fn(&Usage) -> bool) -> f64 {
    let of_kind = |usage: &Usage| usage.is_write() == is_write && usage.function != "-" && !is_mock_bank(usage);
    counts.units.iter().filter(|(usage, _)| of_kind(usage) && wanted(usage)).map(|(_, units)| units).sum()
}

fn calls(counts: &Counts, wanted: impl Fn(&str, &str) -> bool) -> f64 {
    let calls = counts.calls.iter().filter(|((function, operation), _)| function != "-" && wanted(function, operation));
    count(calls.map(|(_, count)| count).sum())
}

fn count(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// How long the functions run, in ms.
fn duration_ms(counts: &Counts) -> f64 {
    let sqs = calls(counts, |_, operation| operation == "SendMessage");
    let ses = calls(counts, |_, operation| operation == "SendEmail");
    // Each of the mock bank's calls is one unit.
    let of_mock_bank: f64 = counts.units.iter().filter(|(usage, _)| is_mock_bank(usage)).map(|(_, units)| units).sum();
    let dynamodb = calls(counts, |_, _| true) - sqs - ses - of_mock_bank;
    let invocations = count(counts.invocations.values().sum());
    invocations * OWN_MS + dynamodb * DYNAMODB_MS + sqs * SQS_MS + ses * SES_MS
}

/// What one payment is charged.
pub(super) fn ours(payment: &Payment) -> Bill {
    let Payment { counts, requests, bytes_out, log_lines, log_bytes, mails, deliveries, .. } = payment;
    let invocations = count(counts.invocations.values().sum());
    let messages = calls(counts, |_, operation| operation == "SendMessage");
    let log_bytes =
        count(*log_bytes) + count(*log_lines) * LINE_BYTES + count(*requests) * (ACCESS_LOG_BYTES + LINE_BYTES);
    Bill::default()
        .and(Charge::Writes, units(counts, true, |_| true))
        .and(Charge::Reads, units(counts, false, |_| true))
        .and(Charge::HttpRequests, count(*requests))
        .and(Charge::Invocations, invocations)
        .and(Charge::DurationMs, duration_ms(counts) + count(*deliveries) * MERCHANT_MS)
        .and(Charge::QueueRequests, messages * REQUESTS_A_MESSAGE)
        .and(Charge::Mails, count(*mails))
        .and(Charge::LogKb, (log_bytes / 1000.0).round())
        .and(Charge::Traces, invocations * TRACED)
        .and(Charge::OutKb, ((count(*bytes_out) + count(*requests) * HEADER_BYTES) / 1000.0).round())
}

/// One thing that is usually done otherwise.
pub(super) struct Rule {
    pub(super) what: String,
    pub(super) change: Bill,
}

/// What is done otherwise where an idempotency library, reads before writes and a queue do what conditional writes, the
/// stream and leases do here. It answers, stores, mails and notifies the same, but promises less: docs/cost.md says what.
pub(super) fn usual_rules(payment: &Payment) -> Vec<Rule> {
    let counts = &payment.counts;
    let changes = calls(counts, |function, operation| {
        matches!((function, operation), ("CreateFunction", "PutItem") | ("CheckoutFunction", "UpdateItem"))
    });
    // The last two changes, consent and settlement, come of one request.
    let changing_requests = changes - 1.0;
    let invocations = count(counts.invocations.values().sum());
    let transitions = changes - 1.0;
    let read_already = transitions - 1.0;
    let messages = changes + calls(counts, |_, operation| operation == "SendMessage");
    let mail = |usage: &Usage| usage.item == "MAIL";
    let mail_calls = 3.0 * count(payment.mails);
    let cursor =
        |usage: &Usage| usage.operation == "UpdateItem" && ["EVENTS", "ENDPOINTS"].contains(&usage.item.as_str());
    let cursor_calls = calls(counts, |function, operation| {
        operation == "UpdateItem" && ["PublishFunction", "WebhookFunction"].contains(&function)
    });
    let dynamodb = |calls: f64| Bill::default().and(Charge::DurationMs, calls * DYNAMODB_MS);
    vec![
        Rule {
            what: format!(
                "Idempotency by Powertools: a record before each of the {changing_requests} requests that change something \
                 (1 unit), and the answer in it after (1 unit; 2 for creation, whose answer is above 1 KB)"
            ),
            change: dynamodb(2.0 * changing_requests).and(Charge::Writes, 2.0 * changing_requests + 1.0),
        },
        Rule {
            what: format!(
                "The session is read before each of its {transitions} transitions; here it is before {read_already}"
            ),
            change: dynamodb(transitions - read_already).and(Charge::Reads, transitions - read_already),
        },
        Rule {
            what: format!("A message for each of the {changes} changes: sent, received, deleted; here the stream says"),
            change: Bill::default()
                .and(Charge::QueueRequests, changes * REQUESTS_A_MESSAGE)
                .and(Charge::DurationMs, changes * SQS_MS),
        },
        Rule {
            what: format!(
                "The same two records for each of the {messages} messages handled, which may come twice: {changes} changes, \
                 a mail, {ENDPOINTS} webhooks"
            ),
            change: dynamodb(2.0 * messages).and(Charge::Writes, 2.0 * messages),
        },
        Rule {
            what: format!(
                "Lambda's own two lines in the log for each of {invocations} invocations; here only of trouble"
            ),
            change: Bill::default().and(Charge::LogKb, (invocations * PLATFORM_LOG_BYTES / 1000.0).round()),
        },
        Rule {
            what: "No mail in the table to be claimed and marked: a lost message is a lost receipt".to_owned(),
            change: dynamodb(-mail_calls).and(Charge::Writes, -units(counts, true, mail)),
        },
        Rule {
            what: "No cursor, lease or slot for webhooks: no order, and nothing holds back what keeps failing"
                .to_owned(),
            change: dynamodb(-cursor_calls).and(Charge::Writes, -units(counts, true, cursor)),
        },
    ]
}

pub(super) fn usual(ours: &Bill, rules: &[Rule]) -> Bill {
    rules.iter().fold(ours.clone(), |bill, rule| bill.plus(&rule.change))
}

/// Dollars for a million payments: what is done here and not usually, and the other way round.
pub(super) fn differing_usd(rules: &[Rule]) -> (f64, f64) {
    let changes = || rules.iter().map(|rule| rule.change.total_usd(&[]));
    (-changes().filter(|usd| *usd < 0.0).sum::<f64>(), changes().filter(|usd| *usd > 0.0).sum())
}

/// What the schedule costs in a month in which nothing is due.
pub(super) fn idle_month(idle_schedule: &Counts) -> Bill {
    const MINUTES_A_MONTH: f64 = 43_800.0;
    // template.yaml gives `expire` a full core; a ms is priced for 256 MB.
    const MEMORY: f64 = 1_769.0 / 256.0;
    // Lambda keeps five long polls of 20 seconds open at each of three queues.
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    let polls_a_minute = 3.0 * 5.0 * 3.0;
    let in_millions = MINUTES_A_MONTH / 1_000_000.0;
    Bill::default()
        .and(Charge::Reads, units(idle_schedule, false, |_| true) * in_millions)
        .and(Charge::Invocations, in_millions)
        .and(Charge::DurationMs, duration_ms(idle_schedule) * MEMORY * in_millions)
        .and(Charge::QueueRequests, polls_a_minute * in_millions)
}
