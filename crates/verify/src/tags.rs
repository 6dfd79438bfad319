//! Every tag of facts, seals and receipts. A number, once given, is never reused; FORMAT.md holds the same tables.

use crate::bytes::Tag;

macro_rules! tags {
    ($($constant:ident = $number:literal, $name:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: Tag = Tag { number: $number, name: $name };
        )+
        /// All tags, for the test that holds FORMAT.md against this list.
        pub const ALL: &[Tag] = &[$($constant),+];
    };
}

tags! {
    // Facts, common to all kinds.
    KIND = 0x0001, "kind";
    EVENT_ID = 0x0002, "event_id";
    SOURCE = 0x0003, "source";
    EPOCH = 0x0004, "epoch";
    SEQUENCE = 0x0005, "sequence";
    STREAM = 0x0006, "stream";
    EXPECTED_REVISION = 0x0007, "expected_revision";
    OCCURRED = 0x0008, "occurred";
    OCCURRED_NOTE = 0x0009, "occurred_note";
    VALID_UNTIL = 0x000a, "valid_until";
    LAST_SEEN = 0x000b, "last_seen";
    ACTOR = 0x0010, "actor";
    ON_BEHALF_OF = 0x0011, "on_behalf_of";
    RESPONSIBLE = 0x0012, "responsible";
    ACTION_TYPE = 0x0020, "action_type";
    ACTION_DIGEST = 0x0021, "action_digest";
    POLICY_DIGEST = 0x0022, "policy_digest";
    OUTCOME = 0x0023, "outcome";
    RESOURCE_CLASS = 0x0024, "resource_class";
    DATA_CLASS = 0x0025, "data_class";
    ENVIRONMENT = 0x0026, "environment";
    REQUEST_ID = 0x0027, "request_id";
    GRANT_ID = 0x0028, "grant_id";
    PARENTS = 0x0030, "parents";
    OBJECTS = 0x0031, "objects";
    OBJECTS_OMITTED = 0x0032, "objects_omitted";
    MEDIA_TYPE = 0x0040, "media_type";
    COMMITMENT = 0x0041, "commitment";
    // Facts, the kind's own fields.
    RULES = 0x0100, "rules";
    REASON = 0x0101, "reason";
    WALL_CLOCK = 0x0102, "wall_clock";
    NONCE = 0x0110, "nonce";
    ORIGIN = 0x0111, "origin";
    HEAD_KEY = 0x0112, "head_key";
    SEQUENCER_KEY = 0x0113, "sequencer_key";
    PERSONS = 0x0114, "persons";
    PREDECESSOR = 0x0115, "predecessor";
    REF_KEY_DIGEST = 0x0116, "ref_key_digest";
    SUBJECT_KEY = 0x0120, "subject_key";
    SUBJECT_SOURCE = 0x0121, "subject_source";
    SUBJECT_KEY_ID = 0x0122, "subject_key_id";
    GAP_FROM = 0x0130, "gap_from";
    GAP_TO = 0x0131, "gap_to";
    HEARTBEAT_S = 0x0132, "heartbeat_s";
    GAP_REASON = 0x0133, "gap_reason";
    ERASED_BODIES = 0x0140, "erased_bodies";
    RETENTION_DAYS = 0x0141, "retention_days";
    HELD_ENTRIES = 0x0142, "held_entries";
    HOLD = 0x0143, "hold";
    DOCUMENT_PART = 0x0148, "document_part";
    RELATIONS = 0x0149, "relations";
    VERDICT = 0x0150, "verdict";
    REQUIREMENT = 0x0151, "requirement";
    REQUIREMENT_DIGEST = 0x0152, "requirement_digest";
    CONFLICTS = 0x0153, "conflicts";
    PRESENTATION_DIGEST = 0x0154, "presentation_digest";
    COMPLETE = 0x0155, "complete";
    REQUEST_REVISION = 0x0156, "request_revision";
    DECISION = 0x0157, "decision";
    EVIDENCE = 0x0158, "evidence";
    RESOLUTION = 0x0159, "resolution";
    ASSIGNMENT = 0x015a, "assignment";
    SUCCESSOR = 0x015b, "successor";
    AUDIENCE = 0x015c, "audience";
    USES = 0x015d, "uses";
    ESCALATION = 0x015e, "escalation";
    REVERSIBILITY = 0x015f, "reversibility";
    SUPERSEDES = 0x0160, "supersedes";
    REVIEW = 0x0161, "review";
    PRINCIPAL = 0x0170, "principal";
    TEAMS = 0x0171, "teams";
    ROLES = 0x0172, "roles";
    ACCOUNT = 0x0173, "account";
    DELEGATE = 0x0174, "delegate";
    REVIEW_SUBJECT = 0x0180, "review_subject";
    REVIEW_RESULT = 0x0181, "review_result";
    EXCEPTION = 0x0182, "exception";
    EXCEPTION_CODE = 0x0183, "exception_code";
    DISPOSITION = 0x0184, "disposition";
    RECONCILED_SOURCE = 0x0185, "reconciled_source";
    OUTSIDE_RECORD = 0x0186, "outside_record";
    COMPARED = 0x0187, "compared";
    DIFFERENCES_DIGEST = 0x0188, "differences_digest";
    WINDOW = 0x0189, "window";
    INTERVAL = 0x0190, "interval";
    DISCLOSED = 0x0191, "disclosed";
    QUESTION_DIGEST = 0x0192, "question_digest";
    PACKAGE_DIGEST = 0x0193, "package_digest";
    PROGRAM_DIGEST = 0x0194, "program_digest";
    TEST_RESULTS = 0x0195, "test_results";
    BREAK_GLASS = 0x01f0, "break_glass";
    // Seals.
    RECEIVED = 0x0201, "received";
    REVISION = 0x0202, "revision";
    FRAME_DIGEST = 0x0203, "frame_digest";
    OFFSET = 0x0204, "offset";
    FRAME_SIZE = 0x0205, "frame_size";
    FRAME_HEADER = 0x0206, "frame_header";
    SIGNATURES = 0x0207, "signatures";
    // The `extra` of a receipt, and each proven entry inside it.
    EXTRA_SUBJECT = 0x0301, "subject";
    EXTRA_GENESIS = 0x0302, "genesis";
    EXTRA_ENROLLMENT = 0x0303, "enrollment";
    EXTRA_SALT = 0x0304, "salt";
    EXTRA_BODY = 0x0305, "body";
    PROVEN_INDEX = 0x0311, "index";
    PROVEN_ENTRY = 0x0312, "entry";
    PROVEN_FRAME_HEADER = 0x0313, "proven_frame_header";
    PROVEN_SIGNATURES = 0x0314, "proven_signatures";
    PROVEN_FRAME_PATH = 0x0315, "frame_path";
    PROVEN_TREE_PATH = 0x0316, "tree_path";
    // A bundle that proves the edges of a lineage answer.
    BUNDLE_CHECKPOINT = 0x0321, "checkpoint";
    BUNDLE_ENTRIES = 0x0322, "entries";
    BUNDLE_HASHES = 0x0323, "hashes";
    BUNDLE_NODES = 0x0324, "nodes";
    BUNDLE_EDGES = 0x0325, "edges";
    // What stood before the interval of a package.
    START_FRONTIER = 0x0331, "start_frontier";
    START_HASHES = 0x0332, "start_hashes";
    START_ENTRIES = 0x0333, "start_entries";
}
