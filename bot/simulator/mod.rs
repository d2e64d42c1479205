//! The whole bot on its four seams in one process: a company, a Slack, a tailnet, everything that can break, and a model that says what must
//! be. A run comes from a seed and is the same every time.
//!
//! Read `plan` and `drawing` (what happens), `model` (what must be), `life` (one run), `search` (many runs, and a red one made small).

mod beside;
mod checks;
mod company;
mod deals;
mod dice;
mod drawing;
mod focus;
mod happenings;
mod harm;
pub mod life;
mod memberships;
mod model;
mod network;
mod people;
mod places;
pub mod plan;
mod policy_file;
mod processor;
mod rules;
mod seams;
pub mod search;
mod service;
mod slack;
mod tailnet;
mod tailnet_settings;
mod words;
mod world;
