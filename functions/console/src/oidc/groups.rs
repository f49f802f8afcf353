//! Which of the issuer's groups are let in: where, and in which role.

use models::{MerchantId, Role};
use serde_json::Value;

/// Groups, each with its merchant and role, in the order in which they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Groups(Vec<(String, MerchantId, Role)>);

impl Groups {
    /// From a text such as `payments-team=acme:refund,admins=acme:own`. A group may have any name without a comma.
    ///
    /// # Errors
    /// What is wrong; it reads on after the setting's name.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let read = |entry: &str| {
            let (group, rest) = entry.rsplit_once('=').ok_or(NO_ENTRY)?;
            let (merchant, role) = rest.split_once(':').ok_or(NO_ENTRY)?;
            let group = group.trim();
            if group.is_empty() {
                return Err(NO_ENTRY);
            }
            let merchant: MerchantId = merchant.trim().parse().map_err(|_| NO_MERCHANT)?;
            let role: Role = role.trim().parse().map_err(|_| NO_ROLE)?;
            Ok((group.to_owned(), merchant, role))
        };
        text.split(',').map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Where somebody with these groups is let in, and in which role: as the first entry says whose group is among them. The claim
    /// is a list of names, or one name.
    pub(super) fn let_in(&self, claim: Option<&Value>) -> Option<(&MerchantId, Role)> {
        let has = |group: &str| match claim {
            Some(Value::String(one)) => one == group,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(group)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
        };
        self.0.iter().find(|(group, ..)| has(group)).map(|(_, merchant, role)| (merchant, *role))
    }
}

const NO_ENTRY: &str = "must list groups as group=merchant:role, with commas between them";
const NO_MERCHANT: &str = "names a merchant by what can't be an id";
const NO_ROLE: &str = "gives a role that is none of look, refund, develop and own";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn let_in(text: &str, claim: &Value) -> Option<(String, Role)> {
        let groups = Groups::read(text).unwrap();
        groups.let_in(Some(claim)).map(|(merchant, role)| (merchant.to_string(), role))
    }

    #[test]
    fn the_first_entry_that_names_a_group_of_theirs_counts() {
        let text = "admins=acme:own, payments team=acme:refund,a=b=bright:look";
        let acme = |role| Some(("acme".to_owned(), role));
        for (claim, expected) in [
            (json!(["payments team", "admins"]), acme(Role::Own)),
            (json!(["payments team"]), acme(Role::Refund)),
            (json!("payments team"), acme(Role::Refund)),
            (json!(["x", 1, null, "a=b"]), Some(("bright".to_owned(), Role::Look))),
            (json!(["Admins"]), None),
            (json!(["admin"]), None),
            (json!("admins,payments team"), None),
            (json!([]), None),
            (json!({ "admins": true }), None),
            (json!(true), None),
        ] {
            assert_eq!(let_in(text, &claim), expected, "{claim}");
        }
        assert_eq!(Groups::read(text).unwrap().let_in(None), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, problem) in [
            ("", NO_ENTRY),
            ("admins", NO_ENTRY),
            ("admins=acme", NO_ENTRY),
            ("=acme:own", NO_ENTRY),
            ("admins=acme:own,", NO_ENTRY),
            ("admins=Acme Ltd:own", NO_MERCHANT),
            ("admins=:own", NO_MERCHANT),
            ("admins=acme:boss", NO_ROLE),
            ("admins=acme:", NO_ROLE),
        ] {
            assert_eq!(Groups::read(text), Err(problem), "{text}");
        }
    }
}
