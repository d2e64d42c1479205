//! Text as lines of HTML, with the words of a programming language marked; what takes too long is left unmarked.
//!
//! Each line stands alone, so that lines can be numbered and wrapped by the style sheet: no mark reaches over its end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use syntect::easy::ScopeRegionIterator;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::kernel::paste::{Paste, PasteId};

/// More lines no page shows; the raw text has them all.
pub(super) const LINES_MAX: usize = 10_000;
/// Larger texts are shown unmarked.
const MARKED_MAX_BYTES: usize = 256 * 1024;
/// Longer lines (minified code) are shown unmarked.
const LINE_MAX_BYTES: usize = 2_000;
/// How long marking may take before it is given up.
const MARKING_LIMIT: Duration = Duration::from_millis(1_500);
/// Pages remembered; a paste never changes.
const KEPT_MAX: usize = 64;

/// Every language syntect comes with.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Scopes and the class of the style sheet that shows them. The most particular scope that is here counts.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    const NAMES: &[(&str, &str)] = &[
        ("comment", "c"),
        ("string", "s"),
        ("constant.numeric", "n"),
        ("constant.character.escape", "e"),
        ("constant", "n"),
        ("keyword", "k"),
        ("storage", "k"),
        ("entity.name.function", "f"),
        ("support.function", "f"),
        ("variable.function", "f"),
        ("entity.name", "t"),
        ("entity.other.attribute-name", "a"),
        ("entity.other", "t"),
        ("support.type", "t"),
        ("support.class", "t"),
        ("variable.parameter", "a"),
        ("markup.heading", "h"),
        ("markup.inserted", "i"),
        ("markup.deleted", "d"),
        ("markup.raw", "s"),
    ];
    NAMES.iter().filter_map(|(name, class)| Some((Scope::new(name).ok()?, *class))).collect()
});

/// Loads the languages, once. No limit is on it: it is our own and always the same, and must not be taken for a text that takes too long.
pub(super) async fn ready() {
    if LazyLock::get(&SYNTAXES).is_none() {
        drop(tokio::task::spawn_blocking(|| LazyLock::force(&SYNTAXES)).await);
    }
}

/// A text as HTML lines.
#[derive(Debug)]
pub(super) struct Code {
    /// `<span class="l" id="L1">...</span>`, one a line, nothing between them.
    pub(super) html: Box<str>,
    /// There are more lines than are shown.
    pub(super) is_cut: bool,
}

/// Newest first.
type Kept = VecDeque<(PasteId, Arc<Code>)>;

/// Pages made before. Cloning shares them.
#[derive(Clone, Default)]
pub(super) struct Highlighted {
    kept: Arc<Mutex<Kept>>,
}

