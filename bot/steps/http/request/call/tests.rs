//! What people typed stays what it is, wherever it goes; secrets go where they may.

use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::config::secret::LentSecret;
use crate::steps::filled::secrets_named;

fn filled(value: &str) -> Value {
    json!({ "{{}}": ["https://ci.example.com/a/", { "filled": value }, "?q=", { "filled": value }] })
}

fn made(setting: &Value) -> Result<String, String> {
    let own = json!({ "id": "7/../8", "count": 3 });
    let secret = |hosts: &[&str]| LentSecret {
        secret: SecretString::from("hunter2"),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        programs: Vec::new(),
    };
    let secrets = [("ci".to_owned(), secret(&["ci.example.com"])), ("hook".to_owned(), secret(&[]))].into();
    let with = With {
        own: own.as_object().unwrap(),
        secrets: &secrets,
        allow: Allow::default(),
        idempotency_key: Some("k-1".to_owned()),
        usual_method: Method::POST,
    };
    let call = assemble(setting, with).map_err(|why| format!("{why:?}"))?;
    let mut lines = vec![format!("{} {}", call.method, call.url)];
    for (name, value) in &call.headers {
        lines.push(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    lines.extend(call.body.map(|body| String::from_utf8(body).unwrap()));
    Ok(lines.join("\n"))
}

#[test]
fn a_value_in_a_url_is_one_segment_or_one_query_value() {
    for (value, expected) in [
        ("x y", "x%20y?q=x%20y"),
        ("../b", "..%2Fb?q=..%2Fb"),
        ("a?b#c&d=e%2f", "a%3Fb%23c%26d%3De%252f?q=a%3Fb%23c%26d%3De%252f"),
        ("ü@:/\\", "%C3%BC%40%3A%2F%5C?q=%C3%BC%40%3A%2F%5C"),
        ("secret:ci", "secret%3Aci?q=secret%3Aci"),
    ] {
        let line = made(&json!({ "url": filled(value) })).unwrap();
        assert!(line.starts_with(&format!("POST https://ci.example.com/a/{expected}\n")), "{line}");
    }
    for value in ["..", ".", "", "..."] {
        assert!(made(&json!({ "url": filled(value) })).unwrap_err().contains("only dots"), "{value}");
    }
    let own = json!({ "{{}}": ["https://ci.example.com/a/", { "own": "id" }] });
    assert!(made(&json!({ "url": own })).unwrap().starts_with("POST https://ci.example.com/a/7%2F..%2F8\n"));
    let unknown = json!({ "{{}}": ["https://ci.example.com/a/", { "own": "name" }] });
    assert_eq!(made(&json!({ "url": unknown })), Err("Unknown(\"name\")".to_owned()));
}

#[test]
fn a_value_in_a_host_is_a_part_of_a_name() {
    let host = |value: &str| json!({ "url": { "{{}}": ["https://", { "filled": value }, ".example.com/"] } });
    assert!(made(&host("eu-1")).unwrap().starts_with("POST https://eu-1.example.com/\n"));
    for value in ["evil.test/", "a.b", "user@evil.test", "", "evil.test#", "[::1]", "a:80"] {
        assert!(made(&host(value)).unwrap_err().contains("not a part of a name"), "{value}");
    }
}

#[test]
fn no_value_gets_into_the_host_by_what_readers_leave_out() {
    for begin in ["https:///", "https://\\", "https://\t/", "https:// /", "https://////"] {
        let url = json!({ "url": { "{{}}": [begin, { "filled": "evil" }, "/"] } });
        let why = made(&url).unwrap_err();
        assert!(why.contains("third slash") || why.contains("backslash"), "{begin:?}: {why}");
    }
}

#[test]
fn headers_hold_no_line_ends_and_bodies_anything() {
    let url = "https://ci.example.com/";
    let header = |value: &str| json!({ "url": url, "headers": { "X-By": { "{{}}": ["by ", { "filled": value }] } } });
    assert!(made(&header("alice \u{fc}")).unwrap().contains("x-by: by alice \u{fc}"));
    for value in ["a\r\nX-Admin: yes", "a\nb", "a\0b"] {
        assert!(made(&header(value)).unwrap_err().contains("line end"), "{value:?}");
    }
    let typed = json!({ "filled": "\"}, {\"admin\": true\r\n" });
    let body = json!({ "why": { "{{}}": [typed] }, "n": { "{{}}": [{ "own": "count" }] }, "k": { "{{}}": ["no ", { "own": "count" }] } });
    let made = made(&json!({ "url": url, "body": body })).unwrap();
    assert!(made.ends_with(r#"{"why":"\"}, {\"admin\": true\r\n","n":3,"k":"no 3"}"#), "{made}");
    assert!(made.contains("content-type: application/json") && made.contains("idempotency-key: k-1"), "{made}");
}

#[test]
fn a_secret_goes_to_its_hosts_only_and_never_in_place_of_what_somebody_typed() {
    let to =
        |url: &str, name: &str| json!({ "url": url, "headers": { "Authorization": format!("Bearer secret:{name}") } });
    assert!(made(&to("https://ci.example.com/", "ci")).unwrap().contains("authorization: Bearer hunter2"));
    assert!(made(&to("https://ci.example.com.evil.test/", "ci")).unwrap_err().contains("may not go to"));
    assert!(made(&to("https://ci.example.com/", "hook")).unwrap_err().contains("may not go to"));
    assert!(made(&to("https://ci.example.com/", "other")).unwrap_err().contains("no secret other"));
    let typed = json!({ "url": "https://ci.example.com/", "body": { "{{}}": [{ "filled": "secret:ci" }] } });
    assert!(made(&typed).unwrap().ends_with("secret:ci"));
    assert_eq!(
        secrets_named(&json!({ "a": ["x secret:ci,secret:b_2 secret:"] })),
        ["", "b_2", "ci"].map(str::to_owned).into()
    );
}
