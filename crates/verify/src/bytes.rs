//! A cursor over bytes that cannot run past their end, and the field grammar of facts, seals and receipts:
//! field = tag u16 ‖ length ‖ value, tags strictly ascending, the tag's high bit meaning *not critical*.

use std::fmt;

/// Why bytes are not what the format allows. `what` names the structure or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The structure or field that was being read.
    pub what: &'static str,
    /// What is wrong with it.
    pub defect: Defect,
}

/// The kinds of malformation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The bytes end inside it.
    Truncated,
    /// Bytes follow its end.
    Trailing,
    /// A tag is not greater than the one before it.
    TagOrder(u16),
    /// A critical tag that this program does not know, or that does not belong to this kind.
    UnknownCritical(u16),
    /// A required field is absent.
    Missing,
    /// Its length is not one that the format allows.
    Length(usize),
    /// Its value is outside the range that the format allows.
    Value,
    /// It is beyond the bound that stands here.
    TooLarge(usize),
}

impl Malformed {
    pub(crate) fn new(what: &'static str, defect: Defect) -> Malformed {
        Malformed { what, defect }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what;
        match self.defect {
            Defect::Truncated => write!(f, "{what}: the bytes end too early"),
            Defect::Trailing => write!(f, "{what}: bytes follow its end"),
            Defect::TagOrder(tag) => write!(f, "{what}: tag 0x{tag:04x} is not in ascending order"),
            Defect::UnknownCritical(tag) => write!(f, "{what}: critical tag 0x{tag:04x} does not belong here"),
            Defect::Missing => write!(f, "{what}: is missing"),
            Defect::Length(length) => write!(f, "{what}: a length of {length} bytes is not allowed"),
            Defect::Value => write!(f, "{what}: value not allowed"),
            Defect::TooLarge(max) => write!(f, "{what}: larger than the limit of {max}"),
        }
    }
}

impl std::error::Error for Malformed {}

/// A cursor; every read names what it reads, so that errors can.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], Malformed> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(Malformed::new(what, Defect::Truncated)),
        }
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(*head)
            }
            None => Err(Malformed::new(what, Defect::Truncated)),
        }
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// A big-endian u16.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// A big-endian u32.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A big-endian u64.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses trailing bytes.
    pub fn finish(self, what: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::new(what, Defect::Trailing)) }
    }
}

/// A named tag, so that an error can say which field it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The number on the wire.
    pub number: u16,
    /// The field's name in FORMAT.md.
    pub name: &'static str,
}

/// Set in a tag that readers may skip when they do not know it.
pub const NOT_CRITICAL: u16 = 0x8000;

/// How many bytes a field's length takes: u16 inside entries, u32 inside receipts, where bodies stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthWidth {
    /// Facts and seals.
    U16,
    /// The `extra` of receipts.
    U32,
}

/// Reads fields in one pass without allocation: ask for tags in ascending order, then `finish`.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    what: &'static str,
    width: LengthWidth,
    reader: Reader<'a>,
    last: Option<u16>,
    peeked: Option<(u16, &'a [u8])>,
}

impl<'a> Fields<'a> {
    /// Fields of the structure `what`.
    pub fn new(what: &'static str, width: LengthWidth, bytes: &'a [u8]) -> Fields<'a> {
        Fields { what, width, reader: Reader::new(bytes), last: None, peeked: None }
    }

    fn peek(&mut self) -> Result<Option<(u16, &'a [u8])>, Malformed> {
        if self.peeked.is_none() && !self.reader.is_empty() {
            let number = self.reader.u16(self.what)?;
            if self.last.is_some_and(|last| number <= last) {
                return Err(Malformed::new(self.what, Defect::TagOrder(number)));
            }
            self.last = Some(number);
            let length = match self.width {
                LengthWidth::U16 => u32::from(self.reader.u16(self.what)?),
                LengthWidth::U32 => self.reader.u32(self.what)?,
            };
            let length = usize::try_from(length).map_err(|_| Malformed::new(self.what, Defect::Truncated))?;
            self.peeked = Some((number, self.reader.take(self.what, length)?));
        }
        Ok(self.peeked)
    }

    /// The field's value if it is present. Fields before it must be unknown and not critical.
    #[inline]
    pub fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Malformed> {
        match self.peeked {
            // Most fields are not there, and the next one says so.
            Some((number, _)) if number > tag.number => Ok(None),
            Some(_) | None => self.seek(tag),
        }
    }

    #[inline(never)]
    fn seek(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Malformed> {
        while let Some((number, value)) = self.peek()? {
            if number > tag.number {
                return Ok(None);
            }
            self.peeked = None;
            if number == tag.number {
                return Ok(Some(value));
            }
            if number & NOT_CRITICAL == 0 {
                return Err(Malformed::new(self.what, Defect::UnknownCritical(number)));
            }
        }
        Ok(None)
    }

    /// The field's value, or `Missing`.
    pub fn required(&mut self, tag: Tag) -> Result<&'a [u8], Malformed> {
        self.optional(tag)?.ok_or(Malformed::new(tag.name, Defect::Missing))
    }

    /// A fixed-width value if present.
    pub fn optional_array<const N: usize>(&mut self, tag: Tag) -> Result<Option<[u8; N]>, Malformed> {
        match self.optional(tag)? {
            None => Ok(None),
            Some(value) => exact(tag, value).map(Some),
        }
    }

    /// A fixed-width value, or `Missing`.
    pub fn required_array<const N: usize>(&mut self, tag: Tag) -> Result<[u8; N], Malformed> {
        exact(tag, self.required(tag)?)
    }

    /// Whether no field is left, known or not.
    pub fn is_spent(&mut self) -> Result<bool, Malformed> {
        Ok(self.peek()?.is_none())
    }

    /// Refuses what is left over, unless it is not critical.
    pub fn finish(mut self) -> Result<(), Malformed> {
        while let Some((number, _)) = self.peek()? {
            self.peeked = None;
            if number & NOT_CRITICAL == 0 {
                return Err(Malformed::new(self.what, Defect::UnknownCritical(number)));
            }
        }
        Ok(())
    }
}

fn exact<const N: usize>(tag: Tag, value: &[u8]) -> Result<[u8; N], Malformed> {
    value.try_into().map_err(|_| Malformed::new(tag.name, Defect::Length(value.len())))
}
