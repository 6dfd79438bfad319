//! The client of witnesses (C2SP tlog-witness): asks each to cosign the newest checkpoint, off the path of appends, and
//! hands what verifies to the ledger. It signs nothing; hyper and TLS stay here.

mod address;
mod link;
mod run;

pub use address::AddressError;
pub use link::Link;
pub use run::Running;

use crate::ledger::Recollection;
use crate::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::policy::Policy;
use std::sync::Arc;
use thiserror::Error;
use tokio::time::timeout;

/// Why a policy cannot be served under.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// It is about other ledgers.
    #[error("the witness policy does not list this ledger's key {0}; add a line `log {0}`")]
    OtherLog(String),
    /// A witness cannot be reached.
    #[error("witness `{witness}`: {error}")]
    Address {
        /// Its name in the policy.
        witness: String,
        /// Why not.
        error: AddressError,
    },
    /// No certificates to check witnesses by.
    #[error("the system's certificate authorities cannot be read, which https witnesses need: {0}")]
    Authorities(String),
}

/// The witnesses of a policy, ready to be asked.
pub struct Witnesses {
    policy: Policy,
    links: Vec<Arc<Link>>,
}

impl Witnesses {
    /// Checks a policy for a ledger: it must list the ledger's key, and a URL for each witness.
    pub fn of(policy: Policy, key: &VerifierKey) -> Result<Witnesses, PolicyError> {
        let policy = policy.for_log(key).ok_or_else(|| PolicyError::OtherLog(key.to_string()))?;
        let mut links = Vec::new();
        let mut tls = None;
        for witness in policy.witnesses() {
            let name = String::from_utf8_lossy(&witness.name).into_owned();
            let address = address::Address::parse(witness.url.as_deref());
            let address = address.map_err(|error| PolicyError::Address { witness: name.clone(), error })?;
            if address.tls && tls.is_none() {
                tls = Some(link::tls_of_the_system().map_err(PolicyError::Authorities)?);
            }
            links.push(Arc::new(Link::new(name, witness.key.clone(), key.clone(), address, tls.clone())));
        }
        Ok(Witnesses { policy, links })
    }

    /// The policy, narrowed to the ledger.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Asks every witness at once what it cosigned last; waits at most `WITNESS_TIMEOUT`.
    pub async fn recall(&self, newest: Option<&[u8]>) -> Vec<Recollection> {
        let mut asked = Vec::new();
        for link in &self.links {
            let (link, newest) = (Arc::clone(link), newest.map(<[u8]>::to_vec));
            asked.push(tokio::spawn(async move { timeout(limits::WITNESS_TIMEOUT, link.recall(newest)).await }));
        }
        let mut answers = Vec::new();
        for answer in asked {
            answers.push(match answer.await {
                Ok(Ok(recollection)) => recollection,
                Ok(Err(_late)) => Recollection::Silent("no answer in time".to_owned()),
                Err(_) => Recollection::Silent("the question ended early".to_owned()),
            });
        }
        answers
    }
}
