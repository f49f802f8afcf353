//! Whether the table is sound.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::SignedDuration;
use runtime::Clock;
use store::{Checked, Rule, Table, TableItem, Verify as Verifier, Violation};
use tokio::time::Instant;

use crate::arguments::duration;
use crate::failure::{Failure, counted};
use crate::progress::{ReadRate, walk};
use crate::report::{Content, Record, Report, field, plain, shown_as};

/// How many items are checked at a time, in each part of the table.
const CONCURRENCY: usize = 8;

/// How often an item that breaks a rule is checked again, and how long after the last time: it may be changing.
const CHECKS_AGAIN: usize = 2;
const PAUSE: Duration = Duration::from_secs(1);

/// How many violations are shown, so that memory has a bound.
const SHOWN: usize = 1000;

/// Go through the whole table, and check what must be true of it
///
/// Every item can be read; histories have no gap and take no way that doesn't exist; states, amounts and what is left of
/// payments agree with histories and refunds; nothing belongs to what is not there; whatever waits is in the due index and
/// isn't forgotten there; events and mails are there; nothing personal is left of what was deleted or erased. It changes
/// nothing, and may run while the service does: an item that seems to break a rule is checked again before it is
/// reported.
///
/// The exit code is 0 if all rules hold, 1 if one is broken, and 2 if the table could not be checked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  counterfoil verify\n  counterfoil verify --late-after 72h")]
pub(crate) struct Verify {
    /// After how long what is due counts as forgotten, and what happened as not published; longer after a restore
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    late_after: SignedDuration,
    #[command(flatten)]
    rate: ReadRate,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    items: u64,
    violations: u64,
    warnings: u64,
    broken: BTreeMap<Rule, u64>,
    shown: Vec<Violation>,
    shown_warnings: Vec<Violation>,
}

impl Found {
    fn add(&mut self, violation: Violation) {
        self.violations += 1;
        *self.broken.entry(violation.rule).or_default() += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(violation);
        }
    }

    fn warn(&mut self, warning: Violation) {
        self.warnings += 1;
        if self.shown_warnings.len() < SHOWN {
            self.shown_warnings.push(warning);
        }
    }
}

pub(crate) async fn run(Verify { late_after, rate }: Verify, table: &Table) -> Result<Report, Failure> {
    let begun = Instant::now();
    let verifier = Verifier::new(table.clone(), Clock::System.now(), late_after);
    let found = RefCell::new(Found::default());
    let check = async |items: Vec<TableItem>| {
        found.borrow_mut().items += items.len() as u64;
        let (checked, units) = check_all(&verifier, items).await?;
        for Checked { violations, warnings, .. } in checked {
            violations.into_iter().for_each(|violation| found.borrow_mut().add(violation));
            warnings.into_iter().for_each(|warning| found.borrow_mut().warn(warning));
        }
        Ok(units)
    };
    walk(table, "verifying", rate, Table::items, check).await?;
    Ok(report(found.into_inner(), begun.elapsed()))
}

/// What is found of these items, however often they are checked; and how many read units that took.
async fn check_all(verifier: &Verifier, items: Vec<TableItem>) -> Result<(Vec<Checked>, f64), Failure> {
    let (mut suspects, mut units) = suspects_of(items, async |item: &TableItem| verifier.check(item).await).await?;
    for _ in 0..CHECKS_AGAIN {
        if suspects.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let again = suspects.into_iter().map(|(item, _)| item).collect();
        let (still, more_units) = suspects_of(again, async |item: &TableItem| verifier.check_again(item).await).await?;
        (suspects, units) = (still, units + more_units);
    }
    Ok((suspects.into_iter().map(|(_, checked)| checked).collect(), units))
}

/// The items that break a rule, and which.
async fn suspects_of(
    items: Vec<TableItem>,
    check: impl AsyncFn(&TableItem) -> Result<Checked, store::StoreError>,
) -> Result<(Vec<(TableItem, Checked)>, f64), Failure> {
    let check = &check;
    let checks = items.into_iter().map(async |item| {
        let checked = check(&item).await?;
        Ok::<_, Failure>((item, checked))
    });
    let checked: Vec<_> = stream::iter(checks).buffer_unordered(CONCURRENCY).try_collect().await?;
    let units = checked.iter().map(|(_, checked)| checked.units).sum();
    let is_clean = |checked: &Checked| checked.violations.is_empty() && checked.warnings.is_empty();
    Ok((checked.into_iter().filter(|(_, checked)| !is_clean(checked)).collect(), units))
}

