//! Whose a paste is, whoever says so; and that a text is sent once, by whoever wrote it, and kept nowhere it should not be.

use nightlatch::engine::pastes::{PasteError, Pasting};
use nightlatch::kernel::paste::{Author, PasteId, PasteRefusal, Text};
use nightlatch::playground::slack::{Envelope, File, Person, Writing};
use nightlatch::playground::tclip::{TclipFault, TclipWorld};
use serde_json::json;

use crate::harness::{Lengths, Setting, Stage, logged, story, story_with};
use crate::paste::{id, raw, seen_with};

/// Put together here, so that this file holds nothing that looks like a secret.
fn key() -> String {
    format!("tskey-{}", "auth-kTest0CNTRL-abcdefghijklmnop")
}

async fn with_tclip(body: impl AsyncFnOnce(&mut Stage, &TclipWorld)) {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let config = format!("tclip: {{ url: {} }}", tclip.url());
    story_with(Setting { more: config, ..Setting::default() }, async |stage| body(stage, &tclip).await).await;
}

/// Pasted on a page, where only the tailnet says who it is.
async fn pasted_on_a_page(stage: &Stage, login: &str) -> PasteId {
    let author = Author { slack_id: None, login: Some(login.to_owned()), name: "Alice".to_owned() };
    let text = Text::new("a.txt", None, "from a page".to_owned()).unwrap();
    let engine = stage.bot.engine().await;
    engine.pastes().create(Pasting::new(author, text), None).await.unwrap().id
}

