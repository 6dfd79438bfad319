//! What stands above a picture: its title, the log that it rests on, and how much of the answer is in it.

use super::picture::Picture;
use super::style::FAINT_INK;
use super::svg::{Drawing, MARGIN};
use super::text::{Letters, counted, grouped, harmless, shorten, xml};

/// The header for so many pixels of room, and where the picture begins below it.
pub(super) fn header(picture: &Picture, drawing: &Drawing, room: i64) -> (String, i64) {
    let title = harmless(&picture.title);
    let mut lines = vec![format!("as of size {} · root {}…", grouped(picture.as_of.size.0), root_digits(picture))];
    lines.push(format!("{}, {}", counted(picture.nodes.len(), "node"), counted(picture.edges.len(), "edge")));
    if drawing.nodes_folded > 0 {
        lines.push(format!(
            "{} and {} folded away",
            counted(drawing.nodes_folded, "node"),
            counted(drawing.edges_folded, "edge")
        ));
    }
    if picture.nodes.is_empty() {
        lines.push("nothing to draw".to_owned());
    }
    let out = format!(
        "<text class=\"t\" x=\"{MARGIN}\" y=\"38\">{title}</text>\n\
         <text class=\"s\" x=\"{MARGIN}\" y=\"58\" style=\"fill:{FAINT_INK}\">{line}</text>\n",
        title = xml(&shorten(&title, Letters::Title, room)),
        line = xml(&shorten(&lines.join(" · "), Letters::Small, room)),
    );
    (out, 84)
}

/// The first digits of the root: enough to compare with a checkpoint by eye.
pub(super) fn root_digits(picture: &Picture) -> String {
    picture.as_of.root.to_string().chars().take(12).collect()
}
