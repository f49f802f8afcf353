//! How a session may be paid, as `meta.payment_methods` says, and by what a smart transfer is matched.

use models::{Mode, PaymentMethod, PaymentMethods};
use serde::Deserialize;

use super::extra::{Kind, OrderedMethod, Reconciliation};
use super::fields::{MISSING, Text, at_most, object, required_text, text};
use super::session::shown_method;
use crate::given::{Given, Object};
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_TRUTH, A_WHOLE_NUMBER, Violations, infallible};

pub(super) const PARAMETER: &str = "meta.payment_methods";

const MAX_METHODS: usize = 3;

/// A way to pay.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
pub(super) struct MethodRequest {
    #[cfg_attr(test, schemars(with = "String", extend("must_be_given" = true, "enum" = ["immediate_transfer", "smart_transfer", "bnpl"])))]
    #[serde(default)]
    id: Given<Text>,
    /// Where it stands among the others; those without one come last.
    #[serde(default)]
    order: Given<i64>,
}

/// By what a smart transfer is matched: kept and given back. A session's own IBAN is matched exactly anyway.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReconciliationRequest {
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["payer", "key", "payment_session"], "default" = "payer")))]
    #[serde(default)]
    level: Given<Text>,
    /// Must be given for the level `key`.
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    key: Given<Text>,
    /// Not for the level `payer`.
    #[serde(default)]
    match_amount: Given<bool>,
}

/// What decides which ways to pay there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    /// Whether the answer is to have the account of a smart transfer.
    pub(super) with_virtual_beneficiary: bool,
}

/// Reads the ways to pay, in the order that they give; also as they were sent.
pub(super) fn read_methods(
    given: Given<Vec<Given<Object<MethodRequest>>>>,
    asked: Asked,
    wrong: &mut Violations,
) -> Option<(PaymentMethods, Vec<OrderedMethod>)> {
    let listed = wrong.optional(given, None, PARAMETER, "must be a list of ways to pay", |methods| {
        // Checked before each is read, so that an endless list costs no endless list of complaints.
        if (1..=MAX_METHODS).contains(&methods.len()) { Ok(methods) } else { Err("must name 1 to 3 ways to pay") }
    });
    let before = wrong.0.len();
    let mut read: Vec<(PaymentMethod, OrderedMethod)> = Vec::new();
    for (n, method) in listed.into_iter().flatten().enumerate() {
        let at = format!("{PARAMETER}[{n}]");
        let Some(method) = object(wrong, method, &at) else { continue };
        let id = required_text(wrong, method.id, &format!("{at}.id"), |id| {
            let method = enabled(&id, asked.mode)?;
            let is_named = read.iter().any(|(named, _)| *named == method);
            if is_named { Err("must not be named again") } else { Ok((method, id)) }
        });
        let order = wrong.optional(method.order, None, &format!("{at}.order"), A_WHOLE_NUMBER, infallible);
        read.extend(id.map(|(method, id)| (method, OrderedMethod { id, order })));
    }
    if wrong.0.len() > before {
        return None;
    }
    let sent = read.iter().map(|(_, sent)| sent.clone()).collect();
    read.sort_by_key(|(_, sent)| sent.order.unwrap_or(i64::MAX));
    let named: Vec<_> = read.into_iter().map(|(method, _)| method).collect();
    let methods = if named.is_empty() { default_methods(asked) } else { named };
    if asked.with_virtual_beneficiary && !methods.contains(&PaymentMethod::BankTransfer) {
        wrong.add(None, PARAMETER, "must name smart_transfer, since with_virtual_beneficiary asks for its account");
        return None;
    }
    PaymentMethods::new(methods).ok().map(|methods| (methods, sent))
}

/// Those of a request that names none.
fn default_methods(asked: Asked) -> Vec<PaymentMethod> {
    let transfer = PaymentMethod::BankTransfer;
    match asked.kind {
        Kind::Connect if asked.with_virtual_beneficiary => vec![transfer],
        Kind::RequestToPay if asked.mode == Mode::Test => vec![PaymentMethod::PayByBank, transfer],
        Kind::Connect | Kind::RequestToPay => vec![PaymentMethod::PayByBank],
    }
}

/// The way to pay that is called so. Live, nobody gives a session an account of its own or pays it before the payer does.
fn enabled(id: &str, mode: Mode) -> Result<PaymentMethod, &'static str> {
    let method = PaymentMethod::ALL.into_iter().find(|method| shown_method(*method) == Some(id));
    match (method, mode) {
        (Some(method), Mode::Test) => Ok(method),
        (Some(PaymentMethod::PayByBank), Mode::Live) => Ok(PaymentMethod::PayByBank),
        (None, Mode::Test) => Err("is not enabled: there are immediate_transfer, smart_transfer and bnpl"),
        (Some(_) | None, Mode::Live) => Err("is not enabled: live, there is immediate_transfer alone"),
    }
}

/// Reads by what a smart transfer is matched.
pub(super) fn read_reconciliation(
    given: Given<Object<ReconciliationRequest>>,
    wrong: &mut Violations,
) -> Option<Reconciliation> {
    let request = object(wrong, given, "meta.reconciliation")?;
    let level = text(wrong, request.level, "meta.reconciliation.level", |level| {
        let is_known = ["payer", "key", "payment_session"].contains(&level.as_str());
        if is_known { Ok(level) } else { Err("must be one of payer, key, payment_session") }
    });
    let before = wrong.0.len();
    let key = text(wrong, request.key, "meta.reconciliation.key", at_most(140));
    let is_missing = key.is_none() && wrong.0.len() == before;
    let match_amount =
        wrong.optional(request.match_amount, None, "meta.reconciliation.match_amount", A_TRUTH, infallible);
    match level.as_deref() {
        Some("key") if is_missing => {
            wrong.add(MISSING, "meta.reconciliation.key", "must be given for the level key");
        }
        None | Some("payer") if match_amount.is_some() => {
            wrong.add(None, "meta.reconciliation.match_amount", "must not be given for the level payer");
        }
        _ => {}
    }
    let read = Reconciliation { level, key, match_amount };
    (read != Reconciliation::default()).then_some(read)
}
