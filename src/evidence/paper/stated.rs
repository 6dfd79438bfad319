//! What people stated, and what the ledger refused: the first rows of `reviews.csv`, `dispositions.csv` and `refusals.csv`.
//! It judges nobody; what a statement does, the tests say.

use crate::evidence::Rows;
use crate::evidence::paper::html::{Count, Hex, Text, When, put};
use crate::limits::REPORT_STATED_MAX;
use deedbook_verify::package::Folder;
use std::fmt::Write as _;
use std::io;

/// How a cell is shown.
#[derive(Clone, Copy)]
enum Look {
    Entry,
    Time,
    Hex,
    Plain,
}

/// A table: its title, its file, what it is, and which columns of the file are shown under which heads.
struct Table {
    title: &'static str,
    file: &'static str,
    about: &'static str,
    none: &'static str,
    columns: &'static [(&'static str, &'static str, Look)],
}

const TABLES: [Table; 3] = [
    Table {
        title: "Reviews",
        file: "reviews.csv",
        about: "Of access, of the log up to a tree size, and of break-glass actions. One that does not count says why.",
        none: "Nobody stated a review.",
        columns: &[
            ("Entry", "index", Look::Entry),
            ("Received", "received", Look::Time),
            ("Person", "person", Look::Hex),
            ("Counts", "counts", Look::Plain),
            ("Of", "subject", Look::Plain),
            ("From", "from", Look::Time),
            ("Until", "until", Look::Time),
            ("Tree size", "tree_size", Look::Plain),
            ("Request", "request", Look::Hex),
            ("Result", "result", Look::Plain),
        ],
    },
    Table {
        title: "Dispositions",
        file: "dispositions.csv",
        about: "What people said becomes of exceptions. Why stands in bodies. An exception stays one; T13 asks for the answer.",
        none: "Nobody disposed of an exception.",
        columns: &[
            ("Entry", "index", Look::Entry),
            ("Received", "received", Look::Time),
            ("Person", "person", Look::Hex),
            ("Counts", "counts", Look::Plain),
            ("Test", "test", Look::Plain),
            ("Code", "code", Look::Plain),
            ("At entry", "exception", Look::Entry),
            ("Says", "disposition", Look::Plain),
        ],
    },
    Table {
        title: "Refused commands",
        file: "refusals.csv",
        about: "Votes, requests and changes that had no effect, by rule. A vote that stands here is none.",
        none: "No command was refused.",
        columns: &[
            ("Entry", "index", Look::Entry),
            ("Received", "received", Look::Time),
            ("Kind", "kind", Look::Plain),
            ("Person", "actor", Look::Hex),
            ("Source", "source", Look::Hex),
            ("Request", "request", Look::Hex),
            ("Wanted", "word", Look::Plain),
            ("Refused for", "reason", Look::Plain),
            ("Refused at", "refused_at", Look::Entry),
        ],
    },
];

/// The first rows of a table, as they are shown, and how many there are.
struct Shown {
    rows: Vec<Vec<String>>,
    count: u64,
}

/// All of them.
pub struct Stated(Vec<Shown>);

impl Stated {
    /// Reads the files.
    pub fn read(folder: &dyn Folder) -> io::Result<Stated> {
        TABLES.iter().map(|table| Shown::read(folder, table)).collect::<io::Result<Vec<Shown>>>().map(Stated)
    }

    /// The section.
    pub fn render(&self, out: &mut String) {
        out.push_str("<section aria-labelledby=\"stated\">\n<h2 id=\"stated\">What people stated</h2>\n<p>All of the interval, what was received before the period too. Persons are pseudonyms.</p>\n");
        for (table, shown) in TABLES.iter().zip(&self.0) {
            table.render(out, shown);
        }
        out.push_str("</section>\n");
    }
}

impl Shown {
    fn read(folder: &dyn Folder, table: &Table) -> io::Result<Shown> {
        let mut rows = Rows::open(folder, &format!("data/{}", table.file))?;
        let (mut shown, mut count) = (Vec::new(), 0u64);
        while let Some((head, cells)) = rows.read_named()? {
            count = count.saturating_add(1);
            if shown.len() < REPORT_STATED_MAX {
                let cell = |column: &str| {
                    let at = head.iter().position(|name| name == column);
                    at.and_then(|at| cells.get(at)).cloned().unwrap_or_default()
                };
                shown.push(table.columns.iter().map(|(_, column, _)| cell(column)).collect());
            }
        }
        Ok(Shown { rows: shown, count })
    }
}

impl Table {
    fn render(&self, out: &mut String, shown: &Shown) {
        put!(out, "<h3>{}</h3>\n<p>{}</p>\n", self.title, self.about);
        let link = format!("<a class=\"file\" href=\"{0}\">{0}</a>", self.file);
        if shown.count == 0 {
            put!(out, "<p class=\"soft\">{} {link} is empty.</p>\n", self.none);
            return;
        }
        out.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
        self.columns.iter().for_each(|(head, ..)| put!(out, "<th scope=\"col\">{head}</th>"));
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &shown.rows {
            out.push_str("<tr>");
            self.columns.iter().zip(row).for_each(|((_, _, look), cell)| look.render(out, cell));
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        let listed = u64::try_from(shown.rows.len()).unwrap_or(u64::MAX);
        if listed < shown.count {
            put!(out, "<p><b>{} of {} are shown.</b> All stand in {link}.</p>\n", Count(listed), Count(shown.count));
        } else {
            put!(out, "<p class=\"soft\">All of them, as in {link}.</p>\n");
        }
    }
}

impl Look {
    fn render(self, out: &mut String, cell: &str) {
        if cell.is_empty() {
            return out.push_str("<td></td>");
        }
        match self {
            Look::Entry => put!(out, "<td class=\"n\">{}</td>", Text(cell)),
            Look::Time => put!(out, "<td>{}</td>", When(cell)),
            Look::Hex => put!(out, "<td>{}</td>", Hex(cell)),
            Look::Plain => put!(out, "<td>{}</td>", Text(cell)),
        }
    }
}
