//! Refunds that an operator makes: what will be done is said first, and is done once.

use std::fmt::Display;
use std::io::{IsTerminal, stdin};

use clap::Args;
use jiff::Timestamp;
use models::{
    AccountIdentifier, Act, ActChange, ActKind, ActObject, ActReason, MinorUnits, Money, Name, NewRefund,
    NotRefundable, Refund, RefundPayee, RefundState, Session, SessionId,
};
use payments::{Made, Payments, RefundError, RefundRequest, RefundWay};
use runtime::Clock;
use store::{Merchants, Owner, Refunds, WithRefunds};

use crate::arguments::{DRY_RUN_NOTE, DryRun, reason, session_id, text};
use crate::commands::accounts::{account_number, iban, sort_code};
use crate::commands::merchants::get;
use crate::confirm::confirm;
use crate::connection::to_record;
use crate::failure::{Failure, Meant, cause_of, counted};
use crate::other_kind::no_session;
use crate::report::{Field, Record, Report, amount, field, maybe, plain, shown_as};
use crate::target::Service;

/// The schedule runs every minute, and a refund is due a minute after it was recorded.
const UNASKED_NOTE: &str =
    "The payment's provider is asked for it within two minutes: `counterfoil sessions show` shows how it stands.";

/// Refund a payment, or a part of it
///
/// It says what it will do, and asks whether to. A script gives --refunds-so-far in place of an answer: then the refund is made only if
/// the payment has that many. Such a command, repeated after its answer was lost, makes no second refund.
///
/// The money goes back to the account that the payment came from, or is sent by the payment's own provider, which the service asks for it
/// within two minutes. Where that account is not known, the payer is asked for one, unless the environment has it. AUTHORISE AT is where the
/// merchant authorises the refund at their bank: no money moves before. REFUND PAGE is where the payer gives an account.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterfoil refunds create 1ae1ce03-dfa9-4593-b487-65c656991cb5 --amount 10.00 --reason returned
  counterfoil refunds create 1ae1ce03-dfa9-4593-b487-65c656991cb5 --reason \"Came broken\" --refunds-so-far 0")]
pub(crate) struct Create {
    /// The id of the payment session, as any format shows it
    #[arg(value_parser = session_id)]
    id: SessionId,
    /// How much, such as 10.00, in the payment's currency [default: all that is left]
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// Why: returned, not-delivered, duplicate, goodwill, or a note of up to 200 characters. The merchant's people see it, and it can't
    /// be removed: don't name the payer
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: ActReason,
    /// Don't ask: make it if the payment has had this many refunds, failed ones included, and else refuse
    #[arg(long, value_name = "COUNT")]
    refunds_so_far: Option<u32>,
    /// If the payer's bank didn't say which account it came from: send it to the one in the environment, SORT_CODE and ACCOUNT_NUMBER or
    /// IBAN, with ACCOUNT_NAME if the name on it is not the payer's [default: the payer is asked]
    // As arguments its numbers would stand in the shell's history, and be seen by all who list processes. Without a flag, what was left in
    // the environment would say where money goes.
    #[arg(long)]
    account_from_env: bool,
    #[command(flatten)]
    dry: DryRun,
}

/// The account that the environment has, as `read` reads its variables.
fn payee_in(read: impl Fn(&str) -> Option<String>) -> Result<RefundPayee, Failure> {
    let name = variable(&read, "ACCOUNT_NAME", text::<Name>)?;
    let sort_code = variable(&read, "SORT_CODE", sort_code)?;
    let account_number = variable(&read, "ACCOUNT_NUMBER", account_number)?;
    let account = match (sort_code, account_number, variable(&read, "IBAN", iban)?) {
        (Some(sort_code), Some(account_number), None) => AccountIdentifier::UkAccount { sort_code, account_number },
        (None, None, Some(iban)) => AccountIdentifier::Iban { iban },
        (None, None, None) | (Some(_), None, _) | (None, Some(_), _) | (Some(_), Some(_), Some(_)) => {
            return Err(Failure::NoAccountInEnv);
        }
    };
    Ok(RefundPayee { name, account })
}

