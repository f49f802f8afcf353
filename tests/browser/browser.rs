//! A headless Chromium of one's own, by WebDriver: started for one test, gone after it.

use std::io::{BufRead, BufReader, Write, stderr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::PATIENCE;
use url::Url;

/// How often a condition is checked.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// What the browser runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) touch: bool,
}

impl Screen {
    /// A phone of today.
    pub(crate) const PHONE: Self = Self { width: 390, height: 844, touch: true };
    /// A small phone, on whose first screen there is what one has to do.
    pub(crate) const SMALL: Self = Self { width: 360, height: 640, touch: true };
    /// The narrowest that the pages must fit (WCAG 2.2, 1.4.10).
    pub(crate) const NARROW: Self = Self { width: 320, height: 640, touch: true };
    /// A desk's.
    pub(crate) const DESKTOP: Self = Self { width: 1280, height: 900, touch: false };
}

/// The colours that the reader prefers, or forces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    Light,
    Dark,
    /// Few, and the system's own.
    Forced,
}

/// Whether pages run scripts; what WebDriver itself runs at once is not the page's. The numbers are Chrome's.
#[derive(Debug, Clone, Copy)]
enum Scripts {
    Allowed = 1,
    Blocked = 2,
}

/// A browser with one session.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Driver,
}

impl Browser {
    /// A browser that runs no script, as the pages need none. None where no browser is installed, which is said
    /// loudly; with BROWSER_TESTS=required it is a failure.
    pub(crate) async fn start(screen: Screen) -> Option<Self> {
        Self::start_with(screen, Scripts::Blocked).await
    }

    /// One in which tests may run scripts that wait for something.
    pub(crate) async fn start_scripted(screen: Screen) -> Option<Self> {
        Self::start_with(screen, Scripts::Allowed).await
    }

