//! "Paste this" on a message: the message or its whole thread as Markdown with its code blocks, and each text file with it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::message::{self, FileAt, Line};
use super::{Tried, cards, words};
use crate::engine::pastes::PasteError;
use crate::kernel::paste::{CONTENT_MAX_BYTES, Text, tidy_filename};
use crate::notices::Said;
use crate::notices::pastes::{self as notice, Share};
use crate::notices::words::{escape, one_line};
use crate::slack::answer::Answer;
use crate::slack::envelope::MessageShortcut;
use crate::slack::surface::{By, Surface};

/// Files of one message; more are left out and said so.
const FILES_MAX: usize = 5;
/// People of one thread whose names are looked up; others are shown by id.
const NAMES_MAX: usize = 20;
/// Looking up one name.
const NAME_LIMIT: Duration = Duration::from_millis(700);
/// Names change rarely.
const NAME_FRESH_MS: i64 = 600_000;

/// What was found to paste, and what was left out.
#[derive(Default)]
struct Gathered {
    texts: Vec<Text>,
    notes: Vec<String>,
}

impl Surface {
    pub(in crate::slack) async fn paste_message(&self, by: &By, shortcut: &MessageShortcut) -> Answer {
        // Before anything of the workspace is read for them.
        if let Err(error) = self.engine.paste_author(&by.slack_id).await {
            return Answer::ephemeral(words::not_pasted(self.engine.notices(), &error));
        }
        let mut gathered = Gathered::default();
        self.gather_text(shortcut, &mut gathered).await;
        self.gather_files(&shortcut.body, &mut gathered).await;
        let thread = shortcut.message.thread_ts.as_deref().unwrap_or(&shortcut.message.ts);
        let mut all = Vec::new();
        for (number, text) in gathered.texts.into_iter().enumerate() {
            // One delivery, several pastes: each is made once.
            let key = format!("{}:{number}", by.key);
            all.push(self.paste_part(by, text, key, thread).await);
        }
        let notes = gathered.notes.join("\n");
        if all.is_empty() {
            let why = if notes.is_empty() { words::NOTHING_THERE.to_owned() } else { notes };
            return Answer::ephemeral(why);
        }
        let said = notice::made_several(&all, &notes);
        Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) }
    }

    async fn paste_part(&self, by: &By, text: Text, key: String, thread: &str) -> Said {
        match self.try_paste(by, text.clone(), None, Some(key)).await {
            Ok(Tried::Made(paste)) => self.made(&paste, Some(Share::InThread(thread))),
            Ok(Tried::Waits(said)) => said,
            Err(error @ (PasteError::Refused(_) | PasteError::NotYou(_))) => {
                super::plain(&words::not_pasted(self.engine.notices(), &error))
            }
            Err(error) => self.kept_back(by, text, &words::not_pasted(self.engine.notices(), &error)).await,
        }
    }

    async fn gather_text(&self, shortcut: &MessageShortcut, gathered: &mut Gathered) {
        let body = &shortcut.body;
        let is_thread = body.get("reply_count").and_then(Value::as_i64).is_some_and(|count| count > 0);
        if is_thread {
            let ts = shortcut.message.thread_ts.as_deref().unwrap_or(&shortcut.message.ts);
            match self.engine.slack().replies(&shortcut.message.channel_id, ts).await {
                Ok(replies) => {
                    let names = self.names(&replies.messages).await;
                    let lines: Vec<Line> = replies.messages.iter().map(|one| Line::read(one, &names)).collect();
                    if replies.is_cut {
                        gathered
                            .notes
                            .push(format!("Only the first {} messages of the thread were pasted.", lines.len()));
                    }
                    return gathered.add("thread.md", message::thread(&lines));
                }
                Err(error) => gathered.notes.push(words::not_read_on(&error, &shortcut.message.channel_id)),
            }
        }
        if let Some(code) = message::code_alone(body) {
            return gathered.add("snippet.txt", code);
        }
        let names = self.names(std::slice::from_ref(body)).await;
        let read = message::read(&cards::with_names(body, &names));
        if !read.left_out.is_empty() {
            gathered.notes.push(words::left_out(&read.left_out));
        }
        gathered.add("message.md", read.text);
    }

    /// Names of the people who wrote or are mentioned, by id; those that cannot be looked up quickly are left out.
    async fn names(&self, messages: &[Value]) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for id in cards::people(messages).into_iter().take(NAMES_MAX) {
            let looking = self.engine.slack().user_cached(&id, NAME_FRESH_MS);
            if let Ok(Ok(user)) = tokio::time::timeout(NAME_LIMIT, looking).await {
                names.insert(id, user.real_name);
            }
        }
        names
    }

    async fn gather_files(&self, body: &Value, gathered: &mut Gathered) {
        let files = message::files(body);
        for (number, file) in files.iter().enumerate() {
            let name = escape(&one_line(&file.name, 80));
            if number >= FILES_MAX {
                gathered.notes.push(format!("{} more files were left out.", files.len() - number));
                return;
            }
            if let Some(why) = file.why_not() {
                gathered.notes.push(format!("{name} was left out: {why}."));
                continue;
            }
            match self.engine.slack().download(&file.address, file.size_bytes, CONTENT_MAX_BYTES).await {
                Ok(bytes) => gathered.add_file(file, bytes),
                Err(error) => gathered.notes.push(words::not_downloaded(&file.name, &error)),
            }
        }
    }
}

impl Gathered {
    /// An empty text is no mistake: the message may be all files.
    fn add(&mut self, filename: &str, content: String) {
        if content.trim().is_empty() {
            return;
        }
        match Text::new(filename, None, content) {
            Ok(text) => self.texts.push(text),
            Err(why) => self.notes.push(words::refused(&why)),
        }
    }

    fn add_file(&mut self, file: &FileAt, bytes: Vec<u8>) {
        match Text::from_bytes(&tidy_filename(&file.name), file.language.as_deref(), bytes) {
            Ok(text) => self.texts.push(text),
            Err(why) => {
                let name = escape(&one_line(&file.name, 80));
                self.notes.push(format!("{name} was left out: {why}."));
            }
        }
    }
}
