//! Signing keys and their files. A secret stands in `FILE` (mode 0600) as
//! `PRIVATE+KEY+<name>+<hash>+<base64(type ‖ seed)>`, its public half in `FILE.pub` as a C2SP verifier key.

use crate::record::entropy::{self, EntropyError};
use deedbook_verify::hash::{self, RefKey};
use deedbook_verify::key::PublicKey;
use deedbook_verify::note::{NoteRefusal, VerifierKey, decode_base64, encode_base64};
use deedbook_verify::words::Digest;
use ed25519_dalek::Signer as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// The C2SP type of keys that sign frames, checkpoints and requests.
const SIGNER_ED25519: u8 = 0x01;

/// How the file of a secret begins.
const SECRET_BEGINS: &str = "PRIVATE+KEY+";

/// Larger files are not key files.
const KEY_FILE_BYTES_MAX: u64 = 4 * 1024;

/// Why a key file could not be read or written. No variant ever holds what stood in the file.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file could not be opened, read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Others than the owner may read a secret.
    #[error("{path}: a secret key must be readable by its owner alone; run `chmod 600 {path}`")]
    Permissions {
        /// Which.
        path: PathBuf,
    },
    /// It is the other half of the pair.
    #[error("{path}: a {found}, where a {wanted} is wanted; the pair's other file is {other}")]
    OtherHalf {
        /// Which.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What was wanted.
        wanted: &'static str,
        /// Where that usually stands.
        other: PathBuf,
    },
    /// It is no key of the wanted form.
    #[error("{path}: not a {wanted}; {}", hint(.wanted))]
    Form {
        /// Which.
        path: PathBuf,
        /// What was wanted.
        wanted: &'static str,
    },
    /// The name cannot stand in a verifier key.
    #[error("key name `{0}`: use 1 to 255 bytes without spaces, control characters or `+`")]
    Name(String),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Where files of a form come from.
fn hint(wanted: &str) -> &'static str {
    match wanted {
        PUBLIC => "a ledger's stands in its ledger.vkey, a producer's or witness's in FILE.pub beside its key",
        SECRET => "`deedbook key new --name NAME --out FILE` makes one",
        REF => "`deedbook append` fetches one and keeps it beside the key, as FILE.ref",
        _ => "`deedbook key new --witness --name NAME --out FILE` makes one",
    }
}

const PUBLIC: &str = "public key";
const SECRET: &str = "secret key";
const REF: &str = "ref key";

/// An Ed25519 secret with its name. The seed is wiped when dropped and never printed.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: VerifierKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

impl SigningKey {
    /// A fresh key.
    pub fn generate(name: &str) -> Result<SigningKey, KeyFileError> {
        let seed = Zeroizing::new(entropy::array::<32>()?);
        SigningKey::from_seed(name, &seed)
    }

    /// A key from its seed; for deterministic tests and key files.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<SigningKey, KeyFileError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let bad_name = |_: NoteRefusal| KeyFileError::Name(name.to_owned());
        let public = PublicKey::from_ed25519(secret.verifying_key().as_bytes());
        let public = public.ok_or(KeyFileError::Name(name.to_owned()))?;
        Ok(SigningKey { secret, public: VerifierKey::new(name, public).map_err(bad_name)? })
    }

    /// Reads a secret key file that nobody else may read.
    pub fn load(path: &Path) -> Result<SigningKey, KeyFileError> {
        load_typed(path, SIGNER_ED25519, SECRET)
    }

    /// Reads what a key file holds, ignoring white space around it.
    pub fn parse(text: &str) -> Option<SigningKey> {
        parse_typed(text, SIGNER_ED25519)
    }

    /// What a key file holds.
    pub fn to_text(&self) -> Zeroizing<String> {
        text_typed(self, SIGNER_ED25519)
    }

    /// Writes `path` (0600) and `path.pub`; refuses to overwrite either.
    pub fn store(&self, path: &Path) -> Result<(), KeyFileError> {
        store_typed(self, SIGNER_ED25519, &self.public.to_string(), path)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        self.public.name()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        self.public.key()
    }

    /// The public half with its name.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    /// The key under which this producer's event ids are made from its lines.
    pub fn event_id_key(&self) -> [u8; 32] {
        blake3::derive_key("deedbook event id 1", self.secret.as_bytes())
    }
}

