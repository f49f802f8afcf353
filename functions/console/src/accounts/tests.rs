//! Accounts linked and unlinked by people, over tables in memory.

use jiff::SignedDuration;
use models::{ActKind, ActObject, ActOutcome, LinkMailId, LinkedAccount, Mode};
use pages::Language;
use store::{AccountChange, Due, DueItem, LinkMail};

use super::{link, show, unlink};
use crate::back::Back;
use crate::desk::{Desk, form, seen, words};
use crate::digest::account_mark;
use crate::links;

const LIST: &str = "/console/test/accounts";

const BRITISH: [(&str, &str); 4] = [
    ("kind", "uk_account"),
    ("name", " Bright Candles Ltd "),
    ("sort_code", "01-02-03"),
    ("account_number", "12345678"),
];

fn day() -> SignedDuration {
    SignedDuration::from_hours(24)
}

impl Desk {
    // A little later each, so that acts are in the order in which they are done.
    async fn send_account(&self, step: &str, fields: &[(&str, &str)]) -> (u16, String) {
        self.advance(SignedDuration::from_millis(1));
        let form = form(&[&[("step", step)][..], fields].concat());
        seen(link(&self.services, &self.frame(Mode::Test), &form).await)
    }

    async fn send_unlink(&self, step: &str, mark: &str) -> (u16, String) {
        self.advance(SignedDuration::from_millis(1));
        seen(unlink(&self.services, &self.frame(Mode::Test), mark, &form(&[("step", step)])).await)
    }

    async fn linked(&self) -> Vec<LinkedAccount> {
        self.services.merchants.get(&self.visitor.person.merchant_id).await.unwrap().unwrap().linked_accounts
    }

    async fn mark(&self) -> String {
        let merchant = self.services.merchants.get(&self.visitor.person.merchant_id).await.unwrap().unwrap();
        account_mark(&merchant.idempotency_salt, &merchant.linked_accounts[0].account)
    }

    /// What is done, and whether there is a mail of each that would be sent even if no message named it.
    async fn done(&self) -> Vec<(ActKind, ActObject, ActOutcome)> {
        let acts = self.acts().await;
        let due = Due::new(self.services.table.clone()).all(self.services.clock.now()).await.unwrap().unwrap();
        let mails = due.iter().filter(|item| matches!(item, DueItem::LinkMail(_))).count();
        assert_eq!(mails, acts.len(), "{due:?} {acts:?}");
        acts.into_iter().map(|act| (act.what, act.object, act.outcome)).collect()
    }

    /// What a message names.
    async fn mail(&self) -> Option<AccountChange> {
        let message = self.aws.receive(0)?;
        assert_eq!(message.queue, "receipts");
        let id: LinkMailId = message.body.parse().unwrap();
        let claim = self.services.link_mails.claim(id, self.services.clock.now()).await.unwrap().unwrap();
        let LinkMail::Account(notice) = claim.request else { panic!("{claim:?}") };
        assert_eq!(notice.by, self.visitor.person.email);
        assert_eq!(notice.account.as_str(), "5678");
        Some(notice.change)
    }
}

#[tokio::test]
async fn an_account_is_checked_and_linked_once_and_owners_are_mailed() {
    let desk = Desk::new().await;
    let (status, html) = desk.send_account("check", &BRITISH).await;
    assert_eq!(status, 200, "{html}");
    for part in ["12345678", "010203", "Bright Candles Ltd", "counterfoil accounts link demo", "value=\"confirm\""] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(words(&html).contains("live ones from 1 February 2026, 09:30"), "{html}");
    let (status, html) = desk.send_account("edit", &BRITISH).await;
    assert!(status == 200 && html.contains("value=\"12345678\""), "{html}");
    assert_eq!((desk.linked().await.len(), desk.done().await.len()), (0, 0));
    for _ in 0..2 {
        assert_eq!(desk.send_account("confirm", &BRITISH).await, (303, LIST.to_owned()));
    }
    let linked = desk.linked().await;
    let [LinkedAccount { name, default: false, linked_at: Some(at), .. }] = &linked[..] else { panic!("{linked:?}") };
    assert_eq!(name.as_str(), "Bright Candles Ltd");
    let object = ActObject::Account(samples::text("5678"));
    assert_eq!(desk.done().await, [(ActKind::AccountLinked, object, ActOutcome::Done)]);
    assert_eq!(desk.acts().await[0].mode, None, "in test and live alike");
    assert_eq!(desk.mail().await, Some(AccountChange::Linked { live_from: *at + day() }));
    assert_eq!(desk.mail().await, None);
    // Neither the list nor a second form shows it whole.
    let (_, html) = seen(show(&desk.services, &desk.frame(Mode::Test)).await);
    assert!(html.contains("account ending 5678") && !html.contains("12345678"), "{html}");
    assert!(words(&html).contains("From 1 February 2026, 09:30"), "{html}");
    let (status, html) = desk.send_account("check", &BRITISH).await;
    assert!(status == 422 && html.contains("This account is linked already"), "{html}");
    desk.advance(day());
    let (_, html) = seen(show(&desk.services, &desk.frame(Mode::Test)).await);
    assert!(!words(&html).contains("From 1 February"), "{html}");
}