    async fn start_with(screen: Screen, scripts: Scripts) -> Option<Self> {
        let Some((chromedriver, chromium)) = installed() else {
            let required = std::env::var("BROWSER_TESTS").is_ok_and(|value| value == "required");
            assert!(!required, "BROWSER_TESTS=required, and there is no {CHROMEDRIVER} or no Chromium in PATH");
            say_skipped();
            return None;
        };
        let driver = Driver::start(&chromedriver, &["--port=0"]);
        let capabilities = capabilities(&chromium, driver.folder.path(), scripts);
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&driver.url).await;
        let browser = Self { client: client.unwrap(), _driver: driver };
        browser.set_screen(screen).await;
        Some(browser)
    }

    /// Sends a command of Chrome's own protocol.
    async fn chrome(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// Makes the window another screen's.
    pub(crate) async fn set_screen(&self, screen: Screen) {
        self.client.set_window_size(screen.width, screen.height).await.unwrap();
        self.resize(screen).await;
    }

    /// Lays the page out for another screen.
    pub(crate) async fn resize(&self, screen: Screen) {
        let Screen { width, height, touch } = screen;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch });
        self.chrome("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Shows pages in these colours.
    pub(crate) async fn set_colours(&self, colours: Colours) {
        let (scheme, forced) = match colours {
            Colours::Light => ("light", "none"),
            Colours::Dark => ("dark", "none"),
            Colours::Forced => ("dark", "active"),
        };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "forced-colors", "value": forced },
        ] });
        self.chrome("Emulation.setEmulatedMedia", features).await;
    }

    /// Makes the page's text this much larger than it is by itself, in percent.
    pub(crate) async fn set_text_size(&self, percent: u32) {
        let script = "document.documentElement.style.fontSize = arguments[0]";
        self.client.execute(script, vec![json!(format!("{percent}%"))]).await.unwrap();
    }

    /// Runs this script in every page that is opened from now on, whatever its policy.
    pub(crate) async fn add_to_pages(&self, script: &str) {
        self.chrome("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// A picture of the whole page at this width, as PNG.
    pub(crate) async fn picture(&self, screen: Screen) -> Vec<u8> {
        self.set_screen(screen).await;
        let height = self.client.execute("return document.documentElement.scrollHeight", Vec::new()).await.unwrap();
        let height = u32::try_from(height.as_u64().unwrap()).unwrap();
        self.set_screen(Screen { height: height.max(screen.height), ..screen }).await;
        self.client.screenshot().await.unwrap()
    }

    /// What the page's console got since it was asked last: errors, and violations of the page's own policy.
    pub(crate) async fn console(&self) -> Vec<String> {
        let lines = self.client.issue_cmd(Vendor { path: "se/log", body: json!({ "type": "browser" }) }).await.unwrap();
        lines.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Opens a page in another tab and stays there; returns the tab left.
    pub(crate) async fn open_tab(&self, url: &str) -> WindowHandle {
        let left = self.client.window().await.unwrap();
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.client.switch_to_window(tab).await.unwrap();
        self.open(url).await;
        left
    }

    /// Waits for the page with this heading.
    pub(crate) async fn see(&self, heading: &str) {
        self.wait_for(&format!("//h1[normalize-space()={}]", quoted(heading))).await;
    }

    /// Waits for an element.
    pub(crate) async fn wait_for(&self, xpath: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(POLL_EVERY);
        match wait.for_element(Locator::XPath(xpath)).await {
            Ok(element) => element,
            Err(CmdError::WaitTimeout) => {
                panic!("no {xpath} within {PATIENCE:?} at {}:\n{}", self.url().await, self.text().await)
            }
            Err(error) => panic!("{xpath}: {error}"),
        }
    }

    /// The button, or the link, that reads so; or the row of the bank or the way to pay of this name.
    pub(crate) async fn button(&self, label: &str) -> Element {
        let label = quoted(label);
        let row = format!("@name='bank' and .//bdi[normalize-space()={label}]");
        let way = format!("span[@class='about'][normalize-space(text()[1])={label}]");
        let reads = format!("normalize-space()={label} or {row} or {way}");
        self.wait_for(&format!("//*[self::button or self::a or self::summary][{reads}]")).await
    }

    /// Presses a button, or follows a link.
    pub(crate) async fn press(&self, label: &str) {
        self.button(label).await.click().await.unwrap();
    }

    /// Presses a button twice, as fast as a hand that double-clicks everything.
    pub(crate) async fn double_click(&self, label: &str) {
        let button = self.button(label).await;
        let (down, up) =
            (PointerAction::Down { button: MOUSE_BUTTON_LEFT }, PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        let to_button = PointerAction::MoveToElement { element: button, duration: None, x: 0.0, y: 0.0 };
        let mouse = MouseActions::new("mouse".to_owned());
        let mouse = mouse.then(to_button).then(down.clone()).then(up.clone()).then(down).then(up);
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// Presses a form's button here and, before this is answered, in a twin of the form, whose answer gets a tab of its
    /// own. Two clicks on one button don't do: a browser often drops the first of them unsent.
    pub(crate) async fn press_in_two_tabs(&self, label: &str) -> WindowHandle {
        let button = serde_json::to_value(self.button(label).await).unwrap();
        let tabs = self.client.windows().await.unwrap();
        let script = "const [button] = arguments;
            const twin = button.form.cloneNode(true);
            twin.target = '_blank';
            document.body.append(twin);
            twin.elements[[...button.form.elements].indexOf(button)].click();
            button.click();";
        self.client.execute(script, vec![button]).await.unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            let now = self.client.windows().await.unwrap();
            if let Some(tab) = now.into_iter().find(|tab| !tabs.contains(tab)) {
                return tab;
            }
            assert!(Instant::now() < end, "no other tab was opened");
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// The field with this label.
    pub(crate) async fn field(&self, label: &str) -> Element {
        let label = self.wait_for(&format!("//label[normalize-space()={}]", quoted(label))).await;
        let id = label.attr("for").await.unwrap().unwrap();
        self.client.find(Locator::Id(&id)).await.unwrap()
    }

    /// Types into the field with this label, in place of what is there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Asserts that this is said to be wrong with the field, and that the list of errors leads to it.
    pub(crate) async fn assert_faulty(&self, label: &str, error: &str) {
        // The page that says so, not the one before it.
        self.button(error).await;
        let field = self.field(label).await;
        assert_eq!(field.attr("aria-invalid").await.unwrap().as_deref(), Some("true"), "{label}");
        let described_by = field.attr("aria-describedby").await.unwrap().unwrap();
        let error_id = described_by.split(' ').next_back().unwrap();
        let described = self.client.find(Locator::Id(error_id)).await.unwrap();
        assert_eq!(described.text().await.unwrap(), error);
        self.press(error).await;
        let active = self.client.active_element().await.unwrap();
        assert_eq!(active.attr("id").await.unwrap(), field.attr("id").await.unwrap());
    }

    /// Whether the page has anything at `css`.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    /// Where it is.
    pub(crate) async fn url(&self) -> Url {
        self.client.current_url().await.unwrap()
    }

    /// What the page reads, in one piece, as it is seen.
    pub(crate) async fn text(&self) -> String {
        let text = self.client.execute("return document.body.innerText", Vec::new()).await.unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// The status that the page came with.
    pub(crate) async fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.client.execute(script, Vec::new()).await.unwrap().as_u64().unwrap()
    }
}

/// An XPath string; no text here has both kinds of quotes.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}

/// A command that WebDriver itself doesn't have.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, url::ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(self.body.to_string()))
    }
}

const CHROMEDRIVER: &str = "chromedriver";

/// How often it is started at most; that many ports in a row are not in use by others.
const STARTS: u32 = 10;

/// The driver and the browser, if there are both.
fn installed() -> Option<(PathBuf, PathBuf)> {
    let path = std::env::var_os("PATH")?;
    let find = |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find)?;
    Some((find(CHROMEDRIVER)?, chromium))
}

fn say_skipped() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = [
            "THE BROWSER TESTS WERE SKIPPED",
            "There is no chromedriver or no Chromium in PATH, so nobody has",
            "walked through the checkout. On Debian and Ubuntu:",
            "    apt-get install chromium chromium-driver",
            "BROWSER_TESTS=required makes this a failure.",
        ];
        let edge = "*".repeat(70);
        let mut message = format!("\n{edge}\n");
        lines.iter().for_each(|line| message.push_str(&format!("* {line:<66} *\n")));
        message.push_str(&format!("{edge}\n"));
        // Straight to the file: what is printed by macro is shown for failed tests alone.
        let _ = stderr().write_all(message.as_bytes());
    });
}

