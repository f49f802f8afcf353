//! Reading what a payment session is created of: `connect` and `request-to-pay`, which its path says.

use lambda_http::RequestExt;
use models::{
    AccountIdentifier, AmountCaps, Application, Currency, Description, Iban, LinkedAccount, Locale, MerchantUrl, Mode,
    Money, NewSession, NotPayable, PayableAccounts, Payee, PaymentMethod, PaymentMethods, Reference, Session,
    WireFormat,
};
use providers::NotPayableLive;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::extra::{AttributesExtra, Beneficiary, Kind, SessionExtra};
use super::fields::{AN_AMOUNT, Text, amount, at_most, object, required, required_text, text};
use super::meta::MetaRequest;
use super::methods::{self, Asked};
use super::offers::Payable;
use super::{headers, meta, offers, query};
use crate::error::Refusal;
use crate::extra;
use crate::given::{Given, Object};
#[cfg(test)]
use crate::openapi::types as doc;
use crate::session_request::SessionRequest;
use crate::violations::Violations;

/// The currencies of the format.
pub(crate) const CURRENCIES: [Currency; 2] = [Currency::EUR, Currency::GBP];

const CURRENCY: &str = "data.attributes.currency";
const IBAN: &str = "data.attributes.beneficiary.iban";

/// The language of what a payer is shown and sent, where nothing is said of it.
const DEFAULT_LANGUAGE: &str = "en";

/// A session to be. Other fields are passed over.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureNewPayment", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct CreateRequest {
    #[serde(default)]
    meta: Given<Object<MetaRequest>>,
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    data: Given<Object<DataRequest>>,
    /// Where the query has no `redirect_uri`: Python's client writes it here.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    redirect_uri: Given<Text>,
    /// Where there is no `x-language`: Python's client writes it here.
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z]{2}$")))]
    #[serde(default)]
    language: Given<Text>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct DataRequest {
    /// Says nothing here: clients send `SEPA`, `PIS`, `connect` and others.
    #[cfg_attr(test, schemars(with = "doc::Text<32>"))]
    #[serde(default, rename = "type")]
    data_type: Given<Text>,
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    attributes: Given<Object<AttributesRequest>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct AttributesRequest {
    /// A decimal number of euros or pounds with at most two decimals, as a string or as a number: read exactly, without an
    /// exponent. The operator may have limited it.
    #[cfg_attr(test, schemars(with = "String", extend("must_be_given" = true, "type" = ["string", "number"], "examples" = ["149.30"])))]
    #[serde(default)]
    amount: Given<Box<RawValue>>,
    /// ISO 4217: EUR or GBP, in capitals or not.
    #[cfg_attr(test, schemars(with = "String", extend("must_be_given" = true, "pattern" = "^([Ee][Uu][Rr]|[Gg][Bb][Pp])$")))]
    #[serde(default)]
    currency: Given<Text>,
    /// What it is for; the payer sees it. It also stands on the bank statement, if it is of at most 18 letters, digits and spaces.
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    communication: Given<Text>,
    #[serde(default)]
    beneficiary: Given<Object<BeneficiaryRequest>>,
    /// Kept and given back; the payment has an id of its own.
    #[cfg_attr(test, schemars(with = "doc::Text<35>"))]
    #[serde(default)]
    end_to_end_id: Given<Text>,
    /// Kept and given back, as are the following.
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    execution_date: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    scheme: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    external_reference: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    debited_account_id: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    debited_account_type: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    net_amount: Given<Text>,
}

/// Who is paid. What is given besides the IBAN is given back as it was sent.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct BeneficiaryRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    name: Given<Text>,
    /// That of one of the merchant's linked accounts; its default for the currency if left out.
    #[cfg_attr(test, schemars(with = "String"))]
    #[serde(default)]
    iban: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<64>"))]
    #[serde(default)]
    swift_bic: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    bank_name: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    street: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    number: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    zip: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    city: Given<Text>,
    #[cfg_attr(test, schemars(with = "doc::Text<70>"))]
    #[serde(default)]
    country: Given<Text>,
}

/// What `data` says.
struct Data<'a> {
    amount: Money,
    /// The account that it names, of the merchant's own.
    account: Option<&'a LinkedAccount>,
    description: Option<Description>,
    data_type: Option<String>,
    attributes: AttributesExtra,
}