/// What a variable says, if it is there and says something.
fn variable<T, E: Display>(
    read: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    parse: fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    let text = read(name).filter(|text| !text.is_empty());
    let parsed = text.map(|text| parse(&text)).transpose();
    parsed.map_err(|error| Failure::AccountInEnv { name, problem: error.to_string() })
}

pub(crate) async fn run(command: Create, service: &Service) -> Result<Report, Failure> {
    let Create { id, amount: asked, reason, refunds_so_far, account_from_env, dry } = command;
    let stored = Refunds::new(service.table.clone());
    let WithRefunds { session, refunds } = stored.of(&id).await?;
    let Some(session) = session else { return Err(no_session(&service.table, id, Meant::Refund).await) };
    let seen = session.refund_count;
    if let Some(so_far) = refunds_so_far
        && so_far != seen
    {
        return Err(Failure::RefundsDiffer { id, seen, so_far });
    }
    let payments = to_record(session.mode, service)?;
    let not_refundable = |why| Failure::NotRefundable { id, why };
    let left = payments.left(&session, &refunds, Clock::System.now()).map_err(not_refundable)?;
    let sum = match asked {
        None => left,
        Some(text) => Money::from_typed(&text, left.currency()).map_err(|_| Failure::NoAmount(left))?,
    };
    if sum.minor() < 1 {
        return Err(Failure::NoAmount(left));
    }
    if sum.minor() > left.minor() {
        return Err(not_refundable(NotRefundable::TooMuch { left }));
    }
    let stays = Money::new(MinorUnits::new(left.minor().saturating_sub(sum.minor())), left.currency());
    let payee = if account_from_env { Some(payee_in(|name| std::env::var(name).ok())?) } else { None };
    let (place, in_one) = way_in_words(&payments, &session, payee.as_ref())?;
    let sentence = sentence(&session, [sum, stays], &place, seen);
    let planned = |so_far: u32| {
        vec![
            field("session_id", id),
            amount("amount", Some(sum)),
            amount("stays", Some(stays)),
            shown_as("to", place.as_str(), in_one),
            plain("refunds_so_far", so_far),
        ]
    };
    if dry.dry_run {
        return Ok(Report::one(Record(planned(seen))).with_note(DRY_RUN_NOTE));
    }
    if refunds_so_far.is_none() {
        if !stdin().is_terminal() {
            return Err(Failure::HowManyRefunds { seen });
        }
        confirm("go on", &sentence, &service.deployment()).await?;
    }
    let merchant = get(&Merchants::new(service.table.clone()), session.merchant_id.clone()).await?;
    let refund_id = api::refund_id_after(&merchant, session.mode, id, seen);
    let object = ActObject::Refund { session_id: id, refund_id };
    let act = service.act(&merchant.id, Some(session.mode), ActKind::RefundMade, object).await?;
    let change = Some(ActChange { from: left.to_string(), to: stays.to_string() });
    let act = service.acts().await?.write(&Act { reason: Some(reason), change, ..act })?;
    let new = NewRefund { amount: Some(sum.minor_units()), payee, ..NewRefund::of(id) };
    // Nothing marks it as this command's: one that is there already was not made by it.
    let request =
        RefundRequest { id: refund_id, fingerprint: None, new, base_url: session.base_url.clone(), seen: Some(seen) };
    let owner = Owner { merchant_id: merchant.id, mode: session.mode, format: None };
    match Box::pin(payments.record_refund(request, &owner, api::fill_in_return_urls, Some(&act))).await {
        Ok(Made::New(refund)) => {
            // It is made, whatever becomes of reading it again; and somebody may have ended it since.
            let found = stored.find(&id, &refund.id).await;
            report(&found.ok().flatten().unwrap_or(refund), planned(seen.saturating_add(1)), Clock::System.now())
        }
        Ok(Made::Existing(refund, _)) => Err(Failure::RefundThere { id, refund_id: refund.id }),
        Err(RefundError::OthersMeanwhile(_)) => Err(Failure::OtherRefunds { id, seen }),
        Err(RefundError::NotRefundable(why)) => Err(not_refundable(why)),
        Err(RefundError::NotFound) => Err(Failure::NoSession(id)),
        Err(RefundError::Store(error)) => Err(error.into()),
        Err(RefundError::Provider(error)) => Err(Failure::NotConnected(cause_of(&error))),
    }
}

