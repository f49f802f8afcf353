//! What the payer's form posts: who they are, and from which account is collected. Nothing of it is kept or shown again but
//! the name: an account is read, checked, and dropped.

use models::{AccountNumber, Iban, Name, SortCode, typed_digits};
use providers::mock::{Decided, Decision, MandateScheme, PayerAccount};
use serde::Deserialize;

use super::{accounts, swedish};

/// A mandate as typed. It has no `Debug`: an account is in it.
#[derive(Default, Deserialize)]
pub(crate) struct MandateForm {
    /// Who holds the account.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    sort_code: String,
    #[serde(default)]
    clearing_number: String,
    #[serde(default)]
    account_number: String,
    #[serde(default)]
    iban: String,
    /// `decline` of who does not sign, `claim` of who wants the money back.
    #[serde(default)]
    act: String,
}

/// What a payer does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// They sign, or don't.
    Decide(Decided),
    /// They claim back what was collected.
    Claim,
}

/// What is wrong with each field, by its id.
pub(crate) type MandateErrors = Vec<(&'static str, &'static str)>;

impl MandateForm {
    /// What follows, or all that is wrong at once.
    pub(crate) fn check(&self, scheme: MandateScheme) -> Result<Act, MandateErrors> {
        let decided =
            |decision| Act::Decide(Decided { payer_account: PayerAccount::Withheld, ..Decided::from(decision) });
        match self.act.as_str() {
            "decline" => return Ok(decided(Decision::Decline)),
            "claim" => return Ok(Act::Claim),
            _ => {}
        }
        let name = match self.name.trim() {
            "" => Some(("name", "Enter the name on the account")),
            name => Name::try_from(name.to_owned())
                .is_err()
                .then_some(("name", "The name can have up to 140 ordinary characters, on one line")),
        };
        let decision = match scheme {
            MandateScheme::Bacs => self.bacs(),
            MandateScheme::Sepa => self.sepa(),
            MandateScheme::Autogiro => self.autogiro(),
        };
        match (name, decision) {
            (None, Ok(decision)) => Ok(decided(decision)),
            (name, decision) => Err(name.into_iter().chain(decision.err().unwrap_or_default()).collect()),
        }
    }

    /// The length alone: which numbers a bank gives out is in tables of Vocalink's that change every few weeks, and no
    /// crate that is kept up has them.
    fn bacs(&self) -> Result<Decision, MandateErrors> {
        let sort_code = SortCode::from_typed(&self.sort_code);
        let account_number = AccountNumber::from_typed(&self.account_number);
        match (sort_code, account_number) {
            (Ok(sort_code), Ok(number)) => {
                Ok(accounts::decision(MandateScheme::Bacs, &[sort_code.as_str(), number.as_str()]))
            }
            (sort_code, account_number) => {
                let sort_code = sort_code.err().map(|_| ("sort_code", "Enter a sort code of 6 digits"));
                let number =
                    account_number.err().map(|_| ("account_number", "Enter an account number of 6 to 8 digits"));
                Err(sort_code.into_iter().chain(number).collect())
            }
        }
    }

    fn sepa(&self) -> Result<Decision, MandateErrors> {
        let iban = Iban::from_typed(&self.iban)
            .map_err(|_| vec![("iban", "Enter an IBAN, as it stands on a bank statement")])?;
        if iban.is_in_sepa() {
            Ok(accounts::decision(MandateScheme::Sepa, &[iban.as_str()]))
        } else {
            Err(vec![("iban", "SEPA Direct Debits don’t reach banks of this country")])
        }
    }

