//! An answer's proof: asked for with what the answer names, judged here where the verifier key is known, and written. The
//! answer itself is shown whether or not it can be proved; one that the server proves wrong is not.

use crate::api::proto;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::{counted, remark, write_new};
use crate::cli::{files, verify};
use deedbook_verify::limits;
use deedbook_verify::lineage::{LineageRefusal, verify_lineage};
use deedbook_verify::note::NoteRefusal;
use std::collections::BTreeSet;
use std::path::Path;

/// Asks for the bundle of an answer's nodes and edges, and of further nodes, and writes it.
pub async fn write(
    client: &mut Client,
    vkey: Option<&Path>,
    path: &Path,
    answer: &proto::LineageAnswer,
    more: &[&[proto::LineageNode]],
) -> Result<(), Failure> {
    let nodes = answer.nodes.iter().chain(more.iter().copied().flatten());
    let nodes: BTreeSet<u32> = nodes.map(|node| node.id).collect();
    if nodes.is_empty() {
        remark("nothing was found, so nothing is proved");
        return Ok(());
    }
    if nodes.len() > limits::BUNDLE_NODES_MAX || answer.edges.len() > limits::BUNDLE_EDGES_MAX {
        let (nodes_max, edges_max) = (limits::BUNDLE_NODES_MAX, limits::BUNDLE_EDGES_MAX);
        let message = format!(
            "the answer names {} nodes and {} edges; a proof holds {nodes_max} and {edges_max}",
            nodes.len(),
            answer.edges.len()
        );
        return Err(Failure::failed(message, "prove a smaller answer: fewer steps, one kind, or a path"));
    }
    let edges = answer.edges.clone();
    let request = proto::ProveLineageRequest { nodes: nodes.into_iter().collect(), edges };
    let bundle = client.lineage_proof(request).await?.bundle;
    let judged = vkey.map(|vkey| judge(&bundle, vkey)).transpose()?;
    write_new(path, &bundle)?;
    let state = judged.unwrap_or_else(|| "not checked; `deedbook-verify lineage` does".to_owned());
    remark(&format!("wrote {} ({} bytes, {state})", path.display(), bundle.len()));
    if !answer.complete {
        remark("the answer is not whole, so neither is what is proved");
    }
    Ok(())
}

fn judge(bundle: &[u8], vkey: &Path) -> Result<String, Failure> {
    let key = files::verifier_key_at(vkey)?;
    let shown = verify_lineage(bundle, &key).map_err(|refusal| {
        // An honest server and a key of something else look like this.
        let next = match refusal == LineageRefusal::Checkpoint(NoteRefusal::NoKnownSignature) {
            true => verify::other_key(&key, bundle),
            false => "keep what the server answered, and run `deedbook audit` on the data".to_owned(),
        };
        Failure::failed(format!("the server's proof is not valid: {refusal}"), next)
    })?;
    let edges = counted(shown.edges.len() as u64, "edge", "edges");
    Ok(format!("valid: {edges} by {}", counted(shown.entries.len() as u64, "entry", "entries")))
}
