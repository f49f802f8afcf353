//! What payers see of the merchant: its shop's name, where it helps, and its colour; with a preview of their page and of the receipt
//! that they are mailed. The same in test and live. The logo is the command line's, which takes out of it what runs.

mod example;
mod form;
mod page;
#[cfg(test)]
mod tests;

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, EmailAddress, MerchantUrl, Shop};
use pages::{Answer, Facts, Problem, read_form, see_other};
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

/// Why a shop was not changed.
enum NotChanged {
    /// Somebody else has put this one meanwhile.
    Meanwhile(Box<Option<Shop>>),
    Store(StoreError),
}

impl From<StoreError> for NotChanged {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The form, with the shop as it is.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let shop = services.shops.get_as_it_is(&frame.visitor.person.merchant_id).await?;
    let form = ShopForm::of(shop, &salt(services, frame).await?);
    form_page(frame, StatusCode::OK, &form, Vec::new(), None)
}

/// One step of the form. The last alone changes anything, and only the shop that its author saw.
pub(crate) async fn submit(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let form: ShopForm = read_form(request)?;
    if form.step == Step::Edit {
        return form_page(frame, StatusCode::OK, &form, Vec::new(), None);
    }
    let person = &frame.visitor.person;
    let before = services.shops.get_as_it_is(&person.merchant_id).await?;
    let salt = salt(services, frame).await?;
    let asked = match form.check(before.as_ref(), frame.language) {
        Ok(asked) => asked,
        Err(errors) => return form_page(frame, StatusCode::UNPROCESSABLE_ENTITY, &form, errors, None),
    };
    let was_seen = |there: &Option<Shop>| ShopForm::of(there.clone(), &salt).seen == form.seen;
    let is_so = before.as_ref() == Some(&asked);
    match form.step {
        Step::Check if is_so || was_seen(&before) => return preview(services, frame, &asked, &form),
        Step::Check => return meanwhile(frame, &form, before, &salt),
        // The same form did it, as a rule: there is nothing to write.
        Step::Confirm if is_so => return see_other(&shop_path(frame)),
        Step::Confirm | Step::Edit => {}
    }
    let from = before.as_ref().map(in_a_line).unwrap_or_default();
    let act = Act {
        change: Some(ActChange { from, to: in_a_line(&asked) }),
        ..acts::by(services, &person.merchant_id, &person.email, ActKind::ShopChanged, ActObject::Shop)
    };
    // Whatever the logo is by then; the rest is as the act says it was.
    let change = |there: Option<Shop>| {
        let logo = there.as_ref().and_then(|there| there.logo.clone());
        let shop = Shop { logo, ..asked.clone() };
        if there.as_ref() == Some(&shop) || was_seen(&there) {
            Ok(shop)
        } else {
            Err(NotChanged::Meanwhile(Box::new(there)))
        }
    };
    let changed = if was_seen(&before) {
        services.shops.change(&person.merchant_id, change, Some(&services.acts.write(&act)?)).await
    } else {
        Err(NotChanged::Meanwhile(Box::new(before)))
    };
    match changed {
        Ok(_) => {
            tracing::info!(merchant_id = %person.merchant_id, act_id = %act.id, "shop changed");
            see_other(&shop_path(frame))
        }
        Err(NotChanged::Meanwhile(there)) => {
            services.acts.put(&Act { change: None, ..acts::refused(act, "changed_meanwhile") }).await?;
            meanwhile(frame, &form, *there, &salt)
        }
        Err(NotChanged::Store(error)) => Err(error.into()),
    }
}

/// The form as it was typed, to be sent again: its author saw another shop than is there now.
fn meanwhile(frame: &Frame<'_>, form: &ShopForm, there: Option<Shop>, salt: &[u8; 32]) -> Answer {
    let t = frame.texts().shop;
    let news = match &there {
        Some(shop) => Facts::new(frame.language).text("shop", in_a_line(shop)).plain(t.changed_meanwhile),
        None => t.nameless_meanwhile.to_owned(),
    };
    let form = ShopForm { seen: ShopForm::of(there, salt).seen, ..form.clone() };
    form_page(frame, StatusCode::CONFLICT, &form, Vec::new(), Some(news))
}

/// By which the visitor's merchant makes marks.
async fn salt(services: &Services, frame: &Frame<'_>) -> Result<[u8; 32], Problem> {
    Ok(frame.visitor.merchant(services).await?.idempotency_salt)
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
