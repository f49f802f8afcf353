//! Keys issued, rolled and revoked by people, over tables in memory.

use jiff::SignedDuration;
use models::{Act, ActChange, ActKind, ActOutcome, ApiKey, Mode, Name};
use pages::Language;

use super::{change, issue, show, show_key};
use crate::back::Back;
use crate::desk::{Desk, form, seen, words};
use crate::frame::{Frame, Part};

const EVERYTHING: [(&str, &str); 4] = [
    ("payment_sessions:read", "payment_sessions:read"),
    ("payment_sessions:write", "payment_sessions:write"),
    ("refunds:write", "refunds:write"),
    ("webhooks:write", "webhooks:write"),
];

impl Desk {
    // A little later each, so that acts are in the order in which they are done.
    async fn issue_key(&self, mode: Mode, fields: &[(&str, &str)]) -> (u16, String) {
        self.advance(SignedDuration::from_millis(1));
        seen(issue(&self.services, &self.frame(mode), &form(fields)).await)
    }

    async fn change_key(&self, id: &str, fields: &[(&str, &str)]) -> (u16, String) {
        self.advance(SignedDuration::from_millis(1));
        seen(change(&self.services, &self.frame(Mode::Test), id, &form(fields)).await)
    }

    /// The id that the form bears.
    async fn new_key_id(&self, mode: Mode) -> String {
        let (_, html) = seen(show(&self.services, &self.frame(mode)).await);
        let (_, rest) = html.split_once("name=\"id\" value=\"").unwrap_or_else(|| panic!("{html}"));
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// A key that was issued, and its secret.
    async fn issued(&self) -> (String, String) {
        let id = self.new_key_id(Mode::Test).await;
        let (status, html) = self.issue_key(Mode::Test, &fields(&id, "Web shop")).await;
        assert_eq!(status, 200, "{html}");
        (id, secret_in(&html))
    }

    async fn api_key(&self, id: &str) -> ApiKey {
        self.api_keys().await.into_iter().find(|key| key.id.as_str() == id).unwrap()
    }

    async fn api_keys(&self) -> Vec<ApiKey> {
        self.services.merchants.get(&self.visitor.person.merchant_id).await.unwrap().unwrap().keys
    }
}

/// A form that asks for a key that may do everything.
fn fields<'a>(id: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    [("id", id), ("name", name)].into_iter().chain(EVERYTHING).collect()
}

/// The secret that a page shows.
fn secret_in(html: &str) -> String {
    let (_, rest) = html.split_once("\nsk_test_").unwrap_or_else(|| panic!("no secret in {html}"));
    format!("sk_test_{}", rest.split_once('<').unwrap().0)
}

fn outcomes(acts: &[Act]) -> Vec<(ActKind, ActOutcome)> {
    acts.iter().map(|act| (act.what, act.outcome.clone())).collect()
}

fn refused(code: &str) -> ActOutcome {
    ActOutcome::Refused(code.to_owned())
}

#[tokio::test]
async fn a_key_is_issued_once_and_its_secret_shown_once() {
    let desk = Desk::new().await;
    let id = desk.new_key_id(Mode::Test).await;
    let fields = [("id", id.as_str()), ("name", " Web shop "), EVERYTHING[0], EVERYTHING[2]];
    let (status, html) = desk.issue_key(Mode::Test, &fields).await;
    assert_eq!(status, 200, "{html}");
    let key = desk.api_key(&id).await;
    assert_eq!(key.name.as_ref().map(Name::as_str), Some("Web shop"));
    assert_eq!(key.scopes.to_string(), "payment_sessions:read refunds:write");
    assert_eq!(key.secret_sha256, api::sha256(secret_in(&html).as_bytes()));
    assert_eq!(desk.issue_key(Mode::Test, &fields).await.0, 409, "the same form again");
    assert_eq!(desk.api_keys().await.len(), 1);
    assert_eq!(desk.api_key(&id).await.secret_sha256, key.secret_sha256);
    for page in [
        seen(show(&desk.services, &desk.frame(Mode::Test)).await),
        seen(show_key(&desk.services, &desk.frame(Mode::Test), &id).await),
    ] {
        assert_eq!(page.0, 200);
        assert!(page.1.contains("Web shop") && page.1.contains(&id) && !page.1.contains("sk_test_"), "{}", page.1);
    }
    let expected = [(ActKind::KeyIssued, ActOutcome::Done), (ActKind::KeyIssued, refused("issued_before"))];
    assert_eq!(outcomes(&desk.acts().await), expected);
}

