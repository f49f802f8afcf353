//! Payment sessions and their refunds.

mod find;

use clap::Subcommand;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::SignedDuration;
use models::{
    AccountIdentifier, Card, LateMoney, MinorUnits, ObjectId, Payee, Refund, RefundId, Session, SessionId, SessionState,
};
use runtime::Clock;
use serde_json::{Value, json};
use store::{
    Created, CursorState, Parts, Paused, Refunds, Sessions as Stored, Table, Timeline, TimelineEntry, Timelines,
};

use crate::arguments::{duration, object_id};
use crate::commands::cancel::{self, CancelSession};
use crate::failure::Failure;
use crate::report::{Content, Field, Record, Report, ago, amount, field, maybe, maybe_as, plain, shown_as, when, word};
use crate::target::Service;

/// How many sessions are read at a time.
const CONCURRENCY: usize = 16;

const HIDDEN: &str = "hidden; --personal shows it";

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Show a payment session, its refunds, its webhook deliveries, and all that happened to it, in order
    ///
    /// Events, `evt_<session or refund>_<number>`, and how each webhook was answered are kept for 30 days. REQUEST is the correlation id by which logs, mails and
    /// webhooks of the same request are found.
    Show {
        /// The id of the payment session, or of a refund of it, as any format shows it
        #[arg(value_parser = object_id)]
        id: ObjectId,
        /// Show names, e-mail addresses, accounts, references, metadata, and what webhook endpoints answered
        #[arg(long)]
        personal: bool,
    },
    Find(Box<find::Find>),
    Cancel(Box<CancelSession>),
    /// List the payment sessions whose money may move and whose bank has not said yet what became of it, oldest first: those that
    /// were submitted, and those whose time has passed while their payer was where money moves at consent
    Pending {
        /// Only those that have waited at least this long, such as 30m or 72h
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
        longer_than: SignedDuration,
    },
}

pub(crate) async fn run(command: Sessions, service: &Service) -> Result<Report, Failure> {
    let table = &service.table;
    match command {
        Sessions::Show { id, personal } => show(table, id, personal).await,
        Sessions::Find(sought) => find::run(&sought, table).await,
        Sessions::Cancel(command) => cancel::session(*command, service).await,
        Sessions::Pending { longer_than } => pending(table, longer_than).await,
    }
}

async fn show(table: &Table, id: ObjectId, personal: bool) -> Result<Report, Failure> {
    let session_id = session_of(table, id).await?;
    let Timeline { session, refunds, late_money, cursors, entries } =
        Timelines::new(table.clone()).of(&session_id).await?;
    let session = match session {
        Some(session) => session_record(&session, &refunds, personal),
        None => {
            let state = shown_as("state", "deleted by its merchant, with all its data", "deleted");
            let mut fields = vec![field("session_id", session_id), state];
            fields.extend(late_money_fields(late_money.as_ref()));
            Record(fields)
        }
    };
    let of = |id: ObjectId| match id == session_id.into() {
        true => shown_as("of", "session", id.to_string()),
        false => shown_as("of", format!("refund {id}"), id.to_string()),
    };
    Ok(Report::new(Content::Sections(vec![
        ("session", Content::One(session)),
        ("refunds", Content::Many(refunds.iter().map(refund_record).collect())),
        ("webhooks", Content::Many(cursors.iter().map(|one| cursor_record(of(one.id.object_id), one)).collect())),
        ("timeline", Content::Many(entries.iter().map(|one| entry_record(of(one.of), one, personal)).collect())),
    ])))
}

/// The session that an id is of, or that a refund with it is of; also a deleted one.
async fn session_of(table: &Table, id: ObjectId) -> Result<SessionId, Failure> {
    if let Ok(session_id) = id.to_string().parse::<SessionId>() {
        match Stored::new(table.clone()).created(&session_id).await? {
            Some(Created::New(_) | Created::NotOnClock(_) | Created::Existing(..) | Created::Deleted) => {
                return Ok(session_id);
            }
            None => {}
        }
    }
    if let Ok(refund_id) = id.to_string().parse::<RefundId>()
        && let Some(refund) = Refunds::new(table.clone()).get(&refund_id).await?
    {
        return Ok(refund.session_id);
    }
    Err(Failure::NoObject(id))
}

