//! A Slack workspace on loopback.
