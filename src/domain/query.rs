//! What a reader may ask for.

use deedbook_verify::facts::Outcome;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Micros, Ref};
use std::ops::Range;

/// Conditions on entries; all that are present must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The kind.
    pub kind: Option<Kind>,
    /// Who acted.
    pub actor: Option<Ref>,
    /// The stream.
    pub stream: Option<Ref>,
    /// The source that signed.
    pub source: Option<Ref>,
    /// The action type, exactly.
    pub action_type: Option<String>,
    /// The outcome.
    pub outcome: Option<Outcome>,
    /// The policy digest.
    pub policy: Option<Digest>,
    /// When the server had it: from (inclusive) to (exclusive).
    pub received: Option<Range<Micros>>,
}
