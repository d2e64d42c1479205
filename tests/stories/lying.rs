//! A Tailscale that does not keep what it takes, or does not show it at once.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

async fn approved(stage: &Stage) {
    stage.alice.command("/access prod-db 2h invoice 1204").await;
    stage.bob.press("Approve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_without_its_end_is_told_and_taken_back() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::DropExpiry, None);
        approved(stage).await;
        stage.advance(1.minutes()).await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        assert!(!stage.is_on(), "it would never have ended by itself");
        let told = stage.alice.reads();
        assert!(told.contains("kept the value of custom:jit_prod_db but not its end"), "{told}");
        assert!(told.contains("Verified gone"), "{told}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_that_lag_behind_fail_no_grant_and_no_end() {
    story(async |stage| {
        stage.tailnet.set_reads_lag(std::time::Duration::from_millis(1_500));
        approved(stage).await;
        assert_eq!(stage.request().await.state, State::Active);
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 1);
        stage.advance(2.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert_eq!(stage.tailnet.leftovers(), Vec::<String>::new());
        assert_eq!(stage.tailnet.calls_of(Endpoint::DeleteAttribute), 1);
        stage.everybody_reads();
    })
    .await;
}
