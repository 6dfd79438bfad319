//! Who signs: the key file, the source that it speaks for, and the ledger's ref key, which is fetched once and kept
//! beside the key file. What the server says is held against genesis before it is used.

use super::client::Client;
use super::errors::Failure;
use super::files;
use super::output::remark;
use crate::api::{self, proto};
use crate::clock::Clock;
use crate::record::{self, SigningKey};
use bytes::Bytes;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::RefKey;
use deedbook_verify::judge::is_ref_key_of;
use deedbook_verify::words::{LedgerId, Micros, Ref};
use std::path::Path;

/// A key that may sign, and what it needs to do so.
pub struct Producer {
    /// The key.
    pub key: SigningKey,
    /// The ledger that it signs for.
    pub ledger: LedgerId,
    /// The source that it speaks for.
    pub source: Ref,
    /// Makes the ledger's refs.
    pub refs: RefKey,
}

/// Loads the key, asks the server who it is, and keeps the ref key as `FILE.ref`.
pub async fn load(client: &mut Client, signer: &Path) -> Result<Producer, Failure> {
    let key = files::secret_key(signer)?;
    let producer = introduce(client, key).await?;
    keep_ref_key(&files::ref_path(signer), &producer.refs)?;
    Ok(producer)
}

/// Asks the server which source a key speaks for, and for the ref key.
pub async fn introduce(client: &mut Client, key: SigningKey) -> Result<Producer, Failure> {
    let about = client.ledger().await?;
    let ledger = word(&about.ledger_id, "ledger_id").map(LedgerId)?;
    let time = now();
    let request = proto::GetRefKeyRequest {
        key_id: Bytes::copy_from_slice(key.public().id().as_bytes()),
        time_micros: time.0,
        signature: Bytes::copy_from_slice(&key.sign(&api::ref_key_request(ledger, time))),
    };
    let answer = match client.ref_key(request).await {
        Err(trouble) if trouble.reason.as_deref() == Some("REQUEST_NOT_AUTHENTICATED") => {
            return Err(stranger(client, &key, &about).await?);
        }
        answer => answer?,
    };
    if answer.ledger_id != ledger.as_bytes()[..] {
        return Err(Failure::failed("the server names two ledgers in one breath", "check which server answers"));
    }
    let refs = word(&answer.ref_key, "ref_key").map(RefKey)?;
    check_ref_key(client, &ledger, &refs).await?;
    Ok(Producer { key, ledger, source: word(&answer.source, "source").map(Ref)?, refs })
}

/// Why the ledger does not take a key's word: it never knew it, or the key has ended, which no enrollment mends.
async fn stranger(client: &mut Client, key: &SigningKey, about: &proto::GetLedgerResponse) -> Result<Failure, Failure> {
    let id = key.public().id();
    let keys = client.keys(Bytes::new(), false).await?;
    let known = keys.iter().find(|known| known.key_id == id.as_bytes()[..]);
    let whose = format!("ledger {} at {}", about.origin, client.server());
    Ok(match known.map(|known| (known, known.ended_index)) {
        None => {
            let next = format!(
                "if that is the right ledger, have an administrator run `deedbook key enroll --signer ADMIN.key \
                 --source {} FILE.pub`; else name the right server with --server",
                key.name()
            );
            Failure::refused(format!("{whose} does not know key {id}"), next)
        }
        Some((_, Some(index))) => Failure::refused(
            format!("{whose}: key {id} ended at index {index}, by rotation or revocation, and never comes back"),
            format!("sign with the key that took its place; `deedbook get {index}` and `deedbook key list` show which"),
        ),
        Some((known, None)) if known.role() == proto::KeyRole::Source => {
            Failure::refused(format!("{whose} does not accept the signature of key {id}"), "set this machine's clock")
        }
        Some((_, None)) => Failure::refused(
            format!("{whose}: key {id} is the ledger's own, and signs no events"),
            "sign with an administrator's or a source's key",
        ),
    })
}

/// Genesis commits to the ref key, and its leaf hash is the ledger id: a wrong key would make wrong pseudonyms for ever.
async fn check_ref_key(client: &mut Client, ledger: &LedgerId, refs: &RefKey) -> Result<(), Failure> {
    let genesis = client.event(0, proto::EventView::Basic).await?;
    let entry = Entry::parse(&genesis.entry)?;
    let sound = if let Detail::Genesis(genesis) = entry.facts.detail {
        entry.leaf().0 == ledger.0 && is_ref_key_of(&genesis, refs)
    } else {
        false
    };
    if sound {
        return Ok(());
    }
    let next = "do not append; compare the ledger id with its operator";
    Err(Failure::failed("the server's ref key is not the one that genesis commits to", next))
}

fn keep_ref_key(path: &Path, refs: &RefKey) -> Result<(), Failure> {
    if path.exists() {
        if record::load_ref_key(path)?.0 == refs.0 {
            return Ok(());
        }
        remark(&format!("{} was another ledger's; it is replaced", path.display()));
        std::fs::remove_file(path).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(record::store_ref_key(path, refs)?)
}

/// The time that a person's command states.
pub fn now() -> Micros {
    Clock::system().wall()
}

/// Bytes of a fixed width from an answer.
pub fn word<const N: usize>(bytes: &[u8], field: &str) -> Result<[u8; N], Failure> {
    bytes.try_into().map_err(|_| {
        let message = format!("the server's `{field}` has {} bytes, not {N}", bytes.len());
        Failure::failed(message, "compare the versions of server and client")
    })
}
