//! Addresses taken apart and put together the way Go's `net/url` does it, because golink sends people where that says.
//!
//! Works on bytes: what a person escaped stays escaped the way they escaped it, and what must be escaped is.

use std::fmt::Write as _;

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Control characters.
    #[error("it has a control character")]
    Control,
    /// A `:` in front.
    #[error("the part before `:` is missing")]
    NoScheme,
    /// `a:b` without being `scheme:`.
    #[error("its first part has a colon")]
    Colon,
    /// `%` without two digits of hexadecimal behind it.
    #[error("`{0}` is no escape")]
    Escape(String),
    /// A character that no host has.
    #[error("its host has an invalid character")]
    Host,
    /// Not a number.
    #[error("`{0}` is no port")]
    Port(String),
    /// A character that no user has.
    #[error("the part before `@` has an invalid character")]
    User,
}

/// Where a byte stands decides whether it must be escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Segment,
    Host,
    Query,
    User,
    Fragment,
}

fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if part == Part::Host && b"!$&'()*+,;=:[]<>\"".contains(&byte) {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::Segment => matches!(byte, b'/' | b';' | b',' | b'?'),
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Query | Part::Host => true,
            Part::Fragment => false,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

fn escape(bytes: &[u8], part: Part) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte == b' ' && part == Part::Query {
            text.push('+');
        } else if must_escape(byte, part) {
            // Writing into a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        } else {
            text.push(char::from(byte));
        }
    }
    text
}

/// Go's `url.PathEscape`: for one segment of a path.
pub fn path_escape(text: &str) -> String {
    escape(text.as_bytes(), Part::Segment)
}

/// Go's `url.QueryEscape`: for a value of a query.
pub fn query_escape(text: &str) -> String {
    escape(text.as_bytes(), Part::Query)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let wrong = || {
                    let shown: String = after.iter().take(2).map(|byte| char::from(*byte)).collect();
                    UrlError::Escape(format!("%{shown}"))
                };
                let (&[high, low], after) = after.split_first_chunk::<2>().ok_or_else(wrong)?;
                let (high, low) = (hex(high).ok_or_else(wrong)?, hex(low).ok_or_else(wrong)?);
                // In hosts only what is not ASCII may be escaped.
                if part == Part::Host && high < 8 && (high, low) != (2, 5) {
                    return Err(wrong());
                }
                bytes.push(high << 4 | low);
                rest = after;
            }
            b'+' if part == Part::Query => bytes.push(b' '),
            _ if part == Part::Host && byte < 0x80 && must_escape(byte, part) => return Err(UrlError::Host),
            _ => bytes.push(byte),
        }
    }
    Ok(bytes)
}

/// The text with the escapes of a path undone; nothing if one is broken or the result is not UTF-8.
pub(super) fn unescaped(text: &str) -> Option<String> {
    String::from_utf8(unescape(text, Part::Path).ok()?).ok()
}

/// A path or fragment: what it means, and how it was written if that is another way than ours.
#[derive(Default)]
struct Written {
    meant: Vec<u8>,
    raw: Option<String>,
}

impl Written {
    fn read(text: &str, part: Part) -> Result<Self, UrlError> {
        let meant = unescape(text, part)?;
        let raw = Some(text.to_owned()).filter(|text| *text != escape(&meant, part));
        Ok(Self { meant, raw })
    }

    fn escaped(&self, part: Part) -> String {
        let valid = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte) || !must_escape(byte, part);
        match &self.raw {
            Some(raw) if raw.bytes().all(valid) => raw.clone(),
            _ if part == Part::Path && self.meant == b"*" => "*".to_owned(),
            _ => escape(&self.meant, part),
        }
    }
}

/// An address in its parts.
#[derive(Default)]
pub(super) struct GoUrl {
    scheme: String,
    opaque: String,
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    omits_host: bool,
    path: Written,
    has_empty_query: bool,
    query: String,
    fragment: Written,
}

