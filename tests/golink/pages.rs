//! The forms on the pages: what a browser sends with the token in them, the same for our own links and a real golink.

use reqwest::{Client, Response};

/// The token in the first form of a page.
async fn token(client: &Client, url: &str) -> String {
    let page =
        client.get(url).header("accept", "text/html").send().await.expect("an answer").text().await.expect("a page");
    let at = page.find("name=\"xsrf\"").unwrap_or_else(|| panic!("{url} has no form: {page}"));
    let (_, value) = page[at..].split_once("value=\"").expect("a value");
    value.split('"').next().expect("a value").to_owned()
}

async fn send(client: &Client, url: &str, form: &[(&str, &str)]) -> Response {
    client.post(url).header("accept", "text/html").form(form).send().await.expect("an answer")
}

/// Made, not made again by mistake, changed, deleted: each with the token of its own form and with no other.
pub async fn a_link_lives_and_dies(client: &Client, base: &str) {
    let (short, one, two) = (("short", "nlc-lives"), ("long", "http://one.test"), ("long", "http://two.test"));
    let (home, page) = (format!("{base}/"), format!("{base}/.detail/nlc-lives"));
    let delete = format!("{base}/.delete/nlc-lives");
    let new = token(client, &home).await;
    let new = ("xsrf", new.as_str());
    for bad in ["", "x", "1.00"] {
        assert_eq!(send(client, &home, &[short, one, ("xsrf", bad)]).await.status(), 400, "{bad}");
    }
    let made = send(client, &home, &[short, one, new]).await;
    assert_eq!(made.status(), 200);
    assert!(made.text().await.expect("a page").contains("nlc-lives"));
    // The form that makes links does not replace one: it leads to the form that does.
    let again = send(client, &home, &[short, two, new]).await;
    assert_eq!(again.status(), 303);
    assert_eq!(again.headers()["location"], "/.detail/nlc-lives?exists=1");
    let own = token(client, &page).await;
    let own = ("xsrf", own.as_str());
    assert_eq!(send(client, &home, &[short, two, own]).await.status(), 200);
    let found = client.get(&page).header("accept", "*/*").send().await.expect("an answer").text().await.expect("JSON");
    assert!(found.contains("http://two.test"), "{found}");
    assert_eq!(send(client, &delete, &[new]).await.status(), 400, "the token of another form");
    assert_eq!(send(client, &delete, &[]).await.status(), 400);
    assert_eq!(client.get(&delete).send().await.expect("an answer").status().as_u16() / 100, 4, "no form at all");
    assert_eq!(send(client, &delete, &[own]).await.status(), 200);
    assert_eq!(client.get(&page).send().await.expect("an answer").status(), 404);
    assert_eq!(send(client, &delete, &[own]).await.status(), 404);
}

/// Deletes what an earlier run made.
pub async fn clean(client: &Client, base: &str) {
    let links = client.get(format!("{base}/.export")).send().await.expect("an answer").text().await.expect("links");
    for link in links.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let short = link["Short"].as_str().unwrap_or_default();
        let is_own = link["Owner"] == crate::WHO;
        if is_own && short.to_lowercase().replace('-', "").trim_start_matches('_').starts_with("nlc") {
            let token = token(client, &format!("{base}/.detail/{short}")).await;
            let deleted = send(client, &format!("{base}/.delete/{short}"), &[("xsrf", &token)]).await;
            assert_eq!(deleted.status(), 200, "{short}");
        }
    }
}
