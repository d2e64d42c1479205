//! Tailscale does not do it: tried again, told plainly, taken back, and alarmed about until it is gone.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

async fn approved(stage: &Stage) {
    stage.alice.command("/access prod-db 2h invoice 1204").await;
    stage.bob.press("Approve").await;
}

fn writes(stage: &Stage) -> usize {
    stage.tailnet.calls_of(Endpoint::SetAttribute)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_fails_twice_works_the_third_time_and_only_then_counts_as_active() {
    story_everywhere(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), Some(2));
        approved(stage).await;
        // Waiting for paced messages moves the clock a little, so it may be on already.
        if !stage.is_on() {
            assert_eq!(stage.alice.reads(), "@nightlatch", "nothing is claimed yet");
        }
        stage.advance(1.minutes()).await;
        assert!(stage.is_on());
        assert!(stage.alice.sees(DM).contains("is active until"));
        let request = stage.request().await;
        assert_eq!(request.expires_at.map(|at| at - request.active_at.unwrap_or(0)), Some(2 * 3_600_000));
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_granting_fails_the_card_says_so() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), Some(1));
        approved(stage).await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔄 *Approved, being switched on* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ⚠️ An attempt failed: Tailscale cannot do it just now (setting an attribute, 500). It is being tried again; nothing counts as active before it is confirmed.
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
        ");
        stage.advance(1.minutes()).await;
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_fails_for_good_is_told_to_everybody_and_retry_works() {
    story_everywhere(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), None);
        approved(stage).await;
        stage.advance(5.minutes()).await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        assert!(stage.alice.reads().contains("could not be lent"));
        assert!(stage.bob.reads().contains("could not be lent"));
        stage.tailnet.clear_faults(Endpoint::SetAttribute);
        stage.alice.press_in("#access", "Retry").await;
        assert!(stage.is_on());
        assert!(stage.alice.reads().contains("is active until"));
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_grant_as_everybody_sees_it() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), None);
        approved(stage).await;
        stage.advance(5.minutes()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent to you* on alice-laptop. You do not have it.
          What failed: Tailscale cannot do it just now (setting an attribute, 500).
          What was begun was taken back:
          🔒 Verified gone today 13:00:07
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        insta::assert_snapshot!(stage.bob.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent* to @alice on alice-laptop. They do not have it.
          What failed: Tailscale cannot do it just now (setting an attribute, 500).
          What was begun was taken back:
          🔒 Verified gone today 07:00:07
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ❌ *Failed: it could not be lent* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ⚠️ Tailscale cannot do it just now (setting an attribute, 500).
          🔒 Verified gone today 07:00:07
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Retry]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch:
              ❌ It could not be lent: Tailscale cannot do it just now (setting an attribute, 500). What was begun was taken back.
              🔒 Verified gone today 07:00:07
        ");
        stage.bob.press_in("#access", "Retry").await;
        stage.advance(5.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Failed), "an approver may retry too");
        stage.dave.press_in("#access", "Retry").await;
        assert_eq!(stage.request().await.state, State::Ended, "and nobody else");
        stage.advance(9.hours()).await;
        let old = stage.slack.press("alice", "#access", "Retry").await;
        stage.bot.settle().await;
        assert!(old.is_ok());
        assert_eq!(stage.request().await.state, State::Ended, "an approval does not last for ever");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_custom_attributes_is_said_plainly_and_not_tried_again_and_again() {
    story(async |stage| {
        stage.tailnet.set_plan_has_custom_attributes(false);
        approved(stage).await;
        assert_eq!(writes(stage), 1);
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent to you* on alice-laptop. You do not have it.
          What failed: The plan of the tailnet does not have this (setting an attribute).
          What to do: Tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong.
          What was begun was taken back:
          🔒 Verified gone today 13:00:00
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_gets_lost_is_read_back_and_nothing_is_done_twice() {
    story_everywhere(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::LoseReply, Some(1));
        approved(stage).await;
        assert!(stage.is_on());
        assert_eq!(stage.request().await.state, State::Active);
        assert_eq!(writes(stage), 1);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::LoseReply, Some(1));
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert!(stage.tailnet.calls_of(Endpoint::DeleteAttribute) <= 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_was_forgotten_is_not_believed() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Forget, Some(1));
        approved(stage).await;
        assert_eq!(stage.alice.reads(), "@nightlatch", "it read back as not set");
        stage.advance(10.seconds()).await;
        assert!(stage.is_on());
        assert!(stage.alice.reads().contains("is active until"));
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Forget, Some(1));
        stage.advance(2.hours()).await;
        stage.advance(10.seconds()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_after_doing_it_is_read_back() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::HangAfterDoing, Some(1));
        approved(stage).await;
        assert!(stage.is_on());
        assert_eq!(stage.request().await.state, State::Active);
        assert_eq!(writes(stage), 1);
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_and_does_nothing_is_made_again() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Hang, Some(1));
        approved(stage).await;
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(10.seconds()).await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_tailscale_says_wait_it_is_not_called_before() {
    // A kill just after such an answer forgets it, so only through the two doors.
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.tailnet.fault(Endpoint::SetAttribute, Fault::RateLimited("90".to_owned()), Some(1));
            approved(stage).await;
            assert_eq!(writes(stage), 1);
            stage.advance(70.seconds()).await;
            assert_eq!(writes(stage), 1, "not before the time it asked for");
            stage.advance(60.seconds()).await;
            assert!(stage.is_on());
            stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::RateLimited("45".to_owned()), Some(1));
            stage.ends_late = true;
            stage.advance(2.hours()).await;
            stage.advance(1.minutes()).await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_revoked_or_ran_out_is_replaced_without_anybody_noticing() {
    story_everywhere(async |stage| {
        stage.tailnet.revoke_tokens();
        approved(stage).await;
        assert!(stage.is_on());
        stage.tailnet.revoke_tokens();
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_reused_and_not_asked_for_again_and_again() {
    story(async |stage| {
        approved(stage).await;
        stage.alice.press("Return").await;
        assert_eq!(stage.tailnet.calls_of(Endpoint::Token), 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_rights_were_taken_away_is_said_plainly() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.tailnet.set_scopes(&["devices:core:read", "users:read", "policy_file:read"]);
        stage.tailnet.revoke_tokens();
        stage.bob.press("Approve").await;
        stage.advance(1.minutes()).await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)), "nothing was ever sent");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent to you* on alice-laptop. You do not have it.
          What failed: Tailscale does not let the bot do this (reading attributes).
          What to do: Tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong.
          Nothing was switched on.
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ❌ *Failed: it could not be lent* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ⚠️ Tailscale does not let the bot do this (reading attributes). Tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong.
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Retry]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: ❌ It could not be lent: Tailscale does not let the bot do this (reading attributes). Nothing was switched on.
        ");
        stage.everybody_reads();
    })
    .await;
}
