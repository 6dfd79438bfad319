//! Evidence packages: an interval of the log, whole, with a question about it and everything that follows from both.
//! The entries are the evidence; every other file under `data/` is rendered from them and the question by this module,
//! for whoever writes a package and again for whoever checks it. It reads no JSON but the envelope and the record beside a
//! package, and knows no server.

mod code;
mod line;
mod question;
mod filter;
mod csv;
mod json;
mod draw;
mod start;
mod bodies;
mod signatures;
mod views;
mod machine;
mod row;
mod table;
mod computed;
mod mapping;
mod seen;
mod stated;
mod exam;
mod entries;
mod rendered;
mod bag;
mod syncing;
mod files;
mod beside;
mod members;
mod custody;
mod report;
mod writer;
mod reader;

pub use bag::Manifest;
pub use bodies::{BodyRecords, BodyShown, BodyTally};
pub use code::{PackageCode, PackageRefusal};
pub use computed::{BUILT_IN_POLICIES, BY_VERIFYING, Basis, FOR_INFORMATION, LISTING, TestId, Verdict};
pub use custody::{
    CustodyShown, ENVELOPE_FILE, ENVELOPE_TYPE, Exported, RECEIPT_FILE, RECORD_FILE, RECORD_FORM, Signed,
};
pub use draw::{Nonce, Seed};
pub use entries::{Block, Entries};
pub use exam::Counts;
pub use files::{Directory, Folder, NewDirectory};
pub use filter::{Filter, FilterRefusal};
pub use mapping::{Control, Mapping};
pub use question::{Framework, PROGRAM, Period, Question, QuestionRefusal, Redaction, SAMPLE_MAX};
pub use reader::{verify_package, verify_package_witnessed};
pub use rendered::Rendered;
pub use report::PackageShown;
pub use row::{Code, RestsOn, RowVerdict};
pub use start::Start;
pub use views::{Sink, SinkFile, Written};
pub use writer::{Adding, Finished, Offered, PackageWriter};
