//! What sessions and refunds of every wire format are kept as: all of it comes back, and what is personal goes when it is
//! erased or deleted; of Banked's sessions nothing is written that the first release had not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use models::{
    AccountIdentifier, Currency, CustomerId, Extra, Mode, Money, OfferLimits, Payee, Payer, PayerKind, PaymentMethod,
    PaymentMethods, Refund, RefundId, Session, SessionEvent, SessionId, WireFormat,
};
use store::{Change, ChangeError, Erased, Erasures, Owner, Refunds, Sessions};
use support::{TABLE_NAME, World};

/// What Banked's sessions have none of.
const NEW: [&str; 10] = [
    "format",
    "extra",
    "description",
    "cancel_url",
    "payment_methods",
    "customer_id",
    "locale",
    "email_link",
    "retry",
    "offer_limits",
];

fn sessions() -> Sessions {
    Sessions::new(World::get().table.clone())
}

fn iban() -> AccountIdentifier {
    AccountIdentifier::Iban { iban: "DE89370400440532013000".to_owned().try_into().unwrap() }
}

/// A session of this format that says all that one may, without line items, to be paid into an account with an IBAN.
fn whole(owner: &Owner, format: WireFormat) -> Session {
    let payer = Payer { phone: Some("+33 6 12 34 56 78".to_owned().try_into().unwrap()), ..support::payer() };
    let session = support::new_session(owner, samples::now(), Some(payer), 400);
    Session {
        format,
        extra: Some(Extra::new(r#"{"state":"42","amount":149.30}"#.to_owned()).unwrap()),
        amount: Money::new(session.amount.minor_units(), Currency::EUR),
        line_items: vec![],
        description: Some("Rent of May".to_owned().try_into().unwrap()),
        payee: Payee { account: iban(), ..session.payee },
        cancel_url: Some("https://shop.example/cancelled".to_owned().try_into().unwrap()),
        payment_methods: PaymentMethods::new(vec![PaymentMethod::Card, PaymentMethod::SepaDebit]).unwrap(),
        offer_limits: OfferLimits {
            provider: Some("mock-card".parse().unwrap()),
            country: Some("FR".parse().unwrap()),
            payers: Some(PayerKind::Corporate),
        },
        customer_id: Some(CustomerId::new(samples::uuid())),
        locale: Some("fr-FR".to_owned().try_into().unwrap()),
        email_link: true,
        retry: true,
        ..session
    }
}

#[test]
fn what_a_session_of_any_format_says_comes_back_and_goes() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        for format in WireFormat::ALL {
            let session = whole(&owner, format);
            let item = store::session_item(&session).unwrap();
            assert!(NEW.iter().all(|name| item.contains_key(*name) || *name == "format"), "{item:?}");
            sessions().create(session.clone(), None).await.unwrap();
            let read = sessions().get(&session.id).await.unwrap().unwrap();
            assert_eq!(read, session);

            // Its refund is its format's, and so is the session that pays it.
            let paid = support::pay(session.id, samples::now(), Some(&session.payee)).await;
            assert_eq!(paid.payer_account.as_ref().map(|payee| &payee.account), Some(&iban()));
            let creation = support::refund_creation(RefundId::new(samples::uuid()), samples::now());
            let new = samples::new_refund(&paid, Some(100));
            let (refund, payment) = Refund::create(&paid, new, creation).unwrap();
            let payment = payment.unwrap();
            assert_eq!((refund.format, payment.format, &payment.payee.account), (format, format, &iban()));
            let refunds = Refunds::new(World::get().table.clone());
            refunds.create(&refund, Some(&payment), None, None, None).await.unwrap();
            assert_eq!(refunds.get(&refund.id).await.unwrap().unwrap().format, format);
            assert_eq!(sessions().get(&payment.id).await.unwrap().unwrap(), payment);
        }
        let ended = whole(&owner, WireFormat::Yorlet);
        sessions().create(ended.clone(), None).await.unwrap();
        let at = samples::now() + jiff::SignedDuration::from_secs(1);
        let change = Change {
            session_id: ended.id,
            event: SessionEvent::CancelledByMerchant,
            at,
            write_id: samples::write_id(),
        };
        sessions().record(change, None, None, None).await.unwrap();
        // Its events have been published long since.
        let later = at + jiff::SignedDuration::from_hours(100);
        let erasures = Erasures::new(World::get().table.clone());
        assert_eq!(erasures.erase_alone(&ended.id, later).await.unwrap(), Erased::Done);
        let erased = sessions().get(&ended.id).await.unwrap().unwrap();
        assert_eq!(erased, erased.clone().erased(later), "something personal is left");
        assert_eq!((erased.format, erased.description), (WireFormat::Yorlet, ended.description));
        assert!(erased.customer_id.is_none() && erased.extra.is_none() && erased.cancel_url.is_none());
        assert!(erased.offer_limits.is_none());

        let gone = whole(&owner, WireFormat::Fintecture);
        sessions().create(gone.clone(), None).await.unwrap();
        sessions().delete(gone.id, &owner, at, samples::write_id(), None).await.unwrap();
        let left = tombstone(&gone.id).await;
        assert!(NEW[1..].iter().all(|name| !left.contains(&(*name).to_owned())), "{left:?}");
    });
}

