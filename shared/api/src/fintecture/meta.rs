//! `meta` of a creation: who pays, how, and until when.

use std::net::IpAddr;

use models::{EmailAddress, Lifetime, Mode, Name, Payer, PaymentMethods, PhoneNumber, whole_number};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::extra::{Kind, MetaExtra, PsuAddress};
use super::fields::{MISSING, Text, at_most, exact_text_of, object, required_text, text, text_of, two_letters};
use super::methods::{Asked, MethodRequest, ReconciliationRequest, read_methods, read_reconciliation};
use crate::given::{Given, Object};
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, AN_OBJECT, Violations};

const NAME: &str = "meta.psu_name";
pub(super) const EMAIL: &str = "meta.psu_email";

/// The most bytes that `custom` may have, which is kept as it was sent.
const MAX_CUSTOM_BYTES: usize = 2048;

/// The most addresses in `cc` or `bcc`.
const MAX_COPIES: usize = 10;

/// About the payer, whom the format calls the payment service user.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
pub(super) struct MetaRequest {
    /// Without it the checkout asks for the payer's name.
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    psu_name: Given<Text>,
    #[cfg_attr(test, schemars(with = "String", length(max = 254), extend("format" = "idn-email")))]
    #[serde(default)]
    psu_email: Given<Text>,
    #[cfg_attr(test, schemars(with = "String", length(max = 40)))]
    #[serde(default)]
    psu_phone: Given<Text>,
    /// Stands before a number that doesn't begin with `+`.
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = r"^\+?[0-9]{1,4}$")))]
    #[serde(default)]
    psu_phone_prefix: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    psu_company: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    psu_form: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    psu_incorporation: Given<Text>,
    #[serde(default)]
    psu_address: Given<Object<AddressRequest>>,
    /// The payer's IP address.
    #[cfg_attr(test, schemars(with = "String"))]
    #[serde(default)]
    psu_ip: Given<Text>,
    /// Kept and given back; nobody is mailed a copy. One address, or a list of them.
    #[cfg_attr(test, schemars(with = "Vec<String>", length(max = MAX_COPIES)))]
    #[serde(default)]
    cc: Given<OneOrMany>,
    /// As `cc`.
    #[cfg_attr(test, schemars(with = "Vec<String>", length(max = MAX_COPIES)))]
    #[serde(default)]
    bcc: Given<OneOrMany>,
    /// Kept and given back; at most 2048 bytes.
    #[cfg_attr(test, schemars(with = "doc::AnyObject"))]
    #[serde(default)]
    custom: Given<Object<Box<RawValue>>>,
    /// How a request to pay is sent: by e-mail, unless there is no `psu_email`, or as a link by yourself.
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["email", "link"])))]
    #[serde(default)]
    method: Given<Text>,
    /// How long it can be paid, in seconds: a number, or its digits. With a test key it may be 1, to see a session expire.
    #[cfg_attr(test, schemars(with = "i64", range(min = 1, max = Lifetime::MAX_SECONDS)))]
    #[serde(default)]
    expiry: Given<Box<RawValue>>,
    /// As `expiry`.
    #[cfg_attr(test, schemars(with = "i64"))]
    #[serde(default)]
    expire: Given<Box<RawValue>>,
    /// As `expiry`.
    #[cfg_attr(test, schemars(with = "i64"))]
    #[serde(default)]
    expirary: Given<Box<RawValue>>,
    /// Kept and given back: a string or a number.
    #[cfg_attr(test, schemars(with = "doc::Text<32>"))]
    #[serde(default)]
    due_date: Given<Box<RawValue>>,
    /// What the checkout offers. If left out: `immediate_transfer`, for a request to pay in test mode also `smart_transfer`.
    #[cfg_attr(test, schemars(length(min = 1, max = 3)))]
    #[serde(default)]
    payment_methods: Given<Vec<Given<Object<MethodRequest>>>>,
    #[serde(default)]
    reconciliation: Given<Object<ReconciliationRequest>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct AddressRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    street: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    number: Given<Text>,
    /// As `number`.
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    street_number: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    complement: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    zip: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    city: Given<Text>,
    /// ISO 3166-1.
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z]{2}$")))]
    #[serde(default)]
    country: Given<Text>,
}

/// An address, or a list of them.
#[derive(Debug)]
struct OneOrMany(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let read = if raw.starts_with('[') {
            serde_json::from_str(raw)
        } else {
            serde_json::from_str(raw).map(|address| vec![address])
        };
        read.map(Self).map_err(serde::de::Error::custom)
    }
}

