//! What the bot says about go links. Destinations are shown as what they are; only web addresses can be clicked.

use serde_json::{Value, json};

use super::Said;
use super::blocks::Message;
use super::text::{code, fit, one_line};
use super::words::{escape, when};
use crate::kernel::link::{Link, Target};

/// Rows of a list.
const ROWS_MAX: usize = 20;
/// Of a destination in a list.
const ROW_LONG_MAX: usize = 120;
/// Of a destination by itself.
const LONG_MAX: usize = 1_500;
/// Slack: 2,000 characters for the value of a button.
pub const VALUE_MAX: usize = 2_000;

/// A link as it is shown: its name, where it is followed, and what else is known.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The link.
    pub link: &'a Link,
    /// What was typed behind the name and all, like `prod/db?x=1`.
    pub typed: &'a str,
    /// `http://go/prod/db?x=1`
    pub address: &'a str,
    /// It belongs to whoever reads this.
    pub is_mine: bool,
}

/// One row of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// The link.
    pub link: Link,
    /// Where it is followed.
    pub address: String,
    /// How often it was.
    pub clicks: i64,
}

/// What can follow `/go` beside a name.
pub const HELP: &str = "`/go NAME` says where a go link leads.\n---\n*Follow*\n`/go NAME` or `/go NAME/more?of=it` shows where it leads, \
     for you alone; *Share here* shows it to everybody.\n---\n*Make and change*\n`/go NAME https://...` makes a link. `/go edit NAME` \
     changes yours, `/go delete NAME` removes it. The shortcut on a message makes one of its first address. Names have letters, digits, dashes, periods and underscores; case and dashes do not matter.\n---\n*Find*\n\
     `/go search WORDS`, `/go mine`, `/go top`\n---\n~ Destinations can hold `{{.Path}}`, `{{.User}}` and the rest of golink's templates. \
     A link that is called like one of these words: `/go /help`.";

/// An address that Slack shows as a link with this label; its own signs cannot end it early.
fn link_to(address: &str, label: &str) -> String {
    let address = address.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C");
    // A label with the sign between address and label in it would end there.
    format!("<{address}|{}>", escape(&one_line(label, 200)).replace('|', "¦"))
}

/// Whether a click on it opens a page and nothing else.
pub fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// `go/prod/db` as a link to the address where it is followed.
fn name(typed: &str, address: &str) -> String {
    let label = format!("go/{typed}");
    if address.starts_with("http://") || address.starts_with("https://") {
        link_to(address, &label)
    } else {
        code(&label)
    }
}

fn destination(target: &Target) -> String {
    if is_web(&target.scheme) && target.address.len() <= LONG_MAX {
        return link_to(&target.address, &target.address);
    }
    code(&one_line(&target.address, LONG_MAX))
}

fn warning(target: &Target) -> Option<&'static str> {
    (!is_web(&target.scheme)).then_some("\n:warning: That is no web address. Copy it only if you know what it does.")
}

fn owner(link: &Link) -> String {
    if link.owner.is_empty() { "nobody".to_owned() } else { code(&one_line(&link.owner, 100)) }
}

fn button(action_id: &str, words: &str, value: &str) -> Value {
    json!({
        "type": "button",
        "action_id": action_id,
        "text": { "type": "plain_text", "text": words, "emoji": true },
        "value": value,
    })
}

fn styled(mut button: Value, style: &str) -> Value {
    if let Some(map) = button.as_object_mut() {
        map.insert("style".to_owned(), style.into());
    }
    button
}

/// Share here, Details, and Edit if it is theirs; none whose value Slack would not take.
fn usual(shown: &Shown<'_>) -> Vec<Value> {
    let mut buttons =
        vec![button("link_share", "Share here", shown.typed), button("link_details", "Details", &shown.link.short)];
    if shown.is_mine {
        buttons.push(button("link_edit", "Edit", &shown.link.short));
    }
    fitting(buttons)
}

