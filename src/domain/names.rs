//! Names from outside and the refs they stand for. One identity has one ref, whoever computes it.

use deedbook_verify::facts::ActorKind;
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::words::Ref;
use thiserror::Error;

/// Why a name is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text is not `class/name`.
    #[error("stream `{0}` is not `class/name`, such as `action/42`")]
    Stream(String),
    /// A part is longer than a ref's input can say.
    #[error("a name has {0} bytes; at most 65,535 are possible")]
    TooLong(usize),
}

/// The name of a stream: the class and the name of the aggregate that its entries are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    class: String,
    name: String,
}

impl StreamName {
    /// Splits `class/name` at the first slash; both parts must be there.
    pub fn parse(text: &str) -> Result<StreamName, NameError> {
        match text.split_once('/') {
            Some((class, name)) if !class.is_empty() && !name.is_empty() => {
                Ok(StreamName { class: class.to_owned(), name: name.to_owned() })
            }
            _ => Err(NameError::Stream(text.to_owned())),
        }
    }

    /// The stream's ref: that of its aggregate.
    pub fn to_ref(&self, key: &RefKey) -> Result<Ref, NameError> {
        make(key, Identity { class: &self.class, namespace: "", name: &self.name })
    }
}

fn make(key: &RefKey, identity: Identity<'_>) -> Result<Ref, NameError> {
    let longest = [identity.class, identity.namespace, identity.name].into_iter().map(str::len).max().unwrap_or(0);
    key.make(identity).ok_or(NameError::TooLong(longest))
}

/// The ref of an enrolled producer.
pub fn source_ref(key: &RefKey, name: &str) -> Result<Ref, NameError> {
    make(key, Identity { class: "source", namespace: "", name })
}

/// The ref under which the ledger signs what it makes itself. Producers cannot take this name: it is enrolled at birth.
pub fn ledger_source(key: &RefKey) -> Result<Ref, NameError> {
    source_ref(key, "ledger")
}

/// The ref of a person, by issuer and subject. Keys that genesis names have the empty issuer.
pub fn person_ref(key: &RefKey, issuer: &str, subject: &str) -> Result<Ref, NameError> {
    make(key, Identity { class: "person", namespace: issuer, name: subject })
}

/// The ref of a principal with an id of this ledger's own. A human's is that of the person with the empty issuer, so that
/// who is bound by id and who stands in genesis under the same name are one.
pub fn principal_ref(key: &RefKey, kind: ActorKind, id: &str) -> Result<Ref, NameError> {
    match kind {
        ActorKind::Human => person_ref(key, "", id),
        ActorKind::Agent | ActorKind::Service | ActorKind::Team => {
            make(key, Identity { class: kind.name(), namespace: "", name: id })
        }
    }
}

/// Who posts over HTTP, as far as the server can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// Somebody.
    Anonymous,
    /// Somebody who showed a bearer token, which nobody checked.
    Bearer(&'a str),
}

/// The ref of a caller. Its class is one that no principal has, so that nobody can pose as one by a token.
pub fn caller_ref(key: &RefKey, caller: Caller<'_>) -> Result<Ref, NameError> {
    let (namespace, name) = match caller {
        Caller::Anonymous => ("", ""),
        Caller::Bearer(token) => ("bearer", token),
    };
    make(key, Identity { class: "http_caller", namespace, name })
}

/// The ref of an account: the channel and its tenant (`slack/T123`), and the user's id there.
pub fn account_ref(key: &RefKey, channel: &str, id: &str) -> Result<Ref, NameError> {
    make(key, Identity { class: "account", namespace: channel, name: id })
}

/// The ref of a record that somebody else keeps.
pub fn record_ref(key: &RefKey, namespace: &str, name: &str) -> Result<Ref, NameError> {
    make(key, Identity { class: "record", namespace, name })
}

/// The ref of a thing of a class by its namespace and name.
pub fn class_ref(key: &RefKey, class: &str, namespace: &str, name: &str) -> Result<Ref, NameError> {
    make(key, Identity { class, namespace, name })
}

/// The ref of a dataset by its OpenLineage name.
pub fn dataset_ref(key: &RefKey, namespace: &str, name: &str) -> Result<Ref, NameError> {
    make(key, Identity { class: "dataset", namespace, name })
}

/// The ref of a version of a dataset or model, `class` being `dataset_version` or `model_version`: its namespace is the
/// ref of that of which it is a version, as 32 hex digits.
pub fn version_ref(key: &RefKey, class: &str, of: Ref, version: &str) -> Result<Ref, NameError> {
    make(key, Identity { class, namespace: &of.to_string(), name: version })
}