/// Reads a request; its amount may be at most its currency's cap.
///
/// # Errors
/// 400 with everything that is wrong; 401 if payers may not be sent to its URLs.
pub(crate) fn parse_create(asked: &SessionRequest<'_>, caps: &AmountCaps) -> Result<NewSession, Refusal> {
    let request: CreateRequest = asked.body.object()?;
    let kind = kind(asked.request.raw_http_path());
    let wrong = &mut Violations::default();
    let query = query::read(asked.request.uri().query().unwrap_or(""), kind, wrong)?;
    let headers = headers::read(asked.request.headers(), wrong);
    let redirect_uri = text(wrong, request.redirect_uri, "redirect_uri", MerchantUrl::try_from);
    let language = text(wrong, request.language, "language", headers::language);
    let with_virtual_beneficiary = query.with_virtual_beneficiary == Some(true);
    if with_virtual_beneficiary && asked.mode == Mode::Live {
        wrong.add(
            None,
            "query.with_virtual_beneficiary",
            "is not enabled: no live provider gives a session an account",
        );
    }
    let data = read_data(request.data, asked.accounts(), caps, wrong);
    let meta = meta::read(request.meta, Asked { kind, mode: asked.mode, with_virtual_beneficiary }, wrong);
    let payee = data.as_ref().zip(meta.as_ref()).and_then(|(data, meta)| {
        let payee = payee(data, &meta.payment_methods, asked.accounts());
        payee.map_err(|rule| wrong.add(None, CURRENCY, rule)).ok()
    });
    let limits = data.as_ref().zip(meta.as_ref()).map(|(data, meta)| {
        // The account of a session's own is that of a provider which the payer has to be offered.
        let methods: &[_] =
            if with_virtual_beneficiary { &[PaymentMethod::BankTransfer] } else { meta.payment_methods.as_slice() };
        offers::read(&headers, Payable { mode: asked.mode, currency: data.amount.currency(), methods }, wrong)
    });
    let (Some(data), Some(meta), Some(payee), Some(offer_limits), true) =
        (data, meta, payee, limits, wrong.0.is_empty())
    else {
        return Err(Refusal::Invalid(std::mem::take(&mut wrong.0)));
    };
    let extra = extra::write(&SessionExtra {
        kind,
        state: query.state,
        with_beneficiary: query.with_beneficiary,
        with_virtual_beneficiary: query.with_virtual_beneficiary,
        psu_type: headers.psu_type,
        country: headers.country.map(|country| country.to_string()),
        provider: headers.provider,
        data_type: data.data_type,
        attributes: data.attributes,
        meta: meta.extra,
    });
    let extra = extra.map_err(|rule| Refusal::invalid("meta", rule))?;
    let redirect_uri = allowed_redirect(query.redirect_uri.or(redirect_uri), asked)?;
    let origin_uri = allowed_origin(query.origin_uri, asked)?;
    let language = headers.language.or(language).or_else(|| Locale::try_from(DEFAULT_LANGUAGE.to_owned()).ok());
    let payable =
        Payable { mode: asked.mode, currency: data.amount.currency(), methods: meta.payment_methods.as_slice() };
    let virtual_iban = payable.offers(PaymentMethod::BankTransfer, &offer_limits);
    let reference = data.description.clone().and_then(|text| Reference::try_from(String::from(text)).ok());
    Ok(NewSession {
        extra,
        description: data.description,
        payer: meta.payer,
        locale: language,
        success_url: redirect_uri.clone(),
        error_url: redirect_uri.clone(),
        cancel_url: origin_uri.or(redirect_uri),
        payment_methods: meta.payment_methods,
        offer_limits,
        virtual_iban,
        email_link: meta.email_link,
        retry: true,
        lifetime: meta.lifetime,
        ..NewSession::new(WireFormat::Fintecture, data.amount, payee, reference)
    })
}

/// Why a session can't be created with a live key.
pub(crate) fn not_payable_live(why: NotPayableLive) -> Refusal {
    let parameter = match why {
        NotPayableLive::Methods => methods::PARAMETER,
        NotPayableLive::Currency | NotPayableLive::Account => CURRENCY,
        NotPayableLive::Country => offers::COUNTRY,
        NotPayableLive::Provider => offers::PROVIDER,
        NotPayableLive::Payer => meta::EMAIL,
    };
    Refusal::invalid(parameter, why)
}

