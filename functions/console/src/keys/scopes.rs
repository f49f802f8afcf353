//! What keys may do, to be chosen.

use models::{Scope, Scopes};

use crate::texts::KeyTexts;

/// A scope to be chosen.
pub(super) struct ScopeChoice {
    pub(super) scope: Scope,
    pub(super) is_chosen: bool,
}

impl ScopeChoice {
    pub(super) const fn label(&self, t: &KeyTexts) -> &'static str {
        match self.scope {
            Scope::PaymentSessionsRead => t.reads_payments,
            Scope::PaymentSessionsWrite => t.makes_payments,
            Scope::RefundsWrite => t.refunds_payments,
            Scope::WebhooksWrite => t.changes_webhooks,
        }
    }
}

/// All of them, with those that are chosen.
pub(super) fn choices(chosen: Scopes) -> [ScopeChoice; 4] {
    Scope::ALL.map(|scope| ScopeChoice { scope, is_chosen: chosen.allow(scope) })
}

/// As a page says it.
pub(super) fn in_words(scopes: Scopes, t: &KeyTexts) -> String {
    if scopes == Scopes::ALL { t.everything.to_owned() } else { scopes.to_string() }
}
