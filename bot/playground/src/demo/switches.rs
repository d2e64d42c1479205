//! What the page can break: Tailscale's answers and Slack's, one mood each.

use serde::{Deserialize, Serialize};

use super::Worlds;
use crate::{slack, tailnet};

/// How Tailscale is today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TailscaleMood {
    /// As it should be.
    #[default]
    Works,
    /// Every call answers 500.
    Fails,
    /// No call is answered.
    Hangs,
    /// Every call answers 429, try again in 30 s.
    Limited,
}

/// How Slack is today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlackMood {
    /// As it should be.
    #[default]
    Works,
    /// The Web API answers 503; what people do still arrives.
    Down,
    /// Every answer takes two seconds.
    Slow,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Switches {
    pub tailscale: TailscaleMood,
    pub slack: SlackMood,
}

impl Worlds {
    /// Makes Tailscale behave like this from now on.
    pub fn set_tailscale(&self, mood: TailscaleMood) {
        self.tailnet.clear_faults(tailnet::Endpoint::Any);
        let fault = match mood {
            TailscaleMood::Works => return,
            TailscaleMood::Fails => tailnet::Fault::Status(500),
            TailscaleMood::Hangs => tailnet::Fault::Hang,
            TailscaleMood::Limited => tailnet::Fault::RateLimited("30".to_owned()),
        };
        self.tailnet.fault(tailnet::Endpoint::Any, fault, None);
    }

    /// Makes Slack's Web API behave like this from now on.
    pub fn set_slack(&self, mood: SlackMood) {
        self.slack.heal();
        let fault = match mood {
            SlackMood::Works => return,
            SlackMood::Down => slack::Fault::Unavailable,
            SlackMood::Slow => slack::Fault::Slow(2_000),
        };
        self.slack.fail("*", fault, u32::MAX);
    }
}
