//! Holding for longer what one holds: the later end counts here and in the tailnet, as often as the workflow says.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

const EXTENDS: (&str, &str) =
    ("lapse_after: 8h\n", "lapse_after: 8h\nextend: { times: 2, max: 1h, approve: automatic }\n");

fn extends() -> Setting {
    Setting::default().prod_db(&[EXTENDS])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_extended_ends_later_and_not_before() {
    story_everywhere_with(extends, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(90.minutes()).await;
        stage.alice.command("/access extend prod-db 30m").await;
        stage.advance(45.minutes()).await;
        assert!(stage.is_on(), "its old end has passed");
        stage.bot.restart().await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        stage.advance(60.minutes()).await;
        assert!(stage.is_on());
        stage.advance(15.minutes()).await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.outcome, request.extensions.len()), (Some(Outcome::Expired), 2));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extending_as_people_see_it_and_every_no() {
    story_with(extends(), async |stage| {
        stage.alice.command("/access extend prod-db 30m").await;
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/access extend prod-db soon").await;
        stage.alice.command("/access extend prod-db").await;
        stage.alice.command("/access extend prod-db 3h").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you): You hold nothing called `prod-db` now. `/access list` shows what is yours.
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        nightlatch (only you): `soon` is no length of time; write it like 30m or 1h30m: `/access extend NAME LENGTH`.
        nightlatch (only you): Say what, and by how much: `/access extend NAME LENGTH`.
        nightlatch (only you): Extending *Production database* on alice-laptop by 3h. You will hear from me when that counts.
        ");
        stage.bob.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.command("/access extend prod-db 1h").await;
        stage.alice.command("/access extend prod-db 45m").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 10:45* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch: ⏩ @alice extended it: it ends today 10:00.
            nightlatch: ⏩ @alice extended it: it ends today 10:45.
        nightlatch (only you):
          This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
          ~ Production database · request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 16:45* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        nightlatch:
          That is too long: the most is 1h. Ask again with a shorter time.
          ~ Production database · request 01kjmma2g000000001
        nightlatch:
          🟢 *Production database is active until today 16:45* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        nightlatch:
          ⏩ *Production database ends today 16:45 now* on alice-laptop. It cannot be extended again.
          ~ Request 01kjmma2g000000001 · you are told shortly before it ends
          [Return]
        ");
        stage.alice.command("/access extend prod-db 10m").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          This was extended as often as may be (2). If you need it for longer, ask again before it ends: the later end counts.
          ~ Production database · request 01kjmma2g000000001
        ");
        assert_eq!(stage.request().await.state, State::Active);
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_forbids_it_and_where_the_workflow_does_not_say_it_is_not_extended() {
    let night =
        "@id(\"once\") @reason(\"ask again instead\") forbid (principal, action == Action::\"extend\", resource);";
    story_with(extends().guardrail("once", night), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          The guardrail `once` does not allow this: ask again instead. Nothing was counted.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
    story_with(Setting::default(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/access extend prod-db 10m").await;
        assert!(stage.alice.reads().contains("This cannot be extended"));
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}

/// Alice has it, and has read so.
async fn has_it(stage: &Stage) {
    stage.alice.command("/access prod-db 2h invoice 1204").await;
    stage.bob.press("Approve").await;
    stage.everybody_reads();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_end_is_said_when_it_was_read_back_and_not_before() {
    story_everywhere_with(extends, async |stage| {
        has_it(stage).await;
        let before = stage.request().await.expires_at;
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), None);
        stage.alice.press_in("#access", "Extend by 1h").await;
        stage.advance(2.seconds()).await;
        assert_eq!(stage.request().await.expires_at, before, "nothing has confirmed a later end");
        let said = [stage.bob.sees("#access"), stage.alice.sees(DM), stage.alice.home().await].join("\n");
        assert!(!said.contains("ends today 10:00") && !said.contains("ends today 16:00"), "{said}");
        assert!(!said.contains("ntil today 10:00") && !said.contains("ntil today 16:00"), "{said}");
        stage.tailnet.clear_faults(Endpoint::SetAttribute);
        stage.advance(1.minutes()).await;
        assert!(stage.alice.reads().contains("ends today 16:00 now"), "{}", stage.alice.sees(DM));
        stage.advance(150.minutes()).await;
        assert!(stage.is_on());
        stage.advance(30.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_tailnet_does_not_take_the_later_end_everybody_reads_the_old_one() {
    story_with(extends(), async |stage| {
        has_it(stage).await;
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), None);
        stage.alice.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 09:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ⏩ Being extended by 1h. Until that is confirmed, it ends today 09:00.
          ⚠️ An attempt failed: Tailscale cannot do it just now (setting an attribute, 500). It is being tried again.
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⚠️ *Production database is not extended yet* on alice-laptop: it ends today 15:00, as before.
          Tailscale cannot do it just now (setting an attribute, 500). It is being tried again until then, and you are told when it is extended.
          ~ Request 01kjmma2g000000001
          [Return]
        ");
        stage.alice.command("/access list").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          *You hold*
          🟢 *Production database* (`prod-db`) on alice-laptop, until today 15:00, 2h left, being extended by 1h  [Return]
        ");
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # What you hold
        *Production database* on alice-laptop: active until today 15:00, 2h left; being extended by 1 hour
        [Return]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.command("/access extend prod-db 30m").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"nightlatch (only you): It is being extended already, to today 16:00. Nothing was counted again: you are told as soon as that is confirmed.");
        stage.advance(115.minutes()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⏰ *Production database ends today 15:00* on alice-laptop
          New connections stop then; open TCP connections may live on.
          Done already? Press Return, or type `/access return prod-db`. It is being extended by 1h, and you are told when that is confirmed.
          ~ Request 01kjmma2g000000001 · takes back `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return]
        ");
        stage.advance(10.minutes()).await;
        let request = stage.request().await;
        assert_eq!((request.outcome, request.extensions.len()), (Some(Outcome::Expired), 0));
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: the time was up.
          It was to be extended by 1h, which was not confirmed in time.
          🔒 Verified gone today 15:00:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 07:00 to today 09:00:00
          > invoice 1204
          Approved by @bob (group:dba) today 07:00
          🔒 Verified gone today 09:00:00
          It was to be extended by 1h, which was not confirmed in time.
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 09:00:00
              Open TCP connections may live on.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tailnet_refuses_for_good_is_not_extended_and_said_so() {
    story_with(extends(), async |stage| {
        has_it(stage).await;
        let before = stage.request().await.expires_at;
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(403), Some(1));
        stage.alice.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⚠️ *Production database was not extended* on alice-laptop: it ends today 15:00, as before.
          Tailscale does not let the bot do this (setting an attribute). Tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong.
          ~ Request 01kjmma2g000000001
          [Extend by 1h] [Return]
        ");
        assert_eq!(stage.request().await.expires_at, before);
        stage.alice.press_in("#access", "Extend by 1h").await;
        assert_eq!(stage.request().await.extensions.len(), 1, "it may be tried again");
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_or_one_on_an_old_message_does_not_extend_once_more() {
    story_everywhere_with(extends, async |stage| {
        has_it(stage).await;
        let old = stage.old_press("alice", "Extend by 1h").await;
        let elsewhere = stage.old_press_elsewhere("alice", "Extend by 1h").await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        for click in [old, elsewhere] {
            click.arrives().await;
            let request = stage.request().await;
            assert_eq!(request.expires_at.map(|at| at - request.active_at.unwrap_or(0)), Some(3 * 3_600_000));
        }
        let said = stage.told_privately("#access", "alice").await;
        assert!(said.contains("It was extended already, and ends today 10:00") || said.contains("16:00"), "{said}");
        stage.alice.press_in("#access", "Extend by 1h").await;
        assert_eq!(stage.request().await.extensions.len(), 2, "what shows the new end counts");
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_after_the_end_says_what_is_so() {
    story_with(extends(), async |stage| {
        has_it(stage).await;
        let late = stage.old_press("alice", "Extend by 1h").await;
        stage.advance(2.hours()).await;
        late.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          Too late: @bob approved it, and its time is over. It can be asked again.
          ~ Production database · request 01kjmma2g000000001
          [Ask again]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_judges_how_long_it_would_be_held_in_all() {
    let three = "@id(\"three\") @reason(\"two and a half hours are enough\") \
        forbid (principal, action == Action::\"extend\", resource) when { context.hold > 9000 };";
    story_with(extends().guardrail("three", three), async |stage| {
        has_it(stage).await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        assert!(stage.told_privately("#access", "alice").await.contains("two and a half hours are enough"));
        stage.alice.command("/access extend prod-db 30m").await;
        assert!(stage.alice.reads().contains("ends today 15:30 now"), "{}", stage.alice.sees(DM));
        stage.alice.command("/access extend prod-db 1m").await;
        assert!(stage.alice.reads().contains("two and a half hours are enough"));
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_and_the_home_tab_extend_too() {
    story_with(extends(), async |stage| {
        has_it(stage).await;
        stage.alice.command("/access list").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          *You hold*
          🟢 *Production database* (`prod-db`) on alice-laptop, until today 15:00, 2h left
          [Extend by 1h] [Return]
        ");
        stage.alice.press_in("#general", "Extend by 1h").await;
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # What you hold
        *Production database* on alice-laptop: active until today 16:00, 3h left
        [Extend by 1h] [Return]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.press_in("home", "Extend by 1h").await;
        let request = stage.request().await;
        assert_eq!(request.expires_at.map(|at| at - request.active_at.unwrap_or(0)), Some(4 * 3_600_000));
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}
