//! Many are stuck at once: one message in the channel lists them, and follows them until all are over.

use nightlatch::kernel::State;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

/// Messages of the channel itself with these words.
fn said(stage: &Stage, words: &str) -> usize {
    let messages = stage.slack.messages("#access");
    messages
        .iter()
        .filter(|message| serde_json::to_string(&message.blocks).is_ok_and(|text| text.contains(words)))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_are_stuck_at_once_are_one_alarm() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.carol.command("/access prod-db 2h the same").await;
        stage.bob.press("Approve").await;
        // Or they would end by themselves.
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        stage.advance(30.minutes()).await;
        let stuck: Vec<_> = stage.requests().await.into_iter().map(|request| (request.state, request.stuck)).collect();
        assert!(stuck.iter().all(|(_, stuck)| *stuck), "{stuck:?}");
        assert_eq!(said(stage, "STUCK: Production database of"), 0, "nobody is alarmed about alone");
        let alarms = said(stage, "STUCK: 2 grants cannot be taken back yet");
        assert!(alarms > 0);
        assert_eq!(
            (said(stage, "on alice-laptop · request") > 0, said(stage, "on carol-laptop · request") > 0),
            (true, true)
        );
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(5.minutes()).await;
        assert!(stage.requests().await.iter().all(|request| request.state == State::Ended));
        assert_eq!(said(stage, "STUCK"), 0, "every one of them was put right");
        assert!(said(stage, "All of the grants that were stuck here are over") >= alarms);
        stage.everybody_reads();
    })
    .await;
}
