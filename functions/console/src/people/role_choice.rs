//! The roles, to be chosen from.

use models::Role;

/// A role to be chosen.
pub(super) struct RoleChoice {
    pub(super) role: Role,
    pub(super) is_chosen: bool,
}

/// All of them; the one that is chosen, if one is.
pub(super) fn roles(chosen: Option<Role>) -> [RoleChoice; 4] {
    Role::ALL.map(|role| RoleChoice { role, is_chosen: chosen == Some(role) })
}
