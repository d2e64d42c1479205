//! The door with signed and unsigned requests.
