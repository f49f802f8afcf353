//! Accounts to try, and what becomes of each.

use models::typed_digits;
use providers::mock::{Decision, MandateScheme};

/// An account that a payer can try.
#[derive(Debug)]
pub(crate) struct TestAccount {
    /// As it is typed into the scheme's fields.
    pub(crate) parts: &'static [&'static str],
    /// What becomes of it.
    pub(crate) decision: Decision,
    /// The same in words.
    pub(crate) meaning: &'static str,
}

const SETTLES: (Decision, &str) =
    (Decision::ApproveThenSettle, "Pending for 10 seconds, then the money is sent; so is it from any other account.");
const LACKS_FUNDS: (Decision, &str) =
    (Decision::ApproveThenLackFunds, "Pending for 10 seconds, then the account holds too little.");
const REFUSED: (Decision, &str) = (Decision::Refuse, "Refused at once.");
const CLAIMED: (Decision, &str) =
    (Decision::ApproveThenSettle, "The money is sent after 10 seconds; open this page again then to claim it back.");

const fn account(parts: &'static [&'static str], (decision, meaning): (Decision, &'static str)) -> TestAccount {
    TestAccount { parts, decision, meaning }
}

static BACS: [TestAccount; 4] = [
    account(&["10-88-00", "00012345"], SETTLES),
    account(&["10-88-00", "22222227"], LACKS_FUNDS),
    account(&["10-88-00", "33333335"], REFUSED),
    account(&["10-88-00", "55555559"], CLAIMED),
];

static SEPA: [TestAccount; 4] = [
    account(&["AT61 1904 3002 3457 3201"], SETTLES),
    account(&["AT86 1904 3002 3547 3202"], LACKS_FUNDS),
    account(&["AT07 1904 3000 0033 3335"], REFUSED),
    account(&["AT59 1904 3002 3547 3203"], CLAIMED),
];

static AUTOGIRO: [TestAccount; 4] = [
    account(&["5491", "0000003"], SETTLES),
    account(&["5491", "2222224"], LACKS_FUNDS),
    account(&["5491", "1234563"], REFUSED),
    account(&["5491", "5555550"], CLAIMED),
];

/// Those of a scheme.
pub(crate) const fn to_try(scheme: MandateScheme) -> &'static [TestAccount] {
    match scheme {
        MandateScheme::Bacs => &BACS,
        MandateScheme::Sepa => &SEPA,
        MandateScheme::Autogiro => &AUTOGIRO,
    }
}

/// What becomes of an account, by its parts as digits (and an IBAN's letters) alone.
pub(super) fn decision(scheme: MandateScheme, parts: &[&str]) -> Decision {
    let is_it = |account: &&TestAccount| account.parts.iter().map(|part| typed_digits(part)).eq(parts.iter().copied());
    to_try(scheme).iter().find(is_it).map_or(SETTLES.0, |account| account.decision)
}
