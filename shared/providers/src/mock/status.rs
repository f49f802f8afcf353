//! What a mock bank says of a payment that was decided.

use jiff::Timestamp;
use models::{AccountIdentifier, Currency, DeclineReason, PaidFrom, Payee, Session};

use super::decision::{Decided, Decision, PayerAccount};
use crate::port::Status;

/// What a mock bank says at `now` of a payment whose money was asked for, by us or by the payer's consent, at
/// `ordered_at`. `session` is whose payer has the account; none where the payment is known by its id alone.
pub(super) fn after_order(
    decided: Decided,
    session: Option<&Session>,
    ordered_at: Timestamp,
    now: Timestamp,
) -> Status {
    let waiting = now.duration_since(ordered_at) < decided.decision.delay();
    match decided.decision {
        Decision::Decline | Decision::InsufficientFunds | Decision::Refuse => before_order(decided.decision),
        Decision::Approve
        | Decision::ApproveThenSettle
        | Decision::ApproveThenFail
        | Decision::ApproveThenLackFunds
            if waiting =>
        {
            Status::Accepted
        }
        Decision::Approve | Decision::ApproveThenSettle => Status::Settled(paid_from(decided, session)),
        Decision::ApproveThenFail => Status::Refused(DeclineReason::ByBank),
        Decision::ApproveThenLackFunds => Status::Refused(DeclineReason::InsufficientFunds),
    }
}

/// What a mock bank that moves money at submission says between the payer's decision and the submission.
pub(super) fn before_order(decision: Decision) -> Status {
    match decision {
        Decision::Approve
        | Decision::ApproveThenSettle
        | Decision::ApproveThenFail
        | Decision::ApproveThenLackFunds => Status::Consented,
        Decision::Decline => Status::Refused(DeclineReason::ByPayer),
        Decision::InsufficientFunds => Status::Refused(DeclineReason::InsufficientFunds),
        Decision::Refuse => Status::Refused(DeclineReason::ByBank),
    }
}

fn paid_from(decided: Decided, session: Option<&Session>) -> PaidFrom {
    if let Some(card) = decided.card {
        return PaidFrom::Card(card);
    }
    let account = match decided.payer_account {
        PayerAccount::Shared => session.and_then(account_of_payer),
        PayerAccount::Withheld => None,
    };
    account.map_or(PaidFrom::Undisclosed, PaidFrom::Account)
}

/// Where every payer of a mock bank has their account: one of the payment's currency.
pub(super) fn account_of_payer(session: &Session) -> Option<Payee> {
    let numbers = ["87654321", "FR1420041010050500013M02606", "SE3550000000054910000003"];
    Some(Payee { name: session.payer.as_ref()?.name.clone(), account: account_in(session.amount.currency(), numbers)? })
}

/// The account that receives this currency, of these: a British one by its number, and ones in euro and kronor by their IBANs;
/// none in any other.
pub(super) fn account_in(currency: Currency, [number, euro, kronor]: [&str; 3]) -> Option<AccountIdentifier> {
    if currency == Currency::GBP {
        return AccountIdentifier::uk("040004", number).ok();
    }
    let (_, iban) = [(Currency::EUR, euro), (Currency::SEK, kronor)].into_iter().find(|(paid, _)| *paid == currency)?;
    Some(AccountIdentifier::Iban { iban: iban.to_owned().try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use models::{AccountKind, Money};

    use super::*;

    #[test]
    fn a_payer_has_an_account_that_receives_what_they_pay_in() {
        for currency in (0..1000).filter_map(Currency::from_numeric) {
            let mut session = samples::session();
            session.amount = Money::new(session.amount.minor_units(), currency);
            session.payer = Some(samples::payer(samples::PAYER_NAME, "ada@example.com"));
            let account = account_of_payer(&session).map(|payee| payee.account);
            assert!(account.as_ref().is_none_or(|account| account.receives(currency)), "{currency}: {account:?}");
            assert!(account.is_some() || AccountKind::of_refund(currency).is_none(), "{currency}");
        }
    }
}
