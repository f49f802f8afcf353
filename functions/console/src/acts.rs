//! How what people do is recorded.

use models::{Act, ActId, ActKind, ActObject, ActOutcome, Actor, EmailAddress, MerchantId};

use crate::frame::Frame;
use crate::services::Services;
use crate::visitor::Visitor;

/// Done by this person, now, in test and live alike.
pub(crate) fn by(
    services: &Services,
    merchant_id: &MerchantId,
    email: &EmailAddress,
    what: ActKind,
    object: ActObject,
) -> Act {
    let at = models::truncate_to_ms(services.clock.now());
    Act {
        id: ActId::new(services.random.uuid_v7(at)),
        at,
        merchant_id: merchant_id.clone(),
        mode: None,
        who: Actor::Person(email.clone()),
        what,
        object,
        reason: None,
        change: None,
        outcome: ActOutcome::Done,
        correlation_id: runtime::correlation_id(),
    }
}

/// Done by the visitor on a page of this mode, to what is of this mode.
pub(crate) fn on_page(services: &Services, frame: &Frame<'_>, what: ActKind, object: ActObject) -> Act {
    let person = &frame.visitor.person;
    Act { mode: Some(frame.mode), ..by(services, &person.merchant_id, &person.email, what, object) }
}

/// Done by the visitor to a person, who may be themselves.
pub(crate) fn by_visitor(services: &Services, visitor: &Visitor, what: ActKind, whom: &EmailAddress) -> Act {
    by(services, &visitor.person.merchant_id, &visitor.person.email, what, ActObject::Person(whom.clone()))
}

/// The same act, which a rule refused; its code says which rule.
pub(crate) fn refused(act: Act, code: &str) -> Act {
    Act { outcome: ActOutcome::Refused(code.to_owned()), ..act }
}
