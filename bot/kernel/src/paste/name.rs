//! What a paste is called: one line, nothing in it that hides or turns, and an ending that tells its language.

use super::{FILENAME_MAX_CHARACTERS, UNTITLED};

/// Longer endings are part of the name.
const ENDING_MAX_CHARACTERS: usize = 12;

/// The last part of a path, in one line, without what turns or hides text, not longer than is shown. Of a name that is too
/// long the ending stays: it tells the language.
pub fn tidy_filename(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let line: String = last.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    match cut(line.trim()).trim() {
        "" | "." | ".." => UNTITLED.to_owned(),
        line => line.to_owned(),
    }
}

/// What turns the direction of text, or cannot be seen.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

fn cut(line: &str) -> String {
    let length = line.chars().count();
    if length <= FILENAME_MAX_CHARACTERS {
        return line.to_owned();
    }
    let ending = ending(line).map(|ending| format!(".{ending}")).unwrap_or_default();
    let room = FILENAME_MAX_CHARACTERS - ending.chars().count();
    let mut whole: String = line.chars().take(room).collect();
    whole.push_str(&ending);
    whole
}

fn ending(filename: &str) -> Option<&str> {
    let (stem, ending) = filename.rsplit_once('.')?;
    let is_one = !stem.is_empty() && !ending.is_empty() && ending.chars().count() <= ENDING_MAX_CHARACTERS;
    (is_one && ending.chars().all(|c| c.is_ascii_alphanumeric())).then_some(ending)
}

/// The name with an ending for the language, if it has none: tclip tells the language by the name alone.
pub fn named_with_language(filename: &str, language: Option<&str>) -> String {
    match language.filter(|_| ending(filename).is_none()).and_then(ending_of) {
        Some(ending) => tidy_filename(&format!("{filename}.{ending}")),
        None => filename.to_owned(),
    }
}

/// What files in a language end in. Slack's own names (`filetype` of a file) and what is a known ending already.
fn ending_of(language: &str) -> Option<&str> {
    Some(match language {
        "javascript" => "js",
        "typescript" => "ts",
        "python" => "py",
        "ruby" => "rb",
        "rust" => "rs",
        "shell" | "bash" => "sh",
        "markdown" => "md",
        "makefile" => "mk",
        "csharp" => "cs",
        "haskell" => "hs",
        "kotlin" => "kt",
        "perl" => "pl",
        "powershell" => "ps1",
        "golang" => "go",
        "post" | "text" | "binary" | "" => return None,
        other if other.len() <= ENDING_MAX_CHARACTERS && other.chars().all(|c| c.is_ascii_alphanumeric()) => other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidy() {
        for (given, tidy) in [
            ("", "untitled"),
            ("..", "untitled"),
            ("/etc/passwd", "passwd"),
            ("C:\\logs\\app.log", "app.log"),
            ("a\nb\u{202e}gpj.exe", "abgpj.exe"),
            ("  notes.md ", "notes.md"),
        ] {
            assert_eq!(tidy_filename(given), tidy, "{given:?}");
        }
    }

    #[test]
    fn of_a_name_that_is_too_long_the_ending_stays() {
        let long = |ending: &str| tidy_filename(&format!("{}{ending}", "x".repeat(500)));
        assert_eq!(long("").chars().count(), FILENAME_MAX_CHARACTERS);
        assert!(long(".yaml").ends_with("xx.yaml") && long(".yaml").chars().count() == FILENAME_MAX_CHARACTERS);
        assert!(!long(&format!(".{}", "y".repeat(200))).contains('y'));
        assert_eq!(tidy_filename(&"é".repeat(500)).chars().count(), FILENAME_MAX_CHARACTERS);
    }

    #[test]
    fn a_name_without_an_ending_gets_that_of_its_language() {
        for (filename, language, named) in [
            ("untitled", Some("rs"), "untitled.rs"),
            ("run", Some("shell"), "run.sh"),
            ("main.py", Some("rs"), "main.py"),
            (".env", Some("sh"), ".env.sh"),
            ("notes", None, "notes"),
            ("notes", Some("visual basic"), "notes"),
            ("v1.2 of it", Some("md"), "v1.2 of it.md"),
        ] {
            assert_eq!(named_with_language(filename, language), named);
        }
    }
}
