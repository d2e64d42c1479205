//! *Why?* below a no, and who may see what others hold and may: those who decide, and managers of those they are the manager of.

use std::collections::BTreeMap;

use nightlatch::control::{Answering, Call, Reply};
use nightlatch::kernel::Operator;
use nightlatch::playground::slack::Group;

use crate::harness::*;
use crate::stages::approved_by;

/// Alice's manager is dave, who is in no group that decides.
const ALICE: &str = "Alice@example.com: { manager: dave@example.com, zone: America/New_York }";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_no_by_rules_can_ask_which() {
    story_with(Setting::default().prod_db(&[("ask: [group:engineering]", "ask: [group:dba]")]), async |stage| {
        stage.alice.command_in("#access", "/access prod-db 2h just looking").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          *Production database* (prod-db): nothing was asked. You cannot ask for this: that takes one of group:dba. If you should be among them, ask an admin to add you, then try again.
          [Why?]
        ");
        stage.alice.press_in("#access", "Why?").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          *Production database* (prod-db) and @alice
          🚫 Asks: no, it takes group:dba (`ask`)
          Approval takes 1 of group:dba or @db-oncall.
          🚫 Approves for others: no, it takes group:dba or @db-oncall
        ");
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.alice.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba or @db-oncall.
          ~ Production database · request 01kjmma2g000000002
          [Why?]
        ");
        stage.alice.press_in("#access", "Why?").await;
        assert!(stage.told_privately("#access", "alice").await.contains("Approves for others: no"));
        stage.bob.press_in("#general", "Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sees_what_their_people_hold_and_may_and_nobody_else_s() {
    let setting = approved_by("  - by: [requester.manager, group:dba]\n").employs(ALICE);
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.dave.press_in("#access", "Approve").await;
        stage.bob.command("/access prod-db 1h device=bob-laptop restore a backup").await;
        stage.carol.press_in("#access", "Approve").await;
        stage.dave.command("/access list prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#general", "dave").await, @"
        nightlatch (only you):
          *You may take back*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 14:00, 1h59m left  [Revoke]
        ");
        stage.dave.command("/access why prod-db @alice").await;
        assert!(stage.told_privately("#general", "dave").await.contains("Asks: yes"));
        stage.dave.command("/access why prod-db @bob").await;
        assert!(stage.told_privately("#general", "dave").await.contains("Only those who decide"));
        stage.alice.press_in(DM, "Return").await;
        stage.bob.press_in(DM, "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_asked_for_somebody_else_stands_in_one_s_list() {
    story_with(Setting::default().prod_db(&[("approve:\n", "ask_for: [group:dba]\napprove:\n")]), async |stage| {
        stage.bob.command("/access for @alice prod-db 2h invoice 1204").await;
        stage.bob.command_in("#access", "/access list").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          *You asked for somebody else*
          ⏳ @alice: *Production database* (`prod-db`) on alice-laptop for 2h, lapses today 15:00  [Withdraw]
        ");
        stage.bob.command_in("#access", "/access why prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          *Production database* (prod-db) and @bob
          ✅ Asks: yes, in group:engineering (`ask`)
          ✅ Asks for somebody else: yes, in group:dba (`ask_for`)
          Approval takes 1 of group:dba or @db-oncall.
          ✅ Approves for others: yes, in group:dba
        ");
        stage.bob.press_in("#access", "Withdraw").await;
        assert_eq!(stage.request().await.outcome, Some(nightlatch::kernel::Outcome::Withdrawn));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_command_line_broken_glass_is_listed_until_it_was_reviewed() {
    let glass = "break_glass:\n  who: [alice@example.com]\n  max_hold: 1h\n  review: { by: [\"@security\"], within: 24h }\nlapse_after: 8h\n";
    let security = Group::new("S0SECURE1", "security", &["U0CAROL01", "U0DAVE001"]);
    let setting = Setting::default().prod_db(&[("lapse_after: 8h\n", glass)]).seed(|seed| seed.group(security));
    story_with(setting, async |stage| {
        let listed = async || {
            let by = Operator { user: "root".to_owned(), host: "lock1".to_owned() };
            let call = Call::Requests { all: false, limit: 10 };
            match Answering::new(stage.bot.engine().await, BTreeMap::new()).answer(&by, call).await {
                Reply::Requests { requests, .. } => requests,
                other => panic!("{other:?}"),
            }
        };
        stage.alice.command("/access break-glass prod-db 30m the database is down").await;
        stage.alice.submit().await;
        assert_eq!(listed().await.len(), 1);
        stage.advance(31.minutes()).await;
        let open = listed().await;
        assert_eq!(open.len(), 1, "it is over, and nobody has said whether it was fine");
        assert!(open[0].state == "ended" && open[0].review_due_at.is_some());
        stage.dave.press("It was fine").await;
        assert!(listed().await.is_empty());
        stage.everybody_reads();
    })
    .await;
}