/// Whether the answer to its creation says where to transfer to, so that its transfer begins with it.
pub(crate) fn begins_transfer(session: &Session) -> bool {
    let extra: SessionExtra = extra::read(session.extra.as_ref());
    extra.with_virtual_beneficiary == Some(true)
}

/// Which of the two requests a path means.
fn kind(path: &str) -> Kind {
    if path.trim_end_matches('/').ends_with("/request-to-pay") { Kind::RequestToPay } else { Kind::Connect }
}

/// Where the payer is sent back to: what is asked for, else what the application registered first, if it has.
fn allowed_redirect(given: Option<MerchantUrl>, asked: &SessionRequest<'_>) -> Result<Option<MerchantUrl>, Refusal> {
    let Some(url) = given else {
        return Ok(asked.application.and_then(|application| application.redirect_urls.first().cloned()));
    };
    let is_allowed =
        asked.application.map_or(asked.mode == Mode::Test, |application| application.allows_redirect(&url));
    if is_allowed { Ok(Some(url)) } else { Err(Refusal::InvalidAppUrl("query.redirect_uri")) }
}

/// Where a payer goes who cancels. No document has it registered; live, it has to be a page of a site that is.
fn allowed_origin(given: Option<MerchantUrl>, asked: &SessionRequest<'_>) -> Result<Option<MerchantUrl>, Refusal> {
    let is_registered = |url: &MerchantUrl| {
        let registered =
            |application: &Application| application.redirect_urls.iter().any(|page| page.has_same_origin_as(url));
        asked.application.is_some_and(registered)
    };
    match given {
        Some(url) if asked.mode == Mode::Live && !is_registered(&url) => {
            Err(Refusal::InvalidAppUrl("query.origin_uri"))
        }
        given => Ok(given),
    }
}

fn read_data<'a>(
    given: Given<Object<DataRequest>>,
    accounts: PayableAccounts<'a>,
    caps: &AmountCaps,
    wrong: &mut Violations,
) -> Option<Data<'a>> {
    let data = object(wrong, given, "data")?;
    let data_type = text(wrong, data.data_type, "data.type", at_most(32));
    let request = object(wrong, data.attributes, "data.attributes")?;
    let amount = required(wrong, request.amount, "data.attributes.amount", AN_AMOUNT, |raw| amount(&raw));
    let currency = required_text(wrong, request.currency, CURRENCY, |code| currency(&code, caps));
    let money = amount.as_ref().zip(currency).map(|(amount, currency)| Money::new(amount.minor, currency));
    if let Some(cap) = money.and_then(|money| caps.of(money.currency()).filter(|cap| money.minor() > cap.minor())) {
        wrong.add(None, "data.attributes.amount", format_args!("must be at most {cap}"));
    }
    let description = text(wrong, request.communication, "data.attributes.communication", |text| {
        at_most(140)(text).and_then(|text| Description::try_from(text).map_err(|rule| rule.to_string()))
    });
    let (account, beneficiary) = read_beneficiary(request.beneficiary, currency, accounts, wrong);
    let mut kept = |given, parameter| text(wrong, given, parameter, at_most(64));
    let attributes = AttributesExtra {
        amount: amount.map(|amount| amount.text),
        beneficiary,
        execution_date: kept(request.execution_date, "data.attributes.execution_date"),
        scheme: kept(request.scheme, "data.attributes.scheme"),
        external_reference: kept(request.external_reference, "data.attributes.external_reference"),
        debited_account_id: kept(request.debited_account_id, "data.attributes.debited_account_id"),
        debited_account_type: kept(request.debited_account_type, "data.attributes.debited_account_type"),
        net_amount: kept(request.net_amount, "data.attributes.net_amount"),
        end_to_end_id: text(wrong, request.end_to_end_id, "data.attributes.end_to_end_id", end_to_end_id),
    };
    Some(Data { amount: money?, account, description, data_type, attributes })
}

/// A currency of the format that the operator has a cap for.
fn currency(code: &str, caps: &AmountCaps) -> Result<Currency, String> {
    let mut here = CURRENCIES.into_iter().filter(|currency| caps.of(*currency).is_some());
    here.clone().find(|currency| currency.code().eq_ignore_ascii_case(code)).ok_or_else(|| {
        let codes: Vec<_> = here.by_ref().map(|currency| currency.code()).collect();
        format!("must be one of {}", codes.join(", "))
    })
}

