//! Asking with a command: what is asked at once, what is refused and in which words, and what nobody can slip in.

use nightlatch::playground::slack::{Kind, Person};

use crate::harness::*;

/// What only this person sees in #general.
fn private(human: &Human) -> String {
    human.reads_in("#general")
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_granted_on_approval_and_taken_back_when_time_is_up() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204 is stuck").await;
        assert!(!stage.is_on());
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_as_everybody_sees_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204 is stuck").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204 is stuck
          Asked: @bob, @carol (in group:dba or @db-oncall)
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 09:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204 is stuck
          Approved by @bob (group:dba) today 07:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 15:00* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        ");
        stage.advance(100.minutes()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⏰ *Production database ends today 15:00* on alice-laptop
          New connections stop then; open TCP connections may live on.
          Done already? Press Return, or type `/access return prod-db`. Need it longer? Ask again now with `/access prod-db`; the later end counts.
          ~ Request 01kjmma2g000000001 · takes back `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return]
        ");
        stage.advance(20.minutes()).await;
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 21:00 to today 23:00:00
          > invoice 1204 is stuck
          Approved by @bob (group:dba) today 21:00
          🔒 Verified gone today 23:00:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 23:00 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 23:00:00
              Open TCP connections may live on.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: the time was up.
          🔒 Verified gone today 15:00:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        assert!(stage.slack.dm("bob").is_empty(), "the card is enough");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_private_is_posted_in_the_channel_where_it_was_asked() {
    story(async |stage| {
        for line in ["/access help", "/access list", "/access nonsense", "/access prod-db 99h x", "/access return x"] {
            stage.alice.command(line).await;
            stage.slack.mark_read("alice", "#general");
        }
        stage.alice.command("/access prod-db 10m ssh key of the ceo").await;
        let seen = stage.dave.sees("#general");
        assert_eq!(seen, "#general", "{seen}");
        stage.alice.command("/access withdraw prod-db").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_a_tagged_and_a_shared_device_cannot_be_named() {
    story(async |stage| {
        for device in ["bob-laptop", "prod-db-1", "otto-laptop", "nBOB1CNTRL", "nosuch"] {
            stage.alice.command(&format!("/access prod-db 1h device={device} invoice")).await;
            let said = private(&stage.alice);
            assert!(said.contains("is not one of your devices (alice-laptop)"), "{device}: {said}");
        }
        stage.alice.command("/access prod-db 1h device=bob-laptop invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *device*: `bob-laptop` is not one of your devices (alice-laptop)
          This would do: `/access prod-db 1h invoice`
        ");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_devices_can_be_named_in_the_command() {
    let setting = Setting::default().prod_db(&[("own_request: never", "own_request: allow")]);
    story_with(setting, async |stage| {
        stage.bob.command("/access prod-db 30m device=bob-laptop restore a backup").await;
        let request = stage.request().await;
        assert_eq!(request.device.as_ref().map(|device| device.name.as_str()), Some("bob-laptop"));
        assert_eq!(request.reason, "restore a backup");
        stage.bob.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_the_tailnet_does_not_know_is_told_what_was_looked_for() {
    let newcomer = Person::new("U0ZOE0001", "zoe", "Europe/Oslo");
    let setting = Setting::default().seed(|seed| seed.person(newcomer));
    story_with(setting, async |stage| {
        stage.slack.set_member("#general", "zoe", true).expect("a channel");
        let zoe = stage.human("zoe");
        zoe.command("/access prod-db 1h invoice").await;
        insta::assert_snapshot!(private(&zoe), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): I looked for an active tailnet user called `zoe@example.com` (your e-mail in Slack) and found none; nothing was asked. If your tailnet login is another one, ask an admin to tell the bot.
        ");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

/// Eve's e-mail says nothing about her tailnet login, which is a GitHub name.
fn with_eve() -> Setting {
    Setting::default().seed(|seed| seed.person(Person::new("U0EVE0001", "eve", "Europe/Oslo")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_no_email_comes_from_the_people_table_and_never_from_a_name() {
    story_with(with_eve(), async |stage| {
        stage.slack.set_member("#general", "eve", true).expect("a channel");
        stage.human("eve").command("/access prod-db 1h invoice").await;
        assert!(stage.requests().await.is_empty(), "matched by what?");
    })
    .await;
    story_with(with_eve().knows("U0EVE0001", "eve@github"), async |stage| {
        stage.slack.set_member("#general", "eve", true).expect("a channel");
        stage.human("eve").command("/access prod-db 1h invoice").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("eve-laptop", JIT), Some(true.into()));
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tailnet_user_cannot_ask() {
    let sam = Person::new("U0SAM0001", "sam", "Europe/Oslo");
    story_with(Setting::default().seed(|seed| seed.person(sam)), async |stage| {
        stage.slack.set_member("#general", "sam", true).expect("a channel");
        let sam = stage.human("sam");
        sam.command("/access prod-db 1h invoice").await;
        assert!(private(&sam).contains("I looked for an active tailnet user called `sam@example.com`"));
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_else_could_approve_is_not_asked() {
    let setting = Setting::default().prod_db(&[(r#"[group:dba, "@db-oncall"]"#, "[alice@example.com]")]);
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 1h invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): Nobody but you could approve *Production database* (prod-db) now, so nothing was asked. Ask whoever looks after it to add people to its `approve` list.
        ");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_and_people_outside_the_group_cannot_ask() {
    let setting = Setting::default().prod_db(&[("ask: [group:engineering]", "ask: [group:dba]")]);
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 1h invoice").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          *Production database* (prod-db): nothing was asked. You cannot ask for this: that takes one of group:dba. If you should be among them, ask an admin to add you, then try again.
          [Why?]
        ");
        stage.grace.command("/access prod-db 1h invoice").await;
        insta::assert_snapshot!(private(&stage.grace), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one.
        ");
        stage.slack.set_kind("carol", Kind::SingleChannelGuest).await.expect("carol");
        stage.carol.command("/access prod-db 1h invoice").await;
        assert!(private(&stage.carol).contains("Guests of the workspace cannot ask or decide here"));
        assert!(stage.slack.command("otto", "#access-partners", "/access prod-db 1h x").await.is_err(), "Slack itself");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_delivered_twice_is_one_request() {
    story_everywhere(async |stage| {
        stage.slack.duplicate_deliveries(1);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.redeliver().await.expect("a delivery");
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.bot.restart().await;
        stage.slack.redeliver().await.expect("a delivery");
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 1, "remembered beyond a restart");
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}
