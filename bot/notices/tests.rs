//! What people read, as text, in every state; and that no text people type can break a message.

mod card;
mod hostile;
mod lists;
mod overrides;
mod refusals;
mod told;

use serde_json::Value;

use super::sample::{self, Life};
use super::{Notices, Said};
use crate::kernel::{Event, Place};

fn notices() -> Notices {
    Notices::built_in().expect("the built-in templates are good")
}

/// Alice's request, with Bob and Carol found as approvers.
fn pending() -> Life {
    let life = Life::asked(sample::ask()).expect("the sample may be asked for");
    life.then(Event::ApproversFound { stage: 0, people: vec!["U0BOB".into(), "U0CAROL".into()] })
}

/// The card in the channel as text.
fn card(life: &Life) -> String {
    shown(&notices().card(&life.request, &Place::Channel("#access".into()), life.at + 1000))
}

/// A message as people see it: each block on its own lines, dates as in UTC, buttons in brackets.
fn shown(said: &Said) -> String {
    let mut lines = vec![format!("({})", text(&said.text))];
    for block in said.blocks.as_array().expect("blocks are a list") {
        lines.push(match block["type"].as_str().expect("a block has a type") {
            "section" => section(block),
            "context" => format!("~ {}", text(block["elements"][0]["text"].as_str().expect("small print has text"))),
            "actions" => {
                let buttons = block["elements"].as_array().expect("actions have elements");
                buttons.iter().map(button).collect::<Vec<_>>().join(" ")
            }
            other => panic!("a block of type {other}"),
        });
    }
    lines.join("\n")
}

fn section(block: &Value) -> String {
    let mut shown = match block["fields"].as_array() {
        Some(fields) => {
            let of = |field: &Value| field["text"].as_str().expect("a field has text").replacen('\n', " ", 1);
            fields.iter().map(|field| format!("| {}", text(&of(field)))).collect::<Vec<_>>().join("\n")
        }
        None => text(block["text"]["text"].as_str().expect("a section has text")),
    };
    if block["accessory"].is_object() {
        shown = format!("{shown} {}", button(&block["accessory"]));
    }
    shown
}

fn button(button: &Value) -> String {
    let word = |name: &str| button[name].as_str().unwrap_or_default().to_owned();
    let label = button["text"]["text"].as_str().expect("a button has words");
    let style = if word("style").is_empty() { String::new() } else { format!(" {}", word("style")) };
    let confirm = if button["confirm"].is_object() { ", asks first" } else { "" };
    format!("[{label}: {}{style}{confirm} = {}]", word("action_id"), word("value"))
}

/// Date tokens as their fallback.
fn text(mrkdwn: &str) -> String {
    let mut shown = String::new();
    let mut rest = mrkdwn;
    while let Some((before, token)) = rest.split_once("<!date^") {
        let (token, after) = token.split_once('>').expect("a date ends");
        let (_, fallback) = token.split_once('|').expect("a date has a fallback");
        shown.push_str(before);
        shown.push_str(fallback);
        rest = after;
    }
    shown + rest
}
