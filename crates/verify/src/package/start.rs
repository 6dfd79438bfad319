//! What stood before an interval that does not begin with genesis: the frontier, every entry that governed, and the
//! commands that broke a silence, with one list of hashes that proves them all in the start checkpoint's tree. That none
//! was left out, no proof here shows.
//!
//! ```text
//! deedbook.package-start/1␊
//! fields 0x0331 to 0x0333: frontier, hashes, entries (index u64 ‖ length u16 ‖ entry)*
//! ```

use crate::bytes::{Defect, Fields, LengthWidth, Malformed, Reader, Tag};
use crate::entry::Entry;
use crate::facts::Facts;
use crate::kind::{Author, Kind};
use crate::limits;
use crate::lineage::root_of_many;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::plant::Bug;
use crate::replay::{Replay, governs};
use crate::tags;
use crate::tree::{Frontier, TreeHead};
use crate::words::{Hash, Index, Ref};

/// The first line, with its end.
const MARK: &[u8] = b"deedbook.package-start/1\n";
/// Where it stands in a package.
pub const START_FILE: &str = "data/start.bin";

/// What stood before, as whoever writes a package gathers it and as a package holds it. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Roots of the maximal complete subtrees at the interval's first index, largest first.
    pub frontier: Vec<Hash>,
    /// Roots of the largest subtrees that hold none of the entries, from left to right.
    pub hashes: Vec<Hash>,
    /// Every entry below the interval that `replay::governs`, the one directly behind each, and the command that broke each
    /// `Silences`; ascending.
    pub entries: Vec<(Index, Vec<u8>)>,
}

impl Start {
    /// Takes the bytes apart, strictly; at most `BEFORE_BYTES_MAX` of them.
    pub fn parse(bytes: &[u8]) -> Result<Start, Malformed> {
        if bytes.len() > limits::BEFORE_BYTES_MAX {
            return Err(Malformed::new("start", Defect::TooLarge(limits::BEFORE_BYTES_MAX)));
        }
        let fields = bytes.strip_prefix(MARK).ok_or(Malformed::new("start", Defect::Value))?;
        let mut fields = Fields::new("start", LengthWidth::U32, fields);
        let start = Start {
            frontier: hashes(tags::START_FRONTIER, Some(fields.required(tags::START_FRONTIER)?))?,
            hashes: hashes(tags::START_HASHES, fields.optional(tags::START_HASHES)?)?,
            entries: entries(fields.required(tags::START_ENTRIES)?)?,
        };
        if fields.is_spent()? { Ok(start) } else { Err(Malformed::new("start", Defect::Trailing)) }
    }

