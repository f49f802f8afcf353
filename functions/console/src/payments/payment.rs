//! One payment: where it stands, its sums, who took part, its refunds, all that happened, and whether its books agree.

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{Act, MinorUnits, Money, Permission, Refund, RefundState, Session, SessionId};
use pages::{Answer, Facts, Html, Language, Problem, Shell};
use store::{Timeline, TimelineEntry};

use super::books::disagreements;
use super::list::{time, with_time};
use super::parties::Parties;
use super::personal::{Personal, personal};
use super::timeline::{Answered, Entry};
use crate::frame::Frame;
use crate::paths::{cancel_refund_path, payment_path};
use crate::services::Services;
use crate::texts::texts;
use crate::words::{
    State, event_text, method_of, method_text, refund_event_text, refund_state_of, state_of, taken_back_text,
};

/// A sum, and what it is of.
struct Sum {
    label: &'static str,
    amount: String,
}

/// What is paid for.
struct Item {
    name: String,
    description: Option<String>,
    quantity: u32,
    unit_price: String,
}

/// A refund, and what it waits for.
struct RefundRow {
    id: String,
    amount: String,
    state: State,
    at: Html,
    /// That it was sent, and when.
    sent: Option<Html>,
    failed: Option<&'static str>,
    /// The payer's page, and whether it was mailed to them.
    asks_payer: Option<(String, bool)>,
    authorise_at: Option<String>,
    cancel_path: Option<String>,
}

impl RefundRow {
    fn new(refund: &Refund, frame: &Frame<'_>, now: Timestamp) -> Self {
        let state = refund.state_at(now);
        // Opening these moves money.
        let may_move = frame.visitor.may(Permission::MoveMoney);
        let may_end = !state.is_final() && !refund.submitted && !refund.open_at_consent;
        Self {
            id: refund.id.to_string(),
            amount: frame.language.amount(&refund.amount),
            state: refund_state_of(refund, frame.language, now),
            at: time(refund.created_at, frame.language),
            sent: refund.sent_at().map(|at| with_time(frame.texts().payments.refund_sent, at, frame.language)),
            failed: refund.failure_reason_at(now).map(|event| refund_event_text(event, frame.language)),
            asks_payer: (may_move && state == RefundState::AwaitingDetails)
                .then(|| (refund.page_url(), refund.has_email)),
            authorise_at: refund.authorisation_url_at(now).filter(|_| may_move),
            cancel_path: (may_move && may_end).then(|| cancel_refund_path(frame.mode, refund.id)),
        }
    }
}

#[derive(Template)]
#[template(path = "payments/payment.html")]
struct PaymentPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    id: String,
    end_to_end_id: String,
    reference: &'a str,
    amount: String,
    state: State,
    why_ended: Option<&'static str>,
    created_at: Html,
    expires_at: Option<Html>,
    method: Option<&'static str>,
    format: &'static str,
    description: Option<&'a str>,
    /// The refunded payment's page, if it pays a refund.
    refunded_path: Option<String>,
    sums: Vec<Sum>,
    notes: Vec<String>,
    items: Vec<Item>,
    parties: Parties,
    /// That what was about the payer was removed, and when.
    erased: Option<Html>,
    shows_personal: bool,
    may_ask: bool,
    refunds: Vec<RefundRow>,
    entries: Vec<Entry>,
    disagreements: Vec<String>,
    may_refund: bool,
    may_cancel: bool,
    json_path: String,
    curl: String,
}

impl PaymentPage<'_> {
    fn title(&self) -> String {
        self.facts().plain(self.frame.texts().payments.payment)
    }

    fn headline(&self) -> Html {
        self.facts().html(self.frame.texts().payments.payment)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(self.frame.language).name("reference", self.reference)
    }
}

