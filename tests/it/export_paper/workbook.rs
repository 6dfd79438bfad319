//! Reads a workbook as ECMA-376 says: an archive by its directory, unpacked and summed by flate2, XML by roxmltree. It knows
//! nothing of what wrote it, and refuses formulas.

use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::collections::BTreeMap;
use std::io::Read as _;

/// The files of a workbook.
pub struct Book(BTreeMap<String, String>);

fn number(bytes: &[u8], at: usize, width: usize) -> usize {
    bytes[at..at + width].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

impl Book {
    /// Reads the archive. Each file is where the directory says, as long, and with that checksum.
    pub fn read(bytes: &[u8]) -> Book {
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06", "nothing stands behind the directory");
        let (count, length, mut at) =
            (number(bytes, end + 10, 2), number(bytes, end + 12, 4), number(bytes, end + 16, 4));
        assert_eq!(at + length, end);
        let mut files = BTreeMap::new();
        for _ in 0..count {
            assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
            let [time, day] = [number(bytes, at + 12, 2), number(bytes, at + 14, 2)];
            assert_eq!((time, day), (0, 0x21), "no file has a time of its own");
            let [sum, packed, plain] = [16, 20, 24].map(|offset| number(bytes, at + offset, 4));
            let (name_length, local) = (number(bytes, at + 28, 2), number(bytes, at + 42, 4));
            let name = String::from_utf8(bytes[at + 46..at + 46 + name_length].to_vec()).unwrap();
            assert_eq!(&bytes[local..local + 4], b"PK\x03\x04");
            assert_eq!(&bytes[local + 30..local + 30 + name_length], name.as_bytes());
            let start = local + 30 + name_length + number(bytes, local + 28, 2);
            let mut text = Vec::new();
            DeflateDecoder::new(&bytes[start..start + packed]).read_to_end(&mut text).unwrap();
            let mut crc = Crc::new();
            crc.update(&text);
            assert_eq!((text.len(), crc.sum() as usize), (plain, sum), "{name}");
            assert!(files.insert(name, String::from_utf8(text).unwrap()).is_none());
            at += 46 + name_length;
        }
        assert_eq!(at, end);
        let book = Book(files);
        book.0.keys().for_each(|path| drop(book.parsed(path)));
        book
    }

    fn parsed(&self, path: &str) -> roxmltree::Document<'_> {
        roxmltree::Document::parse(&self.0[path]).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Every cell of a sheet as text, row by row, as wide as the first one.
    pub fn sheet(&self, name: &str) -> Vec<Vec<String>> {
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let workbook = self.parsed("xl/workbook.xml");
        let id = workbook.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
        let id = id.attribute((relations, "id")).unwrap();
        let related = self.parsed("xl/_rels/workbook.xml.rels");
        let target = related.descendants().find(|node| node.attribute("Id") == Some(id)).unwrap();
        let path = format!("xl/{}", target.attribute("Target").unwrap());
        assert!(self.0["[Content_Types].xml"].contains(&format!("\"/{path}\"")));
        let sheet = self.parsed(&path);
        let is = |node: &roxmltree::Node<'_, '_>, name: &str| node.tag_name().name() == name;
        assert!(!sheet.descendants().any(|node| is(&node, "f")), "a formula");
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (at, row) in (1..).zip(sheet.descendants().filter(|node| is(node, "row"))) {
            assert_eq!(row.attribute("r"), Some(format!("{at}").as_str()));
            let mut cells = vec![String::new(); rows.first().map_or(0, Vec::len)];
            for cell in row.children() {
                let place = cell.attribute("r").unwrap();
                let column = usize::from(place.as_bytes()[0] - b'A');
                assert_eq!(place[1..], at.to_string());
                cells.resize(cells.len().max(column + 1), String::new());
                let text = cell.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
                cells[column] = text.collect();
                let typed = cell.attribute("t");
                assert!(typed == Some("inlineStr") || cells[column].bytes().all(|byte| byte.is_ascii_digit()));
            }
            rows.push(cells);
        }
        rows
    }
}
