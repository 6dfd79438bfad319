//! How much OpenLineage a log holds, however often it was said: distinct runs, jobs, datasets, and edges between them.

use super::{Event, Name};
use foldhash::HashSet;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs, by run id.
    pub runs: u64,
    /// Jobs, by namespace and name.
    pub jobs: u64,
    /// Datasets that stand among inputs or outputs, by namespace and name.
    pub datasets: u64,
    /// Job and dataset, with the direction.
    pub dataset_edges: u64,
    /// Output dataset and column, input dataset and column. Inputs that bear on a whole dataset are not among them.
    pub column_edges: u64,
}

/// Counts events. Each distinct thing costs 16 bytes and its share of a table.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    seen: HashSet<[u8; 16]>,
    counts: Counts,
}

impl Tally {
    /// Counts what an event says for the first time.
    pub fn add(&mut self, event: &Event) {
        if let Some(run) = &event.run {
            self.counts.runs += self.is_new(&["run", run]);
        }
        if let Some(Name { namespace, name }) = &event.job {
            self.counts.jobs += self.is_new(&["job", namespace, name]);
        }
        for (direction, datasets) in [("input", &event.inputs), ("output", &event.outputs)] {
            for Name { namespace, name } in datasets {
                self.counts.datasets += self.is_new(&["dataset", namespace, name]);
                if let Some(job) = &event.job {
                    self.counts.dataset_edges += self.is_new(&[direction, &job.namespace, &job.name, namespace, name]);
                }
            }
        }
        for edge in &event.columns {
            let Some((to, column)) = event.name_at(edge.dataset).zip(edge.column.as_deref()) else { continue };
            let from = [&edge.from.namespace, &edge.from.name, &edge.from_column];
            self.counts.column_edges +=
                self.is_new(&["column", &to.namespace, &to.name, column, from[0], from[1], from[2]]);
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn is_new(&mut self, parts: &[&str]) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        u64::from(self.seen.insert(id))
    }
}
