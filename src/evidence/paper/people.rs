//! How each person decided, as T17 says it by ref: those with the most decisions. Names stand nowhere in a package's files.

use crate::evidence::Rows;
use crate::evidence::paper::html::{Count, Hex, Text, put};
use crate::limits::REPORT_PERSONS_MAX;
use deedbook_verify::package::Folder;
use std::fmt::Write as _;
use std::io;

const FILE: &str = "data/tests/T17/approvers.csv";
/// The columns that are shown, by their names in the file and on the page.
const COLUMNS: [(&str, &str); 6] = [
    ("approved", "Approved"),
    ("denied", "Denied"),
    ("approved_within_10_s", "Approved within 10 s"),
    ("fastest_s", "Fastest, s"),
    ("median_s", "Median, s"),
    ("slowest_s", "Slowest, s"),
];

/// A person.
struct Person {
    who: String,
    decisions: u64,
    cells: Vec<String>,
}

/// Those that are shown, and how many there are.
pub struct People {
    shown: Vec<Person>,
    count: u64,
}

impl People {
    /// Reads them. A file without the columns that a page shows has nobody for it.
    pub fn read(folder: &dyn Folder) -> io::Result<People> {
        let mut people = People { shown: Vec::new(), count: 0 };
        let mut rows = Rows::open(folder, FILE)?;
        let place = |name: &str| rows.head().iter().position(|column| column == name);
        let places: Option<Vec<usize>> = COLUMNS.iter().map(|(name, _)| place(name)).collect();
        let (Some(who), Some(places)) = (place("person"), places) else { return Ok(people) };
        while let Some(row) = rows.read()? {
            let cell = |place: &usize| row.get(*place).cloned().unwrap_or_default();
            let cells: Vec<String> = places.iter().map(cell).collect();
            let decisions = cells.iter().take(2).filter_map(|count| count.parse::<u64>().ok());
            let decisions = decisions.fold(0, u64::saturating_add);
            people.take(Person { who: cell(&who), decisions, cells });
        }
        Ok(people)
    }

    /// Keeps those with the most decisions, by ref where they have as many.
    fn take(&mut self, person: Person) {
        self.count = self.count.saturating_add(1);
        let before = |other: &Person| {
            other.decisions > person.decisions || other.decisions == person.decisions && other.who < person.who
        };
        let place = self.shown.iter().take_while(|other| before(other)).count();
        self.shown.insert(place, person);
        self.shown.truncate(REPORT_PERSONS_MAX);
    }

    /// The table; nothing where nobody decided.
    pub fn render(&self, out: &mut String) {
        if self.shown.is_empty() {
            return;
        }
        out.push_str(
            "<figure>\n<h3>How each person decided</h3>\n<figcaption>For information: no verdict rests on it. Persons are \
            pseudonyms.</figcaption>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Person</th>",
        );
        COLUMNS.iter().for_each(|(_, title)| put!(out, "<th scope=\"col\" class=\"n\">{title}</th>"));
        out.push_str("</tr></thead>\n<tbody>\n");
        for person in &self.shown {
            put!(out, "<tr><th scope=\"row\">{}</th>", Hex(&person.who));
            person.cells.iter().for_each(|cell| put!(out, "<td class=\"n\">{}</td>", Text(cell)));
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        let shown = u64::try_from(self.shown.len()).unwrap_or(u64::MAX);
        let link = "<a class=\"file\" href=\"tests/T17/approvers.csv\">tests/T17/approvers.csv</a>";
        if shown < self.count {
            put!(
                out,
                "<p><b>{} of {} are shown</b>, those with the most decisions. All stand in {link}.</p>\n",
                Count(shown),
                Count(self.count)
            );
        } else {
            put!(out, "<p class=\"soft\">All of them, as in {link}.</p>\n");
        }
        out.push_str("</figure>\n");
    }
}
