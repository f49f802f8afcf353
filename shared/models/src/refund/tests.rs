//! What may be refunded, and what a refund becomes.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::account::AccountIdentifier;
use crate::attempt::ProviderRequest;
use crate::list_shards::ListShards;
use crate::mail::{MailTopic, mail_for_refund};
use crate::money::Currency;
use crate::text::EmailAddress;

const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

fn later(duration: SignedDuration) -> Timestamp {
    NOW.checked_add(duration).unwrap()
}

fn name(text: &str) -> Name {
    text.to_owned().try_into().unwrap()
}

fn account(number: &str) -> AccountIdentifier {
    AccountIdentifier::uk("040004", number).unwrap()
}

fn write_id(text: &str) -> WriteId {
    text.parse().unwrap()
}

/// A session of so much that was sent, from an account that is known or isn't.
fn paid(minor: i64, shared: bool) -> Session {
    let amount = Money::new(MinorUnits::new(minor), Currency::GBP);
    let payee = Payee { name: name("Gerald Wiley"), account: account("12345678") };
    let email = Some(EmailAddress::try_from("ada@example.com".to_owned()).unwrap());
    let new = NewSession {
        payer: Some(Payer { name: name("Ada Payer"), email, phone: None }),
        email_receipt: true,
        ..NewSession::new(WireFormat::Banked, amount, payee, Some("Illuminate".to_owned().try_into().unwrap()))
    };
    let creation = Creation {
        id: SessionId::new(Uuid::from_u128(1)),
        end_to_end_id: EndToEndId::new(Uuid::from_u128(2)),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: ListShards::MAX.shard_of(&SessionId::new(Uuid::from_u128(1))),
        at: NOW,
        test_clock: None,
        base_url: "http://127.0.0.1:3000".to_owned(),
        write_id: write_id("w1"),
    };
    let mut session = Session::create(new, creation);
    session.state = SessionState::Sent;
    session.history.append(SessionState::Sent, NOW, SessionEvent::Settled, write_id("w2"));
    session.payer_account = shared.then(|| Payee { name: name("Ada Payer"), account: account("87654321") });
    session
}

fn new_refund(amount: Option<i64>) -> NewRefund {
    let url = |text: &str| MerchantUrl::try_from(text.to_owned()).ok();
    NewRefund {
        amount: amount.map(MinorUnits::new),
        success_url: url("http://example.com/success?id=__PAYMENT_ID__"),
        error_url: url("http://example.com/error"),
        ..NewRefund::of(SessionId::new(Uuid::from_u128(1)))
    }
}

fn creation() -> RefundCreation {
    RefundCreation {
        id: RefundId::new(Uuid::from_u128(3)),
        payment_session_id: SessionId::new(Uuid::from_u128(4)),
        end_to_end_id: EndToEndId::new(Uuid::from_u128(5)),
        at: NOW,
        base_url: "http://127.0.0.1:3000".to_owned(),
        at_provider: None,
        write_id: write_id("w3"),
    }
}

#[test]
fn a_known_account_is_paid_by_a_session_of_the_same_merchant() {
    let session = paid(400, true);
    let (refund, payment) = Refund::create(&session, new_refund(Some(150)), creation()).unwrap();
    let payment = payment.unwrap();
    assert_eq!((refund.state, refund.payment_session_id), (RefundState::AwaitingPayment, Some(payment.id)));
    assert_eq!((payment.amount.minor(), payment.state), (150, SessionState::AwaitingProvider));
    assert_eq!(Some(payment.payee), session.payer_account);
    assert_eq!(payment.payer.map(|payer| payer.name), Some(session.payee.name));
    assert_eq!((payment.merchant_id, payment.mode), (session.merchant_id, session.mode));
    assert!(!session.list_shard.is_first());
    assert_eq!((refund.list_shard, payment.list_shard), (session.list_shard, session.list_shard));
    assert_eq!(payment.success_url.unwrap().as_str(), "http://example.com/success?id=__PAYMENT_ID__");
    assert_eq!(payment.pays_refund, Some(PaysRefund { refund_id: refund.id, session_id: session.id }));
    assert_eq!((refund.expires_at, refund.success_url), (payment.expires_at, None));
    assert!(!payment.email_receipt);
}

