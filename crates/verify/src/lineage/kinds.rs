//! The kinds of nodes and of edges, their numbers in rows (never reused) and their names.

macro_rules! kinds {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every kind, in the order of the numbers.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The number in rows.
            pub const fn number(self) -> u8 {
                match self { $($name::$variant => $number),+ }
            }

            /// The name in tables, JSON and pictures.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The kind with this number.
            pub fn from_number(number: u8) -> Option<$name> {
                match number { $($number => Some($name::$variant),)+ _ => None }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// What a node stands for.
    NodeKind {
        /// A table, file, topic or index, whatever its versions.
        Dataset = 1, "dataset";
        /// What a dataset held between two writes, or a version that was named.
        DatasetVersion = 2, "dataset_version";
        /// A model, whatever its versions.
        Model = 3, "model";
        /// A version of a model.
        ModelVersion = 4, "model_version";
        /// A prompt, document, output or configuration.
        Artifact = 5, "artifact";
        /// A set of policies, whatever its texts.
        Policy = 6, "policy";
        /// One published text of it.
        PolicyVersion = 7, "policy_version";
        /// Software that acts.
        Agent = 8, "agent";
        /// A service account.
        Service = 9, "service";
        /// A person.
        Person = 10, "person";
        /// A team.
        Team = 11, "team";
        /// An enrolled producer that is nobody's.
        Source = 12, "source";
        /// A signing key.
        Key = 13, "key";
        /// What a run belongs to: a conversation, a workflow.
        Session = 14, "session";
        /// What is run again and again: an OpenLineage job.
        Job = 15, "job";
        /// One run: an execution, an OpenLineage run, an access to data, a call of a model.
        Run = 16, "run";
        /// An action as it was proposed, for ever as it was.
        Action = 17, "action";
        /// One person's vote.
        Vote = 18, "vote";
        /// What people or policies decided about an action: the resolved request.
        Approval = 19, "approval";
        /// What a run led to outside.
        Outcome = 20, "outcome";
    }
}

kinds! {
    /// Why one node leads to another. All are stored cause → effect.
    EdgeKind {
        /// Entity → run that read it.
        Used = 1, "used";
        /// Run → entity that it made.
        Generated = 2, "generated";
        /// Entity → entity made from it.
        Derived = 3, "derived";
        /// Version → what it is a version of.
        VersionOf = 4, "version_of";
        /// Version → the next.
        Previous = 5, "previous";
        /// Agent, service, person, source or key → run that it carried out, or entity that is ascribed to it.
        Performed = 6, "performed";
        /// Whoever it is done for → action.
        OnBehalf = 7, "on_behalf";
        /// Policy version, or job → what was decided or run by it.
        PlannedBy = 8, "planned_by";
        /// Who proposes, and what was shown as its input → action.
        Proposed = 9, "proposed";
        /// Action → vote about it.
        Reviewed = 10, "reviewed";
        /// Person → vote.
        Decided = 11, "decided";
        /// Vote → approval that counts it; approval → run that it released.
        Authorized = 12, "authorized";
        /// Action → run that carried it out.
        Realised = 13, "realised";
        /// Run → run that it caused.
        Called = 14, "called";
        /// Run → session or parent run.
        PartOf = 15, "part_of";
        /// Later decision → the one that it ends.
        Revoked = 16, "revoked";
        /// Action → action that takes its place.
        Superseded = 17, "superseded";
        /// One name → another of the same thing.
        SameAs = 18, "same_as";
        /// What had some influence, nobody says which → what it influenced.
        Influenced = 19, "influenced";
    }
}

impl EdgeKind {
    /// Whether data or authority flows along it. Queries follow these alone unless they are told otherwise.
    pub const fn is_flow(self) -> bool {
        !matches!(self, EdgeKind::VersionOf | EdgeKind::PartOf | EdgeKind::SameAs)
    }
}
