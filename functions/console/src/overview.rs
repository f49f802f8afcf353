//! The overview: what needs a person, and what the last days add up to. It counts from what has ended, never by going through
//! payments (docs/decisions/0051-overview.md).

mod chart;
mod needs;
mod period;
#[cfg(test)]
mod tests;

use std::time::Duration;

use askama::Template;
use futures_util::future::try_join;
use jiff::Timestamp;
use jiff::civil::Date;
use lambda_http::http::StatusCode;
use models::{Currency, ListShards, MinorUnits, Money, PaymentMethod};
use pages::{Answer, Facts, Language, Problem, Shell, Zone};
use store::{ByMethod, InCurrency, ListRange, StoreError, Tally, Wait};

use crate::frame::Frame;
use crate::services::Services;
use crate::texts::{around, texts};
use crate::words::{event_text, method_text};
use chart::Chart;
use needs::Needs;
use period::{Period, StepTexts};

/// How long endings are read for one page: what is left then is counted when it is loaded again.
const COUNTS_FOR: Duration = Duration::from_secs(5);

/// A period that can be chosen.
struct PeriodTab {
    path: String,
    label: &'static str,
    is_chosen: bool,
}

/// An hour or a day; nothing is said of one that could not be counted in time.
struct Column {
    label: String,
    tally: Option<Tally>,
}

/// A figure by itself.
struct Tile {
    label: &'static str,
    value: String,
}

/// Payments of an hour or day, in a line.
struct Row {
    label: String,
    /// How many were sent, and how many ended otherwise.
    counts: Option<(u64, u64)>,
}

/// What was paid in one currency.
struct CurrencyPart {
    code: &'static str,
    tiles: Vec<Tile>,
    chart: Chart,
    /// What the table is called.
    label: String,
    /// What shows it.
    summary: String,
    /// What was sent and refunded in each hour or day.
    rows: Vec<(String, Option<(String, String)>)>,
}

/// Payments by one way to pay.
struct MethodRow {
    method: &'static str,
    sums: ByMethod,
    rate: String,
}

#[derive(Template)]
#[template(path = "overview/overview.html")]
struct OverviewPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    needs: Needs,
    choices: Vec<PeriodTab>,
    step: StepTexts,
    /// Leads here again, if something could not be counted in time and will be then.
    reload: Option<String>,
    /// Whether nothing has ended in this time.
    is_empty: bool,
    /// Whether there is no payment at all.
    is_new: bool,
    tiles: Vec<Tile>,
    chart: Chart,
    rows: Vec<Row>,
    currencies: Vec<CurrencyPart>,
    reasons: Vec<(&'static str, u64)>,
    methods: Vec<MethodRow>,
    /// Whether money that is counted may have been taken back since.
    may_be_taken_back: bool,
    /// Whether all of this time could be counted.
    is_counted: bool,
}

impl OverviewPage<'_> {
    /// What is said around and between the links to older payments and older refunds.
    fn older(&self) -> (&'static str, &'static str, &'static str) {
        let (before, rest) = around(self.frame.texts().overview.older, "{payments}");
        let (between, after) = around(rest, "{refunds}");
        (before, between, after)
    }

    /// What stands between what needs a person and why.
    fn colon(&self) -> &'static str {
        let (_, rest) = around(self.frame.texts().overview.needed, "{name}");
        around(rest, "{what}").0
    }

    /// How the first payment is made, around the request.
    fn make_first(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().overview.make_first, "{code}")
    }
}

/// What ended, by the hour or by the day.
struct Counted {
    /// Oldest first.
    columns: Vec<Column>,
    /// Whether more can be counted when it is loaded again.
    goes_further: bool,
}

