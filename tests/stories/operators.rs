//! Whoever runs the machine acts from its command line: denies and takes back as its user, and approves only as the person they are.

use std::collections::BTreeMap;

use nightlatch::control::{Answering, Call, Reply};
use nightlatch::kernel::{Operator, Outcome, State};
use nightlatch::playground::slack::Kind;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

const ID: &str = "01kjmma2g000000001";

/// What the command line prints; a refusal begins with `no: `.
async fn told(stage: &Stage, user: &str, call: Call) -> String {
    let people = [("deploy", "bob@example.com"), ("ops", "dave@example.com"), ("old", "gone@example.com")];
    let people: BTreeMap<_, _> = people.map(|(user, person)| (user.to_owned(), person.to_owned())).into();
    let by = Operator { user: user.to_owned(), host: "lock1".to_owned() };
    let reply = Answering::new(stage.bot.engine().await, people).answer(&by, call).await;
    stage.bot.settle().await;
    match reply {
        Reply::Done { said } => said,
        Reply::No { why } => format!("no: {why}"),
        Reply::Snapshot { .. } => "people".to_owned(),
        Reply::Requests { requests, more } => {
            let lines = requests.iter().map(|one| format!("{} {} {}", one.id, one.state, one.requester));
            format!("{}{}", lines.collect::<Vec<_>>().join("\n"), if more { "\nand more" } else { "" })
        }
    }
}

fn approve(id: &str) -> Call {
    Call::Approve { id: id.to_owned(), confirmed: false, hold_ms: None }
}

fn deny(id: &str) -> Call {
    Call::Deny { id: id.to_owned(), reason: "not during the migration".to_owned() }
}

