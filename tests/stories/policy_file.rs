//! Access by entries in the tailnet's policy file: they come and go in the text, end by themselves, and everything else there stays.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

const SHELL: &str = r##"nightlatch: 1
title: Shell on production
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - name: rule
    uses: tailscale.policy
    with:
      grants: [{ src: ["{{ requester.login }}"], dst: ["tag:prod-db"], ip: ["tcp:22"] }]
      ssh: [{ action: accept, src: ["{{ requester.login }}"], dst: ["tag:prod-db"], users: [postgres] }]
announce: "#access"
"##;

const INCIDENT: &str = r##"nightlatch: 1
title: Incident
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.policy
    with:
      groups: { "group:dba": ["{{ requester.login }}"], "group:incident": ["{{ requester.login }}"] }
      unguarded: true
announce: "#access"
"##;

fn setting() -> Setting {
    Setting::default().workflow("shell", SHELL).workflow("incident", INCIDENT)
}

/// What a device may reach by rules of ours.
fn lent(stage: &Stage, device: &str) -> Vec<String> {
    let open = stage.tailnet.rules_open_for(device).into_iter();
    open.filter(|rule| rule.contains("posture:nl")).map(|rule| without_hashes(&rule)).collect()
}

/// Names of guards hang on everything that is lent; what they are is told elsewhere.
fn without_hashes(text: &str) -> String {
    let mut shown = text.to_owned();
    for begins in ["posture:nl", "custom:nl_"] {
        let mut at = 0;
        while let Some(found) = shown[at..].find(begins) {
            at += found + begins.len();
            let end = at + shown[at..].chars().take_while(char::is_ascii_hexdigit).count();
            shown.replace_range(at..end, "HASH");
        }
    }
    shown
}

/// The text with the ids of requests, which differ.
fn without_ids(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &mut lines {
        if let Some((before, rest)) = line.split_once("nightlatch ")
            && let Some((_, words)) = rest.split_once(':')
        {
            *line = format!("{before}nightlatch ID:{words}");
        }
    }
    without_hashes(&lines.join("\n"))
}

