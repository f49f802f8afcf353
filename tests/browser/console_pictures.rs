//! Pictures of the console for docs/console, of the shop that `make demo` shows, and the page there that lists them:
//! `make console-pictures`.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use models::{Currency, Mode, Role, Session, SessionState};
use store::{ListRange, ListStart, Merchants, Owner, Sessions};
use tests::{World, bin_dir, console_on, workspace};

use crate::browser::{Browser, Colours, Screen};
use crate::pictures::small;

const HEAD: &str = "# The console\n\nWhat a merchant's people see, as `make console-pictures` takes it from the shop that `make demo` shows: a small \
                    one, made up, with 90 days of payments. Every page also has a dark form, and one for phones; one of each is shown.\n";

/// The most that a picture may have, so that a clone stays small.
const MAX_BYTES: usize = 150_000;

/// Takes pictures of the page that is open.
struct Photographer {
    browser: Browser,
    folder: PathBuf,
    list: String,
}

impl Photographer {
    async fn take(&mut self, name: &str, heading: &str, caption: &str) {
        self.browser.see(heading).await;
        self.one(name, caption, Screen::DESKTOP, Colours::Light).await;
    }

    async fn one(&mut self, name: &str, caption: &str, screen: Screen, colours: Colours) {
        self.browser.set_colours(colours).await;
        let picture = small(&self.browser.picture(screen).await);
        assert!(picture.len() <= MAX_BYTES, "{name} has {} bytes", picture.len());
        std::fs::write(self.folder.join(format!("{name}.png")), picture).unwrap();
        self.browser.set_colours(Colours::Light).await;
        self.browser.set_screen(Screen::DESKTOP).await;
        write!(self.list, "\n{caption}\n\n![{name}]({name}.png)\n").unwrap();
    }
}

/// A payment that can be refunded in pounds: the newest for more than a few.
async fn refundable(world: &World) -> Session {
    let owner = Owner { merchant_id: "demo".parse().unwrap(), mode: Mode::Test, format: None };
    let merchant = Merchants::new(world.table()).get(&owner.merchant_id).await.unwrap().unwrap();
    let range = ListRange { created_from: None, created_before: None, start: ListStart::Newest, limit: 1 };
    let is_wanted = |session: &Session| {
        session.state == SessionState::Sent
            && session.payer_account.is_some()
            && session.amount.currency() == Currency::GBP
            && session.amount.minor() >= 5_000
            && session.refund_count == 0
    };
    let shards = merchant.list_sharding.shards();
    let found = Sessions::new(world.table()).search(&owner, shards, range, None, Some(&is_wanted)).await.unwrap();
    found.items.into_iter().next().expect("the demo has such a payment")
}

#[tokio::test]
#[ignore = "`make console-pictures` runs it"]
async fn console_pictures() {
    let browser = Browser::start(Screen::DESKTOP).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let made = Command::new(bin_dir().join("bench"))
        .arg("demo")
        .arg("--data-dir")
        .arg(data.path())
        .arg("--template")
        .arg(workspace().join("template.yaml"))
        .arg("--bin-dir")
        .arg(bin_dir())
        .status();
    assert!(made.unwrap().success(), "the demo could not be made");
    let world = World::start_with(|config| {
        console_on(config);
        data.path().clone_into(&mut config.data_dir);
    })
    .await;
    let folder = workspace().join("docs/console");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut to = Photographer { browser, folder, list: HEAD.to_owned() };
    let at = |path: &str| format!("{}{path}", world.machine.api_url());
    let page = |path: &str| at(&format!("/console/test/{path}"));

    to.browser.open(&at(&world.link("demo", "owner@demo.example", Role::Own).await)).await;
    to.browser.see("Sign in to the console").await;
    to.browser.press("Sign in").await;
    to.take("overview", "Overview", "What needs a person, and how the last days went.").await;
    to.one("overview-dark", "The same, for those who prefer dark.", Screen::DESKTOP, Colours::Dark).await;

    to.browser.open(&page("payments")).await;
    to.take("payments", "Payments", "Every payment, found by what is known of it or by filters.").await;
    to.one("payments-phone", "The same on a phone.", Screen::PHONE, Colours::Light).await;

    let session = refundable(&world).await;
    let payment = format!("payments/{}", session.id);
    let heading = format!("Payment {}", session.reference.as_str());
    to.browser.open(&page(&payment)).await;
    to.take("payment", &heading, "A payment, all that happened to it, and whether its books agree.").await;

    to.browser.open(&page(&format!("{payment}/refund"))).await;
    to.browser.see("Refund a payment").await;
    to.browser.fill("Amount, in GBP", "12.50").await;
    let reason = to.browser.wait_for("//label[normalize-space()='The goods came back']").await;
    reason.click().await.unwrap();
    to.browser.press("Continue").await;
    to.take("refund-check", "Check the refund", "A refund is checked once more before money goes back.").await;

    for (part, heading, caption) in [
        ("webhooks", "Webhooks", "Where events are sent, and what does not answer."),
        ("keys", "API keys", "The keys by which the merchant's systems call, by name."),
        ("people", "People", "Who may do what."),
        ("audit?what=payment_cancelled", "Audit", "Who did what, when and why."),
    ] {
        to.browser.open(&page(part)).await;
        let name = part.split('?').next().unwrap_or(part);
        to.take(name, heading, caption).await;
    }
    std::fs::write(to.folder.join("README.md"), &to.list).unwrap();
}
