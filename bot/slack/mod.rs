//! What comes in from Slack: two doors, one shape for what comes through them, and what the bot does with it.

pub mod answer;
pub mod edge;
pub mod envelope;
pub mod http;
pub mod socket;
pub mod surface;
