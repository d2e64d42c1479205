//! What comes in from Slack: two doors, one shape for what comes through them, and what the bot does with it.

mod already;
pub mod answer;
mod approving;
mod asking;
mod buttons;
pub mod commands;
pub mod edge;
pub mod envelope;
pub mod events;
mod glass;
mod home;
pub mod http;
pub mod links;
pub mod modals;
mod once;
mod options;
pub mod pastes;
mod previews;
mod sentences;
mod shared;
pub mod socket;
pub mod surface;
mod typed;
