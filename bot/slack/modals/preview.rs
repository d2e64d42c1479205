//! What a request would change, as a difference of text, for those who decide it.

use serde_json::Value;

use super::{context, said, section};
use crate::kernel::Request;
use crate::notices::words::{escape, one_line};
use crate::steps::Preview;

/// Of one section, of Slack's 3000 characters: with room for the marks around it.
const SECTION_MAX: usize = 2_800;
/// Sections with lines; a view takes a hundred blocks and 250 kB.
const SECTIONS_MAX: usize = 20;

const TITLE: &str = "What would change";

/// Shown while it is looked up.
pub fn loading() -> Value {
    said(TITLE, "Close", vec![section(":hourglass_flowing_sand: Reading what is there now...")])
}

/// One text in place of it.
pub fn sorry(text: &str) -> Value {
    said(TITLE, "Close", vec![section(text)])
}

/// What would change.
pub fn view(request: &Request, previews: &[Preview]) -> Value {
    let title = escape(&one_line(&request.workflow.title, 75));
    let mut blocks = vec![section(&format!("*{title}*, for <@{}>", escape(&request.requester.slack_id)))];
    if previews.is_empty() {
        blocks.push(section("It changes no text that could be shown."));
    }
    let mut room = SECTIONS_MAX;
    for preview in previews {
        let (pieces, left) = pieces(&preview.difference, room);
        room = room.saturating_sub(pieces.len());
        blocks.push(section(&format!("The {} would change like this while it is held:", escape(preview.what))));
        blocks.extend(pieces.iter().map(|piece| section(&format!("```{piece}```"))));
        if left > 0 {
            let lines = if left == 1 { "line is".to_owned() } else { format!("{left} lines are") };
            blocks.push(context(&format!("More than fits here: {lines} left out. `nightlatch plan` shows all of it.")));
        }
        if let Some(why) = &preview.refused {
            let why = escape(&one_line(why, 1_000));
            blocks.push(section(&format!(":warning: *Tailscale would not take it*: {why}")));
        }
    }
    blocks.push(context("As it is now; what others change meanwhile stays. Nothing was changed by looking."));
    said(TITLE, "Close", blocks)
}

/// The lines, escaped, in pieces that fit into a section each; and how many do not fit into `most` pieces.
fn pieces(text: &str, most: usize) -> (Vec<String>, usize) {
    let mut pieces: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // Three of these would end the block.
        let line = one_line_of(line).replace("```", "\'\'\'");
        let line = escape(&line);
        let fits = |piece: &String| piece.chars().count().saturating_add(line.chars().count()) < SECTION_MAX;
        let is_full = !pieces.last().is_some_and(fits);
        if is_full && pieces.len() >= most {
            return (pieces, lines.count().saturating_add(1));
        }
        match pieces.last_mut().filter(|_| !is_full) {
            Some(piece) => {
                piece.push('\n');
                piece.push_str(&line);
            }
            None => pieces.push(line),
        }
    }
    (pieces, 0)
}

/// A line that is longer than a section is cut, before it is escaped.
fn one_line_of(line: &str) -> String {
    const MAX: usize = SECTION_MAX / 6;
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_it_is_it_fits_and_says_what_is_left_out() {
        let long: String =
            (0..5_000).map(|number| format!("+\t{{\"src\": [\"<{number}>\"]}}, // ``` & more\n")).collect();
        let (cut, left) = pieces(&long, SECTIONS_MAX);
        assert_eq!(cut.len(), SECTIONS_MAX);
        assert!(cut.iter().all(|piece| piece.chars().count() <= SECTION_MAX && !piece.contains("```")));
        let lines: usize = cut.iter().map(|piece| piece.lines().count()).sum();
        assert_eq!(lines + left, 5_000);
        let (one, left) = pieces(&"<".repeat(100_000), SECTIONS_MAX);
        assert_eq!((one.len(), left), (1, 0));
        assert!(one[0].chars().count() <= SECTION_MAX && one[0].ends_with('…'));
        assert_eq!(pieces("", 3), (Vec::new(), 0));
    }
}
