//! Reading what a customer is created of or changed by.

use std::collections::BTreeMap;

use models::{Customer, Description, EmailAddress, Metadata, Name, NewCustomer, PhoneNumber, WireFormat};
use serde::Deserialize;

use super::{Address, CustomerExtra, Invoicing, Legal, MAX_COPIES};
use crate::error::Refusal;
use crate::extra;
use crate::given::{Given, Object, there};
use crate::json::Json;
use crate::metadata::read_metadata;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, A_TRUTH, AN_OBJECT, Violations, infallible};

/// What a customer is created of or changed by. A field that is not there is none; one that is null is some, with nothing given.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletCustomerChange", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct CustomerRequest {
    /// Where they are written to. It can't be removed.
    #[cfg_attr(test, schemars(with = "String", length(max = 254), extend("format" = "idn-email")))]
    #[serde(default, deserialize_with = "there")]
    email: Option<Given<String>>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default, deserialize_with = "there")]
    name: Option<Given<String>>,
    /// Up to 15 digits, with a `+` before them and spaces or hyphens between them as you like.
    #[cfg_attr(test, schemars(with = "doc::Text<40>"))]
    #[serde(default, deserialize_with = "there")]
    phone: Option<Given<String>>,
    #[cfg_attr(test, schemars(with = "doc::Text<500>"))]
    #[serde(default, deserialize_with = "there")]
    description: Option<Given<String>>,
    #[cfg_attr(test, schemars(with = "AddressRequest"))]
    #[serde(default, deserialize_with = "there")]
    address: Option<Given<Object<AddressRequest>>>,
    #[cfg_attr(test, schemars(with = "LegalRequest"))]
    #[serde(default, deserialize_with = "there")]
    legal: Option<Given<Object<LegalRequest>>>,
    #[cfg_attr(test, schemars(with = "InvoicingRequest"))]
    #[serde(default, deserialize_with = "there")]
    invoicing: Option<Given<Object<InvoicingRequest>>>,
    /// Kept and answered, for no invoices are made here: 1 to 12 letters, digits and hyphens.
    #[cfg_attr(test, schemars(with = "doc::Text<12>"))]
    #[serde(default, deserialize_with = "there")]
    invoice_prefix: Option<Given<String>>,
    /// Your own notes. A change adds to those there are; a note that is null is removed.
    #[cfg_attr(test, schemars(with = "doc::Notes"))]
    #[serde(default, deserialize_with = "there")]
    metadata: Option<Given<BTreeMap<String, Given<String>>>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct AddressRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    line1: Given<String>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    line2: Given<String>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    city: Given<String>,
    /// Two letters (ISO 3166-1).
    #[cfg_attr(test, schemars(length(equal = 2)))]
    #[serde(default)]
    country: Given<String>,
    #[cfg_attr(test, schemars(length(min = 1, max = 20)))]
    #[serde(default)]
    postal_code: Given<String>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    state: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct LegalRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    first_name: Given<String>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    last_name: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct InvoicingRequest {
    #[cfg_attr(test, schemars(with = "String", length(max = 254)))]
    #[serde(default)]
    email_to: Given<String>,
    #[cfg_attr(test, schemars(with = "Vec<String>", length(max = MAX_COPIES)))]
    #[serde(default)]
    email_cc: Given<Vec<Given<String>>>,
    #[serde(default)]
    arrears_emails: Given<bool>,
}

/// What is to be changed of a customer; nothing else is. What is none inside is removed.
#[derive(Debug, Clone)]
pub struct CustomerChange {
    email: Option<EmailAddress>,
    name: Option<Option<Name>>,
    phone: Option<Option<PhoneNumber>>,
    description: Option<Option<Description>>,
    address: Option<Address>,
    legal: Option<Legal>,
    invoicing: Option<Invoicing>,
    invoice_prefix: Option<Option<String>>,
    metadata: Option<NotesChange>,
}

/// What is to be changed of a customer's notes.
#[derive(Debug, Clone)]
enum NotesChange {
    /// They are all removed.
    Clear,
    /// These are added or, where there is none, removed.
    Merge(BTreeMap<String, Option<String>>),
}

