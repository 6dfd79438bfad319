//! File systems of their own, in an image on a loop device: to have their power cut, to fill up, to fail. Root only. A
//! volume goes away with its value, also in a panic; what a killed test left mounted goes away with the next one.

use super::process::{is_installed, system};
use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Larger than `DISK_FREE_BYTES_MIN` by what the tests write, and than the least that XFS makes. Sparse.
const IMAGE_BYTES: u64 = 1024 * 1024 * 1024;
const PREFIX: &str = "deedbook-volume-";

/// What is made in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// Becomes read-only after an error, as most systems mount it.
    Ext4,
    Xfs,
}

/// A mounted image.
pub struct Volume {
    kind: FileSystem,
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
    _folder: TempDir,
}

/// What this machine lacks for volumes whose power can be cut, in one sentence.
pub fn missing_for_power_cuts(kind: FileSystem) -> Option<String> {
    let make = match kind {
        FileSystem::Ext4 => missing_for_volumes(),
        FileSystem::Xfs => match is_known("xfs") && is_installed("mkfs.xfs") && is_installed("xfs_repair") {
            true => missing_for_volumes(),
            false => Some("XFS is missing; it needs the kernel's module and the package xfsprogs".to_owned()),
        },
    };
    make.or_else(|| (!is_installed("xfs_io")).then(|| "xfs_io is missing; install the package xfsprogs".to_owned()))
}

/// What this machine lacks for volumes, in one sentence.
pub fn missing_for_volumes() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may mount; run the tests as root to include them".to_owned());
    }
    let absent = ["mkfs.ext4", "e2fsck", "mount", "umount", "losetup"].into_iter().find(|name| !is_installed(name));
    if let Some(program) = absent {
        return Some(format!("{program} is missing; install the packages e2fsprogs, mount and util-linux"));
    }
    if !is_known("ext4") {
        return Some("this kernel has no ext4".to_owned());
    }
    match system("losetup", &["--find".as_ref()]) {
        Ok(_) => None,
        Err(error) => Some(format!("no loop device can be had: {}", error.trim())),
    }
}

fn is_known(kind: &str) -> bool {
    fs::read_to_string("/proc/filesystems").is_ok_and(|all| all.lines().any(|line| line.trim() == kind))
}

/// Unmounts what tests left behind that were killed themselves: their process is in the name.
fn sweep() {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    for mount in mounts.lines().filter_map(|line| line.split(' ').nth(1)) {
        let owner = mount.split_once(PREFIX).and_then(|(_, rest)| rest.split_once('-')).map(|(owner, _)| owner);
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            let _ = system("umount", &["--lazy".as_ref(), mount.as_ref()]);
        }
    }
}

impl Volume {
    /// Makes and mounts a new file system.
    pub fn make(kind: FileSystem) -> Volume {
        sweep();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().unwrap();
        let (image, mount) = (folder.path().join("image"), folder.path().join("mount"));
        fs::File::create(&image).unwrap().set_len(IMAGE_BYTES).unwrap();
        fs::create_dir(&mount).unwrap();
        let made = match kind {
            FileSystem::Ext4 => system("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_os_str()]),
            FileSystem::Xfs => system("mkfs.xfs", &["-q".as_ref(), image.as_os_str()]),
        };
        made.unwrap();
        let mut volume = Volume { kind, image, mount, mounted: false, _folder: folder };
        volume.mount();
        volume
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Mounts it again after `unmount`.
    pub fn mount(&mut self) {
        let options: &OsStr = match self.kind {
            FileSystem::Ext4 => "loop,errors=remount-ro".as_ref(),
            FileSystem::Xfs => "loop".as_ref(),
        };
        let arguments = ["-o".as_ref(), options, self.image.as_os_str(), self.mount.as_os_str()];
        system("mount", &arguments).unwrap();
        self.mounted = true;
    }

    /// Cuts the power: nothing that is not synced by now reaches the image, and every later call fails.
    pub fn cut(&self) {
        let arguments = ["-x", "-c", "shutdown"].map(AsRef::<OsStr>::as_ref);
        system("xfs_io", &[&arguments[..], &[self.mount.as_os_str()]].concat()).unwrap();
    }

    /// Unmounts it; nobody may have a file of it open.
    pub fn unmount(&mut self) {
        system("umount", &[self.mount.as_os_str()]).unwrap();
        self.mounted = false;
    }

    /// After a cut: replays the file system's own journal, insists that it is sound then, and mounts it.
    pub fn recover(&mut self) {
        self.unmount();
        if self.kind == FileSystem::Ext4 {
            // Status 1 says that the journal was replayed.
            let _ = system("e2fsck", &["-p".as_ref(), self.image.as_os_str()]);
            system("e2fsck", &["-f".as_ref(), "-n".as_ref(), self.image.as_os_str()]).unwrap();
        } else {
            // Mounting is what replays it.
            self.mount();
            self.unmount();
            system("xfs_repair", &["-n".as_ref(), self.image.as_os_str()]).unwrap();
        }
        self.mount();
    }

    /// Makes ext4 meet an error inside itself, which turns it read-only under its users; false if the kernel cannot.
    pub fn fail(&self) -> bool {
        let Ok(found) = system("findmnt", &["-no".as_ref(), "SOURCE".as_ref(), self.mount.as_os_str()]) else {
            return false;
        };
        let device = found.trim().rsplit('/').next().unwrap_or_default().to_owned();
        fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "planted").is_ok()
    }

    /// Free bytes for users, as the server sees them.
    pub fn free_bytes(&self) -> u64 {
        let found = rustix::fs::statvfs(&self.mount).unwrap();
        found.f_bavail * found.f_frsize
    }

    /// The most that was free at any time while something went on.
    pub async fn most_free_while(&self, work: impl Future<Output = ()>) -> u64 {
        let mut most = self.free_bytes();
        let mut work = std::pin::pin!(work);
        loop {
            let ended = tokio::time::timeout(Duration::from_millis(1), &mut work).await.is_ok();
            most = most.max(self.free_bytes());
            if ended {
                return most;
            }
        }
    }

    /// Takes so many bytes into a file of this name.
    pub fn take(&self, name: &str, bytes: u64) {
        let file = fs::File::create(self.mount.join(name)).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).unwrap();
    }

    /// Takes everything that is left.
    pub fn take_all(&self, name: &str) {
        let file = fs::File::create(self.mount.join(name)).unwrap();
        let (mut at, mut step) = (0, 64 * 1024 * 1024);
        while step >= 4096 {
            match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), at, step) {
                Ok(()) => at += step,
                Err(_) => step /= 2,
            }
        }
    }

    /// Gives back what was taken.
    pub fn give_back(&self, name: &str) {
        fs::remove_file(self.mount.join(name)).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A process that still has files open keeps the device, not the mount.
        if self.mounted && system("umount", &[self.mount.as_os_str()]).is_err() {
            let _ = system("umount", &["--lazy".as_ref(), self.mount.as_os_str()]);
        }
    }
}