/// Its provider may need an address of the merchant's, and the checkout asks for that alone.
#[test]
fn what_pays_a_live_refund_asks_the_merchant_for_an_address() {
    let session = Session { mode: Mode::Live, ..paid(400, true) };
    let (refund, payment) = Refund::create(&session, new_refund(Some(150)), creation()).unwrap();
    let payment = payment.unwrap();
    assert_eq!((refund.state, refund.payment_session_id), (RefundState::AwaitingPayment, Some(payment.id)));
    assert_eq!((payment.mode, payment.state), (Mode::Live, SessionState::AwaitingPayer));
    assert_eq!((payment.history.state(), payment.history.len()), (Some(SessionState::AwaitingPayer), 1));
    assert_eq!(payment.payer.as_ref().map(|payer| &payer.name), Some(&session.payee.name));
    assert!(payment.history.has_write(&write_id("w3")) && !payment.email_receipt);
    // What it answered first has the name, and never the address.
    let email = EmailAddress::try_from("shop@example.com".to_owned()).ok();
    let payer = payment.payer.clone().map(|payer| Payer { email, ..payer });
    assert_eq!(Session { payer, ..payment.clone() }.as_created(), payment);
}

#[test]
fn a_given_account_is_used_where_none_is_known_and_else_ignored() {
    let given = |name| Some(RefundPayee { name, account: account("11112222") });
    for (shared, payee_name, expected) in [
        (false, None, ("Ada Payer", "11112222")),
        (false, Some(name("Ada Lovelace")), ("Ada Lovelace", "11112222")),
        (true, Some(name("Ada Lovelace")), ("Ada Payer", "87654321")),
    ] {
        let new = NewRefund { payee: given(payee_name), ..new_refund(None) };
        let payee = Refund::create(&paid(400, shared), new, creation()).unwrap().1.unwrap().payee;
        assert_eq!((payee.name.as_str(), payee.account), (expected.0, account(expected.1)));
    }
}

#[test]
fn an_unknown_account_is_asked_for_and_then_paid() {
    let session = paid(400, false);
    let (mut refund, payment) = Refund::create(&session, new_refund(None), creation()).unwrap();
    assert!(payment.is_none() && refund.payment_session_id.is_none());
    assert_eq!((refund.state, refund.amount), (RefundState::AwaitingDetails, session.amount));
    let first = refund.clone();
    let payee = Payee { name: name("Ada"), account: account("11112222") };
    let (id, end_to_end_id) = (SessionId::new(Uuid::from_u128(4)), EndToEndId::new(Uuid::from_u128(5)));
    let payment = refund.give_details(&session, payee.clone(), id, end_to_end_id, NOW, write_id("w4")).unwrap();
    assert_eq!((payment.payee, payment.pays_refund.unwrap().refund_id), (payee, refund.id));
    assert_eq!((refund.state, refund.payment_session_id), (RefundState::AwaitingPayment, Some(id)));
    assert!(payment.success_url.is_some() && refund.success_url.is_none());
    assert!(
        [("w1", false), ("w3", true), ("w4", true)].map(|(id, own)| refund.history.has_write(&write_id(id)) == own)
            == [true; 3]
    );
    // What was answered first is what is answered again.
    let again = refund.as_created();
    assert_eq!((again.state, again.payment_session_id), (first.state, first.payment_session_id));
    assert_eq!(again.history, first.history);
}

/// A payment of 4.00 in this currency, from this account if its bank shared it.
fn paid_in(currency: Currency, payer_account: Option<AccountIdentifier>) -> Session {
    let payer_account = payer_account.map(|account| Payee { name: name("Ada Payer"), account });
    Session { amount: Money::new(MinorUnits::new(400), currency), payer_account, ..paid(400, false) }
}

