//! Asking for what one holds, or has asked for, already: that is said, with the card and what can be done, and nothing is asked again.

use nightlatch::kernel::State;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_not_asked_again_whatever_the_reason_or_the_length() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.command("/access prod-db 1h something else").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.carol.command("/access prod-db 1h mine").await;
        assert_eq!(stage.requests().await.len(), 2, "somebody else's is another thing");
        stage.alice.command("/access withdraw prod-db").await;
        stage.alice.command("/access prod-db 1h something else").await;
        assert_eq!(stage.requests().await.len(), 3, "what is over can be asked again");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_whoever_asks_again() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.command("/access prod-db 1h once more").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          ⏳ *You have asked for Production database already* on alice-laptop, today 13:00:00, for 2h. Nothing was asked again.
          It takes one of group:dba or @db-oncall, and lapses today 21:00 if nobody answers. To ask for another length of time, withdraw it first.
          See its card (https://acme.slack.com/archives/C0ACCESS01/p1772366400000016).
          ~ Request 01kjmma2g000000001
          [Withdraw]
        ");
        stage.alice.command("/access prod-db").await;
        stage.alice.fill("Reason", "once more").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Asked ==
        ⏳ *You have asked for Production database already* on alice-laptop, today 13:00:00, for 2h. Nothing was asked again.
        It takes one of group:dba or @db-oncall, and lapses today 21:00 if nobody answers. To ask for another length of time, withdraw it first.
        See its card (https://acme.slack.com/archives/C0ACCESS01/p1772366400000016).
        ~ Request 01kjmma2g000000001
        [Withdraw]
        (Done)
        ");
        stage.bob.press("Approve").await;
        stage.advance(10.minutes()).await;
        stage.alice.command("/access prod-db 1h once more").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          🟢 *You hold Production database already* on alice-laptop, until today 15:00, 1h50m left. Nothing was asked again.
          Need it longer? Ask for a time that ends later than that; the later end counts.
          See its card (https://acme.slack.com/archives/C0ACCESS01/p1772366400000016).
          ~ Request 01kjmma2g000000001
          [Return]
        ");
        stage.alice.command("/access prod-db 2h ten minutes more are not worth a decision").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.alice.command("/access prod-db 3h it takes longer").await;
        assert_eq!(stage.requests().await.len(), 2, "a later end is another thing where nothing is extended");
        stage.advance(9.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_can_be_extended_that_is_what_is_offered() {
    let extend = ("lapse_after: 8h\n", "lapse_after: 8h\nextend: { max: 2h, approve: automatic }\n");
    story_with(Setting::default().prod_db(&[extend]), async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.everybody_reads();
        stage.advance(30.minutes()).await;
        stage.alice.command("/access prod-db 2h it takes longer").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          🟢 *You hold Production database already* on alice-laptop, until today 14:00, 30m left. Nothing was asked again.
          Need it longer? Press Extend, or type `/access extend prod-db 2h`.
          See its card (https://acme.slack.com/archives/C0ACCESS01/p1772366400000016).
          ~ Request 01kjmma2g000000001
          [Extend by 1h] [Return]
        ");
        stage.alice.press_in("#general", "Extend by 1h").await;
        let request = stage.request().await;
        assert_eq!((request.extensions.len(), stage.requests().await.len()), (1, 1));
        stage.alice.command("/access prod-db 4h it cannot be extended again").await;
        assert_eq!(stage.requests().await.len(), 2);
        stage.advance(9.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_ask_at_once_one_is_the_second() {
    story(async |stage| {
        let ask = || stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204");
        let (one, two) = tokio::join!(ask(), ask());
        assert!(one.is_ok_and(|one| one.acked) && two.is_ok_and(|two| two.acked));
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn glass_is_broken_although_a_request_waits_and_not_while_it_is_held() {
    let glass = "break_glass: { who: [group:engineering], max_hold: 1h, review: { by: [group:dba] } }\nannounce:";
    story_with(Setting::default().prod_db(&[("announce:", glass)]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.command("/access break-glass prod-db 1h the site is down").await;
        stage.alice.submit().await;
        let states: Vec<State> = stage.requests().await.iter().map(|request| request.state).collect();
        assert_eq!(states, [State::Active, State::Pending]);
        stage.alice.command("/access prod-db 1h and once more").await;
        assert_eq!(stage.requests().await.len(), 2);
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}
