//! What the state machine does: a table for every state and event, races, and properties over random lives.

mod already;
mod asking;
mod buttons;
mod events;
mod extending;
mod for_another;
mod glass;
mod handing;
mod less;
mod messages;
mod passing;
mod people;
mod properties;
mod races;
mod rules;
mod simulation;
mod slow;
mod stages;
mod steps;
mod story;
mod urging;
mod words;