fn fitting(mut buttons: Vec<Value>) -> Vec<Value> {
    let fits = |button: &Value| {
        let value = button.get("value").and_then(Value::as_str).unwrap_or_default();
        !value.is_empty() && value.chars().count() <= VALUE_MAX
    };
    buttons.retain(fits);
    buttons
}

/// The first part is shown like the others.
fn said(text: &str, buttons: Vec<Value>) -> Said {
    let head = text.split("\n---").next().unwrap_or(text);
    let mut message = if head == text { Message::of(text) } else { Message::of(&format!("{head}\n---\n{text}")) };
    message.buttons(buttons, None);
    message.finish().unwrap_or_else(|| Said { text: text.to_owned(), blocks: json!([]) })
}

/// Words alone, with or without buttons.
pub fn plainly(text: &str, buttons: Vec<Value>) -> Said {
    said(text, fitting(buttons))
}

/// The private answer to `/go NAME`.
pub fn followed(shown: &Shown<'_>, target: &Target) -> Said {
    let text = format!(
        "*{}* leads to {}{}\n---\n~ of {}",
        name(shown.typed, shown.address),
        destination(target),
        warning(target).unwrap_or_default(),
        owner(shown.link),
    );
    said(&text, usual(shown))
}

/// What everybody in a channel sees. A link that depends on who follows it names no destination: it would be the sharer's.
pub fn shared(by: &str, shown: &Shown<'_>, target: &Target) -> Said {
    let who = super::words::mention(by);
    let name = name(shown.typed, shown.address);
    let text = if shown.link.long.contains(".User") && is_web(&target.scheme) {
        format!("{who} shared *{name}*")
    } else {
        format!("{who} shared *{name}*: {}{}", destination(target), warning(target).unwrap_or_default())
    };
    said(&text, Vec::new())
}

/// Everything about one link. `clicks`: none if it is not known; `page`: where it is seen in a browser; `golink`: where it is
/// kept, if not here, where it could be deleted.
pub fn details(shown: &Shown<'_>, clicks: Option<i64>, page: &str, golink: Option<&str>, now: i64) -> Said {
    let link = shown.link;
    let text = format!(
        "*{}* leads to {}\n---\n= Owner: {}{}\n= Made: {}\n= Changed: {}\n---\n~ {}",
        name(&link.short, shown.address),
        code(&one_line(&link.long, LONG_MAX)),
        owner(link),
        clicks.map(|clicks| format!("\n= Followed: {}", times(clicks))).unwrap_or_default(),
        when(link.created_at, now),
        when(link.edited_at, now),
        deletion(page, golink.is_some()),
    );
    let mut buttons = usual(shown);
    buttons.retain(|button| button.get("action_id") != Some(&"link_details".into()));
    if shown.is_mine && golink.is_none() {
        let mut delete = styled(button("link_delete", "Delete", &link.short), "danger");
        if let Some(map) = delete.as_object_mut() {
            map.insert("confirm".to_owned(), confirm(&link.short));
        }
        buttons.push(delete);
    }
    said(&text, fitting(buttons))
}

fn confirm(short: &str) -> Value {
    let plain = |text: String| json!({ "type": "plain_text", "text": text });
    json!({
        "title": plain("Delete it?".to_owned()),
        "text": plain(format!("go/{} will lead nowhere, for everybody.", fit(short, 200))),
        "confirm": plain("Delete".to_owned()),
        "deny": plain("Keep".to_owned()),
        "style": "danger",
    })
}

fn times(clicks: i64) -> String {
    match clicks {
        0 => "never yet".to_owned(),
        1 => "once".to_owned(),
        many => format!("{many} times"),
    }
}

/// What golink's interface cannot do is said, with the place where it can be done.
pub fn deletion(page: &str, is_golink: bool) -> String {
    let page = if page.starts_with("http") { link_to(page, "its page") } else { code(page) };
    if is_golink {
        format!("golink lets no program delete links: its owner deletes it on {page}.")
    } else {
        format!("In a browser: {page}.")
    }
}