/// The page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let period = Period::read(query).ok_or(Problem::Malformed)?;
    let now = services.clock.now();
    let merchant = frame.visitor.merchant(services).await?;
    let shards = merchant.list_sharding.shards();
    let needs = needs::find(services, frame, shards, now);
    let (needs, Counted { columns, goes_further }) =
        try_join(needs, count(services, frame, shards, period, now)).await?;
    let mut whole = Tally::default();
    columns.iter().filter_map(|column| column.tally.as_ref()).for_each(|tally| whole.merge(tally));
    let is_counted = columns.iter().all(|column| column.tally.is_some());
    let path = |period: Period| format!("{}/overview?{}", frame.root(), period.query());
    let is_empty = whole.is_empty() && is_counted;
    let (currencies, methods) = (whole.in_currencies(), whole.by_method());
    let t = frame.texts().overview;
    let step = period.step(t);
    let part = |(of, _): &(Currency, InCurrency)| currency(*of, &whole, &columns, frame, &step);
    let currencies = currencies.iter().map(part).collect();
    let page = OverviewPage {
        shell: frame.shell(),
        frame,
        needs,
        choices: Period::ALL.map(|of| PeriodTab { path: path(of), label: of.label(t), is_chosen: of == period }).into(),
        reload: (!is_counted && goes_further).then(|| path(period)),
        is_empty,
        is_new: is_empty && has_no_payment(services, frame, shards).await?,
        tiles: tiles(&whole, frame.language),
        chart: payments_chart(&columns, &step),
        step,
        rows: columns.iter().map(Row::of).collect(),
        currencies,
        reasons: whole
            .by_reason()
            .into_iter()
            .map(|(reason, count)| (event_text(reason, frame.language), count))
            .collect(),
        may_be_taken_back: methods.iter().any(may_be_taken_back),
        methods: methods.into_iter().map(|row| method_row(row, frame.language)).collect(),
        is_counted,
    };
    frame.page(StatusCode::OK, &page)
}

async fn count(
    services: &Services,
    frame: &Frame<'_>,
    shards: ListShards,
    period: Period,
    now: Timestamp,
) -> Result<Counted, StoreError> {
    let (owner, began) = (frame.visitor.owner(frame.mode), services.clock.instant());
    let t = frame.texts().overview;
    let may_go_on = || services.clock.elapsed(began) < COUNTS_FOR;
    Ok(match period {
        Period::Day => {
            let columns = match services.endings.last_day(&owner, shards, now, &may_go_on).await? {
                Some(hours) => {
                    let label = |at: Timestamp| {
                        let date = date_text(Zone::Utc.day_of(at), frame.language);
                        let facts = Facts::new(frame.language).text("date", date).text("hour", at.strftime("%H"));
                        facts.plain(t.date_and_hour)
                    };
                    hours.into_iter().map(|(at, tally)| Column { label: label(at), tally: Some(tally) }).collect()
                }
                None => vec![Column { label: period.label(t).to_owned(), tally: None }],
            };
            Counted { columns, goes_further: false }
        }
        Period::Week | Period::Month | Period::Quarter => {
            let found = services.endings.last_days(&owner, shards, period.days(), now, &may_go_on).await?;
            let column = |(day, tally): (Date, _)| Column { label: date_text(day, frame.language), tally };
            Counted { columns: found.days.into_iter().map(column).collect(), goes_further: found.has_kept }
        }
    })
}

/// A day in short, without its year.
fn date_text(day: Date, language: Language) -> String {
    let t = texts(language).overview;
    let months = [
        t.january,
        t.february,
        t.march,
        t.april,
        t.may,
        t.june,
        t.july,
        t.august,
        t.september,
        t.october,
        t.november,
        t.december,
    ];
    let text = usize::try_from(day.month() - 1).ok().and_then(|month| months.get(month)).copied().unwrap_or("{day}");
    let number = if day.day() == 1 { t.first_day.to_owned() } else { day.day().to_string() };
    Facts::new(language).text("day", number).plain(text)
}

/// Whether there is no payment in this mode.
async fn has_no_payment(services: &Services, frame: &Frame<'_>, shards: ListShards) -> Result<bool, StoreError> {
    let (owner, range) = (frame.visitor.owner(frame.mode), ListRange { limit: 1, ..ListRange::default() });
    let page = services.sessions.search(&owner, shards, range, None, None).await?;
    Ok(page.items.is_empty() && page.next.is_none())
}

impl Row {
    fn of(column: &Column) -> Self {
        let counts = column.tally.as_ref().map(|tally| {
            let ByMethod { ended, sent } = tally.payments();
            (sent, ended.saturating_sub(sent))
        });
        Self { label: column.label.clone(), counts }
    }
}

fn tiles(whole: &Tally, language: Language) -> Vec<Tile> {
    let (t, payments) = (texts(language).overview, whole.payments());
    vec![
        Tile { label: t.ended, value: payments.ended.to_string() },
        Tile { label: t.paid, value: payments.sent.to_string() },
        Tile { label: t.success_rate, value: rate(payments, language) },
        Tile { label: t.half_paid, value: wait_text(whole.wait(50), language) },
        Tile { label: t.most_paid, value: wait_text(whole.wait(95), language) },
    ]
}

