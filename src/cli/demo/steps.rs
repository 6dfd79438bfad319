//! The steps of the demo, in order. Each one says what it is about to show, does it, and checks that it came true.

use super::{Tale, broken, events, tamper};
use crate::api::proto;
use crate::app::Server;
use crate::audit::AuditPaths;
use crate::cli::append::{self, AppendArguments, Format, Summary};
use crate::cli::client::{Client, Witnessed};
use crate::cli::errors::Failure;
use crate::cli::output::{Output, write_new};
use crate::cli::{Common, audit, key, producer, proof, show, verify};
use crate::clock::Clock;
use crate::ledger::{self, DataDir, Ledger, OpenOptions};
use crate::record::{SigningKey, entropy};
use deedbook_verify::entry::Entry;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::words::Index;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// What the steps share.
struct Stage {
    data: DataDir,
    folder: PathBuf,
    vkey: VerifierKey,
    common: Common,
    client: Client,
}

/// The whole story.
pub async fn tell(tale: &mut Tale, folder: &Path, openlineage: Option<PathBuf>) -> Result<(), Failure> {
    let data = DataDir::new(folder.join("ledger"));
    let vkey = birth(tale, &data)?;
    let ledger = Ledger::open(&data, OpenOptions::default())?;
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start(ledger.clone(), free, free).await;
    let server = server.map_err(|error| Failure::failed(error.to_string(), "check that loopback ports are free"))?;
    let common = Common {
        server: format!("http://{}", server.addresses().grpc),
        signer: None,
        vkey: None,
        data: data.root().to_owned(),
        json: false,
    };
    let client = Client::connect(&common).await?;
    let mut stage = Stage { data, folder: folder.to_owned(), vkey, common, client };
    let told = online(tale, &mut stage, openlineage).await;
    drop(stage.client);
    server.stop().await;
    // Closing waits for the writer's thread.
    let closing = tokio::task::spawn_blocking(move || ledger.close()).await;
    closing.map_err(|_| broken("the ledger did not close"))?;
    let sample = told?;
    offline(tale, &stage.data, (sample.0, &sample.1))
}

fn birth(tale: &mut Tale, data: &DataDir) -> Result<VerifierKey, Failure> {
    tale.step("A ledger is born", "Its first entry, genesis, names its keys; everything later is proved from there.")?;
    let [a, b, c, d] = entropy::array::<4>()?;
    let made = ledger::init(data, &format!("demo.local/{a:02x}{b:02x}{c:02x}{d:02x}"), &[], &Clock::system())?;
    tale.say(&format!("ledger id {}", made.ledger))?;
    tale.say(&format!("verifier key, for everybody who checks: {}", made.verifier_key))?;
    Ok(made.verifier_key)
}

/// Everything that needs the server; gives one stored entry with its index.
async fn online(tale: &mut Tale, stage: &mut Stage, openlineage: Option<PathBuf>) -> Result<(Index, Vec<u8>), Failure> {
    let gateways = enroll(tale, stage).await?;
    let before = checkpoint(stage, "before").await?;
    let (lineage, actions) = stream(tale, stage, &gateways, openlineage).await?;
    again(tale, stage, &gateways, &actions).await?;
    look(tale, stage, &actions).await?;
    receipts(tale, stage, &lineage, &actions).await?;
    let after = checkpoint(stage, "after").await?;
    tale.step(
        "The log only grew",
        "Two signed checkpoints, taken before and after. A consistency proof, checked here and not by the server,\n\
         shows that the later log contains the earlier one unchanged.",
    )?;
    let old = proof::read_checkpoint(&before, &stage.vkey)?;
    let new = proof::read_checkpoint(&after, &stage.vkey)?;
    proof::prove(&mut stage.client, old, new).await?.map_err(|refusal| broken(&refusal))?;
    tale.say(&format!("consistent: the tree of {} entries extends the tree of {}", new.size, old.size))?;
    let sample = stage.client.event(actions.first_index, proto::EventView::Basic).await?;
    Ok((Index(sample.index), sample.entry.to_vec()))
}

