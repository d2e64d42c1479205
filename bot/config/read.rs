//! From the tree of `nightlatch.yaml` to `Config`: every key, its default, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use super::address::{self, AddressError, Listen};
use super::anchor;
use super::mask::{mask_line, mask_message};
use super::secret::{SecretSource, Setting};
use super::sheet::{Fields, Sheet};
use super::yaml::{Node, Value};
use super::{
    Config, Database, Folders, Report, SlackConfig, SlackMode, TailscaleConfig, TailscaleCredential, TclipConfig,
};

const KEYS: &[&str] = &[
    "database",
    "anchor",
    "anchor_channel",
    "listen",
    "listen_anywhere",
    "url",
    "workflows",
    "policies",
    "templates",
    "slack",
    "tailscale",
    "golink",
    "tclip",
    "people",
    "ceilings",
    "control",
    "operators",
    "secrets",
    "programs",
    "run_as",
];

/// Reads the text; `None` fields below mean that a mistake was noted.
pub(super) fn config(name: &str, folder: &Path, text: &str) -> Result<Config, Report> {
    let mut sheet = Sheet::new(name, text).masked(mask_line, mask_message);
    let config = sheet.parse().and_then(|node| top(&mut sheet, folder, &node));
    match config {
        Some(config) if sheet.is_clean() => Ok(config),
        _ => Err(sheet.into_report()),
    }
}

/// The folders the text names, whatever else is wrong with it.
pub(super) fn folders(folder: &Path, text: &str) -> Folders {
    let mut sheet = Sheet::new("", text);
    let node = sheet.parse();
    let fields = node.as_ref().and_then(|node| sheet.fields(node, "", KEYS));
    let mut named = |name: &str| {
        let named = fields.as_ref().and_then(|fields| folder_of(&mut sheet, folder, fields, name));
        named.unwrap_or_else(|| folder.join(name))
    };
    Folders {
        workflows: named("workflows"),
        policies: named("policies"),
        templates: named("templates"),
        staff: folder.join(super::STAFF),
        secrets: None,
        programs: None,
        golink: false,
    }
}

fn top(sheet: &mut Sheet, folder: &Path, node: &Node) -> Option<Config> {
    let fields = sheet.fields(node, "the configuration", KEYS)?;
    let database = database(sheet, folder, &fields);
    let anchor = database.as_ref().and_then(|database| anchor::file(sheet, folder, &fields, database));
    let anchor_channel = anchor::channel(sheet, &fields);
    let anywhere = anywhere(sheet, &fields);
    let listen = listen(sheet, folder, &fields, anywhere);
    let workflows = folder_of(sheet, folder, &fields, "workflows");
    let policies = folder_of(sheet, folder, &fields, "policies");
    let templates = folder_of(sheet, folder, &fields, "templates");
    let slack = slack(sheet, folder, &fields, Pages { listen: listen.as_ref(), anywhere });
    let tailscale = tailscale(sheet, folder, &fields);
    let url = url(sheet, &fields, slack.as_ref().map(|slack| slack.mode));
    let golink = service(sheet, &fields, "golink");
    let tclip = tclip(sheet, &fields);
    let people = people(sheet, &fields);
    let ceilings = super::ceilings::ceilings(sheet, &fields);
    let control = super::operators::socket(sheet, folder, &fields, database.as_ref());
    let operators = super::operators::people(sheet, &fields);
    let secrets = super::named::secrets(sheet, folder, &fields);
    let programs = super::programs::programs(sheet, &fields);
    Some(Config {
        database: database?,
        anchor: anchor?,
        anchor_channel,
        listen: listen?,
        url,
        workflows: workflows?,
        policies: policies?,
        templates: templates?,
        staff: folder.join(super::STAFF),
        slack: slack?,
        tailscale: tailscale?,
        golink,
        tclip,
        people,
        ceilings,
        control,
        operators,
        secrets,
        programs,
    })
}

/// The value of a key that may be left out; a key with nothing after it counts as left out.
pub(super) fn optional<'n>(fields: &Fields<'n>, name: &str) -> Option<&'n Node> {
    fields.get(name).filter(|node| node.value != Value::Nothing)
}

