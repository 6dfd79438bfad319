//! Files that nothing but their hash is asked of, read on a thread of their own while the entries are judged. What it finds
//! counts where the manifest is held against the files, and not before.

use crate::limits;
use crate::package::bag::{self, Manifest};
use crate::package::code::PackageRefusal;
use crate::package::files::{Folder, Hashing, drain, unreadable};
use crate::package::views::Written;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

type Found = BTreeMap<String, Result<Written, PackageRefusal>>;

/// The thread. It stops when nobody wants its hashes any more.
pub struct Beside {
    unwanted: Arc<AtomicBool>,
    thread: Option<JoinHandle<Found>>,
}

impl Beside {
    /// Begins with the unjudged files of a manifest: the first of them that can be opened.
    pub fn start(folder: &dyn Folder, manifest: &Manifest) -> Beside {
        let paths = manifest.0.keys().filter(|path| bag::is_unjudged(path)).take(limits::FILES_BESIDE_MAX);
        let open = |path: &String| folder.open(path).ok().map(|file| (path.clone(), file));
        let files: Vec<_> = paths.filter_map(open).collect();
        let unwanted = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&unwanted);
        let thread = thread::spawn(move || {
            let hashed = files.into_iter().filter_map(|(path, file)| {
                let mut file = Hashing::new(file);
                let drained = drain(&mut file, || stop.load(Ordering::Relaxed));
                let written = match drained {
                    Ok(true) => Ok(file.finish()),
                    Ok(false) => return None,
                    Err(error) => Err(unreadable(&path, &error)),
                };
                Some((path, written))
            });
            hashed.collect()
        });
        Beside { unwanted, thread: Some(thread) }
    }

    /// What it hashed. A file that is missing here was not opened, and is read by whoever asks for it.
    pub fn finish(mut self) -> Found {
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}
