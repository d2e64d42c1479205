//! The same cases against our own links and against a real golink, if there is one: where they differ is reported.
//!
//! `NIGHTLATCH_TEST_GOLINK=http://127.0.0.1:8080 cargo test --test golink -- --nocapture` runs them against a
//! golink started with `-dev-listen`; its links whose names begin with `nlc` are deleted first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod attacks;
mod bot;
mod case;
mod cases;
mod edges;
mod pages;

use case::{Case, Expected, Got};
use cases::CASES;
use edges::EDGES;

/// In golink's dev mode everybody is this user.
const WHO: &str = "foo@example.com";

/// Runs all cases; the difference between what each says and what it found.
async fn run(base: &str, client: &reqwest::Client) -> Vec<(&'static Case, Got, Vec<String>)> {
    let mut all = Vec::new();
    for case in CASES.iter().chain(EDGES) {
        let got = case::call(client, base, case).await;
        let wrong = case.expected.iter().filter_map(|expected| case::differs(expected, &got)).collect();
        all.push((case, got, wrong));
    }
    all
}

#[tokio::test]
async fn our_own_links_answer_as_golink_does() {
    let ours = bot::start().await;
    let mut told = Vec::new();
    for (case, got, wrong) in run(&ours.base, &ours.client).await {
        for wrong in wrong {
            told.push(format!("{}: {wrong}\n    {got:?}", case.name));
        }
    }
    // The same below /go, for a name that is followed.
    let under = format!("{}/go", ours.base);
    let followed = ours.elsewhere.get(format!("{under}/nlc-plain/a?b=c")).send().await.expect("an answer");
    assert_eq!(followed.headers()["location"], "http://host.test/foo/a?b=c");
    assert!(told.is_empty(), "{} differences\n{}", told.len(), told.join("\n"));
    pages::a_link_lives_and_dies(&ours.client, &ours.base).await;
    ours.stop().await;
}

#[tokio::test]
async fn a_real_golink_answers_as_we_think_it_does() {
    let Ok(base) = std::env::var("NIGHTLATCH_TEST_GOLINK") else {
        not_run(
            "NOT RUN against a real golink: set NIGHTLATCH_TEST_GOLINK=http://host:port to a golink with -dev-listen",
        );
        return;
    };
    let client = reqwest_client(None);
    let base = base.trim_end_matches('/');
    pages::clean(&client, base).await;
    let mut told = Vec::new();
    let mut known = 0;
    let all = run(base, &client).await;
    for (case, got, wrong) in &all {
        match case.ours_alone {
            Some(why) if !wrong.is_empty() => {
                known += 1;
                println!("known difference, {}: {why}; golink: {got:?}", case.name);
            }
            _ => told.extend(wrong.iter().map(|wrong| format!("{}: {wrong}\n    {got:?}", case.name))),
        }
    }
    pages::a_link_lives_and_dies(&client, base).await;
    println!("{} cases against {base}: {} differ as known, {} differ as not known", all.len(), known, told.len());
    assert!(told.is_empty(), "{} differences\n{}", told.len(), told.join("\n"));
}

#[test]
fn every_case_expects_something_and_has_a_name_of_its_own() {
    let mut names = std::collections::BTreeSet::new();
    for case in CASES.iter().chain(EDGES) {
        assert!(names.insert(case.name), "{} stands twice", case.name);
        assert!(!case.expected.is_empty(), "{}", case.name);
        let has_status = case.expected.iter().any(|expected| matches!(expected, Expected::Status(_)));
        assert!(has_status, "{} expects no status", case.name);
    }
}

/// Said where nobody overlooks it: `./test` repeats it in its last lines.
fn not_run(words: &str) {
    use std::io::Write;
    // Not `eprintln!`, which is kept from people when a test passes.
    drop(writeln!(std::io::stderr().lock(), "\n{words}"));
    if let Some(list) = std::env::var_os("NIGHTLATCH_NOT_RUN") {
        let list = std::fs::OpenOptions::new().append(true).open(list);
        drop(list.and_then(|mut list| writeln!(list, "{words}")));
    }
}

/// Follows no redirects, so that they can be looked at. `from`: the address the calls come from.
fn reqwest_client(from: Option<std::net::IpAddr>) -> reqwest::Client {
    nightlatch::outside::tls();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]);
    builder.local_address(from).timeout(std::time::Duration::from_secs(10)).build().expect("a client")
}
