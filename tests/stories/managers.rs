//! People who are known by the request: its requester's manager, the owner of its device; and anyone.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Kind, Person};

use crate::harness::*;
use crate::stages::approved_by;

/// Alice's manager is dave, who is in no group that decides.
const ALICE: &str = "Alice@example.com: { manager: dave@example.com, zone: America/New_York }";

fn managed() -> Setting {
    approved_by("  - by: [requester.manager]\n  - by: [group:dba]\n").employs(ALICE)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manager_of_whoever_asks_decides() {
    story_everywhere_with(managed, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in("#access", "Approve").await;
        assert!(stage.told_privately("#access", "bob").await.contains("the requester's manager"));
        stage.dave.press("Approve").await;
        assert!(!stage.is_on());
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.dave.press_in("#access", "Revoke").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Revoked), "who decided may take it back");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_as_people_see_it() {
    story_with(managed(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It takes the requester's manager; then one of group:dba.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        ");
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @dave (the requester's manager)
          ⏳ *Stage 1*: takes the requester's manager
          ◻️ Stage 2: then one of group:dba
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        assert!(stage.dave.home().await.contains("Waiting for you"), "{}", stage.dave.home().await);
        stage.dave.press("Approve").await;
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 14:00* · Production database
          @alice has it on alice-laptop (macOS) since today 12:00:00, for 2h
          > invoice 1204
          Approved by @dave (the requester's manager) in stage 1 today 12:00:00
          Approved by @bob (group:dba) in stage 2 today 12:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @dave approved (the requester's manager). It waits for one of group:dba.
            nightlatch: 👉 @bob, @carol: you are asked now, because you are in group:dba. Stage 2 takes one of group:dba.
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 12:00:00, until today 14:00 at the latest.
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_manager_nobody_knows_is_told_so_and_a_new_manager_counts_from_the_next_press_on() {
    story_with(managed(), async |stage| {
        // Bob has none.
        stage.bob.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.bob.sees("#general"), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): *Production database* (prod-db): nothing was asked. It takes the approval of your manager, and I do not know who that is. Ask an admin to say it for `bob@example.com` in `people.yaml`.
        ");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bot.write_staff("alice@example.com: { manager: carol@example.com }\n");
        stage.bot.reload().await.expect("people are read");
        stage.dave.press_in("#access", "Approve").await;
        assert!(stage.told_privately("#access", "dave").await.contains("not an approver"));
        stage.carol.press_in("#access", "Approve").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.bot.write_staff("alice@example.com: { manger: carol@example.com }\n");
        let why = stage.bot.reload().await.expect_err("a mistake");
        assert!(why.contains("did you mean `manager`?"), "{why}");
        stage.bot.remove_staff();
        let why = stage.bot.reload().await.expect_err("nobody is known any more");
        assert!(why.contains("people.yaml"), "{why}");
        stage.alice.command("/access prod-db 1h invoice 1205").await;
        assert_eq!(stage.request().await.state, State::Pending, "those from before are in use");
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_who_left_or_cannot_be_told_decides_nothing() {
    story_with(managed(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.set_kind("dave", Kind::Deactivated).await.expect("dave leaves");
        stage.dave.press_in("#access", "Approve").await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.decisions.len(), 0);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_the_device_is_whoever_asks_and_confirms_it() {
    let stages = "  - by: [device.owner]\n    own_request: confirm\n  - by: [group:dba]\n";
    story_with(approved_by(stages), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          Your turn comes later, so nothing was counted: *Production database* waits for the owner of the device now.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.alice.press_in("#access", "Approve").await;
        stage.alice.press("Yes, approve my own request").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_may_ask_for_what_lends_nothing_also_who_is_not_in_the_tailnet() {
    let hello = "nightlatch: 1\ntitle: Say hello\ninputs:\n  hold: { type: duration, max: 1h }\n  reason: { type: text }\nask: [anyone]\n\
                 approve: []\nsteps:\n  - uses: slack.message\n    with: { to: \"#general\", text: \"{{ inputs.reason }}\" }\n";
    let setting = Setting::default().workflow("hello", hello);
    let setting = setting.seed(|seed| seed.person(Person::new("U0NEWBIE1", "newbie", "Europe/Berlin")));
    story_with(setting, async |stage| {
        let newbie = stage.human("newbie");
        newbie.command_in(DM, "/access hello 1h good morning").await;
        assert_eq!(stage.request().await.state, State::Active);
        newbie.command_in(DM, "/access prod-db 1h invoice 1204").await;
        assert!(newbie.sees(DM).contains("active tailnet user"), "{}", newbie.sees(DM));
        // Guests are no members of the workspace.
        stage.grace.command("/access hello 1h me too").await;
        assert_eq!(stage.requests().await.len(), 1);
        newbie.command_in(DM, "/access return hello").await;
        newbie.reads();
        stage.everybody_reads();
    })
    .await;
}
