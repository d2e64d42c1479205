//! What every step type has to stand: settled twice, killed after every row, each outside call failing before and after its effect, ended
//! twice, holders that come and go in any order, other hands in between; and the world is as it was. A step type without a scenario fails.
//! `NIGHTLATCH_PROOFS=all` tries every fault at every call, and more orders.

mod scenarios;

use std::collections::BTreeSet;

use nightlatch::config::secret::LentSecret;
use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::service::{self, ServiceWorld};
use nightlatch::playground::slack::{self, Channel};
use nightlatch::playground::tailnet;
use nightlatch::steps::TYPES;
use secrecy::SecretString;

use crate::harness::*;
use crate::program_run::Machine;
use scenarios::{Call, Hand, Scenario, scenarios};

const SCOPES: [&str; 8] = [
    "devices:core",
    "devices:routes",
    "devices:posture_attributes",
    "users",
    "policy_file",
    "auth_keys",
    "device_invites",
    "logs:configuration:read",
];

/// What a scenario needs beside the two worlds.
struct Beside {
    service: ServiceWorld,
    machine: Machine,
}

impl Beside {
    async fn new() -> Self {
        let service = ServiceWorld::start().await.expect("a service");
        Self { service, machine: Machine::new() }
    }
}

impl Scenario {
    fn workflow(&self, beside: &Beside) -> String {
        let program = beside.machine.program().display().to_string();
        let step = self.step.replace("SERVICE", &beside.service.url()).replace("PROGRAM", &program);
        format!(
            "nightlatch: 1\ntitle: Proof\ninputs:\n  hold: {{ type: duration, default: 1h, max: 8h }}\n  reason: {{ type: text }}\n{}ask: \
             [group:engineering]\napprove:\n  - by: [group:dba]\nsteps:\n  - name: it\n    uses: {}\n    with: {step}\nannounce: \"#access\"\n",
            self.inputs, self.uses
        )
    }

    fn setting(&self, mode: Mode, beside: &Beside) -> Setting {
        let text = self.workflow(beside);
        let setting = match self.uses {
            "program.run" => beside.machine.setting(mode, &beside.machine.workflow()),
            "http.request" => {
                let (secret, hosts) = (SecretString::from(service::TOKEN), vec!["127.0.0.1".to_owned()]);
                let named = [("ci".to_owned(), LentSecret { secret, hosts, programs: vec![] })].into();
                let more = "secrets: { ci: { from: env:CI_TOKEN, hosts: [127.0.0.1] } }".to_owned();
                Setting { mode, more, named, ..Setting::default() }
            }
            _ => Setting { mode, ..Setting::default() },
        };
        let setting = setting.workflow("proof", &text).several_of_one().seed(|mut seed| {
            seed.channels.push(Channel::private("C0INCIDENT", "incident").with(&["U0BOB0001", "U0NIGHTLATCH"]));
            seed
        });
        Setting { has_api_key: self.uses == "tailscale.invite", ..setting }
    }

    fn let_change(&self, stage: &Stage) {
        stage.tailnet.set_scopes(&SCOPES);
        stage.tailnet.revoke_tokens();
    }

    /// Whether it is on; what cannot be seen is believed.
    fn fits(&self, stage: &Stage, is_on: bool) -> bool {
        self.is_on.is_none_or(|read| read(stage) == is_on)
    }
}

fn break_once(stage: &Stage, beside: &Beside, call: Call, is_after: bool) {
    match call {
        Call::Tailnet(endpoint) => {
            let fault = if is_after { tailnet::Fault::LoseReply } else { tailnet::Fault::Status(503) };
            stage.tailnet.fault(endpoint, fault, Some(1));
        }
        Call::Slack(method) => {
            let fault = if is_after { slack::Fault::LostReply } else { slack::Fault::Unavailable };
            stage.slack.fail(method, fault, 1);
        }
        Call::Service => {
            let fault = if is_after { service::Fault::LoseReply } else { service::Fault::Status(503) };
            beside.service.fail([Some(fault)]);
        }
    }
}

/// Lent for an hour and ended by the clock; one call fails on the way, or none.
async fn lent_and_ended(scenario: &Scenario, mode: Mode, broken: Option<(Call, bool, bool)>) {
    let beside = Beside::new().await;
    let name = format!("{} {mode:?} {broken:?}", scenario.uses);
    eprintln!("-- {name}");
    story_with(scenario.setting(mode, &beside), async |stage| {
        scenario.let_change(stage);
        stage.ends_late = broken.is_some();
        let breaks = |at_end: bool| {
            if let Some((call, is_after, is_at_end)) = broken
                && is_at_end == at_end
            {
                break_once(stage, &beside, call, is_after);
            }
        };
        stage.alice.command(&format!("/access proof 1h {} why", scenario.typed)).await;
        breaks(false);
        stage.bob.press("Approve").await;
        stage.advance(3.minutes()).await;
        assert_eq!(stage.request().await.state, State::Active, "{name}");
        assert!(scenario.fits(stage, true), "{name}: it is not on");
        breaks(true);
        stage.advance(2.hours()).await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Expired)), "{name}");
        assert!(scenario.fits(stage, false), "{name}: it is still on");
        assert_eq!(beside.service.freezes().len(), 0, "{name}");
        stage.everybody_reads();
    })
    .await;
}

