//! A real browser in front of the real `nightlatch demo`: starting both, and waiting for what must become so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// One browser at a time: they are heavy, and a starved browser looks like a broken page.
static TURN: LazyLock<tokio::sync::Mutex<()>> = LazyLock::new(tokio::sync::Mutex::default);

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The demo's page in a browser.
pub struct Page {
    pub client: Client,
    pub url: String,
}

/// Opens the page in a browser of `width` pixels and hands it to the test. Where there is no browser the test did not
/// run, and says so where nobody overlooks it; in CI that is a failure.
pub async fn with_page(width: u32, test: impl AsyncFnOnce(&Page)) {
    let (Some(driver), Some(browser)) =
        (find(&["chromedriver"]), find(&["chromium", "chromium-browser", "google-chrome"]))
    else {
        let words =
            "NOT RUN: the browser tests need chromium and chromedriver (apt-get install chromium chromium-driver)";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{words}");
        // Not `eprintln!`, which is kept from people when a test passes. `./test` repeats it in its last lines.
        drop(writeln!(std::io::stderr().lock(), "\n{words}"));
        if let Some(list) = std::env::var_os("NIGHTLATCH_NOT_RUN") {
            let list = std::fs::OpenOptions::new().append(true).open(list);
            drop(list.and_then(|mut list| writeln!(list, "{words}")));
        }
        return;
    };
    let _one_at_a_time = TURN.lock().await;
    let profile = tempfile::tempdir().expect("a folder");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_nightlatch"));
    // It is killed in the end, so its own folder goes with ours.
    demo.args(["demo", "--port", "0"]).env("TMPDIR", profile.path());
    let (_demo, url) = started(&mut demo, |line| {
        let line = line.trim();
        line.starts_with("http://").then(|| line.to_owned())
    });
    // The free port it finds for IPv4 may be taken for IPv6; then it gives up, and the next one is free.
    let port_in = |line: &str| {
        line.split_once("started successfully on port ")?.1.trim_end_matches(['.', '\n']).parse::<u16>().ok()
    };
    let driven = (0..5).find_map(|_| try_started(Command::new(&driver).arg("--port=0"), port_in));
    let (_driver, port) = driven.expect("the driver starts");
    let client = connect(port, &browser, profile.path(), width).await;
    let page = Page { client, url };
    page.client.goto(&page.url).await.expect("the page opens");
    page.until("document.getElementById('composer')", "the page is drawn").await;
    test(&page).await;
    page.client.clone().close().await.expect("the browser closes");
}

async fn connect(port: u16, browser: &Path, profile: &Path, width: u32) -> Client {
    let wishes = json!({
        "goog:chromeOptions": {
            "binary": browser,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
                format!("--user-data-dir={}", profile.display()), format!("--window-size={width},1000"),
            ],
            "mobileEmulation": (width < 500).then(|| json!({ "deviceMetrics": { "width": width, "height": 844, "pixelRatio": 1 } })),
        },
        "timeouts": { "script": 20_000 },
    });
    let mut wishes = wishes.as_object().expect("an object").clone();
    if let Some(options) = wishes.get_mut("goog:chromeOptions").and_then(Value::as_object_mut) {
        options.retain(|_, value| !value.is_null());
    }
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(wishes);
    builder.connect(&format!("http://127.0.0.1:{port}")).await.expect("a browser")
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let all = std::env::split_paths(&folders).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// Starts a program and reads its lines until one holds what is looked for. The rest is read and dropped.
fn started<T>(command: &mut Command, look: impl Fn(&str) -> Option<T>) -> (Running, T) {
    let shown = format!("{command:?}");
    try_started(command, look).unwrap_or_else(|| panic!("{shown} ended before it was ready"))
}

/// The same; nothing if it ends before that.
fn try_started<T>(command: &mut Command, look: impl Fn(&str) -> Option<T>) -> Option<(Running, T)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut lines: BufReader<ChildStdout> = BufReader::new(child.stdout.take().expect("its output"));
    let running = Running(child);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).expect("its output") == 0 {
            return None;
        }
        if let Some(found) = look(&line) {
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return Some((running, found));
        }
    }
}

/// So often something may be drawn anew between being found and being pressed.
const STALE_MAX: usize = 20;

impl Page {
    /// Waits until an expression of the page is true; looked at whenever the page is drawn.
    pub async fn until(&self, condition: &str, what: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => {{ if ({condition}) done(true); else requestAnimationFrame(look); }};
             look();"
        );
        if let Err(error) = self.client.execute_async(&script, Vec::new()).await {
            let shown = self.client.execute("return document.body.innerText", Vec::new()).await;
            panic!(
                "not so: {what} ({condition})\n{error}\nthe page shows:\n{}",
                shown.unwrap_or_default().as_str().unwrap_or("")
            );
        }
    }

    /// Waits until something that fits `css` holds the words.
    pub async fn see(&self, css: &str, words: &str) {
        let (css_text, words_text) = (json!(css), json!(words));
        let condition =
            format!("[...document.querySelectorAll({css_text})].some((one) => one.innerText.includes({words_text}))");
        self.until(&condition, &format!("{css} shows {words:?}")).await;
    }

    pub async fn element(&self, css: &str) -> Element {
        self.until(&format!("document.querySelector({})", json!(css)), &format!("there is {css}")).await;
        self.client.find(Locator::Css(css)).await.expect("it is there")
    }

    pub async fn click(&self, css: &str) {
        // The page may draw what was found anew before it is pressed; then the new one is.
        for _ in 0..STALE_MAX {
            match self.element(css).await.click().await {
                Err(error) if error.is_stale_element_reference() => {}
                clicked => return clicked.unwrap_or_else(|error| panic!("{css} can be clicked: {error}")),
            }
        }
        panic!("{css} is drawn anew again and again");
    }

    /// Presses what leads to another page, and waits until that is there: a look that begins on the page one leaves is lost
    /// with it.
    pub async fn click_to(&self, css: &str, address: &str) {
        self.click(css).await;
        let address = address.parse().expect("an address");
        self.client.wait().for_url(&address).await.unwrap_or_else(|error| panic!("{css} leads to {address}: {error}"));
    }

    /// Types into whatever has the focus.
    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.expect("a focus").send_keys(keys).await.expect("keys are taken");
    }

    pub async fn type_line(&self, line: &str) {
        self.click("#composer").await;
        self.keys(&format!("{line}\u{e007}")).await;
    }

    pub async fn become_(&self, person: &str) {
        self.click(&format!("[data-person={person}]")).await;
        self.until(
            &format!("document.querySelector('[data-person={person}][aria-checked=true]')"),
            "one is somebody else",
        )
        .await;
        let name: String = person.chars().take(1).flat_map(char::to_uppercase).chain(person.chars().skip(1)).collect();
        self.see(".seen-as", &name).await;
    }

    /// Presses a key until something that fits `css` has the focus.
    pub async fn tab_to(&self, key: &str, css: &str) {
        for _ in 0..80 {
            self.keys(key).await;
            let is_there = format!("return document.activeElement.matches({})", json!(css));
            if self.client.execute(&is_there, Vec::new()).await.expect("an answer") == json!(true) {
                return;
            }
        }
        panic!("{css} cannot be reached by keyboard");
    }
}
