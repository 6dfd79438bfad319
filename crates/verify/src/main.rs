//! The auditor's program: `deedbook-verify receipt|lineage|package --vkey FILE|--policy FILE FILE...`. No server, no
//! network, no configuration.

#[path = "main/lineage.rs"]
mod lineage;
#[path = "main/mixed.rs"]
mod mixed;
#[cfg(feature = "package")]
#[path = "main/package.rs"]
mod package;
#[path = "main/receipt.rs"]
mod receipt;
#[cfg(feature = "package")]
#[path = "main/show.rs"]
mod show;

use deedbook_verify::judge::{Verified, verify_receipt, verify_witnessed};
use deedbook_verify::limits;
use deedbook_verify::lineage::{LineageRefusal, LineageShown, verify_lineage, verify_lineage_witnessed};
use deedbook_verify::note::VerifierKey;
#[cfg(feature = "package")]
use deedbook_verify::package::{
    Directory, PackageCode, PackageRefusal, PackageShown, verify_package, verify_package_witnessed,
};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::ReceiptRefusal;
#[cfg(feature = "package")]
use deedbook_verify::words::Index;
use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Checks Deedbook receipts, proofs of lineage and evidence packages offline.

usage: deedbook-verify receipt --vkey FILE RECEIPT...
       deedbook-verify receipt --policy FILE [--vkey FILE] RECEIPT...
       deedbook-verify lineage --vkey FILE [--json] BUNDLE...
       deedbook-verify lineage --policy FILE [--vkey FILE] [--json] BUNDLE...
       deedbook-verify package --vkey FILE [--json] FOLDER...
       deedbook-verify package --policy FILE [--vkey FILE] [--json] FOLDER...
       deedbook-verify package --vkey FILE [--json] --show INDEX FOLDER
       deedbook-verify --version

  --vkey FILE    the ledger's verifier key (ledger.vkey), got from somebody you trust
  --policy FILE  a C2SP tlog-policy, got from somebody you trust: it names the ledger's key, its witnesses, and how
                 many of them must have cosigned; with --vkey, that key alone counts as the ledger's
  --json         one line of JSON for each bundle or package
  --show INDEX   verifies the package, and prints this entry: its facts, and its body where it is disclosed
  RECEIPT        .tlog-proof files
  BUNDLE         files that `deedbook lineage ... --proof FILE` wrote
  FOLDER         evidence packages, unpacked

example: deedbook-verify receipt --policy auditors.policy export-17.tlog-proof
         deedbook-verify lineage --vkey ledger.vkey export.lineage-proof

exit status: 0 all valid, 1 at least one is not, 2 usage, or a file that cannot be read and none that is not valid
";

/// What ends the program early.
enum Failure {
    /// The command line is no sentence of this program.
    Usage(String),
    /// A file is not what it should be, or not there; and what to do about it.
    File(String, &'static str),
    Output,
}

/// What `--vkey` takes.
const KEY_NEXT: &str = "`--vkey` takes the ledger's verifier key, one line like NAME+0a1b2c3d+BASE64 with the ledger's name: \
                        `ledger.vkey`, from the ledger's operator or an auditor who has it, and not from the package or the receipt";
/// What `--policy` takes.
const POLICY_NEXT: &str = "`--policy` takes a C2SP tlog-policy (lines `log`, `witness`, `group`, `quorum`); with a verifier key \
                           alone, use `--vkey`";
/// What a path has to be.
const PATH_NEXT: &str = "check the path; nothing was judged there";

/// What was found, the worst of it.
enum Ending {
    AllValid,
    SomeUnread,
    SomeInvalid,
}

impl Ending {
    /// Something could not be read; worse was found, or not.
    fn unread(&mut self) {
        if matches!(self, Ending::AllValid) {
            *self = Ending::SomeUnread;
        }
    }

    /// Something was judged: prints what was found, and beside it the next step.
    fn judged(&mut self, judged: &Judged) -> Result<(), Failure> {
        if !judged.is_valid {
            *self = Ending::SomeInvalid;
        }
        print(&judged.text)?;
        if let Some(next) = &judged.next {
            // Nothing can be done about a closed error stream.
            let _ = writeln!(std::io::stderr(), "next: {next}");
        }
        Ok(())
    }
}

/// What was found about a file or a folder.
struct Judged {
    is_valid: bool,
    text: String,
    /// What to do, where the refusal looks like something mixed up.
    next: Option<String>,
}

impl Judged {
    fn valid(text: String) -> Judged {
        Judged { is_valid: true, text, next: None }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(Ending::AllValid) => ExitCode::SUCCESS,
        Ok(Ending::SomeInvalid) => ExitCode::from(1),
        Ok(Ending::SomeUnread) => ExitCode::from(2),
        Err(Failure::Usage(message)) => {
            // Nothing can be done about a closed error stream.
            let _ = writeln!(std::io::stderr(), "deedbook-verify: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::File(message, next)) => {
            unread(&message, next);
            ExitCode::from(2)
        }
        Err(Failure::Output) => ExitCode::from(2),
    }
}

/// Says what is wrong with a file, and what to do.
fn unread(message: &str, next: &str) {
    // Nothing can be done about a closed error stream.
    let _ = writeln!(std::io::stderr(), "deedbook-verify: {message}\nnext: {next}");
}

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Receipt,
    Lineage,
    #[cfg(feature = "package")]
    Package,
}

/// The command line, taken apart.
struct Command<'a> {
    subject: Subject,
    trust: Trust,
    /// The file of the key or policy that all rests on.
    trusted: &'a str,
    json: bool,
    /// The index of the entry of a package that is shown in place of the results.
    show: Option<u64>,
    files: Vec<&'a str>,
}

