//! Reading what a session is created of ("Creating a payment session").

use std::collections::BTreeMap;

use models::{
    AccountIdentifier, AccountNumber, AmountCaps, Currency, EmailAddress, InvalidAccount, InvalidText, Lifetime,
    LineItem, Locale, MinorUnits, Money, Name, NewSession, PayableAccounts, Payee, Payer, Reference, SessionId,
    SortCode, WireFormat,
};
use providers::NotPayableLive;
use serde::Deserialize;

use super::line_items::{InvalidLineItems, LineItems};
use super::{Dialect, payment_id};
use crate::error::{Refusal, Violation};
use crate::given::{Given, Object};
use crate::json::Json;
use crate::metadata::read_metadata;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::test_clocks::read_test_clock;
use crate::violations::{A_STRING, A_WHOLE_NUMBER, Violations, infallible};

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NewPaymentSession", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct CreateRequest {
    #[cfg_attr(test, schemars(with = "doc::Reference", extend("must_be_given" = true)))]
    #[serde(default)]
    reference: Given<String>,
    /// Where the payer goes after success; every `__PAYMENT_ID__` in it becomes the session's id.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    success_url: Given<String>,
    /// Where the payer goes after failure; every `__PAYMENT_ID__` in it becomes the session's id.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    error_url: Given<String>,
    /// What is paid for. The sum is limited by the operator (1,000,000.00 GBP unless set otherwise).
    #[cfg_attr(test, schemars(extend("must_be_given" = true), length(min = 1, max = LineItems::MAX)))]
    #[serde(default)]
    line_items: Given<Vec<Given<Object<LineItemRequest>>>>,
    /// May be left out; if given, must be the sum of amount × quantity over the line items.
    #[serde(default)]
    amount: Given<i64>,
    /// May be left out; if given, must be GBP.
    #[cfg_attr(test, schemars(with = "doc::Currency"))]
    #[serde(default)]
    currency: Given<String>,
    /// One of the merchant's linked accounts. Its `name` is the linked account's own if left out.
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    payee: Given<Object<PayeeRequest>>,
    /// If you know who pays. The checkout then begins with the choice of a bank. With `email_receipt` but without an
    /// `email` the session is `awaiting_payer`, and the checkout asks for the address.
    #[serde(default)]
    payer: Given<Object<PayerRequest>>,
    /// Whether the payer gets a receipt by e-mail once the payment is sent. The checkout then asks for an address that
    /// `payer` doesn't give.
    #[cfg_attr(test, schemars(extend("default" = false)))]
    #[serde(default)]
    email_receipt: Given<bool>,
    /// Whether a payer whose bank refuses may choose a bank again, until the session expires. Without it the first refusal
    /// makes the session `failed`.
    #[cfg_attr(test, schemars(extend("default" = false)))]
    #[serde(default)]
    retry: Given<bool>,
    /// The payer's language (BCP 47), such as `fr` or `cy-GB`: that of the checkout and of mails, if it is one of English, French,
    /// German, Spanish and Welsh. If left out, the checkout is in the language that the payer's browser asks for, and mails are in
    /// English.
    #[cfg_attr(test, schemars(length(min = 2, max = 35)))]
    #[serde(default)]
    locale: Given<String>,
    /// Your own notes; the payer doesn't see them.
    #[cfg_attr(test, schemars(with = "doc::Notes"))]
    #[serde(default)]
    metadata: Given<BTreeMap<String, Given<String>>>,
    /// How long it can be paid.
    #[cfg_attr(test, schemars(range(min = Lifetime::MIN_SECONDS, max = Lifetime::MAX_SECONDS), extend("default" = Lifetime::default().as_duration().as_secs())))]
    #[serde(default)]
    expires_in_seconds: Given<i64>,
    /// The test clock that the session follows, with its refunds, instead of the real time. For test keys alone.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    #[serde(default)]
    test_clock: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NewLineItem", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct LineItemRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>", extend("must_be_given" = true)))]
    #[serde(default)]
    name: Given<String>,
    #[cfg_attr(test, schemars(length(max = 140)))]
    #[serde(default)]
    description: Given<String>,
    /// The price of one.
    #[cfg_attr(test, schemars(extend("must_be_given" = true), range(min = 1)))]
    #[serde(default)]
    amount: Given<i64>,
    /// The price of one.
    #[cfg_attr(test, schemars(extend("must_be_given" = true), range(min = 1)))]
    #[serde(default)]
    amount_cents: Given<i64>,
    #[cfg_attr(test, schemars(with = "doc::Currency", extend("must_be_given" = true)))]
    #[serde(default)]
    currency: Given<String>,
    #[cfg_attr(test, schemars(extend("must_be_given" = true), range(min = 1, max = u32::MAX)))]
    #[serde(default)]
    quantity: Given<i64>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(super) struct PayeeRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    name: Given<String>,
    /// 8 digits; spaces and hyphens between them are accepted.
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    account_number: Given<String>,
    /// 6 digits; spaces and hyphens between them are accepted, as in `01-02-03`.
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    sort_code: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
struct PayerRequest {
    #[cfg_attr(test, schemars(with = "doc::Text<140>", extend("must_be_given" = true)))]
    #[serde(default)]
    name: Given<String>,
    /// ASCII before the `@` and a domain name after it, which may be in Unicode; no IP address, nothing quoted, and
    /// no encoded word (RFC 2047).
    #[cfg_attr(test, schemars(length(max = 254), extend("format" = "idn-email")))]
    #[serde(default)]
    email: Given<String>,
}

