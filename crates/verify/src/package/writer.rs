//! Writing a package: the caller offers checkpoints and what stood before, then hands over entry after entry, and every
//! file goes to the caller's sink as it is rendered. Memory does not grow with the entries, but for 12 bytes for each row
//! of a population and some 400 for each request. What does not verify is not written to its end.
//!
//! A package counts once `seal` has returned and the caller has given it its name: an interrupted one has no manifest.

use crate::hash::EntryHashes;
use crate::note::{VerifierKey, open_checkpoint};
use crate::package::bag::{self, Manifest};
use crate::package::bodies::{self, BODIES_FILE, BodyShown};
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::exam::{ENTRIES_FILE, Exam, Heads};
use crate::package::question::{Question, Redaction};
use crate::package::rendered::Rendered;
use crate::package::report::PackageShown;
use crate::package::start::{START_FILE, Start};
use crate::package::views::{Sink, View, Views, Written};
use crate::tree::TreeHead;
use crate::words::{Digest, Index, TreeSize};
use std::collections::BTreeMap;
use std::io;

/// What a package is made of, besides entries, bodies and policies.
pub struct Offered<'a> {
    /// The question.
    pub question: Question,
    /// The ledger's verifier key.
    pub key: &'a VerifierKey,
    /// The signed note of the size at which the interval begins, and what stood before; none for one that begins with
    /// genesis.
    pub start: Option<(&'a [u8], &'a Start)>,
    /// The signed note of the size at which it ends.
    pub end: &'a [u8],
}

/// A package on its way.
pub struct PackageWriter<'s> {
    exam: Exam<'s>,
    entries: View,
    bodies: Option<View>,
    redaction: Redaction,
    next: u64,
    tags: Vec<(&'static str, Vec<u8>)>,
}