/// Reads what a customer is created of.
///
/// # Errors
/// 400 with what is wrong.
pub(crate) fn parse_customer(body: &Json<'_>) -> Result<NewCustomer, Refusal> {
    let mut request: CustomerRequest = body.object()?;
    let mut wrong = Violations::default();
    // All of them are new: none of them removes any.
    let metadata = read_metadata(request.metadata.take().unwrap_or_default(), None, &mut wrong).unwrap_or_default();
    let email =
        wrong.required(request.email.take().unwrap_or_default(), None, "email", A_STRING, EmailAddress::try_from);
    let change = read_change(request, &mut wrong);
    let extra = change.extra(CustomerExtra::default());
    let extra = extra::write(&extra).map_err(|rule| wrong.add(None, "address", rule)).ok().flatten();
    let CustomerChange { name, phone, .. } = change;
    match email {
        Some(email) if wrong.0.is_empty() => {
            let (name, phone) = (name.flatten(), phone.flatten());
            Ok(NewCustomer { format: WireFormat::Yorlet, email, name, phone, metadata, extra })
        }
        Some(_) | None => Err(Refusal::Invalid(wrong.0)),
    }
}

/// Reads what is to be changed of a customer.
///
/// # Errors
/// 400 with what is wrong.
pub(crate) fn parse_customer_change(body: &Json<'_>) -> Result<CustomerChange, Refusal> {
    let request: CustomerRequest = body.object()?;
    let mut wrong = Violations::default();
    let change = read_change(request, &mut wrong);
    if wrong.0.is_empty() { Ok(change) } else { Err(Refusal::Invalid(wrong.0)) }
}

fn read_change(request: CustomerRequest, wrong: &mut Violations) -> CustomerChange {
    let email = match request.email {
        Some(Given::Nothing) => {
            wrong.add(None, "email", "can't be removed");
            None
        }
        given => wrong.optional(given.unwrap_or_default(), None, "email", A_STRING, EmailAddress::try_from),
    };
    let prefix = |text: String| {
        let allowed = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let fits = allowed && (1..=12).contains(&text.len());
        if fits { Ok(text) } else { Err("must be 1 to 12 letters, digits and hyphens") }
    };
    CustomerChange {
        email,
        name: request.name.map(|given| wrong.optional(given, None, "name", A_STRING, Name::try_from)),
        phone: request.phone.map(|given| wrong.optional(given, None, "phone", A_STRING, PhoneNumber::try_from)),
        description: request
            .description
            .map(|given| wrong.optional(given, None, "description", A_STRING, Description::try_from)),
        address: request.address.map(|given| address(given, wrong)),
        legal: request.legal.map(|given| legal(given, wrong)),
        invoicing: request.invoicing.map(|given| invoicing(given, wrong)),
        invoice_prefix: request
            .invoice_prefix
            .map(|given| wrong.optional(given, None, "invoice_prefix", A_STRING, prefix)),
        metadata: request.metadata.and_then(|given| notes(given, wrong)),
    }
}

fn address(given: Given<Object<AddressRequest>>, wrong: &mut Violations) -> Address {
    let Some(Object(given)) = wrong.optional(given, None, "address", AN_OBJECT, infallible) else {
        return Address::default();
    };
    Address {
        line1: wrong.optional(given.line1, None, "address.line1", A_STRING, Name::try_from),
        line2: wrong.optional(given.line2, None, "address.line2", A_STRING, Name::try_from),
        city: wrong.optional(given.city, None, "address.city", A_STRING, Name::try_from),
        country: wrong.optional(given.country, None, "address.country", A_STRING, |text| {
            let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            if fits { Ok(text) } else { Err("must be the two letters of a country, like GB") }
        }),
        postal_code: wrong.optional(given.postal_code, None, "address.postal_code", A_STRING, |text| {
            let fits = text.len() <= 20 && Name::try_from(text.clone()).is_ok();
            if fits { Ok(text) } else { Err("must be 1 to 20 characters, on one line") }
        }),
        state: wrong.optional(given.state, None, "address.state", A_STRING, Name::try_from),
    }
}

