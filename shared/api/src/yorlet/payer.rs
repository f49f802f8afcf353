//! Who pays a session: its customer, as they are when it is created.

use models::{Customer, EmailAddress, Name, NewSession, Payer};
use serde::Deserialize;

use super::extra;

/// What of a customer only this format keeps and a payer's name is made of.
#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    legal: Option<Legal>,
}

#[derive(Debug, Deserialize)]
struct Legal {
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

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
    let Named { legal } = extra::read(customer.extra.as_ref());
    let Legal { first_name, last_name } = legal?;
    let name = [first_name, last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Name::try_from(name.chars().take(140).collect::<String>()).ok()
}

fn beginning_of(email: &EmailAddress) -> Option<Name> {
    Name::try_from(email.as_str().chars().take(140).collect::<String>()).ok()
}
