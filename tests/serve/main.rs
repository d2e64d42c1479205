//! The real binary: `nightlatch serve` in a process of its own.

mod killed;
mod scene;
mod signals;
