//! What a package holds for people and for other programs, rendered again from what was judged, and compared byte for byte.
//! The verifier knows the hashes of these files alone, and whoever makes manifests anew makes hashes anew. A file that
//! differs was altered, or was made by another version of this program: the bytes do not say which.

use crate::audit::report::Report;
use crate::evidence::{self, paper};
use deedbook_verify::package::{Directory, Finished, PackageRefusal, PackageShown, Sink, SinkFile};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How-to for people, which stands beside the payload.
const GUIDE: &str = "VERIFY.md";

/// The check's name in findings.
const CHECK: &str = "rendering";

/// What became of a file that was rendered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same bytes stand there.
    Same,
    /// Other bytes stand there, from this place on.
    Differs(u64),
    /// The package does not have it.
    Missing,
    /// The package has it, and nothing that was judged gives it.
    Foreign,
    /// It was not rendered again; why.
    NotRendered(String),
}

impl Compared {
    /// What is wrong with the file; none: nothing is, as far as it was rendered again.
    pub fn fault(&self) -> Option<String> {
        match self {
            Compared::Same | Compared::NotRendered(_) => None,
            Compared::Differs(at) => Some(format!(
                "other bytes from byte {at} on than the judged data gives: altered, or made by another version of deedbook"
            )),
            Compared::Missing => Some("it is not there, and every export writes it".to_owned()),
            Compared::Foreign => {
                Some("the judged data gives no such file: added, or made by another version".to_owned())
            }
        }
    }
}

/// Files by path, and what became of each.
type Found = Arc<Mutex<BTreeMap<String, Compared>>>;

/// Renders the files of a verified package again; each that differs is a finding.
pub fn compare(folder: &Path, shown: &PackageShown, report: &mut Report) -> BTreeMap<String, Compared> {
    let files = again(folder, shown);
    for (path, compared) in &files {
        if let Some(fault) = compared.fault() {
            report.find(None, CHECK, format!("{path}: {fault}"));
        }
    }
    files
}

/// Renders the files of a verified package again, and says of each how it compares.
pub fn again(folder: &Path, shown: &PackageShown) -> BTreeMap<String, Compared> {
    let (found, directory) = (Found::default(), Directory(folder.to_owned()));
    let mut sink = Beside { folder: folder.to_owned(), found: Arc::clone(&found) };
    let mut again = Finished::again(shown, &mut sink);
    let rendered = evidence::render(&mut again, &directory);
    drop(again);
    let guide = Standing::open(folder, GUIDE, Arc::clone(&found)).and_then(|mut standing| {
        standing.write(paper::guide(&shown.rendered).as_bytes())?;
        Box::new(standing).finish()
    });
    let failed = rendered.err().map(|refusal: PackageRefusal| refusal.to_string());
    let failed = failed.or(guide.err().map(|error| error.to_string()));
    let mut files = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    for path in shown.unjudged.iter().filter(|path| !files.contains_key(*path)).cloned().collect::<Vec<_>>() {
        let unseen = failed.as_ref().map_or(Compared::Foreign, |why| Compared::NotRendered(why.clone()));
        files.insert(path, unseen);
    }
    files
}

/// Holds what is rendered against what stands in a folder, to the end of every file.
struct Beside {
    folder: PathBuf,
    found: Found,
}

impl Sink for Beside {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>> {
        Ok(Box::new(Standing::open(&self.folder, path, Arc::clone(&self.found))?))
    }
}

/// A file that stands there.
struct Standing {
    path: String,
    /// None: it does not.
    file: Option<BufReader<File>>,
    at: u64,
    differs: Option<u64>,
    buffer: Vec<u8>,
    found: Found,
}

impl Standing {
    fn open(folder: &Path, path: &str, found: Found) -> io::Result<Standing> {
        let file = match File::open(folder.join(path)) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Standing { path: path.to_owned(), file, at: 0, differs: None, buffer: Vec::new(), found })
    }
}

impl SinkFile for Standing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (Some(file), None) = (&mut self.file, self.differs) else { return Ok(()) };
        self.buffer.clear();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        file.by_ref().take(length).read_to_end(&mut self.buffer)?;
        let same = self.buffer.iter().zip(bytes).take_while(|(there, wanted)| there == wanted).count();
        self.at = self.at.saturating_add(u64::try_from(same).unwrap_or(u64::MAX));
        if same < bytes.len() {
            self.differs = Some(self.at);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let goes_on = match &mut self.file {
            Some(file) if self.differs.is_none() => file.read(&mut [0])? > 0,
            Some(_) | None => false,
        };
        let compared = match (&self.file, self.differs) {
            (None, _) => Compared::Missing,
            (Some(_), Some(at)) => Compared::Differs(at),
            (Some(_), None) if goes_on => Compared::Differs(self.at),
            (Some(_), None) => Compared::Same,
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(self.path.clone(), compared);
        Ok(())
    }
}
