//! Bounds of pictures of lineage. What a query may visit before there is a picture, its own bounds say.

/// Nodes of which a picture may be made. Folding walks through all of them for each of 32 hubs, 32 times at most: 5
/// million steps.
pub const PICTURE_NODES_MAX: usize = 5_000;
/// Edges of which a picture may be made.
pub const PICTURE_EDGES_MAX: usize = 20_000;
/// Boxes in a picture: 300 are read by scrolling, more by nobody.
pub const PICTURE_NODES_DRAWN_MAX: usize = 300;
/// Lines in a picture: four for each box.
pub const PICTURE_EDGES_DRAWN_MAX: usize = 4 * PICTURE_NODES_DRAWN_MAX;
/// Layers that the lines of a picture pass, added up: 17 for each line. Each sweep for a better order looks at all.
pub const PICTURE_BENDS_MAX: usize = 20_000;
/// Pixels of a picture's side: common programs show no more than 32,767. 300 boxes above one another take 17,400.
pub const PICTURE_PIXELS_MAX: i64 = 32_000;
/// Nodes up to which a picture shows every chain whole.
pub const PICTURE_WHOLE_NODES_MAX: usize = 40;
/// Branches of a fan that are shown, where there are more than twice as many, and nodes of a chain that is worth folding;
/// the next pair is tried if the picture is still too large.
pub const PICTURE_FOLDS: [(usize, usize); 4] = [(12, 4), (6, 3), (3, 2), (1, 2)];
/// Hubs whose branches are folded in one picture.
pub const PICTURE_HUBS_MAX: usize = 32;
/// Lines over several layers from which those of one node run together.
pub const PICTURE_TRUNK_LINKS_MIN: usize = 4;
/// Sweeps for a better order, from each of two starts. 200 of them take six times as long and leave 5 % fewer crossings.
pub const PICTURE_SWEEPS: usize = 32;
/// Sweeps in a row that may find nothing better.
pub const PICTURE_VAIN_SWEEPS_MAX: usize = 8;
/// Rounds of exchanging neighbours after each sweep.
pub const PICTURE_EXCHANGES_MAX: usize = 8;
/// Characters of one text in a picture, what is shown when somebody points at a box included: beyond it loses its middle.
pub const PICTURE_TEXT_CHARS_MAX: usize = 2_000;
