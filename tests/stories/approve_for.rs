//! Approving for less time than was asked: who decides chooses from what is shorter, and everybody reads who shortened it and from what.

use std::collections::BTreeMap;

use nightlatch::control::{Answering, Call, Reply};
use nightlatch::kernel::{Operator, Outcome, State};

use crate::harness::*;

async fn approve_for(who: &Human, length: &str) {
    who.press_in("#access", "Approve...").await;
    who.pick("For at most", length).await;
    who.submit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_after_the_shorter_time_here_and_in_the_tailnet() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        approve_for(&stage.bob, "30 minutes").await;
        assert!(stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.hold_ms, request.lent_ms()), (7_200_000, 1_800_000));
        stage.advance(29.minutes()).await;
        assert!(stage.is_on());
        stage.advance(2.minutes()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_everybody_sees_it() {
    story_with(Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in("#access", "Approve...").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Approve for less ==
        @alice asks for *Production database* on alice-laptop for 2 hours.
        > invoice 1204
        For at most: {}
          The shortest time that anybody approves it for counts.
        ~ Nothing is decided until you press Approve here.
        (Back) [Approve]
        ");
        stage.bob.pick("For at most", "1 hour").await;
        stage.bob.submit().await;
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          ⏬ @bob shortened it to 1h; 2h was asked for.
          > invoice 1204
          Asked: @bob, @carol (in group:dba or @db-oncall)
          1 of 2 approvals: @bob
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @bob approved (group:dba) for 1h, of the 2h asked for: 1 of 2 approvals. It still waits for more.
        ");
        insta::assert_snapshot!(stage.carol.home().await, @"
        [Ask for access]
        ~ As of today 21:00:00. `/access list` is always up to date.
        # Waiting for you
        *Production database* on alice-laptop for @alice, for 2 hours, shortened to 1 hour by @bob. Lapses tomorrow 05:00.
        > invoice 1204
        [Approve] [Approve...] [Deny]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.carol.press_in("#access", "Approve...").await;
        insta::assert_snapshot!(stage.carol.modal(), @"
        == Approve for less ==
        @alice asks for *Production database* on alice-laptop for 2 hours, shortened to 1 hour by @bob.
        > invoice 1204
        For at most: {}
          The shortest time that anybody approves it for counts.
        ~ Nothing is decided until you press Approve here.
        (Back) [Approve]
        ");
        stage.carol.pick("For at most", "30 minutes").await;
        stage.carol.submit().await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 13:30* on alice-laptop (macOS)
          ⏬ @carol shortened it to 30m; 2h was asked for.
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        ");
        stage.advance(31.minutes()).await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 07:00 to today 07:30:00
          ⏬ @carol shortened it to 30m; 2h was asked for.
          > invoice 1204
          Approved by @bob (group:dba) for 1h today 07:00
          Approved by @carol (group:dba) for 30m today 07:00
          🔒 Verified gone today 07:30:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba) for 1h, of the 2h asked for: 1 of 2 approvals. It still waits for more.
            nightlatch: ✅ @carol approved (group:dba) for 30m, of the 2h asked for: 2 of 2 approvals. It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 07:30 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 07:30:00
              Open TCP connections may live on.
        ");
        stage.everybody_reads();
    })
    .await;
}

/// Whoever presses on a card that shows more than it is lent for by now says yes to at least that.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_card_that_shows_more_says_yes_to_no_more_than_it_is_by_now() {
    story_everywhere_with(
        || Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press_in("#access", "Approve...").await;
            stage.carol.press_in("#access", "Approve...").await;
            stage.carol.pick("For at most", "15 minutes").await;
            stage.carol.submit().await;
            // This form still offers what is longer than that.
            stage.bob.pick("For at most", "1 hour").await;
            stage.bob.submit().await;
            let request = stage.request().await;
            assert_eq!((request.state, request.lent_ms()), (State::Active, 900_000));
            stage.advance(16.minutes()).await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_decides_gets_the_form_s_length_counted_and_what_guardrails_forbid_for_long_passes_for_less() {
    const SHORT: &str = r#"
@id("an-hour")
@reason("nobody approves more than an hour")
forbid (principal, action == Action::"approve", resource) when { context.hold > 3600 };
"#;
    story_with(Setting::default().guardrail("short", SHORT), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.dave.press_in("#access", "Approve...").await;
        insta::assert_snapshot!(stage.told_privately("#access", "dave").await, @"nightlatch (only you): You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba or @db-oncall.");
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending, "for two hours it is forbidden");
        approve_for(&stage.bob, "1 hour").await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_request_is_confirmed_for_the_time_that_was_chosen() {
    let setting = || Setting::default().prod_db(&[("own_request: never", "own_request: confirm")]);
    story_everywhere_with(setting, async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        approve_for(&stage.bob, "1 hour").await;
        assert_eq!(stage.request().await.state, State::Pending);
        stage.bob.press("Yes, approve my own request").await;
        assert_eq!(stage.request().await.lent_ms(), 3_600_000);
        stage.advance(61.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_command_line() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let id = stage.request().await.id.to_string();
        let told = async |hold_ms: i64| {
            let people: BTreeMap<_, _> = [("deploy".to_owned(), "bob@example.com".to_owned())].into();
            let by = Operator { user: "deploy".to_owned(), host: "lock1".to_owned() };
            let call = Call::Approve { id: id.clone(), confirmed: false, hold_ms: Some(hold_ms) };
            let reply = Answering::new(stage.bot.engine().await, people).answer(&by, call).await;
            stage.bot.settle().await;
            match reply {
                Reply::Done { said } => said,
                Reply::No { why } => format!("no: {why}"),
                other => format!("{other:?}"),
            }
        };
        insta::assert_snapshot!(told(3 * 3_600_000).await, @"no: not counted, as bob@example.com: That is longer than what was asked for (2h), or no length at all, so nothing was counted. You can approve it for as long as that, or for less.");
        // Whether it is on by then is a matter of moments.
        let said = told(3_600_000).await;
        assert!(said.starts_with("approved, as bob@example.com, for 1h of the 2h that were asked: "), "{said}");
        assert_eq!(stage.request().await.lent_ms(), 3_600_000);
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}
