//! Reasons and their one table: status code and remedy of each. A `Fault` is an error before it becomes a status; it
//! knows no RPC and no ledger.

use crate::api::proto::Reason;
use crate::domain::escape_line;
use crate::limits;
use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `ErrorInfo` domain of every error of this package.
pub const ERROR_DOMAIN: &str = "deedbook.v1";

/// What went wrong, in words, with the facts that a program needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    reason: Reason,
    message: String,
    metadata: Vec<(&'static str, String)>,
}

impl Fault {
    /// A fault without metadata.
    pub fn new(reason: Reason, message: impl Into<String>) -> Fault {
        Fault { reason, message: message.into(), metadata: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Fault {
        self.metadata.push((key, value.to_string()));
        self
    }

    /// A request field that cannot stand as it is.
    pub fn field(field: &'static str, problem: impl AsRef<str>) -> Fault {
        Fault::new(Reason::FieldInvalid, format!("{field}: {}", problem.as_ref())).with("field", field)
    }

    /// The reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    fn fact(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// `ErrorInfo`, and the details that belong to the code: which field, how long to wait, which quota or condition.
    fn details(&self, code: Code, remedy: &str) -> ErrorDetails {
        let mut metadata: HashMap<String, String> =
            self.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        if !remedy.is_empty() {
            metadata.insert("remedy".to_owned(), remedy.to_owned());
        }
        let name = reason_name(self.reason);
        let mut details = ErrorDetails::with_error_info(name, ERROR_DOMAIN, metadata);
        if let (Code::InvalidArgument, Some(field)) = (code, self.fact("field")) {
            details.add_bad_request_violation(field, &self.message);
        }
        if code == Code::Unavailable {
            details.set_retry_info(Some(limits::RETRY_DELAY));
        }
        if code == Code::ResourceExhausted {
            details.add_quota_failure_violation(name, &self.message);
        }
        if code == Code::FailedPrecondition {
            details.add_precondition_failure_violation(name, self.fact("offset").unwrap_or("frame"), &self.message);
        }
        details
    }
}

/// The one place where a fault becomes a status, and is counted.
impl From<Fault> for Status {
    fn from(fault: Fault) -> Status {
        metrics::counter!("deedbook_refusals_total", "reason" => reason_name(fault.reason)).increment(1);
        if fault.reason == Reason::Internal {
            tracing::error!("a call failed that should not have: {}", shown(&fault.message));
        }
        let (code, remedy) = code_and_remedy(fault.reason);
        // It may quote the caller, and is shown by whoever gets it.
        let fault = Fault { message: shown(&fault.message), ..fault };
        let details = fault.details(code, remedy);
        Status::with_error_details(code, fault.message, details)
    }
}

/// Foreign text made harmless, and cut to what fits into headers.
fn shown(message: &str) -> String {
    let mut cut = message.len().min(limits::ERROR_MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(cut) {
        cut = cut.saturating_sub(1);
    }
    match message.split_at_checked(cut) {
        Some((head, rest)) if !rest.is_empty() => format!("{}…", escape_line(head)),
        Some(_) | None => escape_line(message),
    }
}

/// The name that `ErrorInfo` carries.
pub fn reason_name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// Gives a status that tonic made itself the details that every error of this package carries.
pub fn complete(status: Status) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let reason = match status.code() {
        Code::Ok => return status,
        Code::OutOfRange => Reason::MessageTooLarge,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::Cancelled => Reason::Cancelled,
        Code::Unimplemented => Reason::MethodUnknown,
        Code::Unavailable => Reason::Stopping,
        Code::InvalidArgument => Reason::FieldInvalid,
        // tonic says INTERNAL when bytes are no message; ours never comes without details. It is the sender's fault.
        Code::Internal => Reason::Malformed,
        // What it says of a connection that broke under a stream of requests.
        Code::Unknown if std::error::Error::source(&status).is_some() => Reason::Cancelled,
        Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::DataLoss
        | Code::Unauthenticated => Reason::Internal,
    };
    let message = match status.message() {
        "" => "the server has no such service or method",
        message => message,
    };
    Fault::new(reason, message).into()
}

/// Declares the one table of reasons: status code, and what to do about it.
macro_rules! remedies {
    ($($($reason:ident)|+ => $code:ident, $remedy:literal;)+) => {
        /// The status code of a reason, and what to do about it.
        pub fn code_and_remedy(reason: Reason) -> (Code, &'static str) {
            match reason { $($(Reason::$reason)|+ => (Code::$code, $remedy)),+ }
        }
    };
}

remedies! {
    Unspecified | Internal | ReadFailed => Internal, "see the server's log";
    Malformed => InvalidArgument, "build frames with the library, or as docs/FORMAT.md says";
    FrameLedgerDiffers => InvalidArgument, "sign for the ledger id that the server names";
    FrameSourceDiffers => InvalidArgument, "put each source's events into frames of its own";
    FrameEpochDiffers => InvalidArgument, "state the frame's epoch in its facts";
    FrameSequenceDiffers => InvalidArgument, "state first sequence plus offset in the facts";
    FrameRootDiffers => InvalidArgument, "send the facts exactly as they were signed";
    FrameCountDiffers => InvalidArgument, "send as many events as the header says";
    SignatureMissing => InvalidArgument, "add a signature for each required signer, in order";
    SignatureSurplus => InvalidArgument, "sign with the required signers only";
    SignerDiffers => InvalidArgument, "sign with the keys that the header names, in order";
    FrameNotAlone => InvalidArgument, "put a command or gap into a frame of its own";
    SignatureInvalid => Unauthenticated, "sign the header's DSSE encoding with the named key";
    RoleDiffers => PermissionDenied, "sign as a source";
    KeyNotInForce => PermissionDenied, "have an administrator enroll the key for this source";
    AuthorDiffers => PermissionDenied, "the ledger itself makes events of this kind";
    BodyDiffers => InvalidArgument, "send salt and body as they were committed to";
    FrameTooLarge => InvalidArgument, "split the events over several frames";
    EventIdTwice => InvalidArgument, "give each event an id of its own";
    KindNotBuilt => Unimplemented, "upgrade the server";
    EventIdKnown => AlreadyExists, "leave out the known events and sign the rest anew";
    RevisionDiffers => Aborted, "read the stream again, decide anew, sign anew";
    SequenceDiffers => FailedPrecondition, "go on behind last_sequence, or sign a source.gap";
    EpochNotNew => FailedPrecondition, "choose an epoch above last_epoch";
    LastSeenMismatch => FailedPrecondition, "compare checkpoints: a history may be forged";
    NotAdministrator => PermissionDenied, "ask an administrator of this ledger";
    WeakKey => FailedPrecondition, "make a new key";
    KeyKnown => FailedPrecondition, "make a new key; a key is enrolled once and for ever";
    KeyUnknown => FailedPrecondition, "look the key up in the list of keys";
    LastAdministrator => FailedPrecondition, "rotate the key instead of ending it";
    LedgerKey => FailedPrecondition, "choose a key of a source";
    BodyAhead => FailedPrecondition, "name entries that stand in the log already";
    NoBody => FailedPrecondition, "leave out entries without a body";
    BodyPermanent => FailedPrecondition, "leave out genesis, keys, roles, policies and erasures";
    BodyHeld => FailedPrecondition, "look at the holds; have the one that covers it released, or leave the body out";
    RetentionNotPassed => FailedPrecondition, "look at the retention of its class, and erase it when that has passed";
    HoldUnknown => FailedPrecondition, "look up the holds in force, and their ids";
    TooManyRules => FailedPrecondition, "release holds, or name the entries in fewer ranges";
    NotEligible => PermissionDenied, "ask somebody of the teams that the request names";
    ConflictRequester => PermissionDenied, "have somebody else decide";
    ConflictOwner => PermissionDenied, "have somebody else decide";
    ConflictPrincipal => PermissionDenied, "have somebody else decide";
    ConflictDelegate => PermissionDenied, "have somebody else decide";
    ConflictBinder => PermissionDenied, "have somebody else decide, whom two people bound";
    ConflictAccount => PermissionDenied, "have somebody else decide";
    NonHuman => PermissionDenied, "have a person do it";
    AssuranceTooLow => PermissionDenied, "sign the vote with your own enrolled key";
    Terminal => FailedPrecondition, "look at the request; submit the action anew if need be";
    Expired => FailedPrecondition, "submit it anew";
    ActionDigestMismatch => FailedPrecondition, "submit the action that is to run";
    AlreadyRedeemed => FailedPrecondition, "submit the action anew";
    PolicyTightened => FailedPrecondition, "submit the action anew, under the policies in force";
    VoteFinal => FailedPrecondition, "nothing: the first decision stands";
    StalePresentation => Aborted, "look at the request again, then decide";
    RationaleRequired => InvalidArgument, "give a reason";
    PresentationIncomplete => FailedPrecondition, "review the action in full";
    PolicyDenied => PermissionDenied, "change the action, or have the policy changed";
    AudienceDiffers => PermissionDenied, "redeem from the source that submitted the action";
    GrantNotIssued => FailedPrecondition, "look at the action; submit it anew if need be";
    RequestUnknown => FailedPrecondition, "look up what waits, and its id";
    NotYours => PermissionDenied, "ask the requester, the responsible person or a reviewer";
    PrincipalUnknown => FailedPrecondition, "bind the principal first";
    PrincipalDisabled => FailedPrecondition, "choose another principal; a disabled one stays so";
    PrincipalKnown => FailedPrecondition, "look it up among the principals";
    ResponsibleMissing => FailedPrecondition, "name a bound person as responsible";
    ResponsibleDiffers => FailedPrecondition, "state the person to whom the actor is bound";
    SecondPersonMissing => FailedPrecondition, "declare it as break-glass, with reason and incident";
    TooManyPending => FailedPrecondition, "decide what waits, or let it expire";
    ReviewOverdue => FailedPrecondition, "have the earlier break-glass action reviewed";
    ClockBehind => FailedPrecondition, "wait until the server's clock has caught up";
    PolicyInvalid => FailedPrecondition, "see the defects that `deedbook policy check` names";
    BindingInvalid => InvalidArgument, "make the binding with the library, or as docs/FORMAT.md says";
    PostReviewClosed => FailedPrecondition, "look at the action";
    EvidenceInvalid => PermissionDenied, "sign with your own key, which is in force";
    EvidenceNotBuilt => FailedPrecondition, "sign the vote with your own enrolled key";
    GlassNotNeeded => FailedPrecondition, "send it without break-glass";
    NotAlone => FailedPrecondition, "ask the other administrators; who stays silent can be removed over their silence";
    RemovalOnly => FailedPrecondition, "remove those who stay silent first, then break the glass alone";
    TooEarly => FailedPrecondition, "wait until their silence was long enough";
    NotSilent => FailedPrecondition, "ask those who signed, they are there";
    BasisMoved => Unavailable, "retry the same bytes";
    ActionsTooMany => ResourceExhausted, "decide or cancel requests that wait";
    LineageBehind => Unavailable, "ask again: what was read stays";
    LineageFull => ResourceExhausted, "export the log and ask a smaller part of it; the bound is the server's";
    LineageProofTooLarge => ResourceExhausted, "prove a smaller answer: fewer steps, one kind, or a path";
    RoleMissing => PermissionDenied, "ask somebody who has one of the roles, or have an administrator grant it";
    NodeUnknown => NotFound, "look it up with `deedbook lineage search`";
    NodeAmbiguous => FailedPrecondition, "name its namespace and version, or take one of the keys named";
    DiskLow => ResourceExhausted, "make room on the data volume";
    ClockDrift => Unavailable, "mend the server's clock, then retry the same bytes";
    OwnFrame => Unavailable, "retry the same bytes; the server's log tells more";
    StorageFailed => Unavailable, "retry the same bytes once the server is back";
    Stopping => Unavailable, "retry the same bytes";
    NotFound => NotFound, "";
    OutsideTree => OutOfRange, "stay below tree_size";
    Corrupt => DataLoss, "stop the server, keep its data folder, run `deedbook audit`";
    NoWitnessPolicy => FailedPrecondition, "serve with a witness policy, or ask for an unwitnessed checkpoint";
    NotWitnessed => Unavailable, "look at /readyz for the witnesses, and retry";
    NoCheckpoint => Unavailable, "retry once the server is back";
    CheckpointNotKept => NotFound, "name a size of which a checkpoint is kept, such as those that are named";
    FieldInvalid => InvalidArgument, "correct the field";
    PageTokenInvalid => InvalidArgument, "start again without a token";
    KindDiffers => InvalidArgument, "send one event of the kind of the method";
    OpenMisplaced => InvalidArgument, "send Open first, then frames";
    StreamDiffers => InvalidArgument, "open one stream for each source and epoch";
    CreditExceeded => ResourceExhausted, "wait for acknowledgements before sending more";
    StreamsTooMany => ResourceExhausted, "close streams, or retry later";
    RequestNotAuthenticated => Unauthenticated, "sign with an enrolled key that is in force";
    RequestTimeOutside => Unauthenticated, "set the clock";
    MessageTooLarge => OutOfRange, "send smaller frames";
    DeadlineExceeded => DeadlineExceeded, "repeat appends with the same bytes";
    Cancelled => Cancelled, "repeat appends with the same bytes";
    SubscriptionExists => AlreadyExists, "choose another name, or delete that one";
    SubscriptionsTooMany => ResourceExhausted, "delete a subscription that nobody needs";
    AlreadyConsumed => Aborted, "ask again when the other consumer left or its lease ended";
    LeaseEnded => Aborted, "open again; settle within the lease, or extend it";
    NotInFlight => InvalidArgument, "settle what was delivered on this stream, once";
    ParkedTooMany => ResourceExhausted, "replay and acknowledge parked events, then open again";
    MethodUnknown => Unimplemented, "upgrade the server";
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR_PROTO: &str = include_str!("../../proto/deedbook/v1/error.proto");

    /// `(name, code)` of each reason, read from the comments of error.proto.
    fn documented() -> Vec<(String, String)> {
        let mut comment = String::new();
        let mut found = Vec::new();
        for line in ERROR_PROTO.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("//") {
                comment.push_str(text);
            } else if let Some((name, _)) = line.split_once(" = ") {
                let code = comment.rsplit_once("gRPC: ").map_or("", |(_, code)| code).trim().to_owned();
                found.push((name.to_owned(), code));
                comment.clear();
            } else {
                comment.clear();
            }
        }
        found
    }

    #[test]
    fn every_reason_has_the_code_that_the_proto_documents() {
        let documented = documented();
        assert!(documented.len() > 50);
        for (name, code) in
            documented.iter().filter(|(name, _)| name.starts_with("REASON_") && name != "REASON_UNSPECIFIED")
        {
            let reason = Reason::from_str_name(name).expect("a reason of the proto");
            let (table, remedy) = code_and_remedy(reason);
            let upper = format!("{table:?}").chars().fold(String::new(), |mut text, c| {
                if c.is_uppercase() && !text.is_empty() {
                    text.push('_');
                }
                text.push(c.to_ascii_uppercase());
                text
            });
            assert_eq!(&upper, code, "{name}");
            assert!(reason_name(reason).len() <= 63, "{name}");
            assert!(!remedy.is_empty() || reason == Reason::NotFound, "{name} has a remedy");
            // The command line shows it too, and has no methods.
            let words = remedy.split(|c: char| !c.is_ascii_alphanumeric());
            let methods = ["Get", "List", "Enroll", "Rotate", "Revoke", "Append", "Erase", "Lookup", "Read"];
            let named = |word: &str| methods.iter().any(|method| word.len() > method.len() && word.starts_with(method));
            assert!(words.into_iter().all(|word| !named(word)), "{name}: {remedy}");
        }
    }

    #[test]
    fn a_fault_carries_its_details() {
        let status = Status::from(Fault::field("page_size", "is negative"));
        let details = status.get_error_details();
        let info = details.error_info().expect("an ErrorInfo");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("FIELD_INVALID", ERROR_DOMAIN));
        assert_eq!(info.metadata.get("field").map(String::as_str), Some("page_size"));
        assert_eq!(details.bad_request().map(|bad| bad.field_violations.len()), Some(1));
        let made_by_tonic = complete(Status::out_of_range("too large"));
        let details = made_by_tonic.get_error_details();
        assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("MESSAGE_TOO_LARGE"));
        let no_message = complete(Status::internal("failed to decode Protobuf message"));
        assert_eq!(no_message.code(), Code::InvalidArgument);
    }

    #[test]
    fn a_connection_that_broke_is_no_defect() {
        let reason = |status| complete(status).get_error_details().error_info().map(|info| info.reason.clone());
        let mut broken = Status::unknown("error reading a body from connection");
        broken.set_source(std::sync::Arc::new(std::io::Error::other("connection reset")));
        assert_eq!(reason(broken).as_deref(), Some("CANCELLED"));
        assert_eq!(reason(Status::unknown("nobody knows")).as_deref(), Some("INTERNAL"));
    }
}
