//! Finding payment sessions by what a payer or a merchant says of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use models::{
    AnyAmount, EmailAddress, EndToEndId, InvalidId, MerchantId, Mode, Money, Reference, Session, SessionState, stamp,
};
use runtime::Clock;
use store::{
    ListCursor, ListRange, ListStart, Merchants, Owner, Page, Pointers, Sessions as Stored, Sought, StoreError, Table,
};
use tokio::time::Instant;

use super::CONCURRENCY;
use crate::arguments::{mode, one_of, text, time};
use crate::commands::merchants::get;
use crate::failure::Failure;
use crate::progress::{Pace, ReadRate, counter};
use crate::report::{Record, Report, amount, field, maybe, when};

/// After how many sessions that were read, or passed by their amount, and after how long, a search ends.
const MAX_READ: u64 = 10_000;
const LONGEST: Duration = Duration::from_secs(60);

/// That sessions may be missing which were created while the console was off.
const POINTED_TO: &str =
    "Found by what was noted while the console was on: with --walk, all payment sessions are read, newest first.";

const GO_ON: &str = "to go on, repeat the command with --after";
const TRY_ELSE: &str = "check --mode, or give less, for something may have been misread.";

/// Find a merchant's payment sessions by what a payer or the merchant says of them, newest first
///
/// All that is given has to be so. Where the console is on, a reference, an end-to-end id or an e-mail address is found at once, of what was
/// created since. Else, if that finds nothing, or with --walk, the merchant's sessions are read, newest first: some 10,000 of them, for a
/// minute at the most. A note says how far back that came, and how to go on. What was erased is not found by an e-mail address.
///
/// The exit code is 1 if none was found.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  counterfoil sessions find demo --amount 12.34 --since 72h")]
pub(crate) struct Find {
    /// The merchant's id
    merchant: MerchantId,
    /// Of which mode
    #[arg(long, value_name = "MODE", default_value = "live", value_parser = mode())]
    mode: Mode,
    /// What stands on the payer's bank statement, in capital letters or small
    #[arg(long, value_name = "TEXT", value_parser = text::<Reference>)]
    reference: Option<Reference>,
    /// The id that banks have of the payment, with its hyphens or without
    #[arg(long, value_name = "ID", value_parser = end_to_end_id)]
    end_to_end_id: Option<EndToEndId>,
    /// The payer's e-mail address, in capital letters or small
    #[arg(long, value_name = "ADDRESS", value_parser = text::<EmailAddress>)]
    email: Option<EmailAddress>,
    /// How much was to be paid, such as 12.34; of any currency, unless one is given with it
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<AnyAmount>,
    /// How it stands
    #[arg(long, value_name = "STATE", value_parser = one_of(SessionState::ALL, SessionState::as_str))]
    state: Option<SessionState>,
    /// How the session's id begins: 8 hexadecimal digits or more
    #[arg(long, value_name = "DIGITS", value_parser = id_prefix)]
    id_prefix: Option<String>,
    /// Created from this time on, such as 2026-01-31T09:30:00Z or, ago, 90m, 72h or 30d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Created before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Go on where another search ended, whose note names this position
    #[arg(long, value_name = "POSITION", value_parser = position)]
    after: Option<ListCursor>,
    /// How many to find, at the most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// Read the sessions themselves, also those from before the console was switched on
    #[arg(long)]
    walk: bool,
    #[command(flatten)]
    rate: ReadRate,
    /// Show references, and the payers' names and e-mail addresses
    #[arg(long)]
    personal: bool,
}

impl Find {
    /// What pointers may lead to, what leads to the fewest first.
    fn sought(&self) -> Vec<Sought> {
        let end_to_end = self.end_to_end_id.map(Sought::EndToEnd);
        let email = self.email.clone().map(Sought::Email);
        let reference = self.reference.clone().map(Sought::Reference);
        [end_to_end, email, reference].into_iter().flatten().collect()
    }

    fn is_amount(&self, money: Money) -> bool {
        self.amount.as_ref().is_none_or(|amount| amount.is(money))
    }

    /// Whether all that is given is so.
    fn fits(&self, session: &Session, sought: &[Sought], now: Timestamp) -> bool {
        let begins_so = |prefix: &String| session.id.to_hex().starts_with(prefix.as_str());
        self.is_amount(session.amount)
            && self.state.is_none_or(|state| session.state_at(now) == state)
            && self.id_prefix.as_ref().is_none_or(begins_so)
            && sought.iter().all(|sought| sought.is_of(session))
    }
}

