//! Which of the issuer's groups are let in: where, and in which role.

use models::{MerchantId, Role};
use serde_json::Value;
use store::Access;

/// Groups, each with its merchant and role, in the order in which the operator lists them.
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

    /// Where somebody with these groups is let in: each merchant once, in the order of the entries. Of several groups of one merchant
    /// the role counts that may do what the others may; of two of which neither may, the first. The claim is a list of names, or one
    /// name.
    pub(super) fn let_in(&self, claim: Option<&Value>) -> Vec<Access> {
        let has = |group: &str| match claim {
            Some(Value::String(one)) => one == group,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(group)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
        };
        let mut let_in: Vec<Access> = Vec::new();
        for (_, merchant, role) in self.0.iter().filter(|(group, ..)| has(group)) {
            match let_in.iter_mut().find(|access| access.merchant_id == *merchant) {
                Some(access) if role.includes(access.role) => access.role = *role,
                Some(_) => {}
                None => let_in.push(Access { merchant_id: merchant.clone(), role: *role }),
            }
        }
        let_in
    }
}

const NO_ENTRY: &str = "must list groups as group=merchant:role, with commas between them";
const NO_MERCHANT: &str = "names a merchant by what can't be an id";
const NO_ROLE: &str = "gives a role that is none of look, refund, develop and own";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "team=acme:refund,admins=acme:own, payments team=acme:refund,devs=acme:develop,a=b=bright:look";

    fn let_in(claim: Option<&Value>) -> Vec<(String, Role)> {
        let let_in = Groups::read(TEXT).unwrap().let_in(claim).into_iter();
        let_in.map(|access| (access.merchant_id.to_string(), access.role)).collect()
    }

    #[test]
    fn groups_let_in_at_each_merchant_in_the_role_that_may_most() {
        let acme = |role| vec![("acme".to_owned(), role)];
        let bright = ("bright".to_owned(), Role::Look);
        for (claim, expected) in [
            (json!(["payments team", "admins"]), acme(Role::Own)),
            (json!(["payments team"]), acme(Role::Refund)),
            (json!("payments team"), acme(Role::Refund)),
            (json!(["devs", "payments team"]), acme(Role::Refund)),
            (json!(["devs"]), acme(Role::Develop)),
            (json!(["devs", "admins", "team"]), acme(Role::Own)),
            (json!(["x", 1, null, "a=b"]), vec![bright.clone()]),
            (json!(["a=b", "devs", "admins"]), [acme(Role::Own), vec![bright]].concat()),
            (json!(["Admins"]), vec![]),
            (json!(["admin"]), vec![]),
            (json!("admins,payments team"), vec![]),
            (json!([]), vec![]),
            (json!({ "admins": true }), vec![]),
            (json!(true), vec![]),
        ] {
            assert_eq!(let_in(Some(&claim)), expected, "{claim}");
        }
        assert_eq!(let_in(None), vec![]);
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