fn legal(given: Given<Object<LegalRequest>>, wrong: &mut Violations) -> Legal {
    let Some(Object(given)) = wrong.optional(given, None, "legal", AN_OBJECT, infallible) else {
        return Legal::default();
    };
    Legal {
        first_name: wrong.optional(given.first_name, None, "legal.first_name", A_STRING, Name::try_from),
        last_name: wrong.optional(given.last_name, None, "legal.last_name", A_STRING, Name::try_from),
    }
}

fn invoicing(given: Given<Object<InvoicingRequest>>, wrong: &mut Violations) -> Invoicing {
    let Some(Object(given)) = wrong.optional(given, None, "invoicing", AN_OBJECT, infallible) else {
        return Invoicing::default();
    };
    let copies = wrong.optional(given.email_cc, None, "invoicing.email_cc", "must be a list", |copies| {
        // Checked before each is read, so that an endless list costs no endless list of complaints.
        let rule = || format!("must have at most {MAX_COPIES} addresses");
        if copies.len() <= MAX_COPIES { Ok(copies) } else { Err(rule()) }
    });
    let mut email_cc = Vec::new();
    for (n, copy) in copies.unwrap_or_default().into_iter().enumerate() {
        let parameter = format!("invoicing.email_cc[{n}]");
        email_cc.extend(wrong.required(copy, None, &parameter, A_STRING, EmailAddress::try_from));
    }
    Invoicing {
        email_to: wrong.optional(given.email_to, None, "invoicing.email_to", A_STRING, EmailAddress::try_from),
        email_cc,
        arrears_emails: wrong.optional(given.arrears_emails, None, "invoicing.arrears_emails", A_TRUTH, infallible),
    }
}

/// Notes that are added must be some on their own; that all fit together is seen when they are.
fn notes(given: Given<BTreeMap<String, Given<String>>>, wrong: &mut Violations) -> Option<NotesChange> {
    let given = match given {
        Given::Nothing => return Some(NotesChange::Clear),
        Given::Wrong => {
            read_metadata(Given::Wrong, None, wrong);
            return None;
        }
        Given::Value(given) => given,
    };
    let (removed, added): (BTreeMap<_, _>, BTreeMap<_, _>) =
        given.into_iter().partition(|(_, note)| *note == Given::Nothing);
    let added = read_metadata(Given::Value(added), None, wrong)?;
    let added = added.as_map().iter().map(|(key, note)| (key.clone(), Some(note.clone())));
    Some(NotesChange::Merge(removed.into_keys().map(|key| (key, None)).chain(added).collect()))
}

impl CustomerChange {
    /// The customer with the change.
    ///
    /// # Errors
    /// 400 if it would have more notes than one may have.
    pub fn apply(&self, customer: Customer) -> Result<Customer, Refusal> {
        let metadata = match &self.metadata {
            None => customer.metadata.clone(),
            Some(NotesChange::Clear) => Metadata::default(),
            Some(NotesChange::Merge(changes)) => {
                let mut notes = customer.metadata.as_map().clone();
                for (key, note) in changes {
                    match note {
                        Some(note) => drop(notes.insert(key.clone(), note.clone())),
                        None => drop(notes.remove(key)),
                    }
                }
                Metadata::try_from(notes).map_err(|rule| Refusal::invalid("metadata", rule))?
            }
        };
        let kept = self.extra(extra::read(customer.extra.as_ref()));
        Ok(Customer {
            email: self.email.clone().unwrap_or(customer.email),
            name: self.name.clone().unwrap_or(customer.name),
            phone: self.phone.clone().unwrap_or(customer.phone),
            metadata,
            extra: extra::write(&kept).map_err(|rule| Refusal::invalid("address", rule))?,
            ..customer
        })
    }

    /// What only this format reads, with the change.
    fn extra(&self, before: CustomerExtra) -> CustomerExtra {
        CustomerExtra {
            description: self.description.clone().unwrap_or(before.description),
            address: self.address.clone().unwrap_or(before.address),
            legal: self.legal.clone().unwrap_or(before.legal),
            invoicing: self.invoicing.clone().unwrap_or(before.invoicing),
            invoice_prefix: self.invoice_prefix.clone().unwrap_or(before.invoice_prefix),
        }
    }
}
