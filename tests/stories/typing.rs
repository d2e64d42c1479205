//! What people type: typos, lengths of time, hostile and pretty text.

use nightlatch::kernel::State;

use crate::harness::*;

/// What only this person sees in #general.
fn private(human: &Human) -> String {
    human.reads_in("#general")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_gets_the_nearest_one() {
    story(async |stage| {
        stage.alice.command("/access prod-bd 2h invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing called `prod-bd` here. Did you mean `/access prod-db 2h invoice`? `/access help` shows what there is.
        ");
        stage.alice.command("/access 2h prod-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): `2h` is a length of time; say first what it is for, like `/access NAME 2h prod-db`. `/access help` shows what there is.
        ");
        stage.alice.command("/access lits").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing called `lits` here. Did you mean `/access list`? `/access help` shows what there is.
        ");
        stage.alice.command("/access something <!channel> `quite` *else*").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing called `something` here. `/access help` shows what there is.
        ");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_of_time_that_cannot_be_taken_is_said_with_one_that_can() {
    story(async |stage| {
        stage.alice.command("/access prod-db 9h invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: 9h is more than the 8h this lends
          This would do: `/access prod-db 8h invoice`
        ");
        stage.alice.command("/access prod-db 2y invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: months and years have no fixed length; write days, like 30d
          This would do: `/access prod-db 1h invoice`
        ");
        stage.alice.command("/access prod-db 0m invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: must be longer than zero
          This would do: `/access prod-db 1h invoice`
        ");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_length_of_time_becomes_no_part_of_the_reason() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2x invoice 1204").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: `2x` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
          This would do: `/access prod-db 2h invoice 1204`
          If `2x` belongs to the reason, say the time first: `/access prod-db 1h 2x invoice 1204`
        ");
        stage.alice.command("/access prod-db 2hh invoice 1204").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: `2hh` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
          This would do: `/access prod-db 2h invoice 1204`
          If `2hh` belongs to the reason, say the time first: `/access prod-db 1h 2hh invoice 1204`
        ");
        stage.alice.command("/access prod-db 1h30 invoice 1204").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: `1h30` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
          This would do: `/access prod-db 1h30m invoice 1204`
          If `1h30` belongs to the reason, say the time first: `/access prod-db 1h 1h30 invoice 1204`
        ");
        assert!(stage.requests().await.is_empty());
        for line in [
            "-1h invoice 1204",
            "1e9h invoice 1204",
            "1month invoice 1204",
            "for 2 hours invoice 1204",
            "half an hour: 1204",
            "2 hors invoice 1204",
        ] {
            stage.alice.command(&format!("/access prod-db {line}")).await;
            let said = private(&stage.alice);
            assert!(said.contains("Nothing was asked yet"), "{line}: {said}");
        }
        assert!(stage.requests().await.is_empty());
        for (line, hold, reason) in [
            ("2 servers are down", "1h", "2 servers are down"),
            ("5xx on the checkout", "1h", "5xx on the checkout"),
            ("1h 2x the load", "1h", "2x the load"),
            ("2h, invoice 1204", "2h", "invoice 1204"),
            ("1 hour invoice 1204", "1h", "invoice 1204"),
            ("15 minutes fix", "15m", "fix"),
            ("1h 30m, split  it", "1h30m", "split  it"),
            ("half an hour for 1204", "30m", "for 1204"),
            ("2 Stunden Rechnung", "2h", "Rechnung"),
            ("2h 2 servers are down", "2h", "2 servers are down"),
        ] {
            stage.alice.command(&format!("/access prod-db {line}")).await;
            let request = stage.request().await;
            assert_eq!(
                (nightlatch::kernel::hold::show(request.hold_ms).as_str(), request.reason.as_str()),
                (hold, reason)
            );
            stage.alice.command("/access withdraw prod-db").await;
        }
    })
    .await;
}

/// Whatever looks like a length of time and is not understood for certain is asked about; an hour is never lent in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_of_time_in_other_words_is_asked_about_and_never_the_default() {
    let setting = Setting::default()
        .prod_db(&[("ask: [group", "command: /prod-db\nask: [group")])
        .seed(|seed| seed.command("/prod-db"));
    story_with(setting, async |stage| {
        let mut all = Vec::new();
        for line in [
            "1 day",
            "12 hours",
            "2 hours of work",
            "2h 30 split",
            "for 2h please",
            "--hold 2h",
            "—hold 2h",
            "90",
            "1:30",
            "until 18:00",
            "invoice 1204 2h",
        ] {
            for command in ["/access prod-db", "/prod-db"] {
                stage.alice.command(&format!("{command} {line}")).await;
                let said = private(&stage.alice);
                assert!(said.contains("Nothing was asked yet"), "{command} {line}: {said}");
                if command == "/prod-db" {
                    let lines = said.lines().filter(|line| line.contains('`')).map(str::trim).map(str::to_owned);
                    all.extend(lines.chain([String::new()]));
                }
            }
        }
        insta::assert_snapshot!(all.join("\n"), @"
        This would do: `/prod-db 8h`

        This would do: `/prod-db 8h`

        • *hold*: `2 hours` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 2h of work`
        If `2 hours` belongs to the reason, say the time first: `/prod-db 1h 2 hours of work`

        • *hold*: `2h 30` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 2h30m split`
        If `2h 30` belongs to the reason, say the time first: `/prod-db 1h 2h 30 split`

        • *hold*: `for 2h` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 2h please`
        If `for 2h` belongs to the reason, say the time first: `/prod-db 1h for 2h please`

        • *hold*: `--hold 2h` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 2h`
        If `--hold 2h` belongs to the reason, say the time first: `/prod-db 1h --hold 2h`

        • *hold*: `--hold 2h` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 2h`
        If `--hold 2h` belongs to the reason, say the time first: `/prod-db 1h --hold 2h`

        • *hold*: `90` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 1h30m`
        If `90` belongs to the reason, say the time first: `/prod-db 1h 90`

        • *hold*: `1:30` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 1h30m`
        If `1:30` belongs to the reason, say the time first: `/prod-db 1h 1:30`

        • *hold*: `until 18:00` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
        This would do: `/prod-db 1h`
        If `until 18:00` belongs to the reason, say the time first: `/prod-db 1h until 18:00`

        • *hold*: `2h` does not stand first; say how long before everything else
        This would do: `/prod-db 2h invoice 1204`
        If `2h` belongs to the reason, say the time first: `/prod-db 1h invoice 1204 2h`
        ");
        assert!(stage.requests().await.is_empty());
        for line in ["“2h” fix", "２h fix", "2h, fix", "PT2H fix", "2h\u{a0}fix", "2h\tfix", "2\u{200b}h fix"] {
            stage.alice.command(&format!("/access prod-db {line}")).await;
            let request = stage.request().await;
            assert_eq!((request.state, request.hold_ms), (State::Pending, 2 * 60 * 60_000), "{line}");
            assert_eq!(request.reason, "fix", "{line}");
            stage.alice.command("/access withdraw prod-db").await;
        }
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_type_can_neither_ping_nor_link_nor_forge() {
    story(async |stage| {
        let reason = "*bold* _it_ ~s~ `c` <!channel> <@U0DAVE001> <https://evil.example|harmless> &amp; @channel #general \
                      > quote\n:tada: ```x```";
        stage.alice.command(&format!("/access prod-db 1h {reason}")).await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 1h on alice-laptop (macOS)
          > *bold* _it_ ~s~ `c` <!channel> <@U0DAVE001> <https://evil.example|harmless> &amp; @channel #general > quote
          > :tada: ```x```
          Asked: @bob, @carol (in group:dba or @db-oncall)
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        for message in stage.slack.messages("#access") {
            let raw = serde_json::to_string(&message.blocks).expect("blocks") + &message.text;
            for forged in ["<!channel", "<@U0DAVE001", "<https://evil", "<!here"] {
                assert!(!raw.contains(forged), "{raw}");
            }
        }
        stage.alice.press_in("#general", "Withdraw").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_reason_fits_and_a_longer_one_is_said_so() {
    let setting = Setting::default().prod_db(&[("max_length: 500", "max_length: 3000")]);
    story_with(setting, async |stage| {
        let hostile = "<&>".repeat(1_000);
        stage.alice.command(&format!("/access prod-db 1h {hostile}")).await;
        assert_eq!(stage.request().await.reason, hostile);
        let card = stage.bob.sees("#access");
        assert!(card.contains("<&><&>") && card.contains("[Approve] [Approve...] [Deny]"), "{card}");
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        assert!(stage.tailnet.comments().iter().all(|comment| comment.len() <= 200));
        stage.alice.command("/access return prod-db").await;
        stage.slack.mark_read("alice", "#general");
        stage.alice.command(&format!("/access prod-db 1h {}", "long ".repeat(601))).await;
        let said = private(&stage.alice);
        assert!(said.contains("3004 characters; at most 3000 fit"), "{said}");
        assert_eq!(stage.requests().await.len(), 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_makes_quotes_and_dashes_pretty_is_understood() {
    story(async |stage| {
        stage.alice.command("/access Prod-DB 30M “invoice 1204” – it’s stuck…").await;
        let request = stage.request().await;
        assert_eq!((request.hold_ms, request.workflow.name.as_str()), (30 * 60_000, "prod-db"));
        insta::assert_snapshot!(request.reason, @r#""invoice 1204" – it's stuck…"#);
        stage.alice.command("/access withdraw PROD-DB").await;
        assert_eq!(stage.request().await.state, State::Ended);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_can_have_a_command_of_its_own() {
    let setting = Setting::default()
        .prod_db(&[("ask: [group", "command: /prod-db\nask: [group")])
        .seed(|seed| seed.command("/prod-db").command("/gone"));
    story_with(setting, async |stage| {
        stage.alice.command("/prod-db 45m invoice").await;
        let request = stage.request().await;
        assert_eq!((request.hold_ms, request.reason.as_str()), (45 * 60_000, "invoice"));
        stage.alice.press_in("#general", "Withdraw").await;
        stage.slack.mark_read("alice", "#general");
        stage.alice.command("/prod-db help").await;
        assert!(private(&stage.alice).contains("/prod-db 1h why you need it"));
        stage.alice.command("/gone").await;
        assert!(private(&stage.alice).contains("No workflow has this command any more"));
    })
    .await;
}