async fn enroll(tale: &mut Tale, stage: &mut Stage) -> Result<[PathBuf; 2], Failure> {
    tale.step(
        "Two gateways get keys",
        "Each producer keeps its own secret key. The administrator signs that the key may speak for its source,\n\
         and that, too, is an entry of the log.",
    )?;
    let admin = SigningKey::load(&stage.data.admin_key())?;
    let admin = producer::introduce(&mut stage.client, admin).await?;
    let gateways = ["gateway-lineage", "gateway-agents"].map(|name| stage.folder.join(format!("{name}.key")));
    for (name, path) in ["gateway-lineage", "gateway-agents"].into_iter().zip(&gateways) {
        let made = SigningKey::generate(name)?;
        made.store(path)?;
        let placement = key::enroll_key(&mut stage.client, &admin, made.public(), name).await?;
        tale.say(&format!("{name}: key {} enrolled at index {}", made.public().id(), placement.first_index))?;
    }
    Ok(gateways)
}

async fn checkpoint(stage: &mut Stage, name: &str) -> Result<PathBuf, Failure> {
    let path = stage.folder.join(format!("{name}.checkpoint"));
    write_new(&path, &stage.client.checkpoint(Witnessed(false)).await?)?;
    Ok(path)
}

/// Both gateways stream at the same time.
async fn stream(
    tale: &mut Tale,
    stage: &Stage,
    gateways: &[PathBuf; 2],
    openlineage: Option<PathBuf>,
) -> Result<(Summary, Summary), Failure> {
    let actions = stage.folder.join("actions.jsonl");
    write_new(&actions, events::actions().as_bytes())?;
    let (lineage, whose) = match openlineage {
        Some(path) => (path, "of others"),
        None => {
            let path = stage.folder.join("openlineage.jsonl");
            write_new(&path, events::openlineage().as_bytes())?;
            (path, "of the demo itself")
        }
    };
    tale.step(
        "They stream events at the same time",
        "One sends OpenLineage events, kept byte for byte; the other reports what an agent did. Frames are signed by\n\
         the gateway and acknowledged when they are on disk.",
    )?;
    tale.say(&format!("OpenLineage events {whose}: {}", lineage.display()))?;
    let [first, second] = gateways;
    let one = append_file(stage, first, &lineage, Format::Openlineage);
    let two = append_file(stage, second, &actions, Format::Jsonl);
    let (one, two) = tokio::join!(one, two);
    let (one, two) = (one?, two?);
    for (name, summary) in [("gateway-lineage", &one), ("gateway-agents", &two)] {
        if summary.appended == 0 {
            return Err(broken("a gateway appended nothing"));
        }
        tale.say(&format!("{name}: {} events appended, the first at index {}", summary.appended, summary.first_index))?;
    }
    Ok((one, two))
}

async fn append_file(stage: &Stage, signer: &Path, file: &Path, format: Format) -> Result<Summary, Failure> {
    let common = Common { signer: Some(signer.to_owned()), ..stage.common.clone() };
    append::append(&common, AppendArguments::plain(format, file), Output::silent()).await
}

async fn again(tale: &mut Tale, stage: &Stage, gateways: &[PathBuf; 2], first: &Summary) -> Result<(), Failure> {
    tale.step(
        "A file sent twice appends nothing",
        "A gateway that does not know whether it got through simply runs again: event ids come from the lines.",
    )?;
    let [_, agents] = gateways;
    let summary = append_file(stage, agents, &stage.folder.join("actions.jsonl"), Format::Jsonl).await?;
    if summary.appended != 0 || summary.known != first.appended || summary.first_index != first.first_index {
        return Err(broken("a repeated file was appended again"));
    }
    tale.say(&format!("0 appended, {} stood in the log already, with the same indexes", summary.known))
}

