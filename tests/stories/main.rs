//! Stories: people use the real bot in the playground's worlds. One binary, one module a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod harness;

mod alarms;
mod already;
mod answers;
mod approve_for;
mod approvers;
mod ask_for;
mod asked_when;
mod asking;
mod auth_keys;
mod ceilings;
mod clicks;
mod clocks;
mod commands;
mod conditions;
mod copies;
mod deciding;
mod directory;
mod done;
mod doors;
mod drift;
mod edges;
mod ends;
mod examples;
mod extending;
mod extending_asked;
mod failing;
mod fixtures;
mod forms;
mod front;
mod glass;
mod go;
mod go_away;
mod go_finding;
mod go_forms;
mod go_owners;
mod go_real;
mod go_typed;
mod golink_link;
mod guardrails;
mod holders;
mod holding;
mod http_request;
mod inputs;
mod killed_outside;
mod lying;
mod managers;
mod modals;
mod of_the_request;
mod operators;
mod overlap;
mod passing;
mod paste;
mod paste_owners;
mod paste_pages;
mod paste_places;
mod paste_said;
mod policy_file;
mod previews;
mod program_run;
mod proofs;
mod results;
mod rules;
mod schedule;
mod slack_away;
mod slack_steps;
mod stages;
mod stages_direct;
mod stuck;
mod surviving;
mod tagged;
mod tags_and_shares;
mod tailnet_steps;
mod tell;
mod true_words;
mod turns;
mod typing;
mod urging;
mod visitors;
mod whys;
