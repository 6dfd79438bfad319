//! `data/report.html`: one page without script, fonts or anything from outside. This file holds its frame; what stands in
//! it comes from the others. All of it follows from files under `data/`.

use crate::evidence::paper::findings::Findings;
use crate::evidence::paper::html::{Text, put};
use crate::evidence::paper::people::People;
use crate::evidence::paper::stated::Stated;
use crate::evidence::paper::timeline::Timeline;
use crate::evidence::paper::{charts, controls, cover, files, tests};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deedbook_verify::package::{Folder, Mapping, PROGRAM, Rendered};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;

/// The style sheet, which is part of the page.
const STYLE: &str = include_str!("report.css");

/// Renders the page.
pub fn report(folder: &dyn Folder, rendered: &Rendered) -> io::Result<String> {
    let findings = Findings::read(folder, rendered)?;
    let timeline = Timeline::read(folder, rendered)?;
    let mapping = Mapping::of(rendered.question.framework);
    let mut out = String::with_capacity(256 * 1024);
    head(&mut out, mapping.title);
    cover::render(&mut out, &findings, &mapping);
    out += "<nav aria-label=\"Contents\"><ul><li><a href=\"#asked\">What was asked</a></li>\
        <li><a href=\"#pictures\">Pictures</a></li><li><a href=\"#controls\">Controls</a></li>\
        <li><a href=\"#tests\">Tests</a></li><li><a href=\"#stated\">What people stated</a></li>\
        <li><a href=\"#files\">Files</a></li></ul></nav>\n<main>\n";
    cover::asked(&mut out, &findings, &mapping);
    out += "<section aria-labelledby=\"pictures\">\n<h2 id=\"pictures\" class=\"here\">The period in pictures</h2>\n";
    charts::render(&mut out, &timeline, &People::read(folder)?);
    out += "</section>\n";
    controls::render(&mut out, &findings);
    tests::render(&mut out, &findings);
    Stated::read(folder)?.render(&mut out);
    files::render(&mut out, &findings);
    put!(
        out,
        "</main>\n<footer><p>Made by {PROGRAM} from the files under <code>data/</code> and nothing else: the same package gives \
        this page again, to the byte. It says what <code>tests/</code> and <code>controls.csv</code> say; where it differs from them, \
        they are right. Refs, hashes and ids are cut to twelve digits here and whole in the CSV files. Times are UTC.</p></footer>\n\
        </body>\n</html>\n"
    );
    Ok(out)
}

/// The page's head: nothing but its own style may have an effect, whatever stands in it.
fn head(out: &mut String, title: &str) {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    put!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; \
        form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <meta name=\"referrer\" content=\"no-referrer\">\n<title>Evidence: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        Text(title)
    );
}
