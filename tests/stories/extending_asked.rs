//! Holding for longer what one holds, where people decide that: those who approved it, or others. Access goes on meanwhile, and ends as before
//! if nobody says yes.

use std::collections::BTreeMap;

use nightlatch::control::{Answering, Call, Reply};
use nightlatch::kernel::{Operator, Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

fn extends(approve: &str) -> Setting {
    let extend = format!("lapse_after: 8h\nextend: {{ times: 2, max: 1h, approve: {approve} }}\n");
    Setting::default().prod_db(&[("lapse_after: 8h\n", &extend)])
}

async fn has_it(stage: &Stage) {
    stage.alice.command("/access prod-db 2h invoice 1204").await;
    stage.bob.press("Approve").await;
    stage.everybody_reads();
}

/// For how long it is held in all, in minutes.
async fn minutes(stage: &Stage) -> i64 {
    let request = stage.request().await;
    request.expires_at.zip(request.active_at).map_or(0, |(until, since)| (until - since) / 60_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_approved_it_approve_an_extension_and_only_then_it_counts() {
    story_everywhere_with(
        || extends("again"),
        async |stage| {
            has_it(stage).await;
            stage.alice.press_in("#access", "Extend by 1h").await;
            assert_eq!((minutes(stage).await, stage.is_on()), (120, true));
            stage.alice.press_in("#access", "Approve extension").await;
            stage.dave.press_in("#access", "Approve extension").await;
            assert_eq!(stage.request().await.decisions.len(), 1, "neither the holder nor anybody else");
            stage.bob.press_in("#access", "Approve extension").await;
            assert_eq!(minutes(stage).await, 180);
            stage.advance(150.minutes()).await;
            assert!(stage.is_on());
            stage.alice.command("/access extend prod-db 30m").await;
            stage.bob.press_in("#access", "Approve extension").await;
            assert_eq!(minutes(stage).await, 210, "once more, by the same person");
            stage.advance(60.minutes()).await;
            assert!(!stage.is_on());
            let request = stage.request().await;
            assert_eq!((request.outcome, request.extensions.len()), (Some(Outcome::Expired), 2));
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_waits_as_everybody_sees_it() {
    story_with(extends("again"), async |stage| {
        has_it(stage).await;
        let old = stage.old_press("alice", "Extend by 1h").await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          Whether it is extended, to today 16:00, waits for approval already. Nothing was counted again.
          ~ Production database · request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⏩ *Asked to extend Production database* by 1h on alice-laptop: it takes one of group:dba or @db-oncall. Until that is approved and confirmed, it ends today 15:00, as before.
          Asked: @bob, @carol.
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 09:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ⏩ *Asked to be held by 1h longer*, until today 10:00: it takes one of group:dba or @db-oncall.
          Asked: @bob, @carol (in group:dba or @db-oncall)
          Until that is approved and confirmed, it ends today 09:00.
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve extension] [Deny extension] [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch: ⏩ @alice asks to hold it by 1h longer, until today 10:00. @bob, @carol: you are asked, because you are in group:dba or @db-oncall. It takes one of group:dba or @db-oncall; without that it ends today 09:00.
        ");
        insta::assert_snapshot!(stage.bob.home().await, @"
        [Ask for access]
        ~ As of today 07:00:00. `/access list` is always up to date.
        # Waiting for you
        @alice asks to hold *Production database* on alice-laptop by 1 hour longer, until today 10:00. Without that it ends today 09:00.
        [Approve extension] [Deny extension]
        # What you may take back
        *Production database* on alice-laptop, held by @alice until today 09:00, 2h left
        [Revoke]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.bob.command("/access list").await;
        insta::assert_snapshot!(stage.told_privately("#general", "bob").await, @"
        nightlatch (only you):
          *Waits for you*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 09:00, 2h left, asked to be extended by 1h
          Decide in #access, on the message about request 01kjmma2g000000001.
          *You may take back*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 09:00, 2h left, asked to be extended by 1h  [Revoke]
        ");
        stage.bob.press_in("#access", "Deny extension").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Deny extension ==
        @alice asks to hold *Production database* on alice-laptop by 1 hour longer.
        > invoice 1204
        Why (optional): {}
          Reaches the requester, and is kept with the request.
        ~ Nothing is decided until you press Deny here.
        (Back) [Deny]
        ");
        stage.bob.fill("Why", "hand it over instead").await;
        stage.bob.submit().await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⛔ @bob said no to extending *Production database* on alice-laptop. It ends today 15:00, as before.
          *Why*
          > hand it over instead
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.alice.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 15:00* · Production database
          @alice has it on alice-laptop (macOS) since today 13:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 13:00:00
          Extension denied by @bob (group:dba) today 13:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Extend by 1h] [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 13:00:00, until today 15:00 at the latest.
            nightlatch: ⏩ @alice asks to hold it by 1h longer, until today 16:00. @bob, @carol: you are asked, because you are in group:dba or @db-oncall. It takes one of group:dba or @db-oncall; without that it ends today 15:00.
            nightlatch:
              ⛔ @bob said no to the extension. It ends today 15:00, as before.
              > hand it over instead
        nightlatch (only you):
          Whether it is extended, to today 16:00, waits for approval already. Nothing was counted again.
          ~ Production database · request 01kjmma2g000000001
        ");
        assert_eq!(stage.request().await.state, State::Active);
        stage.advance(115.minutes()).await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        stage.advance(5.minutes()).await;
        assert!(!stage.is_on(), "nobody answered, and it ends as it was to");
        assert!(stage.alice.sees(DM).contains("which was not approved in time"), "{}", stage.alice.sees(DM));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_approve_button_does_not_approve_an_extension() {
    story_everywhere_with(
        || extends("again"),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            let old = stage.old_press("carol", "Approve").await;
            stage.bob.press("Approve").await;
            stage.alice.press_in("#access", "Extend by 1h").await;
            old.arrives().await;
            assert_eq!((minutes(stage).await, stage.request().await.decisions.len()), (120, 1));
            let of_this = stage.old_press("carol", "Approve extension").await;
            stage.bob.press_in("#access", "Deny extension").await;
            stage.bob.submit().await;
            of_this.arrives().await;
            assert_eq!((minutes(stage).await, stage.request().await.decisions.len()), (120, 2));
            let told = stage.told_privately("#access", "carol").await;
            assert!(told.contains("whether it is extended was decided already"), "{told}");
            stage.alice.press_in("#access", "Return").await;
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_decide_on_extensions_where_the_workflow_says_so_and_have_it_in_direct_messages() {
    let setting = || {
        let extend = "lapse_after: 8h\nextend: { max: 1h, approve: [{ by: [dave@example.com] }] }\n";
        Setting::default().prod_db(&[("lapse_after: 8h\n", extend), ("announce: \"#access\"\n", "")])
    };
    story_with(setting(), async |stage| {
        has_it(stage).await;
        stage.alice.press("Extend by 1h").await;
        insta::assert_snapshot!(stage.dave.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Active until today 14:00* · Production database
          @alice has it on alice-laptop (macOS) since today 12:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 12:00:00
          ⏩ *Asked to be held by 1h longer*, until today 15:00: it takes dave@example.com.
          Anybody named in the workflow can decide.
          Until that is approved and confirmed, it ends today 14:00.
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve extension] [Deny extension] [Revoke]
        ");
        assert!(!stage.bob.sees(DM).contains("Approve extension"), "{}", stage.bob.sees(DM));
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), Some(1));
        stage.dave.press("Approve extension").await;
        assert_eq!(minutes(stage).await, 120, "approved is not confirmed");
        stage.advance(1.minutes()).await;
        assert_eq!(minutes(stage).await, 180);
        insta::assert_snapshot!(stage.dave.sees(DM), @"
        @nightlatch
        nightlatch:
          🟢 *Active until today 15:00* · Production database
          @alice has it on alice-laptop (macOS) since today 12:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 12:00:00
          Extension approved by @dave (dave@example.com) today 12:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Revoke]
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_ask_holds_nothing_for_longer_whoever_approved_it() {
    story_with(extends("again"), async |stage| {
        has_it(stage).await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        let without =
            |text: &str| text.replace("\"group:engineering\": [\"alice@example.com\", ", "\"group:engineering\": [");
        stage.tailnet.edit_policy(without).expect("a policy");
        stage.advance(10.seconds()).await;
        stage.bob.press_in("#access", "Approve extension").await;
        assert_eq!(minutes(stage).await, 120);
        assert!(
            stage.alice.reads().contains("its holder may no longer ask for this")
                || stage.alice.sees(DM).contains("Its holder may no longer"),
            "{}",
            stage.alice.sees(DM)
        );
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_extends_and_decides_as_the_person_it_is_said_to_be() {
    story_with(extends("again"), async |stage| {
        has_it(stage).await;
        let id = stage.request().await.ask.id.to_string();
        let told = async |user: &str, call: Call| {
            let people = [("alice", "alice@example.com"), ("deploy", "bob@example.com")];
            let people: BTreeMap<_, _> = people.map(|(user, person)| (user.to_owned(), person.to_owned())).into();
            let by = Operator { user: user.to_owned(), host: "lock1".to_owned() };
            let reply = Answering::new(stage.bot.engine().await, people).answer(&by, call).await;
            stage.bot.settle().await;
            match reply {
                Reply::Done { said } => said,
                Reply::No { why } => format!("no: {why}"),
                Reply::Requests { .. } | Reply::Snapshot { .. } => panic!("something else"),
            }
        };
        let extend = |length_ms| Call::Extend { id: id.clone(), length_ms };
        let mut said = Vec::new();
        said.push(told("root", extend(1_800_000)).await);
        said.push(told("deploy", extend(1_800_000)).await);
        said.push(told("alice", extend(7_200_000)).await);
        said.push(told("alice", extend(1_800_000)).await);
        said.push(told("alice", extend(1_800_000)).await);
        said.push(told("deploy", Call::Approve { id: id.clone(), confirmed: false, hold_ms: None }).await);
        said.push(told("alice", extend(1_800_000)).await);
        said.push(told("root", Call::Deny { id: id.clone(), reason: "enough".to_owned() }).await);
        insta::assert_snapshot!(said.join("\n"), @"
        no: extending takes a person, and the configuration does not say who root on lock1 is: write `operators: { root: alice@example.com }` and restart; denying and revoking need no person
        no: not extended, as bob@example.com: This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
        no: not extended, as alice@example.com: That is too long: the most is 1h. Ask again with a shorter time.
        asked, as alice@example.com: it waits for one of group:dba or @db-oncall, and until then 01kjmma2g000000001 (prod-db for alice@example.com) ends 2026-03-01T14:00:00Z
        no: not extended, as alice@example.com: Whether it is extended, to 2026-03-01 14:30 UTC, waits for approval already. Nothing was counted again.
        approved, as bob@example.com: 01kjmma2g000000001 (prod-db for alice@example.com) is active
        asked, as alice@example.com: it waits for one of group:dba or @db-oncall, and until then 01kjmma2g000000001 (prod-db for alice@example.com) ends 2026-03-01T14:30:00Z
        denied: 01kjmma2g000000001 (prod-db for alice@example.com) is not extended, and ends 2026-03-01T14:30:00Z
        ");
        assert_eq!(minutes(stage).await, 150);
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}
