//! The data folder: where each file stands. Whoever holds `keys/` can speak for the ledger; TRUST.md says how far.

use std::path::{Path, PathBuf};

/// A data folder, existing or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Names a folder; touches nothing.
    pub fn new(root: impl Into<PathBuf>) -> DataDir {
        DataDir { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The public verifier key: what auditors are given. Written last by `init`, so that its presence means complete.
    pub fn verifier_key(&self) -> PathBuf {
        self.root.join("ledger.vkey")
    }

    /// Secrets; mode 0700.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Signs checkpoints.
    pub fn head_key(&self) -> PathBuf {
        self.keys().join("head.key")
    }

    /// Signs what the ledger makes.
    pub fn sequencer_key(&self) -> PathBuf {
        self.keys().join("sequencer.key")
    }

    /// The first administrator's key, when `init` made one.
    pub fn admin_key(&self) -> PathBuf {
        self.keys().join("admin.key")
    }

    /// The key of all pseudonyms.
    pub fn ref_key(&self) -> PathBuf {
        self.keys().join("ref.key")
    }

    /// The engine's folder.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The head anchor's folder; may be a mount of another volume.
    pub fn anchor(&self) -> PathBuf {
        self.root.join("anchor")
    }

    /// The head anchor.
    pub fn anchor_file(&self) -> PathBuf {
        DataDir::anchor_in(&self.anchor())
    }

    /// The head anchor in a folder: the ledger's own, or one on another volume. One folder serves one ledger.
    pub fn anchor_in(folder: &Path) -> PathBuf {
        folder.join("head.anchor")
    }
}
