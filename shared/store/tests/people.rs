//! People of a merchant's console, their sign-in links and visits: what two do at once, and what ends when.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use jiff::{SignedDuration, Timestamp};
use models::{EmailAddress, MerchantId, Mode, Person, Role};
use runtime::Random;
use store::{
    Access, BrowserToken, ChoiceToken, LINK_LASTS, LinkAsked, LinkToken, Merchants, OIDC_LASTS, OidcChoice,
    OidcChoices, OidcRequests, Parts, People, PeopleChanged, Rule, StateToken, Table, VISIT_IDLE, VISIT_LASTS, Verify,
    Visit, VisitToken, Visits,
};
use support::World;

fn email(text: &str) -> EmailAddress {
    text.to_owned().try_into().unwrap()
}

fn person(merchant: &MerchantId, address: &str, role: Role) -> Person {
    let now = samples::now();
    Person { merchant_id: merchant.clone(), email: email(address), role, added_at: now, visits_from: now }
}

fn new_merchant() -> MerchantId {
    support::new_owner(Mode::Test).merchant_id
}

fn people(table: &Table) -> People {
    People::new(table.clone())
}

/// Uses a link, if it is found.
async fn begin(visits: &Visits, link: &LinkToken, cookie: &VisitToken, at: Timestamp) -> Option<Visit> {
    let found = visits.find_link(link, at).await.unwrap()?;
    visits.begin(link, &found, cookie, at, None).await.unwrap()
}

/// Signs somebody in; the cookie.
async fn signed_in(table: &Table, who: &Person, at: Timestamp) -> VisitToken {
    let visits = Visits::new(table.clone());
    let (link, cookie) = (LinkToken::new(&Random::System), VisitToken::new(&Random::System));
    visits.make_link(&link, &who.merchant_id, &who.email, at).await.unwrap();
    let begun = begin(&visits, &link, &cookie, at).await;
    assert_eq!(begun.unwrap().person, *who);
    cookie
}

#[test]
fn people_are_added_changed_and_removed() {
    let world = World::get();
    world.runtime.block_on(async {
        let (merchant, people) = (new_merchant(), people(&world.table));
        let (ada, bea) =
            (person(&merchant, "Ada@shop.example", Role::Own), person(&merchant, "bea@shop.example", Role::Look));
        assert_eq!(people.add(&ada, None).await.unwrap(), PeopleChanged::Done(ada.clone()));
        assert_eq!(people.add(&bea, None).await.unwrap(), PeopleChanged::Done(bea.clone()));
        let again = person(&merchant, "ADA@shop.example", Role::Look);
        assert_eq!(people.add(&again, None).await.unwrap(), PeopleChanged::Same(ada.clone()), "in whatever case");
        assert_eq!(people.get(&merchant, &email("aDA@shop.example")).await.unwrap(), Some(ada.clone()));
        let listed: Vec<_> = people.list(&merchant).await.unwrap().into_iter().map(|listed| listed.person).collect();
        assert_eq!(listed, [ada.clone(), bea.clone()]);

        let changed = people.change_role(&merchant, &bea.email, Role::Look, Role::Refund, None).await.unwrap();
        assert_eq!(changed, PeopleChanged::Done(bea.clone()), "as they were");
        let bea = Person { role: Role::Refund, ..bea };
        let same = people.change_role(&merchant, &bea.email, Role::Look, Role::Refund, None).await.unwrap();
        assert_eq!(same, PeopleChanged::Same(bea.clone()));
        assert_eq!(people.remove(&merchant, &bea.email, None).await.unwrap(), PeopleChanged::Done(bea.clone()));
        assert_eq!(people.remove(&merchant, &bea.email, None).await.unwrap(), PeopleChanged::NotFound);
        let meanwhile = people.change_role(&merchant, &ada.email, Role::Look, Role::Refund, None).await.unwrap();
        assert_eq!(meanwhile, PeopleChanged::Meanwhile(ada.clone()), "not in the role that was seen");
        let nobody = people.change_role(&merchant, &bea.email, Role::Look, Role::Own, None).await.unwrap();
        assert_eq!(nobody, PeopleChanged::NotFound);
        assert!(!people.merchants_of(&bea.email).await.unwrap().contains(&merchant));
        // In the console of another merchant they are somebody else.
        let other = new_merchant();
        assert_eq!(people.get(&other, &ada.email).await.unwrap(), None);
    });
}

