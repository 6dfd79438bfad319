//! An archive as the workbook's format wants it (PKWARE's APPNOTE 6.3.10), written front to back: packed with deflate,
//! lengths behind the bytes, every file of 1 January 1980, where the format's calendar begins. It reads nothing.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::{self, Write};

/// An archive on its way.
pub struct Zip<'w> {
    out: &'w mut dyn Write,
    offset: u64,
    directory: Vec<u8>,
    files: u16,
}

/// Lengths stand behind the bytes.
const FLAGS: u16 = 0x0008;
const DEFLATE: u16 = 8;
/// Version 2.0: deflate.
const VERSION: u16 = 20;
/// No time, and 1 January 1980.
const STAMP: [u16; 2] = [0, 0x0021];

impl<'w> Zip<'w> {
    /// Into what takes bytes.
    pub fn new(out: &'w mut dyn Write) -> Zip<'w> {
        Zip { out, offset: 0, directory: Vec::new(), files: 0 }
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let start = word(self.offset)?;
        let length = u16::try_from(name.len()).map_err(|_| too_large())?;
        let head = [&halves(&[VERSION, FLAGS, DEFLATE, STAMP[0], STAMP[1]]), words(&[0, 0, 0]).as_slice()].concat();
        let local = [&words(&[0x0403_4b50]), head.as_slice(), &halves(&[length, 0]), name.as_bytes()].concat();
        self.put(&local)?;
        let (packed, crc, bytes) = pack(self.out, write)?;
        self.offset = self.offset.saturating_add(packed);
        let sums = words(&[crc.sum(), word(packed)?, word(bytes)?]);
        self.put(&[words(&[0x0807_4b50]), sums.clone()].concat())?;
        let fixed = halves(&[VERSION, VERSION, FLAGS, DEFLATE, STAMP[0], STAMP[1]]);
        let rest = [halves(&[length, 0, 0, 0, 0]), words(&[0, start]), name.as_bytes().to_vec()].concat();
        self.directory.extend([words(&[0x0201_4b50]), fixed, sums, rest].concat());
        self.files = self.files.saturating_add(1);
        Ok(())
    }

    /// Writes the directory.
    pub fn finish(mut self) -> io::Result<()> {
        let (start, directory) = (word(self.offset)?, std::mem::take(&mut self.directory));
        self.put(&directory)?;
        let length = word(u64::try_from(directory.len()).unwrap_or(u64::MAX))?;
        let counts = halves(&[0, 0, self.files, self.files]);
        self.put(&[words(&[0x0605_4b50]), counts, words(&[length, start]), halves(&[0])].concat())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset = self.offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.out.write_all(bytes)
    }
}

/// Packs a file, fast: a sheet of a million exceptions is a gigabyte, and packing it well would take longer than everything
/// else in an export. How long it became, its checksum, and how long it was.
fn pack(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<(u64, Crc, u64)> {
    let packer = DeflateEncoder::new(Counting { out, bytes: 0 }, Compression::fast());
    let mut packing = Packing { packer, crc: Crc::new(), bytes: 0 };
    write(&mut packing)?;
    let Packing { packer, crc, bytes } = packing;
    Ok((packer.finish()?.bytes, crc, bytes))
}

struct Packing<'w> {
    packer: DeflateEncoder<Counting<'w>>,
    crc: Crc,
    bytes: u64,
}

impl Write for Packing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.packer.write_all(bytes)?;
        self.crc.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Counting<'w> {
    out: &'w mut dyn Write,
    bytes: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Numbers as archives have them: the low byte first.
fn halves(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes().into_iter().rev()).collect()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes().into_iter().rev()).collect()
}

fn word(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a workbook ends at 4 GiB")
}
