//! Messages nobody remembers and messages that are out of date: a press on one counts, and puts it right.

use nightlatch::kernel::State;
use nightlatch::playground::slack::{Fault, MessageRef};

use crate::harness::*;

/// The cards in #access, oldest first.
fn cards(stage: &Stage) -> Vec<MessageRef> {
    let all =
        stage.slack.messages("#access").into_iter().filter(|one| one.thread_ts.is_none() && one.only_for.is_none());
    all.map(|one| MessageRef { channel: "C0ACCESS01".to_owned(), ts: one.ts }).collect()
}

async fn press_on(stage: &Stage, who: &str, message: &MessageRef, words: &str) {
    let pressed = stage.slack.press(who, message, words).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(pressed.acked);
    stage.bot.settle().await;
}

/// The bot dies after Slack took the card and before that was written down.
async fn killed_between_posting_and_saving(stage: &Stage) {
    stage.slack.fail("chat.postMessage", Fault::LostReply, 1);
    let asked = stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204").await.expect("a command");
    assert!(asked.acked);
    assert!(stage.slack.until(|world| !world.messages("#access").is_empty()).await);
    stage.bot.restart().await;
    stage.bot.settle().await;
    stage.advance(5.seconds()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_posting_a_card_and_writing_it_down_leaves_one_card() {
    story(async |stage| {
        killed_between_posting_and_saving(stage).await;
        assert_eq!(cards(stage).len(), 1);
        stage.bob.press("Approve").await;
        assert!(stage.is_on() && stage.bob.sees("#access").contains("*Active until"));
        stage.alice.press("Return").await;
        assert_eq!(cards(stage).len(), 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_posting_was_not_answered_is_looked_for_before_another_is_posted() {
    story_everywhere(async |stage| {
        stage.slack.fail("chat.postMessage", Fault::LostReply, 1);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(5.seconds()).await;
        assert_eq!(cards(stage).len(), 1);
        stage.bob.press("Approve").await;
        stage.advance(2.hours()).await;
        assert!(stage.bob.sees("#access").contains("*Ended: the time was up*"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_channel_cannot_be_read_a_press_on_the_copy_counts_and_the_copy_says_what_it_is() {
    let blind = || Setting::default().seed(|seed| seed.without_scope("channels:history"));
    story_with(blind(), async |stage| {
        killed_between_posting_and_saving(stage).await;
        let [copy, card] = &cards(stage)[..] else { panic!("not two cards") };
        press_on(stage, "bob", copy, "Approve").await;
        assert!(stage.is_on());
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ↪️ *An old copy* · @alice: Production database for 2h
          This message was posted twice. The one that shows how it stands is in #access, under the same request id.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🟢 *Active until today 23:00* · Production database
          @alice has it on alice-laptop (macOS) since today 21:00:05, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 21:00:05
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:05, until today 23:00 at the latest.
        ");
        // It is not the card, and stays as it is.
        press_on(stage, "alice", card, "Return").await;
        assert!(stage.carol.sees("#access").contains("*An old copy*"));
        stage.everybody_reads();
    })
    .await;
    // Pressed when everything is over.
    story_with(blind(), async |stage| {
        killed_between_posting_and_saving(stage).await;
        let [copy, card] = &cards(stage)[..] else { panic!("not two cards") };
        press_on(stage, "bob", card, "Approve").await;
        stage.advance(2.hours()).await;
        press_on(stage, "carol", copy, "Approve").await;
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ↪️ *An old copy* · @alice: Production database for 2h
          This message was posted twice. It is over, its time was up.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 21:00 to today 23:00:05
          > invoice 1204
          Approved by @bob (group:dba) today 21:00
          🔒 Verified gone today 23:00:05
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:05, until today 23:00 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 23:00:05
              Open TCP connections may live on.
        nightlatch (only you):
          Too late: @bob approved it, and its time is over. It can be asked again.
          ~ Production database · request 01kjmma2g000000001
        ");
        let (told, calls) = (stage.told_privately("#access", "carol").await, stage.slack.calls().len());
        assert!(told.contains("Too late"), "{told}");
        stage.advance(1.minutes()).await;
        assert_eq!(stage.slack.calls().len(), calls, "nothing more is done about it");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn denying_on_a_copy_counts_and_the_copy_says_what_it_is() {
    story_with(Setting::default().seed(|seed| seed.without_scope("channels:history")), async |stage| {
        killed_between_posting_and_saving(stage).await;
        let copy = &cards(stage)[0];
        press_on(stage, "bob", copy, "Deny").await;
        stage.bob.submit().await;
        assert_eq!(stage.request().await.state, State::Ended);
        let seen = stage.carol.sees("#access");
        assert!(seen.contains("*An old copy*") && seen.contains("*Denied by @bob*"), "{seen}");
        assert!(!seen.contains("[Approve]"), "{seen}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_card_nobody_remembers_makes_it_the_card() {
    story(async |stage| {
        stage.slack.fail("chat.postMessage", Fault::LostReply, 1);
        stage.slack.fail("chat.postMessage", Fault::Unavailable, u32::MAX);
        stage.slack.fail("conversations.history", Fault::Unavailable, u32::MAX);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let card = &cards(stage)[0];
        press_on(stage, "bob", card, "Approve").await;
        stage.slack.heal();
        stage.advance(1.minutes()).await;
        assert_eq!(&cards(stage)[..], std::slice::from_ref(card));
        assert!(stage.is_on() && stage.bob.sees("#access").contains("*Active until"));
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_direct_messages_is_put_right_by_a_press() {
    let changes = [("announce: \"#access\"\n", ""), ("[group:dba, \"@db-oncall\"]", "[bob@example.com]")];
    story_with(Setting::default().prod_db(&changes), async |stage| {
        stage.slack.fail("chat.postMessage", Fault::LostReply, 1);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(5.seconds()).await;
        let copies = stage.slack.dm("bob");
        assert_eq!(copies.len(), 2);
        let copy = MessageRef { channel: "D0BOB0001".to_owned(), ts: copies[0].ts.clone() };
        press_on(stage, "bob", &copy, "Approve").await;
        assert!(stage.is_on());
        insta::assert_snapshot!(stage.bob.sees(DM), @"
        @nightlatch
        nightlatch:
          ↪️ *An old copy* · @alice: Production database for 2h
          This message was posted twice. Another one shows how it stands; `/access list` leads there.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🟢 *Active until today 09:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:05, for 2h
          > invoice 1204
          Approved by @bob (bob@example.com) today 07:00:05
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Revoke]
        ");
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_a_message_that_is_out_of_date_is_gone_and_a_late_press_on_it_is_told_why() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        let late = stage.old_press_elsewhere("alice", "Return").await;
        stage.carol.press("Revoke").await;
        stage.everybody_reads();
        late.arrives().await;
        insta::assert_snapshot!(stage.alice.sees(DM), @"
        @nightlatch
        nightlatch:
          🔒 *Production database: revoked*
          It was on from today 13:00:00 to today 13:00:00.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🔒 *Production database has ended*: it was revoked by @carol.
          🔒 Verified gone today 13:00:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        nightlatch:
          Too late: @carol revoked it. It can be asked again.
          ~ Production database · request 01kjmma2g000000001
          [Ask again]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_answer_to_who_asked_tells_what_became_of_it_when_it_is_pressed() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press("Approve").await;
            stage.advance(2.hours()).await;
            stage.everybody_reads();
            stage.alice.press_in("#general", "Withdraw").await;
            let is_told = |world: &nightlatch::playground::slack::SlackWorld| {
                !world.screen("alice", "#general").contains("[Withdraw]")
            };
            assert!(stage.slack.until(is_told).await, "{}", stage.alice.sees("#general"));
            insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.sees("#general"), @"
            #general
            nightlatch (only you):
              🔒 *Production database* for 2h on alice-laptop (macOS): over, its time was up.
              ~ Request 01kjmma2g000000001
            nightlatch (only you):
              Too late: @bob approved it, and its time is over. It can be asked again.
              ~ Production database · request 01kjmma2g000000001
              [Ask again]
            "));
            stage.alice.command("/access prod-db 1h invoice 1205").await;
            stage.alice.press_in("#general", "Withdraw").await;
            assert!(stage.slack.until(is_told).await, "{}", stage.alice.sees("#general"));
            stage.everybody_reads();
        })
        .await;
    }
}
