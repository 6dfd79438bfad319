//! The auditor's program: `deedbook-verify receipt --vkey FILE RECEIPT...`. No server, no network, no configuration.

use deedbook_verify::judge::{BodyState, Enroller, Verified, verify_receipt};
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Checks Deedbook receipts offline.

usage: deedbook-verify receipt --vkey FILE RECEIPT...

  --vkey FILE   the ledger's verifier key (ledger.vkey), got from somebody you trust
  RECEIPT       .tlog-proof files

example: deedbook-verify receipt --vkey ledger.vkey export-17.tlog-proof

exit status: 0 all valid, 1 at least one is not, 2 usage or unreadable file
";

/// What ends the program early.
enum Failure {
    Usage(String),
    Output,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Usage(message)) => {
            // Nothing can be done about a closed error stream.
            let _ = writeln!(std::io::stderr(), "deedbook-verify: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Output) => ExitCode::from(2),
    }
}

fn run(arguments: &[String]) -> Result<bool, Failure> {
    let mut words = arguments.iter().map(String::as_str);
    let usage = |message: &str| Failure::Usage(message.to_owned());
    match words.next() {
        Some("receipt") => {}
        Some("--help" | "-h" | "help") => return print(USAGE).map(|()| true),
        Some(other) => return Err(Failure::Usage(format!("unknown command `{other}`"))),
        None => return Err(usage("a command is missing")),
    }
    let (mut key, mut receipts) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--vkey" => key = Some(words.next().ok_or(usage("`--vkey` needs a file"))?),
            flag if flag.starts_with('-') => return Err(Failure::Usage(format!("unknown flag `{flag}`"))),
            file => receipts.push(file),
        }
    }
    let key = key.ok_or(usage("`--vkey FILE` is missing"))?;
    if receipts.is_empty() {
        return Err(usage("name at least one receipt"));
    }
    let text = String::from_utf8_lossy(&read(key)?).into_owned();
    let key = VerifierKey::parse(&text).map_err(|refusal| Failure::Usage(format!("{key}: {refusal}")))?;
    let mut valid = true;
    for name in receipts {
        match verify_receipt(&read(name)?, &key) {
            Ok(verified) => print(&describe(name, &verified))?,
            Err(refusal) => {
                valid = false;
                print(&format!("{name}: NOT VALID: {refusal}\n"))?;
            }
        }
    }
    Ok(valid)
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
        Enroller::NotShown(id) => format!("enrolled under key {id}"),
    };
    let mut lines = vec![
        format!("{name}: valid"),
        format!("  ledger   {}", verified.ledger),
        format!("  tree     {} entries, root {}", verified.head.size, verified.head.root),
        format!("  entry    {} at index {}", verified.kind.name(), verified.index),
        format!("  received {} microseconds since 1970 UTC, by the server's clock", verified.received),
        format!("  signed   by key {}, {enroller}", verified.signer),
        format!("  body     {body}"),
    ];
    lines.extend(verified.limits().into_iter().map(|limit| format!("  note     {limit}")));
    lines.extend(verified.ignored.iter().map(|name| format!("  ignored  signature line of {name}")));
    lines.join("\n") + "\n"
}