fn checked<T>(sheet: &mut Sheet, node: &Node, result: Result<T, AddressError>) -> Option<T> {
    result.map_err(|error| sheet.mistake(node.place, error.message, Some(error.help))).ok()
}

fn database(sheet: &mut Sheet, folder: &Path, fields: &Fields) -> Option<Database> {
    const HELP: &str = "write sqlite://nightlatch.db, or sqlite:///var/lib/nightlatch/nightlatch.db";
    let Some(node) = optional(fields, "database") else {
        return Some(Database::Sqlite(folder.join("nightlatch.db")));
    };
    let text = sheet.text(node, "`database`")?;
    let message = match text.strip_prefix("sqlite://") {
        Some("") => "`database` names no file",
        Some(path) if path.contains([':', '?', '#']) => "`database` must be a file and nothing else",
        Some(path) => return Some(Database::Sqlite(folder.join(path))),
        None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
            "PostgreSQL is not supported in this version"
        }
        None => "`database` must start with sqlite://",
    };
    sheet.mistake(node.place, message, Some(HELP.to_owned()));
    None
}

fn listen(sheet: &mut Sheet, folder: &Path, fields: &Fields, anywhere: bool) -> Option<Listen> {
    let Some(node) = optional(fields, "listen") else {
        return Some(Listen::Tcp(([127, 0, 0, 1], 7465).into()));
    };
    let text = sheet.text(node, "`listen`")?;
    checked(sheet, node, address::listen("listen", text, folder, anywhere))
}

fn anywhere(sheet: &mut Sheet, fields: &Fields) -> bool {
    optional(fields, "listen_anywhere").and_then(|node| sheet.flag(node, "`listen_anywhere`")).unwrap_or_default()
}

/// Where everything but Slack's calls may arrive.
#[derive(Clone, Copy)]
struct Pages<'l> {
    listen: Option<&'l Listen>,
    anywhere: bool,
}

/// Where Slack's calls arrive, if not where the pages are.
fn slack_listen(
    sheet: &mut Sheet,
    folder: &Path,
    fields: &Fields,
    mode: Option<&str>,
    pages: Pages,
) -> Option<Option<Listen>> {
    let Some(node) = optional(fields, "listen") else { return Some(None) };
    let text = sheet.text(node, "`slack.listen`")?;
    let listen = checked(sheet, node, address::listen("slack.listen", text, folder, pages.anywhere))?;
    if mode == Some("socket") {
        let help = "leave it out, or write mode: http";
        sheet.mistake(
            node.place,
            "`slack.listen` is for mode: http; over a socket nothing arrives",
            Some(help.to_owned()),
        );
        return None;
    }
    let any_port = matches!(&listen, Listen::Tcp(address) if address.port() == 0);
    if pages.listen == Some(&listen) && !any_port {
        let help = "choose another, or leave it out: then Slack's calls arrive where the pages are";
        sheet.mistake(node.place, "`slack.listen` is the same address as `listen`", Some(help.to_owned()));
        return None;
    }
    Some(Some(listen))
}

fn url(sheet: &mut Sheet, fields: &Fields, mode: Option<SlackMode>) -> Option<Url> {
    const HELP: &str = "write how Slack reaches this bot, like https://nightlatch.example.ts.net";
    let needed = mode == Some(SlackMode::Http);
    let node = match optional(fields, "url") {
        Some(node) => node,
        None if needed => {
            sheet.mistake(fields.place(), "`url` is missing: `slack.mode: http` needs it", Some(HELP.to_owned()));
            return None;
        }
        None => return None,
    };
    let text = sheet.text(node, "`url`")?;
    let url = checked(sheet, node, address::web("url", text))?;
    if needed && url.scheme() != "https" && !address::is_here(&url) {
        sheet.mistake(node.place, "`url` must be https: Slack calls nothing else", Some(HELP.to_owned()));
        return None;
    }
    Some(url)
}

fn folder_of(sheet: &mut Sheet, folder: &Path, fields: &Fields, name: &str) -> Option<PathBuf> {
    match optional(fields, name) {
        Some(node) => sheet.text(node, &format!("`{name}`")).map(|text| folder.join(text)),
        None => Some(folder.join(name)),
    }
}

