//! The kinds of events: the only ones there are, their numbers (never reused) and who may author them.

/// Who may author a kind. Any other author makes the entry invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A command: signed by whoever asks; without effect when `command.refused` follows it.
    Asker,
    /// A statement: signed by the source that saw it; never refused by rule.
    Witness,
    /// Made by the ledger: signed by the sequencer key, which can sign nothing else.
    Ledger,
}

macro_rules! kinds {
    ($($variant:ident = $number:literal, $name:literal, $author:ident;)+) => {
        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is documented by its name in FORMAT.md's table")]
        pub enum Kind { $($variant),+ }

        impl Kind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),+];

            /// The number on the wire.
            pub fn number(self) -> u16 {
                match self { $(Kind::$variant => $number),+ }
            }

            /// The name in jsonl lines, tables and FORMAT.md.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name),+ }
            }

            /// Who may author it.
            pub fn author(self) -> Author {
                match self { $(Kind::$variant => Author::$author),+ }
            }

            /// The kind with this number.
            pub fn from_number(number: u16) -> Option<Kind> {
                match number { $($number => Some(Kind::$variant),)+ _ => None }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<Kind> {
                match name { $($name => Some(Kind::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    Genesis = 0x0001, "genesis", Ledger;
    LedgerSealed = 0x0002, "ledger.sealed", Ledger;
    CommandRefused = 0x0003, "command.refused", Ledger;
    PolicyEvaluated = 0x0004, "policy.evaluated", Ledger;
    ApprovalOpened = 0x0005, "approval.opened", Ledger;
    PresentationShown = 0x0006, "presentation.shown", Ledger;
    ApprovalEscalated = 0x0007, "approval.escalated", Ledger;
    ApprovalResolved = 0x0008, "approval.resolved", Ledger;
    GrantIssued = 0x0009, "grant.issued", Ledger;
    GrantRedeemed = 0x000a, "grant.redeemed", Ledger;
    GrantRevoked = 0x000b, "grant.revoked", Ledger;
    GrantExpired = 0x000c, "grant.expired", Ledger;
    ExecutionStarted = 0x000d, "execution.started", Ledger;
    ActionBlocked = 0x000e, "action.blocked", Ledger;
    EvidenceExported = 0x000f, "evidence.exported", Ledger;
    LogRead = 0x0010, "log.read", Ledger;
    VerificationRun = 0x0011, "verification.run", Ledger;
    ClockChecked = 0x0012, "clock.checked", Ledger;
    ActionSubmitted = 0x0100, "action.submitted", Asker;
    VoteCast = 0x0101, "vote.cast", Asker;
    ApprovalCancelRequested = 0x0102, "approval.cancel_requested", Asker;
    GrantRedeemRequested = 0x0103, "grant.redeem_requested", Asker;
    GrantRevokeRequested = 0x0104, "grant.revoke_requested", Asker;
    BreakglassInvoked = 0x0105, "breakglass.invoked", Asker;
    BreakglassReviewed = 0x0106, "breakglass.reviewed", Asker;
    KeyEnrolled = 0x0110, "key.enrolled", Asker;
    KeyRotated = 0x0111, "key.rotated", Asker;
    KeyRevoked = 0x0112, "key.revoked", Asker;
    PrincipalBound = 0x0120, "principal.bound", Asker;
    PrincipalLinked = 0x0121, "principal.linked", Asker;
    PrincipalDisabled = 0x0122, "principal.disabled", Asker;
    RoleGranted = 0x0123, "role.granted", Asker;
    RoleRevoked = 0x0124, "role.revoked", Asker;
    DelegationSet = 0x0125, "delegation.set", Asker;
    PolicyPublished = 0x0130, "policy.published", Asker;
    PolicyRetired = 0x0131, "policy.retired", Asker;
    RetentionSet = 0x0140, "retention.set", Asker;
    HoldPlaced = 0x0141, "hold.placed", Asker;
    HoldReleased = 0x0142, "hold.released", Asker;
    BodyErased = 0x0143, "body.erased", Asker;
    ExecutionReported = 0x0200, "execution.reported", Witness;
    DataAccessed = 0x0201, "data.accessed", Witness;
    ModelInvoked = 0x0202, "model.invoked", Witness;
    OpenlineageReceived = 0x0203, "openlineage.received", Witness;
    ProvReceived = 0x0204, "prov.received", Witness;
    SourceOpened = 0x0210, "source.opened", Witness;
    SourceHeartbeat = 0x0211, "source.heartbeat", Witness;
    SourceGap = 0x0212, "source.gap", Witness;
    SourceClosed = 0x0213, "source.closed", Witness;
    ReviewCompleted = 0x0220, "review.completed", Witness;
    ExceptionDisposed = 0x0221, "exception.disposed", Witness;
    ReconciliationCompleted = 0x0222, "reconciliation.completed", Witness;
}