/// What is answered of a refund that was made, as it is now.
fn report(refund: &Refund, planned: Vec<Field>, now: Timestamp) -> Result<Report, Failure> {
    let state = refund.state_at(now);
    if state == RefundState::Failed {
        return Err(Failure::RefundFailed(refund.id));
    }
    let page = (state == RefundState::AwaitingDetails).then(|| refund.page_url());
    let made = [
        field("refund_id", refund.id),
        field("state", state.as_str()),
        maybe("authorise_at", refund.authorisation_url_at(now)),
        maybe("refund_page", page),
    ];
    let report = Report::one(Record(made.into_iter().chain(planned).collect()));
    let is_unasked = refund.open_at_provider().is_some_and(|at_provider| at_provider.id.is_none());
    Ok(if is_unasked { report.with_note(UNASKED_NOTE) } else { report })
}

/// Where the money goes, and by which way: to be read after "to", and in one word.
fn way_in_words(
    payments: &Payments,
    session: &Session,
    payee: Option<&RefundPayee>,
) -> Result<(String, &'static str), Failure> {
    let currency = session.amount.currency();
    let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
    let (place, in_one) = match (payments.refund_way(session), payee) {
        (RefundWay::ToBeAsked(_), Some(payee)) if !payee.account.receives(currency) => {
            return Err(Failure::AccountOfOtherCurrency(currency));
        }
        (RefundWay::ToBeAsked(_), Some(payee)) => {
            let end = payee.account.last_four();
            return Ok((format!("the account ending {end} that the environment has"), "given"));
        }
        (RefundWay::ToBeAsked(_), None) if has_email => {
            ("an account that the payer is asked for by e-mail", "asked_by_email")
        }
        (RefundWay::ToBeAsked(_), None) => {
            ("an account that the payer gives on the refund's page: pass that link on to them", "asked_on_page")
        }
        (RefundWay::ToPayer(_) | RefundWay::ByProvider | RefundWay::None, Some(_)) => {
            return Err(Failure::AccountNotAsked);
        }
        (RefundWay::ToPayer(_), None) => ("the account that it came from", "paid_from"),
        (RefundWay::ByProvider, None) => {
            ("the payer, by the payment's own provider, which is asked within two minutes", "by_provider")
        }
        (RefundWay::None, None) => {
            return Err(Failure::NotRefundable { id: session.id, why: NotRefundable::NotByBank(currency) });
        }
    };
    Ok((place.to_owned(), in_one))
}