#[tokio::test]
async fn what_is_wrong_is_shown_again_and_links_nothing() {
    let desk = Desk::new().await;
    for step in ["check", "confirm"] {
        let (status, html) = desk.send_account(step, &[("name", "<b>"), ("sort_code", "1")]).await;
        assert_eq!(status, 422);
        assert!(html.contains("href=\"#sort_code\"") && html.contains("href=\"#account_number\""), "{html}");
        assert!(!html.contains("<b>"), "{html}");
        let iban = [("kind", "iban"), ("name", "Bright Candles Ltd"), ("iban", "GB00")];
        let (status, html) = desk.send_account(step, &iban).await;
        assert!(status == 422 && html.contains("href=\"#iban\""), "{html}");
    }
    assert_eq!(desk.send_unlink("check", "0123456789abcdef").await.0, 404);
    assert_eq!((desk.linked().await.len(), desk.done().await.len()), (0, 0));
}

#[tokio::test]
async fn the_pages_are_in_the_visitors_language() {
    let desk = Desk::new().await;
    let mut frame = desk.frame(Mode::Test);
    frame.language = Language::German;
    let (_, html) = seen(show(&desk.services, &frame).await);
    assert!(html.contains("<h1>Konten</h1>") && html.contains("Noch ist kein Konto verknüpft."), "{html}");
    assert!(!html.contains("Accounts") && !html.contains("Link an account"), "{html}");
    let check = form(&[&[("step", "check")][..], &BRITISH].concat());
    let (_, html) = seen(link(&desk.services, &frame, &check).await);
    assert!(html.contains("<h1>Konto prüfen</h1>") && !html.contains("Check the account"), "{html}");
    assert!(words(&html).contains("Live-Zahlungen ab dem 1. Februar 2026 um 09:30"), "{html}");
}

#[tokio::test]
async fn an_account_is_unlinked_once_it_was_checked() {
    let desk = Desk::new().await;
    desk.send_account("confirm", &BRITISH).await;
    desk.mail().await.unwrap();
    let mark = desk.mark().await;
    let (status, html) = desk.send_unlink("check", &mark).await;
    assert_eq!(status, 200, "{html}");
    assert!(html.contains("account ending 5678") && !html.contains("12345678"), "{html}");
    assert!(words(&html).contains("It is the last account"), "{html}");
    assert_eq!(desk.linked().await.len(), 1);
    for _ in 0..2 {
        assert_eq!(desk.send_unlink("confirm", &mark).await, (303, LIST.to_owned()));
    }
    assert_eq!(desk.linked().await.len(), 0);
    let kinds: Vec<ActKind> = desk.done().await.into_iter().map(|(what, ..)| what).collect();
    assert_eq!(kinds, [ActKind::AccountLinked, ActKind::AccountUnlinked]);
    assert_eq!((desk.mail().await, desk.mail().await), (Some(AccountChange::Unlinked), None));
}

#[tokio::test]
async fn an_old_sign_in_is_not_enough_in_either_mode() {
    let desk = Desk::new().await;
    desk.send_account("confirm", &BRITISH).await;
    let mark = desk.mark().await;
    desk.advance(SignedDuration::from_secs(301));
    for mode in [Mode::Test, Mode::Live] {
        let frame = desk.frame(mode);
        let again = (303, Back::read(&format!("/console/{}/accounts", mode.as_str())).sign_in_again());
        let confirm = form(&[&[("step", "confirm")][..], &BRITISH].concat());
        assert_eq!(seen(link(&desk.services, &frame, &confirm).await), again);
        assert_eq!(seen(unlink(&desk.services, &frame, &mark, &confirm).await), again);
        let (_, html) = seen(show(&desk.services, &frame).await);
        assert!(html.contains("Sign in again") && !html.contains("/accounts\" novalidate"), "{html}");
    }
    assert_eq!((desk.linked().await.len(), desk.done().await.len()), (1, 1));
}

#[tokio::test]
async fn a_live_link_offers_an_account_a_day_later() {
    let mut desk = Desk::new().await;
    desk.services.settings.connections.local_live = true;
    desk.send_account("confirm", &BRITISH).await;
    let offers = async |mode| {
        let (_, html) = seen(links::show(&desk.services, &desk.frame(mode)).await);
        html.contains("GBP · 5678 · ")
    };
    assert!(offers(Mode::Test).await && !offers(Mode::Live).await);
    desk.advance(day());
    assert!(offers(Mode::Live).await);
}

/// Wherever the process dies: the account, the act and the mail are there, or nothing has changed.
#[tokio::test]
async fn a_process_may_die_while_it_links() {
    for done in [false, true] {
        for calls in 0.. {
            let desk = Desk::new().await;
            let answer = desk.aws.process(Some((calls, done)), desk.send_account("confirm", &BRITISH)).await;
            assert_eq!(desk.linked().await.len(), desk.done().await.len(), "after {calls} calls, the last {done}");
            if answer.is_some() {
                assert_eq!(desk.linked().await.len(), 1);
                break;
            }
        }
    }
}
