//! Secrets without a beginning of their own, told by the name that stands before them: `password=...`, `"api_key": "..."`.

/// What names of secrets end in, in lower case and without signs between their words, and what such a secret is called.
const NAMES: [(&str, &str); 26] = [
    ("password", "a password"),
    ("passwd", "a password"),
    ("passwort", "a password"),
    ("passphrase", "a password"),
    ("pwd", "a password"),
    ("pass", "a password"),
    ("secretaccesskey", "an AWS secret key"),
    ("secretkey", "a secret"),
    ("secret", "a secret"),
    ("apikey", "an API key"),
    ("accesskey", "a key"),
    ("privatekey", "a key"),
    ("signingkey", "a key"),
    ("encryptionkey", "a key"),
    ("masterkey", "a key"),
    ("accountkey", "a key"),
    ("sharedkey", "a key"),
    ("authkey", "a key"),
    ("secretkeybase", "a key"),
    ("apitoken", "a token"),
    ("authtoken", "a token"),
    ("accesstoken", "a token"),
    ("token", "a token"),
    ("credential", "a secret"),
    ("credentials", "a secret"),
    ("bearer", "a token"),
];
/// Shorter values are placeholders and words.
const LEAST: usize = 6;
/// Shorter ones behind a space or a colon are words of a sentence.
const LEAST_APART: usize = 8;
/// How people write that they leave a secret out, or where it comes from.
const PLACEHOLDERS: [&str; 21] = [
    "password",
    "passwort",
    "secret",
    "token",
    "string",
    "example",
    "changeme",
    "redacted",
    "required",
    "optional",
    "undefined",
    "placeholder",
    "removed",
    "hidden",
    "masked",
    "omitted",
    "disabled",
    "enabled",
    "default",
    "unknown",
    "sensitive",
];
/// Beginnings of what is filled in elsewhere, is code, or is left out.
const ELSEWHERE: [&str; 21] = [
    "$",
    "<",
    "{",
    "%",
    "*",
    "&",
    "(",
    "[",
    "env:",
    "file:",
    "secret:",
    "setec:",
    "vault:",
    "op://",
    "arn:",
    "your",
    "xxx",
    "...",
    "process.env",
    "os.",
    "sha256:",
];

/// What the first secret of this line is called, if a name says that there is one.
pub(super) fn secret(line: &str) -> Option<&'static str> {
    let mut from = 0;
    while let Some((start, end)) = next_name(line, from) {
        from = end;
        let (Some(name), Some(rest)) = (line.get(start..end), line.get(end..)) else { return None };
        let is_option = line.get(..start).is_some_and(|before| before.ends_with("--")) || name.starts_with("--");
        let Some(kind) = kind(name) else { continue };
        if value(rest, is_option).is_some_and(|value| value.is_secret()) {
            return Some(kind);
        }
    }
    authorization(line)
}

/// The next run of letters, digits, `_`, `-` and `.` that begins at or behind this place.
fn next_name(line: &str, from: usize) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let rest = line.get(from..)?;
    let start = from + rest.find(is_part)?;
    let length = line.get(start..)?.find(|c| !is_part(c)).unwrap_or(line.len() - start);
    Some((start, start + length))
}

fn kind(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let known = NAMES.iter().find(|(end, _)| plain.ends_with(end)).map(|(_, kind)| *kind)?;
    // `compass` and `bypass` are words, `DB_PASS` is a name.
    let is_short = plain.ends_with("pass") || plain.ends_with("pwd");
    let is_name = ["pass", "pwd", "dbpass", "dbpwd"].contains(&plain.as_str()) || name.contains(['_', '-', '.']);
    (!is_short || is_name).then_some(known)
}

/// What stands behind a name.
struct Value<'l> {
    text: &'l str,
    is_quoted: bool,
    /// Directly behind the sign: `password=...`.
    is_close: bool,
}

fn value(rest: &str, is_option: bool) -> Option<Value<'_>> {
    let rest = rest.strip_prefix(['"', '\'', ']']).unwrap_or(rest);
    // `<password>...</password>`
    if let Some(inside) = rest.strip_prefix('>').and_then(|inside| inside.split_once("</")) {
        return Some(Value { text: inside.0.trim(), is_quoted: false, is_close: true });
    }
    let spaced = rest.trim_start_matches([' ', '\t']);
    let behind = ["=>", ":=", "==", "=", ":"].into_iter().find_map(|sign| spaced.strip_prefix(sign));
    let behind = match behind {
        Some(behind) => behind,
        None if is_option && spaced.len() < rest.len() => spaced,
        None => return None,
    };
    let is_close = spaced.len() == rest.len() && !behind.starts_with([' ', '\t']);
    let behind = behind.trim_start();
    let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    let text = match quote {
        Some(quote) => behind.get(1..)?.split(quote).next()?,
        None => {
            behind.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '&' | ')' | '}')).next()?
        }
    };
    Some(Value { text, is_quoted: quote.is_some(), is_close })
}

