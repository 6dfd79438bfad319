//! `data/workbook.xlsx`: tests, controls, samples, exceptions and what people stated, a sheet each, with the cells of the CSV
//! files. It holds one row at a time. The format ends a sheet at 1,048,576 rows; the last one then says which files go on.

use crate::evidence::paper::sheet::{Column, Look, Room, Sheet, letter};
use crate::evidence::paper::zip::Zip;
use crate::evidence::{Rows, TestResult};
use crate::limits::WORKBOOK_ROWS_MAX;
use deedbook_verify::package::{Basis, Folder, PROGRAM, Rendered, TestId};
use std::io::{self, Write};

const fn column(name: &'static str, width: u16, look: Look) -> Column {
    Column { name, width, look }
}

// Columns that several sheets have.
const INDEX: Column = column("index", 12, Look::Number);
const EVENT_ID: Column = column("event_id", 36, Look::Plain);
const LEAF_HASH: Column = column("leaf_hash", 68, Look::Plain);
const RECEIVED: Column = column("received", 28, Look::Plain);
const IN_PERIOD: Column = column("in_period", 10, Look::Plain);
const PERSON: Column = column("person", 36, Look::Plain);
const COUNTS: Column = column("counts", 30, Look::Plain);
const REQUEST: Column = column("request", 36, Look::Plain);
const TEST: Column = column("test", 7, Look::Plain);
const KIND: Column = column("kind", 24, Look::Plain);
const CODE: Column = column("code", 20, Look::Plain);

const TESTS: &[Column] = &[
    TEST,
    column("title", 28, Look::Wrapped),
    column("verdict", 15, Look::Plain),
    column("rows", 11, Look::Number),
    column("exceptions", 11, Look::Number),
    column("indeterminate", 13, Look::Number),
    column("not_counted", 13, Look::Number),
    column("drawn", 9, Look::Number),
    column("asks", 70, Look::Wrapped),
    column("not_shown", 60, Look::Wrapped),
];
const CONTROLS: &[Column] = &[
    column("control", 16, Look::Plain),
    column("verdict", 15, Look::Plain),
    column("tests", 22, Look::Wrapped),
    column("asks", 55, Look::Wrapped),
    column("population", 40, Look::Wrapped),
    column("passes_when", 55, Look::Wrapped),
];
const SAMPLES: &[Column] = &[
    column("of", 12, Look::Plain),
    column("rank", 8, Look::Number),
    INDEX,
    column("draw", 68, Look::Plain),
    column("stratum", 26, Look::Plain),
    column("status", 30, Look::Plain),
];
const EXCEPTIONS: &[Column] = &[
    TEST,
    INDEX,
    EVENT_ID,
    LEAF_HASH,
    KIND,
    column("stratum", 24, Look::Plain),
    column("occurred", 28, Look::Plain),
    RECEIVED,
    column("verdict", 14, Look::Plain),
    CODE,
    column("compared", 24, Look::Plain),
    column("policy", 68, Look::Plain),
    column("persons", 36, Look::Plain),
    column("rests_on", 12, Look::Plain),
];

const REVIEWS: &[Column] = &[
    INDEX,
    EVENT_ID,
    LEAF_HASH,
    RECEIVED,
    IN_PERIOD,
    PERSON,
    COUNTS,
    column("subject", 14, Look::Plain),
    column("from", 28, Look::Plain),
    column("until", 28, Look::Plain),
    column("tree_size", 12, Look::Number),
    REQUEST,
    column("result", 20, Look::Plain),
];
const DISPOSITIONS: &[Column] = &[
    INDEX,
    EVENT_ID,
    LEAF_HASH,
    RECEIVED,
    IN_PERIOD,
    PERSON,
    COUNTS,
    TEST,
    CODE,
    column("exception", 12, Look::Number),
    column("disposition", 16, Look::Plain),
];
const REFUSALS: &[Column] = &[
    INDEX,
    EVENT_ID,
    LEAF_HASH,
    RECEIVED,
    IN_PERIOD,
    KIND,
    column("source", 36, Look::Plain),
    column("actor", 36, Look::Plain),
    REQUEST,
    column("word", 14, Look::Plain),
    column("reason", 26, Look::Plain),
    column("refused_at", 12, Look::Number),
];

/// The sheets in their order, with their columns.
const SHEETS: [(&str, &[Column]); 7] = [
    ("tests", TESTS),
    ("controls", CONTROLS),
    ("samples", SAMPLES),
    ("exceptions", EXCEPTIONS),
    ("reviews", REVIEWS),
    ("dispositions", DISPOSITIONS),
    ("refusals", REFUSALS),
];

