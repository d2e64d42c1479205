//! Go links belong to people: only their owner changes them, whatever anybody types or calls themselves, here and at golink.

use nightlatch::clock::Clock;
use nightlatch::kernel::link::Link;
use nightlatch::playground::golink::GolinkWorld;
use nightlatch::playground::slack::{Kind, Person};

use crate::go::{go, kept, long, press, told};
use crate::harness::{Lengths, START_MS, Setting, Stage, story, story_everywhere, story_with};

const PEOPLE: [&str; 4] = ["alice@example.com", "bob@example.com", "carol@example.com", "dave@example.com"];

/// Tells a story with the links at a golink, where the bot is a tagged device and an admin.
pub async fn with_golink(body: impl AsyncFnOnce(&mut Stage, &GolinkWorld)) {
    with_golink_and(Setting::default(), body).await;
}

pub async fn with_golink_and(setting: Setting, body: impl AsyncFnOnce(&mut Stage, &GolinkWorld)) {
    let golink = GolinkWorld::start(Clock::manual(START_MS), &PEOPLE).await.expect("a golink");
    let more = format!("golink: {{ url: {} }}", golink.url());
    story_with(Setting { more, ..setting }, async |stage| body(stage, &golink).await).await;
}

/// Where links are kept in a story.
pub enum Place<'g> {
    Here,
    There(&'g GolinkWorld),
}

impl Place<'_> {
    pub async fn link(&self, stage: &Stage, short: &str) -> Option<Link> {
        match self {
            Self::Here => kept(stage, short).await,
            Self::There(golink) => golink.link(short),
        }
    }

    async fn long(&self, stage: &Stage, short: &str) -> String {
        self.link(stage, short).await.map_or_else(|| "nowhere".to_owned(), |link| link.long)
    }
}

/// Tells the same story with our own links and with a golink.
async fn story_in_both_places(body: impl AsyncFn(&mut Stage, Place<'_>)) {
    eprintln!("-- our own links");
    story(async |stage| body(stage, Place::Here).await).await;
    eprintln!("-- a golink");
    with_golink(async |stage, golink| body(stage, Place::There(golink)).await).await;
}

#[tokio::test]
async fn ones_own_link_is_replaced_after_a_question() {
    story_everywhere(async |stage| {
        stage.alice.command("/go runbook https://wiki.example.com/old").await;
        stage.alice.command("/go Run-Book https://wiki.example.com/new").await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/old", "it was not asked");
        stage.alice.press_in("#general", "Replace").await;
        stage.slack.until(|slack| slack.screen("alice", "#general").contains("now leads to")).await;
        let link = kept(stage, "runbook").await.expect("a link");
        assert_eq!((link.short.as_str(), link.long.as_str()), ("Run-Book", "https://wiki.example.com/new"));
    })
    .await;
}

#[tokio::test]
async fn the_question_shows_both_and_the_answer_what_is_there_now() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/old").await;
        insta::assert_snapshot!(go(stage, "alice", "/go runbook https://wiki.example.com/new").await, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* is yours and leads to `https://wiki.example.com/old`
          Replace that with `https://wiki.example.com/new`?
          [Replace] [Edit]
        ");
        insta::assert_snapshot!(press(stage, "alice", "Replace").await, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* now leads to `https://wiki.example.com/new`
          ~ of `alice@example.com`
          [Share here] [Details] [Edit]
        ");
    })
    .await;
}

