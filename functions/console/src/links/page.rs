//! The pages of a payment link.

use askama::Template;
use jiff::Timestamp;
use models::{EmailAddress, Merchant, Payer, Reference, Session, WireFormat};
use pages::{Facts, Html, Shell, Zone, qr_code};

use super::form::{Asked, Errors, LIFETIME, LinkForm, Target};
use crate::frame::Frame;
use crate::paths::{links_path, payment_path};
use crate::payments::mask;

/// That another link was made by the same form.
pub(super) enum MadeBefore {
    /// Its payment is here.
    At(String),
    /// It was deleted since.
    Deleted,
}

/// The form.
#[derive(Template)]
#[template(path = "links/form.html")]
pub(super) struct FormPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    targets: &'a [Target<'a>],
    typed: &'a LinkForm,
    errors: Vec<(&'static str, String)>,
    wrong: Errors,
    made: Option<MadeBefore>,
}

impl<'a> FormPage<'a> {
    pub(super) fn new(
        frame: &'a Frame<'a>,
        targets: &'a [Target<'a>],
        typed: &'a LinkForm,
        wrong: Errors,
        made: Option<MadeBefore>,
    ) -> Self {
        let (path, errors) = (links_path(frame.mode), wrong.list());
        Self { shell: frame.shell(), frame, path, targets, typed, errors, wrong, made }
    }
}

/// Says in words what will be asked for.
#[derive(Template)]
#[template(path = "links/check.html")]
pub(super) struct CheckPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    form: &'a LinkForm,
    sentence: Html,
    amount: String,
    to: String,
    reference: Option<&'a str>,
    mailed_to: Option<&'a str>,
}

impl<'a> CheckPage<'a> {
    /// As a link that is made now.
    pub(super) fn new(frame: &'a Frame<'a>, form: &'a LinkForm, asked: &'a Asked, now: Timestamp) -> Self {
        let payer = asked.payer.as_ref();
        let until = now.checked_add(LIFETIME.as_duration()).unwrap_or(Timestamp::MAX);
        let facts = Facts::new(frame.language)
            .amount("amount", &asked.amount)
            .name("payer", payer.map_or("", |payer| payer.name.as_str()))
            .name("what", asked.what.as_str())
            .time("until", until, Zone::London);
        let sentence = match payer {
            Some(_) => "{amount} from {payer}, for {what}; the link is valid until {until}.",
            None => "{amount} from the person who opens the link, for {what}; the link is valid until {until}.",
        };
        Self {
            shell: frame.shell(),
            frame,
            path: links_path(frame.mode),
            form,
            sentence: facts.html(sentence),
            amount: frame.language.amount(&asked.amount),
            to: format!("{}, {}", asked.payee.name.as_str(), mask::account(&asked.payee.account)),
            reference: asked.reference.as_ref().map(Reference::as_str),
            mailed_to: email_of(payer).filter(|_| asked.by_mail).map(EmailAddress::as_str),
        }
    }
}

/// Why there can't be a link.
pub(super) enum Impossible {
    /// No bank takes payments of this mode.
    NoBank,
    /// Nothing may be made in this format, in which links are.
    FormatOff(WireFormat),
    /// No account is linked that could be paid into.
    NoAccount,
}

/// Says so.
#[derive(Template)]
#[template(path = "links/impossible.html")]
pub(super) struct ImpossiblePage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    why: Impossible,
    merchant: &'a str,
}

impl<'a> ImpossiblePage<'a> {
    pub(super) fn new(frame: &'a Frame<'a>, why: Impossible, merchant: &'a Merchant) -> Self {
        Self { shell: frame.shell(), frame, why, merchant: merchant.id.as_str() }
    }
}

/// The link, and its code.
#[derive(Template)]
#[template(path = "links/link.html")]
pub(super) struct LinkPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    payment_path: String,
    url: String,
    code: Option<String>,
    amount: String,
    reference: &'a str,
    until: Html,
    mailed_to: Option<String>,
}

impl<'a> LinkPage<'a> {
    pub(super) fn new(frame: &'a Frame<'a>, session: &'a Session) -> Self {
        let url = session.checkout_url();
        let mailed_to = email_of(session.payer.as_ref()).filter(|_| session.email_link);
        Self {
            shell: frame.shell(),
            frame,
            payment_path: payment_path(frame.mode, session.id),
            code: qr_code(&url),
            url,
            amount: frame.language.amount(&session.amount),
            reference: session.reference.as_str(),
            until: Facts::new(frame.language).time("time", session.expires_at, Zone::London).html("{time}"),
            mailed_to: mailed_to.map(mask::email),
        }
    }
}

fn email_of(payer: Option<&Payer>) -> Option<&EmailAddress> {
    payer.and_then(|payer| payer.email.as_ref())
}
