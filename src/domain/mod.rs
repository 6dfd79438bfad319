//! The words of the product as validated types. No IO, no async, no serde, no protobuf: a value that exists is legal.

mod names;
mod dataset;
mod query;
mod text;
mod subscription;

pub use dataset::DatasetText;
pub use names::{
    Caller, NameError, StreamName, account_ref, caller_ref, class_ref, dataset_ref, ledger_source, person_ref,
    principal_ref, record_ref, source_ref, version_ref,
};
pub use query::Filter;
pub use subscription::{ParkReason, SubscriptionName, SubscriptionTextError};
pub use text::{escape, escape_line};
