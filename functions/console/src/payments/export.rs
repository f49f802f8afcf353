//! The payments of a list as files: a row for each movement of money, in parts that are answered in time.

use std::time::Duration;

use api::Format;
use askama::Template;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{
    ActChange, ActKind, ActObject, MinorUnits, Money, PaymentMethod, Refund, RefundState, Session, SessionState, stamp,
};
use pages::{Answer, Facts, Language, Problem, ProblemTexts, Shell, Zone, read_form};
use store::ListStart;

use super::filter::{Asked, Filter, Typed, What, read, read_fields};
use super::list::find;
use super::parties::Parties;
use super::personal::Personal;
use crate::acts::{self, refused};
use crate::csv::{file, line};
use crate::days::{Errors, read_days};
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::{PaymentTexts, around, texts};
use crate::words::method_of;

/// The most days that are exported by one form: two years.
const MAX_DAYS: i64 = 731;

/// How many days there are where no first one is given.
const DAYS: i64 = 30;

/// How many payments are read at once, how many rows a part has at the most, and how long it is gathered: API Gateway waits for 30
/// seconds, and Lambda answers with 6 MB.
const AT_ONCE: usize = 100;
const MAX_ROWS: usize = 5_000;
const MAX_TIME: Duration = Duration::from_secs(12);

const HEADER: [&str; 13] = [
    "at",
    "kind",
    "state",
    "amount",
    "currency",
    "payment_id",
    "refund_id",
    "reference",
    "end_to_end_id",
    "method",
    "payer_name",
    "payer_email",
    "payee",
];

/// When the payments of a part were created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Timestamp,
    /// The first instant that is too late.
    until: Timestamp,
}

/// What a span is split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Months,
    Days,
    Hours,
    Minutes,
}

impl Step {
    /// Where what is next after this time begins; none if that is beyond all timestamps.
    fn next(self, at: Timestamp) -> Option<Timestamp> {
        let after = |day: Date| Zone::London.start_of(day.tomorrow().ok()?);
        let day = Zone::London.day_of(at);
        match self {
            Self::Months => after(day.last_of_month()),
            Self::Days => after(day),
            Self::Hours => at.checked_add(SignedDuration::from_hours(1)).ok(),
            Self::Minutes => at.checked_add(SignedDuration::from_mins(1)).ok(),
        }
    }
}

impl Span {
    /// Its first day and its last.
    fn days(self) -> (Date, Date) {
        let last = self.until.checked_sub(SignedDuration::from_millis(1)).unwrap_or(self.until);
        (Zone::London.day_of(self.from), Zone::London.day_of(last))
    }

    /// Whether it is whole days.
    fn is_days(self) -> bool {
        [self.from, self.until].into_iter().all(|at| Zone::London.start_of(Zone::London.day_of(at)) == Some(at))
    }

    /// It in the largest parts that are smaller: months, days, hours or minutes.
    fn parts(self) -> Vec<Self> {
        let (first, last) = self.days();
        let step = if first.first_of_month() != last.first_of_month() {
            Step::Months
        } else if first != last {
            Step::Days
        } else if self.until.duration_since(self.from) > SignedDuration::from_hours(1) {
            Step::Hours
        } else {
            Step::Minutes
        };
        let (mut parts, mut from) = (Vec::new(), self.from);
        while from < self.until {
            let until = step.next(from).map_or(self.until, |next| next.min(self.until));
            parts.push(Self { from, until });
            from = until;
        }
        parts
    }

    /// It in smaller parts, as it is too large, and what is said of that. There are none of a minute.
    fn smaller(self, t: &PaymentTexts) -> (Vec<Self>, &'static str) {
        match self.parts() {
            parts if parts.len() > 1 => (parts, t.too_large),
            _ => (Vec::new(), t.too_large_minute),
        }
    }

    /// What is of both; none if nothing is.
    fn within(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from < both.until).then_some(both)
    }

    fn in_words(self, language: Language) -> String {
        let ((first, last), facts) = (self.days(), Facts::new(language));
        let facts = if !self.is_days() {
            facts.time("from", self.from, Zone::London).time("to", self.until, Zone::London)
        } else if first == last {
            return first.to_string();
        } else {
            facts.text("from", first).text("to", last)
        };
        facts.plain(texts(language).payments.span)
    }

    fn file_name(self) -> String {
        let (first, last) = self.days();
        if self.is_days() {
            format!("payments-{first}-to-{last}.csv")
        } else {
            format!("payments-{}-to-{}.csv", self.from, self.until).replace(':', "-")
        }
    }
}

