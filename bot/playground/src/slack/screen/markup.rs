//! Slack's markup as plain text: mentions become names, dates are written out, links keep their address, entities are
//! decoded. Stars, underscores and backticks stay as they are.

use super::Reader;
use super::dates;

/// Markup (`mrkdwn` or top-level text) as people read it.
pub(super) fn text(reader: Reader<'_>, markup: &str) -> String {
    let mut shown = String::new();
    let mut rest = markup;
    while let Some((before, after)) = rest.split_once('<') {
        shown.push_str(before);
        let Some((inside, following)) = after.split_once('>') else {
            shown.push('<');
            rest = after;
            continue;
        };
        shown.push_str(&angle(reader, inside));
        rest = following;
    }
    shown.push_str(rest);
    decode(&shown)
}

/// Entities of a plain text object; nothing else is special there.
pub(super) fn decode(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// What stands between `<` and `>`.
fn angle(reader: Reader<'_>, inside: &str) -> String {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    let state = reader.state;
    if let Some(user) = target.strip_prefix('@') {
        return format!("@{}", state.name_of(user));
    }
    if let Some(channel) = target.strip_prefix('#') {
        let name = state.channels.get(channel).map(|channel| channel.name.as_str());
        return format!("#{}", name.or(label).unwrap_or(channel));
    }
    if let Some(group) = target.strip_prefix("!subteam^") {
        let handle = state.groups.get(group).map(|group| group.handle.as_str());
        return format!("@{}", handle.unwrap_or(group));
    }
    if let Some(date) = target.strip_prefix("!date^") {
        return date_token(reader, date, label.unwrap_or_default());
    }
    if let Some(special) = target.strip_prefix('!') {
        return format!("@{special}");
    }
    match label {
        Some(label) => format!("{label} ({target})"),
        None => target.strip_prefix("mailto:").unwrap_or(target).to_owned(),
    }
}

/// `UNIX^{tokens}^link`.
fn date_token(reader: Reader<'_>, date: &str, fallback: &str) -> String {
    let mut parts = date.splitn(3, '^');
    let seconds = parts.next().and_then(|seconds| seconds.parse().ok());
    let tokens = parts.next().unwrap_or_default();
    let link = parts.next();
    let written = seconds.and_then(|seconds| dates::write(tokens, seconds, reader.state.clock.now_ms(), reader.tz));
    let written = written.unwrap_or_else(|| fallback.to_owned());
    match link {
        Some(link) => format!("{written} ({link})"),
        None => written,
    }
}
