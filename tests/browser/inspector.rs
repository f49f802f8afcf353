//! Reads pages one after the other, as differently as people read them, and collects what is wrong.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::workspace;

use crate::browser::{Browser, Colours, Screen};

/// What is wrong with a page, as it stands in the browser.
const FAULTS: &str = include_str!("faults.js");

/// How a page is read: on which screen, at which text size in percent, in which colours. Every two of these values meet.
const READINGS: [(Screen, u32, Colours); 9] = [
    (Screen::SMALL, 100, Colours::Light),
    (Screen::NARROW, 200, Colours::Dark),
    (Screen::DESKTOP, 150, Colours::Forced),
    (Screen::SMALL, 150, Colours::Dark),
    (Screen::SMALL, 200, Colours::Forced),
    (Screen::NARROW, 100, Colours::Forced),
    (Screen::NARROW, 150, Colours::Light),
    (Screen::DESKTOP, 100, Colours::Dark),
    (Screen::DESKTOP, 200, Colours::Light),
];

/// The first of them have every value once. In these axe-core reads a page, too.
const FEW: usize = 3;

/// WCAG 2.2 A and AA, and what axe-core calls best practice; not the contrast of colours that the page did not choose.
const RUN_AXE: &str = "const [forced, done] = arguments;
    if (!window.axe) return done(['axe-core is not in the page']);
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: tags, rules: { 'color-contrast': { enabled: !forced } } }).then(
      ({ violations }) => done(violations.map(({ id, nodes }) => `axe ${id}: ${nodes.map((node) => node.html).join(' ')}`)),
      (error) => done([`axe: ${error}`]),
    );";

/// Where `make test-axe` keeps axe-core.
fn axe() -> PathBuf {
    workspace().join(".tools/axe.min.js")
}

/// Reads pages one after the other.
pub(crate) struct Inspector {
    pub(crate) browser: Browser,
    has_axe: bool,
    pub(crate) faults: Vec<String>,
}

impl Inspector {
    /// With axe-core where it is installed, which `make test-axe` requires.
    pub(crate) async fn new(browser: Browser) -> Self {
        let script = std::fs::read_to_string(axe()).ok();
        let required = std::env::var("AXE").is_ok_and(|value| value == "required");
        assert!(script.is_some() || !required, "AXE=required, and there is no {}", axe().display());
        if let Some(script) = &script {
            browser.add_to_pages(script).await;
        }
        Self { browser, has_axe: script.is_some(), faults: Vec::new() }
    }

    /// Opens a page of the service and inspects it.
    pub(crate) async fn open(&mut self, url: &str, name: &str, heading: &str) {
        self.browser.open(url).await;
        self.inspect(name, heading).await;
    }

    /// Inspects the page of the service that is open, once it has this heading.
    pub(crate) async fn inspect(&mut self, name: &str, heading: &str) {
        self.browser.see(heading).await;
        self.read_in_all(name).await;
        // A page that is no success is a line in the console by itself.
        let status = format!("the server responded with a status of {} ", self.browser.status().await);
        let lines = self.browser.console().await.into_iter().filter(|line| !line.contains(&status));
        self.faults.extend(lines.map(|line| format!("{name}: {line}")));
    }

    /// Inspects the page that is open in all readings.
    pub(crate) async fn read_in_all(&mut self, name: &str) {
        self.read(name, READINGS.len()).await;
    }

    /// Inspects the page that is open in the fewest readings in which each value comes once.
    pub(crate) async fn read_in_few(&mut self, name: &str) {
        self.read(name, FEW).await;
    }

    /// Has axe-core read the mail that is open, whose layout is tables and the mail program's own.
    pub(crate) async fn read_mail(&mut self, name: &str) {
        for screen in [Screen::NARROW, Screen::DESKTOP] {
            for colours in [Colours::Light, Colours::Dark] {
                self.browser.resize(screen).await;
                self.browser.set_colours(colours).await;
                let found = self.ask_axe(colours).await;
                let at = format!("{name} at {} px, {colours:?}", screen.width);
                self.faults.extend(found.into_iter().map(|fault| format!("{at}: {fault}")));
            }
        }
    }

    async fn read(&mut self, name: &str, readings: usize) {
        for (number, (screen, percent, colours)) in READINGS.into_iter().take(readings).enumerate() {
            self.browser.resize(screen).await;
            self.browser.set_colours(colours).await;
            self.browser.set_text_size(percent).await;
            let acts_at_once = (screen, percent) == (Screen::SMALL, 100);
            let arguments = vec![json!(screen.width), json!(screen.height), json!(acts_at_once)];
            let mut found = listed(self.browser.client.execute(FAULTS, arguments).await.unwrap());
            if number < FEW {
                found.extend(self.ask_axe(colours).await);
            }
            let at = format!("{name} at {} px, {percent} %, {colours:?}", screen.width);
            self.faults.extend(found.into_iter().map(|fault| format!("{at}: {fault}")));
        }
        self.browser.set_text_size(100).await;
        self.browser.resize(Screen::PHONE).await;
        self.browser.set_colours(Colours::Light).await;
    }

    async fn ask_axe(&self, colours: Colours) -> Vec<String> {
        if self.has_axe {
            listed(self.browser.client.execute_async(RUN_AXE, vec![json!(colours == Colours::Forced)]).await.unwrap())
        } else {
            Vec::new()
        }
    }

    /// Asserts that nothing was wrong anywhere.
    pub(crate) fn assert_faultless(&self) {
        assert!(self.faults.is_empty(), "{} faults:\n{}", self.faults.len(), self.faults.join("\n"));
    }
}

fn listed(found: Value) -> Vec<String> {
    found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_two_ways_to_read_meet() {
    for (screen, percent, _) in READINGS {
        for (_, other_percent, other_colours) in READINGS {
            assert!(READINGS.iter().any(|(s, p, _)| (*s, *p) == (screen, other_percent)));
            assert!(READINGS.iter().any(|(s, _, c)| (*s, *c) == (screen, other_colours)));
            assert!(READINGS.iter().any(|(_, p, c)| (*p, *c) == (percent, other_colours)));
        }
    }
}
