//! Sizes, first sentences, and files that nobody lists.

use super::Finding;
use super::source::{House, Source, block_length, line_of, positions};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

pub fn files_are_short(source: &Source) -> Vec<Finding> {
    let count = source.text.lines().count();
    if !source.is_rust() || count <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("{count} lines, more than {FILE_LINES_MAX}");
    let why = "a file that does not fit into one head does more than one thing";
    vec![Finding { path: source.path.clone(), line: 1, what, why }]
}

/// Lines of code: comments, empty lines and what is inside literals (snapshots, JSON) do not count.
pub fn functions_are_short(source: &Source) -> Vec<Finding> {
    let why = "a function is read as one thought";
    let mut findings = Vec::new();
    for at in positions(&source.code, "fn ") {
        let Some(body) = body(&source.code[at..]) else { continue };
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        if lines > FUNCTION_LINES_MAX {
            let name: String =
                body.chars().skip(3).take_while(|character| super::source::is_word(*character)).collect();
            let what = format!("`{name}` has {lines} lines of code, more than {FUNCTION_LINES_MAX}");
            findings.push(Finding { path: source.path.clone(), line: line_of(&source.code, at), what, why });
        }
    }
    findings
}

/// From `fn` to the end of the body; none for a function without one.
fn body(code: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return block_length(&code[at..]).map(|length| &code[..at + length]),
            _ => {}
        }
    }
    None
}

pub fn files_say_what_they_are_for(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    let sentence = first.strip_prefix("//! ").unwrap_or_default();
    if !source.is_rust() || sentence.split_whitespace().count() >= 3 {
        return Vec::new();
    }
    let what = "does not open with a sentence on what it is for (`//! ...`)".to_owned();
    let why = "whoever opens a file should know after one line whether it is the right one";
    vec![Finding { path: source.path.clone(), line: 1, what, why }]
}

pub fn every_file_is_listed(house: &House) -> Vec<Finding> {
    let why = "the compiler does not see a file without a `mod`: its code and tests rot unnoticed";
    let lost = house.rust().filter(|source| !is_root(&source.path) && !is_listed(house, &source.path));
    lost.map(|source| {
        let what = "is a module that nobody lists".to_owned();
        Finding { path: source.path.clone(), line: 1, what, why }
    })
    .collect()
}

/// What cargo finds by itself.
fn is_root(path: &str) -> bool {
    let depth = path.matches('/').count();
    matches!(path, "build.rs" | "bot/lib.rs" | "bot/main.rs")
        || path.ends_with("/src/lib.rs")
        || (path.starts_with("tests/") && (depth == 1 || (depth == 2 && path.ends_with("/main.rs"))))
}

fn is_listed(house: &House, path: &str) -> bool {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let roots = ["lib.rs", "main.rs", "mod.rs"].map(|file| format!("{folder}/{file}"));
    let mut parents = roots.into_iter().chain([format!("{folder}.rs")]);
    parents
        .any(|parent| house.find(&parent).is_some_and(|source| !source.lines_with(&format!("mod {name};")).is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found() {
        assert_eq!(files_are_short(&Source::new("bot/a.rs", &"\n".repeat(400))), []);
        assert_eq!(files_are_short(&Source::new("bot/a.rs", &"\n".repeat(401))).len(), 1);
        assert_eq!(files_are_short(&Source::new("README.md", &"\n".repeat(401))), []);
    }

    #[test]
    fn long_functions_are_found_wherever_they_stand() {
        let long = |head: &str, lines: usize| format!("x\n{head} {{\n{}}}\n", "a();\n".repeat(lines));
        let told = |text: &str| -> Vec<String> {
            functions_are_short(&Source::new("bot/a.rs", text)).into_iter().map(|one| one.what).collect()
        };
        assert_eq!(told(&long("fn name(a: [u8; 3]) -> u8", 68)), Vec::<String>::new());
        assert_eq!(told(&long("fn name(a: [u8; 3]) -> u8", 69)), ["`name` has 71 lines of code, more than 70"]);
        assert_eq!(told(&long("pub(super) async fn other<T>()\nwhere\n    T: Fn(u8),", 70)).len(), 1);
        assert_eq!(told(&long("fn result(a: A, b: B) -> Result<A, Box<dyn Fn(u8) -> B>>", 70)).len(), 1);
        assert_eq!(told(&long("impl X { fn inner()", 70).replace("x\n", "fn outer();\n")).len(), 1);
        assert_eq!(told(&format!("fn a() {{\n{}}}", "// b\n\n".repeat(90))), Vec::<String>::new());
        assert_eq!(told(&format!("fn a() {{ b(\"\n{}\") }}", "text {\n".repeat(90))), Vec::<String>::new());
    }

    #[test]
    fn files_without_a_first_sentence_are_found() {
        for text in ["", "use a;", "// Not a doc comment at all.", "//! To come.", "\n//! Too late to be the first."] {
            assert_eq!(files_say_what_they_are_for(&Source::new("bot/a.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(files_say_what_they_are_for(&Source::new("bot/a.rs", "//! Says what it is for.")), []);
    }

    #[test]
    fn files_nobody_lists_are_found() {
        let house = House::of(&[
            ("bot/lib.rs", "pub mod a;\npub mod b;\n// mod lost;"),
            ("bot/a.rs", "mod inner;"),
            ("bot/a/inner.rs", ""),
            ("bot/a/stray.rs", ""),
            ("bot/b/mod.rs", "#[cfg(test)]\nmod tests;"),
            ("bot/b/tests.rs", "mod more;"),
            ("bot/b/tests/more.rs", ""),
            ("bot/lost/mod.rs", ""),
            ("tests/a.rs", ""),
            ("tests/b/main.rs", "mod c;"),
            ("tests/b/c.rs", ""),
        ]);
        let lost: Vec<String> = every_file_is_listed(&house).into_iter().map(|finding| finding.path).collect();
        assert_eq!(lost, ["bot/a/stray.rs", "bot/lost/mod.rs"]);
    }
}