pub(super) async fn run(find: &Find, table: &Table) -> Result<Report, Failure> {
    if find.since.zip(find.until).is_some_and(|(since, until)| since >= until) {
        return Err(Failure::EmptySpan);
    }
    let merchant = get(&Merchants::new(table.clone()), find.merchant.clone()).await?;
    let shards = merchant.list_sharding.shards();
    let (sessions, pointers) = (&Stored::new(table.clone()), &Pointers::new(table.clone()));
    let (sought, now) = (find.sought(), Clock::System.now());
    let (read, counter) = (AtomicU64::new(0), counter("finding payment sessions"));
    let count = |more: u64| {
        read.fetch_add(more, Ordering::Relaxed);
        counter.inc(more);
    };
    let fits = |session: &Session| {
        count(1);
        find.fits(session, &sought, now)
    };
    // The list says amounts by itself: what has another is not read.
    let is_amount = |money: Money| {
        let is = find.is_amount(money);
        count(u64::from(!is));
        is
    };
    let owner = Owner { merchant_id: find.merchant.clone(), mode: find.mode, format: None };
    let pointed_to = async |range: ListRange| -> Result<Page<Session>, StoreError> {
        let Some(sought) = sought.first() else { return Ok(Page { items: Vec::new(), next: None }) };
        let Page { items: ids, next } = pointers.find(&find.merchant, find.mode, sought, range).await?;
        let found = ids.into_iter().map(async |id| sessions.get(&id).await);
        let found: Vec<_> = stream::iter(found).buffered(CONCURRENCY).try_collect().await?;
        let theirs = found.into_iter().flatten().filter(|session| owner.owns(session) && fits(session));
        Ok(Page { items: theirs.collect(), next })
    };
    let listed = async |range: ListRange| -> Result<Page<Session>, StoreError> {
        let by_amount: Option<&(dyn Fn(Money) -> bool + Sync)> =
            if find.amount.is_some() { Some(&is_amount) } else { None };
        sessions.search(&owner, shards, range, by_amount, Some(&fits)).await
    };
    let search = Search { find, read: &read, pace: find.rate.pace(), begun: Instant::now() };
    let found = async {
        if !find.walk {
            let found = search.pages(pointed_to).await?;
            if !found.items.is_empty() || found.next.is_some() {
                return Ok((found, true));
            }
        }
        Ok::<_, Failure>((search.pages(listed).await?, false))
    }
    .await;
    counter.finish_and_clear();
    let (found, by_pointers) = found?;
    // No two sessions have one end-to-end id.
    let may_miss = by_pointers && find.end_to_end_id.is_none();
    Ok(report(find, &found, may_miss, now))
}

/// A search, which keeps to a rate and ends after so much.
struct Search<'a> {
    find: &'a Find,
    read: &'a AtomicU64,
    pace: Pace,
    begun: Instant,
}

impl Search<'_> {
    /// Page after page, until enough is found, that was all, or it is over.
    async fn pages(
        &self,
        page: impl AsyncFn(ListRange) -> Result<Page<Session>, StoreError>,
    ) -> Result<Page<Session>, Failure> {
        let Find { limit, since: created_from, until: created_before, after, .. } = self.find;
        let (limit, mut found) = (usize::from(*limit), Vec::new());
        let mut start = after.clone().map_or(ListStart::Newest, ListStart::After);
        loop {
            let (before, limit_left) = (self.read.load(Ordering::Relaxed), limit.saturating_sub(found.len()));
            let range =
                ListRange { created_from: *created_from, created_before: *created_before, start, limit: limit_left };
            let Page { items, next } = page(range).await?;
            found.extend(items);
            match next {
                Some(next) if found.len() < limit && !self.is_over() => start = ListStart::After(next),
                next => return Ok(Page { items: found, next }),
            }
            // A session takes a read unit or more; one that is passed, a part of one.
            let units = self.read.load(Ordering::Relaxed).saturating_sub(before);
            self.pace.spend(f64::from(u32::try_from(units).unwrap_or(u32::MAX))).await;
        }
    }

    fn is_over(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= MAX_READ || self.begun.elapsed() >= LONGEST
    }
}

fn report(find: &Find, Page { items, next }: &Page<Session>, may_miss: bool, now: Timestamp) -> Report {
    let (merchant, mode) = (&find.merchant, find.mode.as_str());
    let searched = match next {
        Some(next) => {
            let back = next.created_at().map(|at| format!(" back to {}", stamp(at))).unwrap_or_default();
            Some(format!("Searched{back}. There may be more: {GO_ON} {}", next.encode()))
        }
        None if items.is_empty() => Some(format!("{merchant} has no {mode} payment session like this: {TRY_ELSE}")),
        None => None,
    };
    let notes: Vec<_> = may_miss.then(|| POINTED_TO.to_owned()).into_iter().chain(searched).collect();
    let note = (!notes.is_empty()).then(|| notes.join(" "));
    let records = items.iter().map(|session| record(session, find.personal, now)).collect();
    Report { note, failed: items.is_empty(), ..Report::many(records) }
}

fn record(session: &Session, personal: bool, now: Timestamp) -> Record {
    let mut fields = vec![
        field("session_id", session.id),
        when("created_at", session.created_at),
        field("state", session.state_at(now)),
        amount("amount", Some(session.amount)),
    ];
    if personal {
        let payer = session.payer.as_ref();
        fields.extend([
            field("reference", session.reference.as_str()),
            maybe("payer_name", payer.map(|payer| payer.name.as_str())),
            maybe("payer_email", payer.and_then(|payer| Some(payer.email.as_ref()?.as_str()))),
        ]);
    }
    Record(fields)
}