async fn look(tale: &mut Tale, stage: &mut Stage, actions: &Summary) -> Result<(), Failure> {
    tale.step(
        "What the log shows",
        "Facts are signed and open, names in them are pseudonyms; the bodies with prompts and queries are only\n\
         committed to, encrypted at rest, and can be disclosed or erased one by one.",
    )?;
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for index in (0..2).chain(actions.first_index..actions.first_index.saturating_add(4)) {
        let event = stage.client.event(index, proto::EventView::Basic).await?;
        rows.push(show::row(&event)?);
        values.push(show::value(&event)?);
    }
    tale.show(|output| output.table(show::HEADINGS, &rows), || serde_json::Value::Array(values))
}

async fn receipts(tale: &mut Tale, stage: &mut Stage, lineage: &Summary, actions: &Summary) -> Result<(), Failure> {
    tale.step(
        "Receipts, checked without the server",
        "A receipt is a file that proves one entry to anybody who has the verifier key. One with its body, one\n\
         without, for an auditor who may not read it.",
    )?;
    let mut full = Vec::new();
    for (index, redacted, name) in
        [(lineage.first_index, false, "lineage-full"), (actions.first_index, true, "action-redacted")]
    {
        let bytes = stage.client.receipt(index, redacted, Witnessed(false)).await?.receipt;
        write_new(&stage.folder.join(format!("{name}.tlog-proof")), &bytes)?;
        let verified = verify_receipt(&bytes, &stage.vkey).map_err(|refusal| broken(&refusal.to_string()))?;
        let file = format!("{name}.tlog-proof");
        tale.show(|output| verify::show(&file, &verified, output), || verify::value(&file, &verified))?;
        full = bytes.to_vec();
    }
    tale.step(
        "A receipt with one byte changed",
        "The same check, after somebody exchanged a single letter in the file. It names the check that failed.",
    )?;
    let changed = tamper::receipt(&full);
    write_new(&stage.folder.join("tampered.tlog-proof"), &changed)?;
    match verify_receipt(&changed, &stage.vkey) {
        Ok(_) => Err(broken("a changed receipt was accepted")),
        Err(refusal) => {
            let file = "tampered.tlog-proof";
            tale.show(|output| verify::show_refusal(file, &refusal, output), || verify::refusal_value(file, &refusal))
        }
    }
}

/// What needs no server any more: the audit, before and after harm.
fn offline(tale: &mut Tale, data: &DataDir, (index, entry): (Index, &[u8])) -> Result<(), Failure> {
    tale.step(
        "The audit recomputes everything",
        "The server is stopped. From the stored bytes alone the audit rebuilds every hash, signature and rule.",
    )?;
    let paths = AuditPaths::of(data.root());
    let report = audit::judge(&paths, &[])?;
    tale.show(|output| audit::show(&report, output), || audit::value(&report))?;
    if !report.is_clean() {
        return Err(broken("the audit of an honest ledger has findings"));
    }
    tale.step(
        "An insider rewrites one entry",
        "Somebody with access to the store changes a single bit of one entry, with the engine's own means, so that its\n\
         checksums are right. The hashes and signatures of the log are not.",
    )?;
    let parsed = Entry::parse(entry)?;
    let rewritten = tamper::entry(&data.store(), index, parsed.facts.event_id.as_bytes());
    rewritten.map_err(|error| broken(&error.to_string()))?;
    let report = audit::judge(&paths, &[])?;
    if report.is_clean() {
        return Err(broken("the audit did not see the rewritten entry"));
    }
    tale.show(|output| audit::show(&report, output), || audit::value(&report))?;
    tale.step(
        "One byte of the store's files is flipped",
        "Somebody with access to the disk, or the disk itself, changes a single bit. The store's own checksum meets it\n\
         before any entry is read.",
    )?;
    let harmed = tamper::store(&data.store(), parsed.facts.event_id.as_bytes())?;
    let (path, at) = harmed.ok_or_else(|| broken("the entry was not found in the store's files"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    tale.say(&format!("flipped one bit of byte {at} in {name}"))?;
    match audit::judge(&paths, &[]) {
        Ok(report) if report.is_clean() => Err(broken("the audit did not see the flipped byte")),
        Ok(report) => tale.show(|output| audit::show(&report, output), || audit::value(&report)),
        Err(refusal) => tale.say(&format!("audit: refused: {}", refusal.message)),
    }
}
