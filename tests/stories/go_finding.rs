//! Go links looked at: their details, lists of them, what can be typed; and deleted.

use crate::go::{go, kept, long, press};
use crate::harness::{Stage, story};

/// Somebody follows it in a browser this often.
async fn followed(stage: &Stage, short: &str, times: usize) {
    let links = stage.bot.engine().await.links();
    let link = links.find(short).await.expect("our own links").expect("a link");
    (0..times).for_each(|_| links.clicked(&link));
}

#[tokio::test]
async fn details_tell_whose_it_is_and_how_often_it_was_followed() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/{{.Path}}").await;
        followed(stage, "runbook", 3).await;
        go(stage, "bob", "/go runbook").await;
        insta::assert_snapshot!(press(stage, "bob", "Details").await, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* leads to `https://wiki.example.com/{{.Path}}`
          *Owner* `alice@example.com` | *Followed* 3 times
          *Made* today 07:00:00 | *Changed* today 07:00:00
          ~ In a browser: its page (https://nightlatch.example.ts.net/go/.detail/runbook).
          [Share here]
        ");
        go(stage, "alice", "/go runbook").await;
        let seen = press(stage, "alice", "Details").await;
        assert!(seen.contains("[Edit]") && seen.contains("[Delete]"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_deleted_after_a_question_and_can_be_made_again() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        go(stage, "alice", "/go delete runbook").await;
        let asked = stage.slack.confirmation("alice", "#general", "Delete").unwrap();
        assert_eq!(asked.as_deref(), Some("Delete it? go/runbook will lead nowhere, for everybody. [Delete] [Keep]"));
        insta::assert_snapshot!(press(stage, "alice", "Delete").await, @"
        nightlatch (only you):
          `go/runbook` is deleted. It led to `https://wiki.example.com/runbooks`
          [Open the form]
        ");
        assert_eq!(kept(stage, "runbook").await, None);
        stage.alice.press_in("#general", "Open the form").await;
        stage.alice.submit().await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/runbooks");
    })
    .await;
}

#[tokio::test]
async fn links_are_found_by_words_by_owner_and_by_how_often_they_are_followed() {
    story(async |stage| {
        for (who, name) in [("alice", "prod-runbook"), ("alice", "prod-dashboard"), ("bob", "payroll")] {
            go(stage, who, &format!("/go {name} https://wiki.example.com/{name}")).await;
        }
        followed(stage, "payroll", 2).await;
        followed(stage, "prod-runbook", 1).await;
        insta::assert_snapshot!(go(stage, "carol", "/go search prod").await, @"
        nightlatch (only you):
          2 go links with `prod`:
          • *go/prod-runbook (https://nightlatch.example.ts.net/go/prod-runbook)* `https://wiki.example.com/prod-runbook` · `alice@example.com` · once
          • *go/prod-dashboard (https://nightlatch.example.ts.net/go/prod-dashboard)* `https://wiki.example.com/prod-dashboard` · `alice@example.com`
        ");
        insta::assert_snapshot!(go(stage, "carol", "/go search prod dash").await, @"
        nightlatch (only you):
          One go link with `prod dash`:
          • *go/prod-dashboard (https://nightlatch.example.ts.net/go/prod-dashboard)* `https://wiki.example.com/prod-dashboard` · `alice@example.com`
        ");
        insta::assert_snapshot!(go(stage, "carol", "/go search <!here> & co").await, @"nightlatch (only you): No go link has `<!here> & co` in its name, destination or owner.");
        insta::assert_snapshot!(go(stage, "bob", "/go mine").await, @"
        nightlatch (only you):
          One go link is yours:
          • *go/payroll (https://nightlatch.example.ts.net/go/payroll)* `https://wiki.example.com/payroll` · `bob@example.com` · 2 times
        ");
        insta::assert_snapshot!(go(stage, "carol", "/go mine").await, @"nightlatch (only you): No go link is yours yet. `/go NAME https://...` makes one.");
        insta::assert_snapshot!(go(stage, "carol", "/go top").await, @"
        nightlatch (only you):
          Followed most:
          • *go/payroll (https://nightlatch.example.ts.net/go/payroll)* `https://wiki.example.com/payroll` · `bob@example.com` · 2 times
          • *go/prod-runbook (https://nightlatch.example.ts.net/go/prod-runbook)* `https://wiki.example.com/prod-runbook` · `alice@example.com` · once
        ");
        // Words that are no command are searched for.
        let seen = go(stage, "carol", "/go payroll of bob").await;
        assert!(seen.contains("No go link has `payroll of bob`"), "{seen}");
        let seen = go(stage, "carol", "/go search").await;
        assert!(seen.contains("/go search WORDS"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_long_list_says_how_much_more_there_is() {
    story(async |stage| {
        for number in 0..23 {
            go(stage, "alice", &format!("/go prod-{number} https://wiki.example.com/{number}")).await;
        }
        let seen = go(stage, "bob", "/go search prod").await;
        assert!(seen.contains("23 go links with `prod`") && seen.contains("and 3 more"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn help_says_what_can_be_typed() {
    story(async |stage| {
        insta::assert_snapshot!(go(stage, "alice", "/go help").await, @"
        nightlatch (only you):
          `/go NAME` says where a go link leads.
          *Follow*
          `/go NAME` or `/go NAME/more?of=it` shows where it leads, for you alone; *Share here* shows it to everybody.
          *Make and change*
          `/go NAME https://...` makes a link. `/go edit NAME` changes yours, `/go delete NAME` removes it. The shortcut on a message makes one of its first address. Names have letters, digits, dashes, periods and underscores; case and dashes do not matter.
          *Find*
          `/go search WORDS`, `/go mine`, `/go top`
          ~ Destinations can hold `{{.Path}}`, `{{.User}}` and the rest of golink's templates. A link that is called like one of these words: `/go /help`.
        ");
        let seen = go(stage, "alice", "/go").await;
        assert!(seen.contains("says where a go link leads"), "{seen}");
        go(stage, "alice", "/go /help https://wiki.example.com/help").await;
        let seen = go(stage, "alice", "/go /help").await;
        assert!(seen.contains("https://wiki.example.com/help"), "{seen}");
    })
    .await;
}