/// What `meta` says.
#[derive(Debug)]
pub(super) struct Meta {
    pub(super) payer: Option<Payer>,
    /// Whether the payer is mailed the link to the checkout.
    pub(super) email_link: bool,
    pub(super) lifetime: Lifetime,
    pub(super) payment_methods: PaymentMethods,
    pub(super) extra: MetaExtra,
}

/// Reads `meta`; none if something is wrong that the rest can't do without.
pub(super) fn read(given: Given<Object<MetaRequest>>, asked: Asked, wrong: &mut Violations) -> Option<Meta> {
    let request = object(wrong, given, "meta")?;
    let name = if asked.with_virtual_beneficiary {
        // The transfer begins with the creation, before the checkout could ask.
        required_text(wrong, request.psu_name, NAME, Name::try_from)
    } else {
        text(wrong, request.psu_name, NAME, Name::try_from)
    };
    let before = wrong.0.len();
    let email = text(wrong, request.psu_email, EMAIL, EmailAddress::try_from);
    let is_missing = email.is_none() && wrong.0.len() == before;
    let prefix = text(wrong, request.psu_phone_prefix, "meta.psu_phone_prefix", phone_prefix);
    let phone = text(wrong, request.psu_phone, "meta.psu_phone", |sent| phone(sent, prefix.as_deref()));
    let method = match asked.kind {
        Kind::Connect => None,
        Kind::RequestToPay => text(wrong, request.method, "meta.method", sending_method),
    };
    if method.as_deref() == Some("email") && is_missing {
        wrong.add(MISSING, EMAIL, "must be given for the method email");
    }
    let email_link = match asked.kind {
        Kind::Connect => false,
        Kind::RequestToPay => method.as_deref() != Some("link") && email.is_some(),
    };
    let (lifetime, expiry) = lifetime(
        [("meta.expiry", request.expiry), ("meta.expire", request.expire), ("meta.expirary", request.expirary)],
        asked,
        wrong,
    );
    let custom = wrong.optional(request.custom, None, "meta.custom", AN_OBJECT, |Object(custom)| {
        let too_long = || format!("must be at most {MAX_CUSTOM_BYTES} bytes of JSON");
        if custom.get().len() <= MAX_CUSTOM_BYTES { Ok(custom) } else { Err(too_long()) }
    });
    let methods = read_methods(request.payment_methods, asked, wrong);
    let mut extra = MetaExtra {
        psu_phone_prefix: prefix,
        psu_company: text(wrong, request.psu_company, "meta.psu_company", at_most(140)),
        psu_form: text(wrong, request.psu_form, "meta.psu_form", at_most(140)),
        psu_incorporation: text(wrong, request.psu_incorporation, "meta.psu_incorporation", at_most(140)),
        psu_address: address(request.psu_address, wrong),
        psu_ip: text(wrong, request.psu_ip, "meta.psu_ip", |ip| {
            if ip.parse::<IpAddr>().is_ok() { Ok(ip) } else { Err("must be an IP address") }
        }),
        cc: copies(request.cc, "meta.cc", wrong),
        bcc: copies(request.bcc, "meta.bcc", wrong),
        custom,
        method,
        expiry,
        due_date: wrong.optional(request.due_date, None, "meta.due_date", A_STRING, due_date),
        reconciliation: read_reconciliation(request.reconciliation, wrong),
        ..MetaExtra::default()
    };
    let (payment_methods, sent) = methods?;
    extra.payment_methods = sent;
    let payer = payer(name, email, phone, email_link, &mut extra);
    Some(Meta { payer, email_link, lifetime, payment_methods, extra })
}

/// A telephone number: as it was sent, and as a payer can be called.
struct Phone {
    sent: String,
    whole: PhoneNumber,
}

/// Who pays, if their name is known. Who is mailed is named by their address if by nothing else: the link has to reach them.
/// What would be lost without a payer, or is changed in them, is kept as it was sent.
fn payer(
    name: Option<Name>,
    email: Option<EmailAddress>,
    phone: Option<Phone>,
    email_link: bool,
    extra: &mut MetaExtra,
) -> Option<Payer> {
    let address =
        email.as_ref().filter(|_| email_link).map(|email| email.as_str().chars().take(140).collect::<String>());
    let name = name.or_else(|| address.and_then(|address| Name::try_from(address).ok()));
    let (sent, whole) = phone.map_or((None, None), |phone| (Some(phone.sent), Some(phone.whole)));
    let is_as_sent = name.is_some() && sent.as_deref() == whole.as_ref().map(PhoneNumber::as_str);
    extra.psu_phone = sent.filter(|_| !is_as_sent);
    let Some(name) = name else {
        extra.psu_email = email.map(String::from);
        return None;
    };
    Some(Payer { name, email, phone: whole })
}