/// For whoever records which program judged, and by which revision of the tests.
fn version() -> String {
    #[cfg(feature = "package")]
    let rules = format!("packages by {}", deedbook_verify::package::PROGRAM);
    #[cfg(not(feature = "package"))]
    let rules = "no packages";
    format!("deedbook-verify {}, {rules}\n", env!("CARGO_PKG_VERSION"))
}

fn run(arguments: &[String]) -> Result<Ending, Failure> {
    if matches!(arguments, [word] if matches!(word.as_str(), "--version" | "-V")) {
        return print(&version()).map(|()| Ending::AllValid);
    }
    let Some(command) = parse(arguments)? else { return print(USAGE).map(|()| Ending::AllValid) };
    if command.show.is_some() && command.files.len() > 1 {
        return Err(Failure::Usage("`--show` takes one package".to_owned()));
    }
    let mut ending = Ending::AllValid;
    for name in &command.files {
        match command.judge(name) {
            Ok(judged) => ending.judged(&judged)?,
            // The others are judged all the same.
            Err(Failure::File(message, next)) => {
                unread(&message, next);
                ending.unread();
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(ending)
}

/// For people, of what does not hold.
fn refused(name: &str, refusal: &dyn std::fmt::Display) -> String {
    format!("{}: NOT VALID: {refusal}\n", lineage::plain(name))
}

/// None: help was asked for.
fn parse(arguments: &[String]) -> Result<Option<Command<'_>>, Failure> {
    let mut words = arguments.iter().map(String::as_str);
    let usage = |message: &str| Failure::Usage(message.to_owned());
    let subject = match words.next() {
        Some("receipt") => Subject::Receipt,
        Some("lineage") => Subject::Lineage,
        #[cfg(feature = "package")]
        Some("package") => Subject::Package,
        #[cfg(not(feature = "package"))]
        Some("package") => return Err(usage("this program was built without packages (cargo feature `package`)")),
        Some("--help" | "-h" | "help") => return Ok(None),
        Some(other) => return Err(Failure::Usage(format!("unknown command `{other}`"))),
        None => return Err(usage("a command is missing")),
    };
    let (mut key, mut policy, mut json, mut show, mut files) = (None, None, false, None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--help" | "-h" => return Ok(None),
            "--vkey" => key = Some(words.next().ok_or(usage("`--vkey` needs a file"))?),
            "--policy" => policy = Some(words.next().ok_or(usage("`--policy` needs a file"))?),
            "--json" if subject != Subject::Receipt => json = true,
            "--show" if !matches!(subject, Subject::Receipt | Subject::Lineage) => {
                let index = words.next().and_then(|word| word.parse().ok());
                show = Some(index.ok_or(usage("`--show` needs the index of an entry"))?);
            }
            flag if flag.starts_with('-') => return Err(Failure::Usage(format!("unknown flag `{flag}`"))),
            file => files.push(file),
        }
    }
    let (trust, trusted) = match (key, policy) {
        (None, None) => return Err(usage("`--vkey FILE` or `--policy FILE` is missing")),
        (Some(key), None) => (Trust::Key(load_key(key)?), key),
        (None, Some(file)) => (Trust::Policy(load_policy(file)?), file),
        (Some(key), Some(file)) => {
            let policy = load_policy(file)?.for_log(&load_key(key)?);
            let policy = policy.ok_or(usage("the policy does not list the key of `--vkey` as a log"))?;
            (Trust::Policy(policy), file)
        }
    };
    if files.is_empty() {
        return Err(usage(match subject {
            Subject::Receipt => "name at least one receipt",
            Subject::Lineage => "name at least one bundle",
            #[cfg(feature = "package")]
            Subject::Package => "name at least one package's folder",
        }));
    }
    Ok(Some(Command { subject, trust, trusted, json, show, files }))
}

impl Command<'_> {
    /// What is found about a file, or the folder of a package.
    fn judge(&self, name: &str) -> Result<Judged, Failure> {
        match self.subject {
            Subject::Receipt => Ok(self.judge_receipt(name, &read(name, limits::RECEIPT_BYTES_MAX)?)),
            Subject::Lineage => Ok(self.judge_lineage(name, &read(name, limits::BUNDLE_BYTES_MAX)?)),
            #[cfg(feature = "package")]
            Subject::Package => self.judge_package(name),
        }
    }

    fn judge_receipt(&self, name: &str, bytes: &[u8]) -> Judged {
        match self.trust.judge(bytes) {
            Ok(verified) => Judged::valid(receipt::text(name, &verified)),
            Err(refusal) => {
                let next = mixed::no_receipt(bytes).or_else(|| self.trust.other_key(bytes));
                Judged { is_valid: false, text: refused(name, &refusal), next }
            }
        }
    }

    fn judge_lineage(&self, name: &str, bytes: &[u8]) -> Judged {
        let source = lineage::Source { file: name, key: self.trusted };
        match self.trust.judge_lineage(bytes) {
            Ok(shown) if self.json => Judged::valid(lineage::json(source, &shown)),
            Ok(shown) => Judged::valid(lineage::text(source, &shown)),
            Err(refusal) => {
                let text = if self.json { lineage::refused_json(name, &refusal) } else { refused(name, &refusal) };
                let next = mixed::no_bundle(bytes).or_else(|| self.trust.other_key(bytes));
                Judged { is_valid: false, text, next }
            }
        }
    }

    /// What is found about a package, or the entry of it that was asked for.
    #[cfg(feature = "package")]
    fn judge_package(&self, name: &str) -> Result<Judged, Failure> {
        // No folder is no package that could be valid or not.
        std::fs::read_dir(name).map_err(|error| {
            Failure::File(format!("{}: no folder that can be read: {error}", lineage::plain(name)), PATH_NEXT)
        })?;
        let source = lineage::Source { file: name, key: self.trusted };
        Ok(match (self.trust.judge_package(name), self.show) {
            (Ok(shown), Some(index)) => Judged::valid(show::entry(source, &shown, Index(index), self.json)?),
            (Ok(shown), None) if self.json => Judged::valid(package::json(source, &shown)),
            (Ok(shown), None) => Judged::valid(package::text(source, &shown)),
            (Err(refusal), _) => {
                let text =
                    if self.json { package::refused_json(name, &refusal) } else { package::refused(name, &refusal) };
                let is_note = matches!(refusal.code, PackageCode::StartCheckpoint | PackageCode::EndCheckpoint);
                // A note that cannot be read names nobody.
                let note = || read(&format!("{name}/{}", refusal.file), limits::NOTE_BYTES_MAX).unwrap_or_default();
                Judged { is_valid: false, text, next: is_note.then(note).and_then(|note| self.trust.other_key(&note)) }
            }
        })
    }
}

