//! A payment: what TrueLayer is asked for, the link to its page, and what its answers mean.
//! <https://docs.truelayer.com/reference/create-payment>, <https://docs.truelayer.com/reference/get-payment>

use aws_lc_rs::digest::{SHA256, digest};
use models::{
    AccountIdentifier, Currency, DeclineReason, Iban, OfferLimits, PaidFrom, Payee, Payer, PhoneNumber,
    ProviderPaymentId, ProviderRequest, Reference, Session,
};
use providers::{PayerLink, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use uuid::{Builder, Uuid};

use crate::banks::{countries, segments};
use crate::hosts::at_path;

/// How a beneficiary is called that is an account with TrueLayer, as an answer and a request spell it.
const MERCHANT_ACCOUNT: &str = "merchant_account";

/// The same of any other account.
const EXTERNAL_ACCOUNT: &str = "external_account";

/// The longest reference in pounds (Faster Payments).
const MAX_REFERENCE_GBP: usize = 18;

/// The longest reference in euros (SEPA's remittance information).
const MAX_REFERENCE: usize = 140;

/// The most that a log says of a word of TrueLayer's that is not known.
const MAX_LOGGED_CHARS: usize = 64;

/// The payer, as TrueLayer wants them: a name, and one way to reach them.
#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl<'a> User<'a> {
    fn of(payer: &'a Payer) -> Self {
        let email = payer.email.as_ref().map(|email| email.as_str());
        let phone = payer.phone.as_ref().filter(|_| email.is_none()).and_then(PhoneNumber::international);
        Self { name: payer.name.as_str(), email, phone }
    }
}

/// What begins attempt `number` of paying a session: at the bank that TrueLayer calls so, or at one that the payer chooses there;
/// into a merchant account with TrueLayer, or the payee's own. The same bytes for the same session, number and bank.
pub(crate) fn request(
    session: &Session,
    number: u8,
    bank: Option<&str>,
    merchant_account: Option<Uuid>,
) -> ProviderRequest {
    let body = json!({
        "amount_in_minor": session.amount.minor(),
        "currency": session.amount.currency().code(),
        "payment_method": {
            "type": "bank_transfer",
            "provider_selection": provider_selection(session, bank),
            "beneficiary": beneficiary(session, merchant_account),
        },
        "user": session.payer.as_ref().map(User::of),
        // Not the session's id, which opens its checkout.
        "metadata": {
            "end_to_end_id": session.end_to_end_id.to_string(),
            "attempt": number.to_string(),
        },
    });
    let idempotency_key = idempotency_key("begin", &session.id.to_string(), number);
    ProviderRequest { idempotency_key, body: body.to_string() }
}

/// Under which key TrueLayer is asked to do this once: in the form of a random UUID, which it advises
/// (<https://docs.truelayer.com/docs/idempotency>), and the same for the same operation.
pub(crate) fn idempotency_key(operation: &str, id: &str, number: u8) -> String {
    let digest = digest(&SHA256, format!("{operation}/{id}/{number}").as_bytes());
    let bytes = digest.as_ref().first_chunk().copied().unwrap_or_default();
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Where a scheme is chosen, it is one that pays at once if the bank has one, as a payer expects at a checkout
/// (<https://docs.truelayer.com/docs/select-a-scheme-for-payments>).
fn provider_selection(session: &Session, bank: Option<&str>) -> Value {
    match bank {
        Some(id) => json!({
            "type": "preselected",
            "provider_id": id,
            "scheme_selection": { "type": "instant_preferred" },
        }),
        None => {
            let OfferLimits { country, payers, .. } = &session.offer_limits;
            let mut filter = json!({ "countries": countries(session.amount.currency(), *country) });
            if let (Some(payers), Some(filter)) = (payers, filter.as_object_mut()) {
                filter.insert("customer_segments".to_owned(), json!(segments(Some(*payers))));
            }
            json!({ "type": "user_selected", "filter": filter })
        }
    }
}

fn beneficiary(session: &Session, merchant_account: Option<Uuid>) -> Value {
    match merchant_account {
        Some(id) => json!({
            "type": MERCHANT_ACCOUNT,
            "merchant_account_id": id.to_string(),
            "statement_reference": reference(session),
        }),
        None => json!({
            "type": EXTERNAL_ACCOUNT,
            "account_holder_name": session.payee.name.as_str(),
            "account_identifier": account_identifier(&session.payee.account, session.amount.currency()),
            "reference": reference(session),
        }),
    }
}

fn account_identifier(account: &AccountIdentifier, currency: Currency) -> Value {
    match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => uk(sort_code.as_str(), account_number.as_str()),
        AccountIdentifier::Iban { iban } => match british(iban).filter(|_| currency == Currency::GBP) {
            Some((sort_code, account_number)) => uk(sort_code, account_number),
            None => json!({ "type": "iban", "iban": iban.as_str() }),
        },
    }
}

fn uk(sort_code: &str, account_number: &str) -> Value {
    json!({ "type": "sort_code_account_number", "sort_code": sort_code, "account_number": account_number })
}

/// The sort code and the account number that a British IBAN ends with: after the country, two check digits and four letters of
/// the bank come six and eight digits (SWIFT's IBAN registry).
fn british(iban: &Iban) -> Option<(&str, &str)> {
    let bban = iban.as_str().strip_prefix("GB")?.get(2..)?;
    Some((bban.get(4..10)?, bban.get(10..18)?))
}

