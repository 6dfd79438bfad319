//! What the ledger says no with, as faults: one exhaustive table for appends and one for reads. It decides nothing.

use crate::api::proto::Reason;
use crate::api::reason::Fault;
use crate::ledger::{AppendError, KnownEvent, ReadError, SubscriptionError};
use crate::limits;
use crate::store::StoreError;
use deedbook_verify::bytes::Malformed;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::words::{Index, Revision};

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Fault {
        let message = error.to_string();
        match error {
            AppendError::Malformed(malformed) => malformed.into(),
            AppendError::Frame(refusal) => refusal.into(),
            AppendError::BodyDiffers { offset } => Fault::new(Reason::BodyDiffers, message).with("offset", offset),
            AppendError::FrameTooLarge { bytes } => Fault::new(Reason::FrameTooLarge, message)
                .with("bytes", bytes)
                .with("bytes_max", limits::FRAME_BYTES_MAX),
            AppendError::EventIdTwice { offset } => Fault::new(Reason::EventIdTwice, message).with("offset", offset),
            AppendError::KindNotBuilt(kind) => Fault::new(Reason::KindNotBuilt, message).with("kind", kind.name()),
            AppendError::EventIdKnown(known) => event_id_known(message, &known),
            AppendError::RevisionDiffers { offset, expected, actual } => {
                revision_differs(message, offset, expected, actual)
            }
            AppendError::SequenceDiffers { epoch, last } => {
                Fault::new(Reason::SequenceDiffers, message).with("epoch", epoch).with("last_sequence", last)
            }
            AppendError::EpochNotNew { last } => Fault::new(Reason::EpochNotNew, message).with("last_epoch", last),
            AppendError::LastSeenDiffers { offset } => {
                Fault::new(Reason::LastSeenMismatch, message).with("offset", offset)
            }
            AppendError::Refused { reason, command, refusal } => refused(message, reason, command, refusal),
            AppendError::GlassUnexplained => Fault::field("body", message),
            AppendError::BasisMoved => Fault::new(Reason::BasisMoved, message),
            AppendError::ActionsTooMany => {
                Fault::new(Reason::ActionsTooMany, message).with("actions_max", limits::ACTIONS_OPEN_MAX)
            }
            AppendError::DiskLow { free_bytes } => Fault::new(Reason::DiskLow, message).with("free_bytes", free_bytes),
            AppendError::ClockDrift { drift_ms } => Fault::new(Reason::ClockDrift, message).with("drift_ms", drift_ms),
            AppendError::StorageFailed => Fault::new(Reason::StorageFailed, message),
            AppendError::Closed => Fault::new(Reason::Stopping, message),
            AppendError::OwnFrame(_) => Fault::new(Reason::OwnFrame, message),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        let message = error.to_string();
        match error {
            ReadError::NotFound { what } => Fault::new(Reason::NotFound, message).with("what", what),
            ReadError::OutsideTree { size } => Fault::new(Reason::OutsideTree, message).with("tree_size", size),
            ReadError::Corrupt(_) => Fault::new(Reason::Corrupt, message),
            ReadError::Storage(StoreError::Damaged(_)) => Fault::new(Reason::Corrupt, message),
            ReadError::Storage(
                StoreError::Failed(_) | StoreError::InUse(_) | StoreError::Replaced(_) | StoreError::Absent(_),
            ) => Fault::new(Reason::ReadFailed, message),
            ReadError::NoWitnessPolicy => Fault::new(Reason::NoWitnessPolicy, message),
            ReadError::NotWitnessed { wanted, newest } => {
                Fault::new(Reason::NotWitnessed, message).with("wanted_size", wanted).with("witnessed_size", newest)
            }
            ReadError::NoCheckpoint(_) => Fault::new(Reason::NoCheckpoint, message),
            ReadError::CheckpointNotKept { size, .. } => {
                Fault::new(Reason::CheckpointNotKept, message).with("size", size)
            }
        }
    }
}