fn session_record(session: &Session, refunds: &[Refund], personal: bool) -> Record {
    let now = Clock::System.now();
    let hidden_as = |name: &'static str, value: Option<(String, Value)>| match value {
        Some(_) if !personal => shown_as(name, HIDDEN, Value::Null),
        value => maybe_as(name, value),
    };
    let hidden = |name, value: Option<String>| hidden_as(name, value.map(|text| (text.clone(), text.into())));
    let payer = session.payer.as_ref();
    let metadata = serde_json::to_value(&session.metadata).ok().filter(|metadata| *metadata != json!({}));
    let items = session.line_items.iter().map(|item| (item.quantity, item.name.as_str()));
    let items_text: Vec<_> = items.clone().map(|(quantity, name)| format!("{quantity} × {name}")).collect();
    let items: Vec<_> = items.map(|(quantity, name)| json!({ "quantity": quantity, "name": name })).collect();
    let attempt = session.attempt.as_ref();
    let at_consent = attempt.and_then(|attempt| attempt.at_consent.as_ref());
    let mut fields = vec![
        field("session_id", session.id),
        field("merchant", &session.merchant_id),
        field("mode", session.mode.as_str()),
        field("format", session.format.as_str()),
        field("state", session.state_at(now)),
        maybe("checkout_url", session.state_at(now).is_awaiting().then(|| session.checkout_url())),
        amount("amount", Some(session.amount)),
        amount("left_to_refund", session.refundable(now).ok()),
        plain("refunds", refunds.len()),
        maybe("pays_refund", session.pays_refund.map(|pays| pays.refund_id)),
        when("created_at", session.created_at),
        when("expires_at", session.expires_at),
        maybe("bank", attempt.map(|attempt| &attempt.bank)),
        plain("attempts", session.attempt_number()),
        maybe("attempt_ended", attempt.and_then(|attempt| attempt.ended)),
        when("at_consent_since", at_consent.map(|at_consent| at_consent.begun_at)),
        maybe("provider_payment_id", at_consent.and_then(|at_consent| at_consent.payment_id.as_ref())),
        amount("received", session.received_amount()),
        amount("missing", session.missing()),
        amount("excess", session.excess()),
        amount("returned", session.returned()),
        when("submitted_at", session.submission.as_ref().map(|submission| submission.submitted_at)),
        field("end_to_end_id", session.end_to_end_id),
        plain("email_receipt", session.email_receipt),
        when("erased_at", session.erased_at),
        hidden("payer_name", payer.map(|payer| payer.name.as_str().to_owned())),
        hidden("payer_email", payer.and_then(|payer| Some(payer.email.as_ref()?.as_str().to_owned()))),
        hidden("payer_phone", payer.and_then(|payer| Some(payer.phone.as_ref()?.as_str().to_owned()))),
        hidden("customer", session.customer_id.map(|id| id.to_string())),
        hidden_as("payer_account", session.payer_account.as_ref().map(account)),
        hidden_as("card", session.card.map(card)),
        hidden_as("payee", Some(account(&session.payee))),
        hidden("reference", Some(session.reference.as_str().to_owned())),
        hidden_as("line_items", Some((items_text.join(", "), items.into()))),
        hidden("description", session.description.as_ref().map(|text| text.as_str().to_owned())),
        hidden_as("metadata", metadata.map(|metadata| (metadata.to_string(), metadata))),
    ];
    fields.extend([
        when("taken_back_at", session.taken_back.map(|taken_back| taken_back.at)),
        maybe("taken_back_reason", session.taken_back.map(|taken_back| taken_back.reason.as_str())),
    ]);
    fields.extend(late_money_fields(session.late_money.as_ref()));
    Record(fields)
}

/// Money that came of an attempt that was over, for the operator who returns it.
fn late_money_fields(money: Option<&LateMoney>) -> [Field; 5] {
    [
        when("late_money_at", money.map(|money| money.at)),
        maybe("late_money_provider", money.map(|money| &money.provider)),
        maybe("late_money_payment_id", money.map(|money| &money.payment_id)),
        plain("late_money_attempt", money.map(|money| money.attempt)),
        plain("late_money_minor", money.and_then(|money| money.amount_minor).map(MinorUnits::get)),
    ]
}

/// An account, for people and for scripts.
fn account(payee: &Payee) -> (String, Value) {
    let name = payee.name.as_str();
    match &payee.account {
        AccountIdentifier::UkAccount { sort_code, account_number } => {
            let (sort_code, number) = (sort_code.as_str(), account_number.as_str());
            let json = json!({ "name": name, "sort_code": sort_code, "account_number": number, "iban": null });
            (format!("{name}, {sort_code} {number}"), json)
        }
        AccountIdentifier::Iban { iban } => {
            let iban = iban.as_str();
            let json = json!({ "name": name, "sort_code": null, "account_number": null, "iban": iban });
            (format!("{name}, {iban}"), json)
        }
    }
}

