//! Stories: people use the real bot in the playground's worlds. One binary, one module a subject.

mod harness;

mod asking;
