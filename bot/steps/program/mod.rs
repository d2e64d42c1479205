//! Step types that run a program of this machine.

pub mod run;
