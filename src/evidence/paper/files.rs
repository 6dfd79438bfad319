//! The files of the package with their hashes, so that a printed page says which bytes it speaks of.

use crate::evidence::paper::findings::Findings;
use crate::evidence::paper::html::{Count, Text, put};
use crate::limits::REPORT_FILES_MAX;
use std::fmt::Write as _;

/// As many as are shown; the manifest names all.
pub fn render(out: &mut String, findings: &Findings<'_>) {
    let files = &findings.rendered.files;
    out.push_str("<section aria-labelledby=\"files\">\n<h2 id=\"files\">Files</h2>\n<p>What this page was made from. <code>manifest-sha256.txt</code> names every file of the package, this one too.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"n\">Bytes</th><th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n");
    for (path, file) in files.iter().take(REPORT_FILES_MAX) {
        put!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td><td><code>{}</code></td></tr>\n",
            Text(path),
            Count(file.bytes),
            file.sha256
        );
    }
    out.push_str("</tbody></table></div>\n");
    let (shown, all) = (REPORT_FILES_MAX.min(files.len()), files.len());
    if shown < all {
        put!(out, "<p><b>{shown} of {all} are shown.</b> All stand in <code>manifest-sha256.txt</code>.</p>\n");
    }
    out.push_str("</section>\n");
}