#[test]
fn an_address_leads_to_every_merchant() {
    let world = World::get();
    world.runtime.block_on(async {
        let people = people(&world.table);
        let (first, second) = (new_merchant(), new_merchant());
        let address = format!("both-{first}@shop.example");
        for merchant in [&first, &second] {
            people.add(&person(merchant, &address, Role::Look), None).await.unwrap();
        }
        let mut found = people.merchants_of(&email(&address.to_ascii_uppercase())).await.unwrap();
        found.sort();
        let mut expected = vec![first.clone(), second.clone()];
        expected.sort();
        assert_eq!(found, expected);
        people.remove(&first, &email(&address), None).await.unwrap();
        assert_eq!(people.merchants_of(&email(&address)).await.unwrap(), [second]);
    });
}

#[test]
fn of_two_owners_who_remove_each_other_one_stays() {
    let world = World::get();
    world.runtime.block_on(async {
        // With the answer of the write lost as well: request 0 reads the version, 1 the people, 2 writes.
        for lost in [false, true] {
            for request in 0..3 {
                let merchant = new_merchant();
                let there = people(&world.table);
                let [ada, bea] =
                    ["ada@shop.example", "bea@shop.example"].map(|name| person(&merchant, name, Role::Own));
                there.add(&ada, None).await.unwrap();
                there.add(&bea, None).await.unwrap();
                let (other, ada_email) = (merchant.clone(), ada.email.clone());
                let meanwhile = async move {
                    people(&world.table).remove(&other, &ada_email, None).await.unwrap();
                };
                let table = if lost && request == 2 {
                    world.losing_one(2, meanwhile)
                } else {
                    world.while_on_the_way(request, meanwhile)
                };
                people(&table).remove(&merchant, &bea.email, None).await.unwrap();
                let left = there.list(&merchant).await.unwrap();
                assert_eq!(left.len(), 1, "{lost} {request}");
                assert_eq!(left[0].person.role, Role::Own);
                let lowered =
                    there.change_role(&merchant, &left[0].person.email, Role::Own, Role::Look, None).await.unwrap();
                assert_eq!(lowered, PeopleChanged::LastOwner);
            }
        }
    });
}

#[test]
fn what_was_done_and_not_heard_of_is_done_once() {
    let world = World::get();
    world.runtime.block_on(async {
        let merchant = new_merchant();
        let ada = person(&merchant, "ada@shop.example", Role::Own);
        for number in 0..3 {
            let table = world.losing_one(number, async {});
            let added = people(&table).add(&ada, None).await.unwrap();
            assert_eq!(
                added,
                if number == 0 { PeopleChanged::Done(ada.clone()) } else { PeopleChanged::Same(ada.clone()) }
            );
        }
        let link = LinkToken::new(&Random::System);
        let cookie = VisitToken::new(&Random::System);
        let now = samples::now();
        Visits::new(world.losing(1)).make_link(&link, &merchant, &ada.email, now).await.unwrap();
        // 0 reads the link, 1 uses it.
        let visits = Visits::new(world.losing_one(1, async {}));
        assert!(begin(&visits, &link, &cookie, now).await.is_some());
        assert!(visits.find(&cookie, now).await.unwrap().is_some());
    });
}