fn capabilities(chromium: &Path, folder: &Path, scripts: Scripts) -> Value {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "binary": chromium,
            "args": [
                profile, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--disable-breakpad", "--disable-lcd-text", "--no-proxy-server", "--hide-scrollbars",
                // A pipe instead of a port: when the driver dies, so does the browser.
                "--remote-debugging-pipe",
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": scripts as u8 },
        },
    })
}

/// A chromedriver on a free port. It, and every process it started, end when this is dropped or when the test's process
/// ends in whatever way; the folder with all that they wrote goes with it.
struct Driver {
    url: String,
    folder: TempDir,
    process: Child,
    /// Held, since it may still say something.
    _output: Option<BufReader<ChildStdout>>,
}

impl Driver {
    /// Chromedriver takes a free port of `::1` and then the same one of `127.0.0.1`, and ends where that is another's: it is
    /// started again, for another port.
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut said = Vec::new();
        (0..STARTS).find_map(|_| Self::try_start(program, arguments, &mut said)).unwrap_or_else(|| {
            panic!("{} ended {STARTS} times without a port:\n{}", program.display(), said.join("\n"))
        })
    }

    /// None if it ended by itself, and all that it said.
    fn try_start(program: &Path, arguments: &[&str], said: &mut Vec<String>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        // The shell leads a process group and kills it whole as soon as its input ends. It lets go of the driver's output,
        // which so ends with the driver.
        let mut process = Command::new("sh")
            .args(["-c", "\"$@\" & exec >&-; read -r _; kill -KILL 0", "sh"])
            .arg(program)
            .args(arguments)
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut driver = Self { url: String::new(), folder, process, _output: None };
        loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(port) = line.trim_end().strip_prefix("ChromeDriver was started successfully on port ") {
                driver.url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                driver._output = Some(output);
                return Some(driver);
            }
            said.push(line.trim_end().to_owned());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        // A process that has been killed may still be writing.
        let end = Instant::now() + PATIENCE;
        while std::fs::remove_dir_all(self.folder.path()).is_err() && self.folder.path().exists() {
            if Instant::now() > end {
                return;
            }
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_driver_that_finds_its_port_in_use_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = "if mkdir taken 2>/dev/null; then
            echo 'IPv4 port not available. Exiting...'
            exit 1
        fi
        echo 'ChromeDriver was started successfully on port 4567.'
        exec sleep 600";
    let script = format!("cd '{}'; {script}", folder.path().display());
    let driver = Driver::start(Path::new("sh"), &["-c", &script]);
    assert_eq!(driver.url, "http://127.0.0.1:4567");
}

#[test]
#[should_panic(expected = "ended 10 times without a port:\nIPv4 port not available. Exiting...")]
fn a_driver_that_finds_no_port_is_given_up() {
    Driver::start(Path::new("sh"), &["-c", "echo 'IPv4 port not available. Exiting...'"]);
}
