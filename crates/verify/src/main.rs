//! The auditor's program: `deedbook-verify receipt --vkey FILE|--policy FILE RECEIPT...`. No server, no network, no
//! configuration.

use deedbook_verify::calendar::rfc3339;
use deedbook_verify::judge::{BodyState, Enroller, Verified, Witnessing, verify_receipt, verify_witnessed};
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::ReceiptRefusal;
use deedbook_verify::words::Micros;
use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Checks Deedbook receipts offline.

usage: deedbook-verify receipt --vkey FILE RECEIPT...
       deedbook-verify receipt --policy FILE [--vkey FILE] RECEIPT...

  --vkey FILE    the ledger's verifier key (ledger.vkey), got from somebody you trust
  --policy FILE  a C2SP tlog-policy, got from somebody you trust: it names the ledger's key, its witnesses, and how
                 many of them must have cosigned; with --vkey, that key alone counts as the ledger's
  RECEIPT        .tlog-proof files

example: deedbook-verify receipt --policy auditors.policy export-17.tlog-proof

exit status: 0 all valid, 1 at least one is not, 2 usage, or a file that cannot be read and none that is not valid
";

/// What ends the program early.
enum Failure {
    Usage(String),
    Output,
}

/// What was found, the worst of it.
enum Ending {
    AllValid,
    SomeUnread,
    SomeInvalid,
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
        Err(Failure::Output) => ExitCode::from(2),
    }
}

fn run(arguments: &[String]) -> Result<Ending, Failure> {
    let mut words = arguments.iter().map(String::as_str);
    let usage = |message: &str| Failure::Usage(message.to_owned());
    match words.next() {
        Some("receipt") => {}
        Some("--help" | "-h" | "help") => return print(USAGE).map(|()| Ending::AllValid),
        Some(other) => return Err(Failure::Usage(format!("unknown command `{other}`"))),
        None => return Err(usage("a command is missing")),
    }
    let (mut key, mut policy, mut receipts) = (None, None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--vkey" => key = Some(words.next().ok_or(usage("`--vkey` needs a file"))?),
            "--policy" => policy = Some(words.next().ok_or(usage("`--policy` needs a file"))?),
            flag if flag.starts_with('-') => return Err(Failure::Usage(format!("unknown flag `{flag}`"))),
            file => receipts.push(file),
        }
    }
    let trust = match (key.map(load_key).transpose()?, policy) {
        (None, None) => return Err(usage("`--vkey FILE` or `--policy FILE` is missing")),
        (Some(key), None) => Trust::Key(key),
        (None, Some(file)) => Trust::Policy(load_policy(file)?),
        (Some(key), Some(file)) => {
            let policy = load_policy(file)?.for_log(&key);
            Trust::Policy(policy.ok_or(usage("the policy does not list the key of `--vkey` as a log"))?)
        }
    };
    if receipts.is_empty() {
        return Err(usage("name at least one receipt"));
    }
    let mut ending = Ending::AllValid;
    for name in receipts {
        let bytes = match read(name) {
            Ok(bytes) => bytes,
            // The others are judged all the same.
            Err(Failure::Usage(message)) => {
                let _ = writeln!(std::io::stderr(), "deedbook-verify: {message}");
                if matches!(ending, Ending::AllValid) {
                    ending = Ending::SomeUnread;
                }
                continue;
            }
            Err(failure) => return Err(failure),
        };
        match trust.judge(&bytes) {
            Ok(verified) => print(&describe(name, &verified))?,
            Err(refusal) => {
                ending = Ending::SomeInvalid;
                print(&format!("{name}: NOT VALID: {refusal}\n"))?;
            }
        }
    }
    Ok(ending)
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
}

fn load_key(file: &str) -> Result<VerifierKey, Failure> {
    let text = String::from_utf8_lossy(&read(file)?).into_owned();
    VerifierKey::parse(&text).map_err(|refusal| Failure::Usage(format!("{file}: {refusal}")))
}

fn load_policy(file: &str) -> Result<Policy, Failure> {
    Policy::parse(&read(file)?).map_err(|refusal| Failure::Usage(format!("{file}: {refusal}")))
}

fn read(name: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{name}: {error}"));
    let mut bytes = Vec::new();
    let bound = u64::try_from(limits::RECEIPT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    File::open(name).map_err(unreadable)?.take(bound).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|_| Failure::Output)
}

fn describe(name: &str, verified: &Verified) -> String {
    let body = match verified.body {
        BodyState::Disclosed(length) => format!("{length} bytes, opens its commitment"),
        BodyState::Redacted => "redacted".to_owned(),
        BodyState::None => "none".to_owned(),
    };
    let enroller = match verified.enroller {
        Enroller::Genesis => "named by genesis".to_owned(),
        Enroller::Administrator(id) => format!("enrolled by genesis administrator {id}"),
        Enroller::SecondNotShown(id) => format!("enrollment asked for by genesis administrator {id}"),
        Enroller::NotShown(id) => format!("enrolled under key {id}"),
    };
    let mut lines = vec![
        format!("{name}: valid"),
        format!("  ledger   {}", verified.ledger),
        format!("  tree     {} entries, root {}", verified.head.size, verified.head.root),
        format!("  entry    {} at index {}", verified.kind.name(), verified.index),
        format!("  received {}, by the server's clock", rfc3339(verified.received)),
        format!("  signed   by key {}, {enroller}", verified.signer),
        format!("  body     {body}"),
    ];
    if let Witnessing::Met(cosigned) = &verified.witnessing {
        lines.extend(cosigned.iter().map(|by| {
            let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
            format!("  witness  {} ({}) at {at}, by its own clock", shown(&by.witness), by.key_name)
        }));
    }
    lines.extend(verified.limits().into_iter().map(|limit| format!("  note     {limit}")));
    lines.extend(verified.ignored.iter().map(|name| format!("  ignored  signature line of {name}")));
    lines.join("\n") + "\n"
}

/// A policy's names may hold any characters; none of them shall steer a terminal.
fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}