fn report(found: Found, took: Duration) -> Report {
    let Found { items, violations, warnings, broken, shown, shown_warnings } = found;
    let took_ms = took.as_millis().max(1);
    let took_s = (took.as_secs_f64() * 10.0).round() / 10.0;
    let per_second = u64::try_from(u128::from(items) * 1000 / took_ms).unwrap_or(u64::MAX);
    let summary = Record(vec![
        plain("items", items),
        plain("violations", violations),
        plain("warnings", warnings),
        shown_as("took_s", format!("{took_s:.1} s"), took_s),
        plain("items_per_second", per_second),
    ]);
    let unshown = violations.saturating_sub(shown.len() as u64);
    let record = |Violation { rule, item, problem }: Violation| {
        Record(vec![field("rule", rule.as_str()), field("item", item), field("problem", problem)])
    };
    let (shown, shown_warnings) = (shown.into_iter().map(record), shown_warnings.into_iter().map(record));
    let what_to_do = broken.into_iter().map(|(rule, count)| {
        Record(vec![field("rule", rule.as_str()), plain("violations", count), field("what_to_do", what_to_do(rule))])
    });
    let sections = vec![
        ("summary", Content::One(summary)),
        ("violations", Content::Many(shown.collect())),
        ("warnings", Content::Many(shown_warnings.collect())),
        ("what_to_do", Content::Many(what_to_do.collect())),
    ];
    let note = match (violations, unshown) {
        (0, _) if warnings > 0 => "Every rule holds; warnings are about items that earlier releases wrote.".to_owned(),
        (0, _) => "Every rule holds.".to_owned(),
        (_, 0) => "Rules are broken.".to_owned(),
        (_, unshown) => format!("Rules are broken; not shown: {}.", counted(unshown, "more violation")),
    };
    Report { failed: violations > 0, ..Report::new(Content::Sections(sections)).with_note(note) }
}

const fn what_to_do(rule: Rule) -> &'static str {
    match rule {
        Rule::Readable => {
            "see which release wrote it and go forward to that; else put it back as it was, from a restore to a point in time"
        }
        Rule::History | Rule::Payment => {
            "stop refunds of it, ask its bank by its end-to-end id, put it back as it was from a restore to a point in time"
        }
        Rule::Attempt => {
            "ask its provider by its payment id; put the session or the payment's item back from a restore to a point in time"
        }
        Rule::Refundable => {
            "stop refunds of it; compare its refunds with the bank's statement, then set `refundable` by hand"
        }
        Rule::Refund => {
            "compare both with the bank's statement; put back what is wrong from a restore to a point in time"
        }
        Rule::Orphan => "put back what is missing from a restore to a point in time, or delete what is left by hand",
        Rule::Due => {
            "a mail: `counterfoil mails resend`; a cursor: replay its event; else set or remove `due_pk` and `due_at` by hand"
        }
        Rule::Forgotten => "check that the schedule runs, and its log; then `counterfoil dead-letters list`",
        Rule::Listed => "set `list_pk` and `list_sk` by hand",
        Rule::Pointer => "delete the item by hand",
        Rule::Ended => {
            "not counted: `counterfoil console backfill`; a day: remove its `tally` by hand, and it is counted again; else delete the item by hand"
        }
        Rule::Erased => "`counterfoil erase session` or `erase customer`, or remove by hand what is named",
        Rule::Final => {
            "set or remove `final_pk` (FINAL#0 to FINAL#63, any) and `final_at` (when it ended, or a customer was last changed) by hand"
        }
        Rule::Mail | Rule::Event => "`counterfoil republish --since` a second before it happened",
        Rule::Cursor => {
            "see in `counterfoil sessions show` what was delivered; delete the cursor by hand, and replay its events"
        }
        Rule::Endpoint => "set `count` by hand",
        Rule::Clock => {
            "its merchant deletes it (`DELETE /v2/test_clocks/{id}`) and makes another; it is about test payments alone"
        }
        Rule::Count => "count the list by its pages, and set `count` by hand",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::Output;

    #[test]
    fn how_long_it_took_and_how_fast_it_was_are_numbers() {
        let report = report(Found { items: 2_204, ..Found::default() }, Duration::from_millis(1_384));
        let json: serde_json::Value = serde_json::from_str(&report.render(Output::Json).unwrap()).unwrap();
        assert_eq!(json["summary"]["took_s"], json!(1.4));
        assert_eq!(json["summary"]["items_per_second"], json!(1_592));
        let text = report.render(Output::Table).unwrap();
        assert!(text.contains("TOOK") && text.contains("1.4 s"), "{text}");
    }
}
