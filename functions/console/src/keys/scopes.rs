//! What keys may do, to be chosen.

use models::{Scope, Scopes};

/// A scope to be chosen.
pub(super) struct ScopeChoice {
    pub(super) scope: Scope,
    pub(super) is_chosen: bool,
}

impl ScopeChoice {
    pub(super) const fn label(&self) -> &'static str {
        match self.scope {
            Scope::PaymentSessionsRead => "Read payments, refunds, events and webhooks",
            Scope::PaymentSessionsWrite => "Make, cancel and delete payments",
            Scope::RefundsWrite => "Refund payments",
            Scope::WebhooksWrite => "Change webhooks, and have events sent again",
        }
    }
}

/// All of them, with those that are chosen.
pub(super) fn choices(chosen: Scopes) -> [ScopeChoice; 4] {
    Scope::ALL.map(|scope| ScopeChoice { scope, is_chosen: chosen.allow(scope) })
}

/// As a page says it.
pub(super) fn in_words(scopes: Scopes) -> String {
    if scopes == Scopes::ALL { "everything".to_owned() } else { scopes.to_string() }
}
