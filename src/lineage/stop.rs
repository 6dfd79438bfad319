//! What bounds a query, and what an answer says when a bound was met. Time is the caller's: a query asks a callback.

use crate::limits::LINEAGE_POLL_STEPS;

/// Asked again and again while a query runs: at least every `LINEAGE_POLL_STEPS` nodes, and every so many edges.
pub trait Stop {
    /// Why the query shall stop, if it shall.
    fn poll(&self) -> Option<Halt>;
}

impl<F: Fn() -> Option<Halt>> Stop for F {
    fn poll(&self) -> Option<Halt> {
        self()
    }
}

/// Why a query was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Its time was over.
    Deadline,
    /// Nobody waits for it any more.
    Cancelled,
}

/// What cut an answer short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// It would have looked at more nodes than its bound.
    Nodes,
    /// There is more beyond the depth that was asked for.
    Depth,
    /// It would have named more than one answer holds.
    Answer,
    /// Its time was over.
    Deadline,
    /// Nobody waited for it any more.
    Cancelled,
    /// The graph in memory ends before the position: its budget was spent.
    Budget,
}

impl Cut {
    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Cut::Nodes => "nodes",
            Cut::Depth => "depth",
            Cut::Answer => "answer",
            Cut::Deadline => "deadline",
            Cut::Cancelled => "cancelled",
            Cut::Budget => "budget",
        }
    }
}

impl From<Halt> for Cut {
    fn from(halt: Halt) -> Cut {
        match halt {
            Halt::Deadline => Cut::Deadline,
            Halt::Cancelled => Cut::Cancelled,
        }
    }
}

/// The bounds of one query.
#[derive(Clone, Copy)]
pub struct Bounds<'s> {
    /// Nodes that it looks at, one that several steps of it look at counting for each.
    pub nodes_max: u64,
    /// Asked while it runs.
    pub stop: &'s dyn Stop,
}

/// What a query found. Unless it is complete, each query says what a part of its answer still means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was found.
    pub value: T,
    /// What cut it short, if anything did.
    pub cut: Option<Cut>,
    /// Nodes that were looked at.
    pub visited: u64,
}

impl<T> Answer<T> {
    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.cut.is_none()
    }

    /// The same answer in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: form(self.value), cut: self.cut, visited: self.visited }
    }
}

/// Counts what a query does, and stops it.
pub(super) struct Meter<'s> {
    bounds: Bounds<'s>,
    visited: u64,
    /// Where nodes are counted up to before the bound is looked at again, and the clock.
    pause: u64,
    steps_left: u32,
}

impl<'s> Meter<'s> {
    pub(super) fn new(bounds: Bounds<'s>) -> Meter<'s> {
        Meter { bounds, visited: 0, pause: 0, steps_left: LINEAGE_POLL_STEPS }
    }

    /// Another node is looked at.
    #[inline]
    pub(super) fn node(&mut self) -> Result<(), Cut> {
        if self.visited >= self.pause {
            self.look()?;
        }
        self.visited += 1;
        Ok(())
    }

    /// So many edges, or anything else of constant time.
    #[inline]
    pub(super) fn steps(&mut self, steps: u32) -> Result<(), Cut> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => self.steps_left = left,
            None => self.poll()?,
        }
        Ok(())
    }

    /// Whether so many nodes more can be looked at before it has to be asked.
    #[inline]
    pub(super) fn has_room(&self, nodes: u64) -> bool {
        self.visited + nodes <= self.pause
    }

    /// So many nodes were looked at, for which there was room.
    #[inline]
    pub(super) fn nodes(&mut self, nodes: u64) {
        self.visited += nodes;
    }

    #[cold]
    fn look(&mut self) -> Result<(), Cut> {
        if self.visited >= self.bounds.nodes_max {
            return Err(Cut::Nodes);
        }
        self.pause = self.bounds.nodes_max.min(self.visited + u64::from(LINEAGE_POLL_STEPS));
        self.poll()
    }

    #[cold]
    fn poll(&mut self) -> Result<(), Cut> {
        self.steps_left = LINEAGE_POLL_STEPS;
        self.bounds.stop.poll().map_or(Ok(()), |halt| Err(halt.into()))
    }

    /// A list of so many, all alike, which may be long: asked on the way as for edges.
    pub(super) fn filled<T: Copy>(&mut self, value: T, len: usize) -> Result<Vec<T>, Cut> {
        let mut list = Vec::with_capacity(len);
        while list.len() < len {
            self.steps(LINEAGE_POLL_STEPS)?;
            list.resize(len.min(list.len() + LINEAGE_POLL_STEPS as usize), value);
        }
        Ok(list)
    }

    /// Calls with each of a list, which may be long: asked on the way as for edges.
    pub(super) fn each<T>(&mut self, list: &[T], mut call: impl FnMut(&T)) -> Result<(), Cut> {
        for part in list.chunks(LINEAGE_POLL_STEPS as usize) {
            self.steps(part.len() as u32)?;
            part.iter().for_each(&mut call);
        }
        Ok(())
    }

    /// The answer, with what cut it, the graph's own end coming last.
    pub(super) fn answer<T>(self, value: T, done: Result<(), Cut>, held: Option<Cut>) -> Answer<T> {
        Answer { value, cut: done.err().or(held), visited: self.visited }
    }
}
