//! The form of the shop, and a payer's page and mail with the shop's face as the form has it.

use askama::Template;
use lambda_http::http::StatusCode;
use mails::{Mail, receipt, sender};
use models::{Description, Session, Shop};
use pages::{Answer, CONSOLE_STYLE, CheckoutTexts, Face, Problem, Shell};

use super::example::example;
use super::form::{Errors, ShopForm};
use super::shop_path;
use crate::counterfoil;
use crate::frame::Frame;
use crate::services::Services;

/// A field of the form.
struct Field<'a> {
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    /// The `type` of its input.
    kind: &'static str,
    max_length: usize,
    value: &'a str,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "shop/form.html")]
struct FormPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    seen: &'a str,
    fields: [Field<'a>; 5],
    errors: Errors,
    /// What has happened meanwhile.
    news: Option<String>,
    /// The same on the command line, if it can be done.
    command: Option<String>,
}

#[derive(Template)]
#[template(path = "shop/preview.html")]
struct PreviewPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    form: &'a ShopForm,
    checkout: &'static CheckoutTexts,
    /// What is paid for, and its total.
    item: &'a str,
    total: String,
    reference: &'a str,
    /// Whom the receipt is from.
    sender: String,
    receipt: &'a Mail,
}

/// The form, with what is wrong with it, and what has happened meanwhile.
pub(super) fn form_page(
    frame: &Frame<'_>,
    status: StatusCode,
    form: &ShopForm,
    errors: Errors,
    news: Option<String>,
) -> Answer {
    let ShopForm { step: _, seen, display_name, support_email, support_url, website, colour } = form;
    let t = frame.texts().shop;
    let fields = [
        ("display_name", t.name_label, t.name_hint, "text", 140, display_name.as_str()),
        ("support_email", t.email_label, t.email_hint, "email", 254, support_email.as_str()),
        ("support_url", t.help_label, t.help_hint, "url", 2048, support_url.as_str()),
        ("website", t.website_label, t.website_hint, "url", 2048, website.as_str()),
        ("colour", t.colour_label, t.colour_hint, "text", 7, colour.as_str()),
    ]
    .map(|(id, label, hint, kind, max_length, value)| {
        let error = errors.iter().find(|(field, _)| *field == id).map(|(_, text)| text.clone());
        Field { id, label, hint, kind, max_length, value, error }
    });
    let options = [
        ("display-name", display_name.trim()),
        ("support-email", support_email.trim()),
        ("support-url", support_url.trim()),
        ("website", website.trim()),
        ("colour", colour.trim()),
    ];
    let is_right = errors.is_empty() && !display_name.trim().is_empty();
    let command = is_right.then(|| counterfoil::change_shop(&frame.visitor.person.merchant_id, &options));
    let shell = &frame.shell();
    frame.page(status, &FormPage { shell, frame, path: shop_path(frame), seen, fields, errors, news, command })
}

/// A payer's page with the face of this shop, which is not changed yet, around an example; and the receipt of that.
///
/// The receipt is rendered by what sends it. It stands in a frame in which nothing runs and no link leads anywhere.
pub(super) fn preview(services: &Services, frame: &Frame<'_>, shop: &Shop, form: &ShopForm) -> Answer {
    let session = &example(services, frame, shop).map_err(Problem::Internal)?;
    let receipt = &receipt::render(session, Some(shop)).ok_or_else(|| Problem::Internal("no receipt".into()))?;
    let face = Face::new(Some(shop), frame.visitor.person.merchant_id.as_str());
    let shell = &Shell { more_style: CONSOLE_STYLE, ..Shell::of(face, frame.mode, frame.language) };
    let Session { amount, description, reference, .. } = session;
    let page = PreviewPage {
        shell,
        frame,
        path: shop_path(frame),
        form,
        checkout: &shell.texts().checkout,
        item: description.as_ref().map_or("", Description::as_str),
        total: frame.language.amount(amount),
        reference: reference.as_str(),
        sender: sender::display_name(&receipt.shop, receipt.language),
        receipt,
    };
    shell.page_with_mail(StatusCode::OK, receipt.style(), &page)
}