/// Brings the rows of a sheet.
type Fill = fn(&dyn Folder, &Rendered, &mut Sheet<'_>) -> io::Result<()>;

/// Renders the workbook.
pub fn workbook(folder: &dyn Folder, rendered: &Rendered, out: &mut dyn Write) -> io::Result<()> {
    let mut zip = Zip::new(out);
    zip.file("[Content_Types].xml", |file| file.write_all(types().as_bytes()))?;
    zip.file("_rels/.rels", |file| file.write_all(RELATIONS.as_bytes()))?;
    zip.file("docProps/core.xml", |file| file.write_all(core().as_bytes()))?;
    zip.file("xl/styles.xml", |file| file.write_all(STYLES.as_bytes()))?;
    zip.file("xl/_rels/workbook.xml.rels", |file| file.write_all(sheets_relations().as_bytes()))?;
    let mut lengths = [0u32; SHEETS.len()];
    let fill: [Fill; SHEETS.len()] = [tests, controls, samples, exceptions, reviews, dispositions, refusals];
    for (number, ((_, columns), (fill, length))) in (1u32..).zip(SHEETS.iter().zip(fill.iter().zip(&mut lengths))) {
        zip.file(&format!("xl/worksheets/sheet{number}.xml"), |file| {
            let mut sheet = Sheet::begin(file, columns, WORKBOOK_ROWS_MAX)?;
            fill(folder, rendered, &mut sheet)?;
            *length = sheet.end()?;
            Ok(())
        })?;
    }
    zip.file("xl/workbook.xml", |file| file.write_all(book(&lengths).as_bytes()))?;
    zip.finish()
}

fn tests(folder: &dyn Folder, rendered: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    for (id, verdict, ..) in &rendered.tests {
        let result = TestResult::read(folder, *id)?;
        let [rows, exceptions, indeterminate, not_counted] =
            [result.rows, result.exceptions, result.indeterminate, result.not_counted].map(|count| count.to_string());
        let drawn = result.drawn.map(|drawn| drawn.to_string()).unwrap_or_default();
        let cells = [
            id.name(),
            id.title(),
            id.word(*verdict),
            &rows,
            &exceptions,
            &indeterminate,
            &not_counted,
            &drawn,
            id.asks(),
            id.limits(),
        ];
        sheet.row(&cells)?;
    }
    Ok(())
}

fn controls(folder: &dyn Folder, _: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    copy(folder, "data/controls.csv", None, sheet).map(|_| ())
}

fn samples(folder: &dyn Folder, rendered: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    if copy(folder, "data/samples.csv", Some("listed"), sheet)? == Room::None {
        return sheet.cut("cut here: data/samples.csv and data/tests/*/samples.csv have the rest");
    }
    for id in rendered.tests.iter().map(|row| row.0).filter(|id| id.basis() == Basis::Rows) {
        let file = file_of(id, "samples");
        if copy(folder, &file, Some(id.name()), sheet)? == Room::None {
            return sheet.cut(&format!("cut here: {file} and the samples.csv of the tests behind it have the rest"));
        }
    }
    Ok(())
}

fn exceptions(folder: &dyn Folder, rendered: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    for id in rendered.tests.iter().map(|row| row.0).filter(|id| !matches!(id.basis(), Basis::Undecided(_))) {
        let file = file_of(id, "exceptions");
        if copy(folder, &file, None, sheet)? == Room::None {
            return sheet.cut(&format!("cut here: {file} and the exceptions.csv of the tests behind it have the rest"));
        }
    }
    Ok(())
}

fn reviews(folder: &dyn Folder, _: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    whole(folder, "data/reviews.csv", sheet)
}

fn dispositions(folder: &dyn Folder, _: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    whole(folder, "data/dispositions.csv", sheet)
}

fn refusals(folder: &dyn Folder, _: &Rendered, sheet: &mut Sheet<'_>) -> io::Result<()> {
    whole(folder, "data/refusals.csv", sheet)
}

/// A sheet that has the rows of one file.
fn whole(folder: &dyn Folder, path: &str, sheet: &mut Sheet<'_>) -> io::Result<()> {
    match copy(folder, path, None, sheet)? {
        Room::None => sheet.cut(&format!("cut here: {path} has the rest")),
        Room::Left => Ok(()),
    }
}

fn file_of(id: TestId, name: &str) -> String {
    format!("data/tests/{}/{name}.csv", id.name())
}

/// Copies the rows of a file, behind a cell that says whose they are.
fn copy(folder: &dyn Folder, path: &str, of: Option<&str>, sheet: &mut Sheet<'_>) -> io::Result<Room> {
    let mut rows = Rows::open(folder, path)?;
    while let Some(row) = rows.read()? {
        let cells: Vec<&str> = of.into_iter().chain(row.iter().map(String::as_str)).collect();
        if sheet.row(&cells)? == Room::None {
            return Ok(Room::None);
        }
    }
    Ok(Room::Left)
}

const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
    <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
    <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/>\
    <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/>\
    </Relationships>";

/// In the order of `Look`.
const STYLES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
    <styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
    <fonts count=\"6\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font>\
    <font><b/><sz val=\"11\"/><color rgb=\"FFA3160D\"/><name val=\"Calibri\"/></font>\
    <font><b/><sz val=\"11\"/><color rgb=\"FF7A4B00\"/><name val=\"Calibri\"/></font>\
    <font><sz val=\"11\"/><color rgb=\"FF454D58\"/><name val=\"Calibri\"/></font>\
    <font><sz val=\"11\"/><color rgb=\"FF0A5C3C\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill>\
    <fill><patternFill patternType=\"solid\"><fgColor rgb=\"FFECEFF3\"/><bgColor indexed=\"64\"/></patternFill></fill></fills>\
    <borders count=\"2\"><border><left/><right/><top/><bottom/><diagonal/></border>\
    <border><left/><right/><top/><bottom style=\"medium\"><color auto=\"1\"/></bottom><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs><cellXfs count=\"8\">\
    <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    <xf numFmtId=\"49\" fontId=\"1\" fillId=\"2\" borderId=\"1\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\" applyFill=\"1\" applyBorder=\"1\"/>\
    <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\" wrapText=\"1\"/></xf>\
    <xf numFmtId=\"1\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    <xf numFmtId=\"49\" fontId=\"2\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    <xf numFmtId=\"49\" fontId=\"3\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    <xf numFmtId=\"49\" fontId=\"4\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    <xf numFmtId=\"49\" fontId=\"5\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"/></xf>\
    </cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";

fn numbered(each: impl Fn(u32, &str) -> String) -> String {
    (1u32..).zip(SHEETS).map(|(number, (name, _))| each(number, name)).collect()
}

fn types() -> String {
    let part = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let sheets = numbered(|number, _| {
        format!("<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"{part}.worksheet+xml\"/>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
        <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
        <Override PartName=\"/xl/workbook.xml\" ContentType=\"{part}.sheet.main+xml\"/>\
        <Override PartName=\"/xl/styles.xml\" ContentType=\"{part}.styles+xml\"/>\
        <Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\
        {sheets}</Types>"
    )
}

/// Who made it. It names no time: the same question gives the same bytes.
fn core() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
        <cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
        xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>Evidence package</dc:title><dc:creator>{PROGRAM}</dc:creator>\
        </cp:coreProperties>"
    )
}

fn sheets_relations() -> String {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheets = numbered(|number, _| {
        format!("<Relationship Id=\"rId{number}\" Type=\"{kind}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>")
    });
    let styles = SHEETS.len().saturating_add(1);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
        <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{sheets}\
        <Relationship Id=\"rId{styles}\" Type=\"{kind}/styles\" Target=\"styles.xml\"/></Relationships>"
    )
}

/// The sheets' names; which rows are filtered, and printed on every page.
fn book(lengths: &[u32]) -> String {
    let sheets = numbered(|number, name| format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"));
    let (mut filters, mut titles) = (String::new(), String::new());
    for (at, ((name, columns), rows)) in SHEETS.iter().zip(lengths).enumerate() {
        let last = letter(columns.len().saturating_sub(1));
        filters += &format!(
            "<definedName name=\"_xlnm._FilterDatabase\" localSheetId=\"{at}\" hidden=\"1\">{name}!$A$1:${last}${rows}</definedName>"
        );
        titles += &format!("<definedName name=\"_xlnm.Print_Titles\" localSheetId=\"{at}\">{name}!$1:$1</definedName>");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
        <workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><bookViews><workbookView/></bookViews>\
        <sheets>{sheets}</sheets><definedNames>{filters}{titles}</definedNames></workbook>"
    )
}
