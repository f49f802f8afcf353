//! What payers see of the merchant: its shop's name, where it helps, and its colour; with a preview of their page. The same in test
//! and live. The logo is the command line's, which takes out of it what runs.

mod form;
mod page;
#[cfg(test)]
mod tests;

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, EmailAddress, MerchantUrl, Shop};
use pages::{Answer, read_form, see_other};
use store::StoreError;

use self::form::ShopForm;
use self::page::{form_page, preview};
use crate::acts;
use crate::frame::Frame;
use crate::services::Services;
use crate::step::Step;

/// Where the form is.
fn shop_path(frame: &Frame<'_>) -> String {
    format!("{}/shop", frame.root())
}

/// The form, with the shop as it is.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let shop = services.shops.get_as_it_is(&frame.visitor.person.merchant_id).await?;
    form_page(frame, StatusCode::OK, &shop.map(ShopForm::of).unwrap_or_default(), Vec::new())
}

/// One step of the form. The last alone changes anything.
pub(crate) async fn submit(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let form: ShopForm = read_form(request)?;
    if form.step == Step::Edit {
        return form_page(frame, StatusCode::OK, &form, Vec::new());
    }
    let person = &frame.visitor.person;
    let before = services.shops.get_as_it_is(&person.merchant_id).await?;
    let asked = match form.check(before.as_ref()) {
        Ok(asked) => asked,
        Err(errors) => return form_page(frame, StatusCode::UNPROCESSABLE_ENTITY, &form, errors),
    };
    if form.step == Step::Check {
        return preview(frame, &asked, &form);
    }
    let from = before.as_ref().map(in_a_line).unwrap_or_default();
    let act = Act {
        change: Some(ActChange { from, to: in_a_line(&asked) }),
        ..acts::by(services, &person.merchant_id, &person.email, ActKind::ShopChanged, ActObject::Shop)
    };
    // Whatever the logo is by then.
    let with_logo = |there: Option<Shop>| Shop { logo: there.and_then(|there| there.logo), ..asked.clone() };
    let changed = |there| Ok::<_, StoreError>(with_logo(there));
    services.shops.change(&person.merchant_id, changed, Some(&services.acts.write(&act)?)).await?;
    tracing::info!(merchant_id = %person.merchant_id, act_id = %act.id, "shop changed");
    see_other(&shop_path(frame))
}

/// A shop as acts say it, without its logo.
fn in_a_line(shop: &Shop) -> String {
    let Shop { display_name, support_email, support_url, website, colour, logo: _ } = shop;
    let colour = colour.map(|colour| colour.to_string());
    let others = [
        support_email.as_ref().map(EmailAddress::as_str),
        support_url.as_ref().map(MerchantUrl::as_str),
        website.as_ref().map(MerchantUrl::as_str),
        colour.as_deref(),
    ];
    let all: Vec<&str> = [display_name.as_str()].into_iter().chain(others.into_iter().flatten()).collect();
    all.join(" · ")
}