/// What will be done, and whose payment it is.
fn sentence(session: &Session, [sum, stays]: [Money; 2], place: &str, seen: u32) -> String {
    let Session { merchant_id, mode, amount: paid, .. } = session;
    let stays = if stays.minor() > 0 { stays.to_string() } else { "nothing".to_owned() };
    let so_far = match seen {
        0 => "No refunds so far".to_owned(),
        _ => format!("{} so far", counted(u64::from(seen), "refund")),
    };
    let mode = mode.as_str();
    format!("A {mode} payment of merchant {merchant_id}: refund {sum} of {paid}, to {place}; {stays} stays. {so_far}.")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use models::{Currency, Mode, RefundAtProvider, RefundCreation, SessionEvent};

    use super::*;

    #[test]
    fn what_will_be_done_is_said_in_words_with_whose_payment_it_is() {
        let pounds = |minor| Money::new(MinorUnits::new(minor), Currency::GBP);
        let paid = |mode| Session { amount: pounds(5194), mode, ..samples::session() };
        let merchant = samples::session().merchant_id;
        let part = sentence(&paid(Mode::Live), [pounds(1000), pounds(4194)], "the account that it came from", 0);
        let expected = "refund £10.00 of £51.94, to the account that it came from; £41.94 stays. No refunds so far.";
        assert_eq!(part, format!("A live payment of merchant {merchant}: {expected}"));
        let rest = sentence(&paid(Mode::Test), [pounds(4194), pounds(0)], "the account ending 5678", 1);
        let expected = "refund £41.94 of £51.94, to the account ending 5678; nothing stays. 1 refund so far.";
        assert_eq!(rest, format!("A test payment of merchant {merchant}: {expected}"));
    }

    fn payee(variables: &[(&str, &str)]) -> Result<RefundPayee, Failure> {
        let all: HashMap<_, _> = variables.iter().copied().collect();
        payee_in(|name| all.get(name).map(|text| (*text).to_owned()))
    }

    #[test]
    fn an_account_is_one_of_two_kinds_and_no_message_quotes_it() {
        let (sort_code, number) = (("SORT_CODE", "01-02-03"), ("ACCOUNT_NUMBER", "12345678"));
        let (iban, name) = (("IBAN", "DE89 3704 0044 0532 0130 00"), ("ACCOUNT_NAME", "Ada Payer"));
        let british = payee(&[sort_code, number, name, ("IBAN", "")]).unwrap();
        assert_eq!(british.account, AccountIdentifier::uk("010203", "12345678").unwrap());
        assert_eq!(british.name.unwrap().as_str(), "Ada Payer");
        let german = payee(&[iban]).unwrap();
        assert_eq!((german.name, german.account.last_four()), (None, "3000"));
        for wrong in [&[][..], &[name], &[sort_code], &[number, iban], &[sort_code, number, iban]] {
            let said = payee(wrong).unwrap_err().to_string();
            assert!(said.contains("SORT_CODE and ACCOUNT_NUMBER, or IBAN"), "{said}");
        }
        let wrong =
            [("SORT_CODE", "99887"), ("ACCOUNT_NUMBER", "998877"), ("IBAN", "DE99887"), ("ACCOUNT_NAME", "9988\u{7}")];
        for (name, value) in wrong {
            let said = payee(&[(name, value)]).unwrap_err().to_string();
            assert!(said.starts_with(name) && !said.contains("9988"), "{said}");
        }
    }

    #[test]
    fn what_has_failed_by_now_is_no_success_and_whom_nobody_asked_yet_is_said() {
        use SessionEvent::{BankChosen, ConsentGiven, PayerIdentified, Settled};
        let session = samples::session_after(&[PayerIdentified, BankChosen, ConsentGiven, Settled]);
        let creation = samples::refund_creation(samples::NOW);
        let at_provider = samples::refund_at_provider(creation.id);
        let creation = RefundCreation { at_provider: Some(at_provider.clone()), ..creation };
        let (refund, _) = Refund::create(&session, samples::new_refund(&session, None), creation).unwrap();
        let note = |refund: &Refund| report(refund, Vec::new(), samples::NOW).unwrap().note;
        assert_eq!(note(&refund).as_deref(), Some(UNASKED_NOTE));
        let known = RefundAtProvider { id: Some("r-1".parse().unwrap()), ..at_provider };
        assert_eq!(note(&Refund { at_provider: Some(known), ..refund.clone() }), None);
        let failed = Refund { state: RefundState::Failed, ..refund };
        let said = report(&failed, Vec::new(), samples::NOW).unwrap_err().to_string();
        assert!(said.contains("has failed since") && said.contains(&failed.id.to_string()), "{said}");
    }
}