#[tokio::test]
async fn what_changed_since_it_was_asked_is_asked_again() {
    story_in_both_places(async |stage, place| {
        go(stage, "alice", "/go runbook https://wiki.example.com/old").await;
        go(stage, "alice", "/go runbook https://wiki.example.com/new").await;
        stage.alice.command("/go edit runbook").await;
        stage.alice.fill("Leads to", "https://wiki.example.com/between").await;
        stage.alice.submit().await;
        let seen = press(stage, "alice", "Replace").await;
        assert!(seen.contains("is yours and leads to `https://wiki.example.com/between`"), "{seen}");
        assert_eq!(place.long(stage, "runbook").await, "https://wiki.example.com/between");
        press(stage, "alice", "Replace").await;
        assert_eq!(place.long(stage, "runbook").await, "https://wiki.example.com/new");
        // Again, by a double click or a repeated command: it is so already.
        let seen = press(stage, "alice", "Replace").await;
        assert!(seen.contains("leads to") && !seen.contains("Replace that with"), "{seen}");
        let seen = go(stage, "alice", "/go runbook https://wiki.example.com/new").await;
        assert!(!seen.contains("Replace that with"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_link_is_not_changed_and_it_is_said_whose_it_is() {
    story_in_both_places(async |stage, place| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        let before = place.link(stage, "runbook").await;
        let seen = go(stage, "bob", "/go runbook https://evil.example.com").await;
        assert!(
            seen.contains("belongs to `alice@example.com`, so only they can change it. It leads to `https://wiki.example.com/runbooks`"),
            "{seen}"
        );
        let seen = go(stage, "bob", "/go edit runbook").await;
        assert!(seen.contains("belongs to `alice@example.com`"), "{seen}");
        let seen = go(stage, "bob", "/go delete runbook").await;
        assert!(!seen.contains("[Delete]") && !seen.contains("[Edit]"), "{seen}");
        assert_eq!(place.link(stage, "runbook").await, before);
        assert_eq!(stage.bob.modal(), "(no modal)");
    })
    .await;
}

#[tokio::test]
async fn no_spelling_of_a_name_is_a_way_around_its_owner() {
    story_in_both_places(async |stage, place| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        let before = place.link(stage, "runbook").await;
        for name in [
            "RUNBOOK",
            "run-book",
            "r-u-n-b-o-o-k",
            "runbook-",
            "-runbook",
            "runbook.",
            "runbook...",
            "runbook,",
            "runbook)",
            "runbook:",
            "go/runbook",
            "/runbook",
            "go/RUN-BOOK.",
            "r%75nbook",
            "runbook/",
            "runbook/x",
            "runbook?x",
            "runbook#x",
            "runbooK\u{2060}",
            "runboo\u{212a}",
            "ｒunbook",
            "runbook\u{200b}",
            "run\u{ad}book",
            ".runbook",
            "runbook+",
            "`runbook`",
            "<runbook>",
        ] {
            stage.bob.command(&format!("/go {name} https://evil.example.com")).await;
            told(stage, "bob").await;
            for shown in ["Replace", "Make it anyway"] {
                assert!(stage.slack.press("bob", "#general", shown).await.is_err(), "{name} shows [{shown}]");
            }
            assert_eq!(place.link(stage, "runbook").await, before, "{name}");
            for followed in ["runbook", "Run-Book", "runbook.", "runbook,", "runbook)."] {
                let seen = go(stage, "carol", &format!("/go {followed}")).await;
                assert!(seen.contains("https://wiki.example.com/runbooks"), "after {name}, {followed}: {seen}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_name_or_address_people_give_themselves_is_a_way_around_the_owner() {
    let eve = Person { name: "alice@example.com".to_owned(), ..Person::new("U0EVE0001", "eve", "Etc/UTC") };
    let mallory = Person::new("U0MALLORY", "mallory", "Etc/UTC").email("alice@example.com").kind(Kind::Guest);
    let setting = Setting::default().knows("U0EVE0001", "eve@github").seed(|seed| seed.person(eve).person(mallory));
    with_golink_and(setting, async |stage, golink| {
        for person in ["U0EVE0001", "U0MALLORY"] {
            stage.slack.set_member("#general", person, true).unwrap();
        }
        golink.knows("eve@github");
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        for who in ["U0EVE0001", "mallory"] {
            let seen = go(stage, who, "/go runbook https://evil.example.com").await;
            assert!(
                seen.contains("belongs to `alice@example.com`") || seen.contains("guests have none"),
                "{who}: {seen}"
            );
        }
        assert_eq!(golink.link("runbook").unwrap().long, "https://wiki.example.com/runbooks");
        go(stage, "U0EVE0001", "/go hers https://eve.example.com").await;
        assert_eq!(golink.link("hers").unwrap().owner, "eve@github");
    })
    .await;
}

#[tokio::test]
async fn golink_is_told_the_real_owner_and_the_bots_own_rights_are_nobody_elses() {
    with_golink(async |stage, golink| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        let call = golink.calls().into_iter().find(|call| call.line == "POST /").expect("a call");
        assert!(call.body.contains("owner=alice%40example.com"), "{call:?}");
        assert_eq!(golink.link("runbook").unwrap().owner, "alice@example.com");
        let count = golink.calls().iter().filter(|call| call.line == "POST /").count();
        go(stage, "bob", "/go runbook https://evil.example.com").await;
        assert_eq!(
            golink.calls().iter().filter(|call| call.line == "POST /").count(),
            count,
            "golink would have let us"
        );
    })
    .await;
}

#[tokio::test]
async fn whose_a_link_is_is_looked_at_when_it_is_changed_and_not_remembered() {
    with_golink(async |stage, golink| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        // Now it is remembered, and shows Edit.
        let seen = go(stage, "alice", "/go runbook").await;
        assert!(seen.contains("[Edit]"), "{seen}");
        stage.alice.press_in("#general", "Edit").await;
        stage.advance(1.seconds()).await;
        golink.put("runbook", "https://wiki.example.com/runbooks", "bob@example.com");
        stage.alice.fill("Leads to", "https://wiki.example.com/mine").await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(
            modal.contains("belongs to bob@example.com") && modal.contains("https://wiki.example.com/mine"),
            "{modal}"
        );
        let seen = go(stage, "alice", "/go runbook https://wiki.example.com/mine").await;
        assert!(seen.contains("belongs to `bob@example.com`"), "{seen}");
        let seen = go(stage, "bob", "/go runbook https://wiki.example.com/bobs").await;
        assert!(seen.contains("Replace that with"), "{seen}");
        press(stage, "bob", "Replace").await;
        assert_eq!(golink.link("runbook").unwrap().long, "https://wiki.example.com/bobs");
    })
    .await;
}

#[tokio::test]
async fn links_of_people_who_are_gone_and_of_tagged_devices_are_anybodys_after_a_question() {
    with_golink(async |stage, golink| {
        golink.put("old", "https://wiki.example.com/old", "gone@example.com");
        golink.put("ci", "https://ci.example.com", "tagged-devices");
        golink.put("nobodys", "https://wiki.example.com/x", "");
        insta::assert_snapshot!(go(stage, "alice", "/go old https://wiki.example.com/new").await.replace(&golink.url(), "http://go"), @"
        nightlatch (only you):
          *go/old (http://go/old)* belongs to `gone@example.com`, whom the tailnet does not know any more, and leads to `https://wiki.example.com/old`
          Replace that with `https://wiki.example.com/new`?
          [Replace] [Edit]
        ");
        press(stage, "alice", "Replace").await;
        insta::assert_snapshot!(go(stage, "alice", "/go nobodys https://wiki.example.com/y").await.replace(&golink.url(), "http://go"), @"
        nightlatch (only you):
          *go/nobodys (http://go/nobodys)* belongs to nobody and leads to `https://wiki.example.com/x`
          Replace that with `https://wiki.example.com/y`?
          [Replace] [Edit]
        ");
        press(stage, "alice", "Replace").await;
        stage.bob.command("/go edit ci").await;
        stage.bob.fill("Leads to", "https://ci.example.com/builds").await;
        stage.bob.submit().await;
        let owners: Vec<_> = ["old", "nobodys", "ci"].iter().map(|name| golink.link(name).unwrap().owner).collect();
        assert_eq!(owners, ["alice@example.com", "alice@example.com", "bob@example.com"]);
    })
    .await;
}

#[tokio::test]
async fn a_link_is_handed_over_to_people_of_the_tailnet_only() {
    story_in_both_places(async |stage, place| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        stage.alice.command("/go edit runbook").await;
        stage.alice.fill("Owner", "nobody@example.com").await;
        stage.alice.fill("Leads to", "https://wiki.example.com/typed").await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(modal.contains("The tailnet knows nobody called nobody@example.com"), "{modal}");
        assert!(modal.contains("https://wiki.example.com/typed"), "{modal}");
        stage.alice.fill("Owner", "bob@example.com").await;
        stage.alice.submit().await;
        let link = place.link(stage, "runbook").await.expect("a link");
        assert_eq!((link.owner.as_str(), link.long.as_str()), ("bob@example.com", "https://wiki.example.com/typed"));
        let seen = go(stage, "alice", "/go runbook https://wiki.example.com/back").await;
        assert!(seen.contains("belongs to `bob@example.com`"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn of_two_people_who_want_one_name_at_once_one_gets_it_and_the_other_hears_whose_it_is() {
    story_in_both_places(async |stage, place| {
        tokio::join!(
            stage.alice.command("/go runbook https://wiki.example.com/alice"),
            stage.bob.command("/go run-book https://wiki.example.com/bob"),
        );
        let link = place.link(stage, "runbook").await.expect("a link");
        let (winner, loser) = if link.owner == "alice@example.com" { ("alice", "bob") } else { ("bob", "alice") };
        assert_eq!(link.long, format!("https://wiki.example.com/{winner}"));
        let seen = told(stage, loser).await;
        assert!(seen.contains(&format!("belongs to `{winner}@example.com`")), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn guests_and_outsiders_have_no_go_links_and_strangers_to_the_tailnet_make_none() {
    let frank = Person::new("U0FRANK01", "frank", "Etc/UTC");
    story_with(Setting::default().seed(|seed| seed.person(frank)), async |stage| {
        stage.slack.set_member("#general", "U0FRANK01", true).unwrap();
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        for line in [
            "/go runbook",
            "/go x https://x.test",
            "/go search wiki",
            "/go top",
            "/go mine",
            "/go edit runbook",
            "/go x%zz",
        ] {
            let seen = go(stage, "grace", line).await;
            assert!(seen.contains("guests have none") && !seen.contains("wiki.example"), "{line}: {seen}");
        }
        let (message, _) = stage.slack.say("bob", "#general", "see https://x.test", None).await.unwrap();
        stage.slack.message_shortcut("grace", &message, "link_from_message").await.unwrap();
        let seen = told(stage, "grace").await;
        assert!(seen.contains("guests have none"), "{seen}");
        assert_eq!(stage.human("grace").modal(), "(no modal)");
        // Shared where people of another company are: they may read it, and press nothing.
        stage.alice.command_in("#access-partners", "/go runbook").await;
        stage.alice.press_in("#access-partners", "Share here").await;
        stage.bot.settle().await;
        assert!(
            stage.otto.sees("#access-partners").contains("shared *go/runbook"),
            "{}",
            stage.otto.sees("#access-partners")
        );
        assert!(stage.slack.command("otto", "#access-partners", "/go runbook").await.is_err());
        let seen = go(stage, "frank", "/go runbook").await;
        assert!(seen.contains("https://wiki.example.com/runbooks"), "{seen}");
        let seen = go(stage, "frank", "/go franks https://x.test").await;
        assert!(seen.contains("`frank@example.com` (your e-mail in Slack) and found none"), "{seen}");
        assert_eq!(kept(stage, "franks").await, None);
    })
    .await;
}