/// A part that can be had.
struct Part {
    /// Of its button.
    text: String,
    from: String,
    until: String,
}

#[derive(Template)]
#[template(path = "payments/export.html")]
struct ExportPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    /// The list.
    list: String,
    path: String,
    typed: &'a Typed,
    /// What is filtered by beside days, each with what it is called, and all of it.
    beside_days: Vec<(&'static str, &'static str, &'a str)>,
    given: Vec<(&'static str, &'a str)>,
    errors: Errors,
    news: Option<&'static str>,
    parts: Vec<Part>,
}

impl ExportPage<'_> {
    /// Whether something is wrong with this field.
    fn wrong(&self, field: &str) -> bool {
        self.errors.iter().any(|(id, _)| *id == field)
    }

    /// What stands before the filters, and what after.
    fn filtered_by(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().payments.filtered_by, "{filters}")
    }
}

/// The page that has a button for each part of a list; 400 with the form again if what is asked for can't be read.
pub(crate) fn export_page(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let (typed, asked) = read(query, frame.language);
    let (typed, asked) = with_days(typed, asked, frame.language, services.clock.now());
    match asked {
        Ok((_, span)) => page(frame, StatusCode::OK, &typed, Ok(span.parts()), None),
        Err(errors) => page(frame, StatusCode::BAD_REQUEST, &typed, Err(errors), None),
    }
}

/// A part as a file, once it is on record who has it. One that is too large is refused, with smaller ones to choose from.
pub(crate) async fn export(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let now = services.clock.now();
    let mut fields: Vec<(String, String)> = read_form(request)?;
    let (mut from, mut until): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    fields.retain(|(name, value)| match name.as_str() {
        // What every form bears, and has been checked.
        "csrf" => false,
        "part_from" => {
            from = value.parse().ok();
            false
        }
        "part_until" => {
            until = value.parse().ok();
            false
        }
        _ => true,
    });
    let (typed, asked) = read_fields(fields, frame.language);
    let (typed, asked) = with_days(typed, asked, frame.language, now);
    let (filter, all) = asked.map_err(|_| unreadable())?;
    let part = from.zip(until).and_then(|(from, until)| Span { from, until }.within(all)).ok_or_else(unreadable)?;
    let filter = Filter { from: Some(part.from), until: Some(part.until), ..filter };
    let csv = gather(services, frame, &filter, now).await?;

    let mut act = acts::on_page(services, frame, ActKind::Exported, ActObject::Payments);
    let to = format!("payments?{} ({} to {})", typed.query(&ListStart::Newest), part.from, part.until);
    act.change = Some(ActChange { from: String::new(), to });
    match csv {
        Some(csv) => {
            services.acts.put(&act).await?;
            tracing::info!(request_id = api::request_id(request), act_id = %act.id, "exported");
            file(&part.file_name(), csv)
        }
        None => {
            services.acts.put(&refused(act, "too_many")).await?;
            let (parts, news) = part.smaller(frame.texts().payments);
            page(frame, StatusCode::UNPROCESSABLE_ENTITY, &typed, Ok(parts), Some(news))
        }
    }
}

/// What is asked for, with the last days if none are.
fn with_days(
    mut typed: Typed,
    asked: Result<Asked, Errors>,
    language: Language,
    now: Timestamp,
) -> (Typed, Result<(Filter, Span), Errors>) {
    let t = texts(language).payments;
    let filter = match asked.map(|asked| asked.what) {
        Ok(What::List(filter)) => filter,
        Ok(What::Search(_)) => {
            return (typed, Err(vec![("filters", t.search_not_exported.to_owned())]));
        }
        Err(errors) => return (typed, Err(errors)),
    };
    let mut last = Zone::London.day_of(now);
    if typed.to.is_empty() {
        typed.to = last.to_string();
    } else if let Ok(day) = typed.to.parse() {
        last = day;
    }
    if typed.from.is_empty() {
        let before = SignedDuration::from_hours(24 * (DAYS - 1));
        typed.from = last.checked_sub(before).unwrap_or(Date::MIN).to_string();
    }
    let mut errors = Errors::new();
    let days = read_days(&typed.from, &typed.to, &mut errors, language);
    let asked = match days {
        (Some(from), Some(until)) if errors.is_empty() => {
            // An hour more, for a clock that went back.
            if until.duration_since(from) > SignedDuration::from_hours(24 * MAX_DAYS + 1) {
                Err(vec![("from", t.too_many_days.to_owned())])
            } else {
                Ok((filter, Span { from, until }))
            }
        }
        (None, _) if errors.is_empty() => Err(vec![("from", t.from_wrong.to_owned())]),
        (_, None) if errors.is_empty() => Err(vec![("to", t.to_wrong.to_owned())]),
        (_, _) => Err(errors),
    };
    (typed, asked)
}

