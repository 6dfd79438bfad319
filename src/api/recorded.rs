//! What `EvidenceService` states of whoever reads the log as evidence and takes packages out: who signed for it, whether
//! they may, and what the ledger then states. It hands out no evidence, and reads need no such statement.

use crate::api::convert;
use crate::api::proto::{self, Reason};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::signed::{self, Signed};
use crate::ledger::{Act, Reader};
use crate::limits;
use bytes::Bytes;
use deedbook_verify::detail::{Interval, Roles};
use deedbook_verify::package::{Question, Redaction};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, EventId, Hash, Index, LedgerId, Micros, TreeSize};
use serde_json::json;

const READ: &str = "RecordRead";
const EXPORT: &str = "RecordExport";

/// What a reader signs.
pub fn read_request(ledger: LedgerId, time: Micros, request: &proto::RecordReadRequest) -> Vec<u8> {
    signed::signed_bytes(ledger, READ, time, &read_fields(request).each_ref().map(Vec::as_slice))
}

fn read_fields(request: &proto::RecordReadRequest) -> [Vec<u8>; 3] {
    let sizes = request.sizes.unwrap_or_default();
    let flags = u8::from(request.with_bodies) | u8::from(request.for_export) << 1;
    [sizes.begins.to_be_bytes().to_vec(), sizes.ends.to_be_bytes().to_vec(), vec![flags]]
}

/// What an exporter signs.
pub fn export_request(ledger: LedgerId, time: Micros, request: &proto::RecordExportRequest) -> Vec<u8> {
    signed::signed_bytes(ledger, EXPORT, time, &export_fields(request).each_ref().map(Vec::as_slice))
}

fn export_fields(request: &proto::RecordExportRequest) -> [Vec<u8>; 4] {
    let question = blake3::hash(&request.question).as_bytes().to_vec();
    let disclosed = request.disclosed.to_be_bytes().to_vec();
    [question, request.manifest_digest.to_vec(), request.root.to_vec(), disclosed]
}

/// States a read.
pub async fn read(shared: &Shared, mut request: proto::RecordReadRequest) -> Result<proto::RecordReadResponse, Fault> {
    let by = request.by.take();
    let fields = read_fields(&request);
    let signed = signed::judge(shared, by.clone(), READ, &fields.each_ref().map(Vec::as_slice))?;
    let allowed = Roles::EXPORTER.with(Roles::ADMINISTRATOR);
    let allowed = if request.for_export { allowed } else { allowed.with(Roles::AUDITOR) };
    let actor = signed::with_role(&shared.ledger.reader(), signed.source, allowed)?;
    let sizes = convert::required("sizes", request.sizes)?;
    if sizes.begins >= sizes.ends {
        return Err(Fault::field("sizes", format!("{} is not below {}", sizes.begins, sizes.ends)));
    }
    let size = shared.ledger.reader().head().size;
    if sizes.ends > size.0 {
        let message = format!("the interval ends at {}, the log at {size}", sizes.ends);
        return Err(Fault::new(Reason::OutsideTree, message).with("tree_size", size));
    }
    let interval = Interval { first: Index(sizes.begins), end: TreeSize(sizes.ends) };
    let disclosed = match request.with_bodies {
        true => shared.read(move |reader: &Reader| reader.bodies_between(interval.first, interval.end)).await?,
        false => 0,
    };
    let act = Act::Read { interval, disclosed, actor };
    let note = json!({"for_export": request.for_export, "request": evidence(by.as_ref())});
    let index = state(shared, &signed, &act, &note).await?;
    Ok(proto::RecordReadResponse { index: index.0, actor: convert::reference(actor.who) })
}

/// States an export.
pub async fn export(
    shared: &Shared,
    mut request: proto::RecordExportRequest,
) -> Result<proto::RecordExportResponse, Fault> {
    let by = request.by.take();
    let fields = export_fields(&request);
    let signed = signed::judge(shared, by.clone(), EXPORT, &fields.each_ref().map(Vec::as_slice))?;
    let reader = shared.ledger.reader();
    let actor = signed::with_role(&reader, signed.source, Roles::EXPORTER.with(Roles::ADMINISTRATOR))?;
    let package = Digest(convert::array("manifest_digest", &request.manifest_digest)?);
    let root = Hash(convert::array("root", &request.root)?);
    let (question, text) = question(&reader, &request)?;
    let head = TreeHead { size: question.ends, root };
    let interval = Interval { first: Index(question.begins.0), end: question.ends };
    let keyed = Digest(*blake3::keyed_hash(&reader.ref_key().0, text.as_bytes()).as_bytes());
    let act = Act::Exported { interval, disclosed: request.disclosed, question: keyed, package, head, actor };
    let note = json!({"question": text, "request": evidence(by.as_ref())});
    let index = state(shared, &signed, &act, &note).await?;
    Ok(proto::RecordExportResponse { index: index.0, actor: convert::reference(actor.who) })
}

/// The question: of this ledger, of entries that it has, disclosing no more bodies than it can.
fn question(reader: &Reader, request: &proto::RecordExportRequest) -> Result<(Question, String), Fault> {
    let text = match std::str::from_utf8(&request.question) {
        Ok(text) if text.len() <= limits::PACKAGE_QUESTION_BYTES_MAX => text.to_owned(),
        Ok(_) | Err(_) => return Err(Fault::field("question", "no text, or longer than a question is")),
    };
    let question = Question::parse(&text).map_err(|refusal| Fault::field("question", refusal.to_string()))?;
    if question.ledger != reader.ledger_id() {
        return Err(Fault::field("question", "it names another ledger"));
    }
    if question.ends > reader.head().size {
        return Err(Fault::field("question", "its interval ends beyond the log"));
    }
    let disclosed_max = match question.redaction {
        Redaction::None => question.ends.0.saturating_sub(question.begins.0),
        Redaction::Bodies => 0,
    };
    if request.disclosed > disclosed_max {
        return Err(Fault::field("disclosed", "more bodies than the question can disclose"));
    }
    Ok((question, text))
}

/// The asker's own signature stays with the statement, in its body.
fn evidence(by: Option<&proto::RequestSignature>) -> serde_json::Value {
    let hex = |bytes: &Bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    by.map_or(
        serde_json::Value::Null,
        |by| json!({"key_id": hex(&by.key_id), "time_micros": by.time_micros, "signature": hex(&by.signature)}),
    )
}

/// States it under an id that follows from the signed request: whoever sends the same bytes again, because the answer was
/// lost, is told of the first entry.
async fn state(shared: &Shared, signed: &Signed, act: &Act, note: &serde_json::Value) -> Result<Index, Fault> {
    let digest = blake3::hash(&[signed.source.0.as_slice(), &signed.bytes].concat());
    let (id, _) = digest.as_bytes().split_first_chunk::<16>().ok_or_else(signed::stranger)?;
    Ok(shared.ledger.record(EventId(*id), act, Some(note.to_string().into())).await?)
}
