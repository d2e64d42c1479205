//! Step types that call a service over HTTP.

pub mod request;
