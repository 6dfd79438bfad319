//! The demo's last part before the harm: an evidence package, written and then judged by the auditor's program. It stays on
//! disk when the rest of the demo goes.

use super::setting::ADMINISTRATOR;
use super::{Part, Tale, broken};
use crate::cli::errors::Failure;
use crate::cli::files;
use crate::clock::Clock;
use crate::record::line::time;
use deedbook_verify::package::{Directory, verify_package};
use std::path::{Path, PathBuf};

/// The package's folder, and the key that it is judged under, in the demo's.
const PACKAGE: &str = "soc2";
const KEY: &str = "ledger.vkey";

/// Writes the package and has it judged.
pub fn tell(tale: &mut Tale) -> Result<(), Failure> {
    tale.step(
        "Evidence that an auditor takes away",
        "Every entry of the year in one folder, each computed test with its rows, who exported it; and the small program that\n\
         computes all of it again, without the server, trusting one key.",
    )?;
    let today = time::show(Clock::system().wall());
    let year = today.split('-').next().unwrap_or_default();
    let period = format!("--from {year}-01-01 --to {year}-12-31");
    let key = "--vkey ledger/ledger.vkey";
    tale.done(&format!("deedbook export --framework soc2 {period} {key} {ADMINISTRATOR} --out {PACKAGE}"), Part::All)?;
    if tale.terminal.verifier().is_some() {
        tale.done(&format!("deedbook-verify package {key} {PACKAGE}"), Part::All)?;
        return Ok(());
    }
    // A build of this program alone: the same code judges, in this process.
    let (folder, key) =
        (tale.terminal.folder(), files::verifier_key_at(&tale.terminal.folder().join("ledger/ledger.vkey"))?);
    let shown =
        verify_package(&Directory(folder.join(PACKAGE)), &key).map_err(|refusal| broken(&refusal.to_string()))?;
    let entries = shown.rendered.counts.entries;
    tale.say(&format!(
        "deedbook-verify is not built beside this program; its code, in this one: valid, {entries} entries"
    ))
}

/// Where whoever wants to read should begin.
pub fn report(folder: &Path) -> Option<PathBuf> {
    let package = folder.join(PACKAGE);
    let pages = ["data/report.html", "data/package.json"].map(|page| package.join(page));
    pages.into_iter().find(|page| page.is_file())
}

/// Removes everything of the demo but the package and the key that it is judged under.
pub fn keep_alone(folder: &Path, remove: impl Fn(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let file = |error: std::io::Error| Failure::file(folder, &error);
    std::fs::copy(folder.join("ledger").join(KEY), folder.join(KEY)).map_err(file)?;
    for entry in std::fs::read_dir(folder).map_err(file)? {
        let entry = entry.map_err(file)?;
        if entry.file_name() == PACKAGE || entry.file_name() == KEY {
            continue;
        }
        remove(&entry.path())?;
    }
    Ok(())
}
