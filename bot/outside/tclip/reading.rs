//! What tclip answers, read within limits: it speaks in pages for people, and these are the few words of them we need.

use reqwest::header::{CONTENT_DISPOSITION, LOCATION};
use reqwest::{Response, StatusCode};

/// Pages are read up to here; a list of 25 pastes is far smaller.
const PAGE_MAX_BYTES: usize = 512 * 1024;
/// Of an answer that is an error only the beginning is kept.
const ERROR_MAX_CHARACTERS: usize = 200;

/// A whole answer, cut where it is too long.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    /// What it is to be kept under.
    pub(super) download: Option<String>,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn read(mut response: Response) -> Result<Self, ()> {
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let download = response.headers().get(CONTENT_DISPOSITION);
        let download = download.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|_| ())? {
            let room = PAGE_MAX_BYTES.saturating_sub(body.len());
            body.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if piece.len() >= room {
                break;
            }
        }
        Ok(Self { status, location, download, text: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Whether it is this text, or the beginning of it where it was cut.
    pub(super) fn is_all_of(&self, content: &str) -> bool {
        // Of a sign that was cut through nothing is left but that there was one.
        let read = self.text.trim_end_matches('\u{fffd}');
        self.text == content || read.len().saturating_add(4) > PAGE_MAX_BYTES && content.starts_with(read)
    }
}

/// SQLite gave up waiting, and nothing was saved.
pub(super) fn is_busy(answer: &Answer) -> bool {
    answer.status == StatusCode::INTERNAL_SERVER_ERROR
        && (answer.text.contains("SQLITE_BUSY") || answer.text.contains("database is locked"))
}

/// A missing paste is an internal error to tclip; its page says which.
pub(super) fn is_missing(answer: &Answer, id: &str) -> bool {
    answer.text.contains(&format!("find paste {id}"))
}

/// The name in `attachment; filename="..."`, which tclip writes with Go's `%q`.
pub(super) fn unquoted(disposition: &str) -> Option<String> {
    let quoted = disposition.split_once("filename=\"")?.1.strip_suffix('"')?;
    let mut name = String::new();
    let mut rest = quoted.chars();
    while let Some(character) = rest.next() {
        name.push(if character == '\\' { rest.next()? } else { character });
    }
    Some(name)
}

/// The pastes of a list page: address and name.
pub(super) fn listed(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for link in page.split("<a ").skip(1) {
        let address = link.split_once("href=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(address, _)| address);
        let name = link.split_once('>').and_then(|(_, rest)| rest.split_once("</a>")).map(|(name, _)| name);
        if let (Some(address), Some(name)) = (address, name)
            && address.strip_prefix("/paste/").is_some_and(|id| id.contains('-'))
        {
            found.push((address.to_owned(), unescaped(name)));
        }
    }
    found
}

/// What Go's `html/template` writes for these five.
fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", "\"").replace("&#39;", "'");
    text.replace("&#43;", "+").replace("&amp;", "&")
}

/// The words of a page, short and in one line; of HTML only what stands between the tags. tclip's page for errors has what
/// went wrong in a `<pre>`, below a heading, an apology and whom to write to.
pub(super) fn words(text: &str) -> String {
    let reason = text.rsplit_once("<pre").and_then(|(_, rest)| rest.split_once('>')).map(|(_, reason)| reason);
    let text = reason.map_or(text, |reason| reason.split("</pre>").next().unwrap_or(reason));
    let mut words = String::new();
    let mut in_tag = false;
    for character in text.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if in_tag => {}
            other if other.is_whitespace() || other.is_control() => {
                if !words.ends_with(' ') {
                    words.push(' ');
                }
            }
            other => words.push(other),
        }
    }
    let words: String = words.trim().chars().take(ERROR_MAX_CHARACTERS).collect();
    if words.is_empty() { "without words".to_owned() } else { unescaped(&words) }
}
