//! C2SP tlog-policy files: which logs, which witnesses, and how many of them must have cosigned.
//!
//! ```text
//! log <verifier key> [<url>]
//! witness <name> <cosigner key> [<url>]
//! group <name> all|any|<k> <member>...
//! quorum <name>|none
//! ```
//!
//! Names are octets and mean nothing outside the file. A line refers to lines above it only, so that evaluating a
//! quorum is one pass without recursion. What C2SP leaves open is strict here: every line ends in a line feed, a key
//! stands in the file once in any role, and only Ed25519 keys are known.

use crate::cosign::CosignerKey;
use crate::limits;
use crate::note::{VerifierKey, decimal};
use crate::plant::Bug;
use std::fmt;

/// Why a policy is refused: the line, from 1, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRefusal {
    /// The line; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub defect: PolicyDefect,
}

/// What is wrong with a policy's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyDefect {
    /// The file is beyond `POLICY_BYTES_MAX`.
    TooLarge,
    /// More than `POLICY_ITEMS_MAX` of one sort.
    TooMany,
    /// An octet that C2SP does not allow: control characters other than tab and line feed, or DEL.
    Octet,
    /// The last line has no line feed: the file may have been cut.
    Unended,
    /// The first word is none of `log`, `witness`, `group`, `quorum`.
    Keyword,
    /// Too few or too many words for the line's sort.
    Words,
    /// A URL that is no UTF-8.
    Url,
    /// Not an Ed25519 log key (type 0x01).
    LogKey,
    /// Not an Ed25519 cosigner key (type 0x04).
    WitnessKey,
    /// The key stands in the file already, under this or another name or role.
    KeyTwice,
    /// The name is defined already, or is `none`.
    NameTaken,
    /// The name is not defined on a line above.
    NameUnknown,
    /// The member belongs to a group already.
    MemberTwice,
    /// The threshold is no decimal from 1 to the number of members.
    Threshold,
    /// There is a quorum line already.
    QuorumTwice,
    /// There is no quorum line.
    QuorumMissing,
}

impl fmt::Display for PolicyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match self.defect {
            PolicyDefect::TooLarge => write!(f, "the policy is larger than {} bytes", limits::POLICY_BYTES_MAX),
            PolicyDefect::TooMany => write!(f, "more than {} logs, witnesses or groups", limits::POLICY_ITEMS_MAX),
            PolicyDefect::Octet => {
                f.write_str("a character that is not allowed; use LF line ends and no other controls")
            }
            PolicyDefect::Unended => f.write_str("the last line has no line feed; the file may have been cut"),
            PolicyDefect::Keyword => f.write_str("begin the line with `log`, `witness`, `group`, `quorum` or `#`"),
            PolicyDefect::Words => f.write_str(
                "write `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|K MEMBER...` or `quorum NAME`",
            ),
            PolicyDefect::Url => f.write_str("the URL is not UTF-8"),
            PolicyDefect::LogKey => f.write_str("the log's key is not a verifier key of type 0x01 (Ed25519)"),
            PolicyDefect::WitnessKey => f.write_str("the witness's key is not a cosigner key of type 0x04 (Ed25519)"),
            PolicyDefect::KeyTwice => f.write_str("the key stands in the policy already"),
            PolicyDefect::NameTaken => f.write_str("the name is taken"),
            PolicyDefect::NameUnknown => f.write_str("the name is not defined above this line"),
            PolicyDefect::MemberTwice => f.write_str("the member belongs to a group already"),
            PolicyDefect::Threshold => f.write_str("the threshold is `all`, `any`, or 1 to the number of members"),
            PolicyDefect::QuorumTwice => f.write_str("a second quorum line"),
            PolicyDefect::QuorumMissing => f.write_str("there is no quorum line"),
        }
    }
}

impl std::error::Error for PolicyRefusal {}

/// A log whose checkpoints count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the key's name is the checkpoints' origin.
    pub key: VerifierKey,
    /// Where it is reached.
    pub url: Option<String>,
}

/// A witness whose cosignatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name in this file.
    pub name: Vec<u8>,
    /// Its key.
    pub key: CosignerKey,
    /// Its submission prefix.
    pub url: Option<String>,
}

/// What a name stands for; members point at names above, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Witness(usize),
    Group { threshold: usize, members: Vec<usize> },
}

/// What must have cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    None,
    Of(usize),
}