/// Whether a text has the form of a public half, of whatever type.
fn is_public(text: &str) -> bool {
    let id = text.trim().split('+').nth(1).filter(|_| !text.starts_with(SECRET_BEGINS));
    id.is_some_and(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Reads a secret of one type.
pub(super) fn load_typed(path: &Path, kind: u8, wanted: &'static str) -> Result<SigningKey, KeyFileError> {
    // What is no secret may well be readable by everybody: it is named before its mode is.
    if is_public(&read_bounded(path)?) {
        let other =
            if path.extension().is_some_and(|ending| ending == "pub") { path.with_extension("") } else { path.into() };
        return Err(KeyFileError::OtherHalf { path: path.to_owned(), found: PUBLIC, wanted, other });
    }
    let text = read_secret(path)?;
    parse_typed(&text, kind).ok_or(KeyFileError::Form { path: path.to_owned(), wanted })
}

/// Writes a secret of one type, and its public half beside it.
pub(super) fn store_typed(key: &SigningKey, kind: u8, public: &str, path: &Path) -> Result<(), KeyFileError> {
    write_new(path, text_typed(key, kind).as_bytes(), 0o600)?;
    write_new(&public_path(path), format!("{public}\n").as_bytes(), 0o644)
}

fn parse_typed(text: &str, kind: u8) -> Option<SigningKey> {
    let mut parts = text.trim().strip_prefix(SECRET_BEGINS)?.splitn(3, '+');
    let (name, id, seed) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = Zeroizing::new(decode_base64(seed)?);
    let (found, seed) = bytes.split_first()?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.try_into().ok()?);
    let key = SigningKey::from_seed(name, &seed).ok()?;
    (*found == kind && id_of(&key, kind) == id).then_some(key)
}

fn text_typed(key: &SigningKey, kind: u8) -> Zeroizing<String> {
    let mut seed = Zeroizing::new(vec![kind]);
    seed.extend_from_slice(key.secret.as_bytes());
    let encoded = Zeroizing::new(encode_base64(&seed));
    Zeroizing::new(format!("{SECRET_BEGINS}{}+{}+{}\n", key.name(), id_of(key, kind), *encoded))
}

/// The id that a C2SP verifier key of this type has, in hex.
fn id_of(key: &SigningKey, kind: u8) -> String {
    let hash = hash::digest(&[key.name().as_bytes(), b"\n", &[kind], key.public().as_ed25519()]);
    hex(hash.0.get(..4).unwrap_or_default())
}

/// `FILE.pub` beside `FILE`.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Reads a verifier key file.
pub fn load_public(path: &Path) -> Result<VerifierKey, KeyFileError> {
    let text = read_bounded(path)?;
    VerifierKey::parse(&text).map_err(|_| match text.starts_with(SECRET_BEGINS) {
        true => {
            let (path, other) = (path.to_owned(), public_path(path));
            KeyFileError::OtherHalf { path, found: SECRET, wanted: PUBLIC, other }
        }
        false => KeyFileError::Form { path: path.to_owned(), wanted: PUBLIC },
    })
}

/// Reads a ref key: 64 hex digits, readable by its owner alone.
pub fn load_ref_key(path: &Path) -> Result<RefKey, KeyFileError> {
    let text = read_secret(path)?;
    let key = Digest::from_hex(text.trim());
    key.map(|key| RefKey(key.0)).ok_or(KeyFileError::Form { path: path.to_owned(), wanted: REF })
}

/// Writes a ref key (0600); refuses to overwrite.
pub fn store_ref_key(path: &Path, key: &RefKey) -> Result<(), KeyFileError> {
    let text = Zeroizing::new(format!("{}\n", Digest(key.0)));
    write_new(path, text.as_bytes(), 0o600)
}

/// Creates a file with this mode, synced, together with its folder's entry; never overwrites.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_owned(), error };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_owned(), error };
    let mode = std::fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Permissions { path: path.to_owned() });
    }
    read_bounded(path)
}

fn read_bounded(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_owned(), error };
    let mut text = Zeroizing::new(String::new());
    File::open(path).map_err(io)?.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
