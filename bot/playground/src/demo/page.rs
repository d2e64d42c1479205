//! The page's files, inside the program: nothing is fetched from anywhere and nothing is built.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Demo;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Every file of the page but the first, with its text.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("page/", $name)))),*];
    };
}

files! {
    "base.css", "chat.css", "blocks.css", "dialog.css", "tailnet.css",
    "main.js", "api.js", "dom.js", "time.js", "markup.js", "blocks.js", "elements.js", "combobox.js",
    "sidebar.js", "messages.js", "composer.js", "modal.js", "dialogs.js", "tailnet.js", "coach.js", "icon.svg",
}

/// What comes after the tour, as the program's README says it.
pub(super) async fn go_live(State(demo): State<Demo>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], demo.hints.go_live).into_response()
}

pub(super) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("page/index.html")).into_response()
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, text)) = FILES.iter().find(|(file, _)| *file == name) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind)], *text).into_response()
}

#[cfg(test)]
mod tests {
    use super::FILES;

    /// Strips line comments, in which words may stand that the code must not use.
    fn code(text: &str) -> String {
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_file_of_the_page_is_in_the_list() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/page");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .filter(|name| name != "index.html")
            .collect();
        let mut listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
    }

    #[test]
    fn the_page_fetches_nothing_from_elsewhere_and_makes_no_markup_out_of_text() {
        for (name, text) in FILES {
            for never in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "@import", "url(http"]
            {
                assert!(!code(text).contains(never), "{name} has {never}");
            }
        }
        let index = include_str!("page/index.html");
        for never in ["http://", "https://", "<style", " style=", "onclick", "<script>"] {
            assert!(!index.contains(never), "index.html has {never}");
        }
    }
}