async fn granted(stage: &Stage, human: &Human, line: &str) {
    human.command(line).await;
    stage.bob.press("Approve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_with_the_grant_and_go_with_it_and_every_other_byte_stays() {
    story_everywhere_with(setting, async |stage| {
        let before = stage.tailnet.policy();
        granted(stage, &stage.alice, "/access shell 2h invoice 1204").await;
        assert_eq!(stage.request().await.state, State::Active, "{:?}", stage.request().await.trouble);
        assert_eq!(
            lent(stage, "alice-laptop"),
            ["tag:prod-db tcp:22 by posture:nlHASH", "ssh postgres@tag:prod-db by posture:nlHASH"]
        );
        assert_eq!(lent(stage, "carol-laptop"), Vec::<String>::new());
        assert_ne!(stage.tailnet.policy(), before);
        stage.advance(2.hours()).await;
        assert_eq!(lent(stage, "alice-laptop"), Vec::<String>::new());
        assert_eq!(stage.tailnet.policy(), before);
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_whose_it_is_and_depends_on_a_posture_that_ends() {
    story_with(setting(), async |stage| {
        granted(stage, &stage.alice, "/access shell 2h invoice */ 1204").await;
        insta::assert_snapshot!(without_ids(&stage.tailnet.policy()), @r#"
        // Who reaches what. Access to production is lent, not owned: see posture:jitProdDb.
        {
        	"groups": {
        		"group:engineering": ["alice@example.com", "bob@example.com", "carol@example.com", "dave@example.com", "eve@github"],
        		"group:dba":         ["bob@example.com", "carol@example.com"],
        	},
        	"tagOwners": {
        		"tag:prod-db": ["group:dba"],
        	},
        	"postures": {
        		// nightlatch: guards shell rule
        		"posture:nlHASH": ["custom:nl_HASH == true"],
        		// nightlatch: guards shell rule
        		"posture:nlHASH": ["custom:nl_HASH == true"],
        		// Nightlatch sets this attribute on one device for a while, and takes it back.
        		"posture:jitProdDb": ["custom:jit_prod_db == true"],
        	},
        	"grants": [
        		// nightlatch ID: alice@example.com
        		{"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:22"], "srcPosture": ["posture:nlHASH"]},
        		{
        			"src":        ["group:engineering"],
        			"dst":        ["tag:prod-db"],
        			"ip":         ["tcp:5432"],
        			"srcPosture": ["posture:jitProdDb"],
        		},
        		// Everybody reaches their own devices, always.
        		{"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]},
        	],
        	"ssh": [
        		// nightlatch ID: alice@example.com
        		{"action": "accept", "src": ["alice@example.com"], "dst": ["tag:prod-db"], "users": ["postgres"], "srcPosture": ["posture:nlHASH"]},
        		{
        			"action":     "accept",
        			"src":        ["group:engineering"],
        			"dst":        ["tag:prod-db"],
        			"users":      ["postgres"],
        			"srcPosture": ["posture:jitProdDb"],
        		},
        	],
        	"tests": [
        		{"src": "alice@example.com", "srcPostureAttrs": {"custom:jit_prod_db": true}, "accept": ["tag:prod-db:5432"]},
        		{"src": "alice@example.com", "deny": ["tag:prod-db:5432"]},
        	],
        }
        "#);
        let key = stage.tailnet.policy();
        let at = key.find("custom:nl_").expect("an attribute");
        let name = key[at..].split(' ').next().expect("its name").to_owned();
        let expiry = stage.tailnet.expiry("alice-laptop", &name).expect("an end");
        assert_eq!((expiry - stage.clock.now_ms()) / 60_000, 120);
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 14:00* · Shell on production
          @alice has it on alice-laptop (macOS) since today 12:00:00, for 2h
          🔑 Lends `grant to tag:prod-db tcp:22; ssh to tag:prod-db as postgres`
          > invoice */ 1204
          Approved by @bob (group:dba) today 12:00:00
          ~ Request 01kjmma2g000000001 · `shell` · changes `tailscale.policy file`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 12:00:00, until today 14:00 at the latest.
        ");
        stage.alice.press("Return").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: returned by its holder* · Shell on production
          @alice had it on alice-laptop (macOS) from today 12:00:00 to today 12:00:00, of 2h
          🔑 Lent `grant to tag:prod-db tcp:22; ssh to tag:prod-db as postgres`
          > invoice */ 1204
          Approved by @bob (group:dba) today 12:00:00
          🔒 Verified gone today 12:00:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `shell` · `tailscale.policy file`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 12:00:00, until today 14:00 at the latest.
            nightlatch:
              🔒 Ended: returned by its holder.
              🔒 Verified gone today 12:00:00
              Open TCP connections may live on.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_dead_for_good_leaves_a_rule_that_opens_nothing() {
    story_with(setting(), async |stage| {
        granted(stage, &stage.alice, "/access shell 2h invoice 1204").await;
        stage.bot.kill().await;
        stage.clock.advance(119.minutes());
        assert_eq!(lent(stage, "alice-laptop").len(), 2);
        stage.clock.advance(2.minutes());
        assert_eq!(lent(stage, "alice-laptop"), Vec::<String>::new());
        assert!(stage.tailnet.policy().contains("posture:nl"), "the text is still there, and opens nothing");
        stage.ends_late = true;
        stage.bot.start().await;
        stage.bot.settle().await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_meanwhile_stays_whoever_was_first() {
    story_everywhere_with(setting, async |stage| {
        stage.tailnet.fault(Endpoint::SetPolicy, Fault::Status(412), Some(2));
        granted(stage, &stage.alice, "/access shell 2h invoice 1204").await;
        assert_eq!(lent(stage, "alice-laptop").len(), 2, "read again and merged");
        let edit = |text: &str| {
            text.replace("// Everybody reaches", "// Still: everybody reaches")
                .replace("\t\"grants\": [\n", "\t\"grants\": [\n\t\t{\"src\": [\"bob@example.com\"], \"dst\": [\"tag:prod-db\"], \"ip\": [\"tcp:443\"]},\n")
        };
        stage.tailnet.edit_policy(edit).expect("a policy");
        granted(stage, &stage.dave, "/access incident 30m pager").await;
        stage.advance(30.minutes()).await;
        stage.tailnet.fault(Endpoint::SetPolicy, Fault::Status(412), Some(1));
        stage.tailnet.fault(Endpoint::SetPolicy, Fault::LoseReply, Some(1));
        stage.advance(90.minutes()).await;
        assert_eq!(lent(stage, "alice-laptop"), Vec::<String>::new());
        assert!(stage.tailnet.policy().contains("tcp:443"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_same_on_the_same_device_keeps_it_until_the_last_one_ends() {
    story_everywhere_with(setting, async |stage| {
        granted(stage, &stage.alice, "/access shell 1h first").await;
        granted(stage, &stage.alice, "/access shell 2h second").await;
        granted(stage, &stage.carol, "/access shell 3h third").await;
        stage.advance(1.hours()).await;
        assert_eq!(lent(stage, "alice-laptop").len(), 2);
        stage.advance(1.hours()).await;
        assert_eq!(lent(stage, "alice-laptop"), Vec::<String>::new());
        assert_eq!(lent(stage, "carol-laptop").len(), 2);
        stage.advance(1.hours()).await;
        assert_eq!(lent(stage, "carol-laptop"), Vec::<String>::new());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_somebody_takes_out_ends_that_request_and_no_other() {
    story_with(setting(), async |stage| {
        granted(stage, &stage.alice, "/access shell 2h invoice 1204").await;
        granted(stage, &stage.carol, "/access shell 2h backup").await;
        let edit = |text: &str| {
            let mut lines: Vec<&str> = text.lines().collect();
            while let Some(at) = lines.iter().position(|line| line.contains("nightlatch") && line.contains("alice@")) {
                lines.drain(at..at + 2);
            }
            lines.join("\n") + "\n"
        };
        stage.tailnet.edit_policy(edit).expect("a policy");
        // It is noticed when the file is looked at for somebody else.
        granted(stage, &stage.dave, "/access incident 1h pager").await;
        let of = |requests: &[nightlatch::kernel::Request], reason: &str| {
            requests
                .iter()
                .find(|request| request.reason == reason)
                .map(|request| (request.state, request.outcome))
                .expect("it")
        };
        let requests = stage.requests().await;
        assert_eq!(of(&requests, "invoice 1204"), (State::Ended, Some(Outcome::Revoked)));
        assert_eq!(of(&requests, "backup"), (State::Active, None));
        assert_eq!(lent(stage, "alice-laptop"), Vec::<String>::new());
        assert_eq!(lent(stage, "carol-laptop").len(), 2);
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tailscale_would_refuse_is_not_sent_and_keeps_nobody_else_waiting() {
    let wrong = SHELL.replace("tag:prod-db", "tag:nowhere");
    let open = INCIDENT.replace(
        "groups: { \"group:dba\": [\"{{ requester.login }}\"], \"group:incident\": [\"{{ requester.login }}\"] }",
        "grants: [{ src: [\"{{ requester.login }}\"], dst: [\"tag:prod-db\"], ip: [\"tcp:5432\"] }]",
    );
    let setting = setting().workflow("wrong", &wrong).workflow("open", &open);
    story_with(setting, async |stage| {
        granted(stage, &stage.alice, "/access wrong 1h invoice 1204").await;
        let request = stage.request().await;
        assert_eq!(request.outcome, Some(Outcome::Failed));
        insta::assert_snapshot!(request.trouble.map(|why| format!("{} {}", why.what, why.advice)).unwrap_or_default(), @r#"tailscale would refuse the changed policy file: dst=tag not found: "tag:nowhere" correct the policy file or the workflow, then try again"#);
        // The file's own tests say that alice must not reach this without an attribute that ends.
        granted(stage, &stage.alice, "/access open 1h invoice 1204").await;
        let request = stage.request().await;
        assert_eq!(request.outcome, Some(Outcome::Failed));
        insta::assert_snapshot!(request.trouble.map(|why| format!("{} {}", why.what, why.advice)).unwrap_or_default(), @r#"tailscale would refuse the changed policy file: test(s) failed; alice@example.com: address "tag:prod-db:5432": want: Drop, got: Accept correct the policy file or the workflow, then try again"#);
        granted(stage, &stage.alice, "/access shell 1h invoice 1204").await;
        assert_eq!(lent(stage, "alice-laptop").len(), 2);
        let sent = stage.tailnet.calls_of(Endpoint::SetPolicy);
        assert_eq!(sent, 1, "what would be refused was not sent");
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_lent_without_a_guard_and_the_card_says_so() {
    story_everywhere_with(setting, async |stage| {
        granted(stage, &stage.dave, "/access incident 1h pager").await;
        assert_eq!(stage.request().await.state, State::Active, "{:?}", stage.request().await.trouble);
        let policy = stage.tailnet.policy();
        assert!(policy.contains("\"dave@example.com\", \"bob@example.com\""), "{policy}");
        assert!(stage.dave.sees("#access").contains("does not end by itself"), "{}", stage.dave.sees("#access"));
        // Whoever borrowed the group may not decide by it.
        stage.carol.command("/access shell 1h backup").await;
        stage.dave.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        stage.carol.press("Withdraw").await;
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_changed_safely_is_never_written() {
    story_with(setting(), async |stage| {
        stage.tailnet.edit_policy(|text| text.replace("\t\"ssh\": [", "\t\"ssh\": [],\n\t\"ssh\": [")).expect("a policy");
        granted(stage, &stage.alice, "/access shell 1h invoice 1204").await;
        let request = stage.request().await;
        assert_eq!(request.outcome, Some(Outcome::Failed));
        insta::assert_snapshot!(request.trouble.map(|why| format!("{} {}", why.what, why.advice)).unwrap_or_default(), @"the tailnet's policy file cannot be changed safely: line 25, column 2: `ssh` stands twice in one object correct the policy file, then try again");
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetPolicy), 0);
        stage.everybody_reads();
    })
    .await;
}