#[test]
fn no_refund_is_paid_to_an_account_that_cannot_receive_its_currency() {
    let iban = |text: &str| AccountIdentifier::Iban { iban: text.to_owned().try_into().unwrap() };
    let (uk, british, french) =
        (account("11112222"), iban("GB29NWBK60161331926819"), iban("FR1420041010050500013M02606"));
    let brazilian = iban("BR1800360305000010009795493C1");
    for (currency, right, wrong) in [
        (Currency::GBP, vec![&uk, &british], vec![&french, &brazilian]),
        (Currency::EUR, vec![&french, &british], vec![&uk, &brazilian]),
    ] {
        let unknown = paid_in(currency, None);
        let given = |account: &AccountIdentifier| Some(RefundPayee { name: None, account: account.clone() });
        let details = |account: &AccountIdentifier| {
            let (mut refund, payment) = Refund::create(&unknown, new_refund(None), creation()).unwrap();
            assert_eq!((payment, refund.state), (None, RefundState::AwaitingDetails));
            let (before, payee) = (refund.clone(), Payee { name: name("Ada"), account: account.clone() });
            let (id, end_to_end_id) = (SessionId::new(Uuid::from_u128(4)), EndToEndId::new(Uuid::from_u128(5)));
            let payment = refund.give_details(&unknown, payee, id, end_to_end_id, NOW, write_id("w4"));
            assert!(payment.is_ok() || refund == before, "{currency} {account:?}");
            payment.map(|payment| payment.payee.account)
        };
        for account in right {
            let known = paid_in(currency, Some(account.clone()));
            let payment = Refund::create(&known, new_refund(None), creation()).unwrap().1.unwrap();
            assert_eq!(payment.payee.account, *account);
            let new = NewRefund { payee: given(account), ..new_refund(None) };
            assert_eq!(Refund::create(&unknown, new, creation()).unwrap().1.unwrap().payee.account, *account);
            assert_eq!(details(account).as_ref(), Ok(account));
        }
        for account in wrong {
            // A bank that shares such a one has said nothing.
            let known = paid_in(currency, Some(account.clone()));
            let (refund, payment) = Refund::create(&known, new_refund(None), creation()).unwrap();
            assert_eq!((payment, refund.state), (None, RefundState::AwaitingDetails));
            for session in [&unknown, &known, &paid_in(currency, Some(british.clone()))] {
                let new = NewRefund { payee: given(account), ..new_refund(None) };
                let refused = Refund::create(session, new, creation()).unwrap_err();
                assert_eq!(refused, NotRefundable::WrongAccount(WrongAccount(currency)));
            }
            assert_eq!(details(account), Err(WrongAccount(currency)));
        }
    }
}

#[test]
fn what_no_bank_can_send_back_is_refunded_by_its_provider_or_not() {
    let request = ProviderRequest { idempotency_key: "refund-3".to_owned(), body: "{}".to_owned() };
    for currency in [Currency::SEK, Currency::USD] {
        let session = paid_in(currency, None);
        let refused = Refund::create(&session, new_refund(None), creation()).unwrap_err();
        assert_eq!(refused, NotRefundable::NotByBank(currency));
        let (provider, payment_id) = ("bank".parse().unwrap(), "p".parse().unwrap());
        let at_provider = Some(RefundAtProvider { provider, payment_id, request: request.clone(), id: None });
        let creation = RefundCreation { at_provider, ..creation() };
        let (refund, payment) = Refund::create(&session, new_refund(None), creation).unwrap();
        assert_eq!((refund.state, payment), (RefundState::AwaitingPayment, None));
    }
}

