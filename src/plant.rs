//! Bugs that the tests plant in the server, to show that a test catches each. With feature `plant`, the one that
//! `DEEDBOOK_PLANT` names is in effect; without it, as in every program that is handed out, each question is a constant
//! `false` and nothing of it is in the binary. The verifier has its own in `deedbook_verify::plant`.

/// A bug that can be planted in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Producers are answered before the commit is durable.
    AckBeforeSync,
    /// Readers see a commit before it is durable.
    PublishBeforeSync,
    /// The head anchor is not moved by commits.
    AnchorLeftBehind,
    /// Opening does not compare the store with the anchors.
    AnchorUnread,
    /// A damaged anchor slot is taken for an empty one.
    SlotDamageUnread,
    /// The engine recovers its log in its default mode, which drops what stands behind a damaged record.
    WalModeDefault,
    /// Event ids leave no row.
    EventIdRowDropped,
    /// A frame that is sent again is placed again.
    RetryPlacedAgain,
    /// What came in unsigned is placed again when it is sent again.
    ImportPlacedAgain,
    /// A source may use its last sequence once more.
    SequenceReused,
    /// An event gets the last revision of its stream once more.
    RevisionReused,
    /// A read that failed counts as a row that is not there.
    FailedReadIsAbsence,
    /// A wall clock that was set back sets back the received time.
    SealTimeBackwards,
    /// The head signer signs whatever size it is handed.
    SmallerSizeSigned,
    /// Outcomes leave no posting rows.
    PostingRowDropped,
    /// Full tiles are not stored.
    TileDropped,
    /// What a block added to the lineage graph leaves no page.
    LineagePageDropped,
    /// Admission does not compare the facts with the frame's root.
    FrameRootUnread,
    /// Admission takes a body that does not open its commitment.
    BodyUnopened,
    /// Nothing is looked at again when a frame is placed: a key that ended since admission still signs.
    KeyNotRechecked,
    /// An erasure leaves the keys of its bodies where they are.
    ErasedKeyKept,
    /// Purging flushes and does not merge, so that deleted rows stay in older tables.
    PurgeUncompacted,
    /// A consumer goes on one event behind the position.
    SubscriptionSkipsOne,
    /// An acknowledgement of what was never delivered counts.
    AckAheadTaken,
    /// A partial tile is served as wide as it is by now.
    PartialTileWhole,
    /// An entry bundle begins one entry too late.
    BundleShifted,
    /// A witness cosigns a smaller tree than it cosigned before.
    WitnessSmallerSize,
    /// A witness cosigns before it remembers on disk.
    WitnessForgets,
    /// Whatever the policies say, it stands in the log that they allow it.
    EvaluationAltered,
    /// A redemption leaves its grant as it was.
    GrantNotSpent,
    /// What becomes of actions leaves no row.
    ActionRowDropped,
}

impl Bug {
    /// All of them.
    pub const ALL: &'static [Bug] = &[
        Bug::AckBeforeSync,
        Bug::PublishBeforeSync,
        Bug::AnchorLeftBehind,
        Bug::AnchorUnread,
        Bug::SlotDamageUnread,
        Bug::WalModeDefault,
        Bug::EventIdRowDropped,
        Bug::RetryPlacedAgain,
        Bug::ImportPlacedAgain,
        Bug::SequenceReused,
        Bug::RevisionReused,
        Bug::FailedReadIsAbsence,
        Bug::SealTimeBackwards,
        Bug::SmallerSizeSigned,
        Bug::PostingRowDropped,
        Bug::TileDropped,
        Bug::LineagePageDropped,
        Bug::FrameRootUnread,
        Bug::BodyUnopened,
        Bug::KeyNotRechecked,
        Bug::ErasedKeyKept,
        Bug::PurgeUncompacted,
        Bug::SubscriptionSkipsOne,
        Bug::AckAheadTaken,
        Bug::PartialTileWhole,
        Bug::BundleShifted,
        Bug::WitnessSmallerSize,
        Bug::WitnessForgets,
        Bug::EvaluationAltered,
        Bug::GrantNotSpent,
        Bug::ActionRowDropped,
    ];

    /// What `DEEDBOOK_PLANT` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Bug::AckBeforeSync => "server-ack-before-sync",
            Bug::PublishBeforeSync => "server-publish-before-sync",
            Bug::AnchorLeftBehind => "server-anchor-left-behind",
            Bug::AnchorUnread => "server-anchor-unread",
            Bug::SlotDamageUnread => "server-slot-damage-unread",
            Bug::WalModeDefault => "server-wal-mode-default",
            Bug::EventIdRowDropped => "server-event-id-row-dropped",
            Bug::RetryPlacedAgain => "server-retry-placed-again",
            Bug::ImportPlacedAgain => "server-import-placed-again",
            Bug::SequenceReused => "server-sequence-reused",
            Bug::RevisionReused => "server-revision-reused",
            Bug::FailedReadIsAbsence => "server-failed-read-is-absence",
            Bug::SealTimeBackwards => "server-seal-time-backwards",
            Bug::SmallerSizeSigned => "server-smaller-size-signed",
            Bug::PostingRowDropped => "server-posting-row-dropped",
            Bug::TileDropped => "server-tile-dropped",
            Bug::LineagePageDropped => "server-lineage-page-dropped",
            Bug::FrameRootUnread => "server-frame-root-unread",
            Bug::BodyUnopened => "server-body-unopened",
            Bug::KeyNotRechecked => "server-key-not-rechecked",
            Bug::ErasedKeyKept => "server-erased-key-kept",
            Bug::PurgeUncompacted => "server-purge-uncompacted",
            Bug::SubscriptionSkipsOne => "server-subscription-skips-one",
            Bug::AckAheadTaken => "server-ack-ahead-taken",
            Bug::PartialTileWhole => "server-partial-tile-whole",
            Bug::BundleShifted => "server-bundle-shifted",
            Bug::WitnessSmallerSize => "server-witness-smaller-size",
            Bug::WitnessForgets => "server-witness-forgets",
            Bug::EvaluationAltered => "server-evaluation-altered",
            Bug::GrantNotSpent => "server-grant-not-spent",
            Bug::ActionRowDropped => "server-action-row-dropped",
        }
    }

    /// Whether it is planted.
    #[cfg(feature = "plant")]
    pub fn planted(self) -> bool {
        deedbook_verify::plant::is_planted(self.name())
    }

    /// Whether it is planted: never in this build.
    #[cfg(not(feature = "plant"))]
    #[inline(always)]
    pub const fn planted(self) -> bool {
        false
    }
}