impl Value<'_> {
    fn is_secret(&self) -> bool {
        let text = self.text;
        let lower = text.to_ascii_lowercase();
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        let is_left_out = ELSEWHERE.iter().any(|start| lower.starts_with(start))
            || PLACEHOLDERS.contains(&lower.as_str())
            || text.contains(char::is_whitespace)
            || text.chars().all(|c| text.starts_with(c));
        if is_left_out || text.len() < LEAST {
            return false;
        }
        if self.is_quoted {
            return true;
        }
        // `token = request.headers2["x"]` and `secret: Vec<u8>` are code.
        let is_code = text.contains(['(', '[', '{', '<', '>']) || text.contains("::");
        let is_path = text.split('.').count() > 1
            && text.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        match self.is_close {
            true => !is_code,
            false => !is_code && !is_path && has_digit && has_letter && text.len() >= LEAST_APART,
        }
    }
}

/// `Authorization: Bearer ...`, `Basic ...`.
fn authorization(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    let at = lower.find("authorization")?;
    let words: Vec<&str> =
        line.get(at..)?.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':')).collect();
    let scheme =
        words.iter().position(|word| ["bearer", "basic", "token"].contains(&word.to_ascii_lowercase().as_str()))?;
    let value = words.get(scheme + 1..)?.iter().find(|word| !word.is_empty())?;
    let value = Value { text: value, is_quoted: true, is_close: true };
    (value.text.len() >= 12 && value.is_secret()).then_some("a token")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that this file holds nothing that looks like a secret.
    fn line(start: &str, rest: &str) -> String {
        format!("{start}{rest}")
    }

    #[test]
    fn a_name_tells_what_stands_behind_it() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY";
        for (text, kind) in [
            (line("aws_secret_access_key = ", key), "an AWS secret key"),
            (line("AWS_SECRET_ACCESS_KEY=", key), "an AWS secret key"),
            (line("  \"SecretAccessKey\": \"", &format!("{key}\",")), "an AWS secret key"),
            (line("password=", "hunter2supersecret"), "a password"),
            (line("password=", "correcthorse"), "a password"),
            (line("Password: ", "hunter2supersecret"), "a password"),
            (line("export PGPASSWORD=", "s3cr3tdb"), "a password"),
            (line("DB_PASS='", "four words no"), ""),
            (line("DB_PASS='", "Tr0ub4dor&3'"), "a password"),
            (line("spring.datasource.password=", "Tr0ub4dor&3"), "a password"),
            (line("{\"api_key\":\"", "0123456789abcdef\"}"), "an API key"),
            (line("x-api-key: ", "0123456789abcdef"), "an API key"),
            (line("client_secret => '", "0a1b2c3d4e5f'"), "a secret"),
            (line("token := \"", "0a1b2c3d4e5f\""), "a token"),
            (line("https://x.test/hook?token=", "0a1b2c3d4e5f&x=1"), "a token"),
            (line("mysql --user root --password ", "s3cr3tdb9"), "a password"),
            (line("<password>", "hunter2x</password>"), "a password"),
            (line("AccountKey=", "0a1b2c3d4e5f=="), "a key"),
            (line("Authorization: Bearer ", "0a1b2c3d4e5f6a7b"), "a token"),
            (line("curl -H 'Authorization: Basic ", "YWxpY2U6aHVudGVyMg=='"), "a token"),
            (line("Passwort: ", "geheim1234"), "a password"),
        ] {
            assert_eq!(secret(&text).unwrap_or_default(), kind, "{text}");
        }
    }

    #[test]
    fn ordinary_text_and_code_are_not_suspected() {
        for text in [
            "the password is on the table",
            "password: see the vault",
            "password: ********",
            "password=$PASSWORD",
            "password=${DB_PASSWORD}",
            "password={{ inputs.password }}",
            "password: env:DB_PASSWORD",
            "bot_token: env:SLACK_BOT_TOKEN",
            "client_secret: file:/run/credentials/x1",
            "\"password\": \"string\"",
            "password = request.form[\"password1\"]",
            "let token = Token::new(1234567);",
            "secret: SecretString,",
            "max_tokens = 4096",
            "token_type: bearer",
            "password_hash=5f4dcc3b5aa765d61d8327deb882cf99",
            "password_file=/run/secrets/db1",
            "compass=north-by-northwest-1",
            "<input type=\"password\" name=\"password\">",
            "password: <your-password-1>",
            "secret santa: 24 December",
            "Authorization: Bearer $TOKEN",
            "token=xxxxxxxxxxxx",
        ] {
            assert_eq!(secret(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(password|token|=|:|\"|--| |é|<|>|Authorization|Bearer|\\PC){0,30}") {
            let _ = secret(&text);
        }
    }
}
