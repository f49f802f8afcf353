//! The tables of docs/cost.md.

use std::collections::BTreeMap;
use std::fmt::Write;

use runtime::Metric;

use super::bill::{self, Bill, is_mock_bank};
use super::flow::Payment;
use super::prices::{
    ALARM_MONTH, Charge, KEY_MONTH, METRIC_MONTH, PUBLISHED, RECOVERY_GB_MONTH, REGION, RESERVOIR_MONTH, TABLE_GB_MONTH,
};

/// Between these lines the page is written by `make cost`.
pub(super) const BEGIN: &str = "<!-- `make cost` writes from here -->\n";
pub(super) const END: &str = "<!-- to here -->\n";

/// All tables, as Markdown.
pub(super) fn tables(payment: &Payment, template: &str) -> String {
    let ours = bill::ours(payment);
    let rules = bill::usual_rules(payment);
    let usual = bill::usual(&ours, &rules);
    let sections = [
        charges(&ours, &usual, &rules),
        otherwise(&rules),
        where_units_go(payment),
        month(payment, template),
        prices(),
    ];
    format!("\n{}\n", sections.join("\n"))
}

/// The page with these tables in place of those it has.
pub(super) fn in_page(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{tables}{END}{after}"))
}

fn charges(ours: &Bill, usual: &Bill, rules: &[bill::Rule]) -> String {
    let mut text = String::from(
        "## A million payments\n\n\
         | charge | unit | $ per million | per payment | usually | $ | usually $ |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    for charge in Charge::ALL {
        let (name, unit, usd, _) = charge.price();
        let [count, usual_count] = [ours, usual].map(|bill| number(bill.get(charge)));
        let [cost, usual_cost] = [ours, usual].map(|bill| bill.usd(charge));
        line(
            &mut text,
            &format!("| {name} | {unit} | {} | {count} | {usual_count} | {cost:.2} | {usual_cost:.2} |", price(usd)),
        );
    }
    let (otherwise, usually) = bill::differing_usd(rules);
    for (what, cost, usual_cost) in [
        ("**all**", ours.total_usd(&[]), usual.total_usd(&[])),
        ("all but mails", ours.total_usd(&[Charge::Mails]), usual.total_usd(&[Charge::Mails])),
        ("only what is done otherwise, see below", otherwise, usually),
    ] {
        line(&mut text, &format!("| {what} | | | {:.2} × | | {cost:.2} | {usual_cost:.2} |", cost / usual_cost));
    }
    text
}

fn otherwise(rules: &[bill::Rule]) -> String {
    let columns = [Charge::Writes, Charge::Reads, Charge::QueueRequests, Charge::DurationMs, Charge::LogKb];
    let mut text = String::from(
        "## What is usually done otherwise\n\n| | writes | reads | SQS | ms | log KB |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for rule in rules {
        let counts = columns.map(|charge| signed(rule.change.get(charge)));
        line(&mut text, &format!("| {} | {} |", rule.what, counts.join(" | ")));
    }
    text
}

fn where_units_go(payment: &Payment) -> String {
    let mut by: BTreeMap<(&str, &str, &str), [f64; 4]> = BTreeMap::new();
    for (usage, units) in &payment.counts.units {
        if usage.function == "-" {
            continue;
        }
        let what = if is_mock_bank(usage) { "mock bank, not charged above" } else { item_name(&usage.item) };
        let column = match (usage.is_write(), usage.index.as_deref()) {
            (true, None) => 0,
            (true, Some("lists")) => 1,
            (true, Some(_)) => 2,
            (false, _) => 3,
        };
        let function = usage.function.trim_end_matches("Function");
        let row = by.entry((function, what, &usage.operation)).or_default();
        if let Some(cell) = row.get_mut(column) {
            *cell += units;
        }
    }
    let mut text = String::from(
        "## Where the request units go\n\n\
         | function | item | operation | writes, table | writes, lists index | writes, other indexes | reads |\n\
         |---|---|---|---:|---:|---:|---:|\n",
    );
    for ((function, what, operation), units) in by {
        let units = units.map(|units| if units == 0.0 { String::new() } else { number(units) });
        line(&mut text, &format!("| {function} | {what} | {operation} | {} |", units.join(" | ")));
    }
    text
}

