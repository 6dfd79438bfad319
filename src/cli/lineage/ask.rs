//! One question each: asked, drawn and proved if that is wanted, shown.

use super::picture::{self, Marked};
use super::{BetweenArguments, NodeArguments, ProofArguments, Scope, proof, show};
use crate::api::proto;
use crate::cli::client::{Client, ended};
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use std::path::Path;

/// Whom is asked, and where answers go.
pub struct Asking<'c> {
    /// The server.
    pub client: Client,
    /// The ledger's verifier key, if it was given: proofs are judged by it before they are called good.
    pub vkey: Option<&'c Path>,
    /// Where answers are shown.
    pub output: Output,
}

fn whole(answer: Option<proto::LineageAnswer>) -> Result<proto::LineageAnswer, Failure> {
    Ok(answer.ok_or_else(ended)?)
}

impl Asking<'_> {
    /// Draws and proves what an answer names, as far as it is wanted. The answer was shown: it stands, whatever fails here.
    async fn keep(
        &mut self,
        scope: &Scope,
        answer: &proto::LineageAnswer,
        (title, marked): (&str, Marked<'_>),
    ) -> Result<(), Failure> {
        picture::write(scope, answer, title, marked)?;
        self.prove(&scope.proof, answer, &[]).await
    }

    async fn prove(
        &mut self,
        wanted: &ProofArguments,
        answer: &proto::LineageAnswer,
        more: &[&[proto::LineageNode]],
    ) -> Result<(), Failure> {
        match &wanted.proof {
            Some(path) => proof::write(&mut self.client, self.vkey, path, answer, more).await,
            None => Ok(()),
        }
    }

    pub async fn stats(&mut self) -> Result<(), Failure> {
        show::stats(&self.client.lineage_stats(proto::GetLineageStatsRequest {}).await?, self.output)
    }

    pub async fn search(&mut self, letters: String, kind: String, wanted: &ProofArguments) -> Result<(), Failure> {
        let found = self.client.lineage_search(proto::SearchLineageRequest { letters, kind }).await?;
        let answer = whole(found.answer)?;
        show::answer(&answer, &[], self.output)?;
        self.prove(wanted, &answer, &[]).await
    }

    async fn traced(
        &mut self,
        up: bool,
        depth_max: u32,
        node: &NodeArguments,
        show: fn(&proto::LineageAnswer, Output) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let scope = node.scope.message();
        let request = proto::TraceLineageRequest { node: node.node.clone(), up, depth_max, scope };
        let answer = whole(self.client.lineage_trace(request).await?.answer)?;
        let title = format!("what {} {}", if up { "led to" } else { "came of" }, node.node);
        show(&answer, self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Start)).await
    }

    pub async fn trace(&mut self, up: bool, depth_max: u32, node: &NodeArguments) -> Result<(), Failure> {
        self.traced(up, depth_max, node, |answer, output| show::answer(answer, &[], output)).await
    }

    /// Everything up or down, by kind.
    pub async fn reach(&mut self, up: bool, node: &NodeArguments) -> Result<(), Failure> {
        self.traced(up, 0, node, show::by_kind).await
    }

    pub async fn paths(&mut self, paths_max: u32, between: &BetweenArguments) -> Result<(), Failure> {
        let (from, to) = (between.from.clone(), between.to.clone());
        let title = format!("paths from {from} to {to}");
        let request = proto::FindLineagePathsRequest { from, to, paths_max, scope: between.scope.message() };
        let found = self.client.lineage_paths(request).await?;
        let answer = whole(found.answer)?;
        show::paths(&answer, &found.paths, &found.count, self.output)?;
        self.keep(&between.scope, &answer, (&title, Marked::Asked)).await
    }

    pub async fn unapproved(&mut self, from: String, node: &NodeArguments) -> Result<(), Failure> {
        let request = proto::FindUnapprovedPathRequest { from, to: node.node.clone(), scope: node.scope.message() };
        let found = self.client.lineage_unapproved(request).await?;
        let answer = whole(found.answer)?;
        let title = format!("no approval on the way to {}", node.node);
        show::unapproved(&answer, (found.found, found.reached), self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Unapproved)).await
    }

    pub async fn coverage(&mut self, node: &NodeArguments) -> Result<(), Failure> {
        let request = proto::GetLineageCoverageRequest { node: node.node.clone(), scope: node.scope.message() };
        let found = self.client.lineage_coverage(request).await?;
        let answer = whole(found.answer)?;
        let title = format!("approval of what led to {}", node.node);
        show::answer(&answer, &[("open", found.open), ("covered", found.covered)], self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Node(&node.node))).await
    }

    pub async fn choke_points(&mut self, from: Vec<String>, node: &NodeArguments) -> Result<(), Failure> {
        let request = proto::ListChokePointsRequest { from, to: node.node.clone(), scope: node.scope.message() };
        let found = self.client.lineage_choke_points(request).await?;
        let answer = whole(found.answer)?;
        let title = format!("on every path to {}", node.node);
        show::choke_points(&answer, found.reached, self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Node(&node.node))).await
    }

    pub async fn cut(&mut self, from: Vec<String>, approved: bool, node: &NodeArguments) -> Result<(), Failure> {
        let to = node.node.clone();
        let request = proto::FindLineageCutRequest { from, to, approved, scope: node.scope.message() };
        let found = self.client.lineage_cut(request).await?;
        let answer = whole(found.answer)?;
        let title = format!("the fewest on every path to {}", node.node);
        show::cut(&answer, (found.reached, found.enough), self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Node(&node.node))).await
    }

    pub async fn diff(&mut self, earlier_size: u64, node: String, scope: &Scope) -> Result<(), Failure> {
        let is_about = !node.is_empty();
        let request = proto::DiffLineageRequest { earlier_size, node, scope: scope.message() };
        let found = self.client.lineage_diff(request).await?;
        let answer = whole(found.answer)?;
        let coverage = is_about.then_some(found.coverage_changed.as_slice());
        show::diff(&answer, &found.gates_changed, coverage, self.output)?;
        picture::write(scope, &answer, &format!("added since size {earlier_size}"), Marked::Nothing)?;
        self.prove(&scope.proof, &answer, &[&found.gates_changed, &found.coverage_changed]).await
    }

    pub async fn contamination(&mut self, since_index: u64, node: &NodeArguments) -> Result<(), Failure> {
        let scope = node.scope.message();
        let request = proto::GetContaminationRequest { node: node.node.clone(), since_index, scope };
        let found = self.client.lineage_contamination(request).await?;
        let answer = whole(found.answer)?;
        let title = format!("what {} led to since entry {since_index}", node.node);
        show::answer(&answer, &[("open", found.open), ("gated", found.gated)], self.output)?;
        self.keep(&node.scope, &answer, (&title, Marked::Node(&node.node))).await
    }
}
