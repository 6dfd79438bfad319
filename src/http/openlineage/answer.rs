//! Answers to posts that were not taken: JSON that names the reason, the field, the limit and the remedy. Whatever of it
//! came from outside is escaped.

use crate::domain::escape_line;
use crate::ledger::{AppendError, ImportError};
use crate::limits;
use crate::record::line::LineError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer in JSON.
pub fn json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

/// Why a post was not taken.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    reason: &'static str,
    field: Option<String>,
    message: String,
    remedy: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Refusal {
        Refusal { status, reason, field: None, message: message.into(), remedy: remedy.into() }
    }

    /// The status of the answer.
    #[cfg(test)]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body is not what it says.
    pub fn malformed(message: impl Into<String>) -> Refusal {
        let remedy = "send one event of OpenLineage as JSON to /api/v1/lineage, a list of them to /api/v1/lineage/batch, and say \
                      in Content-Encoding whether it is gzip";
        Refusal::new(StatusCode::BAD_REQUEST, "MALFORMED", message, remedy)
    }

    /// A header, or a member of the event.
    pub fn field(field: &str, problem: &str, remedy: &str) -> Refusal {
        let message = format!("`{field}` {problem}");
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "FIELD_INVALID", message, remedy);
        Refusal { field: Some(field.to_owned()), ..refusal }
    }

    /// A header names what is not taken.
    pub fn media(field: &str, remedy: &str) -> Refusal {
        Refusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Refusal::field(field, "is not supported", remedy) }
    }

    /// The body is too long, as it was sent or once it is inflated.
    pub fn too_large() -> Refusal {
        let message = format!("the body has more than {} bytes", limits::OPENLINEAGE_POST_BYTES_MAX);
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "MESSAGE_TOO_LARGE",
            message,
            "send smaller batches, or fewer facets",
        )
    }

    /// The list is too long.
    pub fn too_many(events: usize) -> Refusal {
        let message =
            format!("the list has {events} events, more than the limit of {}", limits::OPENLINEAGE_BATCH_EVENTS_MAX);
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "BATCH_TOO_LARGE", message, "send smaller batches")
    }

    /// The work ended without an answer.
    pub fn ended() -> Refusal {
        let remedy = "send it again: what is in the log already is not appended twice";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the server did not finish", remedy)
    }
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Refusal {
        match error {
            ImportError::Event(LineError { field, problem, remedy }) if field.is_empty() => {
                Refusal::new(StatusCode::BAD_REQUEST, "MALFORMED", problem, remedy)
            }
            ImportError::Event(LineError { field, problem, remedy }) => Refusal::field(&field, &problem, &remedy),
            ImportError::Append(error) => error.into(),
        }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Refusal {
        let (status, reason) = match &error {
            AppendError::DiskLow { .. } => (StatusCode::SERVICE_UNAVAILABLE, "DISK_LOW"),
            AppendError::ClockDrift { .. } => (StatusCode::SERVICE_UNAVAILABLE, "CLOCK_DRIFT"),
            AppendError::StorageFailed => (StatusCode::SERVICE_UNAVAILABLE, "STORAGE_FAILED"),
            AppendError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "STOPPING"),
            AppendError::OwnFrame(_) => (StatusCode::SERVICE_UNAVAILABLE, "OWN_FRAME_FAILED"),
            AppendError::BasisMoved
            | AppendError::ActionsTooMany
            | AppendError::Malformed(_)
            | AppendError::Frame(_)
            | AppendError::BodyDiffers { .. }
            | AppendError::FrameTooLarge { .. }
            | AppendError::EventIdTwice { .. }
            | AppendError::KindNotBuilt(_)
            | AppendError::EventIdKnown(_)
            | AppendError::RevisionDiffers { .. }
            | AppendError::SequenceDiffers { .. }
            | AppendError::EpochNotNew { .. }
            | AppendError::LastSeenDiffers { .. }
            | AppendError::GlassUnexplained
            | AppendError::Refused { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        };
        let remedy = "send it again in a while: what is in the log already is not appended twice";
        Refusal::new(status, reason, error.to_string(), remedy)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!("deedbook_refusals_total", "reason" => self.reason).increment(1);
        let error = json!({"reason": self.reason, "field": self.field.as_deref().map(escape_line),
            "message": escape_line(&self.message), "remedy": self.remedy});
        let mut answer = json_answer(self.status, &json!({"error": error}));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, limits::RETRY_DELAY.as_secs().into());
        }
        answer
    }
}

/// An element of a batch that is no event.
pub struct Failed {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub error: LineError,
}

impl Failed {
    /// As OpenLineage's specification names it, and the field besides.
    pub fn value(&self) -> Value {
        let field = Some(&self.error.field).filter(|field| !field.is_empty()).map(|field| escape_line(field));
        json!({"index": self.index, "reason": escape_line(&self.error.to_string()), "retriable": false, "field": field})
    }
}
