//! What is said about pastes: made, shared, listed, asked about. Names and texts come from people and are escaped.

use serde_json::{Value, json};

use super::Said;
use super::words::{escape, fit, mention, one_line, when};
use crate::kernel::paste::{Draft, Paste, PastePlace, Suspect};

/// Shares a paste in the channel where it was made, or in the thread of the message it was made from. Its value is the id
/// of the paste, and the `ts` of that message after a space.
pub const SHARE: &str = "paste_share";
/// Deletes a paste.
pub const DELETE: &str = "paste_delete";
/// Sends a draft after all, or again.
pub const SEND: &str = "paste_send";
/// Forgets a draft.
pub const DISCARD: &str = "paste_discard";
/// Opens the form.
pub const FORM: &str = "paste_form";
/// A link that is also a button; nothing is done when it is pressed.
pub const OPEN: &str = "paste_open";
/// The block with the buttons of one paste that was just made.
pub const MADE: &str = "paste_made";
/// The blocks of a list, each with a number behind it.
pub const LISTED: &str = "paste_listed_";

/// As many suspects are named.
const NAMED_MAX: usize = 5;
/// As many pastes are in a list, each a block with a button.
const LISTED_MAX: usize = 20;

/// Where pastes go, as far as words need it.
#[derive(Clone, Copy, Debug)]
pub struct Where<'a> {
    /// The page that lists them.
    pub list_page: &'a str,
    /// With us, and not at a tclip.
    pub is_here: bool,
    /// Open to the internet.
    pub is_public: bool,
}

/// Where a paste can be shared from where it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share<'a> {
    /// In the channel.
    Here,
    /// In the thread of this message (its `ts`), which it was made from.
    InThread(&'a str),
}

/// A link; safe in mrkdwn whatever its text is.
pub fn link(url: &str, text: &str) -> String {
    let url = url.replace('&', "&amp;").replace('|', "%7C").replace('<', "%3C").replace('>', "%3E");
    format!("<{url}|{}>", escape(&one_line(text, 120)).replace('|', "¦"))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": fit(text, 3_000), "verbatim": true } })
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": fit(text, 2_000), "verbatim": true }] })
}

fn button(text: &str, action_id: &str, value: &str) -> Value {
    json!({
        "type": "button", "action_id": action_id, "value": value,
        "text": { "type": "plain_text", "text": text, "emoji": true },
    })
}

fn danger(text: &str, action_id: &str, value: &str, question: Option<&str>) -> Value {
    let mut button = button(text, action_id, value);
    if let Some(map) = button.as_object_mut() {
        map.insert("style".to_owned(), json!("danger"));
        if let Some(question) = question {
            let plain = |text: &str| json!({ "type": "plain_text", "text": text });
            let confirm = json!({
                "title": plain("Are you sure?"), "text": plain(question), "confirm": plain(text), "deny": plain("Keep it"),
            });
            map.insert("confirm".to_owned(), confirm);
        }
    }
    button
}

fn said(text: &str, blocks: Vec<Value>) -> Said {
    Said { text: fit(text, 900), blocks: Value::Array(blocks) }
}

/// How much it is: `12 lines` is not known any more, so bytes: `512 bytes`, `3.4 kB`.
pub fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Who can read a paste, before it is made and after.
pub fn readers(is_public: bool, is_here: bool) -> &'static str {
    match (is_public, is_here) {
        (true, _) => "Anybody on the internet who has the address can read it.",
        (false, true) => "Everybody on the tailnet can read it and find it in the list of all pastes.",
        (false, false) => "Everybody who reaches tclip can read it and find it in its list.",
    }
}

/// To whoever pasted: its address, and what can be done with it. `share`: none where there is no channel to share it in.
pub fn made(paste: &Paste, page: &str, share: Option<Share<'_>>, is_public: bool, now: i64) -> Said {
    let end = match paste.expires_at {
        Some(at) => format!("gone {}", when(at, now)),
        None => "stays until you delete it".to_owned(),
    };
    let readers = readers(is_public, paste.place == PastePlace::Here);
    let text = format!("Pasted: {}", link(page, &paste.filename));
    let mut blocks = vec![section(&format!("*{text}*\n{}", escape(page)))];
    let small = format!("{}, {end}. {readers}", size(paste.size_bytes));
    blocks.push(context(&small));
    let id = paste.id.as_str();
    let mut buttons = Vec::new();
    match share {
        Some(Share::Here) => buttons.push(button("Share here", SHARE, id)),
        Some(Share::InThread(ts)) => buttons.push(button("Share in thread", SHARE, &format!("{id} {ts}"))),
        None => {}
    }
    buttons.push(json!({
        "type": "button", "action_id": OPEN, "url": page,
        "text": { "type": "plain_text", "text": "Open", "emoji": true },
    }));
    buttons.push(danger("Delete", DELETE, id, Some("The paste will be gone for everybody.")));
    blocks.push(json!({ "type": "actions", "elements": buttons, "block_id": MADE }));
    said(&text, blocks)
}

/// Several at once, for a message with files.
pub fn made_several(all: &[Said], note: &str) -> Said {
    let text = all.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join("\n");
    let mut blocks: Vec<Value> =
        all.iter().flat_map(|one| one.blocks.as_array().cloned().unwrap_or_default()).take(48).collect();
    // An id stands once in a message; where several stand in one, none goes away with its paste.
    if all.len() > 1 {
        blocks.iter_mut().filter_map(Value::as_object_mut).for_each(|block| drop(block.remove("block_id")));
    }
    if !note.is_empty() {
        blocks.push(section(note));
    }
    said(&text, blocks)
}

