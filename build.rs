//! Tells cargo which files outside the sources the program is built from.

fn main() {
    // Without this, cargo would not notice a new migration.
    println!("cargo:rerun-if-changed=migrations");
}