/// A policy that was read whole and is sound. Only `Policy::parse` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    nodes: Vec<Node>,
    quorum: Quorum,
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Policy, PolicyRefusal> {
        let whole = |defect| PolicyRefusal { line: 0, defect };
        if bytes.len() > limits::POLICY_BYTES_MAX {
            return Err(whole(PolicyDefect::TooLarge));
        }
        let mut draft = Draft::default();
        let mut lines = bytes.split(|octet| *octet == b'\n');
        // What stands behind the last line feed.
        let unended = lines.next_back().is_some_and(|rest| !rest.is_empty());
        for (before, line) in lines.enumerate() {
            draft.line(line).map_err(|defect| PolicyRefusal { line: before.saturating_add(1), defect })?;
        }
        if unended {
            return Err(whole(PolicyDefect::Unended));
        }
        let quorum = draft.quorum.ok_or(whole(PolicyDefect::QuorumMissing))?;
        let Draft { logs, witnesses, nodes, .. } = draft;
        Ok(Policy { logs, witnesses, nodes, quorum })
    }

    /// The logs, in the file's order; may be empty.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the file's order; may be empty.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The policy for one log alone: its own when it lists none, none when it lists others only.
    pub fn for_log(mut self, key: &VerifierKey) -> Option<Policy> {
        if self.logs.is_empty() {
            self.logs.push(PolicyLog { key: key.clone(), url: None });
        }
        self.logs.retain(|log| log.key == *key);
        (!self.logs.is_empty()).then_some(self)
    }

    /// Whether these witnesses, by their positions in `witnesses`, are enough.
    pub fn is_met_by(&self, cosigned: &[usize]) -> bool {
        let Quorum::Of(wanted) = self.quorum else { return true };
        let mut met: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let is_met = match node {
                Node::Witness(position) => cosigned.contains(position),
                Node::Group { threshold, .. } if Bug::QuorumMiscounted.planted() => cosigned.len() >= *threshold,
                Node::Group { threshold, members } => {
                    let count = members.iter().filter(|member| met.get(**member) == Some(&true)).count();
                    count >= *threshold
                }
            };
            met.push(is_met);
        }
        met.get(wanted) == Some(&true)
    }
}

/// A policy that is being read.
#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    nodes: Vec<Node>,
    // The name of each node, and whether a group has it.
    names: Vec<(Vec<u8>, bool)>,
    keys: Vec<[u8; 32]>,
    groups: usize,
    quorum: Option<Quorum>,
}

impl Draft {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyDefect> {
        if !line.iter().all(|octet| matches!(octet, b'\t' | 0x20..=0x7e | 0x80..=0xff)) {
            return Err(PolicyDefect::Octet);
        }
        let words: Vec<&[u8]> =
            line.split(|octet| matches!(octet, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.first() == Some(&b'#') => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, threshold, members @ ..] if !members.is_empty() => self.group(name, threshold, members),
            [b"quorum", name] => self.set_quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyDefect::Words),
            _ => Err(PolicyDefect::Keyword),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&&[u8]>) -> Result<(), PolicyDefect> {
        let key = std::str::from_utf8(key).ok().and_then(|text| VerifierKey::parse(text).ok());
        let key = key.ok_or(PolicyDefect::LogKey)?;
        self.take_key(*key.key().as_ed25519())?;
        self.logs.push(PolicyLog { key, url: parse_url(url)? });
        within(self.logs.len())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&&[u8]>) -> Result<(), PolicyDefect> {
        let key = std::str::from_utf8(key).ok().and_then(|text| CosignerKey::parse(text).ok());
        let key = key.ok_or(PolicyDefect::WitnessKey)?;
        self.take_key(*key.key().as_ed25519())?;
        self.define(name, Node::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name: name.to_vec(), key, url: parse_url(url)? });
        within(self.witnesses.len())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), PolicyDefect> {
        let mut members = Vec::with_capacity(names.len());
        for name in names {
            let position = self.position(name)?;
            let (_, taken) = self.names.get_mut(position).ok_or(PolicyDefect::NameUnknown)?;
            if std::mem::replace(taken, true) {
                return Err(PolicyDefect::MemberTwice);
            }
            members.push(position);
        }
        let number = || std::str::from_utf8(threshold).ok().and_then(decimal).and_then(|k| usize::try_from(k).ok());
        let threshold = match threshold {
            b"any" => 1,
            b"all" => members.len(),
            _ => number().filter(|k| (1..=members.len()).contains(k)).ok_or(PolicyDefect::Threshold)?,
        };
        self.define(name, Node::Group { threshold, members })?;
        self.groups = self.groups.saturating_add(1);
        within(self.groups)
    }

    fn set_quorum(&mut self, name: &[u8]) -> Result<(), PolicyDefect> {
        let quorum = if name == b"none" { Quorum::None } else { Quorum::Of(self.position(name)?) };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err(PolicyDefect::QuorumTwice),
        }
    }

    fn take_key(&mut self, key: [u8; 32]) -> Result<(), PolicyDefect> {
        if self.keys.contains(&key) {
            return Err(PolicyDefect::KeyTwice);
        }
        self.keys.push(key);
        Ok(())
    }

    fn define(&mut self, name: &[u8], node: Node) -> Result<(), PolicyDefect> {
        if name == b"none" || self.position(name).is_ok() {
            return Err(PolicyDefect::NameTaken);
        }
        self.names.push((name.to_vec(), false));
        self.nodes.push(node);
        Ok(())
    }

    fn position(&self, name: &[u8]) -> Result<usize, PolicyDefect> {
        self.names.iter().position(|(known, _)| known == name).ok_or(PolicyDefect::NameUnknown)
    }
}

fn within(count: usize) -> Result<(), PolicyDefect> {
    if count <= limits::POLICY_ITEMS_MAX { Ok(()) } else { Err(PolicyDefect::TooMany) }
}

fn parse_url(url: Option<&&[u8]>) -> Result<Option<String>, PolicyDefect> {
    url.map(|url| String::from_utf8(url.to_vec()).map_err(|_| PolicyDefect::Url)).transpose()
}
