//! What the tidy rules say: rows of modules, fences around names, limits, marks. Data only; `tidy` applies it.

/// The modules of `src/` and their rows. A module imports itself and lower rows only: never sideways, never up.
/// The second number orders the top row, where `main` calls `cli`, and `cli` calls `app`.
pub const ROWS: &[(&str, (u8, u8))] = &[
    ("limits", (0, 0)),
    ("clock", (0, 0)),
    ("plant", (0, 0)),
    ("domain", (1, 0)),
    ("record", (2, 0)),
    ("store", (3, 0)),
    ("approvals", (3, 0)),
    ("policy", (3, 0)),
    ("lineage", (3, 0)),
    ("merkle", (3, 0)),
    ("witness", (3, 0)),
    ("ledger", (4, 0)),
    ("evidence", (4, 0)),
    ("api", (5, 0)),
    ("http", (5, 0)),
    ("audit", (5, 0)),
    ("cosign", (5, 0)),
    ("app", (6, 0)),
    ("cli", (6, 1)),
    ("main", (6, 2)),
    ("lib", (7, 0)),
];

/// Names with a fence around them. A name led by `::` counts anywhere in a path, any other only at its start.
pub struct Fence {
    pub names: &'static [&'static str],
    pub side: Side,
    pub reason: &'static str,
}

pub enum Side {
    /// Only these modules may use the names.
    Inside(&'static [&'static str]),
    /// These modules must not use the names.
    Outside(&'static [&'static str]),
}

pub const FENCES: &[Fence] = &[
    Fence {
        names: &["rocksdb", "librocksdb_sys"],
        side: Side::Inside(&["src/store/rocks"]),
        reason: "the engine is exchangeable behind the `Store` trait; extend the trait instead",
    },
    Fence {
        names: &["cedar_policy"],
        side: Side::Inside(&["src/policy"]),
        reason: "policies are evaluated in one place; ask `crate::policy`",
    },
    Fence {
        names: &["petgraph"],
        side: Side::Inside(&["src/lineage"]),
        reason: "the graph's representation is lineage's own; ask `crate::lineage`",
    },
    Fence {
        names: &[
            "tonic",
            "tonic_health",
            "tonic_prost",
            "tonic_reflection",
            "tonic_types",
            "tower_layer",
            "prost",
            "prost_types",
        ],
        side: Side::Inside(&["src/api"]),
        reason: "protobuf is transport only; convert at the edge, and re-export clients from `crate::api`",
    },
    Fence {
        names: &["axum"],
        side: Side::Inside(&["src/http"]),
        reason: "HTTP stays at its edge; hand `crate::http` what it shall serve",
    },
    Fence {
        names: &["hyper", "http_body_util", "tokio_rustls", "rustls_native_certs"],
        side: Side::Inside(&["src/cosign"]),
        reason: "the server asks nobody but witnesses; `crate::cosign` does it within bounds",
    },
    Fence {
        names: &["hyper_util"],
        side: Side::Inside(&["src/cosign", "src/api/dial"]),
        reason: "the program asks witnesses and servers of its own kind; `crate::cosign` and `api::connect` do it within bounds",
    },
    Fence {
        names: &["::CosigningKey"],
        side: Side::Inside(&["src/record", "src/witness", "src/app/witness", "src/cli/key"]),
        reason: "a witness's key makes cosignatures and nothing else; ask `crate::witness`",
    },
    Fence {
        names: &["clap"],
        side: Side::Inside(&["src/cli", "src/main"]),
        reason: "the command line is one front among several; pass plain values down",
    },
    Fence {
        names: &["tokio::runtime", "tokio::main"],
        side: Side::Inside(&["src/app", "src/cli", "src/main"]),
        reason: "the wiring alone decides on threads; take a handle or be async",
    },
    Fence {
        names: &["::SystemTime::now", "::Instant::now"],
        side: Side::Inside(&["src/clock"]),
        reason: "tests and replay choose the time; take a `Clock`",
    },
    Fence {
        names: &["getrandom", "chacha20poly1305"],
        side: Side::Inside(&["src/record"]),
        reason: "salts, body keys and body encryption have one home; ask `crate::record`",
    },
    Fence {
        names: &["::HeadKey"],
        side: Side::Inside(&["src/ledger/head", "src/ledger/open", "src/ledger/mod"]),
        reason: "whoever holds this key can sign a forked history; ask `ledger::head` for a checkpoint",
    },
    Fence {
        names: &["::SequencerKey"],
        side: Side::Inside(&["src/ledger/sequencer", "src/ledger/open", "src/ledger/genesis", "src/ledger/mod"]),
        reason: "whoever holds this key can speak as the ledger; ask `ledger::sequencer` for a frame",
    },
    Fence {
        names: &["serde", "serde_json", "prost"],
        side: Side::Outside(&["src/domain"]),
        reason: "domain types have no wire form; give the edge its own types and convert",
    },
    Fence {
        names: &["tokio", "std::fs", "std::net", "std::env", "crate::clock"],
        side: Side::Outside(&["src/domain", "src/merkle", "src/approvals", "src/lineage"]),
        reason: "pure code, so that server, replay and property tests run the same; take values as arguments",
    },
];

pub const LINES_MAX: usize = 400;
pub const FUNCTION_LINES_MAX: usize = 70;
pub const VERIFIER_DEPENDENCIES: &[&str] = &["base64", "blake3", "ed25519-dalek", "sha2"];

/// Marks of unfinished work and folders of a build machine, cut in two so that this file passes the rules itself.
pub const OPEN_ENDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("#[ign", "ore"),
];
pub const MACHINE_FOLDERS: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];