/// To everybody in the channel, or in the thread of what was pasted.
pub fn shared(slack_id: &str, paste: &Paste, page: &str, is_thread: bool) -> Said {
    let (who, link) = (mention(slack_id), link(page, &paste.filename));
    let text = if is_thread {
        format!("Too long for chat: {who} moved it to a paste: {link}")
    } else {
        format!("{who} shared a paste: {link}")
    };
    said(&text, vec![section(&text)])
}

/// To somebody whose grant holds a paste.
pub fn held(title: &str, filename: &str, page: &str, ends_by_itself: bool) -> Said {
    let end = if ends_by_itself { "It is gone when your access ends." } else { "It is deleted when your access ends." };
    let text = format!("For *{}*: {}. {end}", escape(&one_line(title, 80)), link(page, filename));
    said(&text, vec![section(&text)])
}

/// Before it is sent: what it looks like, and who could read it. Nothing was sent yet.
pub fn doubted(draft: &Draft, suspects: &[Suspect], is_public: bool) -> Said {
    let mut lines = Vec::new();
    let name = escape(&one_line(&draft.text.filename, 80));
    if !suspects.is_empty() {
        lines.push(format!("*{name} looks like it holds secrets.* Nothing was sent yet."));
        lines.extend(suspects.iter().take(NAMED_MAX).map(|one| format!("• {} {}", one.kind, one.place())));
        if suspects.len() > NAMED_MAX {
            lines.push("• and more".to_owned());
        }
        lines.push("A key or password that was pasted has to be replaced: many people can read a paste.".to_owned());
    }
    if is_public {
        lines.push(format!(
            "*{name} will be public.* tclip is open to the internet here: anybody who has the address can read it. \
             Nothing was sent yet."
        ));
    }
    let id = draft.id.as_str();
    let send = danger("Paste it anyway", SEND, id, None);
    let actions = json!({ "type": "actions", "elements": [send, button("Throw it away", DISCARD, id)] });
    let small = context("Only you see this. It is kept for 15 minutes for you to decide, and then forgotten.");
    said(&lines.join("\n"), vec![section(&lines.join("\n")), actions, small])
}

/// It could not be sent: why, and a way to try again without typing it again.
pub fn not_sent(draft: &Draft, why: &str) -> Said {
    let id = draft.id.as_str();
    let buttons = json!({
        "type": "actions",
        "elements": [button("Try again", SEND, id), button("Throw it away", DISCARD, id)],
    });
    let small = context("Your text is kept for 15 minutes.");
    said(why, vec![section(why), buttons, small])
}

/// Before `not_sent`: nothing stands there, or nobody knows. `why`: a fragment.
pub fn not_pasted(is_known: bool, why: &str) -> String {
    let what = if is_known { "Nothing was pasted" } else { "I could not find out whether your text was pasted" };
    format!("{what}: {}.", escape(&one_line(why, 400)))
}

/// My pastes with what can be done with them.
pub fn list(pastes: &[(Paste, String)], place: Where<'_>, now: i64) -> Said {
    let everybodys = link(place.list_page, "everybody's pastes");
    if pastes.is_empty() {
        let text = format!("You have no pastes. `/paste some text` makes one; {everybodys} are on one page.");
        return said(&text, vec![section(&text)]);
    }
    let mut blocks = vec![section("*Your pastes*")];
    for (number, (paste, page)) in pastes.iter().take(LISTED_MAX).enumerate() {
        let mut row =
            format!("{} {}, {}", link(page, &paste.filename), size(paste.size_bytes), when(paste.created_at, now));
        if let Some(at) = paste.expires_at {
            row.push_str(&format!(", gone {}", when(at, now)));
        }
        if paste.key.is_some() {
            row.push_str(", as long as you hold access");
            blocks.push(section(&row));
            continue;
        }
        let mut block = section(&row);
        if let Some(map) = block.as_object_mut() {
            let delete = danger("Delete", DELETE, paste.id.as_str(), Some("The paste will be gone for everybody."));
            map.insert("accessory".to_owned(), delete);
            map.insert("block_id".to_owned(), format!("{LISTED}{number}").into());
        }
        blocks.push(block);
    }
    blocks.push(context(&format!("The newest {LISTED_MAX} at most. {everybodys}")));
    let count = match pastes.len() {
        1 => "1 paste".to_owned(),
        count => format!("{count} pastes"),
    };
    said(&format!("You have {count}."), blocks)
}

/// `/paste help`.
pub fn help(place: Where<'_>) -> Said {
    let mut lines = vec![
        "*Pastes: text that is too long for chat, at an address of its own.*".to_owned(),
        "• `/paste some text` pastes it, and tells only you where it is".to_owned(),
        "• `/paste` opens a form for many lines, with a name and a language".to_owned(),
        "• on any message: *More actions* → *Paste this* pastes the message, its thread, and the text files with it"
            .to_owned(),
        "• `/paste list` shows yours, `/paste delete ADDRESS` deletes one".to_owned(),
    ];
    lines.push(if place.is_here {
        format!("Everybody's are at {}.", link(place.list_page, place.list_page))
    } else {
        format!(
            "They go to {}. tclip takes me for whoever pasted, so your name is put into the file name.",
            link(place.list_page, "tclip")
        )
    });
    if place.is_public {
        lines.push("tclip is open to the internet here: I ask before anything is sent.".to_owned());
    }
    said("Pastes: text that is too long for chat.", vec![section(&lines.join("\n"))])
}
