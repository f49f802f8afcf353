//! Whose site a page is of.

use providers::mock::NamedBank;

/// Whose site it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct House {
    /// Its id, by which the style sheet knows it.
    pub(crate) id: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
}

impl House {
    /// Where it is not clear which of them it is.
    pub(crate) const ANY: Self = Self { id: "mock-bank", name: "Mock Bank" };

    pub(crate) const fn of(bank: &'static NamedBank) -> Self {
        Self { id: bank.id, name: bank.name }
    }
}
