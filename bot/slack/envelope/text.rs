//! What a person typed after a slash command, made plain: no markup, no typographic quotes, no invisible characters.

/// Typed text without Slack's markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandText {
    /// As a person would read it: `<https://a.test|label>` is `https://a.test`, `<@U1|bob>` is `@bob`.
    pub plain: String,
    /// The same with everything else as it was typed: line breaks, tabs, quotes, invisible characters.
    pub typed: String,
    /// The ids of the people mentioned, in order.
    pub mentions: Vec<String>,
    /// The same with what stands for each of them in `plain`, like `@bob`.
    pub named: Vec<(String, String)>,
}

impl CommandText {
    /// Reads the text of a slash command, whether or not the app has "escape channels, users, links" on.
    pub fn read(raw: &str) -> Self {
        let mut text = String::with_capacity(raw.len());
        let (mut mentions, mut named) = (Vec::new(), Vec::new());
        let mut rest = raw;
        while let Some((before, from)) = rest.split_once('<') {
            text.push_str(&decoded(before));
            let known = mentions.len();
            match from.split_once('>').filter(|(inside, _)| !inside.contains('<')) {
                Some((inside, after)) => {
                    let read = markup(inside, &mut mentions);
                    named.extend(mentions.get(known).map(|id| (read.clone(), id.clone())));
                    text.push_str(&read);
                    rest = after;
                }
                None => {
                    text.push('<');
                    rest = from;
                }
            }
        }
        text.push_str(&decoded(rest));
        Self { plain: plain(&text), typed: text, mentions, named }
    }
}

/// What stands between `<` and `>`.
fn markup(inside: &str, mentions: &mut Vec<String>) -> String {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (target, decoded(label)),
        None => (inside, String::new()),
    };
    let named = |sign: &str, id: &str| {
        let name = if label.is_empty() { id } else { label.trim_start_matches(sign) };
        format!("{sign}{name}")
    };
    if let Some(id) = target.strip_prefix('@').filter(|id| is_id(id)) {
        mentions.push(id.to_owned());
        return named("@", id);
    }
    if let Some(id) = target.strip_prefix('#').filter(|id| is_id(id)) {
        return named("#", id);
    }
    if let Some(special) = target.strip_prefix('!') {
        let (kind, argument) = special.split_once('^').unwrap_or((special, ""));
        return match kind {
            "subteam" => named("@", argument),
            "date" => label,
            _ => named("@", kind),
        };
    }
    if target.starts_with("mailto:") || target.starts_with("tel:") {
        return decoded(target.split_once(':').map_or(target, |(_, address)| address));
    }
    if target.contains("://") {
        // The address, not the label: a label can say anything.
        return decoded(target);
    }
    format!("<{}>", decoded(inside))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Slack's three entities, in one pass: `&amp;lt;` is `&lt;`.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('&') {
        out.push_str(before);
        let entity = ENTITIES.iter().find_map(|(name, sign)| from.strip_prefix(name).map(|after| (*sign, after)));
        let (sign, after) = entity.unwrap_or(('&', from));
        out.push(sign);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// All that Slack escapes, after the `&`.
const ENTITIES: [(&str, char); 3] = [("lt;", '<'), ("gt;", '>'), ("amp;", '&')];

/// Plain characters for what keyboards and hostile people put in: straight quotes, ordinary spaces, no control
/// characters and none that turn or hide text. For typed fields of modals too.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        match character {
            '“' | '”' | '„' | '‟' | '«' | '»' => out.push('"'),
            '‘' | '’' | '‚' | '‛' => out.push('\''),
            // Phones turn `--force` into `—force`; a dash between words stays a dash.
            '—' if before.is_whitespace() && next.is_alphabetic() => out.push_str("--"),
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' => out.push(' '),
            '\n' => out.push('\n'),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => {}
            other => out.push(other),
        }
        before = character;
    }
    out.trim().to_owned()
}

/// Text of a message in Slack's markup, as the person who wrote it meant it: links as addresses, entities decoded.
pub fn typed(raw: &str) -> String {
    CommandText::read(raw).typed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        CommandText::read(raw).plain
    }

    #[test]
    fn mentions_links_and_channels_read_as_people_wrote_them() {
        let text = CommandText::read("prod-db 2h for <@U0BOB0001|bob> and <@W1> in <#C0DEVOPS1|devops>");
        assert_eq!(text.plain, "prod-db 2h for @bob and @W1 in #devops");
        assert_eq!(text.mentions, ["U0BOB0001", "W1"]);
        assert_eq!(read("in <#C0PRIVATE|>"), "in #C0PRIVATE");
        assert_eq!(read("<!subteam^S1|@dba> <!here> <!channel|x>"), "@dba @here @x");
        assert_eq!(read("<mailto:a@b.test|a@b.test>"), "a@b.test");
    }

    #[test]
    fn a_link_reads_as_its_address_whatever_its_label_says() {
        assert_eq!(read("see <https://evil.test/?a=1&amp;b=2|https://good.test>"), "see https://evil.test/?a=1&b=2");
    }

    #[test]
    fn entities_are_decoded_once() {
        assert_eq!(read("a &lt;b&gt; &amp;lt; &nbsp; & c"), "a <b> &lt; &nbsp; & c");
    }

    #[test]
    fn escaped_markup_is_no_mention() {
        let text = CommandText::read("&lt;@U0BOB0001&gt;");
        assert_eq!((text.plain.as_str(), text.mentions.len()), ("<@U0BOB0001>", 0));
    }

    #[test]
    fn broken_markup_stays_as_it_is() {
        assert_eq!(read("1 < 2 <"), "1 < 2 <");
        assert_eq!(read("a <b <@U1|x> c>"), "a <b @x c>");
        assert_eq!(read("<>"), "<>");
        assert_eq!(read("<日本|語> <"), "<日本|語> <");
    }

    #[test]
    fn keyboards_and_tricks_are_made_plain() {
        assert_eq!(plain("prod-db\u{a0}2h “it’s stuck” — really"), "prod-db 2h \"it's stuck\" — really");
        assert_eq!(plain("prod-db —force"), "prod-db --force");
        assert_eq!(plain("\u{202e}gnp\u{202c}.exe\u{200b}\u{7}"), "gnp.exe");
        assert_eq!(plain("two\nlines\tand tab"), "two\nlines and tab");
    }
}