/// Items by what they are called elsewhere.
fn item_name(item: &str) -> &str {
    match item {
        "SESSION" => "session",
        "ENDED" => "what ended",
        "EVENTS" => "event, cursor, attempt",
        "ENDPOINTS" => "endpoint",
        "MAIL" => "mail",
        "SHOP" => "shop",
        "MERCHANT" => "merchant",
        "" => "pointers, in a transaction",
        other => other,
    }
}

fn month(payment: &Payment, template: &str) -> String {
    let idle = bill::idle_month(&payment.idle_schedule);
    let count = |what: &str| u32::try_from(template.matches(what).count()).map_or(f64::INFINITY, f64::from);
    // An alarm on a sum is charged for each of its metrics.
    let alarms = count("Type: AWS::CloudWatch::Alarm") - count("Expression: \"SUM(METRICS())\"") + count("MetricStat:");
    // And one that CloudWatch reads out of the access log.
    let metrics = Metric::ALL.iter().fold(1.0, |sum, _| sum + 1.0);
    // A GB for a million payments is a KB for one; the nearest, because some bytes more or less are chance.
    let gb = |bytes: u64| (u32::try_from(bytes).map_or(f64::INFINITY, f64::from) / 1000.0).round();
    let (for_good, for_a_while) = (gb(payment.stored.for_good), gb(payment.stored.for_a_while));
    let kept = |gb: f64| gb * (TABLE_GB_MONTH + RECOVERY_GB_MONTH);
    let mut text = String::from("## A month\n\n| | $ a month |\n|---|---:|\n");
    for (what, usd) in [
        ("Idle: the schedule, every minute".to_owned(), idle.total_usd(&[Charge::QueueRequests])),
        ("Idle: Lambda's polls of the three queues".to_owned(), idle.usd(Charge::QueueRequests)),
        (format!("Idle: alarms, on {alarms} metrics"), alarms * ALARM_MONTH),
        (format!("At most: {metrics} metrics of our own, in months in which each is counted"), metrics * METRIC_MONTH),
        ("At most: X-Ray's first trace in each second; it can be switched off".to_owned(), RESERVOIR_MONTH),
        ("At most: the table's key, asked for every five minutes by each function".to_owned(), KEY_MONTH),
        (format!("A million payments in the table and its recovery, for good: {for_good} GB"), kept(for_good)),
        (format!("Their events, cursors and attempts, for 30 to 40 days: {for_a_while} GB"), kept(for_a_while)),
    ] {
        line(&mut text, &format!("| {what} | {usd:.2} |"));
    }
    text
}

fn prices() -> String {
    let mut text = format!(
        "## Prices\n\nOf {REGION}, as quoted for {PUBLISHED}; with alarms, metrics and keys of <https://aws.amazon.com/cloudwatch/pricing/> and <https://aws.amazon.com/kms/pricing/>:\n\n"
    );
    let mut pages: Vec<(&str, &str)> = Vec::new();
    for charge in Charge::ALL {
        let (name, _, _, page) = charge.price();
        let service = name.split(',').next().unwrap_or(name);
        if !pages.iter().any(|(_, known)| *known == page) {
            pages.push((service, page));
        }
    }
    for (service, page) in pages {
        line(&mut text, &format!("- {service}: <{page}>"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{line}");
}

fn number(number: f64) -> String {
    // Shares of one are rounded.
    format!("{}", (number * 100.0).round() / 100.0)
}

fn signed(number: f64) -> String {
    if number == 0.0 { String::new() } else { format!("{number:+}") }
}

fn price(usd: f64) -> String {
    if usd < 0.01 { format!("{usd:.4}") } else { format!("{usd:.3}") }
}
