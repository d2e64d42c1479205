//! The client against a small Slack on loopback.
