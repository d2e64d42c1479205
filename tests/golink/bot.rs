//! The real bot with links of its own, and a person of the tailnet who calls it as `go`.

use std::net::IpAddr;

use nightlatch::app::Bot;
use nightlatch::clock::{Clock, Ids};
use nightlatch::config::{Config, Secrets, SlackSecrets, TailscaleSecrets};
use nightlatch::playground::slack::{Seed, SlackWorld};
use nightlatch::playground::tailnet::{Serving, TailnetWorld};
use secrecy::SecretString;

/// Running until it is stopped.
pub struct Ours {
    /// Where it answers.
    pub base: String,
    /// Calls come from the device of `foo@example.com`, with `go` as the host.
    pub client: reqwest::Client,
    /// Calls come from nobody the tailnet knows, with the address as the host.
    pub elsewhere: reqwest::Client,
    /// Calls come straight to the bot's unix socket, whatever the host: from a program of its own machine.
    pub beside: reqwest::Client,
    pub tailnet: TailnetWorld,
    bot: Bot,
    _worlds: (SlackWorld, Serving, tempfile::TempDir),
}

impl Ours {
    /// The tailnet address of foo's device.
    pub fn foo(&self) -> String {
        self.tailnet.address("foo-laptop").expect("a device")
    }

    /// Calls come from this address of the machine.
    pub fn at(&self, from: impl Into<IpAddr>) -> reqwest::Client {
        super::reqwest_client(Some(from.into()))
    }

    pub async fn stop(self) {
        self.bot.stop().await;
    }
}

/// Starts it.
pub async fn start() -> Ours {
    let clock = Clock::system();
    let slack = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("the workspace starts");
    let tailnet = TailnetWorld::start(clock.clone()).await.expect("the tailnet starts");
    tailnet.add_user(super::WHO, "Foo");
    tailnet.add_device("foo-laptop", "linux", super::WHO);
    let here: IpAddr = [127, 0, 0, 61].into();
    tailnet.sits_at(&here.to_string(), "foo-laptop");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("workflows")).expect("a folder for workflows");
    let socket = folder.path().join("http.sock");
    let serving = tailnet.serve(&socket, 0).await.expect("a port");
    let text = format!(
        "database: sqlite://nightlatch.db\nlisten: unix:http.sock\nurl: https://nightlatch.example.ts.net\nslack:\n  mode: socket\n  \
         api_url: {}\n  bot_token: env:A\n  app_token: env:B\ntailscale:\n  api_url: {}\n  client_id: env:C\n  client_secret: env:D\n  \
         socket: {}\n",
        slack.api_url(),
        tailnet.url(),
        tailnet.socket().display(),
    );
    let config = Config::from_text("nightlatch.yaml", folder.path(), &text).expect("a good configuration");
    let app = slack.app();
    let secrets = Secrets {
        slack: SlackSecrets {
            bot_token: SecretString::from(app.bot_token),
            app_token: Some(SecretString::from(app.app_token)),
            signing_secret: None,
        },
        tailscale: TailscaleSecrets::Client { id: tailnet.client_id(), secret: tailnet.client_secret() },
        named: Default::default(),
    };
    let bot = Bot::start(&config, secrets, clock, Ids::random()).await.expect("the bot starts");
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("host", "go".parse().expect("a host"));
    nightlatch::outside::tls();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .local_address(here)
        .default_headers(headers)
        .build()
        .expect("a client");
    let elsewhere = super::reqwest_client(None);
    let beside = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]);
    let beside = beside.unix_socket(socket).build().expect("a client");
    let base = format!("http://{}", serving.address);
    Ours { base, client, elsewhere, beside, tailnet, bot, _worlds: (slack, serving, folder) }
}