/// A card, for people and for scripts.
fn card(card: Card) -> (String, Value) {
    let (brand, last_four) = (card.brand.as_str(), card.last_four.as_str());
    (format!("{brand} {last_four}"), json!({ "brand": brand, "last_four": last_four }))
}

fn refund_record(refund: &Refund) -> Record {
    let now = Clock::System.now();
    Record(vec![
        field("refund_id", refund.id),
        field("state", refund.state_at(now).as_str()),
        amount("amount", Some(refund.amount)),
        when("created_at", refund.created_at),
        when("expires_at", refund.expires_at),
        maybe("paid_by_session", refund.payment_session_id),
        maybe("authorise_at", refund.authorisation_url_at(now)),
        maybe("at_provider", refund.at_provider.as_ref().map(|at_provider| at_provider.provider.clone())),
        maybe("provider_refund_id", refund.at_provider.as_ref().and_then(|at_provider| at_provider.id.clone())),
        plain("submitted", refund.submitted),
    ])
}

fn cursor_record(of: Field, cursor: &CursorState) -> Record {
    let (status, word) = match (cursor.paused, cursor.delivered < cursor.head) {
        (Some(Paused::Dead), _) => ("dead: waits for `counterfoil webhooks resume`", "dead"),
        (Some(Paused::Disabled), _) => ("paused: its endpoint is disabled", "paused"),
        (None, true) => ("being delivered", "being_delivered"),
        (None, false) => ("delivered", "delivered"),
    };
    Record(vec![
        of,
        field("merchant", &cursor.id.merchant_id),
        field("endpoint_id", cursor.id.endpoint_id),
        plain("replay_of", cursor.id.replay_of),
        plain("delivered", cursor.delivered),
        plain("events", cursor.head),
        shown_as("status", status, word),
        plain("failures", cursor.attempts),
        when("next_try_at", cursor.due_at),
    ])
}

fn entry_record(of: Field, entry: &TimelineEntry, personal: bool) -> Record {
    let (at, what, detail) = (entry.at, entry.what(), entry.detail());
    let answer = entry.personal().filter(|_| personal).map(|answer| format!(": {answer}")).unwrap_or_default();
    Record(vec![
        when("at", at),
        of,
        word("what", &what),
        field("detail", format!("{detail}{answer}")),
        maybe("request", entry.request.as_ref()),
    ])
}

async fn pending(table: &Table, longer_than: SignedDuration) -> Result<Report, Failure> {
    let (sessions, now) = (&Stored::new(table.clone()), Clock::System.now());
    let mut found = Vec::new();
    for mut part in table.waiting_sessions(Parts(1)) {
        while let Some(page) = part.next().await? {
            let read = page.found.into_iter().map(async |id| sessions.get(&id).await);
            let read: Vec<_> = stream::iter(read).buffer_unordered(CONCURRENCY).try_collect().await?;
            let is_pending = |session: &Session| {
                waits_since(session, now).is_some_and(|since| now.duration_since(since) >= longer_than)
            };
            found.extend(read.into_iter().flatten().filter(is_pending));
        }
    }
    found.sort_by_key(|session| waits_since(session, now));
    Ok(Report::many(
        found
            .iter()
            .map(|session| {
                Record(vec![
                    field("session_id", session.id),
                    field("merchant", &session.merchant_id),
                    field("mode", session.mode.as_str()),
                    amount("amount", Some(session.amount)),
                    maybe("bank", session.attempt.as_ref().map(|attempt| &attempt.bank)),
                    field("end_to_end_id", session.end_to_end_id),
                    amount("received", session.received_amount()),
                    amount("missing", session.missing()),
                    amount("excess", session.excess()),
                    amount("returned", session.returned()),
                    when("submitted_at", session.pending_since()),
                    ago("waiting_s", waits_since(session, now), now),
                ])
            })
            .collect(),
    ))
}

/// Since when it waits for its bank's word: it is pending, or its time passed while money may move at consent.
fn waits_since(session: &Session, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
    if session.state == SessionState::Pending {
        return session.pending_since();
    }
    let begun_at = session.open_at_consent()?.at_consent.as_ref()?.begun_at;
    (now >= session.expires_at).then_some(begun_at)
}
