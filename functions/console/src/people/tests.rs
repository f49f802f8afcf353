//! People added and changed by owners, over tables in memory.

use jiff::SignedDuration;
use models::{Mode, Person, Role};
use pages::Language;

use super::{add, change, show, show_person};
use crate::back::Back;
use crate::desk::{BASE_URL, Desk, form, seen};
use crate::frame::{Frame, Part};

const PEOPLE: &str = "/console/test/people";
const BEA: &str = "bea@shop.example";

impl Desk {
    /// A desk of an owner, with Bea, who may look.
    async fn of_owner() -> Self {
        let mut desk = Self::new().await;
        desk.visitor.person.role = Role::Own;
        let bea = Person { email: samples::text(BEA), role: Role::Look, ..desk.visitor.person.clone() };
        for person in [&desk.visitor.person, &bea] {
            desk.services.people.add(person, None).await.unwrap();
        }
        desk
    }

    async fn add_person(&self, email: &str) -> (u16, String) {
        let request = form(&[("email", email), ("role", "own")]);
        seen(Box::pin(add(&self.services, &self.frame(Mode::Test), &request, BASE_URL)).await)
    }

    async fn change_bea(&self, fields: &[(&str, &str)]) -> (u16, String) {
        seen(Box::pin(change(&self.services, &self.frame(Mode::Test), BEA, &form(fields), BASE_URL)).await)
    }

    async fn roles(&self) -> Vec<(String, Role)> {
        let people = self.services.people.list(&self.visitor.person.merchant_id).await.unwrap();
        people.into_iter().map(|listed| (listed.person.email.as_str().to_owned(), listed.person.role)).collect()
    }
}

#[tokio::test]
async fn who_signed_in_long_ago_opens_no_way_in() {
    let desk = Desk::of_owner().await;
    let before = desk.roles().await;
    let role = [("change", "role"), ("seen", "look"), ("role", "own")];
    desk.advance(SignedDuration::from_secs(301));
    let frame = desk.frame(Mode::Test);
    let of_bea = Back::read(&format!("{PEOPLE}/{BEA}")).sign_in_again();
    assert_eq!(desk.add_person("eve@evil.example").await, (303, Back::read(PEOPLE).sign_in_again()));
    assert_eq!(desk.change_bea(&role).await, (303, of_bea.clone()));
    assert_eq!(desk.change_bea(&[("change", "link")]).await, (303, of_bea));
    assert_eq!((desk.roles().await, desk.acts().await), (before, vec![]));
    for html in [seen(show(&desk.services, &frame).await).1, seen(show_person(&desk.services, &frame, BEA).await).1] {
        assert!(html.contains("Sign in again") && !html.contains("name=\"role\""), "{html}");
        assert!(!html.contains("value=\"link\""), "{html}");
    }
    // What shuts a way stays open.
    assert_eq!(desk.change_bea(&[("change", "sign-out")]).await.0, 303);
    assert_eq!(desk.change_bea(&[("change", "remove")]).await, (303, PEOPLE.to_owned()));
    assert_eq!((desk.roles().await.len(), desk.acts().await.len()), (1, 2));
}

#[tokio::test]
async fn who_signed_in_just_now_does() {
    let desk = Desk::of_owner().await;
    assert_eq!(desk.add_person("cleo@shop.example").await.0, 200);
    assert_eq!(desk.change_bea(&[("change", "link")]).await.0, 200);
    let path = format!("{PEOPLE}/{BEA}");
    assert_eq!(desk.change_bea(&[("change", "role"), ("seen", "look"), ("role", "own")]).await, (303, path));
    assert!(desk.roles().await.contains(&(BEA.to_owned(), Role::Own)));
}

#[tokio::test]
async fn people_are_shown_in_the_visitors_language() {
    let desk = Desk::of_owner().await;
    let frame = Frame::new(&desk.visitor, Mode::Test, Part::People, Language::German);
    let (_, html) = seen(show(&desk.services, &frame).await);
    for text in ["<h1>Personen</h1>", "<h2>Person hinzufügen</h2>", "Sieht keine personenbezogenen Daten"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("<h1>People</h1>") && !html.contains("Add a person") && !html.contains("Sees"), "{html}");
}
