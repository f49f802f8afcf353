//! Finding payments by what a customer, a bank or a system of the merchant's says of them.

use std::str::FromStr;

use api::{any_refund_id, any_session_id};
use models::{EmailAddress, EndToEndId, Reference, Session};
use store::{ListRange, ListStart, Page, Sought, StoreError};

use super::filter::PAGE;
use crate::frame::Frame;
use crate::paths::payment_path;
use crate::services::Services;

/// What was found.
pub(super) enum Found {
    /// One, whose page is there.
    One(String),
    /// Some, or none.
    Some(Page<Session>),
}

/// Searches the payments of this merchant and mode: by an id of a payment or refund in whatever way it is spelled, by the end-to-end
/// id, the payer's e-mail address (by who may see it), or the reference. Others' are not there.
pub(super) async fn search(
    services: &Services,
    frame: &Frame<'_>,
    q: &str,
    start: &ListStart,
) -> Result<Found, StoreError> {
    if let Some(id) = any_session_id(q)
        && frame.visitor.session(services, frame.mode, id).await?.is_some()
    {
        return Ok(Found::One(payment_path(frame.mode, id)));
    }
    if let Some(id) = any_refund_id(q) {
        let refund = services.refunds.get(&id).await?;
        let owner = frame.visitor.owner(frame.mode);
        if let Some(refund) = refund.filter(|refund| owner.owns_refund(refund))
            && frame.visitor.session(services, frame.mode, refund.session_id).await?.is_some()
        {
            return Ok(Found::One(format!("{}#refund-{id}", payment_path(frame.mode, refund.session_id))));
        }
    }
    let may_seek = |sought: &Sought| !matches!(sought, Sought::Email(_)) || frame.may_see_personal_data();
    for sought in sought(q).into_iter().filter(may_seek) {
        let page = pointed_to(services, frame, &sought, start).await?;
        match page.items.as_slice() {
            [] if page.next.is_none() => {}
            [only] if page.next.is_none() && *start == ListStart::Newest => {
                return Ok(Found::One(payment_path(frame.mode, only.id)));
            }
            [..] => return Ok(Found::Some(page)),
        }
    }
    Ok(Found::Some(Page { items: Vec::new(), next: None }))
}

/// Those that this is known of.
async fn pointed_to(
    services: &Services,
    frame: &Frame<'_>,
    sought: &Sought,
    start: &ListStart,
) -> Result<Page<Session>, StoreError> {
    let range = ListRange { start: start.clone(), limit: PAGE, ..ListRange::default() };
    let merchant_id = &frame.visitor.person.merchant_id;
    let Page { items: ids, next } = services.pointers.find(merchant_id, frame.mode, sought, range).await?;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.extend(frame.visitor.session(services, frame.mode, id).await?);
    }
    Ok(Page { items, next })
}

/// What else it may be.
fn sought(q: &str) -> Vec<Sought> {
    // Banks leave its hyphens out, since a field of theirs has 35 characters.
    let end_to_end = EndToEndId::from_str(q).or_else(|_| EndToEndId::from_hex(&q.to_ascii_lowercase()));
    let email = EmailAddress::try_from(q.to_owned());
    let reference = Reference::try_from(q.to_owned());
    let all =
        [end_to_end.ok().map(Sought::EndToEnd), email.ok().map(Sought::Email), reference.ok().map(Sought::Reference)];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

    #[test]
    fn what_a_customer_says_is_tried_as_all_that_it_may_be() {
        assert!(matches!(sought(ID)[..], [Sought::EndToEnd(_), ..]));
        assert!(matches!(sought(&ID.replace('-', "").to_uppercase())[..], [Sought::EndToEnd(_), ..]));
        assert!(matches!(sought("ada@example.com")[..], [Sought::Email(_), ..]));
        assert!(matches!(sought("Illuminate")[..], [Sought::Reference(_)]));
        assert_eq!(sought("\u{fffe}"), []);
    }
}
