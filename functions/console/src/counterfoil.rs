//! What a form does, as a command of the operator's, where there is one.

use models::{
    AccountIdentifier, ActReason, ApiKeyId, EmailAddress, KeyOverlap, LinkedAccount, MerchantId, Mode, Money, Name,
    Person, RefundId, RefundPayee, Role, Scopes, SessionId,
};

use crate::curl::quoted;
use crate::reason::ReasonChoice;

/// Links this account.
pub(crate) fn link_account(merchant: &MerchantId, linked: &LinkedAccount) -> String {
    let name = option("name", linked.name.as_str());
    let numbers = match &linked.account {
        AccountIdentifier::UkAccount { sort_code, account_number } => {
            vec![option("sort-code", sort_code.as_str()), option("account-number", account_number.as_str())]
        }
        AccountIdentifier::Iban { iban } => vec![option("iban", iban.as_str())],
    };
    command(&["accounts", "link", merchant.as_str()], [vec![name], numbers].concat())
}

/// Unlinks an account, whose numbers are the reader's own variables: the page doesn't show them.
pub(crate) fn unlink_account(merchant: &MerchantId, account: &AccountIdentifier) -> String {
    let numbers: &[&str] = match account {
        AccountIdentifier::UkAccount { .. } => {
            &[r#"--sort-code="$SORT_CODE""#, r#"--account-number="$ACCOUNT_NUMBER""#]
        }
        AccountIdentifier::Iban { .. } => &[r#"--iban="$IBAN""#],
    };
    let numbers = numbers.iter().map(|&number| number.to_owned()).collect();
    command(&["accounts", "unlink", merchant.as_str()], numbers)
}

/// Cancels a payment, for a reason that is the reader's own variable.
pub(crate) fn cancel_payment(id: SessionId) -> String {
    command(&["sessions", "cancel", &id.to_string()], vec![reason(None)])
}

/// Cancels a refund, for a reason that is the reader's own variable.
pub(crate) fn cancel_refund(id: RefundId) -> String {
    command(&["refunds", "cancel", &id.to_string()], vec![reason(None)])
}

/// Makes a refund of a payment of which its author saw this many refunds. The account it goes to, if one is given, is read from the
/// environment, which is said first: no page shows it, and no list of processes. A reason that isn't chosen yet is the reader's own variable.
pub(crate) fn refund(
    id: SessionId,
    amount: Money,
    payee: Option<&RefundPayee>,
    why: Option<&ActReason>,
    seen: u32,
) -> String {
    let mut asked =
        vec![option("amount", &amount.to_decimal()), reason(why), option("refunds-so-far", &seen.to_string())];
    let read = payee.map(|payee| {
        asked.push("--account-from-env".to_owned());
        let numbers = match &payee.account {
            AccountIdentifier::UkAccount { .. } => "SORT_CODE and ACCOUNT_NUMBER",
            AccountIdentifier::Iban { .. } => "IBAN",
        };
        let name = if payee.name.is_some() { "ACCOUNT_NAME, " } else { "" };
        format!("# from the environment: {name}{numbers}\n")
    });
    read.unwrap_or_default() + &command(&["refunds", "create", &id.to_string()], asked)
}

fn reason(chosen: Option<&ActReason>) -> String {
    let word = match chosen {
        None => return r#"--reason="$REASON""#.to_owned(),
        Some(ActReason::Other(note)) => note.as_str(),
        Some(chosen) => ReasonChoice::of(chosen).value(),
    };
    option("reason", word)
}

/// Issues a key.
pub(crate) fn issue_key(merchant: &MerchantId, mode: Mode, name: &Name, scopes: Scopes) -> String {
    let scopes = option("scopes", &scopes.to_string());
    let options = vec![option("mode", mode.as_str()), option("name", name.as_str()), scopes];
    command(&["keys", "issue", merchant.as_str()], options)
}

/// Rolls a key.
pub(crate) fn roll_key(id: &ApiKeyId, overlap: KeyOverlap) -> String {
    command(&["keys", "roll", id.as_str()], vec![option("overlap", overlap.as_str())])
}

/// Revokes a key.
pub(crate) fn revoke_key(id: &ApiKeyId) -> String {
    command(&["keys", "revoke", id.as_str()], Vec::new())
}

/// Adds a person, and prints their link.
pub(crate) fn add_person(merchant: &MerchantId, email: &EmailAddress, role: Role) -> String {
    command(&["console", "invite", merchant.as_str(), email.as_str()], vec![option("role", role.as_str())])
}

/// What the buttons of a person's page do.
pub(crate) fn of_person(Person { merchant_id, email, role, .. }: &Person) -> String {
    let one = |text: &str, verb: &str, options: Vec<String>| {
        format!("# {text}\n{}", command(&["console", verb, merchant_id.as_str(), email.as_str()], options))
    };
    let blocks = [
        one("Change role", "change", vec![option("role", role.as_str())]),
        one("Make a link", "invite", Vec::new()),
        one("Sign out everywhere", "sign-out", Vec::new()),
        one("Remove", "remove", Vec::new()),
    ];
    blocks.join("\n\n")
}

/// Changes what payers see; each option by its name.
pub(crate) fn change_shop(merchant: &MerchantId, options: &[(&str, &str)]) -> String {
    let options = options.iter().map(|(name, value)| option(name, value)).collect();
    command(&["merchants", "update", merchant.as_str()], options)
}

/// With `=`, so that no value is read as another option.
fn option(name: &str, value: &str) -> String {
    format!("--{name}={}", word(value))
}

/// The command with these words, and these options as they are.
fn command(words: &[&str], options: Vec<String>) -> String {
    let words = ["counterfoil"].iter().chain(words).map(|text| word(text));
    words.chain(options).collect::<Vec<_>>().join(" ")
}

/// The text as one word of a shell: quoted if there is need.
fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_for_a_shell() {
        let merchant: MerchantId = "demo".parse().unwrap();
        let linked = |account| LinkedAccount {
            name: samples::name("Ada O'Neil $(ls)"),
            account,
            default: false,
            linked_at: None,
        };
        let british = AccountIdentifier::uk("010203", "12345678").unwrap();
        let expected =
            r"counterfoil accounts link demo --name='Ada O'\''Neil $(ls)' --sort-code=010203 --account-number=12345678";
        assert_eq!(link_account(&merchant, &linked(british.clone())), expected);
        let german = AccountIdentifier::Iban { iban: samples::text("DE89370400440532013000") };
        let linking = link_account(&merchant, &linked(german.clone()));
        assert!(linking.ends_with(" --iban=DE89370400440532013000"), "{linking}");
        for account in [british, german] {
            let unlinking = unlink_account(&merchant, &account);
            assert!(!unlinking.contains("5678") && !unlinking.contains("DE89"), "{unlinking}");
        }
        let scopes = "payment_sessions:read refunds:write".parse().unwrap();
        assert_eq!(
            issue_key(&merchant, Mode::Test, &samples::name("--Web shop"), scopes),
            "counterfoil keys issue demo --mode=test --name='--Web shop' --scopes='payment_sessions:read refunds:write'"
        );
        let session = samples::session();
        let (id, sum) = (session.id, session.amount);
        let other = ActReason::Other(samples::text("Ada's own $(ls)"));
        let expected = format!("counterfoil refunds create {id} --amount={} --reason=", sum.to_decimal());
        let expected = expected + r"'Ada'\''s own $(ls)' --refunds-so-far=2";
        assert_eq!(refund(id, sum, None, Some(&other), 2), expected);
        let chosen = refund(id, sum, None, Some(&ActReason::NotDelivered), 2);
        assert!(chosen.contains(" --reason=not_delivered "), "{chosen}");
        let payee = |name, account| RefundPayee { name, account };
        let british = payee(Some(samples::name("Ada Payer")), AccountIdentifier::uk("112233", "87655678").unwrap());
        let expected = format!(
            "# from the environment: ACCOUNT_NAME, SORT_CODE and ACCOUNT_NUMBER\ncounterfoil refunds create {id} --amount={} \
             --reason=\"$REASON\" --refunds-so-far=0 --account-from-env",
            sum.to_decimal()
        );
        assert_eq!(refund(id, sum, Some(&british), None, 0), expected);
        let german = payee(None, AccountIdentifier::Iban { iban: samples::text("DE89370400440532013000") });
        let refunding = refund(id, sum, Some(&german), None, 0);
        assert!(refunding.starts_with("# from the environment: IBAN\n") && !refunding.contains("DE89"), "{refunding}");
        let key: ApiKeyId = "pk_test_demo".parse().unwrap();
        assert_eq!(roll_key(&key, KeyOverlap::Hour), "counterfoil keys roll pk_test_demo --overlap=1h");
        assert_eq!(
            change_shop(&merchant, &[("display-name", "Dim"), ("website", ""), ("colour", "#8a4b08")]),
            "counterfoil merchants update demo --display-name=Dim --website='' --colour='#8a4b08'"
        );
    }
}