#[test]
fn by_one_formats_paths_there_is_no_session_of_another() {
    World::get().runtime.block_on(async {
        let any = support::new_owner(Mode::Test);
        for (format, through) in WireFormat::ALL.into_iter().flat_map(|one| WireFormat::ALL.map(|other| (one, other))) {
            let [cancelled, deleted] = [whole(&any, format), whole(&any, format)];
            for session in [&cancelled, &deleted] {
                sessions().create(session.clone(), None).await.unwrap();
            }
            let owner = Owner { format: Some(through), ..any.clone() };
            assert_eq!(owner.owns(&cancelled), format == through);
            let (at, write_id) = (samples::now() + jiff::SignedDuration::from_secs(1), samples::write_id());
            let (session_id, event) = (cancelled.id, SessionEvent::CancelledByMerchant);
            let change = Change { session_id, event, at, write_id: write_id.clone() };
            let answers = [
                sessions().record(change, Some(&owner), None, None).await.map(|_| ()),
                sessions().delete(deleted.id, &owner, at, write_id.clone(), None).await.map(|_| ()),
            ];
            if format == through {
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                continue;
            }
            assert!(answers.iter().all(|answer| matches!(answer, Err(ChangeError::NotFound))), "{answers:?}");
            for session in [&cancelled, &deleted] {
                assert_eq!(sessions().get(&session.id).await.unwrap().as_ref(), Some(session));
            }
            // Nor the tombstone of one.
            sessions().delete(deleted.id, &any, at, write_id.clone(), None).await.unwrap();
            let again = sessions().delete(deleted.id, &owner, at, write_id, None).await;
            assert!(matches!(again, Err(ChangeError::NotFound)), "{again:?}");
        }
    });
}

/// The names of what is left of a deleted session.
async fn tombstone(id: &SessionId) -> Vec<String> {
    let found = World::get()
        .client()
        .get_item()
        .table_name(TABLE_NAME)
        .key("pk", AttributeValue::S(format!("SESSION#{id}")))
        .key("sk", AttributeValue::S("SESSION".to_owned()))
        .send();
    found.await.unwrap().item.unwrap().into_keys().collect()
}

#[test]
fn of_bankeds_sessions_nothing_new_is_written() {
    let owner = support::new_owner(Mode::Test);
    let session = support::new_session(&owner, samples::now(), Some(support::payer()), 400);
    let item = store::session_item(&session).unwrap();
    assert!(NEW.iter().all(|name| !item.contains_key(*name)), "{item:?}");
    let payer = item["payer"].as_m().unwrap();
    assert_eq!(payer.len(), 2);
}