impl<'s> PackageWriter<'s> {
    /// Begins: judges checkpoints and what stood before.
    pub fn begin(offered: Offered<'_>, sink: &'s mut dyn Sink) -> Result<PackageWriter<'s>, PackageRefusal> {
        let Offered { question, key, start, end } = offered;
        let (begins, ends, redaction) = (question.begins, question.ends, question.redaction);
        let open = |code, file, note: &[u8], size: TreeSize| -> Result<TreeHead, PackageRefusal> {
            let opened = open_checkpoint(note, key).map_err(|refusal| PackageRefusal::new(code, file, refusal))?;
            check_size(code, file, opened.checkpoint().head, size)
        };
        let heads = Heads {
            start: start
                .map(|(note, _)| open(PackageCode::StartCheckpoint, bag::START_NOTE_FILE, note, begins))
                .transpose()?,
            end: open(PackageCode::EndCheckpoint, bag::END_FILE, end, ends)?,
        };
        let mut tags = vec![("bagit.txt", bag::BAGIT.as_bytes().to_vec()), (bag::END_FILE, end.to_vec())];
        tags.extend(start.map(|(note, _)| (bag::START_NOTE_FILE, note.to_vec())));
        let before = start.map(|(_, start)| start);
        let mut exam = Exam::begin(question, heads, key, before, sink)?;
        if let Some(before) = before {
            exam.views().whole(START_FILE, PackageCode::Before, &before.to_bytes())?;
        }
        let entries = exam.views().create(ENTRIES_FILE, PackageCode::Entry)?;
        Ok(PackageWriter { exam, entries, bodies: None, redaction, next: begins.0, tags })
    }

    /// The next entry, from the interval's first one on, and what is shown of its body: nothing withholds it.
    pub fn push(&mut self, entry: &[u8], body: Option<&BodyShown>) -> Result<(), PackageRefusal> {
        let (index, redacted) = (Index(self.next), self.redaction == Redaction::Bodies);
        let body = body.filter(|_| !redacted);
        self.exam.push(entry, EntryHashes::of(entry), body.map(BodyShown::hashed))?;
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        self.entries.write(&length.to_be_bytes())?;
        self.entries.write(entry)?;
        if let Some(body) = body {
            let mut file = match self.bodies.take() {
                Some(file) => file,
                None => self.exam.views().create(BODIES_FILE, PackageCode::BodyForm)?,
            };
            file.write(&bodies::to_bytes(index, body))?;
            self.bodies = Some(file);
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Behind the last entry: verifies the whole, renders everything. `policy` hands out the text of a policy set, which
    /// is the body that published it.
    pub fn finish(
        mut self,
        policy: impl FnMut(Digest) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Finished<'s>, PackageRefusal> {
        self.exam.views().close(self.entries)?;
        if let Some(bodies) = self.bodies.take() {
            self.exam.views().close(bodies)?;
        }
        let (rendered, views) = self.exam.finish(policy)?;
        Ok(Finished { rendered, views, tags: self.tags })
    }
}

/// The size that a checkpoint must have.
pub fn check_size(code: PackageCode, file: &str, head: TreeHead, size: TreeSize) -> Result<TreeHead, PackageRefusal> {
    if head.size == size {
        return Ok(head);
    }
    Err(PackageRefusal::new(code, file, format_args!("it is of size {}, the interval's is {size}", head.size)))
}

/// What writes a file that this program does not judge.
pub type Adding<'a> = Box<dyn FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'a>;

/// A package whose payload is rendered; files for other readers may still come.
pub struct Finished<'s> {
    rendered: Rendered,
    views: Views<'s>,
    tags: Vec<(&'static str, Vec<u8>)>,
}

impl<'s> Finished<'s> {
    /// A package that was verified: files for other readers are rendered again into the sink, which may compare them with
    /// what stands there.
    pub fn again(shown: &PackageShown, sink: &'s mut dyn Sink) -> Finished<'s> {
        let views = Views::behind(sink, shown.rendered.files.clone());
        Finished { rendered: shown.rendered.clone(), views, tags: Vec::new() }
    }
}

impl Finished<'_> {
    /// What it says.
    pub fn rendered(&self) -> &Rendered {
        &self.rendered
    }

    /// Adds a file that this program does not judge: below `data/oscal/`, `data/fedramp/` or `data/ocsf/`,
    /// `data/report.html`, `data/workbook.xlsx`; or `VERIFY.md`.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), PackageRefusal> {
        if path == bag::GUIDE_FILE {
            self.tags.push((bag::GUIDE_FILE, bytes.to_vec()));
            return Ok(());
        }
        self.add_from(path, |file| file.write_all(bytes))
    }

    /// Adds such a file below `data/` piece by piece, however large it is.
    pub fn add_from(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<(), PackageRefusal> {
        let mut view = self.begin(path)?;
        write(&mut view).map_err(|error| PackageRefusal::new(PackageCode::Unwritten, path, error))?;
        self.views.close(view).map(|_| ())
    }

    /// Adds several such files at once, each on a thread of its own. Their bytes do not depend on which is faster.
    pub fn add_beside(&mut self, files: Vec<(&str, Adding<'_>)>) -> Result<(), PackageRefusal> {
        let mut begun = Vec::new();
        for (path, write) in files {
            begun.push((path, write, self.begin(path)?));
        }
        let unwritten =
            |path: &str, error: &dyn std::fmt::Display| PackageRefusal::new(PackageCode::Unwritten, path, error);
        let ended: Vec<Result<View, PackageRefusal>> = std::thread::scope(|scope| {
            let threads = begun.into_iter().map(|(path, write, mut view)| {
                let thread = scope.spawn(move || write(&mut view).map(|()| view));
                (path, thread)
            });
            let threads: Vec<_> = threads.collect();
            let joined = threads.into_iter().map(|(path, thread)| match thread.join() {
                Ok(written) => written.map_err(|error| unwritten(path, &error)),
                Err(_) => Err(unwritten(path, &"the thread that renders it ended")),
            });
            joined.collect()
        });
        for view in ended {
            self.views.close(view?)?;
        }
        Ok(())
    }

    fn begin(&mut self, path: &str) -> Result<View, PackageRefusal> {
        if !bag::is_path(path) || !bag::is_unjudged(path) {
            return Err(PackageRefusal::new(PackageCode::FileSurplus, path, "no package holds such a file"));
        }
        self.views.create(path, PackageCode::Unwritten)
    }

    /// Every file so far, those that were added among them.
    pub fn files(&self) -> &BTreeMap<String, Written> {
        self.views.written()
    }

    /// Writes manifests and the bag's own files. Behind this the package is whole.
    pub fn seal(mut self) -> Result<Rendered, PackageRefusal> {
        let payload = self.views.written().clone();
        let manifest = Manifest(payload.iter().map(|(path, file)| (path.clone(), file.sha256)).collect());
        self.tags.push((bag::MANIFEST_FILE, manifest.to_text().into_bytes()));
        self.tags.push(("bag-info.txt", bag::info(&payload).into_bytes()));
        let mut tagged = Manifest::default();
        for (path, bytes) in &self.tags {
            let written = self.views.whole(path, PackageCode::Bag, bytes)?;
            tagged.0.insert((*path).to_owned(), written.sha256);
        }
        self.views.whole(bag::TAG_MANIFEST_FILE, PackageCode::Bag, tagged.to_text().as_bytes())?;
        self.views.settle()?;
        Ok(Rendered { files: payload, ..self.rendered })
    }
}
