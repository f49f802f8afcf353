//! What a payment is created from, and what is wrong with it. <https://docs.truelayer.com/reference/create-payment>

use std::collections::BTreeMap;

use serde_json::{Value, json};
use truelayer::MerchantAccounts;
use uuid::Uuid;

use super::directory::{self, BANKS, Bank, COUNTRIES};
use super::problem::Problem;

/// The longest name or account name.
const MAX_NAME_CHARS: usize = 140;
/// The longest reference that Faster Payments has, and SEPA.
const MAX_REFERENCE_GBP: usize = 18;
const MAX_REFERENCE_EUR: usize = 140;
/// TrueLayer's limits for what a client may note of a payment.
const MAX_METADATA: usize = 10;
const MAX_METADATA_KEY_CHARS: usize = 40;
const MAX_METADATA_CHARS: usize = 500;

/// A payment that may be created.
#[derive(Debug, Clone)]
pub(super) struct NewPayment {
    pub(super) amount_minor: u64,
    pub(super) currency: &'static str,
    pub(super) payer_name: Option<String>,
    pub(super) payee: String,
    pub(super) reference: String,
    /// The one that was chosen before, or else the first.
    pub(super) bank: &'static Bank,
    /// Into which of the client's accounts with TrueLayer it goes, if it goes into one.
    pub(super) merchant_account: Option<Uuid>,
    /// As it was sent.
    pub(super) payment_method: Value,
    pub(super) metadata: Value,
}

/// Reads a request of a client that has these accounts, and notes all that is wrong with it.
pub(super) fn read(body: &[u8], accounts: &MerchantAccounts) -> Result<NewPayment, Problem> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Problem::field("", "must be JSON"))?;
    let mut fields = Fields { body: &body, accounts, errors: BTreeMap::new() };
    let new = fields.payment();
    if fields.errors.is_empty() { Ok(new) } else { Err(Problem::invalid(fields.errors)) }
}

struct Fields<'a> {
    body: &'a Value,
    accounts: &'a MerchantAccounts,
    errors: BTreeMap<String, Vec<String>>,
}

impl<'a> Fields<'a> {
    fn payment(&mut self) -> NewPayment {
        let amount_minor = self.get("amount_in_minor").and_then(Value::as_u64).unwrap_or_default();
        if amount_minor == 0 {
            self.wrong("amount_in_minor", "must be a whole number above 0");
        }
        let currency = match self.text("currency", 3) {
            "EUR" => "EUR",
            "GBP" => "GBP",
            _ => {
                self.wrong("currency", "must be GBP or EUR");
                "GBP"
            }
        };
        if self.text("payment_method.type", MAX_NAME_CHARS) != "bank_transfer" {
            self.wrong("payment_method.type", "must be bank_transfer");
        }
        let bank = self.bank(currency);
        let (payee, reference, merchant_account) = self.beneficiary(currency);
        NewPayment {
            amount_minor,
            currency,
            payer_name: self.user(),
            payee,
            reference,
            bank,
            merchant_account,
            payment_method: self.get("payment_method").cloned().unwrap_or_default(),
            metadata: self.metadata(),
        }
    }

