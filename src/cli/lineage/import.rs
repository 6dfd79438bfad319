//! `deedbook lineage import`: a file of lineage that others wrote becomes signed events, as `append` would do it.

use crate::cli::append::{self, AppendArguments};
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::{Common, block_on};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What `lineage import` takes.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// How the file is written
    #[arg(long, value_enum)]
    format: ImportFormat,
    /// The file, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The formats that lineage comes in by.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// OpenLineage events, each kept byte for byte
    Openlineage,
    /// A PROV-JSON document, kept byte for byte, or the documents in a file that `lineage export --format prov` wrote
    Prov,
}

/// Imports; an event that stands in the log already is not appended again.
pub fn run(common: &Common, arguments: ImportArguments, output: Output) -> Result<(), Failure> {
    let format = match arguments.format {
        ImportFormat::Openlineage => append::Format::Openlineage,
        ImportFormat::Prov => append::Format::Prov,
    };
    block_on(append::run(common, AppendArguments::new(format, arguments.file), output))
}
