//! `nightlatch simulate`: years of the whole bot in one process, with everything that can break. For whoever builds it (feature `simulate`).

use std::process::ExitCode;

use clap::Args;

use crate::planted::Fault;
use crate::simulator::plan::Plan;
use crate::simulator::search::{Search, Searched, search, shrink, tell};

const YEAR_MS: i64 = 365 * 86_400_000;
const DAY_MS: i64 = 86_400_000;

/// Looks for runs in which something is wrong.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The first seed; the next runs have the next ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Long runs that are mostly quiet; stops after so many simulated years.
    #[arg(long, value_name = "N")]
    years: Option<i64>,
    /// Stops after so many seconds; with --planted, for each fault.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: i64,
    /// Only this one seed, made small, and what happened in it.
    #[arg(long)]
    once: bool,
    /// With --once: of the long runs that --years makes.
    #[arg(long)]
    long: bool,
    /// With --once: as it is, not made small.
    #[arg(long)]
    whole: bool,
    /// Plants every fault in turn: each is to be found.
    #[arg(long)]
    planted: bool,
    /// Plants this fault.
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
}

impl Simulate {
    pub(super) fn run(self) -> ExitCode {
        let named = |fault: &&Fault| self.fault.as_ref().is_some_and(|name| format!("{fault:?}") == *name);
        let fault = Fault::ALL.iter().find(named).copied();
        if self.planted {
            return self.find_planted();
        }
        if self.once {
            return self.show(self.seed, fault);
        }
        let searched = self.search(fault);
        super::data(&format!("{}\n", words(&searched)));
        match searched.red {
            None => ExitCode::SUCCESS,
            Some((seed, found)) => {
                super::data(&format!("seed {seed}: {found}\n"));
                self.show(seed, fault)
            }
        }
    }

    fn search(&self, fault: Option<Fault>) -> Searched {
        let simulated_ms = self.years.map(|years| years.saturating_mul(YEAR_MS));
        let real_ms = self.seconds.saturating_mul(1_000);
        let (seed, is_long) = (self.seed, self.is_long());
        search(Search { seed, simulated_ms, is_long, real_ms, runs_max: u64::MAX, fault })
    }

    fn is_long(&self) -> bool {
        self.long || self.years.is_some()
    }

    /// A red run, as small as it gets.
    fn show(&self, seed: u64, fault: Option<Fault>) -> ExitCode {
        let plan = if self.is_long() { Plan::long(seed, fault) } else { Plan::of(seed, fault) };
        let red = match if self.whole { tell(plan) } else { shrink(plan) } {
            Ok(Some(red)) => red,
            Ok(None) => {
                super::data(&format!("seed {seed}: nothing is wrong\n"));
                return ExitCode::SUCCESS;
            }
            Err(mishap) => {
                super::aside(&format!("it could not be run: {mishap}\n"));
                return ExitCode::from(super::WRONG);
            }
        };
        for line in &red.story {
            super::data(&format!("{line}\n"));
        }
        for planned in &red.plan.acts {
            super::data(&format!("at {} ms: {:?}\n", planned.at, planned.act));
        }
        let planted = fault.map(|fault| format!(" --fault {fault:?}")).unwrap_or_default();
        let long = if self.is_long() { " --long" } else { "" };
        super::data(&format!(
            "seed {seed}: {}\nagain with: nightlatch simulate --once --seed {seed}{planted}{long}\n",
            red.found
        ));
        ExitCode::from(super::WRONG)
    }

    fn find_planted(&self) -> ExitCode {
        let mut missed = 0;
        for fault in Fault::ALL {
            let searched = self.search(Some(*fault));
            let line = match &searched.red {
                Some((seed, found)) => format!("seed {seed}: {found}"),
                None => {
                    missed += 1;
                    "NOT FOUND".to_owned()
                }
            };
            super::data(&format!("{fault:?}: {}; {line}\n", words(&searched)));
        }
        super::data(&format!("{} of {} faults were found\n", Fault::ALL.len() - missed, Fault::ALL.len()));
        if missed == 0 { ExitCode::SUCCESS } else { ExitCode::from(super::WRONG) }
    }
}

fn words(searched: &Searched) -> String {
    let (days, seconds) = (searched.simulated_ms / DAY_MS, searched.real_ms / 1_000);
    format!("{} runs, {days} simulated days, in {seconds} s", searched.runs)
}
