//! Why a command had no effect: each reason with its number and its name. The rules that give it stand with the folds.

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)+) => {
        /// Why a command had no effect. Numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RefusalReason { $($(#[$doc])* $variant),+ }

        impl RefusalReason {
            /// Every reason.
            pub const ALL: &'static [RefusalReason] = &[$(RefusalReason::$variant),+];

            /// The number on the wire.
            pub fn number(self) -> u16 {
                match self { $(RefusalReason::$variant => $number),+ }
            }

            /// The reason in `ErrorInfo` and tables.
            pub fn name(self) -> &'static str {
                match self { $(RefusalReason::$variant => $name),+ }
            }

            /// The reason with this number.
            pub fn from_number(number: u16) -> Option<RefusalReason> {
                match number { $($number => Some(RefusalReason::$variant),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// Its signer may not govern keys, principals, policies or keeping, nor erase.
    NotAdministrator = 1, "NOT_ADMINISTRATOR";
    /// The key is one under which anybody could forge, or no point of the curve.
    WeakKey = 2, "WEAK_KEY";
    /// The key stands in the ledger already.
    KeyKnown = 3, "KEY_KNOWN";
    /// No such key is in force.
    KeyUnknown = 4, "KEY_UNKNOWN";
    /// Nobody could govern afterwards.
    LastAdministrator = 5, "LAST_ADMINISTRATOR";
    /// The ledger's own keys and its own source are not changed by commands.
    LedgerKey = 6, "LEDGER_KEY";
    /// A body to be erased does not stand before the command.
    BodyAhead = 7, "BODY_AHEAD";
    /// An entry whose body is to be erased has none.
    NoBody = 8, "NO_BODY";
    /// A body to be erased is of a kind that stays for ever.
    BodyPermanent = 9, "BODY_PERMANENT";
    /// A body to be erased is held.
    BodyHeld = 10, "BODY_HELD";
    /// A body to be erased must be kept for some more days.
    RetentionNotPassed = 11, "RETENTION_NOT_PASSED";
    /// No such hold is in force.
    HoldUnknown = 12, "HOLD_UNKNOWN";
    /// As many holds or retention rules are in force as there may be.
    TooManyRules = 13, "TOO_MANY_RULES";
    /// The voter has none of the roles or teams that are asked.
    NotEligible = 20, "NOT_ELIGIBLE";
    /// The voter asked for the action.
    ConflictRequester = 21, "CONFLICT_REQUESTER";
    /// The voter answers for the agent or service that acts.
    ConflictOwner = 22, "CONFLICT_OWNER";
    /// The action is on the voter's behalf.
    ConflictPrincipal = 23, "CONFLICT_PRINCIPAL";
    /// The voter decides in the place of somebody who may not, or the other way round.
    ConflictDelegate = 24, "CONFLICT_DELEGATE";
    /// The voter was bound by one person alone, who may not decide.
    ConflictBinder = 25, "CONFLICT_BINDER";
    /// The account belongs to somebody who may not decide.
    ConflictAccount = 26, "CONFLICT_ACCOUNT";
    /// Only people decide, and hold the roles administrator and reviewer.
    NonHuman = 27, "NON_HUMAN";
    /// The evidence is weaker than what is asked.
    AssuranceTooLow = 28, "ASSURANCE_TOO_LOW";
    /// The request is over.
    Terminal = 29, "TERMINAL";
    /// Its time has passed.
    Expired = 30, "EXPIRED";
    /// It names another action than the request.
    ActionDigestMismatch = 31, "ACTION_DIGEST_MISMATCH";
    /// The grant has no use left.
    AlreadyRedeemed = 32, "ALREADY_REDEEMED";
    /// The policies in force now do not let it pass.
    PolicyTightened = 33, "POLICY_TIGHTENED";
    /// The person has decided; only an approval can still become a denial.
    VoteFinal = 34, "VOTE_FINAL";
    /// The person was shown something older than what stands there now.
    StalePresentation = 35, "STALE_PRESENTATION";
    /// A reason must be given.
    RationaleRequired = 36, "RATIONALE_REQUIRED";
    /// What was shown left something out, and nothing may be.
    PresentationIncomplete = 37, "PRESENTATION_INCOMPLETE";
    /// The policies deny it.
    PolicyDenied = 38, "POLICY_DENIED";
    /// The grant is for another source.
    AudienceDiffers = 39, "AUDIENCE_DIFFERS";
    /// There is no such grant that could be used: none was issued, or it was revoked.
    GrantNotIssued = 40, "GRANT_NOT_ISSUED";
    /// There is no such request.
    RequestUnknown = 41, "REQUEST_UNKNOWN";
    /// Only those whom it concerns may do this.
    NotYours = 42, "NOT_YOURS";
    /// There is no such principal.
    PrincipalUnknown = 43, "PRINCIPAL_UNKNOWN";
    /// The principal is disabled.
    PrincipalDisabled = 44, "PRINCIPAL_DISABLED";
    /// The principal, or the account, is bound already.
    PrincipalKnown = 45, "PRINCIPAL_KNOWN";
    /// An agent or a service needs a responsible person who is bound and not disabled.
    ResponsibleMissing = 46, "RESPONSIBLE_MISSING";
    /// Another person answers for the actor than it says.
    ResponsibleDiffers = 47, "RESPONSIBLE_DIFFERS";
    /// It takes two administrators, and there are no longer two.
    SecondPersonMissing = 48, "SECOND_PERSON_MISSING";
    /// Too much waits for a decision.
    TooManyPending = 49, "TOO_MANY_PENDING";
    /// An earlier break-glass action of this person was not reviewed in time.
    ReviewOverdue = 50, "REVIEW_OVERDUE";
    /// The clock stands behind the log, and nothing is granted until it has caught up.
    ClockBehind = 51, "CLOCK_BEHIND";
    /// It is no policy set, or one that the rules refuse.
    PolicyInvalid = 52, "POLICY_INVALID";
    /// The action's binding is not what its facts say.
    BindingInvalid = 53, "BINDING_INVALID";
    /// There is no review to be decided.
    PostReviewClosed = 54, "POST_REVIEW_CLOSED";
    /// The person's signature is missing, by another key, or does not verify.
    EvidenceInvalid = 55, "EVIDENCE_INVALID";
    /// Evidence of this level is not taken yet.
    EvidenceNotBuilt = 56, "EVIDENCE_NOT_BUILT";
    /// One administrator is enough for it here, so there is no glass to break.
    GlassNotNeeded = 57, "GLASS_NOT_NEEDED";
    /// The administrators who could agree are others than those whom it names as silent.
    NotAlone = 58, "NOT_ALONE";
    /// Over somebody's silence they can be removed, and nothing else can be done.
    RemovalOnly = 59, "REMOVAL_ONLY";
    /// The time for which those named must stay silent is not over.
    TooEarly = 60, "TOO_EARLY";
    /// Somebody whom it names as silent has signed a command since.
    NotSilent = 61, "NOT_SILENT";
}
