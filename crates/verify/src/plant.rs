//! Bugs that the tests plant, to show that a test catches each: with feature `plant`, the one that `DEEDBOOK_PLANT`
//! names is in effect. Without it, as in every program that is handed out, each question is a constant `false`.

/// A bug that can be planted in the verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A disclosed body is taken without opening its commitment.
    BodyUnopened,
    /// A Merkle path may end below the root that its tree size needs.
    TreeSizeIgnored,
    /// Keys of small order are taken.
    WeakKeyTaken,
    /// A key that was ended goes on signing.
    EndedKeyTaken,
    /// Signatures are not verified.
    SignatureUnverified,
    /// The facts of a whole frame need not hash to its signed root.
    FrameRootUnread,
    /// A sequence need not follow the last of its source.
    SequenceUnread,
    /// The received time may decrease.
    ReceivedUnread,
    /// A group of witnesses counts every cosignature, whose and how often it may be.
    QuorumMiscounted,
    /// A witness may cosign one note twice.
    CosignatureTwice,
    /// Holds keep no body.
    HoldUnread,
    /// Retention keeps no body.
    RetentionUnread,
    /// One administrator breaks the glass although another can sign.
    GlassUnguarded,
    /// A silence need not last.
    SilenceUncounted,
    /// Entries of a package may lead to another root than the end checkpoint's.
    PackageRootUnread,
    /// What is rendered again is not compared with what stands in a package.
    PackageViewUnread,
    /// Hashes of a package's manifest are not compared.
    PackageHashUnread,
    /// An interval may begin inside the period.
    PackageEdgeUnread,
    /// What stood before an interval need not be in the start checkpoint's tree.
    BeforeUnproved,
    /// Before an interval, commands that do not govern break no silence.
    SilenceForgotten,
    /// The reader's nonce does not go into the draw.
    NonceUnread,
    /// T01 lets people approve what they asked for.
    SelfApprovalTaken,
    /// T14 asks for no origin of what was written.
    OrphanTaken,
    /// T10 lets sources be silent.
    SilentSourceTaken,
}

impl Bug {
    /// All of them.
    pub const ALL: &'static [Bug] = &[
        Bug::BodyUnopened,
        Bug::TreeSizeIgnored,
        Bug::WeakKeyTaken,
        Bug::EndedKeyTaken,
        Bug::SignatureUnverified,
        Bug::FrameRootUnread,
        Bug::SequenceUnread,
        Bug::ReceivedUnread,
        Bug::QuorumMiscounted,
        Bug::CosignatureTwice,
        Bug::HoldUnread,
        Bug::RetentionUnread,
        Bug::GlassUnguarded,
        Bug::SilenceUncounted,
        Bug::PackageRootUnread,
        Bug::PackageViewUnread,
        Bug::PackageHashUnread,
        Bug::PackageEdgeUnread,
        Bug::BeforeUnproved,
        Bug::SilenceForgotten,
        Bug::NonceUnread,
        Bug::SelfApprovalTaken,
        Bug::OrphanTaken,
        Bug::SilentSourceTaken,
    ];

    /// What `DEEDBOOK_PLANT` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Bug::BodyUnopened => "body-unopened",
            Bug::TreeSizeIgnored => "tree-size-ignored",
            Bug::WeakKeyTaken => "weak-key-taken",
            Bug::EndedKeyTaken => "ended-key-taken",
            Bug::SignatureUnverified => "signature-unverified",
            Bug::FrameRootUnread => "frame-root-unread",
            Bug::SequenceUnread => "sequence-unread",
            Bug::ReceivedUnread => "received-unread",
            Bug::QuorumMiscounted => "quorum-miscounted",
            Bug::CosignatureTwice => "cosignature-twice",
            Bug::HoldUnread => "hold-unread",
            Bug::RetentionUnread => "retention-unread",
            Bug::GlassUnguarded => "glass-unguarded",
            Bug::SilenceUncounted => "silence-uncounted",
            Bug::PackageRootUnread => "package-root-unread",
            Bug::PackageViewUnread => "package-view-unread",
            Bug::PackageHashUnread => "package-hash-unread",
            Bug::PackageEdgeUnread => "package-edge-unread",
            Bug::BeforeUnproved => "before-unproved",
            Bug::SilenceForgotten => "silence-forgotten",
            Bug::NonceUnread => "nonce-unread",
            Bug::SelfApprovalTaken => "self-approval-taken",
            Bug::OrphanTaken => "orphan-taken",
            Bug::SilentSourceTaken => "silent-source-taken",
        }
    }

    /// Whether it is planted.
    #[cfg(feature = "plant")]
    pub fn planted(self) -> bool {
        is_planted(self.name())
    }

    /// Whether it is planted: never in this build.
    #[cfg(not(feature = "plant"))]
    #[inline(always)]
    pub const fn planted(self) -> bool {
        false
    }
}

/// Whether a bug of this name was chosen for this process.
#[cfg(feature = "plant")]
pub fn is_planted(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("DEEDBOOK_PLANT").ok()).as_deref() == Some(name)
}