#[tokio::test]
async fn the_day_on_which_a_key_was_last_used_is_shown() {
    let desk = Desk::new().await;
    let (id, _) = desk.issued().await;
    let shown = async || {
        let (_, list) = seen(show(&desk.services, &desk.frame(Mode::Test)).await);
        let (_, page) = seen(show_key(&desk.services, &desk.frame(Mode::Test), &id).await);
        [list, page].map(|html| words(&html))
    };
    for html in shown().await {
        assert!(html.contains("Not yet, or before this was noted"), "{html}");
    }
    let day = jiff::civil::date(2026, 11, 8);
    desk.services.merchants.note_key_used(&id.parse().unwrap(), day).await.unwrap();
    for html in shown().await {
        assert!(html.contains("8 November 2026") && !html.contains("Not yet"), "{html}");
    }
}

#[tokio::test]
async fn keys_are_shown_in_other_languages() {
    let desk = Desk::new().await;
    let (id, _) = desk.issued().await;
    let day = jiff::civil::date(2026, 11, 1);
    desk.services.merchants.note_key_used(&id.parse().unwrap(), day).await.unwrap();
    for (language, list, page, day) in [
        (Language::French, "Émettre une clé", "À propos de cette clé", "1er novembre 2026"),
        (Language::German, "Schlüssel ausstellen", "Über diesen Schlüssel", "1. November 2026"),
        (Language::Spanish, "Emitir una clave", "Acerca de esta clave", "1 de noviembre de 2026"),
        (Language::Welsh, "Creu allwedd", "Ynglŷn â’r allwedd hon", "1 Tachwedd 2026"),
    ] {
        let frame = Frame::new(&desk.visitor, Mode::Test, Part::Keys, language);
        for (html, heading) in [
            (seen(show(&desk.services, &frame).await).1, list),
            (seen(show_key(&desk.services, &frame, &id).await).1, page),
        ] {
            let said = words(&html);
            assert!(said.contains(heading) && said.contains(day), "{heading} {day}: {said}");
            assert!(!["API keys", "Issue a key", "About this key"].iter().any(|text| said.contains(text)), "{said}");
        }
    }
}

#[tokio::test]
async fn a_form_that_says_too_little_or_is_anothers_issues_nothing() {
    let desk = Desk::new().await;
    let id = desk.new_key_id(Mode::Test).await;
    let unnamed = desk.issue_key(Mode::Test, &fields(&id, " ")).await;
    assert!(unnamed.0 == 422 && unnamed.1.contains("<a href=\"#name\">"), "{}", unnamed.1);
    assert_eq!(unnamed.1.matches(" checked").count(), 4, "{}", unnamed.1);
    assert!(unnamed.1.contains(&format!("value=\"{id}\"")));
    let idle = desk.issue_key(Mode::Test, &[("id", id.as_str()), ("name", "Web shop")]).await;
    assert!(idle.0 == 422 && idle.1.contains("<a href=\"#payment_sessions:read\">"), "{}", idle.1);
    for id in ["", "x", "pk_live_demo_abc", "pk_test_other_abc", "sk_test_demo_abc"] {
        assert_eq!(desk.issue_key(Mode::Test, &fields(id, "Web shop")).await.0, 400, "{id}");
    }
    assert_eq!((desk.api_keys().await.len(), desk.acts().await), (0, vec![]));
}