fn page(
    frame: &Frame<'_>,
    status: StatusCode,
    typed: &Typed,
    parts: Result<Vec<Span>, Errors>,
    news: Option<&'static str>,
) -> Answer {
    let (list, t) = (format!("{}/payments", frame.root()), frame.texts().payments);
    let part = |span: Span| Part {
        text: Facts::new(frame.language).text("part", span.in_words(frame.language)).plain(t.download),
        from: span.from.to_string(),
        until: span.until.to_string(),
    };
    let (parts, errors) = match parts {
        Ok(parts) => (parts.into_iter().map(part).collect(), Errors::new()),
        Err(errors) => (Vec::new(), errors),
    };
    let given = typed.given();
    let page = ExportPage {
        shell: frame.shell(),
        frame,
        path: format!("{list}/export"),
        list: format!("{list}?{}", typed.query(&ListStart::Newest)),
        typed,
        beside_days: given.iter().filter_map(|(name, value)| Some((*name, label(name, t)?, *value))).collect(),
        given,
        errors,
        news,
        parts,
    };
    frame.page(status, &page)
}

/// What a filter is called; none of days, whose fields are there.
fn label(name: &str, t: &PaymentTexts) -> Option<&'static str> {
    match name {
        "state" => Some(t.by_state),
        "method" => Some(t.by_method),
        "format" => Some(t.by_format),
        "amount" => Some(t.by_amount),
        _ => None,
    }
}

/// The file; none if it would be too large, or would take too long.
async fn gather(
    services: &Services,
    frame: &Frame<'_>,
    filter: &Filter,
    now: Timestamp,
) -> Result<Option<String>, Problem> {
    let began = services.clock.instant();
    let (mut csv, mut rows, mut start) = (line(HEADER), 0, ListStart::Newest);
    loop {
        let found = find(services, frame, filter, start, AT_ONCE, now).await?;
        for session in &found.items {
            let refunds = match session.refund_count {
                0 => Vec::new(),
                _ => services.refunds.of(&session.id).await?.refunds,
            };
            let movements = movements(session, &refunds, now)?;
            rows += movements.len();
            csv.extend(movements);
            if rows > MAX_ROWS || services.clock.elapsed(began) > MAX_TIME {
                return Ok(None);
            }
        }
        let Some(next) = found.next else { return Ok(Some(csv)) };
        if services.clock.elapsed(began) > MAX_TIME {
            return Ok(None);
        }
        start = ListStart::After(next);
    }
}

/// A line for a payment that was paid, one for each of its refunds that was sent or is under way, and one if its money was taken
/// back: all of it, as no provider says that a part was. What pays a refund is none of its own: the refund is.
fn movements(session: &Session, refunds: &[Refund], now: Timestamp) -> Result<Vec<String>, Problem> {
    if session.state_at(now) != SessionState::Sent || session.pays_refund.is_some() {
        return Ok(Vec::new());
    }
    let format = Format::of_stored(session.format).map_err(|error| Problem::Internal(Box::new(error)))?;
    let parties = Parties::new(session, Personal::Masked, Language::English);
    let (payment_id, end_to_end_id) = (format.shown_session_id(session.id), session.end_to_end_id.to_string());
    let payee = format!("{}, {}", parties.payee_name, parties.payee_account);
    let row = |at: Timestamp, kind: &str, state: &str, amount: Money, refund_id: &str, reference: &str| {
        line([
            stamp(at).as_str(),
            kind,
            state,
            &amount.to_decimal(),
            amount.currency().code(),
            &payment_id,
            refund_id,
            reference,
            &end_to_end_id,
            method_of(session).map_or("", PaymentMethod::as_str),
            parties.payer_name.as_deref().unwrap_or(""),
            parties.payer_email.as_deref().unwrap_or(""),
            &payee,
        ])
    };
    let negative = |amount: Money| Money::new(MinorUnits::new(amount.minor().saturating_neg()), amount.currency());
    let sent_at = session.sent_at().unwrap_or(session.created_at);
    let payment = |at, state, amount| row(at, "payment", state, amount, "", session.reference.as_str());
    let mut rows = vec![payment(sent_at, SessionState::Sent.as_str(), session.amount)];
    for refund in refunds {
        let state = refund.state_at(now);
        let at = match state {
            RefundState::Sent => refund.history.first_at(state).unwrap_or(refund.created_at),
            RefundState::AwaitingDetails | RefundState::AwaitingPayment => refund.created_at,
            RefundState::Failed => continue,
        };
        let id = format.shown_refund_id(refund.id);
        rows.push(row(at, "refund", state.as_str(), negative(refund.amount), &id, refund.reference.as_str()));
    }
    if let Some(taken_back) = session.taken_back {
        rows.push(payment(taken_back.at, "taken_back", negative(session.amount)));
    }
    Ok(rows)
}

