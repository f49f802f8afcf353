//! Who pays a session: its customer, as they are when it is created.

use models::{Customer, EmailAddress, Name, NewSession, Payer};

use super::customer::CustomerExtra;
use crate::extra;

/// The session with this customer as its payer.
pub(crate) fn paid_by(new: NewSession, customer: &Customer) -> NewSession {
    let payer = name_of(customer).map(|name| Payer {
        name,
        email: Some(customer.email.clone()),
        phone: customer.phone.clone(),
    });
    NewSession { payer, customer_id: Some(customer.id), ..new }
}

/// The customer's name, else their legal one, else the beginning of their e-mail address, which is always there.
fn name_of(customer: &Customer) -> Option<Name> {
    customer.name.clone().or_else(|| legal_name(customer)).or_else(|| beginning_of(&customer.email))
}

fn legal_name(customer: &Customer) -> Option<Name> {
    let CustomerExtra { legal, .. } = extra::read(customer.extra.as_ref());
    Name::try_from(legal.whole().chars().take(140).collect::<String>()).ok()
}

fn beginning_of(email: &EmailAddress) -> Option<Name> {
    Name::try_from(email.as_str().chars().take(140).collect::<String>()).ok()
}