    /// The bytes that `parse` reads. Entries are as long as entries can be.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MARK.to_vec();
        let mut field = |tag: Tag, value: Vec<u8>| {
            if !value.is_empty() {
                out.extend(tag.number.to_be_bytes());
                out.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend(value);
            }
        };
        let flat = |hashes: &[Hash]| hashes.iter().flat_map(|hash| hash.0).collect();
        field(tags::START_FRONTIER, flat(&self.frontier));
        field(tags::START_HASHES, flat(&self.hashes));
        let mut entries = Vec::new();
        for (index, entry) in &self.entries {
            entries.extend(index.0.to_be_bytes());
            entries.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
            entries.extend(entry);
        }
        field(tags::START_ENTRIES, entries);
        out
    }

    /// Judges all of it, and takes it in: what is left is a replay that goes on with the interval. `noted` hears of each
    /// entry once it is taken in, and of the replay behind it.
    pub fn judge(
        &self,
        head: TreeHead,
        mut noted: impl FnMut(&Replay, Index, &[u8]),
    ) -> Result<Replay, PackageRefusal> {
        let refuse = |found: &dyn std::fmt::Display| PackageRefusal::new(PackageCode::Before, START_FILE, found);
        let frontier = Frontier::from_parts(head.size, self.frontier.clone()).ok();
        let frontier = frontier.filter(|frontier| frontier.root() == head.root);
        let frontier = frontier.ok_or_else(|| {
            PackageRefusal::new(PackageCode::Frontier, START_FILE, "another root, or not one hash for each bit")
        })?;
        let mut leaves = Vec::with_capacity(self.entries.len());
        let mut replay = Replay::resuming(Index(head.size.0));
        let (mut last, mut behind_command) = (None::<Index>, false);
        let mut silences = Silences::default();
        for (index, bytes) in &self.entries {
            let entry = Entry::parse(bytes).map_err(|malformed| refuse(&malformed))?;
            let is_next = last.and_then(|last| last.size_including()).is_some_and(|next| next.0 == index.0);
            let awaited = replay.awaits_refusal() && !is_next;
            let governs = governs(&entry.facts);
            let broke = silences.see(&entry.facts, is_next);
            let stray = !(governs || broke || is_next && behind_command);
            if awaited || stray || index.0 >= head.size.0 {
                return Err(refuse(&format_args!(
                    "entry {index} does not belong there, or one behind a command is missing"
                )));
            }
            replay.stand_before(*index, bytes).map_err(|refusal| refuse(&format_args!("entry {index}: {refusal}")))?;
            noted(&replay, *index, bytes);
            leaves.push((*index, entry.leaf()));
            (last, behind_command) = (Some(*index), governs);
        }
        match root_of_many(head.size, &leaves, &self.hashes) {
            Ok(root) if (root == head.root || Bug::BeforeUnproved.planted()) && replay.authority().is_some() => {}
            Ok(_) => return Err(refuse(&"another root, or no genesis")),
            Err(refusal) => return Err(refuse(&refusal)),
        }
        let is_last = last.and_then(Index::size_including) == Some(head.size);
        if replay.awaits_refusal() && !is_last {
            return Err(refuse(&"the entry behind the last command is missing"));
        }
        replay.resume(frontier);
        Ok(replay)
    }
}

/// Removals over a silence that nobody broke yet, while the entries are gone through that may say so. A command by
/// somebody whom one names as silent, governing or not, refused or not, ends it.
#[derive(Default)]
pub struct Silences {
    /// Who is named, of each command that was declared so; the last one may still be refused.
    unbroken: Vec<Vec<Ref>>,
    declared: bool,
}

impl Silences {
    /// Takes the next entry in; `is_next`: it stands directly behind the one before. Whether it broke a silence.
    pub fn see(&mut self, facts: &Facts<'_>, is_next: bool) -> bool {
        if std::mem::take(&mut self.declared) && is_next && facts.kind == Kind::CommandRefused {
            self.unbroken.pop();
        }
        if facts.author() != Author::Asker {
            return false;
        }
        let before = self.unbroken.len();
        self.unbroken.retain(|silent| silent.binary_search(&facts.source).is_err());
        let broke = self.unbroken.len() < before;
        let named: Vec<Ref> = facts.break_glass.iter().flat_map(|declared| declared.silent()).collect();
        self.declared = !named.is_empty();
        self.unbroken.extend((!named.is_empty()).then_some(named));
        broke
    }
}

fn hashes(tag: Tag, bytes: Option<&[u8]>) -> Result<Vec<Hash>, Malformed> {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let (chunks, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
    match rest {
        [] if !chunks.is_empty() => Ok(chunks.iter().map(|hash| Hash(*hash)).collect()),
        [] | [_, ..] => Err(Malformed::new(tag.name, Defect::Length(bytes.len()))),
    }
}

fn entries(bytes: &[u8]) -> Result<Vec<(Index, Vec<u8>)>, Malformed> {
    let (tag, mut reader, mut entries) = (tags::START_ENTRIES, Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        let index = Index(reader.u64(tag.name)?);
        let length = usize::from(reader.u16(tag.name)?);
        entries.push((index, reader.take(tag.name, length)?.to_vec()));
    }
    let ascends = entries.is_sorted_by(|(one, _), (two, _)| one < two);
    if ascends && !entries.is_empty() { Ok(entries) } else { Err(Malformed::new(tag.name, Defect::Value)) }
}