#[test]
fn a_link_is_used_once_and_in_time_by_who_is_there() {
    let world = World::get();
    world.runtime.block_on(async {
        let merchant = new_merchant();
        let (people, visits) = (people(&world.table), Visits::new(world.table.clone()));
        let boss = person(&merchant, "boss@shop.example", Role::Own);
        let ada = person(&merchant, "ada@shop.example", Role::Look);
        people.add(&boss, None).await.unwrap();
        people.add(&ada, None).await.unwrap();
        let now = samples::now() + SignedDuration::from_secs(60);
        let link = async || {
            let token = LinkToken::new(&Random::System);
            visits.make_link(&token, &merchant, &ada.email, now).await.unwrap();
            token
        };
        let works =
            async |link: &LinkToken, at| begin(&visits, link, &VisitToken::new(&Random::System), at).await.is_some();
        let used = link().await;
        assert_eq!(visits.find_link(&used, now).await.unwrap().unwrap().email, ada.email);
        assert!(visits.find_link(&used, now).await.unwrap().is_some(), "finding uses nothing up");
        // Two at once: while one is on the way to use it, another does.
        let (table, token) = (world.table.clone(), used.clone());
        let meanwhile = async move {
            let visit = VisitToken::new(&Random::System);
            assert!(begin(&Visits::new(table), &token, &visit, now).await.is_some());
        };
        let second = Visits::new(world.while_on_the_way(1, meanwhile));
        assert!(begin(&second, &used, &VisitToken::new(&Random::System), now).await.is_none());
        assert!(!works(&used, now).await);
        assert!(visits.find_link(&used, now).await.unwrap().is_none());

        let (last, late) = (link().await, link().await);
        assert!(works(&last, now + LINK_LASTS - SignedDuration::from_millis(1)).await);
        assert!(!works(&late, now + LINK_LASTS).await);
        assert!(!works(&LinkToken::new(&Random::System), now).await, "unknown");

        let ended = link().await;
        people.end_visits(&merchant, &ada.email, now + SignedDuration::from_secs(1), None).await.unwrap();
        assert!(!works(&ended, now + SignedDuration::from_secs(2)).await, "made before all were ended");
        let removed = link().await;
        people.remove(&merchant, &ada.email, None).await.unwrap();
        assert!(!works(&removed, now).await);
        let back = Person {
            added_at: now + SignedDuration::from_secs(9),
            visits_from: now + SignedDuration::from_secs(9),
            ..ada.clone()
        };
        people.add(&back, None).await.unwrap();
        assert!(!works(&removed, now + SignedDuration::from_secs(10)).await, "that was somebody before");
    });
}

#[test]
fn a_sign_in_at_an_issuer_comes_back_once_in_time_to_its_own_browser() {
    let world = World::get();
    world.runtime.block_on(async {
        let (requests, now) = (OidcRequests::new(world.table.clone()), samples::now());
        let begun = async || {
            let (state, browser) = (StateToken::new(&Random::System), BrowserToken::new(&Random::System));
            let request = requests.put(&state, &browser, "/console/live/refunds", true, now).await.unwrap();
            (state, browser, request)
        };
        let (state, browser, request) = begun().await;
        assert!(request.nonce.len() == 43 && request.verifier.len() == 43 && request.nonce != request.verifier);
        assert!(!format!("{request:?}").contains(&request.verifier));
        let other = BrowserToken::new(&Random::System);
        assert_eq!(requests.use_up(&state, &other, now).await.unwrap(), None, "another browser uses nothing up");
        assert_eq!(requests.use_up(&StateToken::new(&Random::System), &browser, now).await.unwrap(), None);
        assert_eq!(requests.use_up(&state, &browser, now).await.unwrap(), Some(request));
        assert_eq!(requests.use_up(&state, &browser, now).await.unwrap(), None, "once");

        let (state, browser, _) = begun().await;
        assert_eq!(requests.use_up(&state, &browser, now + OIDC_LASTS).await.unwrap(), None, "too late");
        // Its answer is lost: the SDK repeats it.
        let losing = OidcRequests::new(world.losing_one(0, async {}));
        let in_time = now + OIDC_LASTS - SignedDuration::from_millis(1);
        assert!(losing.use_up(&state, &browser, in_time).await.unwrap().is_some());
    });
}