fn is_thorough() -> bool {
    std::env::var("NIGHTLATCH_PROOFS").is_ok_and(|word| word == "all")
}

#[test]
fn every_step_type_has_a_scenario() {
    let listed: BTreeSet<&str> = TYPES.iter().map(|kind| kind.uses).collect();
    let tried: BTreeSet<&str> = scenarios().iter().map(|one| one.uses).collect();
    assert_eq!(listed, tried, "a step type without a scenario, or a scenario without a step type");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_type_is_lent_and_ended_and_leaves_the_world_as_it_was() {
    for scenario in scenarios() {
        lent_and_ended(&scenario, Mode::Socket, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_type_survives_a_kill_after_every_row() {
    for scenario in scenarios() {
        lent_and_ended(&scenario, Mode::Killed, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_type_stands_a_call_that_fails_before_or_after_its_effect() {
    let mut number = 0_usize;
    for scenario in scenarios() {
        for call in scenario.calls {
            for (is_after, is_at_end) in [(false, false), (true, false), (false, true), (true, true)] {
                number += 1;
                // One in four, and another one for each call.
                if is_thorough() || (number + number / 4).is_multiple_of(4) {
                    lent_and_ended(&scenario, Mode::Socket, Some((*call, is_after, is_at_end))).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_hand_made_meanwhile_stays() {
    for scenario in scenarios() {
        let Some(Hand { makes, is_kept }) = scenario.hand else { continue };
        let beside = Beside::new().await;
        story_unless_left_open(
            scenario.setting(Mode::Socket, &beside),
            START_MS,
            |_, _| {},
            async |stage| {
                scenario.let_change(stage);
                stage.alice.command("/access proof 1h why").await;
                stage.bob.press("Approve").await;
                stage.advance(3.minutes()).await;
                makes(stage);
                stage.advance(3.hours()).await;
                assert_eq!(stage.request().await.state, State::Ended, "{}", scenario.uses);
                assert!(is_kept(stage), "{}", scenario.uses);
                false
            },
        )
        .await;
    }
}

/// Draws numbers from a seed, the same for everybody.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("32 bits") % count
    }
}

/// The model: who holds it until when. It is on for as long as anybody does.
#[derive(Default)]
struct Holders(Vec<i64>);

impl Holders {
    fn pass(&mut self, now: i64) {
        self.0.retain(|end| *end > now);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_that_come_and_go_in_any_order_keep_it_until_the_last_one_ends() {
    let seeds = if is_thorough() { 20 } else { 1 };
    for scenario in scenarios().into_iter().filter(|one| one.is_shared) {
        for seed in 0..seeds {
            let beside = Beside::new().await;
            story_with(scenario.setting(Mode::Socket, &beside), async |stage| {
                scenario.let_change(stage);
                let (mut dice, mut model) = (Dice(seed * 77 + scenario.uses.len() as u64), Holders::default());
                for turn in 0..8 {
                    match dice.below(3) {
                        0 if !model.0.is_empty() => {
                            stage.alice.press_in("#access", "Return").await;
                            let open = stage.requests().await.into_iter().filter(|one| one.state == State::Active);
                            let ends: Vec<i64> = open.filter_map(|one| one.expires_at).collect();
                            assert_eq!(ends.len() + 1, model.0.len(), "{} {seed} {turn}", scenario.uses);
                            assert!(ends.iter().all(|end| model.0.contains(end)));
                            model.0 = ends;
                        }
                        1 => stage.advance(37.minutes()).await,
                        _ => {
                            let hours = 1 + dice.below(4);
                            stage.alice.command(&format!("/access proof {hours}h turn {turn}")).await;
                            stage.bob.press("Approve").await;
                            let hold_ms = i64::try_from(hours).expect("a few") * 3_600_000;
                            model.0.push(stage.clock.now_ms() + hold_ms);
                        }
                    }
                    model.pass(stage.clock.now_ms());
                    let is_on = !model.0.is_empty();
                    assert!(scenario.fits(stage, is_on), "{} seed {seed} turn {turn}: {:?}", scenario.uses, model.0);
                }
                stage.advance(5.hours()).await;
                assert!(scenario.fits(stage, false), "{} seed {seed}: still on", scenario.uses);
                stage.everybody_reads();
            })
            .await;
        }
    }
}