/// The page of a payment of this merchant and mode; others' are not there. `base_url` is where the API is.
pub(crate) async fn payment_page(
    services: &Services,
    frame: &Frame<'_>,
    id: SessionId,
    query: &str,
    base_url: &str,
) -> Answer {
    let now = services.clock.now();
    frame.visitor.session(services, frame.mode, id).await?.ok_or(Problem::NotFound)?;
    let personal = personal(services, frame, &id, query).await?;
    let Timeline { session, refunds, entries, .. } = services.timelines.of(&id).await?;
    // It may have been deleted meanwhile.
    let session = session.ok_or(Problem::NotFound)?;
    let acts = services.acts.of_session(&id).await?;
    let disagreements = disagreements(services, &id, now).await?;
    let language = frame.language;
    let is_awaiting = session.state_at(now).is_awaiting();
    let may_move = frame.visitor.may(Permission::MoveMoney);
    let parties = Parties::new(&session, personal, language);
    let format = api::Format::of_stored(session.format).map_err(|error| Problem::Internal(Box::new(error)))?;
    let page = PaymentPage {
        shell: frame.shell(),
        frame,
        path: payment_path(frame.mode, id),
        id: id.to_string(),
        end_to_end_id: session.end_to_end_id.to_string(),
        reference: session.reference.as_str(),
        amount: language.amount(&session.amount),
        state: state_of(&session, language, now),
        why_ended: session.failure_reason_at(now).map(|event| event_text(event, language)),
        created_at: time(session.created_at, language),
        expires_at: is_awaiting.then(|| time(session.expires_at, language)),
        method: method_of(&session).map(|method| method_text(method, language)),
        format: session.format.name(),
        description: session.description.as_ref().map(|text| text.as_str()),
        refunded_path: session.pays_refund.map(|pays| payment_path(frame.mode, pays.session_id)),
        sums: sums(&session, &refunds, now, language),
        notes: notes(&session, language),
        items: session
            .line_items
            .iter()
            .map(|item| Item {
                name: item.name.as_str().to_owned(),
                description: item.description.as_ref().map(|text| text.as_str().to_owned()),
                quantity: item.quantity,
                unit_price: language.amount(&item.unit_price),
            })
            .collect(),
        may_ask: parties.hides && frame.visitor.may(Permission::SeePersonalData),
        parties,
        erased: session.erased_at.map(|at| with_time(frame.texts().payments.payer_removed, at, language)),
        shows_personal: personal == Personal::Shown,
        refunds: refunds.iter().map(|refund| RefundRow::new(refund, frame, now)).collect(),
        entries: all_entries(frame, &entries, &acts, &session, &refunds, personal)
            .into_iter()
            .map(|(at, entry)| entry.with_logs(services.settings.logs.as_ref(), at))
            .collect(),
        disagreements,
        may_refund: may_move && services.payments.left(&session, &refunds, now).is_ok(),
        may_cancel: may_move && is_awaiting && session.pays_refund.is_none(),
        json_path: match personal {
            Personal::Masked => format!("{}/json", payment_path(frame.mode, id)),
            Personal::Shown => format!("{}/json?{query}", payment_path(frame.mode, id)),
        },
        curl: format!("curl -u \"$KEY:$SECRET\" {base_url}{}", format.session_path(id)),
    };
    frame.page(StatusCode::OK, &page)
}

/// All that happened and all that people did, in order of time.
fn all_entries(
    frame: &Frame<'_>,
    entries: &[TimelineEntry],
    acts: &[Act],
    session: &Session,
    refunds: &[Refund],
    personal: Personal,
) -> Vec<(Timestamp, Entry)> {
    let happened = entries.iter().map(|entry| (entry.at, Entry::new(entry, frame, session, refunds, personal)));
    let done = acts.iter().map(|act| (act.at, Entry::of_act(act, frame, refunds, personal)));
    let mut all: Vec<_> = happened.chain(done).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// What was paid, what was and is being refunded, and what is left of it; or what is to be paid.
fn sums(session: &Session, refunds: &[Refund], now: Timestamp, language: Language) -> Vec<Sum> {
    let t = texts(language).payments;
    let sum = |label, amount: Money| Sum { label, amount: language.amount(&amount) };
    if session.sent_at().is_none() {
        let label = if session.state_at(now).is_final() { t.was_to_be_paid } else { t.to_be_paid };
        return vec![sum(label, session.amount)];
    }
    let of = |wanted: fn(RefundState) -> bool| {
        let minor = refunds.iter().filter(|refund| wanted(refund.state_at(now))).map(|refund| refund.amount.minor());
        Money::new(MinorUnits::new(minor.fold(0, i64::saturating_add)), session.amount.currency())
    };
    let being = of(|state| matches!(state, RefundState::AwaitingDetails | RefundState::AwaitingPayment));
    let mut sums = vec![sum(t.paid, session.amount), sum(t.refunded, of(|state| state == RefundState::Sent))];
    if being.minor() != 0 {
        sums.push(sum(t.being_refunded, being));
    }
    if session.pays_refund.is_none() && session.taken_back.is_none() {
        sums.push(sum(t.left, models::left_of(session.amount, refunds, now)));
    }
    sums
}

/// What the sums don't say: money that is not where it should be.
fn notes(session: &Session, language: Language) -> Vec<String> {
    let t = texts(language).payments;
    let of_amount = |amount: Money, text| Facts::new(language).amount("amount", &amount).plain(text);
    let mut notes = Vec::new();
    if let Some(taken_back) = session.taken_back {
        let why = taken_back_text(taken_back.reason, language);
        notes.push(Facts::new(language).text("why", why).plain(t.taken_back));
    }
    notes.extend(session.missing().map(|missing| of_amount(missing, t.missing)));
    notes.extend(session.excess().map(|excess| of_amount(excess, t.excess)));
    notes.extend(session.returned().map(|returned| of_amount(returned, t.returned)));
    if let Some(late) = &session.late_money {
        let facts = Facts::new(language).text("provider", &late.provider);
        notes.push(match late.amount_minor.map(|minor| Money::new(minor, session.amount.currency())) {
            Some(amount) => facts.amount("amount", &amount).plain(t.late),
            None => facts.plain(t.late_of_unknown),
        });
    }
    notes
}