fn revoke(id: &str) -> Call {
    Call::Revoke { id: id.to_owned(), reason: "the incident is over".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_revokes_from_the_command_line_stands_on_the_card_as_a_user_of_the_machine() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let early = told(stage, "root", revoke(ID)).await;
        insta::assert_snapshot!(early, @"no: 01kjmma2g000000001 (prod-db for alice@example.com) waits for a decision, and nothing is on; to say no: nightlatch deny 01kjmma2g000000001");
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        insta::assert_snapshot!(told(stage, "root", revoke(ID)).await, @"revoked: 01kjmma2g000000001 (prod-db for alice@example.com); it is being taken back, and `nightlatch requests` lists it until that was read back");
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
        insta::assert_snapshot!(stage.alice.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: revoked by root on lock1* · Production database
          @alice had it on alice-laptop (macOS) from today 13:00:00 to today 13:00:00, of 2h
          > invoice 1204
          Approved by @bob (group:dba) today 13:00:00
          *Why*
          > the incident is over
          🔒 Verified gone today 13:00:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 13:00:00, until today 15:00 at the latest.
            nightlatch:
              🔒 Ended: revoked by root on lock1.
              🔒 Verified gone today 13:00:00
              Open TCP connections may live on.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database: revoked*
          It was on from today 13:00:00 to today 13:00:00.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🔒 *Production database has ended*: it was revoked by root on lock1.
          > the incident is over
          🔒 Verified gone today 13:00:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(told(stage, "root", revoke(ID)).await, @"no: 01kjmma2g000000001 (prod-db for alice@example.com) has ended (revoked)");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_no_ends_a_request_whatever_the_stage_takes() {
    story_with(Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(told(stage, "root", deny(ID)).await, @"denied: 01kjmma2g000000001 (prod-db for alice@example.com); nothing was switched on");
        assert!(!stage.is_on());
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ⛔ *Denied by root on lock1* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) today 21:00:00
          *Why*
          > not during the migration
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba): 1 of 2 approvals. It still waits for more.
            nightlatch:
              ⛔ root on lock1 denied it. Nothing was switched on.
              > not during the migration
        ");
        insta::assert_snapshot!(told(stage, "root", deny(ID)).await, @"no: 01kjmma2g000000001 (prod-db for alice@example.com) has ended (denied); there is nothing to deny");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_takes_a_person_and_counts_once_under_the_same_rules() {
    story_with(Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let mut said = Vec::new();
        for user in ["root", "ops", "old", "deploy", "deploy"] {
            said.push(format!("{user}: {}", told(stage, user, approve(ID)).await));
        }
        insta::assert_snapshot!(said.join("\n"), @"
        root: no: approving takes a person, and the configuration does not say who root on lock1 is: write `operators: { root: alice@example.com }` and restart; denying and revoking need no person
        ops: no: not counted, as dave@example.com: You are not an approver of Production database, so nothing was counted. It takes one of group:dba or @db-oncall.
        old: no: Slack has no active person `gone@example.com`
        deploy: counted, as bob@example.com: 01kjmma2g000000001 (prod-db for alice@example.com) waits for one more of group:dba or @db-oncall
        deploy: no: not counted, as bob@example.com: You have decided on this request already; each person counts once. Nothing changed.
        ");
        assert_eq!(stage.request().await.approvals_count(), 1);
        stage.bob.press("Approve").await;
        assert!(!stage.is_on(), "it was bob's one vote");
        stage.carol.press("Approve").await;
        assert!(stage.is_on());
        insta::assert_snapshot!(stage.alice.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 15:00* · Production database
          @alice has it on alice-laptop (macOS) since today 13:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 13:00:00
          Approved by @carol (group:dba) today 13:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba): 1 of 2 approvals. It still waits for more.
            nightlatch: ✅ @carol approved (group:dba): 2 of 2 approvals. It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 13:00:00, until today 15:00 at the latest.
        ");
        let actors = stage.bot.database().await;
        assert!(actors.contains(r#""by":{"user":"deploy","host":"lock1"}"#), "the log names the user of the machine");
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_left_decides_nothing_from_the_command_line() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.set_kind("bob", Kind::Deactivated).await.expect("bob");
        let said = told(stage, "deploy", approve(ID)).await;
        assert!(said.starts_with("no: ") && !stage.is_on(), "{said}");
        assert_eq!(stage.request().await.approvals_count(), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_there_is_told_with_the_nearest() {
    story(async |stage| {
        let none = told(stage, "root", deny(ID)).await;
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.carol.command("/access prod-db 2h the same").await;
        let all = [
            none,
            told(stage, "root", deny("01kjmma2g00000000")).await,
            told(stage, "root", revoke("prod-db")).await,
            told(stage, "root", Call::Requests { all: false, limit: 10 }).await,
            told(stage, "root", Call::Requests { all: true, limit: 1 }).await,
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        no: there is no request 01kjmma2g000000001; there is none at all
        no: there is no request 01kjmma2g00000000; did you mean 01kjmma2g000000001?
        no: there is no request prod-db; nightlatch requests --all lists them
        01kjmma2g000000002 pending carol@example.com
        01kjmma2g000000001 pending alice@example.com
        01kjmma2g000000002 pending carol@example.com
        and more
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_yet_is_listed_as_stuck() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        assert!(told(stage, "root", revoke(ID)).await.contains("it is being taken back"));
        stage.advance(30.minutes()).await;
        let engine = stage.bot.engine().await;
        let by = Operator { user: "root".to_owned(), host: "lock1".to_owned() };
        let call = Call::Requests { all: false, limit: 10 };
        let Reply::Requests { requests, .. } = Answering::new(engine, BTreeMap::new()).answer(&by, call).await else {
            panic!("a list");
        };
        insta::assert_json_snapshot!(requests, @r#"
        [
          {
            "id": "01kjmma2g000000001",
            "workflow": "prod-db",
            "state": "ending",
            "outcome": "revoked",
            "requester": "alice@example.com",
            "reason": "invoice 1204",
            "device": "alice-laptop",
            "asked_at": "2026-03-01T12:00:00Z",
            "active_since": "2026-03-01T12:00:00Z",
            "expires_at": "2026-03-01T14:00:00Z",
            "ended_at": null,
            "stuck": true,
            "review_due_at": null,
            "steps": [
              {
                "name": "attribute",
                "uses": "tailscale.attribute",
                "key": "tailscale.attribute nALICE1CNTRL custom:jit_prod_db",
                "found": "on"
              }
            ]
          }
        ]
        "#);
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(5.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}