/// The account that is named, if it is and is right, and what was sent of it.
fn read_beneficiary<'a>(
    given: Given<Object<BeneficiaryRequest>>,
    currency: Option<Currency>,
    accounts: PayableAccounts<'a>,
    wrong: &mut Violations,
) -> (Option<&'a LinkedAccount>, Option<Beneficiary>) {
    let Some(request) = object(wrong, given, "data.attributes.beneficiary") else { return (None, None) };
    let named = text(wrong, request.iban, IBAN, |sent| {
        let iban = Iban::try_from(sent.clone()).map_err(|rule| rule.to_string())?;
        let linked = linked_account(iban, accounts).map_err(|why| match why {
            NotPayable::NotLinked => "must be the IBAN of one of your linked accounts".to_owned(),
            NotPayable::NotYet(_) => why.to_string(),
        })?;
        match currency.filter(|currency| !linked.account.receives(*currency)) {
            Some(currency) => Err(format!("must be the IBAN of an account that can receive {}", currency.code())),
            None => Ok((linked, sent)),
        }
    });
    let (account, iban) = named.unzip();
    let beneficiary = Beneficiary {
        name: text(wrong, request.name, "data.attributes.beneficiary.name", at_most(140)),
        iban,
        swift_bic: text(wrong, request.swift_bic, "data.attributes.beneficiary.swift_bic", at_most(64)),
        bank_name: text(wrong, request.bank_name, "data.attributes.beneficiary.bank_name", at_most(140)),
        street: text(wrong, request.street, "data.attributes.beneficiary.street", at_most(70)),
        number: text(wrong, request.number, "data.attributes.beneficiary.number", at_most(70)),
        zip: text(wrong, request.zip, "data.attributes.beneficiary.zip", at_most(70)),
        city: text(wrong, request.city, "data.attributes.beneficiary.city", at_most(70)),
        country: text(wrong, request.country, "data.attributes.beneficiary.country", at_most(70)),
    };
    (account, (beneficiary != Beneficiary::default()).then_some(beneficiary))
}

/// Who is paid: the account that is named, else the merchant's own for the currency. What a provider collects needs none of the
/// currency: into which it pays is agreed with it.
fn payee(data: &Data<'_>, methods: &PaymentMethods, accounts: PayableAccounts<'_>) -> Result<Payee, String> {
    let into_account = methods.as_slice().iter().any(|method| method.pays_into_account());
    let account = data.account.map_or_else(|| accounts.of_currency(data.amount.currency()), Ok);
    let account = if into_account { account } else { account.or_else(|why| accounts.all().next().ok_or(why)) };
    let linked = account.map_err(|why| {
        let can_receive = "must be one that a linked account of yours can receive";
        match why {
            NotPayable::NotLinked => can_receive.to_owned(),
            NotPayable::NotYet(_) => format!("{can_receive}: the one that can {why}"),
        }
    })?;
    Ok(Payee { name: linked.name.clone(), account: linked.account.clone() })
}

/// The linked account of this IBAN: under it, or under the sort code and number that a British one is made of (bank, 4
/// characters; sort code, 6; number, 8).
fn linked_account<'a>(iban: Iban, accounts: PayableAccounts<'a>) -> Result<&'a LinkedAccount, NotPayable> {
    let british = match (iban.country(), iban.as_str().get(8..14), iban.as_str().get(14..)) {
        ("GB", Some(sort_code), Some(number)) => AccountIdentifier::uk(sort_code, number).ok(),
        _ => None,
    };
    accounts.named(&AccountIdentifier::Iban { iban }).or_else(|why| match british {
        Some(account) => accounts.named(&account).map_err(|of_parts| why.max(of_parts)),
        None => Err(why),
    })
}

/// Of the character set of SEPA (EPC217-08, 1.4).
fn end_to_end_id(text: String) -> Result<String, &'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-?:().,'+ ".contains(&byte);
    let fits = (1..=35).contains(&text.len()) && text.bytes().all(is_allowed) && !text.trim().is_empty();
    if fits { Ok(text) } else { Err("must be 1 to 35 letters, digits, spaces or any of /-?:().,'+") }
}

#[cfg(test)]
mod tests;
