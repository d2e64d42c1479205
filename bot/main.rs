//! The program: chooses TLS, reads the command line, runs one verb, exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    nightlatch::outside::tls();
    nightlatch::cli::run()
}