impl GoUrl {
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(UrlError::Control);
        }
        let mut url = Self::default();
        if text == "*" {
            url.path = Written::read(text, Part::Path)?;
        } else {
            url.read(text)?;
        }
        url.fragment = Written::read(fragment, Part::Fragment)?;
        Ok(url)
    }

    fn read(&mut self, text: &str) -> Result<(), UrlError> {
        let (scheme, mut rest) = scheme(text)?;
        self.scheme = scheme.to_ascii_lowercase();
        if let Some(before) = rest.strip_suffix('?').filter(|before| !before.contains('?')) {
            (self.has_empty_query, rest) = (true, before);
        } else if let Some((before, query)) = rest.split_once('?') {
            (rest, self.query) = (before, query.to_owned());
        }
        if !rest.starts_with('/') {
            if !self.scheme.is_empty() {
                rest.clone_into(&mut self.opaque);
                return Ok(());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err(UrlError::Colon);
            }
        }
        let may_have_host = !self.scheme.is_empty() || !rest.starts_with("///");
        if let Some(authority) = rest.strip_prefix("//").filter(|_| may_have_host) {
            let at = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(at);
            self.read_authority(authority)?;
            rest = path;
        } else if !self.scheme.is_empty() && rest.starts_with('/') {
            self.omits_host = true;
        }
        self.path = Written::read(rest, Part::Path)?;
        Ok(())
    }

    fn read_authority(&mut self, authority: &str) -> Result<(), UrlError> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = read_host(host)?;
        let Some(user) = user else { return Ok(()) };
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !user.bytes().all(valid) {
            return Err(UrlError::User);
        }
        self.user = Some(match user.split_once(':') {
            Some((name, password)) => (unescape(name, Part::User)?, Some(unescape(password, Part::User)?)),
            None => (unescape(user, Part::User)?, None),
        });
        Ok(())
    }

    /// Adds what stands in another query; if there is anything, the whole query is written anew, sorted by name.
    pub(super) fn add_query(&mut self, query: &str) {
        let more = pairs(query);
        if more.is_empty() {
            return;
        }
        let mut all = pairs(&self.query);
        all.extend(more);
        // Stable: values of one name keep their order.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let written: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name, Part::Query), escape(value, Part::Query)))
            .collect();
        self.query = written.join("&");
    }

    /// Why no browser could ask anybody: no host, or a port that does not exist.
    pub(super) fn has_no_host(&self) -> Option<String> {
        let host = String::from_utf8_lossy(&self.host);
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (host.as_ref(), ""),
        };
        if name.is_empty() {
            return Some("its host is missing".to_owned());
        }
        if name.contains(':') && !name.starts_with('[') {
            return Some("its host has two ports".to_owned());
        }
        let is_port = port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
        (!is_port).then(|| format!("there is no port {}", port.chars().take(20).collect::<String>()))
    }

    /// In lower case; empty for a relative address.
    pub(super) fn scheme(&self) -> &str {
        &self.scheme
    }
}

impl std::fmt::Display for GoUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut text);
        } else {
            text.push_str(&self.opaque);
        }
        if self.has_empty_query || !self.query.is_empty() {
            text.push('?');
            text.push_str(&self.query);
        }
        if !self.fragment.meant.is_empty() {
            text.push('#');
            text.push_str(&self.fragment.escaped(Part::Fragment));
        }
        f.write_str(&text)
    }
}

impl GoUrl {
    fn write_hierarchy(&self, text: &mut String) {
        let has_authority = !self.host.is_empty() || self.user.is_some();
        let may_have = !self.scheme.is_empty() || has_authority;
        let has_empty_one = !self.omits_host && !self.path.meant.is_empty();
        if may_have && (has_authority || has_empty_one) {
            text.push_str("//");
        }
        if let Some((name, password)) = &self.user {
            text.push_str(&escape(name, Part::User));
            if let Some(password) = password {
                text.push(':');
                text.push_str(&escape(password, Part::User));
            }
            text.push('@');
        }
        text.push_str(&escape(&self.host, Part::Host));
        let path = self.path.escaped(Part::Path);
        if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
            text.push('/');
        }
        if text.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
            text.push_str("./");
        }
        text.push_str(&path);
    }
}

fn scheme(text: &str) -> Result<(&str, &str), UrlError> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if at == 0 => return Err(UrlError::NoScheme),
            b':' => return Ok(text.split_once(':').unwrap_or((text, ""))),
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            _ if byte.is_ascii_alphabetic() => {}
            _ => break,
        }
    }
    Ok(("", text))
}

fn read_host(host: &str) -> Result<Vec<u8>, UrlError> {
    let port = if host.starts_with('[') {
        let (_, port) = host.rsplit_once(']').ok_or(UrlError::Host)?;
        port
    } else {
        host.rfind(':').and_then(|at| host.get(at..)).unwrap_or_default()
    };
    let digits = port.strip_prefix(':').unwrap_or(if port.is_empty() { "" } else { "x" });
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UrlError::Port(port.chars().take(20).collect()));
    }
    unescape(host, Part::Host)
}

/// Names and values of a query; what cannot be read is left out, as Go does.
fn pairs(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let readable = |pair: &str| {
        if pair.is_empty() || pair.contains(';') {
            return None;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(name, Part::Query).ok()?, unescape(value, Part::Query).ok()?))
    };
    query.split('&').filter_map(readable).collect()
}

#[cfg(test)]
mod tests;
