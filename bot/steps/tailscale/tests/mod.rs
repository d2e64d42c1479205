//! The step types in the playground's tailnet.

mod attribute;
mod policy;
