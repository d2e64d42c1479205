//! Private answers, lists and Home: what people are told, and who is told nothing but why not.

use insta::assert_snapshot;
use nightlatch::playground::slack::Fault as SlackFault;

use crate::harness::*;

const STAGING: &str = r##"nightlatch: 1
title: Staging
command: /staging
inputs:
  hold: { type: duration, default: 30m, max: 2h }
  ticket: { type: text, max_length: 20, required: false }
  device: { type: device }
ask: [autogroup:member]
approve:
  - by: [alice@example.com, bob@example.com]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_staging, value: true }
"##;

pub fn with_staging() -> Setting {
    let mut setting = Setting::default();
    setting.workflows.push(("staging".to_owned(), STAGING.to_owned()));
    setting.seed = setting.seed.command("/staging");
    setting
}

/// What somebody is told, only they, when they type this.
pub async fn answer(human: &Human, line: &str) -> String {
    human.reads_in("#general");
    human.command(line).await;
    human
        .reads_in("#general")
        .trim_start_matches(
            "#general
",
        )
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_answered_with_what_can() {
    story_with(with_staging(), async |stage| {
        let mut said = String::new();
        for line in [
            "/access prdo-db 2h x",
            "/access 2h why",
            "/access hlep",
            "/access zzz",
            "/access prod-db 12h why not",
            "/access PROD-DB  2x device=foo “why”",
            "/access return",
            "/access return prod-db",
            "/access withdraw prod-db",
            "/staging help",
        ] {
            said.push_str(&format!("{line}\n{}\n", answer(&stage.alice, line).await));
        }
        assert_snapshot!(said, @r#"
        /access prdo-db 2h x
        nightlatch (only you): There is nothing called `prdo-db` here. Did you mean `/access prod-db 2h x`? `/access help` shows what there is.
        /access 2h why
        nightlatch (only you): `2h` is a length of time; say first what it is for, like `/access NAME 2h why`. `/access help` shows what there is.
        /access hlep
        nightlatch (only you): There is nothing called `hlep` here. `/access help` shows what there is.
        /access zzz
        nightlatch (only you): There is nothing called `zzz` here. `/access help` shows what there is.
        /access prod-db 12h why not
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: 12h is more than the 8h this lends
          This would do: `/access prod-db 8h why not`
        /access PROD-DB  2x device=foo “why”
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: `2x` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
          • *device*: `foo` is not one of your devices (alice-laptop)
          This would do: `/access prod-db 2h "why"`
        /access return
        nightlatch (only you): There is nothing to return: you hold nothing now.
        /access return prod-db
        nightlatch (only you): There is nothing to return: you hold nothing now.
        /access withdraw prod-db
        nightlatch (only you): There is nothing to withdraw: nothing of yours waits for a decision.
        /staging help
        nightlatch (only you):
          *Ask*
          `/access` opens a form. `/access NAME 2h why you need it` asks at once; what cannot be told is asked for.
          *Look and give back*
          `/access list` shows what you hold, what you asked, and what waits for you.
          `/access return NAME` gives it back early, `/access extend NAME 1h` holds it for longer where that may be.
          Asked to decide? *Approve...* on the card is for less time, `/access pass ID @person` gives your turn to somebody else who may, and `/access revoke NAME @person` takes away what they hold.
          `/access why NAME` says by which rules you may ask or approve, and what stands against it.
          *What you can ask for*
          • `/staging 30m why you need it` · Staging
        "#);
        let guest = answer(&stage.grace, "/access prod-db 2h why").await;
        assert_snapshot!(guest, @"
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one.
        ");
        stage.grace.command("/access").await;
        let told = stage.slack.until(|slack| slack.modal("grace").is_some_and(|modal| modal.contains("Guests of"))).await;
        assert!(told, "{}", stage.grace.modal());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_has_a_command_of_its_own() {
    story_with(with_staging(), async |stage| {
        let said = answer(&stage.alice, "/staging 45m T-1").await;
        assert_snapshot!(said, @"
        nightlatch (only you):
          ⏳ *Asked for Staging* for 45m on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It is decided by whoever is named in the workflow.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        ");
        assert_snapshot!(answer(&stage.alice, "/access withdraw staging").await, @"nightlatch (only you): Withdrawing *Staging* on alice-laptop. `/access list` shows when it is done.");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_holds_is_listed_and_given_back_by_name() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(30.minutes()).await;
        assert_snapshot!(answer(&stage.alice, "/access list").await, @"
        nightlatch (only you):
          *You hold*
          🟢 *Production database* (`prod-db`) on alice-laptop, until today 15:00, 1h30m left  [Return]
        ");
        assert_snapshot!(answer(&stage.alice, "/access return prodd-db").await, @"nightlatch (only you): There is nothing called `prodd-db` to return. You hold `prod-db`. Did you mean `/access return prod-db`?");
        assert_snapshot!(answer(&stage.alice, "/access return").await, @"nightlatch (only you): Say which: `/access return prod-db`. You hold `prod-db`.");
        assert_snapshot!(answer(&stage.alice, "/access  RETURN Prod-DB").await, @"nightlatch (only you): Giving back *Production database* on alice-laptop. You will hear from me when it is verified gone.");
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn home_shows_what_waits_what_is_held_and_a_way_to_start() {
    story_with(with_staging(), async |stage| {
        assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        Nothing waits for you, and you hold nothing. That is how it should be.
        # What you can ask for
        • `/access prod-db` · Production database
        • `/staging` · Staging
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.command("/access prod-db 2h for <@U0BOB0001> & co").await;
        assert_snapshot!(stage.bob.home().await, @"
        [Ask for access]
        ~ As of today 07:00:00. `/access list` is always up to date.
        # Waiting for you
        *Production database* on alice-laptop for @alice, for 2 hours. Lapses today 15:00.
        > for <@U0BOB0001> & co
        [Approve] [Approve...] [Deny]
        # What you can ask for
        • `/access prod-db` · Production database
        • `/staging` · Staging
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.bob.press_in("home", "Approve").await;
        assert!(stage.slack.home("bob").expect("a home").contains("Your press is saved and being checked"));
        stage.advance(90.minutes()).await;
        assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 14:30:00. `/access list` is always up to date.
        # What you hold
        *Production database* on alice-laptop: active until today 15:00, 30m left
        [Return]
        # What you can ask for
        • `/access prod-db` · Production database
        • `/staging` · Staging
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.press_in("home", "Return").await;
        assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 14:30:00. `/access list` is always up to date.
        # Lately ended
        *Production database* on alice-laptop: returned today 14:30:00  [Ask again]
        # What you can ask for
        • `/access prod-db` · Production database
        • `/staging` · Staging
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.press_in("home", "Ask for access").await;
        assert!(stage.alice.modal().contains("What do you need?"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_deny_gets_a_sentence_and_no_form() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h why").await;
        stage.dave.press("Deny").await;
        assert_eq!(stage.dave.modal(), "(no modal)");
        let said = stage.dave.reads_in("#access");
        assert!(said.contains("You are not an approver of *Production database*"), "{said}");
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_comes_twice_is_answered_twice_and_done_once() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h why").await;
        let first = stage.slack.deliveries().last().and_then(|one| one.delivered.clone()).and_then(|one| one.body);
        let second = stage.slack.redeliver().await.and_then(|one| one.body);
        assert_eq!((first.is_some(), &first), (true, &second));
        stage.bob.command("/access prod-db 2h why").await;
        let modal = stage.bob.modal();
        let again = stage.slack.redeliver().await.expect("a delivery");
        assert_eq!((again.acked, again.body, stage.bob.modal()), (true, None, modal));
        let store = stage.bot.store().await;
        assert_eq!(store.requests_of("U0ALICE01", 9).await.expect("requests").len(), 1);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_in_a_channel_shared_with_another_company() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h why").await;
        let other = "T0OTHER01".to_owned();
        assert!(stage.slack.edit_channel("#access", |channel| channel.shared_with = vec![other]));
        stage.advance(1.minutes()).await;
        stage.bob.reads_in("#access");
        stage.bob.press_in("#access", "Approve").await;
        assert!(
            stage.slack.until(|slack| slack.screen("bob", "#access").contains("shared with another company")).await
        );
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), None);
        stage.bob.home().await;
        stage.bob.press_in("home", "Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), Some(true.into()));
        stage.alice.command("/access return prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_slack_will_not_open_a_form_the_line_to_type_is_said() {
    story(async |stage| {
        stage.slack.fail("views.open", SlackFault::Error("expired_trigger_id".to_owned()), 1);
        assert_snapshot!(answer(&stage.bob, "/access prod-db 2h invoice 1204").await, @"nightlatch (only you): The form could not be opened: Slack gives three seconds for it, and they were over. Nothing was asked. Try again, or type `/access prod-db 2h invoice 1204`");
        // Another reason is told as what it is, and what only an admin can mend is an admin's.
        for code in ["missing_scope", "invalid_arguments"] {
            stage.slack.fail("views.open", SlackFault::Error(code.to_owned()), 1);
            let told = answer(&stage.bob, "/access prod-db 2h invoice 1204").await;
            assert!(!told.contains("three seconds"), "{told}");
            assert_eq!(told.contains("Tell an admin"), code == "missing_scope", "{told}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_another_company_is_told_so_and_changes_nothing() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h why").await;
        assert!(stage.slack.set_member("#access", "otto", true).is_ok());
        stage.otto.press_in("#access", "Approve").await;
        assert!(stage.slack.until(|slack| slack.screen("otto", "#access").contains("another company")).await);
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), None);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}