fn payments_chart(columns: &[Column], step: &StepTexts) -> Chart {
    let parts: Vec<[u64; 2]> = columns.iter().map(|column| Row::of(column).counts.unwrap_or_default().into()).collect();
    Chart::new("chart-payments".to_owned(), step.payments_chart.to_owned(), &parts)
}

fn currency(
    currency: Currency,
    whole: &Tally,
    columns: &[Column],
    frame: &Frame<'_>,
    step: &StepTexts,
) -> CurrencyPart {
    let t = frame.texts().overview;
    let amount = |minor: i64| frame.language.amount(&Money::new(MinorUnits::new(minor), currency));
    let of = |column: &Column| column.tally.as_ref().map(|tally| tally.in_currency(currency));
    let sums = whole.in_currency(currency);
    let tiles = vec![
        Tile { label: t.volume, value: amount(sums.volume_minor) },
        Tile { label: t.paid, value: sums.sent.to_string() },
        Tile { label: t.failed, value: sums.failed.to_string() },
        Tile { label: t.cancelled, value: sums.cancelled.to_string() },
        Tile { label: t.expired, value: sums.expired.to_string() },
        Tile { label: t.refunded, value: amount(sums.refunded_minor) },
        Tile { label: t.refunds_sent, value: sums.refunds_sent.to_string() },
        Tile { label: t.refunds_failed, value: sums.refunds_failed.to_string() },
    ];
    let code = currency.code();
    let facts = Facts::new(frame.language).text("code", code);
    let volume = |column: &Column| of(column).map_or(0, |sums| u64::try_from(sums.volume_minor).unwrap_or(0));
    let volumes: Vec<_> = columns.iter().map(|column| [volume(column), 0]).collect();
    let row = |column: &Column| {
        let amounts = of(column).map(|sums| (amount(sums.volume_minor), amount(sums.refunded_minor)));
        (column.label.clone(), amounts)
    };
    CurrencyPart {
        code,
        tiles,
        chart: Chart::new(format!("chart-{code}"), facts.plain(step.volume_chart), &volumes),
        label: facts.plain(step.volume),
        summary: facts.plain(step.volume_table),
        rows: columns.iter().map(row).collect(),
    }
}

/// Whether there is money among these that may have been taken back since.
fn may_be_taken_back((method, sums): &(Option<PaymentMethod>, ByMethod)) -> bool {
    sums.sent > 0 && method.is_some_and(PaymentMethod::can_be_taken_back)
}

fn method_row((method, sums): (Option<PaymentMethod>, ByMethod), language: Language) -> MethodRow {
    let text = method.map_or(texts(language).overview.not_chosen, |method| method_text(method, language));
    MethodRow { method: text, sums, rate: rate(sums, language) }
}

/// How many of those that ended were sent, in per cent with one decimal, rounded down: it says 100 only of all.
fn rate(ByMethod { ended, sent }: ByMethod, language: Language) -> String {
    match (u128::from(sent) * 1_000).checked_div(u128::from(ended)) {
        Some(permille) => {
            let facts = Facts::new(language).text("whole", permille / 10).text("tenth", permille % 10);
            facts.plain(texts(language).overview.percent)
        }
        None => "–".to_owned(),
    }
}

fn wait_text(wait: Option<Wait>, language: Language) -> String {
    let t = texts(language).overview;
    let (text, time) = match wait {
        Some(Wait::Within(time)) => (t.within, time),
        Some(Wait::Beyond(time)) => (t.beyond, time),
        None => return "–".to_owned(),
    };
    Facts::new(language).text("span", span(time, language)).plain(text)
}

/// A time in whole units, as the bounds of waits are.
fn span(time: Duration, language: Language) -> String {
    let t = texts(language).overview;
    let (n, text) = match time.as_secs() {
        seconds @ ..120 => (seconds, t.seconds),
        seconds @ 120..3_600 => (seconds / 60, t.minutes),
        seconds @ 3_600..86_400 => (seconds / 3_600, t.hours),
        86_400..172_800 => (1, t.one_day),
        seconds @ 172_800.. => (seconds / 86_400, t.days),
    };
    Facts::new(language).text("n", n).plain(text)
}
