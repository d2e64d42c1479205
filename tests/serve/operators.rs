//! What an operator hears before anybody else: names that are not there, refused calls, files that changed; and what Prometheus reads.

use std::time::Duration;

use nightlatch::playground::slack::Group;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::scene::Scene;
use crate::signals::{edit_config, exit_code, get, signal};

/// Everything the documents name, as far as it is a metric of ours.
fn named_metrics(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text
        .split(|c: char| !is_part(c))
        .filter(|word| (word.starts_with("nightlatch_") || word.starts_with("process_")) && !word.ends_with('_'));
    words.map(str::to_owned).collect()
}

async fn until_ready_says(scene: &Scene, words: &str) -> String {
    let looked = async {
        loop {
            let (_, said) = get(scene, "/readyz").await;
            if said.contains(words) {
                return said;
            }
            tokio::task::yield_now().await;
        }
    };
    let last = async { get(scene, "/readyz").await.1 };
    match tokio::time::timeout(Duration::from_secs(20), looked).await {
        Ok(said) => said,
        Err(_) => panic!("no `{words}` at /readyz:\n{}\nlog:\n{}", last.await, scene.log()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_there_are_told_at_the_start_and_after_a_reload_with_file_and_line() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let workflow = scene.folder.path().join("workflows/prod-db.yaml");
    let good = std::fs::read_to_string(&workflow).expect("a workflow");
    let wrong = good
        .replace("group:engineering", "group:enginering, gone@example.com")
        .replace("@db-oncall", "@db-onkall")
        .replace("#access", "#nowhere");
    std::fs::write(&workflow, wrong).expect("a workflow");
    let child = scene.start().await;
    let said = until_ready_says(&scene, "group:enginering").await;
    let mut lines: Vec<&str> = said.lines().filter(|line| line.contains("prod-db.yaml")).collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @"
    warning: workflows/prod-db.yaml:13: Slack shows no channel `#nowhere`; check the name, and invite the bot if it is private; it must not be archived
    warning: workflows/prod-db.yaml:7: Slack has no active person `gone@example.com`
    warning: workflows/prod-db.yaml:7: the tailnet's policy file has no group `group:enginering`; did you mean `group:engineering`?
    warning: workflows/prod-db.yaml:9: Slack has no user group `@db-onkall`; did you mean `@db-oncall`?
    ");
    assert!(said.starts_with("ready\n"), "{said}");
    scene.until_log("the tailnet's policy file has no group").await;
    assert!(!scene.log().contains('\u{1b}'), "colours in a file:\n{}", scene.log());
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .args(["check", "--online"])
        .current_dir(scene.folder.path())
        .envs(scene.secrets())
        .output()
        .expect("the binary starts");
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(1), "{told}");
    assert!(
        told.contains("prod-db.yaml:7: the tailnet's policy file has no group `group:enginering`; did you mean"),
        "{told}"
    );

    std::fs::write(&workflow, good).expect("a workflow");
    signal(&child, "-HUP");
    let gone = async {
        while get(&scene, "/readyz").await.1.contains("prod-db.yaml") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the warnings go");
}

/// What `nightlatch check --online` says, with its exit code.
fn check_online(scene: &Scene) -> (Option<i32>, String) {
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .args(["check", "--online"])
        .current_dir(scene.folder.path())
        .envs(scene.secrets())
        .output()
        .expect("the binary starts");
    let said = [check.stdout, check.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (check.status.code(), said.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn clauses_that_too_few_can_meet_and_people_who_are_not_there_are_found_online() {
    let scene = Scene::set().await;
    std::fs::write(
        scene.folder.path().join("people.yaml"),
        "# ours\nalice@example.com: { manager: carol@example.com }\nzoe@example.com: { manager: yan@example.com }\n",
    )
    .expect("people.yaml");
    let (code, said) = check_online(&scene);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!(said, @"
    people.yaml:3: Slack has no active person `yan@example.com`; take them out, or correct the address
    people.yaml:3: Slack has no active person `zoe@example.com`; take them out, or correct the address
    the files have no mistakes; Slack and Tailscale say 2 things about them
    ");
    std::fs::write(scene.folder.path().join("people.yaml"), "alice@example.com: { manager: carol@example.com }\n")
        .expect("people.yaml");
    let file = scene.folder.path().join("workflows/prod-db.yaml");
    let good = std::fs::read_to_string(&file).expect("a workflow");
    let stages = "approve:\n  - by: [\"@lonely\"]\n  - all_of:\n      - { quorum: 3, by: [group:dba] }\n      - { by: [\"@nobody\"] }\n      - { by: [requester.manager] }\nsteps:";
    let (head, rest) = good.split_once("approve:").expect("approve");
    let (_, tail) = rest.split_once("steps:").expect("steps");
    std::fs::write(&file, format!("{head}{stages}{tail}")).expect("a workflow");
    scene.slack.add_group(Group::new("S0LONELY1", "lonely", &["U0CAROL01"]));
    scene.slack.add_group(Group::new("S0NOBODY1", "nobody", &[]));
    let (code, said) = check_online(&scene);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!(said, @"
    note: prod-db: only requester.manager can meet stage 2 of `approve`, and nobody while they are away
    note: workflows/prod-db.yaml:9: only one person is in @lonely, and nobody decides while they are away
    workflows/prod-db.yaml:11: it takes 3 people of group:dba, and only 2 people are there; add people, or name others
    workflows/prod-db.yaml:12: it takes 1 person of @nobody, and nobody is there; add people, or name others
    the files have no mistakes; Slack and Tailscale say 2 things about them
    ");
}

/// What `nightlatch plan` says, with its exit code.
fn plan(scene: &Scene, words: &[&str]) -> (Option<i32>, String) {
    let plan = std::process::Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .arg("plan")
        .args(words)
        .current_dir(scene.folder.path())
        .envs(scene.secrets())
        .output()
        .expect("the binary starts");
    let said = [plan.stdout, plan.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (plan.status.code(), said.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_be_asked_and_changed_and_changes_nothing() {
    let scene = Scene::set().await;
    let shell = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/prod-shell.yaml");
    std::fs::copy(shell, scene.folder.path().join("workflows/prod-shell.yaml")).expect("a workflow");
    let (code, said) = plan(&scene, &["--as", "alice@example.com", "prod-shell", "2h", "disk", "is", "full"]);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!(said, @r#"
    Shell on production (prod-shell) for 2h, as alice@example.com on alice-laptop
    May ask: in group:engineering (`ask`).
    Takes one of group:dba.
    1. rule (tailscale.policy): tailscale.policy file

    --- policy file
    +++ policy file while it is held
    @@ -8,10 +8,16 @@
     		"tag:prod-db": ["group:dba"],
     	},
     	"postures": {
    +		// nightlatch: guards prod-shell rule
    +		"posture:nl219aa4d5d01cfac7": ["custom:nl_219aa4d5d01cfac7 == true"],
    +		// nightlatch: guards prod-shell rule
    +		"posture:nlbb7dbecedb1a46f2": ["custom:nl_bb7dbecedb1a46f2 == true"],
     		// Nightlatch sets this attribute on one device for a while, and takes it back.
     		"posture:jitProdDb": ["custom:jit_prod_db == true"],
     	},
     	"grants": [
    +		// nightlatch REQUEST: alice@example.com
    +		{"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:22"], "srcPosture": ["posture:nlbb7dbecedb1a46f2"]},
     		{
     			"src":        ["group:engineering"],
     			"dst":        ["tag:prod-db"],
    @@ -22,6 +28,8 @@
     		{"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]},
     	],
     	"ssh": [
    +		// nightlatch REQUEST: alice@example.com
    +		{"action": "accept", "src": ["alice@example.com"], "dst": ["tag:prod-db"], "users": ["postgres"], "srcPosture": ["posture:nl219aa4d5d01cfac7"]},
     		{
     			"action":     "accept",
     			"src":        ["group:engineering"],
    "#);
    let (code, said) = plan(&scene, &["--as", "alice@example.com", "prod-db", "30m", "INC-7"]);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!(said, @"
    Production database (prod-db) for 30m, as alice@example.com on alice-laptop
    May ask: in group:engineering (`ask`).
    Takes one of group:dba or @db-oncall.
    1. attribute (tailscale.attribute): tailscale.attribute nALICE1CNTRL custom:jit_prod_db
    ");
    let wrong = [
        plan(&scene, &["--as", "alice@example.com", "prod-bd", "30m"]),
        plan(&scene, &["--as", "nobody@example.com", "prod-db", "30m", "x"]),
        plan(&scene, &["--as", "alice@example.com", "prod-db", "3h", "x"]),
        plan(&scene, &["--as", "bob@example.com", "prod-db", "1h"]),
    ];
    insta::assert_snapshot!(wrong.map(|(code, said)| format!("{} {said}", code.unwrap_or(-1))).concat(), @"
    1 there is no workflow prod-bd; did you mean prod-db?
    1 neither Slack nor the tailnet knows nobody@example.com
    1 hold: 3h is more than the 1h this lends
    1 nothing is filled in for reason, device; write reason=...
    ");
    std::fs::create_dir_all(scene.folder.path().join("policies")).expect("a folder");
    let forbids =
        "@id(\"freeze\")\n@reason(\"not this week\")\nforbid (principal, action == Action::\"ask\", resource);\n";
    std::fs::write(scene.folder.path().join("policies/freeze.cedar"), forbids).expect("a guardrail");
    let (code, said) = plan(&scene, &["--as", "alice@example.com", "prod-db", "30m", "INC-7"]);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!(said, @"
    Production database (prod-db) for 30m, as alice@example.com on alice-laptop
    May not ask: a guardrail does not allow it, freeze: not this week.
    Takes one of group:dba or @db-oncall.
    1. attribute (tailscale.attribute): tailscale.attribute nALICE1CNTRL custom:jit_prod_db
    ");
    assert_eq!(scene.tailnet.leftovers(), Vec::<String>::new());
    let written = scene.tailnet.calls().into_iter().filter(|call| call.method != "GET");
    let written: Vec<String> = written.map(|call| call.path).collect();
    assert!(
        written.iter().all(|path| path.ends_with("/oauth/token") || path.ends_with("/acl/validate")),
        "{written:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_is_told_to_the_operator_before_anybody_asks() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    scene.tailnet.fault(Endpoint::Any, Fault::Status(401), None);
    let child = scene.start().await;
    let said = until_ready_says(&scene, "tailscale refused the credential").await;
    assert!(said.contains("client_secret"), "{said}");
    assert_eq!(get(&scene, "/readyz").await.0, 503, "{said}");
    assert_eq!(
        scene.log().matches("tailscale refused the credential").count(),
        2,
        "once refused, once found:\n{}",
        scene.log()
    );
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_refused_calls{service=\"tailscale\"} 1"), "{metrics}");
    assert!(metrics.contains("nightlatch_calls_total{service=\"tailscale\",status=\"401\"}"), "{metrics}");
    scene.tailnet.clear_faults(Endpoint::Any);
    signal(&child, "-HUP");
    let ready = async {
        while get(&scene, "/readyz").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ready).await.expect("it is ready again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_what_waits_for_a_restart_and_what_was_refused() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let child = scene.start().await;
    edit_config(&scene, "url: https://nightlatch.example.ts.net", "url: https://elsewhere.example.ts.net");
    signal(&child, "-HUP");
    let said = until_ready_says(&scene, "restart to use it").await;
    assert!(said.contains("warning: nightlatch.yaml has changed (url); restart to use it"), "{said}");
    edit_config(&scene, "url: https://elsewhere.example.ts.net", "url: https://nightlatch.example.ts.net");
    let broken = scene.folder.path().join("workflows/broken.yaml");
    std::fs::write(&broken, "nightlatch: 1\ntitel: x\n").expect("a file");
    signal(&child, "-HUP");
    let said = until_ready_says(&scene, "were not read again").await;
    assert!(!said.contains("restart to use it"), "{said}");
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_config_last_reload_successful 0"), "{metrics}");
    std::fs::remove_file(&broken).expect("a file");
    std::fs::create_dir(scene.folder.path().join("policies")).expect("a folder");
    std::fs::write(scene.folder.path().join("policies/hours.yaml"), "x: 1\n").expect("a file");
    signal(&child, "-HUP");
    scene.until_log("a rule in this file would not be kept").await;
    signal(&child, "-TERM");
    assert_eq!(exit_code(child, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_board_and_the_alerts_name_is_there_from_the_start_and_every_log_line_says_who() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let _child = scene.start().await;
    // How the log is stands there once it was walked, right after the start.
    let walked = async {
        while !get(&scene, "/metrics").await.1.contains("# TYPE nightlatch_audit_verified") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), walked).await.expect("the log is walked");
    let (_, metrics) = get(&scene, "/metrics").await;
    let docs = [
        include_str!("../../docs/alerts.yaml"),
        include_str!("../../docs/grafana.json"),
        include_str!("../../docs/operating.md"),
    ];
    for name in named_metrics(&docs.join("\n")) {
        let name = name.trim_end_matches("_total").trim_end_matches("_info").trim_end_matches("_bucket");
        assert!(metrics.contains(&format!("# TYPE {name}")), "{name} is not in\n{metrics}");
    }
    for series in [
        "nightlatch_requests{state=\"pending\"} 0",
        "nightlatch_events_total{event=\"asked\"} 0",
        "nightlatch_effects_total{effect=\"settle\",result=\"failed\"} 0",
        "nightlatch_calls_total{service=\"golink\",status=\"200\"} 0",
        "nightlatch_outbox_due{class=\"alarms\"} 0",
        "nightlatch_outbox_due{class=\"asked\"} 0",
        "nightlatch_outbox_due{class=\"set_aside\"} 0",
        "nightlatch_slack_sockets ",
        "nightlatch_build_info{version=",
        "process_open_fds ",
    ] {
        assert!(metrics.contains(series), "no {series} in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    scene.slack.command("alice", "#general", "/access prod-db 1h looking").await.expect("a command");
    scene.until_log("workflow=\"prod-db\" person=\"alice@example.com\" device=\"alice-laptop\"").await;
}
