//! Data folders as files: copies, and the damage that disks and people do to them.

use deedbook::ledger::DataDir;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder in memory where the system has one, for tests of what files say and not of how they get to a disk.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A copy of a data folder beside it, under a name of its own.
pub fn copy_of(dir: &DataDir, name: &str) -> DataDir {
    let target = dir.root().with_file_name(name);
    copy(dir.root(), &target);
    DataDir::new(target)
}

/// Files of the store whose names begin or end so, in the order of their numbers.
pub fn store_files(dir: &DataDir, mark: &str) -> Vec<PathBuf> {
    let matches = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(mark) || name.ends_with(mark)
    };
    let mut files: Vec<PathBuf> = fs::read_dir(dir.store()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(matches);
    files.sort();
    files
}

/// Cuts a file to its first bytes.
pub fn cut(path: &Path, length: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
}

/// Flips one bit of the byte at an offset.
pub fn flip(path: &Path, offset: usize, bit: u32) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

/// How often a folder is searched whose files are being merged.
const LOOKS_MAX: usize = 100;

/// Files below a folder that hold these bytes anywhere. A merge takes a file away and may have put its rows into one that
/// was not listed yet, so that a look which missed a file says nothing and is taken again.
pub fn files_with(root: &Path, needle: &[u8]) -> Vec<PathBuf> {
    (0..LOOKS_MAX).find_map(|_| look(root, needle).ok()).expect("the files stand still for one look")
}

fn look(root: &Path, needle: &[u8]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(look(&path, needle)?);
        } else if fs::read(&path)?.windows(needle.len()).any(|window| window == needle) {
            found.push(path);
        }
    }
    Ok(found)
}