/// Banks leave its hyphens out, since a field of theirs has 35 characters.
fn end_to_end_id(text: &str) -> Result<EndToEndId, InvalidId> {
    text.parse().or_else(|_| EndToEndId::from_hex(&text.to_ascii_lowercase()))
}

/// In small letters and without hyphens.
fn id_prefix(text: &str) -> Result<String, &'static str> {
    let digits = text.replace('-', "").to_ascii_lowercase();
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if are_digits && (8..=32).contains(&digits.len()) {
        Ok(digits)
    } else {
        Err("must be 8 to 32 hexadecimal digits, with hyphens or without")
    }
}

fn position(text: &str) -> Result<ListCursor, &'static str> {
    ListCursor::of_sessions(text).ok_or("must be a position that the note of another search names")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use models::{Currency, MinorUnits};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        find: Find,
    }

    fn find(line: &str) -> Find {
        Line::try_parse_from(["find", "acme"].into_iter().chain(line.split_whitespace())).unwrap().find
    }

    fn session() -> Session {
        let new = models::NewSession {
            payer: Some(samples::payer("Ada Payer", "ada@example.com")),
            ..samples::new_session(vec![samples::item("Candle", 400, 1)])
        };
        Session::create(new, samples::creation(samples::now()))
    }

    #[test]
    fn all_that_is_given_has_to_be_so() {
        let session = session();
        let fits = |line: &str| {
            let find = find(line);
            find.fits(&session, &find.sought(), session.created_at)
        };
        let (id, end_to_end_id) = (session.id.to_string(), session.end_to_end_id.to_hex().to_uppercase());
        for line in [
            "",
            "--amount 4 --state awaiting_provider",
            "--amount 4.00 --email ADA@EXAMPLE.COM",
            "--amount 4,00",
            "--amount £4",
            "--reference ILLUMINATE",
            &format!("--id-prefix {}", id[..13].to_uppercase()),
            &format!("--end-to-end-id {end_to_end_id}"),
        ] {
            assert!(fits(line), "{line}");
        }
        for line in [
            "--amount 4.01",
            "--amount 4,01",
            "--amount €4",
            "--amount 4 --state sent",
            "--email ada@example.org",
            "--reference other --amount 4",
            "--id-prefix 00000000",
            "--end-to-end-id 00000000-0000-4000-8000-000000000000",
        ] {
            assert!(!fits(line), "{line}");
        }
        let yen = Money::new(MinorUnits::new(4), Currency::JPY);
        assert!(find("--amount 4").is_amount(yen) && !find("--amount 4.00").is_amount(yen));
    }

    /// What is passed by its amount counts as what is read.
    #[tokio::test]
    async fn a_search_ends_after_so_much() {
        let (find, read) = (find("--limit 1"), AtomicU64::new(0));
        let search = Search { find: &find, read: &read, pace: Pace::new(u32::MAX), begun: Instant::now() };
        let next = ListCursor::at(&session());
        let page = async |_: ListRange| {
            read.fetch_add(MAX_READ / 4, Ordering::Relaxed);
            Ok(Page { items: Vec::new(), next: Some(next.clone()) })
        };
        let found = search.pages(page).await.unwrap();
        assert!(found.items.is_empty() && found.next.is_some() && search.is_over());
        assert_eq!(read.load(Ordering::Relaxed), MAX_READ);
    }

    #[tokio::test]
    async fn a_search_keeps_to_its_rate() {
        let (find, read, begun) = (find("--read-units-per-second 5000"), AtomicU64::new(0), Instant::now());
        let search = Search { find: &find, read: &read, pace: find.rate.pace(), begun };
        let next = ListCursor::at(&session());
        let page = async |_: ListRange| {
            let before = read.fetch_add(1000, Ordering::Relaxed);
            Ok(Page { items: Vec::new(), next: (before == 0).then(|| next.clone()) })
        };
        search.pages(page).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    }

    #[test]
    fn what_may_be_missing_is_said_and_the_position_comes_last() {
        let next = ListCursor::at(&session());
        let note = |next, may_miss| {
            let page = Page { items: vec![session()], next };
            report(&find(""), &page, may_miss, samples::now()).note
        };
        assert_eq!(note(None, false), None);
        assert_eq!(note(None, true).as_deref(), Some(POINTED_TO));
        let both = note(Some(next.clone()), true).unwrap();
        assert!(both.starts_with(POINTED_TO) && both.ends_with(&next.encode()), "{both}");
    }

    #[test]
    fn nothing_personal_is_shown_unless_it_is_asked_for() {
        let session = session();
        let shown = |personal| serde_json::to_string(&record(&session, personal, session.created_at)).unwrap();
        assert!(!shown(false).contains("Ada") && !shown(false).contains(session.reference.as_str()));
        assert!(shown(true).contains("Ada") && shown(true).contains("ada@example.com"));
        assert!(!format!("{:?}", find("--email ada@example.com")).contains("ada@"));
    }
}