/// Reads a request by a merchant with these `accounts` for a session with this id; its total may be at most its currency's cap.
///
/// # Errors
/// 400 if it can't be read at all; else 422 with everything that is wrong.
pub(crate) fn parse_create(
    body: &Json<'_>,
    dialect: Dialect,
    accounts: PayableAccounts<'_>,
    id: SessionId,
    caps: &AmountCaps,
) -> Result<NewSession, Refusal> {
    let request: CreateRequest = body.object()?;
    let mut wrong = Violations::default();
    let reference = wrong.required(request.reference, "invalid_reference", "reference", A_STRING, Reference::try_from);
    let url = |text: String| payment_id::of_session(&text, id);
    let success_url = wrong.optional(request.success_url, "invalid_success_url", "success_url", A_STRING, url);
    let error_url = wrong.optional(request.error_url, "invalid_error_url", "error_url", A_STRING, url);
    let line_items = line_items(request.line_items, dialect, caps, &mut wrong);
    let total = line_items.as_ref().map(|items| items.total().minor());
    // Line items that are wrong have no sum to agree with.
    let agrees = |amount| {
        if total.is_none_or(|total| amount == total) { Ok(()) } else { Err("must be the sum of the line items") }
    };
    wrong.optional(request.amount, "invalid_amount", "amount", A_WHOLE_NUMBER, agrees);
    wrong.optional(request.currency, "invalid_currency", "currency", A_STRING, gbp);
    let payee = payee(request.payee, accounts, &mut wrong);
    let payer = payer(request.payer, &mut wrong);
    let email_receipt =
        wrong.optional(request.email_receipt, "invalid_request", "email_receipt", "must be true or false", infallible);
    let retry = wrong.optional(request.retry, "invalid_request", "retry", "must be true or false", infallible);
    let locale = wrong.optional(request.locale, "invalid_request", "locale", A_STRING, Locale::try_from);
    let metadata = read_metadata(request.metadata, Some("invalid_request"), &mut wrong);
    let lifetime = wrong.optional(
        request.expires_in_seconds,
        "invalid_request",
        "expires_in_seconds",
        A_WHOLE_NUMBER,
        Lifetime::from_seconds,
    );
    let test_clock = read_test_clock(request.test_clock, Some("invalid_request"), &mut wrong);
    match (reference, line_items, payee) {
        (Some(reference), Some(line_items), Some(payee)) if wrong.0.is_empty() => {
            let new = NewSession::new(WireFormat::Banked, line_items.total(), payee, Some(reference));
            Ok(NewSession {
                line_items: line_items.into_items(),
                payer,
                success_url,
                error_url,
                email_receipt: email_receipt.unwrap_or(false),
                retry: retry.unwrap_or(false),
                locale,
                metadata: metadata.unwrap_or_default(),
                lifetime: lifetime.unwrap_or_default(),
                test_clock,
                ..new
            })
        }
        _ => Err(Refusal::Invalid(wrong.0)),
    }
}

