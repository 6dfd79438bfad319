//! A view as passes read it. One that takes nodes in the order of the log, or nearly so, looks up once where the entries of
//! 64 neighbours start; a walk, which jumps, looks up each node by itself.

use super::half::{Half, Lot};
use super::keys::Word;
use super::view::View;
use crate::lineage::stop::{Cut, Meter};
use crate::lineage::words::{EdgeKinds, Towards};

/// Edges of a hub that are taken between two looks at the meter.
const METERED: usize = 1_024;

pub(in crate::lineage) struct Cursor<'v> {
    segments: Vec<Part<'v>>,
    /// Which 64 nodes it stands at.
    word: u32,
    /// The segments that have entries of these.
    here: Vec<Part<'v>>,
}

/// Of one segment.
#[derive(Clone, Copy)]
struct Part<'v> {
    half: &'v Half,
    /// Entries at or beyond this index are not in the view; none if all are in it.
    limit: Option<u32>,
    at: Word,
}

impl<'v> Cursor<'v> {
    pub(super) fn new(view: &'v View, towards: Towards) -> Cursor<'v> {
        let end = view.end();
        let part = |segment: &'v super::segment::Segment| Part {
            half: segment.half(towards),
            limit: (segment.last_index >= end).then(|| segment.limit(end)),
            at: Word::default(),
        };
        Cursor { segments: view.segments().map(part).collect(), word: u32::MAX, here: Vec::new() }
    }

    /// Calls with the node at the other end of each edge of a node, if the edge is of one of these kinds.
    #[inline]
    pub(in crate::lineage) fn each(
        &mut self,
        node: u32,
        kinds: EdgeKinds,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(u32),
    ) -> Result<(), Cut> {
        if node / 64 != self.word {
            self.seek(node / 64);
        }
        for here in &self.here {
            if let Some(place) = here.at.place(node) {
                here.each(place, kinds, meter, &mut call)?;
            }
        }
        Ok(())
    }

    /// The same, for a walk.
    #[inline]
    pub(in crate::lineage) fn each_far(
        &self,
        node: u32,
        kinds: EdgeKinds,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(u32),
    ) -> Result<(), Cut> {
        for segment in &self.segments {
            if let Some(place) = segment.half.place(node) {
                segment.each(place, kinds, meter, &mut call)?;
            }
        }
        Ok(())
    }

    /// All edges of 64 neighbours at once, where they can be had that way: they are of one segment, stand in the view, and
    /// follow the log.
    #[inline]
    pub(in crate::lineage) fn lot(&mut self, word: u32) -> Option<Lot<'v>> {
        if word != self.word {
            self.seek(word);
        }
        let [Part { half, limit: None, at }] = self.here.as_slice() else { return None };
        half.lot(word, *at)
    }

    fn seek(&mut self, word: u32) {
        self.word = word;
        self.here.clear();
        for part in &mut self.segments {
            part.half.seek(word, &mut part.at);
            if !part.at.is_empty() {
                self.here.push(*part);
            }
        }
    }
}

impl Part<'_> {
    /// Of the entries at a place.
    #[inline]
    fn each(
        &self,
        place: usize,
        kinds: EdgeKinds,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(u32),
    ) -> Result<(), Cut> {
        let mut peers = self.half.peers(place, self.limit);
        while let Some((metered, rest)) = peers.split_at_checked(METERED) {
            meter.steps(METERED as u32)?;
            metered.iter().filter(|peer| peer.is_of(kinds)).for_each(|peer| call(peer.node()));
            peers = rest;
        }
        meter.steps(peers.len() as u32)?;
        peers.iter().filter(|peer| peer.is_of(kinds)).for_each(|peer| call(peer.node()));
        Ok(())
    }
}
