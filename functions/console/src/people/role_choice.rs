//! The roles, to be chosen from.

use models::Role;

use crate::texts::PeopleTexts;

/// A role to be chosen.
pub(super) struct RoleChoice {
    pub(super) role: Role,
    /// What it may do.
    pub(super) sentence: &'static str,
    pub(super) is_chosen: bool,
}

/// All of them; the one that is chosen, if one is.
pub(super) fn roles(chosen: Option<Role>, t: &PeopleTexts) -> [RoleChoice; 4] {
    Role::ALL.map(|role| RoleChoice { role, sentence: sentence(role, t), is_chosen: chosen == Some(role) })
}

/// What a role may do.
pub(super) const fn sentence(role: Role, t: &PeopleTexts) -> &'static str {
    match role {
        Role::Look => t.role_look,
        Role::Refund => t.role_refund,
        Role::Develop => t.role_develop,
        Role::Own => t.role_own,
    }
}