fn unreadable() -> Problem {
    Problem::Refused(StatusCode::BAD_REQUEST, |language| {
        let t = texts(language).payments;
        ProblemTexts { heading: t.part_wrong_heading, text: t.part_wrong_text }
    })
}

#[cfg(test)]
mod tests {
    use models::{ListShard, Mode, TakenBack, TakenBackReason};

    use super::*;
    use crate::desk::{Desk, form, seen};

    fn span(from: &str, until: &str) -> Span {
        Span { from: from.parse().unwrap(), until: until.parse().unwrap() }
    }

    fn words(span: Span) -> Vec<String> {
        span.parts().into_iter().map(|part| part.in_words(Language::English)).collect()
    }

    #[test]
    fn a_span_is_split_into_the_next_smaller_parts() {
        let quarter = span("2026-01-15T00:00:00Z", "2026-03-31T23:00:00Z");
        let months = ["2026-01-15 to 2026-01-31", "2026-02-01 to 2026-02-28", "2026-03-01 to 2026-03-31"];
        assert_eq!(words(quarter), months);
        let [month, ..] = quarter.parts()[..] else { panic!() };
        assert_eq!(month.file_name(), "payments-2026-01-15-to-2026-01-31.csv");
        let days = month.parts();
        assert_eq!((days.len(), days[16].in_words(Language::English).as_str()), (17, "2026-01-31"));
        // The clocks go forward.
        let day = span("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z");
        assert!(day.is_days());
        let hours = day.parts();
        assert_eq!((hours.len(), hours[0].is_days(), hours[0].parts().len()), (23, false, 60));
        assert_eq!(hours[0].file_name(), "payments-2026-03-29T00-00-00Z-to-2026-03-29T01-00-00Z.csv");
        // A part that is too large is not offered again.
        let t = texts(Language::English).payments;
        assert_eq!(hours[0].smaller(t), (hours[0].parts(), t.too_large));
        assert_eq!(hours[0].parts()[0].smaller(t), (vec![], t.too_large_minute));
        for parts in [quarter.parts(), days, hours] {
            assert!(parts.windows(2).all(|two| two[0].until == two[1].from));
        }
    }

    #[test]
    fn the_days_are_the_last_thirty_or_those_that_are_given() {
        let now = "2026-01-31T09:30:00Z".parse().unwrap();
        let days = |query: &str| {
            let (typed, asked) = read(query, Language::English);
            let (typed, asked) = with_days(typed, asked, Language::English, now);
            match asked {
                Ok(_) => format!("{} to {}", typed.from, typed.to),
                Err(errors) => errors.into_iter().map(|(field, _)| field).collect::<Vec<_>>().join(" "),
            }
        };
        for (query, expected) in [
            ("", "2026-01-02 to 2026-01-31"),
            ("to=2025-03-30", "2025-03-01 to 2025-03-30"),
            ("from=2026-01-31", "2026-01-31 to 2026-01-31"),
            ("from=2024-01-31&to=2026-01-30", "2024-01-31 to 2026-01-30"),
            ("from=2024-01-31&to=2026-01-31", "from"),
            ("from=2026-02-01", "to"),
            ("from=x", "from"),
            ("state=paid", "state"),
            ("q=ada", "filters"),
        ] {
            assert_eq!(days(query), expected, "{query}");
        }
    }

    async fn exported(desk: &Desk, fields: &[(&str, &str)]) -> (u16, String) {
        let day = [("part_from", "2026-01-31T00:00:00Z"), ("part_until", "2026-02-01T00:00:00Z")];
        seen(Box::pin(export(&desk.services, &desk.frame(Mode::Test), &form(&[fields, &day].concat()))).await)
    }

