//! The people who work in a merchant's console, and what each may do there.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::MerchantId;
use crate::mode::Mode;
use crate::text::EmailAddress;

/// Something that not everybody in the console may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Sees payments, refunds, webhooks and events, without personal data.
    SeePayments,
    /// Asks for the personal data of a payment, which is recorded as an act.
    SeePersonalData,
    /// Refunds and cancels payments, and makes links by which they are paid.
    MoveMoney,
    /// Changes webhook endpoints, and has events sent again.
    ChangeWebhooks,
    /// Issues, rolls and revokes API keys for test payments.
    ManageTestKeys,
    /// Issues, rolls and revokes API keys for live payments, links accounts and changes the shop.
    ManageLive,
    /// Says who may do what.
    ManagePeople,
    /// Reads who did what.
    SeeAudit,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 8] = [
        Self::SeePayments,
        Self::SeePersonalData,
        Self::MoveMoney,
        Self::ChangeWebhooks,
        Self::ManageTestKeys,
        Self::ManageLive,
        Self::ManagePeople,
        Self::SeeAudit,
    ];

    /// What the same takes in this mode: an API key for live payments takes more than one for test payments.
    #[must_use]
    pub const fn in_mode(self, mode: Mode) -> Self {
        match (self, mode) {
            (Self::ManageTestKeys, Mode::Live) => Self::ManageLive,
            (same, Mode::Test | Mode::Live) => same,
        }
    }
}

/// What a person is in the console for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Look,
    /// Serves customers.
    Refund,
    /// Connects the merchant's systems.
    Develop,
    /// Answers for all of it.
    Own,
}

/// It is none of the four roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be look, refund, develop or own")]
pub struct InvalidRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Look, Self::Refund, Self::Develop, Self::Own];

    /// As it is stored, and spelled on the command line and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Refund => "refund",
            Self::Develop => "develop",
            Self::Own => "own",
        }
    }

    /// Whether it may do this.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match (self, permission) {
            (
                Self::Own,
                P::SeePayments
                | P::SeePersonalData
                | P::MoveMoney
                | P::ChangeWebhooks
                | P::ManageTestKeys
                | P::ManageLive
                | P::ManagePeople
                | P::SeeAudit,
            )
            | (Self::Look | Self::Refund | Self::Develop, P::SeePayments)
            | (Self::Refund, P::SeePersonalData | P::MoveMoney)
            | (Self::Develop, P::ChangeWebhooks | P::ManageTestKeys) => true,
            (
                Self::Look,
                P::SeePersonalData
                | P::MoveMoney
                | P::ChangeWebhooks
                | P::ManageTestKeys
                | P::ManageLive
                | P::ManagePeople
                | P::SeeAudit,
            )
            | (Self::Refund, P::ChangeWebhooks | P::ManageTestKeys | P::ManageLive | P::ManagePeople | P::SeeAudit)
            | (Self::Develop, P::SeePersonalData | P::MoveMoney | P::ManageLive | P::ManagePeople | P::SeeAudit) => {
                false
            }
        }
    }

    /// Whether it may do all that another may.
    pub fn includes(self, other: Self) -> bool {
        Permission::ALL.into_iter().all(|permission| self.may(permission) || !other.may(permission))
    }
}

impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}

/// A person who may work in a merchant's console. Personal data, but of the merchant's own staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Whose console.
    pub merchant_id: MerchantId,
    /// Who it is: the address that sign-in links go to.
    pub email: EmailAddress,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub added_at: Timestamp,
    /// Visits that began earlier are ended: set to the time at which all of them are ended at once.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub visits_from: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_its_sentence_says() {
        let may = |role: Role| -> Vec<Permission> {
            Permission::ALL.into_iter().filter(|permission| role.may(*permission)).collect()
        };
        assert_eq!(may(Role::Look), [Permission::SeePayments]);
        let live = Permission::ManageTestKeys.in_mode(Mode::Live);
        assert!(Role::Own.may(live) && !Role::Develop.may(live));
        assert!(Permission::ALL.into_iter().all(|permission| permission.in_mode(Mode::Test) == permission));
        assert_eq!(may(Role::Refund), [Permission::SeePayments, Permission::SeePersonalData, Permission::MoveMoney]);
        assert_eq!(
            may(Role::Develop),
            [Permission::SeePayments, Permission::ChangeWebhooks, Permission::ManageTestKeys]
        );
        assert_eq!(may(Role::Own), Permission::ALL);
    }

    #[test]
    fn owners_may_do_what_all_others_may_and_of_two_roles_in_between_neither_may_what_the_other_may() {
        for role in Role::ALL {
            assert!(Role::Own.includes(role) && role.includes(Role::Look) && role.includes(role), "{role:?}");
            assert_eq!(role.includes(Role::Own), role == Role::Own);
        }
        assert!(!Role::Refund.includes(Role::Develop) && !Role::Develop.includes(Role::Refund));
    }

    #[test]
    fn roles_are_stored_and_read_as_they_are_spelled() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for text in ["", "Own", "owner", "look "] {
            assert_eq!(text.parse::<Role>(), Err(InvalidRole), "{text}");
        }
    }

    #[test]
    fn a_person_reads_back_and_is_debugged_without_an_address() {
        let stored = r#"{"merchant_id":"demo","email":"ada@shop.example","role":"refund","added_at":1772000000000,"visits_from":1772000000001}"#;
        let person: Person = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&person).unwrap(), stored);
        assert!(!format!("{person:?}").contains("ada"));
    }
}
