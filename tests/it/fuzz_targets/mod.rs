//! What is fuzzed: one function for each kind of bytes that comes from outside, with what must hold whatever they are.
//! libFuzzer (`make fuzz`) and the tests (`fuzz_corpus`) call the same functions. It depends on nothing else of the
//! tests, because `fuzz/` includes it by its path.

mod packages;
mod policies;
mod recipe;
mod server;
mod verifier;

/// A target: its name, which is its folder in `fuzz/corpus`, and what is done with an input.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target { name: "entry", run: verifier::entry },
    Target { name: "frame", run: verifier::frame },
    Target { name: "note", run: verifier::note },
    Target { name: "policy", run: verifier::policy },
    Target { name: "receipt", run: verifier::receipt },
    Target { name: "lineage", run: verifier::lineage },
    Target { name: "receipt-recipe", run: recipe::receipt },
    Target { name: "proof", run: verifier::proof },
    Target { name: "replay", run: verifier::replay },
    Target { name: "replay-recipe", run: recipe::replay },
    Target { name: "package-question", run: packages::question },
    Target { name: "package-manifest", run: packages::manifest },
    Target { name: "package-start", run: packages::start },
    Target { name: "package-bodies", run: packages::bodies },
    Target { name: "package-recipe", run: packages::recipe },
    Target { name: "key-file", run: server::key_file },
    Target { name: "line", run: server::line },
    Target { name: "openlineage", run: server::openlineage },
    Target { name: "prov", run: server::prov },
    Target { name: "framing", run: server::framing },
    Target { name: "anchor", run: server::anchor },
    Target { name: "tile-path", run: server::tile_path },
    Target { name: "documents", run: policies::documents },
    Target { name: "cedar", run: policies::cedar },
];
