//! What nobody has to decide: workflows without approval, and what passes by itself by a rule, at its time, on its device and so often a day.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

/// `prod-db` with these rules under `approve_automatically`; bob and carol are on call. It is Sunday, 13:00 in Berlin.
fn passes(rules: &str) -> Setting {
    let rules = format!("approve_automatically:\n{rules}lapse_after: 8h\n");
    Setting::default().prod_db(&[("lapse_after: 8h\n", rules.as_str())])
}

/// The ones on call, on Sundays in office hours.
const ONCALL: &str = "  - who: [\"@db-oncall\"]\n    during: sun 08:00-18:00 Europe/Berlin\n    max_hold: 2h\n";

fn nobody_decides() -> Setting {
    let plain = "approve:\n  - quorum: 1\n    by: [group:dba, \"@db-oncall\"]\n    own_request: never\n";
    Setting::default().prod_db(&[(plain, "approve: []\n")])
}

/// Bob asks with his laptop.
async fn bob_asks(stage: &Stage, words: &str) {
    stage.bob.command(&format!("/access prod-db {words} device=bob-laptop")).await;
}

fn bob_has_it(stage: &Stage) -> bool {
    stage.tailnet.attribute("bob-laptop", JIT) == Some(true.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_has_to_decide_it_is_on_at_once_and_shown() {
    story_everywhere_with(nobody_decides, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
    story_with(nobody_decides(), async |stage| {
        stage.alice.command("/access prod-db").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: Nobody has to decide; it is shown in #access.
        (Cancel) [Ask]
        ");
        stage.alice.fill("Reason", "invoice 1204").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Asked ==
        ⏳ *Asked for Production database* for 1h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
        Nobody has to decide it.
        ~ Request 01kjmma2g000000001
        [Withdraw]
        (Done)
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 08:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 1h
          > invoice 1204
          Approved by itself (nobody has to decide) today 07:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ Approved by itself (nobody has to decide). It is active.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 08:00 at the latest.
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_a_rule_is_carded_and_told_to_those_who_would_have_been_asked() {
    story_everywhere_with(
        || passes(ONCALL),
        async |stage| {
            bob_asks(stage, "1h restore a backup").await;
            assert!(bob_has_it(stage));
            stage.advance(1.hours()).await;
            assert!(!bob_has_it(stage));
            stage.everybody_reads();
        },
    )
    .await;
    story_with(passes(ONCALL), async |stage| {
        bob_asks(stage, "1h restore a backup").await;
        insta::assert_snapshot!(stage.bob.reads_in("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Production database* for 1h on bob-laptop (windows). Nothing is on yet; you will be told when it is.
          I am finding out whether it is approved by itself. If not, it takes one of group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 15:00 if nobody answers
          [Withdraw]
        ");
        let seen = stage.carol.sees("#access");
        // What stands in the thread is said in the same moment as it becomes active, in no certain order.
        let (card, thread) = seen.split_once("\n    nightlatch:").expect("a thread");
        assert!(thread.contains("@carol: you would have been asked, because you are in group:dba or @db-oncall. Revoke takes it back."));
        assert!(thread.contains("Confirmed as on today 21:00:00"), "{thread}");
        insta::assert_snapshot!(card, @"
        #access
        nightlatch:
          🟢 *Active until today 22:00* · Production database
          @bob has it on bob-laptop (windows) since today 21:00:00, for 1h
          > restore a backup
          Approved by itself (@db-oncall, sun 08:00-18:00 Europe/Berlin, for at most 2h) today 21:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nBOB2CNTRL custom:jit_prod_db`
          [Return] [Revoke]
        ");
        stage.carol.press("Revoke").await;
        assert_eq!(
            stage.request().await.outcome,
            Some(Outcome::Revoked),
            "those who would have been asked may take it back"
        );
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_decided_by_people_who_see_why() {
    story_with(passes(ONCALL), async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        assert_eq!(stage.request().await.state, State::Pending, "she is not on call");
        assert!(!stage.carol.sees("#access").contains("by itself"), "and the rule is not about her");
        stage.alice.command("/access withdraw prod-db").await;
        bob_asks(stage, "3h restore a backup").await;
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ↩️ *Withdrawn by its requester* · Production database
          @alice asked for 1h on alice-laptop (macOS)
          > invoice 1204
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @bob asks for 3h on bob-laptop (windows)
          > restore a backup
          Asked: @carol (in group:dba or @db-oncall)
          Not approved by itself: 3h is longer than 2h.
          ~ Request 01kjmma2g000000002 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nBOB2CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        stage.carol.press("Approve").await;
        assert!(bob_has_it(stage));
        stage.bob.press("Return").await;
        // Sunday, 18:00 in Berlin.
        stage.advance(5.hours()).await;
        bob_asks(stage, "1h another backup").await;
        assert_eq!(stage.request().await.not_by_itself, ["it is not sun 08:00-18:00 Europe/Berlin now"]);
        stage.bob.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_those_who_would_have_been_asked_have_the_card() {
    let setting = || {
        let mut setting = passes(ONCALL);
        setting.workflows[0].1 = changed(&setting.workflows[0].1, &[("announce: \"#access\"\n", "")]);
        setting
    };
    story_with(setting(), async |stage| {
        bob_asks(stage, "1h restore a backup").await;
        assert!(bob_has_it(stage));
        insta::assert_snapshot!(stage.carol.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Active until today 22:00* · Production database
          @bob has it on bob-laptop (windows) since today 21:00:00, for 1h
          > restore a backup
          You would have been asked, because you are in group:dba or @db-oncall.
          Approved by itself (@db-oncall, sun 08:00-18:00 Europe/Berlin, for at most 2h) today 21:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nBOB2CNTRL custom:jit_prod_db`
          [Revoke]
        ");
        stage.carol.press_in(DM, "Revoke").await;
        assert!(!bob_has_it(stage));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_a_day_pass_and_of_two_at_once_only_one_is_the_last() {
    let rule = |at_most: u32| format!("  - max_hold: 1h\n    at_most: {at_most} per day\n");
    story_with(passes(&rule(2)).several_of_one(), async |stage| {
        for number in 1..=3 {
            stage.alice.command(&format!("/access prod-db 10m invoice {number}")).await;
        }
        let requests = stage.requests().await;
        let states: Vec<State> = requests.iter().map(|request| request.state).collect();
        assert_eq!(states, [State::Pending, State::Active, State::Active]);
        assert_eq!(requests[0].not_by_itself, ["2 of theirs passed today already, and no more may"]);
        bob_asks(stage, "10m a backup").await;
        assert!(bob_has_it(stage), "each person has their own");
        stage.alice.command("/access withdraw prod-db").await;
        // The day is over by UTC.
        stage.advance(12.hours()).await;
        stage.alice.command("/access prod-db 10m invoice 4").await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
    story_with(passes(&rule(1)), async |stage| {
        let say = async |number: u32| {
            let line = format!("/access prod-db 10m invoice {number}");
            stage.slack.command("alice", "#general", &line).await.expect("a command")
        };
        tokio::join!(say(1), say(2), say(3));
        stage.bot.settle().await;
        let passed = stage.requests().await.iter().filter(|request| request.passed_by_itself()).count();
        assert_eq!(passed, 1);
        for _ in 0..2 {
            stage.alice.command("/access withdraw prod-db").await;
        }
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_passes_as_it_is_now_and_not_if_that_cannot_be_read() {
    let rule = "  - device: [posture:healthy, \"node:os == 'macos'\"]\n";
    story_with(passes(rule), async |stage| {
        let policy = stage.tailnet.policy();
        let postures = "\"postures\": {\n\t\t\"posture:healthy\": [\"custom:managed == true\"],";
        stage.tailnet.set_policy(&policy.replacen("\"postures\": {", postures, 1)).expect("a policy");
        stage.advance(6.seconds()).await;
        let why = async |words: &str| {
            stage.alice.command(&format!("/access prod-db 10m {words}")).await;
            stage.advance(1.minutes()).await;
            let why = stage.request().await.not_by_itself.join("; ");
            if stage.request().await.state == State::Pending {
                stage.alice.command("/access withdraw prod-db").await;
            }
            why
        };
        let mut lines = vec![why("unmanaged").await];
        stage.tailnet.set_by_hand("alice-laptop", "custom:managed", true.into(), None).expect("an attribute");
        stage.tailnet.fault(Endpoint::Attributes, Fault::Status(503), None);
        lines.push(why("not read").await);
        stage.tailnet.clear_faults(Endpoint::Attributes);
        stage.tailnet.fault(Endpoint::Policy, Fault::Status(503), None);
        stage.advance(6.seconds()).await;
        lines.push(why("the policy file is not read").await);
        stage.tailnet.clear_faults(Endpoint::Policy);
        lines.push(why("as it should be").await);
        insta::assert_snapshot!(lines.join("\n"), @"
        alice-laptop does not meet posture:healthy (custom:managed == true)
        what is so of the device could not be read: Tailscale cannot do it just now (reading attributes, 503)
        who belongs to group:engineering could not be read
        ");
        assert!(stage.is_on());
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_needs_nobody_who_could_approve() {
    let setting = || {
        let mut setting = passes(ONCALL);
        let by = ("[group:dba, \"@db-oncall\"]\n    own_request", "[bob@example.com]\n    own_request");
        setting.workflows[0].1 = changed(&setting.workflows[0].1, &[by]);
        setting
    };
    story_with(setting(), async |stage| {
        bob_asks(stage, "3h restore a backup").await;
        assert!(stage.requests().await.is_empty(), "for so long nobody else could approve it");
        bob_asks(stage, "1h restore a backup").await;
        assert!(bob_has_it(stage));
        stage.bob.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_approved_for_much_at_once_is_told_of_to_those_who_would_have_decided() {
    let mut setting = Setting::default();
    for name in ["one", "two", "three", "four", "five"] {
        let text = changed(
            PROD_DB,
            &[
                ("jit_prod_db", &format!("jit_{name}")),
                ("lapse_after: 8h\n", &format!("approve_automatically:\n{ONCALL}lapse_after: 8h\n")),
            ],
        );
        setting = setting.workflow(name, &text);
    }
    story_with(setting, async |stage| {
        let told = |stage: &Stage| stage.carol.sees(DM).matches("was approved for").count();
        for name in ["one", "two", "three"] {
            stage.bob.command(&format!("/access {name} 1h restore device=bob-laptop")).await;
        }
        stage.bob.command("/access three 1h once more device=bob-desktop").await;
        assert_eq!(told(stage), 0, "three things are no burst");
        stage.bob.command("/access four 1h restore device=bob-laptop").await;
        assert!(
            stage.carol.sees(DM).contains(
                "👀 @bob was approved for 4 things within 30m, and nobody had to decide it: `four`, `one`, `three` and `two`. \
                 You would have been asked about some of it."
            ),
            "{}",
            stage.carol.sees(DM)
        );
        assert!(!stage.bob.sees(DM).contains("was approved for"), "whoever it is about is not told that others are");
        stage.bob.command("/access five 1h restore device=bob-laptop").await;
        assert_eq!(told(stage), 1, "it is told once");
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}
