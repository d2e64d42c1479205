//! The world over plain HTTP, as somebody else's client would use it.
