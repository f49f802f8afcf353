//! Reading what a payment session is created of ("Create a Payment Session").

use std::collections::BTreeMap;

use models::{
    AmountCaps, Currency, CustomerId, Description, InvalidText, Lifetime, MerchantUrl, MinorUnits, Money, Name,
    NewSession, NoPaymentMethod, NotPayable, PayableAccounts, Payee, PaymentMethod, PaymentMethods, Reference,
    WireFormat,
};
use providers::NotPayableLive;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::extra::{ReportingType, SessionExtra, TransactionData};
use super::fields::{AMOUNT, text};
use super::id;
use crate::error::Refusal;
use crate::extra;
use crate::given::{Given, Object};
use crate::json::Json;
use crate::metadata::read_metadata;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::test_clocks::read_test_clock;
use crate::violations::{A_STRING, A_TRUTH, A_WHOLE_NUMBER, AN_OBJECT, Violations, infallible};

/// What a client calls the customer of a session.
pub(crate) const CUSTOMER: &str = "customer";
const METHODS: &str = "payment_method_types";

/// The currencies of the format; kronor are our own addition, so that autogiro can be offered.
pub(crate) const CURRENCIES: [Currency; 4] = [Currency::GBP, Currency::EUR, Currency::USD, Currency::SEK];

/// The ways to pay of the format.
pub(crate) const PAYMENT_METHODS: [PaymentMethod; 9] = [
    PaymentMethod::Card,
    PaymentMethod::CardPresent,
    PaymentMethod::BacsDebit,
    PaymentMethod::SepaDebit,
    PaymentMethod::Autogiro,
    PaymentMethod::BankTransfer,
    PaymentMethod::DirectTransfer,
    PaymentMethod::GbpCreditTransfer,
    PaymentMethod::PayByBank,
];