impl Highlighted {
    /// The text of this paste as HTML lines. Whether the paste is still there is for the caller to know.
    pub(super) async fn of(&self, paste: &Paste, content: String) -> Arc<Code> {
        let kept = self.kept().iter().find(|(id, _)| *id == paste.id).map(|(_, code)| code.clone());
        if let Some(code) = kept {
            return code;
        }
        ready().await;
        let (filename, language) = (paste.filename.clone(), paste.language.clone());
        let (stop, text) = (Arc::new(AtomicBool::new(false)), Arc::new(content));
        let (stopped, marked) = (stop.clone(), text.clone());
        let work = tokio::task::spawn_blocking(move || {
            lines(&marked, syntax(&filename, language.as_deref(), &marked), &stopped)
        });
        let code = match tokio::time::timeout(MARKING_LIMIT, work).await {
            Ok(Ok(code)) => code,
            _ => {
                // It looks at this before each line.
                stop.store(true, Ordering::Relaxed);
                lines(&text, None, &stop)
            }
        };
        let code = Arc::new(code);
        // What is larger was not marked, so making it again costs little and keeping it much.
        if text.len() <= MARKED_MAX_BYTES {
            let mut kept = self.kept();
            kept.push_front((paste.id.clone(), code.clone()));
            kept.truncate(KEPT_MAX);
        }
        code
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The language: as said, else by the file's name or ending, else by the first line. None: plain text.
fn syntax(filename: &str, language: Option<&str>, text: &str) -> Option<&'static SyntaxReference> {
    if text.len() > MARKED_MAX_BYTES {
        return None;
    }
    let by = |word: &str| {
        SYNTAXES.find_syntax_by_token(alias(&word.to_lowercase())).or_else(|| SYNTAXES.find_syntax_by_extension(word))
    };
    let ending = filename.rsplit_once('.').map(|(_, ending)| ending);
    let found = language
        .and_then(by)
        .or_else(|| SYNTAXES.find_syntax_by_extension(filename))
        .or_else(|| by(ending.unwrap_or(filename)))
        .or_else(|| SYNTAXES.find_syntax_by_first_line(text.lines().next().unwrap_or_default()));
    found.filter(|syntax| syntax.name != "Plain Text")
}

/// What syntect's own list does not have, shown as the nearest it has.
fn alias(word: &str) -> &str {
    match word {
        "ts" | "tsx" | "jsx" | "mjs" | "cjs" | "typescript" => "js",
        "toml" | "ini" | "conf" | "cfg" | "env" | "service" => "properties",
        "zsh" | "bash" | "shell" | "dockerfile" | "containerfile" | "nginx" | "caddyfile" => "sh",
        "hcl" | "tf" | "tfvars" | "terraform" => "rb",
        "swift" => "go",
        "kt" | "kotlin" => "java",
        "jsonc" | "hujson" | "ndjson" => "json",
        "golang" => "go",
        "svg" => "xml",
        other => other,
    }
}

/// A piece of code as HTML lines, in the language it is said to be in.
pub(super) fn lines_in(code: &str, language: Option<&str>, stop: &AtomicBool) -> Code {
    let language = language.and_then(|language| language.split_whitespace().next());
    lines(code, language.and_then(|language| syntax("", Some(language), code)), stop)
}

/// Every class a word can have.
pub(super) fn class_names() -> Vec<&'static str> {
    CLASSES.iter().map(|(_, class)| *class).collect()
}

/// Every line as a span of its own, at most `LINES_MAX`.
fn lines(text: &str, syntax: Option<&SyntaxReference>, stop: &AtomicBool) -> Code {
    let mut marking = syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new()));
    let mut html = String::with_capacity(text.len() * 2);
    let mut count = 0;
    let mut rest = text.split_inclusive('\n');
    for line in rest.by_ref().take(LINES_MAX) {
        count += 1;
        html.push_str(&format!("<span class=\"l\" id=\"L{count}\">"));
        if stop.load(Ordering::Relaxed) {
            marking = None;
        }
        match &mut marking {
            Some((state, stack)) if line.len() <= LINE_MAX_BYTES => {
                if !mark(line, state, stack, &mut html) {
                    marking = None;
                }
            }
            _ => escape(line.trim_end_matches(['\n', '\r']), &mut html),
        }
        html.push_str("</span>");
    }
    Code { html: html.into_boxed_str(), is_cut: rest.next().is_some() }
}

/// False when the language's rules cannot read the line; it is written unmarked then.
fn mark(line: &str, state: &mut ParseState, stack: &mut ScopeStack, html: &mut String) -> bool {
    let Ok(operations) = state.parse_line(line, &SYNTAXES) else {
        escape(line.trim_end_matches(['\n', '\r']), html);
        return false;
    };
    for (words, operation) in ScopeRegionIterator::new(&operations, line) {
        if stack.apply(operation).is_err() {
            *stack = ScopeStack::new();
        }
        let words = words.trim_end_matches(['\n', '\r']);
        if words.is_empty() {
            continue;
        }
        match class(stack) {
            Some(class) => {
                html.push_str(&format!("<b class=\"{class}\">"));
                escape(words, html);
                html.push_str("</b>");
            }
            None => escape(words, html),
        }
    }
    true
}

