//! Reads the repository: every file's text, its code without comments and strings, and which lines are tests.

use std::fs;
use std::path::Path;

/// What is looked at. Nothing built, nothing fetched.
const FOLDERS: &[&str] = &["bot", "tests", "templates", "workflows", "policies", "migrations", ".ci", "docs"];

/// The repository.
pub struct House {
    pub sources: Vec<Source>,
}

/// One file.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    pub text: String,
    /// For Rust, the text with everything in comments and literals blanked; same lines. Empty for other files.
    pub code: String,
    /// For each line whether it is only built for tests.
    tests: Vec<bool>,
}

impl House {
    /// Everything there is.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = Vec::new();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                read_file(root, &path, &mut sources);
            }
        }
        for folder in FOLDERS {
            read_folder(root, &root.join(folder), &mut sources);
        }
        Self { sources }
    }

    /// For testing rules on small houses.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { sources: files.iter().map(|(path, text)| Source::new(path, text)).collect() }
    }

    pub fn find(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.is_rust())
    }
}

fn read_folder(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(root, &path, sources);
        } else {
            read_file(root, &path, sources);
        }
    }
}

fn read_file(root: &Path, path: &Path, sources: &mut Vec<Source>) {
    let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    // Pictures and databases are not text; the lock file is cargo's, and `.git` is a file in some clones.
    if matches!(relative.as_str(), "Cargo.lock" | ".git") {
        return;
    }
    if let Ok(text) = fs::read_to_string(path) {
        sources.push(Source::new(&relative, &text));
    }
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { blank(text) } else { String::new() };
        let tests = test_lines(path, &code);
        Self { path: path.to_owned(), text: text.to_owned(), code, tests }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Counted from one.
    pub fn is_test(&self, line: usize) -> bool {
        self.tests.get(line - 1).copied().unwrap_or(false)
    }

    /// The room a file of the bot is in: `engine` for `bot/engine/worker.rs` and for `bot/engine.rs`.
    pub fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("bot/")?;
        Some(inside.split('/').next()?.trim_end_matches(".rs"))
    }

    /// Where `what` stands in the code as a word of its own: line numbers, counted from one.
    pub fn lines_with(&self, what: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(self.code.lines()) {
            if positions(line, what).next().is_some() {
                lines.push(number);
            }
        }
        lines
    }
}

/// Where `what` stands in `line` without being the end of a longer name.
pub fn positions<'l>(line: &'l str, what: &'l str) -> impl Iterator<Item = usize> + 'l {
    let starts_word = what.starts_with(is_word);
    line.match_indices(what).map(|(at, _)| at).filter(move |at| !starts_word || !line[..*at].ends_with(is_word))
}

pub fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The line a byte is in, counted from one.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// Replaces comments and what is inside literals with spaces, keeping every line where it is.
fn blank(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = skipped(&characters, at);
        if end == at {
            code.push(characters[at]);
            at += 1;
            continue;
        }
        let quote = characters[at] != '/';
        for (index, character) in characters[at..end].iter().enumerate() {
            let edge = quote && (index == 0 || at + index + 1 == end);
            code.push(if *character == '\n' || edge { *character } else { ' ' });
        }
        at = end;
    }
    code
}

/// Where a comment or literal that begins at `at` ends; `at` if none begins there.
fn skipped(text: &[char], at: usize) -> usize {
    let rest = &text[at..];
    if !matches!(rest[0], '/' | 'r' | '"' | '\'') {
        return at;
    }
    let starts = |what: &str| rest.iter().copied().take(what.chars().count()).eq(what.chars());
    if starts("//") {
        return at + rest.iter().position(|character| *character == '\n').unwrap_or(rest.len());
    }
    if starts("/*") {
        return at + nested_comment(rest);
    }
    let in_word = at > 0 && is_word(text[at - 1]) && text[at - 1] != 'b';
    if starts("r") && !in_word {
        let hashes = rest[1..].iter().take_while(|character| **character == '#').count();
        if rest.get(1 + hashes) == Some(&'"') {
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let body = &rest[2 + hashes..];
            let length = body.windows(close.len()).position(|part| part == close).unwrap_or(body.len());
            return (at + 2 + hashes + length + close.len()).min(text.len());
        }
    }
    if starts("\"") {
        return at + 1 + quoted(&rest[1..], '"');
    }
    // A character, unless it is a lifetime.
    if starts("'") && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
        return at + 1 + quoted(&rest[1..], '\'');
    }
    at
}

fn nested_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length up to and with the closing quote.
fn quoted(rest: &[char], close: char) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            character if character == close => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A whole file of tests, or the items behind `#[cfg(test)]`.
fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let count = code.lines().count();
    let whole = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    let mut lines = vec![whole; count];
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let Some(length) = item_length(&code[at..]) else { continue };
        for line in line_of(code, at)..=line_of(code, at + length - 1) {
            lines[line - 1] = true;
        }
    }
    lines
}

/// Up to the end of the block, or the semicolon if that comes first.
fn item_length(code: &str) -> Option<usize> {
    let begin = code.find(['{', ';'])?;
    if code[begin..].starts_with(';') {
        return Some(begin + 1);
    }
    block_length(&code[begin..]).map(|length| begin + length)
}

/// The length of a block that begins with `{`, in bytes.
pub fn block_length(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b\n/* c /* d */ e */ f \"g \\\" h\" 'i' '\\'' b\"j\" r#\"k \" l\"# <'m> r\"n\" word\"o\"\n";
    insta::assert_snapshot!(blank(text).replace(' ', "."), @r##"
    a.....
    ..................f."......".'.'.'..'.b".".r........#.<'m>.r..".word"."
    "##);
}

#[test]
fn what_is_only_built_for_tests_is_told_apart() {
    let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}";
    let source = Source::new("bot/x.rs", text);
    let tests: Vec<usize> = (1..=10).filter(|line| source.is_test(*line)).collect();
    assert_eq!(tests, [3, 4, 5, 6, 8, 9]);
    assert!(Source::new("bot/x/tests/y.rs", "fn a() {}").is_test(1));
    assert!(Source::new("bot/x/tests.rs", "fn a() {}").is_test(1));
    assert!(!Source::new("bot/contests.rs", "fn a() {}").is_test(1));
}