#[tokio::test]
async fn a_key_that_is_rolled_lives_beside_its_successor_for_a_while() {
    let desk = Desk::new().await;
    let (id, secret) = desk.issued().await;
    let (status, html) = desk.change_key(&id, &[("change", "roll"), ("overlap", "1h")]).await;
    assert_eq!(status, 200, "{html}");
    assert_ne!(secret_in(&html), secret);
    let now = desk.services.clock.now();
    let (keys, others): (Vec<ApiKey>, Vec<ApiKey>) =
        desk.api_keys().await.into_iter().partition(|key| key.id.as_str() == id);
    let [successor] = &others[..] else { panic!("{keys:?} {others:?}") };
    let old = desk.api_key(&id).await;
    assert_eq!(old.valid_until, Some(now + SignedDuration::from_hours(1)));
    assert!(old.is_active(now) && successor.is_active(now));
    assert_eq!((&successor.name, successor.scopes), (&old.name, old.scopes));
    assert_eq!(desk.change_key(&id, &[("change", "roll")]).await.0, 409, "the same form again");
    assert_eq!(desk.api_keys().await.len(), 2);
    let (_, shown) = seen(show_key(&desk.services, &desk.frame(Mode::Test), &id).await);
    assert!(words(&shown).contains("Rolled. Valid until") && !shown.contains("value=\"roll\""), "{shown}");
    desk.advance(SignedDuration::from_hours(1));
    assert!(!old.is_active(desk.services.clock.now()));
    let (_, shown) = seen(show_key(&desk.services, &desk.frame(Mode::Test), &id).await);
    assert!(words(&shown).contains("Ended on") && !shown.contains("name=\"change\""), "{shown}");
    let acts = desk.acts().await;
    let expected = [ActOutcome::Done, ActOutcome::Done, refused("changed_meanwhile")];
    assert_eq!(acts.iter().map(|act| act.outcome.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(acts[1].change, Some(ActChange { from: id, to: successor.id.to_string() }));
}

#[tokio::test]
async fn a_key_is_revoked_once_it_was_checked() {
    let desk = Desk::new().await;
    let (id, _) = desk.issued().await;
    let (status, html) = desk.change_key(&id, &[("change", "check")]).await;
    assert!(status == 200 && html.contains("value=\"revoke\"") && words(&html).contains("can’t be undone"), "{html}");
    assert_eq!(desk.api_key(&id).await.revoked_at, None);
    let path = format!("/console/test/keys/{id}");
    for _ in 0..2 {
        assert_eq!(desk.change_key(&id, &[("change", "revoke")]).await, (303, path.clone()));
    }
    assert!(desk.api_key(&id).await.revoked_at.is_some());
    assert_eq!(desk.change_key(&id, &[("change", "check")]).await, (303, path));
    assert_eq!(desk.change_key(&id, &[("change", "roll")]).await.0, 409);
    let expected = [
        (ActKind::KeyIssued, ActOutcome::Done),
        (ActKind::KeyRevoked, ActOutcome::Done),
        (ActKind::KeyRolled, refused("changed_meanwhile")),
    ];
    assert_eq!(outcomes(&desk.acts().await), expected);
}

#[tokio::test]
async fn live_keys_ask_for_a_fresh_sign_in_and_are_not_below_test() {
    let desk = Desk::new().await;
    let id = desk.new_key_id(Mode::Live).await;
    let fields = fields(&id, "Web shop");
    assert_eq!(desk.issue_key(Mode::Live, &fields).await.0, 200);
    assert_eq!(desk.change_key(&id, &[("change", "revoke")]).await.0, 404, "below test");
    desk.advance(SignedDuration::from_secs(301));
    // What was typed is not lost.
    let late = [("id", id.as_str()), ("name", "Till 2"), EVERYTHING[2]];
    let (status, html) = desk.issue_key(Mode::Live, &late).await;
    assert_eq!(status, 403, "{html}");
    let again = Back::read("/console/live/keys").sign_in_again().replace('&', "&#38;");
    for part in ["No key was issued", "value=\"Till 2\"", "value=\"refunds:write\" checked", &again] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches(" checked").count(), 1, "{html}");
    assert_eq!(desk.api_keys().await.len(), 1);
    let frame = desk.frame(Mode::Live);
    for html in [seen(show(&desk.services, &frame).await).1, seen(show_key(&desk.services, &frame, &id).await).1] {
        assert!(html.contains("Sign in again"), "{html}");
        assert!(!html.contains("action=\"/console/live/keys"), "{html}");
    }
    let roll = form(&[("change", "roll")]);
    let again = (303, Back::read(&format!("/console/live/keys/{id}")).sign_in_again());
    assert_eq!(seen(change(&desk.services, &frame, &id, &roll).await), again);
    assert_eq!(desk.api_key(&id).await.valid_until, None);
    desk.issued().await;
}

/// Wherever the process dies: both keys and the act are there, or nothing has changed.
#[tokio::test]
async fn a_process_may_die_while_it_rolls() {
    for done in [false, true] {
        for calls in 0.. {
            let desk = Desk::new().await;
            let (id, _) = desk.issued().await;
            let answer = desk.aws.process(Some((calls, done)), desk.change_key(&id, &[("change", "roll")])).await;
            let rolled = usize::from(desk.api_key(&id).await.valid_until.is_some());
            let counts = (desk.api_keys().await.len(), desk.acts().await.len());
            assert_eq!(counts, (1 + rolled, 1 + rolled), "after {calls} calls, the last {done}");
            if answer.is_some() {
                assert!(rolled == 1 && calls > 1, "{calls}");
                break;
            }
        }
    }
}
