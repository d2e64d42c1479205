//! What else can be typed: help, list, return, withdraw; and the home tab.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

fn private(human: &Human) -> String {
    human.reads_in("#general")
}

#[tokio::test(flavor = "multi_thread")]
async fn help_says_what_can_be_borrowed_and_how() {
    story(async |stage| {
        stage.alice.command("/access help").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          *Ask*
          `/access` opens a form. `/access NAME 2h why you need it` asks at once; what cannot be told is asked for.
          *Look and give back*
          `/access list` shows what you hold, what you asked, and what waits for you.
          `/access return NAME` gives it back early, `/access extend NAME 1h` holds it for longer where that may be.
          Asked to decide? *Approve...* on the card is for less time, `/access pass ID @person` gives your turn to somebody else who may, and `/access revoke NAME @person` takes away what they hold.
          `/access why NAME` says by which rules you may ask or approve, and what stands against it.
          *What you can ask for*
          • `/access prod-db 1h why you need it` · Production database: Reach tag:prod-db from one of your devices.
        ");
        stage.grace.command("/access help").await;
        insta::assert_snapshot!(private(&stage.grace), @"
        #general
        nightlatch (only you): Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one.
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_i_hold_what_i_asked_and_what_waits_for_me() {
    let billing = changed(PROD_DB, &[("Production database", "Billing console"), ("jit_prod_db", "jit_billing")]);
    story_with(Setting::default().workflow("billing", &billing), async |stage| {
        stage.carol.command("/access list").await;
        insta::assert_snapshot!(private(&stage.carol), @"
        #general
        nightlatch (only you): You hold nothing, asked for nothing, and nothing waits for you. Type `/access` to ask for something.
        ");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(35.minutes()).await;
        stage.alice.command("/access billing 1h month end").await;
        stage.carol.command("/access billing 1h month end too").await;
        private(&stage.alice);
        stage.alice.command("/access list").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          *You hold*
          🟢 *Production database* (`prod-db`) on alice-laptop, until today 15:00, 1h25m left  [Return]
          *You asked for*
          ⏳ *Billing console* (`billing`) on alice-laptop for 1h, lapses today 21:35  [Withdraw]
        ");
        private(&stage.carol);
        stage.carol.command("/access list").await;
        insta::assert_snapshot!(private(&stage.carol), @"
        #general
        nightlatch (only you):
          *You asked for*
          ⏳ *Billing console* (`billing`) on carol-laptop for 1h, lapses tomorrow 05:35  [Withdraw]
          *Waits for you*
          ⏳ @alice: *Billing console* (`billing`) on alice-laptop for 1h, lapses tomorrow 05:35
          Decide in #access, on the message about request 01kjmpa59000000002.
          *You may take back*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 23:00, 1h25m left  [Revoke]
        ");
        stage.alice.press_in("#general", "Return").await;
        stage.alice.press_in("#general", "Withdraw").await;
        assert!(!stage.is_on());
        private(&stage.alice);
        stage.alice.command("/access list").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you):
          *Over*
          ↩️ *Billing console* (`billing`) on alice-laptop: withdrawn today 13:35:00  [Ask again]
          🔒 *Production database* (`prod-db`) on alice-laptop: returned today 13:35:00  [Ask again]
        ");
        stage.carol.command("/access withdraw billing").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_can_be_given_back_early_with_a_command() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 8h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(10.minutes()).await;
        stage.alice.command("/access return prod-db").await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Returned)));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_back_says_what_it_does_and_what_there_is() {
    story(async |stage| {
        stage.alice.command("/access return prod-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing to return: you hold nothing now.
        ");
        stage.alice.command("/access prod-db 8h invoice 1204").await;
        private(&stage.alice);
        stage.alice.command("/access return prod-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing to return: you hold nothing now.
        ");
        stage.bob.press("Approve").await;
        stage.alice.command("/access return").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): Say which: `/access return prod-db`. You hold `prod-db`.
        ");
        stage.alice.command("/access return prd-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing called `prd-db` to return. You hold `prod-db`. Did you mean `/access return prod-db`?
        ");
        stage.alice.command("/access withdraw prod-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): There is nothing to withdraw: nothing of yours waits for a decision.
        ");
        assert!(stage.is_on());
        stage.bob.command("/access return prod-db").await;
        assert!(private(&stage.bob).contains("There is nothing to return"), "only one's own");
        assert!(stage.is_on());
        stage.alice.command("/access return prod-db").await;
        insta::assert_snapshot!(private(&stage.alice), @"
        #general
        nightlatch (only you): Giving back *Production database* on alice-laptop. You will hear from me when it is verified gone.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_withdrawn_until_it_is_decided() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 8h invoice 1204").await;
        stage.alice.command("/access withdraw prod-db").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Withdrawn)));
        assert!(stage.bob.sees("#access").contains("Withdrawn by its requester"));
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_tab_shows_the_same_and_its_buttons_work() {
    story(async |stage| {
        insta::assert_snapshot!(stage.carol.home().await, @"
        [Ask for access]
        ~ As of today 21:00:00. `/access list` is always up to date.
        Nothing waits for you, and you hold nothing. That is how it should be.
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.carol.home().await, @"
        [Ask for access]
        ~ As of today 21:00:00. `/access list` is always up to date.
        # Waiting for you
        *Production database* on alice-laptop for @alice, for 2 hours. Lapses tomorrow 05:00.
        > invoice 1204
        [Approve] [Approve...] [Deny]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # What you asked for
        *Production database* on alice-laptop: waiting for approval. Lapses today 21:00.
        [Withdraw]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.carol.press_in("home", "Approve").await;
        assert!(stage.is_on());
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # What you hold
        *Production database* on alice-laptop: active until today 15:00, 2h left
        [Return]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.press_in("home", "Return").await;
        assert!(!stage.is_on());
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # Lately ended
        *Production database* on alice-laptop: returned today 13:00:00  [Ask again]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.alice.press_in("home", "Ask again").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <2 hours>
        Reason: <invoice 1204>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_takes_it_away_by_typing() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 8h invoice 1204").await;
        stage.bob.press("Approve").await;
        let said = |human: &Human| human.sees("#general");
        for (line, answer) in [
            ("/access revoke", "Say what, and from whom: `/access revoke NAME @person why`"),
            ("/access revoke prdo-db @alice", "Did you mean `/access list prod-db`?"),
            ("/access revoke prod-db alice", "Say from whom, with an @"),
            ("/access revoke prod-db @carol", "holds nothing called `prod-db` now"),
            ("/access revoke prod-db @bob", "`/access return prod-db`"),
        ] {
            stage.bob.command(line).await;
            assert!(said(&stage.bob).contains(answer), "{line}: {}", said(&stage.bob));
        }
        stage.dave.command("/access revoke prod-db @alice").await;
        assert!(said(&stage.dave).contains("is told to those who decide on it"), "{}", said(&stage.dave));
        assert!(stage.is_on());
        stage.bob.command("/access revoke prod-db @alice the *invoice* is paid").await;
        assert!(said(&stage.bob).contains("The card says when it is verified gone"), "{}", said(&stage.bob));
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
        assert!(!stage.is_on());
        assert!(stage.alice.reads().contains("is paid"), "alice reads why");
        stage.everybody_reads();
    })
    .await;
}