    fn get(&self, path: &str) -> Option<&'a Value> {
        self.body.pointer(&format!("/{}", path.replace('.', "/")))
    }

    fn wrong(&mut self, path: &str, problem: &str) {
        self.errors.entry(path.to_owned()).or_default().push(problem.to_owned());
    }

    fn text(&mut self, path: &str, max_chars: usize) -> &'a str {
        let text = self.get(path).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() || text.chars().count() > max_chars {
            self.wrong(path, &format!("must be a text of 1 to {max_chars} characters"));
        }
        text
    }

    fn digits(&mut self, path: &str, length: usize) {
        let text = self.text(path, length);
        if text.len() != length || !text.bytes().all(|b| b.is_ascii_digit()) {
            self.wrong(path, &format!("must be {length} digits"));
        }
    }

    fn bank(&mut self, currency: &str) -> &'static Bank {
        let [first, ..] = &BANKS;
        match self.text("payment_method.provider_selection.type", MAX_NAME_CHARS) {
            "user_selected" => {
                let path = "payment_method.provider_selection.filter.countries";
                let is_reached = |country: &Value| country.as_str().is_some_and(|code| COUNTRIES.contains(&code));
                let is_filter = |filter: &Vec<Value>| !filter.is_empty() && filter.iter().all(is_reached);
                if self.get(path).is_some_and(|filter| !filter.as_array().is_some_and(is_filter)) {
                    self.wrong(path, "must be countries that have providers");
                }
                first
            }
            "preselected" => {
                let path = "payment_method.provider_selection.provider_id";
                let bank = directory::find(self.text(path, MAX_NAME_CHARS));
                if bank.is_none_or(|bank| bank.currency() != currency) {
                    self.wrong(path, "must be a provider of this currency");
                }
                let schemes = ["instant_only", "instant_preferred", "preselected", "user_selected"];
                let path = "payment_method.provider_selection.scheme_selection.type";
                if !schemes.contains(&self.text(path, MAX_NAME_CHARS)) {
                    self.wrong(path, "must be a way to select a scheme");
                }
                bank.unwrap_or(first)
            }
            _ => {
                self.wrong("payment_method.provider_selection.type", "must be user_selected or preselected");
                first
            }
        }
    }

    /// The payee's name, the reference that they see, and the merchant account.
    fn beneficiary(&mut self, currency: &str) -> (String, String, Option<Uuid>) {
        match self.text("payment_method.beneficiary.type", MAX_NAME_CHARS) {
            "external_account" => {
                let payee = self.text("payment_method.beneficiary.account_holder_name", MAX_NAME_CHARS).to_owned();
                let account = "payment_method.beneficiary.account_identifier";
                match (self.text(&format!("{account}.type"), MAX_NAME_CHARS), currency) {
                    ("sort_code_account_number", "GBP") => {
                        self.digits(&format!("{account}.sort_code"), 6);
                        self.digits(&format!("{account}.account_number"), 8);
                    }
                    ("iban", _) => {
                        self.text(&format!("{account}.iban"), 34);
                    }
                    _ => self.wrong(&format!("{account}.type"), "must be an account of this currency"),
                }
                (payee, self.reference("payment_method.beneficiary.reference", currency), None)
            }
            "merchant_account" => {
                let path = "payment_method.beneficiary.merchant_account_id";
                let id: Option<Uuid> = self.text(path, MAX_NAME_CHARS).parse().ok();
                let is_its = self.accounts.all().any(|(_, paid, known)| Some(known) == id && paid.code() == currency);
                if !is_its {
                    self.wrong(path, "must be a merchant account of this currency");
                }
                let path = "payment_method.beneficiary.statement_reference";
                let reference = self.get(path).map(|_| self.reference(path, currency));
                ("the merchant".to_owned(), reference.unwrap_or_default(), id)
            }
            _ => {
                self.wrong("payment_method.beneficiary.type", "must be external_account or merchant_account");
                (String::new(), String::new(), None)
            }
        }
    }

    fn reference(&mut self, path: &str, currency: &str) -> String {
        let max_chars = if currency == "GBP" { MAX_REFERENCE_GBP } else { MAX_REFERENCE_EUR };
        let text = self.text(path, max_chars);
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || "-:().,'+ ?/".contains(c)) {
            self.wrong(path, "has characters that banks don't take");
        }
        text.to_owned()
    }

    /// One that is known by their id, or one who can be reached.
    fn user(&mut self) -> Option<String> {
        if self.get("user.id").is_some() {
            if self.text("user.id", MAX_NAME_CHARS).parse::<Uuid>().is_err() {
                self.wrong("user.id", "must be a UUID");
            }
            return None;
        }
        let name = self.text("user.name", MAX_NAME_CHARS);
        let (email, phone) = (self.get("user.email").is_some(), self.get("user.phone").is_some());
        if email && !is_email(self.text("user.email", MAX_METADATA_CHARS)) {
            self.wrong("user.email", "must be an e-mail address");
        }
        if phone && !is_phone(self.text("user.phone", MAX_METADATA_CHARS)) {
            self.wrong("user.phone", "must be a telephone number as E.164 has it, like +442079460999");
        }
        if !email && !phone {
            self.wrong("user", "must have an e-mail address or a telephone number");
        }
        Some(name.to_owned())
    }

    fn metadata(&mut self) -> Value {
        let Some(metadata) = self.get("metadata") else { return json!({}) };
        let is_short = |(key, value): (&String, &Value)| {
            key.chars().count() <= MAX_METADATA_KEY_CHARS
                && value.as_str().is_some_and(|value| value.chars().count() <= MAX_METADATA_CHARS)
        };
        if !metadata.as_object().is_some_and(|all| all.len() <= MAX_METADATA && all.iter().all(is_short)) {
            self.wrong("metadata", "must be an object of a few short texts");
        }
        metadata.clone()
    }
}

/// Loosely: something, and a domain with a dot in it.
fn is_email(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    text.split_once('@').is_some_and(|(local, domain)| is_part(local) && is_part(domain) && domain.contains('.'))
}

/// E.164: a `+`, and up to 15 digits, of which the first is not 0.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}