#[tokio::test]
async fn an_account_that_took_somebody_elses_e_mail_gets_none_of_their_pastes() {
    let mallory = Person::new("U0MALLORY", "mallory", "Etc/UTC").email("alice@example.com");
    story_with(Setting::default().seed(|seed| seed.person(mallory)), async |stage| {
        stage.slack.set_member("#general", "U0MALLORY", true).unwrap();
        let mallory = stage.human("mallory");
        stage.alice.command("/paste mine").await;
        let of_alice = id(&stage.alice.sees("#general"));
        mallory.command("/paste list").await;
        assert!(mallory.sees("#general").contains("You have no pastes"), "{}", mallory.sees("#general"));
        mallory.command(&format!("/paste delete {of_alice}")).await;
        let seen = mallory.sees("#general");
        assert!(seen.contains("only they can delete it"), "{seen}");
        assert!(raw(stage, &of_alice).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_address_that_was_not_confirmed_makes_nobody_anybody() {
    let mallory = Person::new("U0MALLORY", "mallory", "Etc/UTC").email("alice@example.com").unconfirmed();
    story_with(Setting::default().seed(|seed| seed.person(mallory)), async |stage| {
        stage.slack.set_member("#general", "U0MALLORY", true).unwrap();
        let mallory = stage.human("mallory");
        let id = pasted_on_a_page(stage, "alice@example.com").await;
        mallory.command(&format!("/paste delete {id}")).await;
        assert!(mallory.sees("#general").contains("only they can delete it"), "{}", mallory.sees("#general"));
        stage.alice.command(&format!("/paste delete {id}")).await;
        assert_eq!(raw(stage, id.as_str()).await, None, "her own, wherever she made it");
    })
    .await;
}

#[tokio::test]
async fn what_somebody_was_asked_about_nobody_else_answers() {
    story(async |stage| {
        stage.alice.command(&format!("/paste {}", key())).await;
        let draft = "00000000-0000-4000-8000-000000000001";
        let engine = stage.bot.engine().await;
        assert!(engine.pastes().draft(&PasteId::read(draft).unwrap(), "U0ALICE01").await.is_ok(), "this is the draft");
        drop(engine);
        for action in ["paste_send", "paste_discard", "paste_share", "paste_delete"] {
            let payload = json!({
                "type": "block_actions", "team": { "id": "T0ACME001" }, "user": { "id": "U0BOB0001", "team_id": "T0ACME001" },
                "container": { "type": "message", "channel_id": "C0GENERAL", "message_ts": "1.2", "is_ephemeral": true },
                "channel": { "id": "C0GENERAL" }, "trigger_id": format!("1.2.{action}"),
                "actions": [{ "type": "button", "action_id": action, "block_id": "b", "action_ts": "1.3", "value": draft }],
            });
            assert!(stage.slack.deliver_raw(Envelope::Interactive, payload).await.acked);
            stage.bot.settle().await;
        }
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
        let told = stage.bob.reads();
        assert!(told.contains("sent already, or its 15 minutes are over") && !told.contains("tskey"), "{told}");
        stage.alice.press("Paste it anyway").await;
        let seen = seen_with(stage, "alice", "#general", "Pasted: ").await;
        assert_eq!(raw(stage, &id(&seen)).await, Some(key()), "it was still there for her");
    })
    .await;
}

#[tokio::test]
async fn a_text_that_was_sent_after_all_is_sent_once_and_its_draft_is_gone() {
    with_tclip(async |stage, tclip| {
        stage.alice.command(&format!("/paste {}", key())).await;
        let draft = PasteId::read("00000000-0000-4000-8000-000000000001").unwrap();
        let engine = stage.bot.engine().await;
        let kept = engine.pastes().draft(&draft, "U0ALICE01").await.expect("the draft");
        let author = engine.paste_author("U0ALICE01").await.unwrap();
        // Two clicks that both found the draft before either was through.
        let sending = || Pasting { draft: Some(draft.clone()), ..Pasting::new(author.clone(), kept.text.clone()) };
        let (one, two) = tokio::join!(
            engine.pastes().create(sending(), Some("one".to_owned())),
            engine.pastes().create(sending(), Some("two".to_owned()))
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let late = engine.pastes().create(sending(), Some("three".to_owned())).await;
        assert!(matches!(late, Err(PasteError::Refused(PasteRefusal::Gone))), "{late:?}");
        assert_eq!(tclip.pastes().len(), 1);
        assert!(engine.store().draft(&draft).await.unwrap().is_none(), "the text was kept after it was sent");
    })
    .await;
}

#[tokio::test]
async fn what_was_posted_before_we_could_write_it_down_is_deleted_by_its_author_and_by_nobody_else() {
    with_tclip(async |stage, tclip| {
        tclip.fail(Some(TclipFault::LostReply));
        stage.alice.command("/paste precious words").await;
        assert!(stage.alice.modal().contains("may have been pasted"), "{}", stage.alice.modal());
        tclip.fail(None);
        stage.bot.restart().await;
        let orphan = tclip.pastes()[0].clone();
        assert_eq!(orphan.filename, "alice@example.com - untitled");
        stage.bob.command(&format!("/paste delete {}", orphan.id)).await;
        let seen = stage.bob.sees("#general");
        assert!(seen.contains("Whoever made it can"), "{seen}");
        assert_eq!(tclip.pastes().len(), 1);
        stage.alice.command(&format!("/paste delete {}", orphan.id)).await;
        assert_eq!(tclip.pastes(), [], "{}", stage.alice.sees("#general"));
        assert!(stage.alice.sees("#general").contains("Deleted: "), "{}", stage.alice.sees("#general"));
        stage.alice.command(&format!("/paste delete {}", orphan.id)).await;
        assert!(stage.alice.sees("#general").contains("There is no such paste"), "{}", stage.alice.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn a_name_at_tclip_that_somebody_gave_their_own_paste_moves_nobody() {
    with_tclip(async |stage, tclip| {
        tclip.become_caller("mallory-laptop");
        let client = nightlatch::outside::tclip::Tclip::new(tclip.url().parse().unwrap()).unwrap();
        client.post("alice@example.com - untitled", "of mallory").await.unwrap();
        tclip.become_caller("nightlatch");
        let id = tclip.pastes()[0].id.clone();
        stage.alice.command(&format!("/paste delete {id}")).await;
        assert_eq!(tclip.pastes().len(), 1);
        stage.alice.command("/paste list").await;
        assert!(stage.alice.sees("#general").contains("You have no pastes"), "{}", stage.alice.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn what_is_pasted_is_in_no_log_and_no_audit_entry() {
    const CANARY: &str = "canary-in-a-paste-9f2c";
    story(async |stage| {
        stage.alice.command(&format!("/paste {CANARY}")).await;
        let made = id(&stage.alice.sees("#general"));
        stage.alice.command(&format!("/paste {CANARY} {}", key())).await;
        stage.alice.press("Throw it away").await;
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", CANARY).await;
        stage.alice.submit().await;
        let files = vec![File::text("a.log", CANARY)];
        let writing = Writing { text: CANARY.to_owned(), files, ..Writing::default() };
        let message = stage.slack.write("bob", "#general", writing).unwrap();
        stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
        stage.bot.settle().await;
        seen_with(stage, "alice", "#general", "a.log").await;
        stage.alice.command(&format!("/paste delete {made}")).await;
        assert!(!logged(CANARY), "in the log");
        let entries = stage.bot.store().await.audit_after(0, 1_000).await.unwrap();
        let audit = serde_json::to_string(&entries).unwrap();
        assert!(audit.contains("paste_deleted") && audit.contains("a.log") && !audit.contains(CANARY), "{audit}");
    })
    .await;
}

#[tokio::test]
async fn who_says_in_headers_that_they_are_somebody_is_not() {
    story(async |stage| {
        let id = pasted_on_a_page(stage, "alice@example.com").await;
        nightlatch::outside::tls();
        let nobody = reqwest::Client::builder().tls_certs_only([]).unix_socket(stage.bot.socket());
        let nobody = nobody.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let base = "http://localhost";
        let claims = [
            vec![("Tailscale-User-Login", "alice@example.com")],
            vec![("Tailscale-User-Login", "alice@example.com"), ("X-Forwarded-For", "100.64.0.200")],
            vec![("Tailscale-User-Login", "alice@example.com"), ("X-Forwarded-For", "127.0.0.1")],
            vec![("X-Webauth-User", "alice@example.com"), ("Remote-User", "alice@example.com")],
        ];
        for claim in claims {
            let with = |request: reqwest::RequestBuilder| {
                claim.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
            };
            let deleted = with(nobody.get(format!("{base}/api/delete/{id}"))).await.unwrap();
            assert_eq!(deleted.status(), 403, "{claim:?}");
            let form =
                [("filename", "a"), ("content", "b"), ("author", "alice@example.com"), ("owner", "alice@example.com")];
            let posted = with(nobody.post(format!("{base}/api/post")).form(&form)).await.unwrap();
            assert_eq!(posted.status(), 403, "{claim:?}");
        }
        assert!(raw(stage, id.as_str()).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_key_in_a_file_name_or_in_a_thread_needs_a_second_click_too() {
    story(async |stage| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "nothing to see").await;
        stage.alice.fill("File name", &format!("{}.txt", key())).await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(modal.contains("a Tailscale key in the name"), "{modal}");
        let (first, _) = stage.slack.say("bob", "#access", "how do I log in?", None).await.unwrap();
        stage.slack.say("carol", "#access", &format!("with {}", key()), Some(&first.ts)).await.unwrap();
        stage.slack.message_shortcut("alice", &first, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#access", "looks like it holds secrets").await;
        assert!(seen.contains("thread.md") && !seen.contains("/paste/0"), "{seen}");
        let files = vec![File::text("env.sh", &format!("export A=1\nexport KEY={}\n", key()))];
        let message = stage.slack.write("bob", "#general", Writing { files, ..Writing::default() }).unwrap();
        stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#general", "env.sh looks like it holds secrets").await;
        assert!(seen.contains("a Tailscale key in line 2"), "{seen}");
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn pressing_share_twice_at_once_shares_once() {
    story(async |stage| {
        stage.alice.command("/paste hello").await;
        let (one, two) = tokio::join!(
            stage.slack.press("alice", "#general", "Share here"),
            stage.slack.press("alice", "#general", "Share here")
        );
        assert!(one.unwrap().acked && two.unwrap().acked);
        stage.bot.settle().await;
        assert_eq!(stage.bob.sees("#general").matches("shared a paste").count(), 1, "{}", stage.bob.sees("#general"));
        stage.advance(1.minutes()).await;
        stage.alice.press("Share here").await;
        assert_eq!(stage.bob.sees("#general").matches("shared a paste").count(), 2, "later it is meant");
    })
    .await;
}

#[tokio::test]
async fn the_address_of_somebody_whose_login_the_configuration_says_is_not_their_login() {
    let eve = Person::new("U0EVE0001", "eve", "Etc/UTC").email("alice@example.com");
    let setting = Setting::default().knows("U0EVE0001", "nobody@github").seed(|seed| seed.person(eve));
    story_with(setting, async |stage| {
        stage.slack.set_member("#general", "U0EVE0001", true).unwrap();
        let id = pasted_on_a_page(stage, "alice@example.com").await;
        let eve = stage.human("U0EVE0001");
        eve.command(&format!("/paste delete {id}")).await;
        assert!(raw(stage, id.as_str()).await.is_some(), "{}", eve.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn people_of_another_company_paste_nothing_whatever_they_press() {
    story(async |stage| {
        let message = stage.slack.write("alice", "#general", Writing { text: "ours".to_owned(), ..Writing::default() });
        let message = message.unwrap();
        let partner = json!({ "id": "U0OTTO001", "team_id": "T0PARTNER" });
        let payloads = [
            (
                Envelope::Interactive,
                json!({
                    "type": "message_action", "callback_id": "paste_message", "trigger_id": "1.2.a", "action_ts": "1.1",
                    "team": { "id": "T0PARTNER" }, "user": partner, "channel": { "id": message.channel },
                    "message_ts": message.ts, "message": { "type": "message", "user": "U0ALICE01", "ts": message.ts, "text": "ours" },
                }),
            ),
            (
                Envelope::SlashCommands,
                json!({
                    "command": "/paste", "text": "theirs", "team_id": "T0PARTNER", "user_id": "U0OTTO001",
                    "channel_id": message.channel, "trigger_id": "1.2.b",
                }),
            ),
        ];
        for (envelope, payload) in payloads {
            assert!(stage.slack.deliver_raw(envelope, payload).await.acked);
            stage.bot.settle().await;
        }
        stage.everybody_reads();
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
    })
    .await;
}
