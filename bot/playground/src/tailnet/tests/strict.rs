//! The world refuses what the real service refuses, forgets when it does, and shows what people would see.

use insta::assert_snapshot;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;

/// A client that knows nothing of ours: method, path, body; answers `status body`.
struct Raw {
    http: reqwest::Client,
    world: TailnetWorld,
}

impl Raw {
    fn new(world: &TailnetWorld) -> Self {
        crate::tls();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { http, world: world.clone() }
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> String {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> String {
        let url = self.world.url().join(&format!("/api/v2{path}")).expect("a url");
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url).body(body.to_owned());
        request = request.basic_auth(self.world.api_key().expose_secret(), Some(""));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        format!("{status} {}", response.text().await.expect("a body")).trim().to_owned()
    }

    async fn set(&self, node_id: &str, key: &str, body: &Value) -> String {
        self.call("POST", &format!("/device/{node_id}/attributes/{key}"), &body.to_string()).await
    }
}

#[tokio::test]
async fn attributes_are_refused_as_the_real_service_refuses_them() {
    let (world, _) = world().await;
    let raw = Raw::new(&world);
    let long = format!("custom:{}", "a".repeat(122));
    let mut answers = vec![raw.set("nALICE1CNTRL", KEY, &json!({ "value": true })).await];
    for (node_id, key, body) in [
        ("nALICE1CNTRL", "node:os", json!({ "value": "linux" })),
        ("nALICE1CNTRL", "custom:", json!({ "value": true })),
        ("nALICE1CNTRL", "custom:a-b", json!({ "value": true })),
        ("nALICE1CNTRL", long.as_str(), json!({ "value": true })),
        ("nBOB1CNTRL", "custom:JIT_prod_db", json!({ "value": true })),
        ("nBOB1CNTRL", KEY, json!({ "value": "yes" })),
        ("nALICE1CNTRL", "custom:x", json!({ "value": 1.5 })),
        ("nALICE1CNTRL", "custom:x", json!({ "value": 9_007_199_254_740_992_u64 })),
        ("nALICE1CNTRL", "custom:x", json!({ "value": "a".repeat(51) })),
        ("nALICE1CNTRL", "custom:x", json!({ "value": "with space" })),
        ("nALICE1CNTRL", "custom:x", json!({ "value": null })),
        ("nALICE1CNTRL", "custom:x", json!({})),
        ("nALICE1CNTRL", "custom:x", json!([true])),
        ("nALICE1CNTRL", KEY, json!({ "value": true, "expiry": "2026-01-01T00:00:00Z" })),
        ("nALICE1CNTRL", KEY, json!({ "value": true, "expiry": "tomorrow" })),
        ("nALICE1CNTRL", KEY, json!({ "value": true, "comment": "c".repeat(201) })),
        ("nOTTO1CNTRL", KEY, json!({ "value": true })),
        ("nNOBODYCNTRL", KEY, json!({ "value": true })),
    ] {
        answers.push(raw.set(node_id, key, &body).await);
    }
    assert_snapshot!(answers.join("\n"), @r#"
    200 {"attributes":{"custom:jit_prod_db":true,"node:os":"macos","node:osVersion":"15.5.0","node:tsVersion":"1.98.2","node:tsReleaseTrack":"stable","node:tsAutoUpdate":true,"node:tsStateEncrypted":true}}
    400 {"message":"attribute key must be in the custom: namespace"}
    400 {"message":"invalid attribute key"}
    400 {"message":"invalid attribute key"}
    400 {"message":"invalid attribute key"}
    400 {"message":"attribute key differs only by case from an existing one"}
    400 {"message":"attribute value must be of type boolean, as it was first set in this tailnet"}
    400 {"message":"value must be a string, integer or boolean"}
    400 {"message":"value must be a string, integer or boolean"}
    400 {"message":"value must be a string, integer or boolean"}
    400 {"message":"value must be a string, integer or boolean"}
    400 {"message":"value must be a string, integer or boolean"}
    400 {"message":"value is required"}
    400 {"message":"invalid request body"}
    400 {"message":"expiry must be in the future"}
    400 {"message":"expiry must be an RFC 3339 time"}
    400 {"message":"comment must be a string of at most 200 characters"}
    404 {"message":"no manageable device matching this ID found"}
    404 {"message":"device not found"}
    "#);
    assert_eq!(world.leftovers(), ["alice-laptop custom:jit_prod_db = true"]);
}

#[tokio::test]
async fn an_attribute_is_gone_some_time_after_its_expiry_and_whoever_watches_is_told() {
    let (world, clock) = world().await;
    let raw = Raw::new(&world);
    world.set_expiry_lag_ms(90_000);
    let answer = raw.set("nALICE1CNTRL", KEY, &json!({ "value": true, "expiry": "2026-01-01T00:01:00Z" })).await;
    assert!(answer.contains(r#""expiries":{"custom:jit_prod_db":"2026-01-01T00:01:00Z"}"#), "{answer}");
    assert_eq!(world.expiry("alice-laptop", KEY), Some(START_AT + 60_000));
    let mut changed = world.changed();
    clock.advance(Duration::from_millis(149_999));
    assert_eq!(world.attribute("alice-laptop", KEY), Some(true.into()));
    changed.mark_unchanged();
    clock.advance(Duration::from_millis(1));
    changed.changed().await.expect("told");
    assert_eq!(world.attribute("alice-laptop", KEY), None);
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn a_write_without_expiry_over_one_with_expiry_stays_for_ever() {
    let (world, clock) = world().await;
    let raw = Raw::new(&world);
    raw.set("nALICE1CNTRL", KEY, &json!({ "value": true, "expiry": "2026-01-01T00:01:00Z" })).await;
    raw.set("nALICE1CNTRL", KEY, &json!({ "value": false, "expiry": "0001-01-01T00:00:00Z" })).await;
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.attribute("alice-laptop", KEY), Some(false.into()));
}

#[tokio::test]
async fn a_batch_is_checked_before_anything_is_written() {
    let (world, _) = world().await;
    let raw = Raw::new(&world);
    raw.set("nBOB1CNTRL", KEY, &json!({ "value": true })).await;
    let good = json!({
        "nodes": { "nALICE1CNTRL": { KEY: { "value": true } }, "nBOB1CNTRL": { KEY: null } },
        "comment": "sweep",
    });
    let mut bad = good.clone();
    bad["nodes"]["nNOBODYCNTRL"] = json!({ KEY: null });
    let path = "/tailnet/-/device-attributes";
    assert_eq!(raw.call("PATCH", path, &bad.to_string()).await, r#"404 {"message":"device not found"}"#);
    assert_eq!(world.attribute("alice-laptop", KEY), None);
    assert_eq!(raw.call("PATCH", path, &good.to_string()).await, "200 null");
    assert_eq!((world.attribute("alice-laptop", KEY), world.attribute("bob-desktop", KEY)), (Some(true.into()), None));
    assert_eq!(world.comments(), ["sweep", "sweep"]);
}

#[tokio::test]
async fn lists_are_filtered_and_unknown_paths_refused() {
    let (world, _) = world().await;
    let raw = Raw::new(&world);
    let names = |answer: String, list: &str, field: &str| {
        let body: Value = serde_json::from_str(answer.strip_prefix("200 ").expect("200")).expect("json");
        let items = body[list].as_array().expect("a list").clone();
        items.iter().map(|item| item[field].as_str().expect("text").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let tagged = raw.call("GET", "/tailnet/-/devices?tags=tag:prod-db&fields=all", "").await;
    assert!(tagged.contains(r#""sshEnabled":true"#), "{tagged}");
    assert_eq!(names(tagged, "devices", "hostname"), "prod-db-1");
    let external = raw.call("GET", "/tailnet/TPLAYGROUNDCNTRL/devices?isExternal=true", "").await;
    assert_eq!(names(external, "devices", "hostname"), "otto-laptop");
    let shared = raw.call("GET", "/tailnet/-/users?type=shared", "").await;
    assert_eq!(names(shared, "users", "loginName"), "otto@partner.example");
    let mut answers = Vec::new();
    for (method, path) in [
        ("GET", "/tailnet/-/devices?fields=some"),
        ("GET", "/tailnet/-/users?type=cats"),
        ("GET", "/tailnet/other.example/users"),
        ("PUT", "/tailnet/-/acl"),
        ("GET", "/device/nNOBODYCNTRL/attributes"),
        ("GET", "/tailnet/-/logging/configuration?start=2026-01-01T00:00:00Z"),
    ] {
        answers.push(raw.call(method, path, "").await);
    }
    assert_snapshot!(answers.join("\n"), @r#"
    400 {"message":"fields must be default or all"}
    400 {"message":"type must be member, shared or all"}
    404 {"message":"404 page not found"}
    404 {"message":"404 page not found"}
    404 {"message":"device not found"}
    400 {"message":"start and end are required and must be RFC 3339 times"}
    "#);
}

#[tokio::test]
async fn the_policy_file_is_replaced_only_over_the_one_that_was_read() {
    let (world, _) = world().await;
    let raw = Raw::new(&world);
    let text = world.policy();
    let etag = {
        let answer = raw.http.get(world.url().join("/api/v2/tailnet/-/acl").expect("a url"));
        let answer = answer.bearer_auth(world.api_key().expose_secret()).send().await.expect("an answer");
        let etag = answer.headers().get("etag").expect("an etag").to_str().expect("text").to_owned();
        assert_eq!(answer.text().await.expect("a body"), text, "with its comments");
        etag
    };
    let edited = text.replace("\"group:dba\":         [", "\"group:dba\":         [\"dave@example.com\", ");
    let set = async |body: &str, etag: &str| {
        let answer = raw.call_with("POST", "/tailnet/-/acl", body, &[("if-match", etag)]).await;
        answer.chars().take(200).collect::<String>()
    };
    let mut answers = vec![
        set(&edited, "\"ts-default\"").await,
        set(&edited, "\"0000\"").await,
        set("{\"grants\": [}", &etag).await,
        set("{\"grunts\": []}", &etag).await,
        set(&text.replace("[\"tag:prod-db\"]", "[\"tag:nope\"]"), &etag).await,
        set(&text.replace("jit_prod_db == true", "jit_prod_db == false"), &etag).await,
    ];
    assert_eq!(world.policy(), text, "nothing was saved");
    assert!(set(&edited, &etag).await.starts_with("200 // Who reaches what."));
    answers.push(set(&text, &etag).await);
    assert_eq!(world.policy(), edited, "the second writer lost");
    answers.push(raw.call("POST", "/tailnet/-/acl/validate", "").await);
    answers.push(raw.call("POST", "/tailnet/-/acl/validate", &edited).await);
    answers.push(raw.call("POST", "/tailnet/-/acl/validate", "{\"grants\":[{\"src\":[\"tag:no\"]}]}").await);
    let test = r#"[{"src":"dave@example.com","accept":["tag:prod-db:5432"]}]"#;
    answers.push(raw.call("POST", "/tailnet/-/acl/validate", test).await);
    assert_snapshot!(answers.join("\n"), @r#"
    412 {"message":"precondition failed, invalid old hash"}
    412 {"message":"precondition failed, invalid old hash"}
    400 {"message":"line 1, column 13: Unexpected close brace"}
    400 {"message":"json: unknown field \"grunts\""}
    400 {"message":"dst=tag not found: \"tag:nope\""}
    400 {"message":"test(s) failed","data":[{"user":"alice@example.com","errors":["address \"tag:prod-db:5432\": want: Accept, got: Drop"]}]}
    412 {"message":"precondition failed, invalid old hash"}
    400 {"message":"unexpected end of JSON input"}
    200 {}
    200 {"message":"src=tag not found: \"tag:no\""}
    200 {"message":"test(s) failed","data":[{"user":"dave@example.com","errors":["address \"tag:prod-db:5432\": want: Accept, got: Drop"]}]}
    "#);
}

#[tokio::test]
async fn rules_open_and_close_with_the_attribute() {
    let (world, _) = world().await;
    let own = "autogroup:self *";
    let database = "tag:prod-db tcp:5432 by posture:jitProdDb";
    let ssh = "ssh postgres@tag:prod-db by posture:jitProdDb";
    assert_eq!(world.rules_open_for("alice-laptop"), [own]);
    world.set_by_hand("alice-laptop", KEY, true.into(), None).expect("hers");
    assert_eq!(world.rules_open_for("alice-laptop"), [database, own, ssh]);
    world.set_by_hand("alice-laptop", KEY, false.into(), None).expect("hers");
    assert_eq!(world.rules_open_for("alice-laptop"), [own]);
    world.set_by_hand("alice-laptop", KEY, true.into(), None).expect("hers");
    world.suspend("alice@example.com").expect("she is there");
    assert_eq!(world.rules_open_for("alice-laptop"), Vec::<String>::new());
    world.set_by_hand("prod-db-1", KEY, true.into(), None).expect("a server");
    assert_eq!(world.rules_open_for("prod-db-1"), Vec::<String>::new(), "a server is not engineering");
}

#[tokio::test]
async fn leftovers_are_what_hands_did_not_do() {
    let (world, _) = world().await;
    let raw = Raw::new(&world);
    world.set_by_hand("bob-laptop", KEY, true.into(), None).expect("his");
    assert_eq!(world.leftovers(), Vec::<String>::new());
    raw.set("nALICE1CNTRL", KEY, &json!({ "value": true })).await;
    raw.call("DELETE", &format!("/device/nBOB2CNTRL/attributes/{KEY}"), "").await;
    raw.set("nPRODDB1CNTRL", "custom:tier", &json!({ "value": 2 })).await;
    assert_snapshot!(world.leftovers().join("\n"), @r#"
    alice-laptop custom:jit_prod_db = true
    prod-db-1 custom:tier = 2
    bob-laptop custom:jit_prod_db is missing, was true
    "#);
    assert!(world.set_by_hand("bobs-laptop", KEY, true.into(), None).is_err());
}

#[tokio::test]
async fn the_page_sees_people_devices_attributes_faults_and_calls() {
    let (world, clock) = world().await;
    let raw = Raw::new(&world);
    raw.set("nALICE1CNTRL", KEY, &json!({ "value": true, "expiry": "2026-01-01T00:01:00Z" })).await;
    world.fault(Endpoint::SetAttribute, Fault::Status(503), Some(2));
    clock.advance(Duration::from_secs(20));
    let snapshot = world.snapshot();
    insta::assert_json_snapshot!(snapshot["devices"][0], @r#"
    {
      "name": "alice-laptop",
      "node_id": "nALICE1CNTRL",
      "os": "macOS",
      "owner": "alice@example.com",
      "tags": [],
      "is_external": false,
      "attributes": [
        {
          "key": "custom:jit_prod_db",
          "value": true,
          "expires_at": 1767225660000,
          "set_at": 1767225600000,
          "left_ms": 40000,
          "was_found": false
        }
      ],
      "rules": [
        "tag:prod-db tcp:5432 by posture:jitProdDb",
        "autogroup:self *",
        "ssh postgres@tag:prod-db by posture:jitProdDb"
      ],
      "rules_shut": []
    }
    "#);
    insta::assert_json_snapshot!(snapshot["faults"], @r#"
    [
      {
        "endpoint": "set-attribute",
        "fault": {
          "status": 503
        },
        "times_left": 2
      }
    ]
    "#);
    insta::assert_json_snapshot!(snapshot["api"]["last_call"], @r#"
    {
      "at_ms": 1767225600000,
      "method": "POST",
      "path": "/api/v2/device/nALICE1CNTRL/attributes/custom:jit_prod_db",
      "status": 200
    }
    "#);
    assert_eq!(snapshot["users"].as_array().map(Vec::len), Some(6));
}
