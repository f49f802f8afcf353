//! The pages of a payment link.

use askama::Template;
use jiff::Timestamp;
use models::{EmailAddress, Merchant, Payer, Reference, Session, WireFormat};
use pages::{Facts, Html, Shell, Zone, qr_code};

use super::form::{Asked, Errors, LIFETIME, LinkForm, Target};
use crate::frame::Frame;
use crate::paths::{links_path, payment_path};
use crate::payments::mask;
use crate::texts::around;

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

    /// That it made another link before, around the link to its payment.
    fn made_before(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().links.made_before, "{payment}")
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
        let (t, payer) = (frame.texts().links, asked.payer.as_ref());
        let until = now.checked_add(LIFETIME.as_duration()).unwrap_or(Timestamp::MAX);
        let facts = Facts::new(frame.language)
            .amount("amount", &asked.amount)
            .name("payer", payer.map_or("", |payer| payer.name.as_str()))
            .name("what", asked.what.as_str())
            .time("until", until, Zone::London);
        let sentence = match payer {
            Some(_) => t.asks_payer,
            None => t.asks_anybody,
        };
        Self {
            shell: frame.shell(),
            frame,
            path: links_path(frame.mode),
            form,
            sentence: facts.html(sentence),
            amount: frame.language.amount(&asked.amount),
            to: format!("{}, {}", asked.payee.name.as_str(), mask::account(&asked.payee.account, frame.language)),
            reference: asked.reference.as_ref().map(Reference::as_str),
            mailed_to: email_of(payer).filter(|_| asked.by_mail).map(EmailAddress::as_str),
        }
    }
}

/// Why there can't be a link.
pub(super) enum Impossible {
    /// No bank takes live payments; in test mode one always does.
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

    /// That nothing is made in this format.
    fn format_off(&self, format: &WireFormat) -> String {
        let facts = Facts::new(self.frame.language).text("format", format.name());
        facts.plain(self.frame.texts().links.format_off)
    }

    /// How it is switched on, around and between the format and the parameter.
    fn format_on(&self) -> (&'static str, &'static str, &'static str) {
        let (before, rest) = around(self.frame.texts().links.format_on, "{code}");
        let (between, after) = around(rest, "{parameter}");
        (before, between, after)
    }

    /// How an account is linked, around the link to where.
    fn link_one(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().links.link_one, "{link}")
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
    /// Says to whom it is mailed, if it is.
    mailed: Option<String>,
}

impl<'a> LinkPage<'a> {
    pub(super) fn new(frame: &'a Frame<'a>, session: &'a Session) -> Self {
        let url = session.checkout_url();
        let mailed_to = email_of(session.payer.as_ref()).filter(|_| session.email_link);
        let facts = || Facts::new(frame.language);
        let mailed = |email| facts().text("email", mask::email(email)).plain(frame.texts().links.mailed);
        Self {
            shell: frame.shell(),
            frame,
            payment_path: payment_path(frame.mode, session.id),
            code: qr_code(&url),
            url,
            amount: frame.language.amount(&session.amount),
            reference: session.reference.as_str(),
            until: facts().time("time", session.expires_at, Zone::London).html("{time}"),
            mailed: mailed_to.map(mailed),
        }
    }
}

fn email_of(payer: Option<&Payer>) -> Option<&EmailAddress> {
    payer.and_then(|payer| payer.email.as_ref())
}