/// The one currency there is for now ("Payment Session Object", currency).
fn gbp(code: String) -> Result<Currency, &'static str> {
    if code == "GBP" { Ok(Currency::GBP) } else { Err("must be GBP") }
}

fn line_items(
    given: Given<Vec<Given<Object<LineItemRequest>>>>,
    dialect: Dialect,
    caps: &AmountCaps,
    wrong: &mut Violations,
) -> Option<LineItems> {
    let parameter = "line_items";
    let items = match given {
        Given::Nothing => {
            wrong.add("missing_amount_or_line_items", parameter, "must be given");
            return None;
        }
        Given::Wrong => {
            wrong.add("invalid_request", parameter, "must be a list");
            return None;
        }
        Given::Value(items) if items.is_empty() => {
            wrong.add("missing_amount_or_line_items", parameter, InvalidLineItems::Count);
            return None;
        }
        // Checked before the items, so that an endless list costs no endless list of complaints.
        Given::Value(items) if items.len() > LineItems::MAX => {
            wrong.add("invalid_request", parameter, InvalidLineItems::Count);
            return None;
        }
        Given::Value(items) => items,
    };
    let count = items.len();
    let read: Vec<LineItem> =
        items.into_iter().enumerate().filter_map(|(n, item)| line_item(item, n, dialect, wrong)).collect();
    if read.len() < count {
        return None;
    }
    match LineItems::new(read, caps) {
        Ok(items) => Some(items),
        Err(rule) => {
            wrong.add("invalid_amount", parameter, rule);
            None
        }
    }
}

fn amount_code(field: &str) -> &'static str {
    if field == "amount_cents" { "invalid_line_items.amount_cents" } else { "invalid_amount" }
}

fn line_item(
    given: Given<Object<LineItemRequest>>,
    n: usize,
    dialect: Dialect,
    wrong: &mut Violations,
) -> Option<LineItem> {
    let Given::Value(Object(item)) = given else {
        wrong.add("invalid_request", &format!("line_items[{n}]"), "must be an object");
        return None;
    };
    let at = |field: &str| format!("line_items[{n}].{field}");
    let at_least_one =
        |count: i64| u32::try_from(count).ok().filter(|count| *count >= 1).ok_or("must be 1 to 4294967295");
    let name = wrong.required(item.name, "invalid_request", &at("name"), A_STRING, Name::try_from);
    let before = wrong.0.len();
    // An empty description is none.
    let description = match item.description {
        Given::Value(text) if text.is_empty() => Given::Nothing,
        other @ (Given::Nothing | Given::Wrong | Given::Value(_)) => other,
    };
    let description = wrong.optional(description, "invalid_description", &at("description"), A_STRING, Name::try_from);
    let described = wrong.0.len() == before;
    let (own, other) = match dialect {
        Dialect::V2 => (("amount", item.amount), ("amount_cents", item.amount_cents)),
        Dialect::ApiV2 => (("amount_cents", item.amount_cents), ("amount", item.amount)),
    };
    let differ = own.1 != Given::Nothing && other.1 != Given::Nothing && own.1 != other.1;
    if differ {
        wrong.add(amount_code(other.0), &at(other.0), format_args!("must not differ from {}", own.0));
    }
    // Either name is accepted on either path: Banked's own Node client sends `amount` to `/api/v2`.
    let (field, amount) = if own.1 == Given::Nothing && other.1 != Given::Nothing { other } else { own };
    let positive = |minor: i64| if minor >= 1 { Ok(MinorUnits::new(minor)) } else { Err("must be at least 1") };
    let minor = wrong.required(amount, amount_code(field), &at(field), A_WHOLE_NUMBER, positive);
    let currency = wrong.required(item.currency, "invalid_currency", &at("currency"), A_STRING, gbp);
    let quantity = wrong.required(item.quantity, "invalid_request", &at("quantity"), A_WHOLE_NUMBER, at_least_one);
    let unit_price = Money::new(minor?, currency?);
    (described && !differ).then_some(LineItem { name: name?, description, unit_price, quantity: quantity? })
}

