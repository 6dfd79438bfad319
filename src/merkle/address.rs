//! Where tiles and entry bundles stand, in the paths of C2SP tlog-tiles, and which of them a tree of some size has.
//! Addresses alone: it reads nothing, and knows no HTTP.

use crate::merkle::{TILE_HASHES, TILE_HEIGHT};
use deedbook_verify::note::decimal;
use deedbook_verify::words::{Index, TreeSize};
use std::fmt;

/// A level of tiles: 0 holds leaf hashes, each further one the roots of the full tiles below. 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileLevel(u8);

impl TileLevel {
    /// The leaf hashes.
    pub const LEAVES: TileLevel = TileLevel(0);

    /// Checks the bound of tlog-tiles; levels above 7 are addresses too, but no tree of 2^64 leaves reaches them.
    pub fn new(level: u8) -> Option<TileLevel> {
        (level < 64).then_some(TileLevel(level))
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Hashes that this level has in a tree of a size: floor(size / 256^level).
    fn hashes_in(self, size: TreeSize) -> u64 {
        size.0.checked_shr(u32::from(self.0) * TILE_HEIGHT).unwrap_or(0)
    }
}

/// How many items a tile or a bundle has, from its first on: 1 to 255 for a partial one, 256 for a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileWidth(u16);

impl TileWidth {
    /// A full tile's.
    pub const FULL: TileWidth = TileWidth(TILE_HASHES as u16);

    /// Checks the bounds; there are no empty tiles.
    pub fn new(items: u16) -> Option<TileWidth> {
        (1..=TileWidth::FULL.0).contains(&items).then_some(TileWidth(items))
    }

    /// The number of items.
    pub fn items(self) -> usize {
        usize::from(self.0)
    }
}

/// A run of items within one level, or within the entries: the first `width` of the 256 from `256 * number` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileSpan {
    /// `<N>`: its number within the level.
    pub number: u64,
    /// `<W>`.
    pub width: TileWidth,
}

impl TileSpan {
    /// The position of the first item; none beyond the range of numbers.
    pub fn first(self) -> Option<Index> {
        self.number.checked_mul(TILE_HASHES as u64).map(Index)
    }

    /// The position behind the last item; none beyond the range of numbers.
    pub fn end(self) -> Option<Index> {
        self.first()?.0.checked_add(u64::from(self.width.0)).map(Index)
    }

    /// Parses `<N>` or `<N>.p/<W>`. What is no canonical number may come out as one; `TilePath::parse` notices.
    fn parse(text: &str) -> Option<TileSpan> {
        let (number, width) = match text.split_once(".p/") {
            Some((number, width)) => {
                let width = TileWidth::new(decimal(width)?.try_into().ok()?)?;
                (number, (width != TileWidth::FULL).then_some(width)?)
            }
            None => (text, TileWidth::FULL),
        };
        let mut groups = number.split('/').map(|group| group.strip_prefix('x').unwrap_or(group));
        let number = groups.try_fold(0u64, |number, digits| {
            let digits: u64 = digits.parse().ok()?;
            number.checked_mul(GROUP)?.checked_add(digits)
        })?;
        Some(TileSpan { number, width })
    }
}

/// Three digits of a tile's number make one element of its path.
const GROUP: u64 = 1_000;

impl fmt::Display for TileSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = vec![format!("{:03}", self.number % GROUP)];
        let mut rest = self.number / GROUP;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % GROUP));
            rest /= GROUP;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        if self.width == TileWidth::FULL { Ok(()) } else { write!(f, ".p/{}", self.width.0) }
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`: hashes of the tree.
    Hashes {
        /// `<L>`.
        level: TileLevel,
        /// Which of its hashes.
        span: TileSpan,
    },
    /// `tile/entries/<N>[.p/<W>]`: the entries themselves.
    Entries(TileSpan),
}

impl TilePath {
    /// Parses the one spelling that tlog-tiles gives a tile: `tile/0/x001/x234/067.p/5`, without a slash in front.
    pub fn parse(path: &str) -> Option<TilePath> {
        let (level, span) = path.strip_prefix("tile/")?.split_once('/')?;
        let span = TileSpan::parse(span)?;
        let parsed = match level {
            "entries" => TilePath::Entries(span),
            level => TilePath::Hashes { level: TileLevel::new(decimal(level)?.try_into().ok()?)?, span },
        };
        // Signs, missing zeros, leading groups of zeros, an `x` too many or too few: none of them comes out again.
        (parsed.to_string() == path).then_some(parsed)
    }

    /// Whether the tree of this size has all that the path names.
    pub fn is_within(self, size: TreeSize) -> bool {
        let (span, items) = match self {
            TilePath::Hashes { level, span } => (span, level.hashes_in(size)),
            TilePath::Entries(span) => (span, size.0),
        };
        span.end().is_some_and(|end| end.0 <= items)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TilePath::Hashes { level, span } => write!(f, "tile/{}/{span}", level.0),
            TilePath::Entries(span) => write!(f, "tile/entries/{span}"),
        }
    }
}