fn slack(sheet: &mut Sheet, folder: &Path, fields: &Fields, pages: Pages) -> Option<SlackConfig> {
    const KEYS: &[&str] = &["mode", "listen", "api_url", "bot_token", "app_token", "signing_secret"];
    let node = sheet.required(fields, "slack", "add slack: with mode, bot_token and app_token")?;
    let fields = sheet.fields(node, "`slack`", KEYS)?;
    let mode = match optional(&fields, "mode") {
        Some(node) => sheet.word(node, "`slack.mode`", &["socket", "http"]),
        None => Some("socket"),
    };
    let listen = slack_listen(sheet, folder, &fields, mode, pages);
    let api_url = api_url(sheet, &fields, "slack.api_url", "https://slack.com/api");
    let bot_token = secret(sheet, folder, &fields, "slack", "bot_token", true);
    let app_token = secret(sheet, folder, &fields, "slack", "app_token", mode == Some("socket"));
    let signing_secret = secret(sheet, folder, &fields, "slack", "signing_secret", mode == Some("http"));
    Some(SlackConfig {
        mode: if mode? == "http" { SlackMode::Http } else { SlackMode::Socket },
        listen: listen?,
        api_url: api_url?,
        bot_token: bot_token?,
        app_token,
        signing_secret,
    })
}

fn tailscale(sheet: &mut Sheet, folder: &Path, fields: &Fields) -> Option<TailscaleConfig> {
    const KEYS: &[&str] = &["api_url", "client_id", "client_secret", "api_key", "socket", "policy_file"];
    let node = sheet.required(fields, "tailscale", "add tailscale: with client_id and client_secret")?;
    let fields = sheet.fields(node, "`tailscale`", KEYS)?;
    let api_url = api_url(sheet, &fields, "tailscale.api_url", "https://api.tailscale.com");
    let socket = match optional(&fields, "socket") {
        Some(node) => sheet.text(node, "`tailscale.socket`").map(|text| folder.join(text)),
        None => Some(PathBuf::from("/var/run/tailscale/tailscaled.sock")),
    };
    let credential = credential(sheet, folder, &fields);
    let policy_file = super::policy_file::policy_file(sheet, &fields);
    Some(TailscaleConfig { api_url: api_url?, credential: credential?, socket: socket?, policy_file })
}

fn credential(sheet: &mut Sheet, folder: &Path, fields: &Fields) -> Option<TailscaleCredential> {
    let client = optional(fields, "client_id").or_else(|| optional(fields, "client_secret"));
    match (optional(fields, "api_key"), client) {
        (Some(key), Some(_)) => {
            let help = "keep client_id and client_secret: they do not end when a person leaves";
            sheet.mistake(key.place, "`api_key` and an OAuth client exclude each other", Some(help.to_owned()));
            // What else is wrong with them is told too: a secret in the file, above all.
            for name in ["api_key", "client_secret"] {
                secret(sheet, folder, fields, "tailscale", name, false);
            }
            None
        }
        (Some(_), None) => secret(sheet, folder, fields, "tailscale", "api_key", true).map(TailscaleCredential::ApiKey),
        (None, _) => {
            let id = client_id(sheet, folder, fields);
            let secret = secret(sheet, folder, fields, "tailscale", "client_secret", true);
            Some(TailscaleCredential::Client { id: id?, secret: secret? })
        }
    }
}

fn client_id(sheet: &mut Sheet, folder: &Path, fields: &Fields) -> Option<Setting> {
    let node = sheet.required(fields, "client_id", "write env:TAILSCALE_CLIENT_ID, or the id itself")?;
    let text = sheet.text(node, "`tailscale.client_id`")?;
    if text.starts_with("tskey-") {
        let help = "this is a secret: it belongs to client_secret, as env:NAME or file:/path";
        sheet.mistake(node.place, "`tailscale.client_id` holds a key", Some(help.to_owned()));
        return None;
    }
    match source(folder, text) {
        Source::Named(source) => Some(Setting::From(source)),
        Source::Literal => Some(Setting::Here(text.trim().to_owned())),
        Source::Wrong { message, help } => {
            sheet.mistake(node.place, format!("`tailscale.client_id` {message}"), Some(help));
            None
        }
    }
}