#[test]
fn a_merchant_is_chosen_once_in_time_in_the_same_browser_among_those_that_were_asked_about() {
    let world = World::get();
    world.runtime.block_on(async {
        let (choices, now) = (OidcChoices::new(world.table.clone()), samples::now());
        let (acme, bright) = (new_merchant(), new_merchant());
        let access = |merchant: &MerchantId, role| Access { merchant_id: merchant.clone(), role };
        let choice = OidcChoice {
            email: email("ada@shop.example"),
            access: vec![access(&acme, Role::Own), access(&bright, Role::Look)],
            authenticated_at: None,
            back: "/console/live/refunds".to_owned(),
        };
        assert!(!format!("{choice:?}").contains("ada"));
        for choice in [choice.clone(), OidcChoice { authenticated_at: Some(now), ..choice.clone() }] {
            let (token, browser) = (ChoiceToken::new(&Random::System), BrowserToken::new(&Random::System));
            choices.put(&token, &browser, &choice, now).await.unwrap();
            let other = BrowserToken::new(&Random::System);
            assert_eq!(choices.use_up(&token, &other, &acme, now).await.unwrap(), None, "another browser");
            assert_eq!(choices.use_up(&token, &browser, &new_merchant(), now).await.unwrap(), None, "was not there");
            let unknown = ChoiceToken::new(&Random::System);
            assert_eq!(choices.use_up(&unknown, &browser, &acme, now).await.unwrap(), None);
            // None of that has used it up.
            assert_eq!(choices.use_up(&token, &browser, &bright, now).await.unwrap(), Some(choice));
            assert_eq!(choices.use_up(&token, &browser, &acme, now).await.unwrap(), None, "once");
        }
        let (token, browser) = (ChoiceToken::new(&Random::System), BrowserToken::new(&Random::System));
        choices.put(&token, &browser, &choice, now).await.unwrap();
        assert_eq!(choices.use_up(&token, &browser, &acme, now + OIDC_LASTS).await.unwrap(), None, "too late");
        // Its answer is lost: the SDK repeats it.
        let losing = OidcChoices::new(world.losing_one(0, async {}));
        let in_time = now + OIDC_LASTS - SignedDuration::from_millis(1);
        assert_eq!(losing.use_up(&token, &browser, &acme, in_time).await.unwrap(), Some(choice));
    });
}

#[test]
fn who_an_issuer_vouches_for_signs_in_if_they_are_there() {
    let world = World::get();
    world.runtime.block_on(async {
        let merchant = new_merchant();
        let (people, visits) = (people(&world.table), Visits::new(world.table.clone()));
        people.add(&person(&merchant, "boss@shop.example", Role::Own), None).await.unwrap();
        let ada = person(&merchant, "ada@shop.example", Role::Look);
        people.add(&ada, None).await.unwrap();
        let (now, shown_at) = (samples::now(), samples::now() - SignedDuration::from_hours(2));
        let cookie = VisitToken::new(&Random::System);
        let losing = Visits::new(world.losing_one(0, async {}));
        let visit = losing.begin_vouched(&ada, shown_at, true, &cookie, now, None).await.unwrap().unwrap();
        assert_eq!((&visit.person, visit.authenticated_at, visit.has_choice), (&ada, shown_at, true));
        // It is as old as the sign-in here, not as that at the issuer.
        assert!(visits.find(&cookie, now + VISIT_IDLE - SignedDuration::from_millis(1)).await.unwrap().is_some());
        assert_eq!(people.list(&merchant).await.unwrap()[0].signed_in_at, Some(now));
        people.remove(&merchant, &ada.email, None).await.unwrap();
        let none = visits.begin_vouched(&ada, now, false, &VisitToken::new(&Random::System), now, None).await.unwrap();
        assert!(none.is_none());
    });
}

