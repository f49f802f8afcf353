//! Shops: what two operators do at once, whose answers may be lost; and what `verify` says of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use models::{MerchantId, Mode, Shop};
use store::{Merchants, Parts, Rule, Shops, StoreError, Table, Verify};
use support::World;

fn shops(table: &Table) -> Shops {
    Shops::new(table.clone())
}

fn new_merchant() -> MerchantId {
    support::new_owner(Mode::Test).merchant_id
}

/// Takes the colour and the logo away.
fn plain(before: Option<Shop>) -> Result<Shop, StoreError> {
    Ok(Shop { colour: None, logo: None, ..before.unwrap() })
}

/// Gives it another name.
fn dim(before: Option<Shop>) -> Result<Shop, StoreError> {
    Ok(Shop { display_name: samples::name("Dim Candles"), ..before.unwrap() })
}

fn both() -> Shop {
    Shop { display_name: samples::name("Dim Candles"), colour: None, logo: None, ..samples::shop() }
}

#[test]
fn a_shop_is_there_as_it_was_put() {
    let world = World::get();
    world.runtime.block_on(async {
        let (id, shops) = (new_merchant(), shops(&world.table));
        assert_eq!(shops.get(&id).await.unwrap(), None);
        for shop in [samples::shop(), Shop::new(samples::name("Dim Candles"))] {
            shops.put(&id, &shop).await.unwrap();
            assert_eq!(shops.get(&id).await.unwrap(), Some(shop));
        }
        assert_eq!(shops.get(&new_merchant()).await.unwrap(), None);
    });
}

#[test]
fn what_two_change_at_once_is_changed_by_both() {
    let world = World::get();
    world.runtime.block_on(async {
        for lost in [false, true] {
            let id = new_merchant();
            shops(&world.table).put(&id, &samples::shop()).await.unwrap();
            let other = id.clone();
            let meanwhile = async move {
                shops(&world.table).change(&other, dim, None).await.unwrap();
            };
            let table = if lost { world.losing_one(1, meanwhile) } else { world.while_on_the_way(1, meanwhile) };
            assert_eq!(shops(&table).change(&id, plain, None).await.unwrap(), both());
            assert_eq!(shops(&world.table).get(&id).await.unwrap(), Some(both()), "lost: {lost}");
        }
        // Its own answer lost, and nobody else there.
        let id = new_merchant();
        shops(&world.losing_one(1, async {})).put(&id, &samples::shop()).await.unwrap();
        assert_eq!(shops(&world.table).get(&id).await.unwrap(), Some(samples::shop()));
    });
}

#[test]
fn what_is_refused_is_not_put() {
    let world = World::get();
    world.runtime.block_on(async {
        let id = new_merchant();
        let refuses = |_| Err(StoreError::Disagreement { key: "-".to_owned() });
        let refused = shops(&world.table).change(&id, refuses, None).await;
        assert!(matches!(refused, Err(StoreError::Disagreement { .. })));
        assert_eq!(shops(&world.table).get(&id).await.unwrap(), None);
    });
}

#[test]
fn verify_knows_shops() {
    let world = World::get();
    let problems = async |id: &MerchantId| {
        let verify = Verify::new(world.table.clone(), samples::now(), SignedDuration::from_hours(1));
        let mut found = Vec::new();
        for mut part in world.table.items(Parts(1)) {
            while let Some(page) = part.next().await.unwrap() {
                for item in &page.found {
                    let broken = verify.check(item).await.unwrap().violations.into_iter();
                    found.extend(broken.filter(|broken| broken.item == format!("shop of merchant {id}")));
                }
            }
        }
        found.into_iter().map(|broken| broken.rule).collect::<Vec<_>>()
    };
    world.runtime.block_on(async {
        let id = new_merchant();
        shops(&world.table).put(&id, &samples::shop()).await.unwrap();
        assert_eq!(problems(&id).await, [Rule::Orphan]);
        assert!(Merchants::new(world.table.clone()).create(&id, samples::name("Acme"), [1; 32]).await.unwrap());
        assert_eq!(problems(&id).await, []);
        let update = world.client().update_item().table_name(support::TABLE_NAME).update_expression("REMOVE shop");
        let update = update.key("pk", AttributeValue::S(format!("SHOP#{id}")));
        update.key("sk", AttributeValue::S("SHOP".to_owned())).send().await.unwrap();
        assert_eq!(problems(&id).await, [Rule::Readable]);
    });
}
