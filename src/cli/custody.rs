//! Who had a package: what an exporter signs, what the ledger then states, and the proof of both beside the package. It stands
//! outside the manifests; the verifier holds it against the package (`deedbook_verify::package::custody`).

use super::client::{Client, Witnessed};
use super::errors::Failure;
use super::output::{Output, counted, read_bounded, write_new};
use super::producer::{self, Producer, now};
use super::{Common, block_on, files};
use crate::api::{self, ClientError, proto};
use crate::audit;
use crate::limits::EXPORT_RETRIES_MAX;
use bytes::Bytes;
use clap::Args;
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::frame::pre_authentication_encoding;
use deedbook_verify::limits::{MANIFEST_BYTES_MAX, PACKAGE_TEXT_BYTES_MAX};
use deedbook_verify::note::encode_base64;
use deedbook_verify::package::{
    Directory, ENVELOPE_FILE, ENVELOPE_TYPE, PackageShown, Question, RECEIPT_FILE, RECORD_FILE, RECORD_FORM, Redaction,
    verify_package,
};
use deedbook_verify::words::{Hash, Index, Micros};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `custody` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deedbook custody --signer exporter.key --vkey ledger.vkey soc2-2026q3\n\nFor a package that is \
    not on record: made without --signer, or while the server could not state it. It is verified first, and its \
    report and the other files that the verifier does not judge are rendered again and compared."
)]
pub struct CustodyArguments {
    /// The package's folder
    #[arg(value_name = "DIR")]
    package: PathBuf,
}

/// Puts an export on record whose package stands already.
pub fn run(common: &Common, arguments: &CustodyArguments, output: Output) -> Result<(), Failure> {
    let folder = &arguments.package;
    if folder.join(RECORD_FILE).exists() {
        let message = format!("{}: its export is on record, see {RECORD_FILE}", folder.display());
        return Err(Failure::usage(message, "nothing is to be done"));
    }
    let signer = files::signer(common)?;
    let key = files::own_verifier_key(common)?;
    let shown = verify_package(&Directory(folder.clone()), &key).map_err(|refusal| {
        Failure::failed(format!("{}: {refusal}", folder.display()), "what does not verify is not put on record")
    })?;
    check_renderings(folder, &shown)?;
    let package = Package { folder, root: shown.rendered.root, disclosed: shown.rendered.bodies.opened };
    let recorded = block_on(async {
        let mut client = Client::connect(common).await?;
        let exporter = producer::load(&mut client, signer).await?;
        let signed = sign(&exporter, folder)?;
        let recorded = export(&mut client, &exporter, &package, None).await;
        if recorded.is_err() && signed == Envelope::Made {
            // Beside a package that is on record for nobody, or later for another, it would tell who did not take it out.
            let path = folder.join(ENVELOPE_FILE);
            std::fs::remove_file(&path).map_err(|error| Failure::file(&path, &error))?;
        }
        recorded
    })?;
    output.either(&recorded.line(folder), || recorded.value())
}

/// Refuses a package whose files for people and for other programs are not what its judged data gives: whoever altered them
/// could make manifests anew, and the exporter would sign for it.
fn check_renderings(folder: &Path, shown: &PackageShown) -> Result<(), Failure> {
    let fault = |compared: &audit::Compared| {
        if let audit::Compared::NotRendered(why) = compared {
            return Some(format!("it cannot be rendered again: {why}"));
        }
        compared.fault()
    };
    let files = audit::render_again(folder, shown);
    let faults: Vec<String> =
        files.iter().filter_map(|(path, compared)| Some(format!("{path}: {}", fault(compared)?))).collect();
    let Some(first) = faults.first() else { return Ok(()) };
    let more = u64::try_from(faults.len().saturating_sub(1)).unwrap_or(u64::MAX);
    let more = if more == 0 { String::new() } else { format!("; and {} more", counted(more, "file", "files")) };
    let next = "nothing was put on record; export the period again, or take the version of deedbook that made it; `deedbook audit \
                PACKAGE` names every such file";
    Err(Failure::failed(format!("{}: {first}{more}", folder.display()), next))
}

/// A package that is sealed.
pub struct Package<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// The root at its end.
    pub root: Hash,
    /// How many bodies it discloses.
    pub disclosed: u64,
}

/// What the ledger states.
pub struct Recorded {
    exported: Index,
    read: Option<Index>,
}

impl Recorded {
    /// For people.
    pub fn line(&self, folder: &Path) -> String {
        let at = folder.display();
        format!("{at}: its export is on record at index {}; custody/exported.tlog-proof proves it", self.exported)
    }

    /// For programs.
    pub fn value(&self) -> Value {
        json!({"exported_index": self.exported.0, "read_index": self.read.map(|index| index.0)})
    }
}