/// The most bytes that `payment_method_options` may have, which are kept as they were sent.
const MAX_OPTIONS_BYTES: usize = 4096;

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletNewPaymentSession", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct CreateRequest {
    /// In minor units (pence, cents, öre). The operator may have limited it further.
    #[cfg_attr(test, schemars(extend("must_be_given" = true), range(min = *AMOUNT.start(), max = *AMOUNT.end())))]
    #[serde(default)]
    amount: Given<i64>,
    /// ISO 4217, in small letters. The operator may have limited it further.
    #[cfg_attr(test, schemars(with = "doc::YorletCurrency", extend("must_be_given" = true)))]
    #[serde(default)]
    currency: Given<String>,
    /// Who pays.
    #[cfg_attr(test, schemars(with = "doc::CustomerId", extend("must_be_given" = true)))]
    #[serde(default)]
    customer: Given<String>,
    #[cfg_attr(test, schemars(with = "doc::PaymentMode", extend("must_be_given" = true)))]
    #[serde(default)]
    mode: Given<String>,
    /// How it may be paid. The checkout offers those that the currency can have; at least one of them has to be among these.
    #[cfg_attr(test, schemars(with = "Vec<doc::PaymentMethodType>", extend("must_be_given" = true, "uniqueItems" = true), length(min = 1)))]
    #[serde(default)]
    payment_method_types: Given<Vec<Given<String>>>,
    /// What it is for; the payer sees it.
    #[cfg_attr(test, schemars(with = "doc::Text<500>"))]
    #[serde(default)]
    description: Given<String>,
    /// Your own notes; the payer doesn't see them.
    #[cfg_attr(test, schemars(with = "doc::Notes"))]
    #[serde(default)]
    metadata: Given<BTreeMap<String, Given<String>>>,
    /// Kept, and not used; at most 4096 bytes.
    #[cfg_attr(test, schemars(with = "doc::AnyObject"))]
    #[serde(default)]
    payment_method_options: Given<Object<Box<RawValue>>>,
    /// As what the payment is reported.
    #[cfg_attr(test, schemars(with = "ReportingType", extend("default" = ReportingType::default().as_str())))]
    #[serde(default)]
    reporting_type: Given<String>,
    /// Where the payer goes on to; with `payment_session` and `status` added to its query.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    return_url: Given<String>,
    /// Whether the customer is mailed the link to the checkout.
    #[cfg_attr(test, schemars(extend("default" = false)))]
    #[serde(default)]
    send_email: Given<bool>,
    /// Stands on the bank statement; a reference of the payment's own if left out.
    #[cfg_attr(test, schemars(with = "doc::Reference"))]
    #[serde(default)]
    statement_descriptor: Given<String>,
    /// Kept for your own books: there are no units and no balances here.
    #[serde(default)]
    transaction_data: Given<Object<TransactionDataRequest>>,
    /// Our own addition: the test clock that the session follows, with its refunds, instead of the real time. For test keys alone.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    #[serde(default)]
    test_clock: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct TransactionDataRequest {
    #[serde(default)]
    transfer_data: Given<Object<TransferDataRequest>>,
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    unit: Given<String>,
    #[serde(default)]
    customer_balance: Given<Object<CustomerBalanceRequest>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct TransferDataRequest {
    #[serde(default)]
    use_unit_ownership: Given<bool>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct CustomerBalanceRequest {
    #[serde(default)]
    apply: Given<bool>,
    #[cfg_attr(test, schemars(with = "doc::Text<500>"))]
    #[serde(default)]
    description: Given<String>,
}

/// Reads a request by a merchant with these `accounts`; its amount may be at most its currency's cap. Who its customer is, is not read here:
/// [`super::paid_by`] is.
///
/// # Errors
/// 400 with what is wrong; 404 if the customer's id is none.
pub(crate) fn parse_create(
    body: &Json<'_>,
    accounts: PayableAccounts<'_>,
    caps: &AmountCaps,
) -> Result<NewSession, Refusal> {
    let request: CreateRequest = body.object()?;
    let mut wrong = Violations::default();
    let minor = wrong.required(request.amount, None, "amount", A_WHOLE_NUMBER, |minor| {
        let of_limits = || format!("must be {} to {}, in minor units", AMOUNT.start(), AMOUNT.end());
        if AMOUNT.contains(&minor) { Ok(MinorUnits::new(minor)) } else { Err(of_limits()) }
    });
    let currency = wrong.required(request.currency, None, "currency", A_STRING, |code| currency(&code, caps));
    let amount = minor.zip(currency).map(|(minor, currency)| Money::new(minor, currency));
    if let Some(cap) = amount.and_then(|amount| caps.of(amount.currency()).filter(|cap| amount.minor() > cap.minor())) {
        wrong.add(None, "amount", format_args!("must be at most {} ({cap})", cap.minor()));
    }
    let customer = wrong.required(request.customer, None, CUSTOMER, A_STRING, infallible);
    wrong.required(request.mode, None, "mode", A_STRING, |mode| {
        if mode == "payment" { Ok(()) } else { Err("must be payment") }
    });
    let methods = methods(request.payment_method_types, &mut wrong);
    let payee = methods.as_ref().zip(currency).and_then(|(methods, currency)| {
        let payee = payee(methods, currency, accounts);
        payee.map_err(|rule| wrong.add(None, METHODS, rule)).ok()
    });
    let description = wrong.optional(request.description, None, "description", A_STRING, Description::try_from);
    let metadata = read_metadata(request.metadata, None, &mut wrong);
    let payment_method_options =
        wrong.optional(request.payment_method_options, None, "payment_method_options", AN_OBJECT, |Object(options)| {
            let too_long = || format!("must be at most {MAX_OPTIONS_BYTES} bytes of JSON");
            if options.get().len() <= MAX_OPTIONS_BYTES { Ok(options) } else { Err(too_long()) }
        });
    let reporting_type = wrong.optional(request.reporting_type, None, "reporting_type", A_STRING, |text| {
        let known = ReportingType::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| format!("must be one of {}", ReportingType::ALL.map(ReportingType::as_str).join(", ")))
    });
    let return_url = wrong.optional(request.return_url, None, "return_url", A_STRING, MerchantUrl::try_from);
    let email_link = wrong.optional(request.send_email, None, "send_email", A_TRUTH, infallible);
    let reference =
        wrong.optional(request.statement_descriptor, None, "statement_descriptor", A_STRING, Reference::try_from);
    let transaction_data = transaction_data(request.transaction_data, &mut wrong);
    let test_clock = read_test_clock(request.test_clock, None, &mut wrong);
    let kept =
        SessionExtra { reporting_type: reporting_type.unwrap_or_default(), transaction_data, payment_method_options };
    // Each part has a limit of its own, so that together they fit.
    let extra = extra::write(&kept).map_err(|rule| wrong.add(None, "transaction_data", rule)).ok().flatten();
    match (amount, customer, methods, payee) {
        (Some(amount), Some(customer), Some(payment_methods), Some(payee)) if wrong.0.is_empty() => {
            let customer_id: CustomerId = id::read_customer(&customer).ok_or(Refusal::Unknown(CUSTOMER))?;
            Ok(NewSession {
                extra,
                description,
                customer_id: Some(customer_id),
                success_url: return_url.clone(),
                error_url: return_url.clone(),
                cancel_url: return_url,
                payment_methods,
                email_link: email_link.unwrap_or(false),
                retry: true,
                metadata: metadata.unwrap_or_default(),
                lifetime: Lifetime::MAX,
                test_clock,
                ..NewSession::new(WireFormat::Yorlet, amount, payee, reference)
            })
        }
        _ => Err(Refusal::Invalid(wrong.0)),
    }
}

fn currency(code: &str, caps: &AmountCaps) -> Result<Currency, String> {
    let named = |currency: &Currency| currency.code().to_ascii_lowercase();
    let mut here = CURRENCIES.into_iter().filter(|currency| caps.of(*currency).is_some());
    here.clone().find(|currency| named(currency) == code).ok_or_else(|| {
        let names: Vec<_> = here.by_ref().map(|currency| named(&currency)).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn methods(given: Given<Vec<Given<String>>>, wrong: &mut Violations) -> Option<PaymentMethods> {
    let names = wrong.required(given, None, METHODS, "must be a list of ways to pay", |names| {
        // Checked before each is read, so that an endless list costs no endless list of complaints.
        match names.len() {
            0 => Err(NoPaymentMethod.to_string()),
            count if count > PAYMENT_METHODS.len() => Err("must name each way to pay once".to_owned()),
            _ => Ok(names),
        }
    })?;
    let (mut methods, before) = (Vec::new(), wrong.0.len());
    for (n, name) in names.into_iter().enumerate() {
        let method = wrong.required(name, None, &format!("{METHODS}[{n}]"), A_STRING, |name| {
            let known = PAYMENT_METHODS.into_iter().find(|method| method.as_str() == name);
            let method = known
                .ok_or_else(|| format!("must be one of {}", PAYMENT_METHODS.map(PaymentMethod::as_str).join(", ")))?;
            if methods.contains(&method) { Err("must not be named again".to_owned()) } else { Ok(method) }
        });
        methods.extend(method);
    }
    if wrong.0.len() > before { None } else { PaymentMethods::new(methods).ok() }
}

/// Who is paid, if there is a method that the currency can have and, where that pays into an account, an account for it. Of
/// what a provider collects, the payee is the merchant under any of its accounts: into which the provider pays is agreed with it.
fn payee(methods: &PaymentMethods, currency: Currency, accounts: PayableAccounts<'_>) -> Result<Payee, String> {
    let code = currency.code().to_ascii_lowercase();
    let mut possible = methods.as_slice().iter().filter(|method| method.can_have(currency)).peekable();
    if possible.peek().is_none() {
        return Err(format!("must name a way to pay in {code}"));
    }
    let account = accounts.of_currency(currency);
    let is_collected = possible.any(|method| !method.pays_into_account());
    let account = if is_collected { account.or_else(|why| accounts.all().next().ok_or(why)) } else { account };
    let linked = account.map_err(|why| {
        let yours = match why {
            NotPayable::NotLinked => "you have none".to_owned(),
            NotPayable::NotYet(_) => format!("yours {why}"),
        };
        format!("must name a way to pay in {code} that needs no account in it: {yours}")
    })?;
    Ok(Payee { name: linked.name.clone(), account: linked.account.clone() })
}

/// Why a session can't be created with a live key. Its account is found by its ways to pay, and who pays is a customer.
pub(crate) fn not_payable_live(why: NotPayableLive) -> Refusal {
    let parameter = match why {
        NotPayableLive::Methods | NotPayableLive::Account | NotPayableLive::Country | NotPayableLive::Provider => {
            METHODS
        }
        NotPayableLive::Currency => "currency",
        NotPayableLive::Payer => CUSTOMER,
    };
    Refusal::invalid(parameter, why)
}

fn transaction_data(given: Given<Object<TransactionDataRequest>>, wrong: &mut Violations) -> Option<TransactionData> {
    let Object(data) = wrong.optional(given, None, "transaction_data", AN_OBJECT, infallible)?;
    let transfer = wrong.optional(data.transfer_data, None, "transaction_data.transfer_data", AN_OBJECT, infallible);
    let use_unit_ownership = transfer.and_then(|Object(transfer)| {
        let parameter = "transaction_data.transfer_data.use_unit_ownership";
        wrong.optional(transfer.use_unit_ownership, None, parameter, A_TRUTH, infallible)
    });
    let unit = wrong.optional::<_, _, InvalidText>(data.unit, None, "transaction_data.unit", A_STRING, |unit| {
        Name::try_from(unit).map(String::from)
    });
    let balance =
        wrong.optional(data.customer_balance, None, "transaction_data.customer_balance", AN_OBJECT, infallible);
    let (apply_balance, balance_description) = balance.map_or((None, None), |Object(balance)| {
        let apply = wrong.optional(balance.apply, None, "transaction_data.customer_balance.apply", A_TRUTH, infallible);
        let parameter = "transaction_data.customer_balance.description";
        (apply, wrong.optional(balance.description, None, parameter, A_STRING, text))
    });
    let data = TransactionData { use_unit_ownership, unit, apply_balance, balance_description };
    (data != TransactionData::default()).then_some(data)
}