    fn autogiro(&self) -> Result<Decision, MandateErrors> {
        let (clearing, number) = (typed_digits(&self.clearing_number), typed_digits(&self.account_number));
        if !swedish::is_clearing_number(&clearing) {
            return Err(vec![("clearing_number", "Enter a bank’s clearing number, of 4 or 5 digits")]);
        }
        if !swedish::is_account_number(&clearing, &number) {
            return Err(vec![("account_number", "Enter an account number of this bank, without its clearing number")]);
        }
        Ok(accounts::decision(MandateScheme::Autogiro, &[&clearing, &number]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::to_try;
    use super::*;

    const SCHEMES: [MandateScheme; 3] = [MandateScheme::Bacs, MandateScheme::Sepa, MandateScheme::Autogiro];

    /// The form with an account's parts in the scheme's fields.
    fn form(scheme: MandateScheme, name: &str, parts: &[&str]) -> MandateForm {
        let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
        let empty = MandateForm { name: name.to_owned(), ..MandateForm::default() };
        match scheme {
            MandateScheme::Bacs => MandateForm { sort_code: part(0), account_number: part(1), ..empty },
            MandateScheme::Sepa => MandateForm { iban: part(0), ..empty },
            MandateScheme::Autogiro => MandateForm { clearing_number: part(0), account_number: part(1), ..empty },
        }
    }

    fn decision(scheme: MandateScheme, parts: &[&str]) -> Result<Decision, Vec<&'static str>> {
        match form(scheme, "Ada Payer", parts).check(scheme) {
            Ok(Act::Decide(decided)) => Ok(decided.decision),
            Ok(Act::Claim) => panic!("a claim"),
            Err(errors) => Err(errors.into_iter().map(|(field, _)| field).collect()),
        }
    }

    #[test]
    fn each_account_to_try_does_what_its_page_says_and_any_other_settles() {
        for scheme in SCHEMES {
            let all: Vec<_> = to_try(scheme).iter().map(|account| decision(scheme, account.parts).unwrap()).collect();
            let expected = [
                Decision::ApproveThenSettle,
                Decision::ApproveThenLackFunds,
                Decision::Refuse,
                Decision::ApproveThenSettle,
            ];
            assert_eq!(all, expected, "{scheme:?}");
        }
        for (scheme, parts) in [
            (MandateScheme::Bacs, &["20-00-00", "55779911"][..]),
            (MandateScheme::Bacs, &["200000", "123456"]),
            (MandateScheme::Sepa, &["DE89 3704-0044 0532 0130 00"]),
            (MandateScheme::Sepa, &["fr1420041010050500013m02606"]),
            (MandateScheme::Autogiro, &["9029", "573 52-11"]),
            (MandateScheme::Autogiro, &["8156-2", "111 222 333 2"]),
        ] {
            assert_eq!(decision(scheme, parts), Ok(Decision::ApproveThenSettle), "{parts:?}");
        }
        // However they are typed.
        assert_eq!(decision(MandateScheme::Bacs, &["１０８８００", "33 33 33 35"]), Ok(Decision::Refuse));
        assert_eq!(decision(MandateScheme::Sepa, &["AT071904300000333335"]), Ok(Decision::Refuse));
    }

    #[test]
    fn what_is_no_account_is_refused_by_its_field() {
        for (scheme, parts, fields) in [
            (MandateScheme::Bacs, &["", ""][..], &["sort_code", "account_number"][..]),
            (MandateScheme::Bacs, &["10-88-0", "00012345"], &["sort_code"]),
            (MandateScheme::Bacs, &["10-88-00", "12345"], &["account_number"]),
            (MandateScheme::Bacs, &["10-88-00", "123456789"], &["account_number"]),
            (MandateScheme::Bacs, &["10-88-00", "1234567a"], &["account_number"]),
            (MandateScheme::Sepa, &[""], &["iban"]),
            (MandateScheme::Sepa, &["AT621904300234573201"], &["iban"]),
            // An IBAN, but of Brazil.
            (MandateScheme::Sepa, &["BR1800360305000010009795493C1"], &["iban"]),
            (MandateScheme::Autogiro, &["", ""], &["clearing_number"]),
            (MandateScheme::Autogiro, &["1000", "0000003"], &["clearing_number"]),
            (MandateScheme::Autogiro, &["5491", "0000004"], &["account_number"]),
        ] {
            assert_eq!(decision(scheme, parts), Err(fields.to_vec()), "{parts:?}");
        }
        for name in ["", "  ", "Ada\nPayer", &"a".repeat(141)] {
            for scheme in SCHEMES {
                let errors = form(scheme, name, to_try(scheme)[0].parts).check(scheme).unwrap_err();
                assert_eq!(errors.into_iter().map(|(field, _)| field).collect::<Vec<_>>(), ["name"], "{name:?}");
            }
        }
    }

    #[test]
    fn who_does_not_sign_needs_no_account() {
        for scheme in SCHEMES {
            let pressed = |act: &str| MandateForm { act: act.to_owned(), ..MandateForm::default() }.check(scheme);
            assert_eq!(pressed("claim"), Ok(Act::Claim));
            assert!(pressed("sign").is_err());
            let Ok(Act::Decide(decided)) = pressed("decline") else { panic!("not declined") };
            assert_eq!((decided.decision, decided.payer_account), (Decision::Decline, PayerAccount::Withheld));
        }
    }
}
