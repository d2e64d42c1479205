//! What somebody who means harm sends to our own links: forged forms, borrowed names, traps in addresses. None of it works.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response};

use super::bot::{self, Ours};

const MAKE: &[(&str, &str)] = &[("short", "forged"), ("long", "http://x.test")];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::try_from(*name).expect("a name"), HeaderValue::from_str(value).expect("a value"));
    }
    map
}

async fn post(client: &Client, url: &str, sent: &[(&str, &str)], form: &[(&str, &str)]) -> Response {
    client.post(url).headers(headers(sent)).form(form).send().await.expect("an answer")
}

async fn get(client: &Client, url: &str, sent: &[(&str, &str)]) -> Response {
    client.get(url).headers(headers(sent)).send().await.expect("an answer")
}

async fn make(ours: &Ours, short: &str, long: &str) {
    let (home, form) = (format!("{}/", ours.base), [("short", short), ("long", long)]);
    let answer = post(&ours.client, &home, &[("sec-golink", "1")], &form).await;
    assert_eq!(answer.status(), 200, "{short} {long}");
}

#[tokio::test]
async fn a_form_of_another_page_changes_nothing() {
    let ours = bot::start().await;
    let home = format!("{}/", ours.base);
    make(&ours, "kept", "http://kept.test").await;
    for sent in [
        &[][..],
        &[("sec-golink", "")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("content-type", "text/plain")],
    ] {
        let answer = post(&ours.client, &home, sent, MAKE).await;
        assert_eq!(answer.status(), 400, "{sent:?}");
    }
    for path in ["/.delete/kept", "/.delete/kept?xsrf=x"] {
        let answer = post(&ours.client, &format!("{}{path}", ours.base), &[("sec-golink", "1")], &[]).await;
        assert_eq!(answer.status(), 400, "{path}");
    }
    assert_eq!(get(&ours.client, &format!("{}/forged", ours.base), &[]).await.status(), 404);
    assert_eq!(get(&ours.client, &format!("{}/kept", ours.base), &[]).await.status(), 302);
    ours.stop().await;
}

#[tokio::test]
async fn nobody_is_who_their_headers_say() {
    let ours = bot::start().await;
    let home = "http://localhost/go/";
    let program = ("sec-golink", "1");
    let foo = ("tailscale-user-login", super::WHO);
    for sent in [
        &[program][..],
        &[program, foo],
        &[program, foo, ("x-forwarded-for", "127.0.0.61")],
        &[program, foo, ("x-forwarded-for", "100.64.9.9")],
        &[program, foo, ("tailscale-user-login", "a@b.c"), ("x-forwarded-for", "100.64.0.1")],
        &[program, ("x-webauth-user", super::WHO), ("x-forwarded-user", super::WHO)],
        &[program, ("tailscale-funnel-request", "?1")],
    ] {
        let answer = post(&ours.beside, home, sent, MAKE).await;
        assert_eq!(answer.status(), 403, "{sent:?}");
    }
    // What a visitor says of themselves does not come through.
    let answer = post(&ours.at([127, 0, 0, 62]), &format!("{}/go/", ours.base), &[program, foo], MAKE).await;
    assert_eq!(answer.status(), 403);
    // Through Funnel not even for somebody the tailnet knows.
    let foo_says = [program, foo, ("x-forwarded-for", &ours.foo()), ("tailscale-funnel-request", "?1")];
    let answer = post(&ours.beside, home, &foo_says, MAKE).await;
    assert_eq!(answer.status(), 403);
    let answer = get(&ours.beside, &format!("{home}.export"), &foo_says).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(post(&ours.beside, home, &foo_says[..3], MAKE).await.status(), 200, "as tailscale serve says it");
    ours.stop().await;
}

#[tokio::test]
async fn tagged_devices_and_people_of_other_tailnets_change_nothing() {
    let ours = bot::start().await;
    ours.tailnet.add_device("ci-runner", "linux", super::WHO);
    ours.tailnet.tag("ci-runner", &["tag:ci"]).expect("a device");
    ours.tailnet.sits_at("127.0.0.63", "ci-runner");
    ours.tailnet.sits_at("127.0.0.64", "otto-laptop");
    let (home, export) = (format!("{}/go/", ours.base), format!("{}/go/.export", ours.base));
    for (address, may_read) in [([127, 0, 0, 63], 200), ([127, 0, 0, 64], 403)] {
        let client = ours.at(address);
        assert_eq!(post(&client, &home, &[("sec-golink", "1")], MAKE).await.status(), 403, "{address:?}");
        assert_eq!(get(&client, &export, &[]).await.status(), may_read, "{address:?}");
    }
    ours.stop().await;
}

