//! A tailnet on loopback.