#[test]
fn a_visit_ends_by_idleness_by_age_by_signing_out_and_with_its_person() {
    let world = World::get();
    world.runtime.block_on(async {
        let merchant = new_merchant();
        let (people, visits) = (people(&world.table), Visits::new(world.table.clone()));
        people.add(&person(&merchant, "boss@shop.example", Role::Own), None).await.unwrap();
        let ada = person(&merchant, "ada@shop.example", Role::Look);
        people.add(&ada, None).await.unwrap();
        let now = samples::now();
        let goes_on = async |cookie: &VisitToken, at| visits.find(cookie, at).await.unwrap().is_some();
        let a_bit = SignedDuration::from_millis(1);

        let idle = signed_in(&world.table, &ada, now).await;
        assert!(goes_on(&idle, now + VISIT_IDLE - a_bit).await);
        assert!(goes_on(&idle, now + VISIT_IDLE * 2 - a_bit * 2).await, "which was noted");
        assert!(!goes_on(&idle, now + VISIT_IDLE * 3).await);

        let busy = signed_in(&world.table, &ada, now).await;
        let mut at = now;
        while at < now + VISIT_LASTS {
            assert!(goes_on(&busy, at).await, "{at}");
            at += SignedDuration::from_mins(20);
        }
        assert!(!goes_on(&busy, now + VISIT_LASTS).await);

        let (left, other) = (signed_in(&world.table, &ada, now).await, signed_in(&world.table, &ada, now).await);
        visits.end(&left, now, None).await.unwrap();
        assert!(!goes_on(&left, now).await && goes_on(&other, now).await);
        assert!(!goes_on(&VisitToken::new(&Random::System), now).await);

        people.change_role(&merchant, &ada.email, Role::Look, Role::Refund, None).await.unwrap();
        assert_eq!(visits.find(&other, now).await.unwrap().unwrap().person.role, Role::Refund);
        people.end_visits(&merchant, &ada.email, now + a_bit, None).await.unwrap();
        assert!(!goes_on(&other, now + a_bit).await);
        let ada = people.get(&merchant, &ada.email).await.unwrap().unwrap();
        let since = signed_in(&world.table, &ada, now + a_bit).await;
        assert!(goes_on(&since, now + a_bit).await);
        assert!(people.end_visits(&merchant, &ada.email, now, None).await.unwrap());
        assert!(!goes_on(&since, now + a_bit).await, "ended by a clock that is behind");
        let ada = people.get(&merchant, &ada.email).await.unwrap().unwrap();
        let last = signed_in(&world.table, &ada, now + a_bit * 2).await;
        people.remove(&merchant, &ada.email, None).await.unwrap();
        assert!(!goes_on(&last, now + a_bit * 2).await);
        assert!(!people.end_visits(&merchant, &ada.email, now, None).await.unwrap(), "of nobody");
    });
}

#[test]
fn five_links_in_fifteen_minutes_are_enough() {
    let world = World::get();
    world.runtime.block_on(async {
        let (merchant, people) = (new_merchant(), people(&world.table));
        let ada = person(&merchant, "ada@shop.example", Role::Own);
        people.add(&ada, None).await.unwrap();
        let now = samples::now();
        let ask = async |minutes| {
            people.ask_link(&merchant, &ada.email, now + SignedDuration::from_mins(minutes)).await.unwrap()
        };
        for minute in 0..5 {
            assert_eq!(ask(minute).await, LinkAsked::Granted);
        }
        assert_eq!(ask(14).await, LinkAsked::TooMany);
        assert_eq!(ask(15).await, LinkAsked::Granted);
        let nobody = people.ask_link(&merchant, &email("nobody@shop.example"), now).await.unwrap();
        assert_eq!(nobody, LinkAsked::NotFound);
    });
}

#[test]
fn verify_knows_people_links_and_visits() {
    let world = World::get();
    world.runtime.block_on(async {
        let merchant = new_merchant();
        let ada = person(&merchant, "ada@shop.example", Role::Own);
        people(&world.table).add(&ada, None).await.unwrap();
        signed_in(&world.table, &ada, samples::now()).await;
        let found = async || {
            let verify = Verify::new(world.table.clone(), samples::now(), SignedDuration::from_mins(5));
            let mut violations = Vec::new();
            for mut walk in world.table.items(Parts(1)) {
                while let Some(page) = walk.next().await.unwrap() {
                    for item in page.found {
                        violations.extend(verify.check(&item).await.unwrap().violations);
                    }
                }
            }
            // Other tests' merchants are their own.
            violations.retain(|violation| violation.item.ends_with(merchant.as_str()));
            assert!(!format!("{violations:?}").contains("ada"), "{violations:?}");
            violations.into_iter().map(|violation| (violation.rule, violation.item)).collect::<Vec<_>>()
        };
        let of = |what: &str| format!("{what} of merchant {merchant}");
        let orphans = [(Rule::Orphan, of("a person")), (Rule::Orphan, of("people"))];
        assert_eq!(
            {
                let mut found = found().await;
                found.sort();
                found
            },
            orphans
        );
        Merchants::new(world.table.clone()).create(&merchant, samples::name("Acme"), [1; 32]).await.unwrap();
        assert_eq!(found().await, []);
        let delete = |pk: String, sk: &str| {
            let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
            world.client().delete_item().table_name(support::TABLE_NAME).key("pk", key(&pk)).key("sk", key(sk)).send()
        };
        delete("SIGNIN#ada@shop.example".to_owned(), merchant.as_str()).await.unwrap();
        assert_eq!(found().await, [(Rule::Listed, of("a person"))]);
    });
}