/// The prefix of a country.
fn phone_prefix(text: String) -> Result<String, &'static str> {
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let fits = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(text) } else { Err("must be the prefix of a country, like +33") }
}

fn phone(sent: String, prefix: Option<&str>) -> Result<Phone, models::InvalidText> {
    let prefix = prefix.filter(|_| !sent.starts_with('+')).unwrap_or_default();
    let whole = PhoneNumber::try_from(format!("{prefix}{sent}"))?;
    Ok(Phone { sent, whole })
}

/// How a request to pay is sent.
fn sending_method(text: String) -> Result<String, &'static str> {
    match text.as_str() {
        "email" | "link" => Ok(text),
        _ => Err("must be email or link; nothing else is enabled"),
    }
}

/// How long it can be paid, by whichever spelling that is given, and what was sent.
fn lifetime(
    spellings: [(&str, Given<Box<RawValue>>); 3],
    asked: Asked,
    wrong: &mut Violations,
) -> (Lifetime, Option<Box<RawValue>>) {
    let mut first: Option<(&str, Lifetime, Box<RawValue>)> = None;
    for (parameter, given) in spellings {
        let Some((lifetime, raw)) = wrong.optional(given, None, parameter, A_STRING, |raw| {
            let lifetime =
                text_of(&raw).and_then(|text| whole_number(&text)).and_then(|seconds| of_seconds(seconds, asked.mode));
            lifetime.map(|lifetime| (lifetime, raw)).ok_or_else(|| seconds_rule(asked.mode))
        }) else {
            continue;
        };
        match &first {
            None => first = Some((parameter, lifetime, raw)),
            Some((_, same, _)) if *same == lifetime => {}
            Some((other, ..)) => wrong.add(None, parameter, format_args!("must not differ from {other}")),
        }
    }
    let default = match asked.kind {
        Kind::Connect => Lifetime::default(),
        Kind::RequestToPay => Lifetime::MAX,
    };
    first.map_or((default, None), |(_, lifetime, raw)| (lifetime, Some(raw)))
}

/// In test mode from a second on, so that expiry can be tried out.
fn of_seconds(seconds: i64, mode: Mode) -> Option<Lifetime> {
    match mode {
        Mode::Test => Lifetime::from_test_seconds(seconds).ok(),
        Mode::Live => Lifetime::from_seconds(seconds).ok(),
    }
}

fn seconds_rule(mode: Mode) -> String {
    let least = match mode {
        Mode::Test => 1,
        Mode::Live => Lifetime::MIN_SECONDS,
    };
    format!("must be {least} to {} seconds", Lifetime::MAX_SECONDS)
}

fn due_date(raw: Box<RawValue>) -> Result<Box<RawValue>, String> {
    let rule = "must be a number, or 1 to 32 characters without control characters";
    let text = exact_text_of(&raw).ok_or(rule)?;
    at_most(32)(text).map(|_| raw).map_err(|_| rule.to_owned())
}

fn address(given: Given<Object<AddressRequest>>, wrong: &mut Violations) -> Option<PsuAddress> {
    let request = object(wrong, given, "meta.psu_address")?;
    let number = text(wrong, request.number, "meta.psu_address.number", at_most(70));
    let street_number = text(wrong, request.street_number, "meta.psu_address.street_number", at_most(70));
    if number.is_some() && street_number.is_some() && number != street_number {
        wrong.add(None, "meta.psu_address.street_number", "must not differ from number");
    }
    let read = PsuAddress {
        street: text(wrong, request.street, "meta.psu_address.street", at_most(70)),
        number: number.or(street_number),
        complement: text(wrong, request.complement, "meta.psu_address.complement", at_most(70)),
        zip: text(wrong, request.zip, "meta.psu_address.zip", at_most(70)),
        city: text(wrong, request.city, "meta.psu_address.city", at_most(70)),
        country: text(wrong, request.country, "meta.psu_address.country", two_letters),
    };
    (read != PsuAddress::default()).then_some(read)
}

/// Addresses, as they were sent.
fn copies(given: Given<OneOrMany>, parameter: &str, wrong: &mut Violations) -> Vec<String> {
    let rule = "must be an e-mail address, or a list of at most 10";
    let read = wrong.optional(given, None, parameter, rule, |OneOrMany(addresses)| {
        let are_addresses = |all: &[String]| all.iter().all(|address| EmailAddress::try_from(address.clone()).is_ok());
        if addresses.len() <= MAX_COPIES && are_addresses(&addresses) { Ok(addresses) } else { Err(rule) }
    });
    read.unwrap_or_default()
}
