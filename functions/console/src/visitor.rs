//! Who is signed in.

use jiff::Timestamp;
use models::{Mode, Permission, Person};
use store::Owner;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Who, of which merchant and in which role.
    pub(crate) person: Person,
    /// When they proved who they are.
    pub(crate) signed_in_at: Timestamp,
    /// What their forms have to bear.
    pub(crate) csrf: Csrf,
}

impl Visitor {
    /// Whether they may do this.
    pub(crate) const fn may(&self, permission: Permission) -> bool {
        self.person.role.may(permission)
    }

    /// Whose payments they see in this mode, of every format.
    pub(crate) fn owner(&self, mode: Mode) -> Owner {
        Owner { merchant_id: self.person.merchant_id.clone(), mode, format: None }
    }
}

/// What a form has to bear to be of a page of ours.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Csrf(pub(crate) String);

impl std::fmt::Debug for Csrf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Csrf(…)")
    }
}