#[test]
fn one_that_a_provider_makes_has_no_session_and_only_the_provider_ends_it() {
    let request = ProviderRequest { idempotency_key: "refund-3".to_owned(), body: "{}".to_owned() };
    let at_provider = RefundAtProvider {
        provider: "consent-bank".parse().unwrap(),
        payment_id: "pay_1".parse().unwrap(),
        request,
        id: None,
    };
    for shared in [true, false] {
        let creation = RefundCreation { at_provider: Some(at_provider.clone()), ..creation() };
        let payee = Some(RefundPayee { name: None, account: account("11112222") });
        let new = NewRefund { payee, ..new_refund(Some(150)) };
        let (mut refund, payment) = Refund::create(&paid(400, shared), new, creation).unwrap();
        let first = refund.clone();
        assert_eq!((payment, refund.payment_session_id, &refund.success_url), (None, None, &None));
        assert_eq!((refund.amount.minor(), refund.state), (150, RefundState::AwaitingPayment));
        assert!(refund.submitted && refund.open_at_provider() == Some(&at_provider));
        for days in [30, 3000] {
            assert_eq!(refund.state_at(later(SignedDuration::from_hours(24 * days))), RefundState::AwaitingPayment);
        }
        refund.at_provider.iter_mut().for_each(|at_provider| at_provider.id = Some("ref_1".parse().unwrap()));
        refund.state = RefundState::Sent;
        refund.history.append(refund.state, NOW, RefundEvent::Settled, write_id("w4"));
        assert_eq!(refund.open_at_provider(), None);
        assert_eq!(refund.as_created(), first);
    }
    // What an earlier release has stored has no provider, and nothing new is written of it.
    let (refund, _) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
    let stored = serde_json::to_value(&refund).unwrap();
    assert!(stored.get("at_provider").is_none());
    assert_eq!(serde_json::from_value::<Refund>(stored).unwrap(), refund);
}

#[test]
fn only_what_is_sent_and_pays_no_refund_is_refundable() {
    let mut session = paid(400, true);
    for state in SessionState::ALL {
        session.state = state;
        // Past its time, what awaited the payer has expired.
        let late = later(SignedDuration::from_hours(25));
        for at in [NOW, late] {
            let seen = session.state_at(at);
            let expected =
                if seen == SessionState::Sent { Ok(session.amount) } else { Err(NotRefundable::NotSent(seen)) };
            assert_eq!(session.refundable(at), expected);
            let creation = RefundCreation { at, ..creation() };
            let made = Refund::create(&session, new_refund(None), creation).map(|(refund, _)| refund.amount);
            assert_eq!(made, expected);
        }
    }
    let (_, payment) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
    let mut payment = payment.unwrap();
    payment.state = SessionState::Sent;
    assert_eq!(payment.refundable(NOW), Err(NotRefundable::PaysRefund));
    let worn = Session { refund_count: MAX_REFUNDS, ..paid(400, true) };
    assert_eq!(Refund::create(&worn, new_refund(None), creation()).unwrap_err(), NotRefundable::TooMany);
}

#[test]
fn time_ends_what_waits_and_never_what_is_submitted() {
    let day = |days: i64| later(SignedDuration::from_hours(24 * days));
    let (asked, _) = Refund::create(&paid(400, false), new_refund(None), creation()).unwrap();
    assert_eq!(asked.state_at(day(29)), RefundState::AwaitingDetails);
    assert_eq!(
        (asked.state_at(day(30)), asked.failure_reason_at(day(30))),
        (RefundState::Failed, Some(RefundEvent::TimePassed))
    );
    let (mut known, _) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
    assert_eq!(known.state_at(day(6)), RefundState::AwaitingPayment);
    assert!(known.has_expired_at(day(7)));
    known.submitted = true;
    assert_eq!((known.state_at(day(100)), known.failure_reason_at(day(100))), (RefundState::AwaitingPayment, None));
    known.submitted = false;
    known.open_at_consent = true;
    assert_eq!((known.state_at(day(100)), known.has_expired_at(day(100))), (RefundState::AwaitingPayment, false));
    known.open_at_consent = false;
    known.state = RefundState::Sent;
    assert_eq!((known.state_at(day(100)), known.has_expired_at(day(100))), (RefundState::Sent, false));
}