    #[tokio::test]
    async fn each_movement_is_a_row_and_nobody_is_named() {
        let desk = Desk::new().await;
        let named = |session: &mut Session| {
            session.payee.name = samples::name("=1+1");
            session.list_shard = ListShard::default();
        };
        let paid = desk.paid(named).await;
        desk.session(named).await;
        let creation = samples::refund_creation(paid.created_at);
        let (refund, payment) = Refund::create(&paid, samples::new_refund(&paid, Some(150)), creation).unwrap();
        desk.services.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        let (status, csv) = exported(&desk, &[]).await;
        assert_eq!(status, 200, "{csv}");
        let mut lines = csv.split_terminator("\r\n");
        assert_eq!(lines.next().unwrap(), line(HEADER).trim_end());
        let rows: Vec<Vec<&str>> = lines.map(|row| row.trim_matches('"').split("\",\"").collect()).collect();
        assert_eq!(rows.len(), 2, "{csv}");
        let id = paid.id.to_string();
        assert_eq!(rows[0][1..8], ["payment", "sent", "4.00", "GBP", &id, "", paid.reference.as_str()]);
        assert!(rows[0][12].starts_with("'=1+1, account ending"), "{csv}");
        assert_eq!(rows[1][1..7], ["refund", "awaiting_payment", "-1.50", "GBP", &id, &refund.id.to_string()]);
        for personal in [samples::PAYER_NAME, samples::PAYER_EMAIL, "87654321"] {
            assert!(!csv.contains(personal), "{csv}");
        }
        let acts = desk.acts().await;
        let said: Vec<_> = acts.iter().map(|act| (act.what, act.object.clone())).collect();
        assert_eq!(said, [(ActKind::Exported, ActObject::Payments)]);
        let to = &acts[0].change.as_ref().unwrap().to;
        assert!(to.starts_with("payments?from=2026-01-02&to=2026-01-31 (2026-01-31T00:00:00Z to"), "{to}");
    }

    #[tokio::test]
    async fn money_that_was_taken_back_is_a_row_of_its_own() {
        let desk = Desk::new().await;
        let at = desk.services.clock.now();
        desk.paid(|session| {
            session.list_shard = ListShard::default();
            session.taken_back = Some(TakenBack { reason: TakenBackReason::Chargeback, at });
        })
        .await;
        let (status, csv) = exported(&desk, &[]).await;
        assert_eq!((status, csv.lines().count()), (200, 3), "{csv}");
        let taken_back = "\"2026-01-31T09:30:00.000Z\",\"payment\",\"taken_back\",\"-4.00\"";
        for part in ["\"payment\",\"sent\",\"4.00\"", taken_back] {
            assert!(csv.contains(part), "{part}: {csv}");
        }
    }

    #[tokio::test]
    async fn what_fits_is_exported_and_what_cannot_be_read_is_not() {
        let desk = Desk::new().await;
        desk.paid(|session| session.list_shard = ListShard::default()).await;
        for (fields, expected) in [
            (&[("amount", "4.00")][..], 2),
            (&[("amount", "4.01")], 1),
            (&[("state", "failed")], 1),
            (&[("to", "2026-01-31"), ("from", "2026-01-31")], 2),
        ] {
            assert_eq!(exported(&desk, fields).await.1.lines().count(), expected, "{fields:?}");
        }
        let before = desk.acts().await.len();
        for fields in [&[("state", "paid")][..], &[("q", "ada")], &[("to", "2026-01-30")], &[("x", "1")]] {
            assert_eq!(exported(&desk, fields).await.0, 400, "{fields:?}");
        }
        let unsaid = form(&[("part_from", "2026-01-31T00:00:00Z")]);
        let answer = Box::pin(export(&desk.services, &desk.frame(Mode::Test), &unsaid)).await;
        assert_eq!(seen(answer).0, 400);
        assert_eq!(desk.acts().await.len(), before);
    }

    #[tokio::test]
    async fn the_page_has_a_button_for_each_part() {
        let desk = Desk::new().await;
        let shown = |query: &str| seen(export_page(&desk.services, &desk.frame(Mode::Test), query));
        let (status, html) = shown("from=2025-12-15&to=2026-01-31&amount=4.00");
        assert_eq!(status, 200);
        for text in ["2025-12-15 to 2025-12-31", "2026-01-01 to 2026-01-31", "name=\"amount\" value=\"4.00\""] {
            assert!(html.contains(text), "{text}: {html}");
        }
        let (status, html) = shown("from=2020-01-01");
        assert!(status == 400 && html.contains("href=\"#from\""), "{html}");
    }
}