/// What the caller trusts.
enum Trust {
    Key(VerifierKey),
    Policy(Policy),
}

impl Trust {
    fn judge(&self, receipt: &[u8]) -> Result<Verified, ReceiptRefusal> {
        match self {
            Trust::Key(key) => verify_receipt(receipt, key),
            Trust::Policy(policy) => verify_witnessed(receipt, policy),
        }
    }

    /// What to do, if what was judged is signed by others than the key that was given.
    fn other_key(&self, signed: &[u8]) -> Option<String> {
        match self {
            Trust::Key(key) => mixed::other_key(key, signed),
            Trust::Policy(_) => None,
        }
    }

    fn judge_lineage(&self, bundle: &[u8]) -> Result<LineageShown, LineageRefusal> {
        match self {
            Trust::Key(key) => verify_lineage(bundle, key),
            Trust::Policy(policy) => verify_lineage_witnessed(bundle, policy),
        }
    }

    #[cfg(feature = "package")]
    fn judge_package(&self, folder: &str) -> Result<PackageShown, PackageRefusal> {
        let folder = Directory(folder.into());
        match self {
            Trust::Key(key) => verify_package(&folder, key),
            Trust::Policy(policy) => verify_package_witnessed(&folder, policy),
        }
    }
}

fn load_key(file: &str) -> Result<VerifierKey, Failure> {
    let text = String::from_utf8_lossy(&read(file, limits::RECEIPT_BYTES_MAX)?).into_owned();
    let wrong = || {
        format!("{}: where the ledger's verifier key is wanted, this is {}", lineage::plain(file), mixed::kind(&text))
    };
    VerifierKey::parse(&text).map_err(|_| Failure::File(wrong(), KEY_NEXT))
}

fn load_policy(file: &str) -> Result<Policy, Failure> {
    Policy::parse(&read(file, limits::RECEIPT_BYTES_MAX)?)
        .map_err(|refusal| Failure::File(format!("{}: {refusal}", lineage::plain(file)), POLICY_NEXT))
}

fn read(name: &str, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::File(format!("{}: {error}", lineage::plain(name)), PATH_NEXT);
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(name).map_err(unreadable)?.take(bound).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|_| Failure::Output)
}
