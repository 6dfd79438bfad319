//! Files that are one document each: PROV-JSON, and the files of `lineage export --format prov`, which hold many. They are
//! read whole, up to a bound.

use super::input::Recipe;
use crate::cli::errors::Failure;
use crate::limits::PROV_FILE_BYTES_MAX;
use crate::lineage::prov::{self, Origin};
use crate::record::line::{Event, LineError};
use std::io::{BufRead, Read as _};

/// The bytes of a file, at most `PROV_FILE_BYTES_MAX`.
pub(super) fn whole(name: &str, input: &mut dyn BufRead) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(PROV_FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = input.take(bound).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("{name}: {error}"), "check the file and its disk"))?;
    if bytes.len() > PROV_FILE_BYTES_MAX {
        let problem = format!("{name}: the file has more than {PROV_FILE_BYTES_MAX} bytes, the limit");
        return Err(Failure::failed(problem, "split it into several documents"));
    }
    Ok(bytes)
}

/// The documents of a file.
pub(super) fn texts(file: &[u8]) -> Result<Vec<Vec<u8>>, LineError> {
    Ok(prov::documents_of(file)?.unwrap_or_else(|| vec![file.to_vec()]))
}

/// The events of a document.
pub(super) fn events(document: &[u8], recipe: &Recipe) -> Result<Vec<Event>, LineError> {
    let Recipe { refs, id_key, source, occurred, .. } = recipe;
    prov::events(document, Origin { refs, id_key, source: *source, occurred: *occurred })
}