/// The session's reference in characters that TrueLayer accepts; the payment's own where nothing is left of that.
fn reference(session: &Session) -> String {
    let max_length = if session.amount.currency() == Currency::GBP { MAX_REFERENCE_GBP } else { MAX_REFERENCE };
    let safe = safe(session.reference.as_str(), max_length);
    if safe.is_empty() { Reference::of_payment(&session.end_to_end_id).into() } else { safe }
}

/// A text with a space in place of each character that TrueLayer refuses in a reference, cut off at a length.
fn safe(text: &str, max_length: usize) -> String {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || "-:().,'+ ?/".contains(*c);
    let safe: String = text.chars().take(max_length).map(|c| if is_safe(&c) { c } else { ' ' }).collect();
    safe.trim().to_owned()
}

/// Whether a recorded request pays into an account with TrueLayer: only what comes there can be refunded from there.
pub(crate) fn pays_into_merchant_account(request: &ProviderRequest) -> bool {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    beneficiary_type(&body) == Some(MERCHANT_ACCOUNT)
}

fn beneficiary_type(payment: &Value) -> Option<&str> {
    payment.pointer("/payment_method/beneficiary/type").and_then(Value::as_str)
}

/// A payment that TrueLayer has made of a request. The token opens its page for 15 minutes, and is neither stored nor logged.
#[derive(Deserialize)]
pub(crate) struct Created {
    id: Uuid,
    resource_token: String,
}

impl Created {
    /// What TrueLayer calls it.
    pub(crate) fn id(&self) -> Option<ProviderPaymentId> {
        self.id.to_string().parse().ok()
    }

    /// Where the payer pays it, who comes back to `return_uri` afterwards. TrueLayer's Console has to list that.
    /// <https://docs.truelayer.com/docs/authorise-payments-or-mandates-with-the-hpp>
    pub(crate) fn link(&self, payment_host: &Url, return_uri: &str) -> PayerLink {
        let mut url = at_path(payment_host, "/payments");
        let parameters = form_urlencoded::Serializer::new(String::new())
            .append_pair("payment_id", &self.id.to_string())
            .append_pair("resource_token", &self.resource_token)
            .append_pair("return_uri", return_uri)
            .finish();
        url.set_fragment(Some(&parameters));
        PayerLink::new(url)
    }
}

/// A payment as TrueLayer shows it. What is missing in it, or of another kind, is as if TrueLayer had not said it.
pub(crate) struct Payment(Value);

impl Payment {
    /// From an answer's JSON.
    pub(crate) const fn new(answer: Value) -> Self {
        Self(answer)
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    /// How it stands (<https://docs.truelayer.com/docs/payment-statuses>). Into an external account a payment ends as executed:
    /// the bank has accepted the order. Into a merchant account it may fail after that, and ends as settled.
    pub(crate) fn status(&self) -> Status {
        match self.text("/status") {
            // Where the payer may try again at the page, one failed attempt is not the end.
            Some("authorization_required" | "authorizing" | "attempt_failed") => Status::AwaitingConsent,
            Some("authorized") => Status::Accepted,
            Some("executed") if beneficiary_type(&self.0) != Some(EXTERNAL_ACCOUNT) => Status::Accepted,
            Some("executed" | "settled") => Status::Settled(self.paid_from()),
            Some("failed") => failed(self.text("/failure_reason").unwrap_or_default()),
            other @ (Some(_) | None) => {
                tracing::error!(status = shortened(other), "TrueLayer says a status of a payment that is not known");
                Status::Unknown
            }
        }
    }

    fn paid_from(&self) -> PaidFrom {
        self.payer_account().map_or(PaidFrom::Undisclosed, PaidFrom::Account)
    }

    /// The account that it was paid from, if TrueLayer says all of it that a refund needs.
    fn payer_account(&self) -> Option<Payee> {
        let currency = Currency::from_code(self.text("/currency")?)?;
        let name = self.text("/payment_source/account_holder_name")?.to_owned().try_into().ok()?;
        let identifiers = self.0.pointer("/payment_source/account_identifiers")?.as_array()?;
        let accounts = identifiers.iter().filter_map(account).filter(|account| account.receives(currency));
        // One account may be named in both ways.
        let account = accounts.min_by_key(|account| matches!(account, AccountIdentifier::Iban { .. }))?;
        Some(Payee { name, account })
    }
}

fn account(identifier: &Value) -> Option<AccountIdentifier> {
    let text = |name: &str| identifier.get(name).and_then(Value::as_str);
    match text("type")? {
        "sort_code_account_number" => AccountIdentifier::uk(text("sort_code")?, text("account_number")?).ok(),
        "iban" => Some(AccountIdentifier::Iban { iban: text("iban")?.to_owned().try_into().ok()? }),
        _ => None,
    }
}

/// How a payment failed. The reasons are an open set: what is not known of them is the bank's.
fn failed(reason: &str) -> Status {
    match reason {
        // Nobody has decided: we or the payer gave it up at the page, or its 15 minutes passed.
        "canceled" | "expired" => Status::Cancelled,
        "authorization_failed" | "not_authorized" | "user_canceled_at_provider" => {
            Status::Refused(DeclineReason::ByPayer)
        }
        "insufficient_funds" => Status::Refused(DeclineReason::InsufficientFunds),
        _ => Status::Refused(DeclineReason::ByBank),
    }
}

/// As much of a word of TrueLayer's as a log may have.
pub(crate) fn shortened(word: Option<&str>) -> String {
    word.unwrap_or_default().chars().take(MAX_LOGGED_CHARS).collect()
}

#[cfg(test)]
mod tests;