fn api_url(sheet: &mut Sheet, fields: &Fields, key: &str, default: &str) -> Option<Url> {
    match optional(fields, "api_url") {
        Some(node) => {
            let text = sheet.text(node, &format!("`{key}`"))?;
            checked(sheet, node, address::api(key, text))
        }
        None => Url::parse(default).ok(),
    }
}

fn service(sheet: &mut Sheet, fields: &Fields, name: &str) -> Option<Url> {
    let node = optional(fields, name)?;
    let fields = sheet.fields(node, &format!("`{name}`"), &["url"])?;
    let node = sheet.required(&fields, "url", &format!("write {name}: {{ url: ... }}"))?;
    let key = format!("{name}.url");
    let text = sheet.text(node, &format!("`{key}`"))?;
    checked(sheet, node, address::web(&key, text))
}

fn tclip(sheet: &mut Sheet, fields: &Fields) -> Option<TclipConfig> {
    let node = optional(fields, "tclip")?;
    let fields = sheet.fields(node, "`tclip`", &["url", "public"])?;
    let is_public = match optional(&fields, "public") {
        Some(node) => sheet.flag(node, "`tclip.public`")?,
        None => false,
    };
    let node = sheet.required(&fields, "url", "write tclip: { url: http://paste }")?;
    let text = sheet.text(node, "`tclip.url`")?;
    checked(sheet, node, address::web("tclip.url", text)).map(|url| TclipConfig { url, is_public })
}

fn people(sheet: &mut Sheet, fields: &Fields) -> BTreeMap<String, String> {
    let mut people = BTreeMap::new();
    let entries = optional(fields, "people").and_then(|node| sheet.map(node, "`people`")).unwrap_or_default();
    for (key, node) in entries {
        let is_id = key.name.starts_with(['U', 'W'])
            && (6..=32).contains(&key.name.len())
            && key.name.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        if !is_id {
            let help = "write the member id: in Slack, open the person's profile, ⋮, Copy member ID";
            sheet.mistake(key.place, "this is not a Slack person's id (U... or W...)", Some(help.to_owned()));
        }
        people.extend(super::operators::login(sheet, node).map(|login| (key.name.clone(), login)));
    }
    people
}

fn secret(
    sheet: &mut Sheet,
    folder: &Path,
    fields: &Fields,
    part: &str,
    name: &str,
    is_required: bool,
) -> Option<SecretSource> {
    let key = format!("{part}.{name}");
    let variable = key.replace('.', "_").to_uppercase();
    let help = format!("write env:{variable} or file:/path");
    let node = if is_required { sheet.required(fields, name, &help)? } else { optional(fields, name)? };
    let found = match &node.value {
        Value::Text(text) => source(folder, text),
        _ => Source::Literal,
    };
    match found {
        Source::Named(source) => return Some(source),
        Source::Wrong { message, help } => sheet.mistake(node.place, format!("`{key}` {message}"), Some(help)),
        Source::Literal => {
            let message = format!("`{key}` holds the secret itself");
            let help = format!("{help}, and replace the secret: it was in a file");
            sheet.mistake_showing(node.place, node.place.start, message, Some(help));
        }
    }
    None
}

pub(super) enum Source {
    Named(SecretSource),
    Literal,
    Wrong { message: String, help: String },
}

pub(super) fn source(folder: &Path, text: &str) -> Source {
    let wrong = |message: &str, help: &str| Source::Wrong { message: message.to_owned(), help: help.to_owned() };
    let text = text.trim();
    if let Some(name) = text.strip_prefix("env:") {
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return if is_name {
            Source::Named(SecretSource::Env(name.to_owned()))
        } else {
            wrong("does not name an environment variable after env:", "letters, digits and _, like env:SLACK_BOT_TOKEN")
        };
    }
    if let Some(path) = text.strip_prefix("file:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return if path.is_empty() {
            wrong("has no path after file:", "like file:/run/credentials/nightlatch.service/bot_token")
        } else {
            Source::Named(SecretSource::File(folder.join(path)))
        };
    }
    if text.starts_with("setec:") {
        return wrong("cannot come from setec in this version", "use env:NAME or file:/path");
    }
    Source::Literal
}