/// States that the interval of a question is about to be read for a package. Whoever may not export is refused here.
pub async fn read(client: &mut Client, exporter: &Producer, question: &Question) -> Result<Index, Failure> {
    let sizes = proto::Sizes { begins: question.begins.0, ends: question.ends.0 };
    let with_bodies = question.redaction == Redaction::None;
    let request = proto::RecordReadRequest { by: None, sizes: Some(sizes), with_bodies, for_export: true };
    let time = now();
    let by = signature(exporter, time, &api::read_request(exporter.ledger, time, &request));
    let request = proto::RecordReadRequest { by: Some(by), ..request };
    let mut failures = 0;
    loop {
        match client.record_read(request.clone()).await {
            Ok(answer) => return Ok(Index(answer.index)),
            Err(error) => pause(error, &mut failures).await?,
        }
    }
}

/// States that a package was made, and leaves the proof beside it.
pub async fn export(
    client: &mut Client,
    exporter: &Producer,
    package: &Package<'_>,
    read: Option<Index>,
) -> Result<Recorded, Failure> {
    let question = read_bounded(&package.folder.join("data/question.txt"), PACKAGE_TEXT_BYTES_MAX)?;
    let manifest = read_bounded(&package.folder.join("manifest-sha256.txt"), MANIFEST_BYTES_MAX)?;
    let digest = blake3::hash(&manifest);
    let request = proto::RecordExportRequest {
        by: None,
        question: Bytes::from(question),
        manifest_digest: Bytes::copy_from_slice(digest.as_bytes()),
        root: Bytes::copy_from_slice(package.root.as_bytes()),
        disclosed: package.disclosed,
    };
    let time = now();
    let by = signature(exporter, time, &api::export_request(exporter.ledger, time, &request));
    let request = proto::RecordExportRequest { by: Some(by), ..request };
    let mut failures = 0;
    let answer = loop {
        match client.record_export(request.clone()).await {
            Ok(answer) => break answer,
            Err(error) => pause(error, &mut failures).await?,
        }
    };
    let receipt = client.receipt(answer.index, false, Witnessed(false)).await?.receipt;
    let custody = package.folder.join("custody");
    std::fs::create_dir_all(&custody).map_err(|error| Failure::file(&custody, &error))?;
    write_new(&package.folder.join(RECEIPT_FILE), &receipt)?;
    let recorded = Recorded { exported: Index(answer.index), read };
    let record = json!({
        "custody": RECORD_FORM,
        "ledger_id": exporter.ledger.to_string(),
        "exporter": exporter.source.to_string(),
        "key_id": exporter.key.public().id().to_string(),
        "signed": rfc3339(time),
        "manifest_blake3": digest.to_hex().as_str(),
        "exported_index": recorded.exported.0,
        "read_index": read.map(|index| index.0),
        "receipt": "exported.tlog-proof",
    });
    // Last: where it stands, everything does.
    write_new(&package.folder.join(RECORD_FILE), format!("{record:#}\n").as_bytes())?;
    Ok(recorded)
}

/// What became of the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// It is new.
    Made,
    /// One was there.
    Kept,
}

/// Signs the package's second manifest, and with it every file that is judged. Another exporter's signature stays.
pub fn sign(exporter: &Producer, folder: &Path) -> Result<Envelope, Failure> {
    let path = folder.join(ENVELOPE_FILE);
    if path.exists() {
        return Ok(Envelope::Kept);
    }
    let payload = read_bounded(&folder.join("tagmanifest-sha256.txt"), MANIFEST_BYTES_MAX)?;
    let signature = exporter.key.sign(&pre_authentication_encoding(ENVELOPE_TYPE, &payload));
    let envelope = json!({
        "payloadType": ENVELOPE_TYPE,
        "payload": encode_base64(&payload),
        "signatures": [{"keyid": exporter.key.public().id().to_string(), "sig": encode_base64(&signature)}],
    });
    write_new(&path, format!("{envelope}\n").as_bytes())?;
    Ok(Envelope::Made)
}

fn signature(exporter: &Producer, time: Micros, bytes: &[u8]) -> proto::RequestSignature {
    proto::RequestSignature {
        key_id: Bytes::copy_from_slice(exporter.key.public().id().as_bytes()),
        time_micros: time.0,
        signature: Bytes::copy_from_slice(&exporter.key.sign(bytes)),
    }
}

/// Waits before the same bytes are sent again: a server that took them answers with the first place.
async fn pause(error: ClientError, failures: &mut u32) -> Result<(), Failure> {
    if error.code != "UNAVAILABLE" || *failures >= EXPORT_RETRIES_MAX {
        return Err(error.into());
    }
    tokio::time::sleep(Duration::from_millis(250 << (*failures).min(8))).await;
    *failures = failures.saturating_add(1);
    Ok(())
}
