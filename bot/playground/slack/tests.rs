//! The workspace as an app and its people meet it.