#[tokio::test]
async fn a_name_that_was_pointed_here_is_not_ours() {
    let ours = bot::start().await;
    let address = ours.base.trim_start_matches("http://");
    let port = address.rsplit(':').next().expect("a port");
    for host in [format!("go.evil.example:{port}"), "evil.example".to_owned(), format!("{address}.evil.example")] {
        for path in ["/go/", "/go/.export", "/go/.detail/kept", "/", "/.export"] {
            let answer = get(&ours.at([127, 0, 0, 61]), &format!("{}{path}", ours.base), &[("host", &host)]).await;
            let status = answer.status().as_u16();
            assert!(status == 403 || status == 404, "{host} {path}: {status}");
        }
        let sent = [("host", host.as_str()), ("sec-golink", "1")];
        for path in ["/", "/go/"] {
            let status = post(&ours.at([127, 0, 0, 61]), &format!("{}{path}", ours.base), &sent, MAKE).await.status();
            assert!(status == 403 || status == 404, "{host} {path}: {status}");
        }
    }
    assert_eq!(get(&ours.client, &format!("{}/forged", ours.base), &[]).await.status(), 404);
    ours.stop().await;
}

#[tokio::test]
async fn nothing_behind_a_name_leads_to_another_site_than_its_owner_chose() {
    let ours = bot::start().await;
    make(&ours, "home", "/").await;
    make(&ours, "other", "/kept").await;
    make(&ours, "wiki", "https://wiki.example.com").await;
    for (path, to) in [
        ("/home//evil.example", "/evil.example"),
        ("/home/%2Fevil.example", "/evil.example"),
        ("/home/%2F%2F%2Fevil.example/x?y=1", "/evil.example/x?y=1"),
        ("/home/%5Cevil.example", "/%5Cevil.example"),
        ("/other//evil.example", "/kept//evil.example"),
        ("/wiki/@evil.example", "https://wiki.example.com/@evil.example"),
        ("/wiki/.evil.example", "https://wiki.example.com/.evil.example"),
        ("/wiki/%0d%0aset-cookie:%20a=b", ""),
    ] {
        for (client, root) in [(&ours.client, ""), (&ours.elsewhere, "/go")] {
            let answer = get(client, &format!("{}{root}{path}", ours.base), &[]).await;
            let location = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
            let root = if to.starts_with('/') { root } else { "" };
            assert_eq!(
                location.unwrap_or_default(),
                if to.is_empty() { String::new() } else { format!("{root}{to}") },
                "{path}"
            );
            assert!(!answer.headers().contains_key("set-cookie"), "{path}");
        }
    }
    ours.stop().await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_what_is_costly_is_cut_off() {
    let ours = bot::start().await;
    let home = format!("{}/", ours.base);
    let long = format!("http://x.test/{}", "x".repeat(100_000));
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let call = ours.client.post(&home).header("sec-golink", "1").header("content-type", kind).body(long.clone());
        // The connection may be cut before all of it is sent.
        if let Ok(answer) = call.send().await {
            assert_eq!(answer.status(), 413, "{kind}");
        }
    }
    let long = &long[..9_000];
    let answer = post(&ours.client, &home, &[("sec-golink", "1")], &[("short", "long"), ("long", long)]).await;
    assert_eq!(answer.status(), 400);
    let text = "a".repeat(1_000);
    let costly = format!("http://x.test/{{{{$x := `{text}`}}}}{}", "{{$x = print $x $x}}".repeat(300));
    let answer = post(&ours.client, &home, &[("sec-golink", "1")], &[("short", "always"), ("long", &costly)]).await;
    assert_eq!(answer.status(), 400, "it is tried when it is saved");
    let sometimes = costly.replace("`}}", "`}}{{if eq .Path \"costly\"}}") + "{{end}}";
    make(&ours, "costly", &sometimes).await;
    assert_eq!(get(&ours.client, &format!("{}/costly/costly", ours.base), &[]).await.status(), 500);
    ours.stop().await;
}

#[tokio::test]
async fn pages_hold_no_script_whatever_people_typed_and_stand_in_no_frame() {
    let ours = bot::start().await;
    let nasty = "slack:alert('\"><script>alert(1)</script>')";
    make(&ours, "nasty", nasty).await;
    let page = ("accept", "text/html");
    for path in ["/", "/.all", "/.detail/nasty", "/.search?q=script", "/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/.help"]
    {
        let answer = get(&ours.client, &format!("{}{path}", ours.base), &[page]).await;
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        let text = answer.text().await.expect("a page");
        assert!(!text.contains("<script") && !text.contains("href=\"javascript:"), "{path}: {text}");
    }
    ours.stop().await;
}