impl From<SubscriptionError> for Fault {
    fn from(error: SubscriptionError) -> Fault {
        let message = error.to_string();
        match error {
            SubscriptionError::Exists(_) => Fault::new(Reason::SubscriptionExists, message),
            SubscriptionError::Unknown(_) => Fault::new(Reason::NotFound, message).with("what", "subscription"),
            SubscriptionError::TooMany => {
                Fault::new(Reason::SubscriptionsTooMany, message).with("subscriptions_max", limits::SUBSCRIPTIONS_MAX)
            }
            SubscriptionError::Consumed { name, lease_ms } => {
                Fault::new(Reason::AlreadyConsumed, message).with("name", name).with("lease_ms", lease_ms)
            }
            SubscriptionError::ParkedTooMany => {
                Fault::new(Reason::ParkedTooMany, message).with("parked_max", limits::PARKED_MAX)
            }
            SubscriptionError::NotParked(index) => {
                Fault::new(Reason::NotFound, message).with("what", "parked event").with("index", index)
            }
            SubscriptionError::DiskLow { free_bytes } => {
                Fault::new(Reason::DiskLow, message).with("free_bytes", free_bytes)
            }
            SubscriptionError::StorageFailed => Fault::new(Reason::StorageFailed, message),
            SubscriptionError::Closed => Fault::new(Reason::Stopping, message),
            SubscriptionError::Entropy(_) => Fault::new(Reason::Internal, message),
            SubscriptionError::Read(error) => error.into(),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Fault {
        Fault::new(Reason::Malformed, malformed.to_string()).with("field", malformed.what)
    }
}

impl From<FrameRefusal> for Fault {
    fn from(refusal: FrameRefusal) -> Fault {
        let reason = match refusal {
            FrameRefusal::LedgerDiffers => Reason::FrameLedgerDiffers,
            FrameRefusal::SourceDiffers => Reason::FrameSourceDiffers,
            FrameRefusal::EpochDiffers => Reason::FrameEpochDiffers,
            FrameRefusal::SequenceDiffers => Reason::FrameSequenceDiffers,
            FrameRefusal::RootDiffers => Reason::FrameRootDiffers,
            FrameRefusal::CountDiffers => Reason::FrameCountDiffers,
            FrameRefusal::SignatureMissing => Reason::SignatureMissing,
            FrameRefusal::SignatureSurplus => Reason::SignatureSurplus,
            FrameRefusal::SignerDiffers => Reason::SignerDiffers,
            FrameRefusal::RoleDiffers => Reason::RoleDiffers,
            FrameRefusal::KeyNotInForce(id) => {
                return Fault::new(Reason::KeyNotInForce, refusal.to_string()).with("key_id", id);
            }
            FrameRefusal::SignatureInvalid => Reason::SignatureInvalid,
            FrameRefusal::AuthorDiffers => Reason::AuthorDiffers,
            FrameRefusal::NotAlone => Reason::FrameNotAlone,
        };
        Fault::new(reason, refusal.to_string())
    }
}

/// The reason of a recorded refusal.
pub fn refusal(reason: RefusalReason) -> Reason {
    match reason {
        RefusalReason::NotAdministrator => Reason::NotAdministrator,
        RefusalReason::WeakKey => Reason::WeakKey,
        RefusalReason::KeyKnown => Reason::KeyKnown,
        RefusalReason::KeyUnknown => Reason::KeyUnknown,
        RefusalReason::LastAdministrator => Reason::LastAdministrator,
        RefusalReason::LedgerKey => Reason::LedgerKey,
        RefusalReason::BodyAhead => Reason::BodyAhead,
        RefusalReason::NoBody => Reason::NoBody,
        RefusalReason::BodyPermanent => Reason::BodyPermanent,
        RefusalReason::BodyHeld => Reason::BodyHeld,
        RefusalReason::RetentionNotPassed => Reason::RetentionNotPassed,
        RefusalReason::HoldUnknown => Reason::HoldUnknown,
        RefusalReason::TooManyRules => Reason::TooManyRules,
        RefusalReason::NotEligible => Reason::NotEligible,
        RefusalReason::ConflictRequester => Reason::ConflictRequester,
        RefusalReason::ConflictOwner => Reason::ConflictOwner,
        RefusalReason::ConflictPrincipal => Reason::ConflictPrincipal,
        RefusalReason::ConflictDelegate => Reason::ConflictDelegate,
        RefusalReason::ConflictBinder => Reason::ConflictBinder,
        RefusalReason::ConflictAccount => Reason::ConflictAccount,
        RefusalReason::NonHuman => Reason::NonHuman,
        RefusalReason::AssuranceTooLow => Reason::AssuranceTooLow,
        RefusalReason::Terminal => Reason::Terminal,
        RefusalReason::Expired => Reason::Expired,
        RefusalReason::ActionDigestMismatch => Reason::ActionDigestMismatch,
        RefusalReason::AlreadyRedeemed => Reason::AlreadyRedeemed,
        RefusalReason::PolicyTightened => Reason::PolicyTightened,
        RefusalReason::VoteFinal => Reason::VoteFinal,
        RefusalReason::StalePresentation => Reason::StalePresentation,
        RefusalReason::RationaleRequired => Reason::RationaleRequired,
        RefusalReason::PresentationIncomplete => Reason::PresentationIncomplete,
        RefusalReason::PolicyDenied => Reason::PolicyDenied,
        RefusalReason::AudienceDiffers => Reason::AudienceDiffers,
        RefusalReason::GrantNotIssued => Reason::GrantNotIssued,
        RefusalReason::RequestUnknown => Reason::RequestUnknown,
        RefusalReason::NotYours => Reason::NotYours,
        RefusalReason::PrincipalUnknown => Reason::PrincipalUnknown,
        RefusalReason::PrincipalDisabled => Reason::PrincipalDisabled,
        RefusalReason::PrincipalKnown => Reason::PrincipalKnown,
        RefusalReason::ResponsibleMissing => Reason::ResponsibleMissing,
        RefusalReason::ResponsibleDiffers => Reason::ResponsibleDiffers,
        RefusalReason::SecondPersonMissing => Reason::SecondPersonMissing,
        RefusalReason::TooManyPending => Reason::TooManyPending,
        RefusalReason::ReviewOverdue => Reason::ReviewOverdue,
        RefusalReason::ClockBehind => Reason::ClockBehind,
        RefusalReason::PolicyInvalid => Reason::PolicyInvalid,
        RefusalReason::BindingInvalid => Reason::BindingInvalid,
        RefusalReason::PostReviewClosed => Reason::PostReviewClosed,
        RefusalReason::EvidenceInvalid => Reason::EvidenceInvalid,
        RefusalReason::EvidenceNotBuilt => Reason::EvidenceNotBuilt,
        RefusalReason::GlassNotNeeded => Reason::GlassNotNeeded,
        RefusalReason::NotAlone => Reason::NotAlone,
        RefusalReason::RemovalOnly => Reason::RemovalOnly,
        RefusalReason::TooEarly => Reason::TooEarly,
        RefusalReason::NotSilent => Reason::NotSilent,
    }
}

fn refused(message: String, reason: RefusalReason, command: Index, at: Index) -> Fault {
    Fault::new(refusal(reason), message).with("command_index", command).with("refusal_index", at)
}

fn revision_differs(message: String, offset: u16, expected: Revision, actual: Revision) -> Fault {
    Fault::new(Reason::RevisionDiffers, message)
        .with("offset", offset)
        .with("expected", expected)
        .with("actual", actual)
}

fn event_id_known(message: String, known: &[KnownEvent]) -> Fault {
    let named = known.iter().take(limits::ERROR_INDEXES_MAX);
    let offsets: Vec<String> = named.clone().map(|event| event.offset.to_string()).collect();
    let indexes: Vec<String> = named.map(|event| event.index.to_string()).collect();
    Fault::new(Reason::EventIdKnown, message)
        .with("known", known.len())
        .with("offsets", offsets.join(","))
        .with("indexes", indexes.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::reason::{code_and_remedy, reason_name};
    use deedbook_verify::bytes::Defect;
    use deedbook_verify::kind::Kind;
    use deedbook_verify::words::{Epoch, KeyId, Sequence, TreeSize};
    use tonic::{Code, Status};
    use tonic_types::StatusExt;

    fn append_errors() -> Vec<(AppendError, Code, &'static str)> {
        let malformed = Malformed { what: "facts", defect: Defect::Truncated };
        let known = vec![KnownEvent { offset: 1, index: Index(7) }, KnownEvent { offset: 3, index: Index(9) }];
        vec![
            (AppendError::Malformed(malformed), Code::InvalidArgument, "MALFORMED"),
            (AppendError::Frame(FrameRefusal::RootDiffers), Code::InvalidArgument, "FRAME_ROOT_DIFFERS"),
            (AppendError::Frame(FrameRefusal::SignatureInvalid), Code::Unauthenticated, "SIGNATURE_INVALID"),
            (
                AppendError::Frame(FrameRefusal::KeyNotInForce(KeyId([1; 32]))),
                Code::PermissionDenied,
                "KEY_NOT_IN_FORCE",
            ),
            (AppendError::BodyDiffers { offset: 2 }, Code::InvalidArgument, "BODY_DIFFERS"),
            (AppendError::FrameTooLarge { bytes: 2_000_000 }, Code::InvalidArgument, "FRAME_TOO_LARGE"),
            (AppendError::EventIdTwice { offset: 2 }, Code::InvalidArgument, "EVENT_ID_TWICE"),
            (AppendError::KindNotBuilt(Kind::VoteCast), Code::Unimplemented, "KIND_NOT_BUILT"),
            (AppendError::EventIdKnown(known), Code::AlreadyExists, "EVENT_ID_KNOWN"),
            (
                AppendError::RevisionDiffers { offset: 0, expected: Revision(1), actual: Revision(2) },
                Code::Aborted,
                "REVISION_DIFFERS",
            ),
            (
                AppendError::SequenceDiffers { epoch: Epoch(1), last: Sequence(4) },
                Code::FailedPrecondition,
                "SEQUENCE_DIFFERS",
            ),
            (AppendError::EpochNotNew { last: Epoch(3) }, Code::FailedPrecondition, "EPOCH_NOT_NEW"),
            (AppendError::LastSeenDiffers { offset: 0 }, Code::FailedPrecondition, "LAST_SEEN_MISMATCH"),
            (
                AppendError::Refused { reason: RefusalReason::WeakKey, command: Index(4), refusal: Index(5) },
                Code::FailedPrecondition,
                "WEAK_KEY",
            ),
            (AppendError::GlassUnexplained, Code::InvalidArgument, "FIELD_INVALID"),
            (AppendError::DiskLow { free_bytes: 1 }, Code::ResourceExhausted, "DISK_LOW"),
            (AppendError::ClockDrift { drift_ms: -9 }, Code::Unavailable, "CLOCK_DRIFT"),
            (AppendError::StorageFailed, Code::Unavailable, "STORAGE_FAILED"),
            (AppendError::Closed, Code::Unavailable, "STOPPING"),
            (AppendError::OwnFrame("no entropy".to_owned()), Code::Unavailable, "OWN_FRAME"),
        ]
    }

    #[test]
    fn append_errors_have_their_codes() {
        for (error, code, name) in append_errors() {
            let text = error.to_string();
            let retryable = error.retryable();
            let status = Status::from(Fault::from(error));
            assert_eq!(status.code(), code, "{text}");
            let details = status.get_error_details();
            assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some(name), "{text}");
            assert_eq!(details.retry_info().is_some(), code == Code::Unavailable, "{text}");
            assert!(!retryable || matches!(code, Code::Unavailable | Code::ResourceExhausted), "{text} is retryable");
        }
    }

    #[test]
    fn known_events_are_named() {
        let known = vec![KnownEvent { offset: 1, index: Index(7) }, KnownEvent { offset: 3, index: Index(9) }];
        let status = Status::from(Fault::from(AppendError::EventIdKnown(known)));
        let metadata = status.get_error_details().error_info().map(|info| info.metadata.clone()).unwrap_or_default();
        assert_eq!(metadata.get("offsets").map(String::as_str), Some("1,3"));
        assert_eq!(metadata.get("indexes").map(String::as_str), Some("7,9"));
    }

    #[test]
    fn refusals_by_rule_keep_their_names() {
        for &reason in RefusalReason::ALL {
            assert_eq!(reason_name(refusal(reason)), reason.name());
        }
    }

    #[test]
    fn read_errors_have_their_codes() {
        let code = |error: ReadError| code_and_remedy(Fault::from(error).reason()).0;
        assert_eq!(code(ReadError::NotFound { what: "event" }), Code::NotFound);
        assert_eq!(code(ReadError::OutsideTree { size: TreeSize(3) }), Code::OutOfRange);
        assert_eq!(code(ReadError::Corrupt("block 3".to_owned())), Code::DataLoss);
        assert_eq!(code(ReadError::Storage(StoreError::Damaged("key".to_owned()))), Code::DataLoss);
        assert_eq!(code(ReadError::Storage(StoreError::Failed("io".to_owned()))), Code::Internal);
        assert_eq!(code(ReadError::NoWitnessPolicy), Code::FailedPrecondition);
        let (wanted, newest) = (TreeSize(9), TreeSize(3));
        assert_eq!(code(ReadError::NotWitnessed { wanted, newest }), Code::Unavailable);
        assert_eq!(code(ReadError::NoCheckpoint("key".to_owned())), Code::Unavailable);
        let not_kept = ReadError::CheckpointNotKept { size: TreeSize(3), below: None, above: Some(TreeSize(9)) };
        assert_eq!(code(not_kept), Code::NotFound);
    }
}
