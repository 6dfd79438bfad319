//! A witness's key: it makes cosignatures and nothing else. Its file says so by its type (0x04), so that no program of
//! ours takes it for a producer's, administrator's or head key, nor one of those for a witness's.

use crate::record::keys::{self, KeyFileError, SigningKey};
use deedbook_verify::cosign::{COSIGNER_ED25519, CosignerKey, message};
use deedbook_verify::words::Seconds;
use std::path::Path;

/// An Ed25519 secret that cosigns under a name. The seed is wiped when dropped and never printed.
#[derive(Debug)]
pub struct CosigningKey {
    secret: SigningKey,
    public: CosignerKey,
}

impl CosigningKey {
    /// A fresh key.
    pub fn generate(name: &str) -> Result<CosigningKey, KeyFileError> {
        CosigningKey::of(SigningKey::generate(name)?)
    }

    /// Reads a secret key file that nobody else may read.
    pub fn load(path: &Path) -> Result<CosigningKey, KeyFileError> {
        CosigningKey::of(keys::load_typed(path, COSIGNER_ED25519, "witness's secret key")?)
    }

    fn of(secret: SigningKey) -> Result<CosigningKey, KeyFileError> {
        let public = CosignerKey::new(secret.name(), secret.public().clone());
        let public = public.map_err(|_| KeyFileError::Name(secret.name().to_owned()))?;
        Ok(CosigningKey { secret, public })
    }

    /// Writes `path` (0600) and `path.pub`; refuses to overwrite either.
    pub fn store(&self, path: &Path) -> Result<(), KeyFileError> {
        keys::store_typed(&self.secret, COSIGNER_ED25519, &self.public.to_string(), path)
    }

    /// The public half.
    pub fn cosigner_key(&self) -> &CosignerKey {
        &self.public
    }

    /// The signature line, with its line feed, of a checkpoint's text at a time.
    pub fn cosign(&self, text: &str, time: Seconds) -> String {
        self.public.line(time, &self.secret.sign(message(text, time).as_bytes()))
    }
}