/// It was made, or changed.
pub fn saved(shown: &Shown<'_>, was_there: bool) -> Said {
    let word = if was_there { "now leads" } else { "is made and leads" };
    let long = one_line(&shown.link.long, LONG_MAX);
    let text =
        format!("*{}* {word} to {}\n---\n~ of {}", name(shown.typed, shown.address), code(&long), owner(shown.link));
    said(&text, usual(shown))
}

/// It was not made or changed after all, or nobody knows. `why`: a fragment.
pub fn not_saved(wanted: &Link, is_known: bool, why: &str) -> Said {
    let name = code(&format!("go/{}", one_line(&wanted.short, 100)));
    let what = match is_known {
        true => format!("{name} was not changed"),
        false => format!("I could not find out whether {name} was changed"),
    };
    let text = format!(
        "{what}: {}. To try again: {}",
        escape(&one_line(why, 400)),
        code(&one_line(&format!("/go {} {}", wanted.short, wanted.long), LONG_MAX)),
    );
    said(&text, Vec::new())
}

/// It is as they want it: a double click, or a command typed twice.
pub fn already(shown: &Shown<'_>) -> Said {
    let long = code(&one_line(&shown.link.long, LONG_MAX));
    let text = format!(
        "*{}* is yours and leads to {long} already\n---\n~ Nothing was changed.",
        name(shown.typed, shown.address)
    );
    said(&text, usual(shown))
}

/// It is the person's own, or nobody's, and leads elsewhere: they are asked before it is replaced.
pub fn replace(shown: &Shown<'_>, long: &str, value: &str) -> Said {
    let whose = match shown.is_mine {
        true => "is yours".to_owned(),
        false if shown.link.owner.is_empty() => "belongs to nobody".to_owned(),
        false => format!("belongs to {}, whom the tailnet does not know any more,", owner(shown.link)),
    };
    let text = format!(
        "*{}* {whose} and leads to {}\nReplace that with {}?",
        name(&shown.link.short, shown.address),
        code(&one_line(&shown.link.long, LONG_MAX)),
        code(&one_line(long, LONG_MAX)),
    );
    let buttons = vec![
        styled(button("link_replace", "Replace", value), "primary"),
        button("link_edit", "Edit", &shown.link.short),
    ];
    said(&text, fitting(buttons))
}

/// Why somebody is asked whether they mean this destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It opens something else than a page.
    NoWebAddress,
    /// It is the link itself.
    Itself,
    /// It has spaces in it.
    Spaces,
}

impl Doubt {
    /// In words that follow "that".
    pub fn said(self) -> &'static str {
        match self {
            Self::NoWebAddress => "is no web address: people who follow this link may open something else than a page",
            Self::Itself => "is this link itself, so it would lead in a circle",
            Self::Spaces => "has spaces in it, as no web address has: they would become `%20`",
        }
    }
}

/// It leads to something that may not be meant: they are asked before it is made.
pub fn unusual(short: &str, long: &str, doubt: Doubt, value: &str) -> Said {
    let hint = if doubt == Doubt::NoWebAddress && !long.contains(':') && !long.starts_with('/') && long.contains('.') {
        format!(" Did you mean {}?", code(&format!("/go {short} https://{}", one_line(long, 200))))
    } else {
        String::new()
    };
    let text = format!(
        ":warning: {} {}. Nothing was made yet.{hint}",
        code(&one_line(long, LONG_MAX)),
        doubt.said().replace("this link may", &format!("{} may", code(&format!("go/{short}")))),
    );
    said(&text, fitting(vec![button("link_unusual", "Make it anyway", value)]))
}

/// It is somebody else's.
pub fn not_yours(shown: &Shown<'_>) -> Said {
    let text = format!(
        "*{}* belongs to {}, so only they can change it. It leads to {}",
        name(&shown.link.short, shown.address),
        owner(shown.link),
        code(&one_line(&shown.link.long, LONG_MAX)),
    );
    said(&text, fitting(vec![button("link_details", "Details", &shown.link.short)]))
}