fn payee(given: Given<Object<PayeeRequest>>, accounts: PayableAccounts<'_>, wrong: &mut Violations) -> Option<Payee> {
    let code = "invalid_payee_account_identifier";
    let payee = match given {
        Given::Nothing => {
            wrong.add(code, "payee", "must be given");
            return None;
        }
        Given::Wrong => {
            wrong.add(code, "payee", "must be an object");
            return None;
        }
        Given::Value(Object(payee)) => payee,
    };
    let before = wrong.0.len();
    let (name, account) = name_and_account(payee, wrong);
    let account = account?;
    let linked = accounts.named(&account).map_err(|why| wrong.add(code, "payee", why)).ok()?;
    let name = name.unwrap_or_else(|| linked.name.clone());
    (wrong.0.len() == before).then_some(Payee { name, account })
}

/// Why a session can't be created with a live key. No field says how it is paid, or at which bank.
pub(crate) fn not_payable_live(why: NotPayableLive) -> Refusal {
    let (code, parameter) = match why {
        NotPayableLive::Methods | NotPayableLive::Currency | NotPayableLive::Country | NotPayableLive::Provider => {
            ("invalid_currency", "currency")
        }
        NotPayableLive::Account => ("invalid_payee_account_identifier", "payee"),
        NotPayableLive::Payer => ("invalid_payer_email", "payer.email"),
    };
    Refusal::Invalid(vec![Violation::new(code, parameter, why)])
}

/// A payee's name, if there is one that is right, and account, if it is.
pub(super) fn name_and_account(
    payee: PayeeRequest,
    wrong: &mut Violations,
) -> (Option<Name>, Option<AccountIdentifier>) {
    let code = "invalid_payee_account_identifier";
    let name = wrong.optional(payee.name, "invalid_request", "payee.name", A_STRING, Name::try_from);
    let sort_code =
        wrong.required::<_, _, InvalidAccount>(payee.sort_code, code, "payee.sort_code", A_STRING, SortCode::try_from);
    let account_number = wrong.required::<_, _, InvalidAccount>(
        payee.account_number,
        code,
        "payee.account_number",
        A_STRING,
        AccountNumber::try_from,
    );
    let account = sort_code
        .zip(account_number)
        .map(|(sort_code, account_number)| AccountIdentifier::UkAccount { sort_code, account_number });
    (name, account)
}

fn payer(given: Given<Object<PayerRequest>>, wrong: &mut Violations) -> Option<Payer> {
    let payer = match given {
        Given::Nothing => return None,
        Given::Wrong => {
            wrong.add("invalid_request", "payer", "must be an object");
            return None;
        }
        Given::Value(Object(payer)) => payer,
    };
    let name = wrong.required(payer.name, "invalid_request", "payer.name", A_STRING, Name::try_from);
    let email = wrong.optional::<_, _, InvalidText>(
        payer.email,
        "invalid_payer_email",
        "payer.email",
        A_STRING,
        EmailAddress::try_from,
    );
    Some(Payer { name: name?, email, phone: None })
}
