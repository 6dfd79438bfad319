//! Compiles `proto/` to Rust, without protoc. It knows nothing of what the messages mean; the output stays in `OUT_DIR`
//! and is included by `src/api/proto.rs` alone.

use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 12] = [
    "event",
    "error",
    "ledger_service",
    "proof_service",
    "key_service",
    "subscription_service",
    "erasure_service",
    "policy_service",
    "approval_service",
    "principal_service",
    "lineage_service",
    "evidence_service",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(FILES.map(|name| format!("deedbook/v1/{name}.proto")))?;
    // What the server shows by reflection; the benchmark's echo below is no part of it.
    std::fs::write(out.join("deedbook.v1.bin"), compiler.encode_file_descriptor_set())?;
    compiler.open_file("deedbook/bench/v1/echo_service.proto")?;
    tonic_prost_build::configure()
        // Facts and bodies are slices of the received buffer from the socket to the store.
        .bytes(".")
        .emit_rerun_if_changed(false)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
