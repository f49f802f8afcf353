//! The form of the shop, and a payer's page with the shop's face as the form has it.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{Currency, MinorUnits, Money, Shop};
use pages::{Answer, CONSOLE_STYLE, CheckoutTexts, Face, Shell};

use super::form::{Errors, ShopForm};
use super::shop_path;
use crate::counterfoil;
use crate::frame::Frame;

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
    t: &'static CheckoutTexts,
    total: String,
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
    let fields = [
        ("display_name", "Name", "On every page and in every mail.", "text", 140, display_name.as_str()),
        ("support_email", "E-mail for questions", "Answers to mails go there.", "email", 254, support_email.as_str()),
        ("support_url", "Page that helps", "Where payers read about their order.", "url", 2048, support_url.as_str()),
        ("website", "Home page", "Shown where there is no page that helps.", "url", 2048, website.as_str()),
        ("colour", "Colour", "Of buttons and links, such as #8a4b08.", "text", 7, colour.as_str()),
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

/// A payer's page with the face of this shop, which is not changed yet, around an example.
pub(super) fn preview(frame: &Frame<'_>, shop: &Shop, form: &ShopForm) -> Answer {
    let face = Face::new(Some(shop), frame.visitor.person.merchant_id.as_str());
    let shell = &Shell { more_style: CONSOLE_STYLE, ..Shell::of(face, frame.mode, frame.language) };
    let total = frame.language.amount(&Money::new(MinorUnits::new(2400), Currency::GBP));
    let t = &shell.texts().checkout;
    shell.page(StatusCode::OK, &PreviewPage { shell, frame, path: shop_path(frame), form, t, total })
}
