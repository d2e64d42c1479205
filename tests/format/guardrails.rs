//! `docs/guardrails.md` shows the schema and what is built in as they are, and its examples are read.

use std::path::Path;

use nightlatch_guardrails::{BUILT_IN, Known, SCHEMA, SourceFile, read};

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the page")
}

/// The pieces of Cedar on a page.
fn pieces(page: &str) -> Vec<&str> {
    page.split("```cedar\n").skip(1).filter_map(|piece| piece.split("```").next()).collect()
}

#[test]
fn the_page_shows_the_schema_and_what_is_built_in() {
    let page = page("docs/guardrails.md");
    let pieces = pieces(&page);
    assert_eq!(pieces.len(), 3);
    assert_eq!(pieces[1], SCHEMA);
    assert_eq!(pieces[2], BUILT_IN);
}

#[test]
fn every_example_is_read() {
    for name in ["docs/guardrails.md", "policies/README.md"] {
        let page = page(name);
        let text = pieces(&page)[0].to_owned();
        let file = SourceFile { path: name.to_owned(), stem: "page".to_owned(), text };
        let read = read(vec![file], Known { workflows: Some(&["prod-db"]) });
        assert!(read.is_ok_and(|read| read.count() > 0), "{name}");
    }
}