fn class(stack: &ScopeStack) -> Option<&'static str> {
    let scopes = stack.as_slice().iter().rev();
    scopes
        .filter_map(|scope| CLASSES.iter().find(|(name, _)| name.is_prefix_of(*scope)))
        .map(|(_, class)| *class)
        .next()
}

/// As text in HTML, and in an attribute.
fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // These show text in another order than programs read it: what looks harmless may not be.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                html.push_str(&format!("<b class=\"d\">U+{:04X}</b>", u32::from(character)));
            }
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(filename: &str, language: Option<&str>, text: &str) -> String {
        let code = lines(text, syntax(filename, language, text), &AtomicBool::new(false));
        code.html.replace("</span>", "</span>\n")
    }

    #[test]
    fn words_are_marked_and_lines_stand_alone() {
        insta::assert_snapshot!(shown("main.rs", None, "/* a\nb */ let x = \"<b>\\n\"; // 1\n\nfn f() {}\n"), @r#"
        <span class="l" id="L1"><b class="c">/*</b><b class="c"> a</b></span>
        <span class="l" id="L2"><b class="c">b </b><b class="c">*/</b> <b class="k">let</b> x <b class="k">=</b> <b class="s">&quot;</b><b class="s">&lt;b&gt;</b><b class="e">\n</b><b class="s">&quot;</b>; <b class="c">//</b><b class="c"> 1</b></span>
        <span class="l" id="L3"></span>
        <span class="l" id="L4"><b class="k">fn</b> <b class="f">f</b>() {}</span>
        "#);
    }

    #[test]
    fn the_language_is_told_by_what_is_said_by_name_and_by_the_first_line() {
        let name = |filename, language, text| syntax(filename, language, text).map(|syntax| syntax.name.as_str());
        assert_eq!(name("x", Some("Python"), ""), Some("Python"));
        assert_eq!(name("x.rs", None, ""), Some("Rust"));
        assert_eq!(name("Makefile", None, ""), Some("Makefile"));
        assert_eq!(name("app.ts", None, ""), Some("JavaScript"));
        assert_eq!(name("run", None, "#!/bin/bash\n"), Some("Bourne Again Shell (bash)"));
        assert_eq!(name("untitled", None, "hello"), None);
        assert_eq!(name("notes.txt", None, "hello"), None);
        assert_eq!(name("x.rs", None, &"x".repeat(MARKED_MAX_BYTES + 1)), None);
    }

    #[test]
    fn what_turns_the_order_of_text_is_shown() {
        insta::assert_snapshot!(shown("a.txt", None, "if (admin\u{202e} // no\u{2066}"), @r#"<span class="l" id="L1">if (admin<b class="d">U+202E</b> // no<b class="d">U+2066</b></span>"#);
        assert_eq!(shown("a.txt", None, "\u{5d0}\u{200f}é"), "<span class=\"l\" id=\"L1\">\u{5d0}\u{200f}é</span>\n");
    }

    #[test]
    fn what_is_too_much_is_cut_or_left_unmarked() {
        let code = lines(&"x\n".repeat(LINES_MAX + 1), None, &AtomicBool::new(false));
        assert!(code.is_cut);
        let long = format!("let x = \"{}\";\n", "y".repeat(LINE_MAX_BYTES));
        assert!(!shown("a.rs", None, &long).contains("<b"));
        let stopped = lines("let x = 1;", syntax("a.rs", None, ""), &AtomicBool::new(true));
        assert!(!stopped.html.contains("<b"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_gets_out_of_its_line(text in "(<|>|&|\"|'|\\n|/\\*|\\*/|fn |let |\\PC){0,40}") {
            let code = lines(&text, syntax("a.rs", None, ""), &AtomicBool::new(false));
            let tags = code.html.matches('<').count();
            let ours = ["<span class=\"l\" id=\"L", "</span>", "<b class=\"", "</b>"];
            proptest::prop_assert_eq!(tags, ours.iter().map(|tag| code.html.matches(tag).count()).sum::<usize>());
            proptest::prop_assert!(!code.html.contains('\n'));
        }
    }
}
