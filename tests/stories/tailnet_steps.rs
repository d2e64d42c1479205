//! Roles, settings of devices and invitations: lent for a while, and the tailnet is as it was.

use nightlatch::kernel::{Found, Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

/// What the playground's client may, and what these steps need beside it.
const SCOPES: [&str; 8] = [
    "devices:core",
    "devices:routes",
    "devices:posture_attributes",
    "users",
    "users:read",
    "policy_file",
    "policy_file:read",
    "auth_keys",
];

/// The tokens that were given out keep the scopes they had.
fn let_change(stage: &Stage) {
    stage.tailnet.set_scopes(&SCOPES);
    stage.tailnet.revoke_tokens();
}

const ROLE: &str = r##"nightlatch: 1
title: Network admin
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.role
    with: { role: network-admin, unguarded: true }
announce: "#access"
"##;

const ROUTER: &str = r##"nightlatch: 1
title: Way into the lab
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.device
    with: { device: "{{ inputs.device }}", routes: [10.0.0.0/16], key_expiry_disabled: true }
announce: "#access"
"##;

const CONTRACTOR: &str = r##"nightlatch: 1
title: Contractor
inputs:
  hold: { type: duration, default: 1h, max: 30d }
  email: { type: text, pattern: "^[^@ ]+@[^@ ]+$", pattern_help: the contractor's e-mail address }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.invite
    with: { email: "{{ inputs.email }}", role: member, at_end: suspend }
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_lent_and_the_card_says_that_only_we_take_it_back() {
    story_everywhere_with(
        || Setting::default().workflow("network", ROLE),
        async |stage| {
            let_change(stage);
            stage.alice.command("/access network 2h INC-7").await;
            insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
            #access
            nightlatch:
              ⏳ *Waiting for approval* · Network admin
              @alice asks for 2h
              🔑 Lends `role network-admin for alice@example.com`
              > INC-7
              Asked: @bob, @carol (in group:dba)
              ⚠️ It does not end by itself: only Nightlatch takes it back.
              ~ Request 01kjmma2g000000001 · `network` · lapses today 15:00 · changes `tailscale.role alice@example.com`
              [Approve] [Approve...] [Deny]
            "));
            stage.bob.press("Approve").await;
            assert_eq!(
                (stage.request().await.state, stage.tailnet.role("alice@example.com")),
                (State::Active, "network-admin".to_owned())
            );
            stage.advance(2.hours()).await;
            assert_eq!(stage.tailnet.role("alice@example.com"), "member");
            let seen = stage.bob.sees("#access");
            assert!(seen.contains("what was there before is there again (role member)"), "{seen}");
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_began_was_not_lent() {
    story_with(Setting::default().workflow("network", ROLE), async |stage| {
        let_change(stage);
        stage.alice.command("/access network 2h INC-7").await;
        assert!(stage.bob.sees("#access").contains("🔑 Lends `role network-admin"), "{}", stage.bob.sees("#access"));
        stage.alice.command("/access withdraw network").await;
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("Withdrawn") && !seen.contains("🔑"), "{seen}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_an_admin_takes_away_stays_away() {
    story_with(Setting::default().workflow("network", ROLE), async |stage| {
        let_change(stage);
        stage.alice.command("/access network 2h INC-7").await;
        stage.bob.press("Approve").await;
        stage.tailnet.set_role_by_hand("alice@example.com", "auditor").expect("a user");
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.role("alice@example.com"), "auditor");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: taken away by hand in the tailnet* · Network admin
          @alice had it from today 07:00 to today 08:00:00, of 2h
          🔑 Lent `role network-admin for alice@example.com`
          > INC-7
          Approved by @bob (group:dba) today 07:00
          👀 Somebody took it away (today 08:00:00); lent was `role network-admin for alice@example.com`
          ⚠️ Left alone: somebody else changed it in between (role auditor). If that should not be, look at `tailscale.role alice@example.com`.
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `network` · `tailscale.role alice@example.com`
          [Put back]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch:
              🔒 Ended: somebody took it away by hand in the tailnet.
              ⚠️ Left alone: somebody else changed it in between (role auditor). If that should not be, look at `tailscale.role alice@example.com`.
              Open TCP connections may live on.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_scope_nothing_is_changed_and_people_hear_it() {
    story_with(Setting::default().workflow("network", ROLE), async |stage| {
        stage.alice.command("/access network 2h INC-7").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        insta::assert_snapshot!(request.trouble.map(|trouble| format!("{}; {}", trouble.what, trouble.advice)).unwrap_or_default(), @"Tailscale does not let the bot do this (changing a role); tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong");
        assert!(logged("give the OAuth client the scope `users`"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_lend_the_same_device_keep_it_until_the_last_of_them_ends() {
    story_everywhere_with(
        || Setting::default().workflow("lab", ROUTER),
        async |stage| {
            let_change(stage);
            stage.tailnet.set_routes_by_hand("alice-laptop", &["192.168.7.0/24"]).expect("a device");
            stage.alice.command("/access lab 1h INC-7").await;
            stage.bob.press("Approve").await;
            stage.alice.command("/access lab 2h INC-8").await;
            stage.bob.press("Approve").await;
            let lent = Some((vec!["10.0.0.0/16".to_owned()], true, true));
            assert_eq!(stage.tailnet.device_settings("alice-laptop"), lent);
            stage.advance(61.minutes()).await;
            assert_eq!(stage.tailnet.device_settings("alice-laptop"), lent);
            stage.advance(1.hours()).await;
            assert_eq!(
                stage.tailnet.device_settings("alice-laptop"),
                Some((vec!["192.168.7.0/24".to_owned()], true, false))
            );
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_on_the_way_leaves_nothing_behind() {
    for endpoint in [Endpoint::Routes, Endpoint::KeyExpiry, Endpoint::Device] {
        for fault in [Fault::LoseReply, Fault::Status(503)] {
            story_with(Setting::default().workflow("lab", ROUTER), async |stage| {
                let_change(stage);
                stage.tailnet.fault(endpoint, fault.clone(), Some(2));
                stage.alice.command("/access lab 1h INC-7").await;
                stage.bob.press("Approve").await;
                stage.advance(1.minutes()).await;
                assert_eq!(stage.request().await.state, State::Active, "{endpoint:?} {fault:?}");
                stage.tailnet.fault(endpoint, fault, Some(2));
                stage.advance(70.minutes()).await;
                assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
                stage.everybody_reads();
                stage.ends_late = true;
            })
            .await;
        }
    }
}

fn contractor() -> Setting {
    Setting { has_api_key: true, ..Setting::default().workflow("contractor", CONTRACTOR) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_nobody_accepts_is_withdrawn() {
    story_everywhere_with(contractor, async |stage| {
        stage.alice.command("/access contractor 2d zoe@contractor.example").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Contractor
          @alice asks for 2d
          🔑 Lends `an invitation of zoe@contractor.example as member`
          > zoe@contractor.example
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `contractor` · lapses today 15:00 · changes `tailscale.invite 01kjmma2g000000001 1 zoe@contractor.example`
          [Approve] [Approve...] [Deny]
        "));
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.invitations(), ["zoe@contractor.example"]);
        // Its address lets in whoever has it: it is nowhere.
        assert!(!stage.bot.database().await.contains("canaryinvite") && !logged("canaryinvite"));
        stage.advance(48.hours()).await;
        assert_eq!(stage.tailnet.invitations(), Vec::<String>::new());
        let found = stage.request().await.steps[0].proof.as_ref().map(|proof| proof.found.clone());
        assert_eq!(found, Some(Found::Gone));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepted_an_invitation_is_shut_out_at_the_end() {
    story_everywhere_with(contractor, async |stage| {
        stage.alice.command("/access contractor 2d zoe@contractor.example").await;
        stage.bob.press("Approve").await;
        stage.tailnet.accept_invitation("zoe@contractor.example").expect("an invitation");
        assert!(stage.tailnet.is_active("zoe@contractor.example"));
        stage.advance(48.hours()).await;
        assert!(!stage.tailnet.is_active("zoe@contractor.example"));
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepted_an_invitation_by_another_login_is_never_called_gone() {
    story_with(contractor(), async |stage| {
        stage.alice.command("/access contractor 2d zoe@contractor.example").await;
        stage.bob.press("Approve").await;
        stage.tailnet.accept_invitation_as("zoe@contractor.example", "zoe@github").expect("an invitation");
        stage.advance(3.hours()).await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.advance(45.hours()).await;
        assert!(stage.tailnet.is_active("zoe@github"), "nobody is shut out by guess");
        let said = stage.bob.sees("#access");
        assert!(!said.contains("Verified gone") && said.contains("since it was sent joined zoe@github"), "{said}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_whose_answer_was_lost_is_sent_once() {
    for fault in [Fault::LoseReply, Fault::Status(503), Fault::Forget] {
        story_with(contractor(), async |stage| {
            stage.tailnet.fault(Endpoint::Invite, fault.clone(), Some(1));
            stage.alice.command("/access contractor 2d zoe@contractor.example").await;
            stage.bob.press("Approve").await;
            stage.advance(1.minutes()).await;
            assert_eq!(stage.tailnet.invitations(), ["zoe@contractor.example"], "{fault:?}");
            assert_eq!(stage.request().await.state, State::Active, "{fault:?}");
            stage.tailnet.fault(Endpoint::WithdrawInvite, fault, Some(1));
            stage.advance(50.hours()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_person_invites_nobody() {
    let setting = Setting::default().workflow("contractor", CONTRACTOR);
    story_with(setting, async |stage| {
        stage.alice.command("/access contractor 2d zoe@contractor.example").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!(request.outcome, Some(Outcome::Failed));
        insta::assert_snapshot!(request.trouble.map(|trouble| format!("{}; {}", trouble.what, trouble.advice)).unwrap_or_default(), @"only a person can invite somebody to the tailnet, and the bot is an OAuth client; ask whoever runs the bot to give it `tailscale: api_key` of an admin");
        stage.everybody_reads();
    })
    .await;
    story_with(contractor(), async |stage| {
        stage.alice.command("/access contractor 2d alice@example.com").await;
        stage.bob.press("Approve").await;
        let trouble = stage.request().await.trouble.map(|trouble| trouble.what).unwrap_or_default();
        assert_eq!(trouble, "alice@example.com is a user of the tailnet already");
        stage.alice.command("/access contractor 2d email=a@b").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Contractor* for 2d. Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        nightlatch (only you): *Contractor* (contractor): nothing was asked. This workflow cannot be used: it has no settings that tailscale.invite can use: that is no e-mail address. Ask whoever looks after it to fix it.
        ");
        stage.everybody_reads();
    })
    .await;
}