/// There is no such link. `near` are names like it; `can_make` adds a button that makes it.
pub fn unknown(short: &str, near: &[(String, String)], can_make: bool) -> Said {
    let mut text = format!("There is no {}.", code(&format!("go/{}", one_line(short, 100))));
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|(short, address)| name(short, address)).collect();
        text.push_str(&format!(" Did you mean {}?", super::words::listed(&near, "or")));
    }
    let make = can_make.then(|| button("link_create", &format!("Create go/{}", one_line(short, 60)), short));
    said(&text, fitting(make.into_iter().collect()))
}

/// A list of links under a heading; `none` if it is empty.
pub fn list(heading: &str, none: &str, rows: &[Row]) -> Said {
    if rows.is_empty() {
        return said(none, Vec::new());
    }
    let mut text = heading.to_owned();
    for rows in rows.chunks(5).take(ROWS_MAX / 5) {
        text.push_str("\n---");
        for Row { link, address, clicks } in rows {
            let long = code(&one_line(&link.long, ROW_LONG_MAX));
            let followed = if *clicks > 0 { format!(" · {}", times(*clicks)) } else { String::new() };
            text.push_str(&format!("\n• *{}* {long} · {}{followed}", name(&link.short, address), owner(link)));
        }
    }
    if rows.len() > ROWS_MAX {
        text.push_str(&format!("\n---\n~ and {} more: say more words", rows.len() - ROWS_MAX));
    }
    said(&text, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(long: &str) -> Link {
        Link { short: "prod".into(), long: long.into(), owner: "a<b@example.com".into(), created_at: 0, edited_at: 0 }
    }

    fn target(address: &str, scheme: &str) -> Target {
        Target { address: address.into(), scheme: scheme.into() }
    }

    #[test]
    fn nothing_in_a_destination_becomes_markup_or_another_link() {
        let link = link("x");
        let shown = Shown { link: &link, typed: "prod/<!here>|", address: "http://go/prod/<!here>|", is_mine: false };
        let followed = followed(&shown, &target("https://x.test/?a=<!channel>|b&c", "https"));
        insta::assert_snapshot!(followed.text, @"*<http://go/prod/%3C!here%3E%7C|go/prod/&lt;!here&gt;¦>* leads to <https://x.test/?a=%3C!channel%3E%7Cb&amp;c|https://x.test/?a=&lt;!channel&gt;¦b&amp;c>");
    }

    #[test]
    fn what_is_no_web_address_cannot_be_clicked_and_says_so() {
        let link = link("x");
        let shown = Shown { link: &link, typed: "prod", address: "http://go/prod", is_mine: true };
        for scheme in ["javascript", "slack", "file", ""] {
            let target = target(&format!("{scheme}:alert(1)"), scheme);
            for said in [followed(&shown, &target), shared("U1", &shown, &target)] {
                let blocks = said.blocks.to_string();
                assert!(blocks.contains(":warning:"), "{blocks}");
                assert!(!blocks.contains(&format!("<{scheme}:")), "{blocks}");
            }
        }
    }

    #[test]
    fn sharing_a_link_that_depends_on_the_person_shares_no_destination_of_theirs() {
        let link = link("https://x.test/{{.User}}");
        let shown = Shown { link: &link, typed: "prod", address: "http://go/prod", is_mine: true };
        let said = shared("U0ALICE01", &shown, &target("https://x.test/alice@example.com", "https"));
        assert_eq!(said.text, "<@U0ALICE01> shared *<http://go/prod|go/prod>*");
    }

    #[test]
    fn buttons_slack_would_refuse_are_left_out() {
        let link = link("x");
        let typed = "x".repeat(3_000);
        let shown = Shown { link: &link, typed: &typed, address: "http://go/x", is_mine: false };
        let blocks = followed(&shown, &target("https://x.test", "https")).blocks.to_string();
        assert!(!blocks.contains("link_share") && blocks.contains("link_details"));
    }
}
