//! The one binary. Everything that it does is in the library; this file only hands over the exit code.

use std::process::ExitCode;

/// What one thread allocates, another frees: decoding, checking, placing and committing each have theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    deedbook::cli::main()
}
