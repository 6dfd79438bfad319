//! `ProofService`: hands out what the ledger's prover makes. It checks no proof; that is `deedbook_verify`'s work.

use crate::api::convert;
use crate::api::proto::proof_service_server::ProofService;
use crate::api::proto::{
    GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest, GetConsistencyProofResponse,
    GetInclusionProofRequest, GetInclusionProofResponse, GetIntervalProofRequest, GetIntervalProofResponse,
    GetReceiptRequest, GetReceiptResponse, Reason,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::ledger::{Bodies, ReadError, Reader};
use bytes::Bytes;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::words::{Index, TreeSize};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Proofs {
    shared: Arc<Shared>,
}

impl Proofs {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Proofs {
        Proofs { shared }
    }

    /// The newest checkpoint that meets the quorum and has at least so many entries.
    async fn witnessed(&self, size_min: TreeSize) -> Result<Vec<u8>, Fault> {
        Ok(self.shared.ledger.reader().witnessed(size_min).await?)
    }

    /// The smallest tree that holds an entry; an entry that is not there is not waited for.
    fn size_including(&self, index: Index) -> Result<TreeSize, Fault> {
        let size = self.shared.ledger.reader().head().size;
        let wanted = index.size_including().filter(|wanted| *wanted <= size);
        Ok(wanted.ok_or(ReadError::OutsideTree { size })?)
    }
}

/// The size asked for, 0 standing for the newest.
fn size_or_newest(reader: &Reader, size: u64) -> TreeSize {
    match size {
        0 => reader.head().size,
        size => TreeSize(size),
    }
}

/// Makes sure that a range or pair of sizes is in order.
fn ordered(field: &'static str, low: TreeSize, high: TreeSize) -> Result<(), Fault> {
    if low <= high { Ok(()) } else { Err(Fault::field(field, format!("{low} is above {high}"))) }
}

fn inclusion(reader: &Reader, request: &GetInclusionProofRequest) -> Result<GetInclusionProofResponse, Fault> {
    let size = size_or_newest(reader, request.tree_size);
    let proof = reader.inclusion(Index(request.index), size)?;
    Ok(GetInclusionProofResponse {
        index: proof.index.0,
        head: Some(convert::head(reader.head_at(size)?)),
        path: convert::hashes(&proof.path),
    })
}

fn consistency(reader: &Reader, request: &GetConsistencyProofRequest) -> Result<GetConsistencyProofResponse, Fault> {
    let (old, new) = (TreeSize(request.old_size), size_or_newest(reader, request.new_size));
    ordered("old_size", old, new)?;
    let proof = reader.consistency(old, new)?;
    Ok(GetConsistencyProofResponse {
        old_head: Some(convert::head(proof.old)),
        new_head: Some(convert::head(proof.new)),
        path: convert::hashes(&proof.path),
    })
}

fn interval(reader: &Reader, request: &GetIntervalProofRequest) -> Result<GetIntervalProofResponse, Fault> {
    let (from, to) = (TreeSize(request.from), size_or_newest(reader, request.to));
    ordered("from", from, to)?;
    let frontier = reader.frontier(from)?;
    // The checkpoint is asked for last of the states, so that it cannot be older than `to`.
    let to_head = reader.head_at(to)?;
    let note = reader.checkpoint()?;
    let signed = open_checkpoint(&note, reader.verifier_key())
        .map_err(|refusal| Fault::new(Reason::Corrupt, format!("the newest checkpoint is not ours: {refusal}")))?;
    let head = signed.checkpoint().head;
    let proof = reader.consistency(to, head.size)?;
    Ok(GetIntervalProofResponse {
        from_head: Some(convert::head(frontier.head())),
        frontier: convert::hashes(frontier.roots()),
        to_head: Some(convert::head(to_head)),
        note: Bytes::from(note),
        note_head: Some(convert::head(head)),
        path: convert::hashes(&proof.path),
    })
}

#[tonic::async_trait]
impl ProofService for Proofs {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let note = match request.witnessed {
                true => self.witnessed(TreeSize(0)).await?,
                false => self.shared.read(|reader: &Reader| reader.checkpoint()).await?,
            };
            Ok(GetCheckpointResponse { note: Bytes::from(note) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn get_receipt(&self, request: Request<GetReceiptRequest>) -> Result<Response<GetReceiptResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let bodies = if request.redacted { Bodies::Without } else { Bodies::With };
        let work = async {
            let index = Index(request.index);
            let note = match request.witnessed {
                true => Some(self.witnessed(self.size_including(index)?).await?),
                false => None,
            };
            let read = move |reader: &Reader| {
                let event = reader.event(index, bodies)?;
                let receipt = match note {
                    Some(note) => reader.receipt_under(&event, note)?,
                    None => reader.receipt_of(&event)?,
                };
                let body_state = convert::body_state(&event.body).into();
                Ok::<_, ReadError>(GetReceiptResponse { receipt: Bytes::from(receipt), body_state })
            };
            self.shared.read(read).await
        };
        self.shared.answer(&metadata, work).await
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.shared.read(move |reader: &Reader| inclusion(reader, &request))).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.shared.read(move |reader: &Reader| consistency(reader, &request))).await
    }

    async fn get_interval_proof(
        &self,
        request: Request<GetIntervalProofRequest>,
    ) -> Result<Response<GetIntervalProofResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.shared.read(move |reader: &Reader| interval(reader, &request))).await
    }
}