proptest! {
    #[test]
    fn no_more_is_refunded_than_was_paid(
        minor in 1..=1_000_i64,
        asked in prop::collection::vec((prop::option::of(1..=600_i64), any::<bool>()), 1..30),
    ) {
        let mut session = paid(minor, true);
        let mut refunds: Vec<Refund> = Vec::new();
        for (amount, fails) in asked {
            let left = left_of(session.amount, &refunds, NOW);
            prop_assert_eq!(session.refundable(NOW), Ok(left));
            match Refund::create(&session, new_refund(amount), creation()) {
                Ok((mut refund, _)) => {
                    prop_assert!(refund.amount.minor() >= 1 && refund.amount.minor() <= left.minor());
                    prop_assert_eq!(refund.amount.minor(), amount.unwrap_or(left.minor()));
                    if fails {
                        refund.state = RefundState::Failed;
                    } else {
                        session.refundable = Some(MinorUnits::new(left.minor() - refund.amount.minor()));
                    }
                    refunds.push(refund);
                }
                Err(why) => {
                    let nothing = left.minor() == 0;
                    let expected =
                        if nothing { NotRefundable::NothingLeft { left } } else { NotRefundable::TooMuch { left } };
                    prop_assert_eq!(why, expected);
                    prop_assert!(nothing || amount.is_some_and(|amount| amount > left.minor()));
                }
            }
            prop_assert!(left_of(session.amount, &refunds, NOW).minor() >= 0);
        }
    }
}

/// The merchant is mailed where a refund is authorised, once, if its format has no field for that.
#[test]
fn the_merchant_is_mailed_where_the_format_shows_no_link() {
    let topics = |refund: &Refund| -> Vec<_> {
        (1..=refund.history.len()).map(|sequence| mail_for_refund(refund, sequence).map(|mail| mail.topic)).collect()
    };
    for format in WireFormat::ALL {
        let session = |shared| Session { format, ..paid(400, shared) };
        let (refund, _) = Refund::create(&session(true), new_refund(None), creation()).unwrap();
        let authorise = (format != WireFormat::Banked).then_some(MailTopic::RefundToAuthorise(refund.id));
        assert_eq!(topics(&refund), [authorise], "{format:?}");
        assert_eq!(
            refund.authorisation_url_at(NOW).unwrap(),
            "http://127.0.0.1:3000/checkout/00000000-0000-0000-0000-000000000004"
        );
        assert_eq!(Refund { submitted: true, ..refund.clone() }.authorisation_url_at(NOW), None);
        assert_eq!(refund.authorisation_url_at(refund.expires_at), None);

        let (mut refund, _) = Refund::create(&session(false), new_refund(None), creation()).unwrap();
        assert_eq!(refund.authorisation_url_at(NOW), None);
        let payee = Payee { name: name("Ada"), account: account("11112222") };
        let ids = (SessionId::new(Uuid::from_u128(4)), EndToEndId::new(Uuid::from_u128(5)));
        refund.give_details(&session(false), payee, ids.0, ids.1, NOW, write_id("w4")).unwrap();
        refund.state = RefundState::Sent;
        refund.history.append(refund.state, NOW, RefundEvent::Settled, write_id("w5"));
        let (asked, sent) = (MailTopic::RefundDetails(refund.id), MailTopic::RefundSent(refund.id));
        assert_eq!(topics(&refund), [Some(asked), authorise, Some(sent)], "{format:?}");
        assert_eq!(refund.authorisation_url_at(NOW), None);

        // One that the provider makes needs nobody's word.
        let request = ProviderRequest { idempotency_key: "refund-3".to_owned(), body: "{}".to_owned() };
        let (provider, payment_id) = ("bank".parse().unwrap(), "p".parse().unwrap());
        let at_provider = Some(RefundAtProvider { provider, payment_id, request, id: None });
        let (refund, _) =
            Refund::create(&session(true), new_refund(None), RefundCreation { at_provider, ..creation() }).unwrap();
        assert_eq!((topics(&refund), refund.authorisation_url_at(NOW)), (vec![None], None));
    }
}
