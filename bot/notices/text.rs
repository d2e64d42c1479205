//! Text that Slack can take: escaped, without tricks, and shortened without breaking anything in it.

/// Escapes what Slack reads as markup, and nothing else: `&`, `<` and `>`. With `<` gone nobody can be pinged and
/// nothing can be linked.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// One line of text that people typed, at most `max` characters: line breaks and control characters become spaces,
/// and what turns the direction of writing (so that words read as others) is left out. Not escaped yet.
pub fn one_line(text: &str, max: usize) -> String {
    let line: String =
        text.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c }).take(max + 1).collect();
    let line = line.trim();
    if line.chars().count() <= max {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Text of several lines that people typed: line breaks stay. Not escaped yet.
pub fn many_lines(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{85}'], "\n");
    lines.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) && c != '\n' { ' ' } else { c }).collect()
}

/// As a quotation: every line starts with `>`, so that typed text cannot pass for ours. Escapes.
pub fn quote(text: &str) -> String {
    let text = many_lines(text);
    let lines: Vec<String> = text.trim().lines().map(|line| format!("> {}", escape(line.trim_end()))).collect();
    lines.join("\n")
}

/// A fragment as a sentence: a capital first, an end mark last. Empty stays empty. Not escaped.
pub fn sentence(fragment: &str) -> String {
    let fragment = fragment.trim();
    let mut characters = fragment.chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// As Slack draws code, without anything that would end it early. Escapes.
pub fn code(text: &str) -> String {
    format!("`{}`", escape(&text.replace('`', "'")))
}

fn breaks(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How Slack may count: in UTF-16 units, which is never less than characters.
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// At most `max` UTF-16 units of escaped text; if it is longer, cut with `…`, never inside `&amp;` or `<…>`.
pub fn fit(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    let mut room = max.saturating_sub(1);
    let mut kept = String::new();
    let mut rest = text;
    while let Some((unit, after)) = next_unit(rest) {
        let size = length(unit);
        if size > room {
            break;
        }
        room -= size;
        kept.push_str(unit);
        rest = after;
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// The first thing that must stay whole: an escape, a mention or link in `<…>`, or one character.
fn next_unit(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    let whole = match first {
        '&' => ["&amp;", "&lt;", "&gt;"].into_iter().find(|escape| text.starts_with(escape)).map(str::len),
        '<' => text
            .split_once('>')
            .map(|(inside, _)| inside)
            .filter(|inside| !inside.contains('\n'))
            .map(|it| it.len() + 1),
        _ => None,
    };
    text.split_at_checked(whole.unwrap_or(first.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_inside_an_escape_or_a_mention() {
        assert_eq!(fit("ab&amp;cd", 4), "ab…");
        assert_eq!(fit("ab&amp;cd", 8), "ab&amp;…");
        assert_eq!(fit("ab <@U024BE7LH> cd", 8), "ab…");
        assert_eq!(fit("ab <@U024BE7LH> cd", 16), "ab <@U024BE7LH>…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("<<<<<<", 3), "<<…");
    }

    #[test]
    fn typed_text_cannot_pass_for_ours() {
        assert_eq!(quote("real\n*Approved by:* <@U1>\r\nend "), "> real\n> *Approved by:* &lt;@U1&gt;\n> end");
        assert_eq!(one_line("lap\u{202e}top\n*Owner:* bob", 40), "laptop *Owner:* bob");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }

    proptest::proptest! {
        #[test]
        fn what_fits_is_never_longer_and_still_whole(text in "[a-z&<>\n😀 ]{0,60}", max in 1_usize..50) {
            let escaped = format!("<@U1>{}<!date^1^{{time}}|x>", escape(&text));
            let fitted = fit(&escaped, max);
            proptest::prop_assert!(length(&fitted) <= max);
            let bare = fitted.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
            let bare = bare.replace("<@U1>", "").replace("<!date^1^{time}|x>", "");
            proptest::prop_assert!(!bare.contains(['&', '<', '>']), "{}", fitted);
        }
    }
}
