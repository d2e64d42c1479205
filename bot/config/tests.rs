//! Broken configurations and what people are told about them.
