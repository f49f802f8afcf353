//! Applications: what two operators do at once, whose answers may be lost; and what `verify` says of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use models::{ApiKeyId, Application, Mode, PublicKey};
use store::{Merchants, Parts, Rule, StoreError, Table, Verify};
use support::World;

fn applications(table: &Table) -> Merchants {
    Merchants::new(table.clone())
}

fn new_key() -> ApiKeyId {
    format!("pk_test_{}_0123456789abcdef", support::new_owner(Mode::Test).merchant_id).parse().unwrap()
}

fn public_key(byte: u8) -> PublicKey {
    PublicKey { id: format!("{byte:016x}").parse().unwrap(), spki: vec![byte; 294], added_at: samples::NOW }
}

/// Adds a public key.
fn with(byte: u8) -> impl Fn(Option<Application>) -> Result<Application, StoreError> {
    move |before| {
        let mut application = before.unwrap();
        application.public_keys.push(public_key(byte));
        Ok(application)
    }
}

#[test]
fn an_application_is_there_as_it_was_put_until_it_is_removed() {
    let world = World::get();
    world.runtime.block_on(async {
        let (id, applications) = (new_key(), applications(&world.table));
        assert_eq!(applications.application(&id).await.unwrap(), None);
        assert!(!applications.drop_application(&id).await.unwrap());
        let new = Application {
            public_keys: vec![public_key(1), public_key(2)],
            redirect_urls: vec![samples::text("https://shop.example/back")],
            signed: true,
            ..samples::application(&id)
        };
        for _ in 0..2 {
            let put = applications.change_application(&id, |_| Ok::<_, StoreError>(new.clone())).await.unwrap();
            assert_eq!((Some(&put), applications.application(&id).await.unwrap().as_ref()), (Some(&new), Some(&new)));
            assert!(applications.drop_application(&id).await.unwrap());
            assert!(!applications.drop_application(&id).await.unwrap());
            assert_eq!(applications.application(&id).await.unwrap(), None);
        }
    });
}

#[test]
fn what_two_change_at_once_is_changed_by_both_and_once() {
    let world = World::get();
    world.runtime.block_on(async {
        let id = new_key();
        let new = samples::application(&id);
        applications(&world.table).change_application(&id, |_| Ok::<_, StoreError>(new.clone())).await.unwrap();
        let other = id.clone();
        let meanwhile = async move {
            applications(&world.table).change_application(&other, with(1)).await.unwrap();
        };
        applications(&world.while_on_the_way(1, meanwhile)).change_application(&id, with(2)).await.unwrap();
        // Its own answer lost, and nobody else there.
        applications(&world.losing_one(1, async {})).change_application(&id, with(3)).await.unwrap();
        let keys = applications(&world.table).application(&id).await.unwrap().unwrap().public_keys;
        assert_eq!(keys, [1, 2, 3].map(public_key));
        assert!(applications(&world.losing_one(1, async {})).drop_application(&id).await.unwrap());
        assert_eq!(applications(&world.table).application(&id).await.unwrap(), None);
    });
}

#[test]
fn what_is_refused_is_not_put() {
    let world = World::get();
    world.runtime.block_on(async {
        let id = new_key();
        let refuse = |_| Err(StoreError::Disagreement { key: "-".to_owned() });
        let refused = applications(&world.table).change_application(&id, refuse).await;
        assert!(matches!(refused, Err(StoreError::Disagreement { .. })));
        assert_eq!(applications(&world.table).application(&id).await.unwrap(), None);
    });
}

#[test]
fn verify_knows_applications() {
    let world = World::get();
    let problems = async |id: &ApiKeyId| {
        let verify = Verify::new(world.table.clone(), samples::now(), SignedDuration::from_hours(1));
        let mut found = Vec::new();
        for mut part in world.table.items(Parts(1)) {
            while let Some(page) = part.next().await.unwrap() {
                for item in &page.found {
                    let broken = verify.check(item).await.unwrap().violations.into_iter();
                    found.extend(broken.filter(|broken| broken.item == format!("application of key {id}")));
                }
            }
        }
        found.into_iter().map(|broken| broken.rule).collect::<Vec<_>>()
    };
    world.runtime.block_on(async {
        let (id, applications) = (new_key(), applications(&world.table));
        let new = samples::application(&id);
        applications.change_application(&id, |_| Ok::<_, StoreError>(new.clone())).await.unwrap();
        assert_eq!(problems(&id).await, [Rule::Orphan]);
        assert!(applications.create(id.merchant(), samples::name("Acme"), [1; 32]).await.unwrap());
        assert_eq!(problems(&id).await, []);
        let update = world.client().update_item().table_name(support::TABLE_NAME);
        let update = update.update_expression("SET application.key_id = :other");
        let update = update.expression_attribute_values(":other", AttributeValue::S("pk_test_demo".to_owned()));
        let update = update.key("pk", AttributeValue::S(format!("APP#{id}")));
        update.key("sk", AttributeValue::S("APP".to_owned())).send().await.unwrap();
        assert_eq!(problems(&id).await, [Rule::Readable]);
        assert!(applications.drop_application(&id).await.unwrap());
        assert_eq!(problems(&id).await, []);
    });
}
