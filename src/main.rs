//! The one binary. Everything that it does is in the library; this file only hands over the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    deedbook::cli::main()
}
