//! The whole graph as the server pages it: nodes in the order of their numbers, each edge behind both its ends.

use crate::api::proto;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::producer::word;
use crate::cli::progress::Progress;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, TreeSize};

/// The pages, one at a time.
pub struct Pages {
    client: Client,
    as_of: u64,
    token: Option<String>,
    nodes: u64,
    progress: Progress,
}

impl Pages {
    /// Begins as of a tree size; 0: the newest.
    pub fn start(client: Client, as_of: u64) -> Pages {
        Pages { client, as_of, token: Some(String::new()), nodes: 0, progress: Progress::start("nodes") }
    }

    /// The next page; none: that was the last.
    pub async fn next(&mut self) -> Result<Option<proto::ListLineageResponse>, Failure> {
        let Some(page_token) = self.token.take() else {
            self.progress.finish();
            return Ok(None);
        };
        let request = proto::ListLineageRequest { as_of_size: self.as_of, page_token };
        let page = self.client.lineage_list(request).await?;
        self.nodes = self.nodes.saturating_add(u64::try_from(page.nodes.len()).unwrap_or(u64::MAX));
        self.progress.set(self.nodes, page.nodes_count.into());
        self.token = Some(page.next_page_token.clone()).filter(|token| !token.is_empty());
        Ok(Some(page))
    }
}

/// The tree that a page rests on.
pub fn head_of(page: &proto::ListLineageResponse) -> Result<TreeHead, Failure> {
    let head = page.as_of.clone().unwrap_or_default();
    Ok(TreeHead { size: TreeSize(head.size), root: Hash(word(&head.root, "as_of.root")?) })
}
