//! What is wrong with a policy set that shall be published: the rule, the policy, the line, what to do. A set with any
//! of these is not published; nothing here is a warning.

use crate::domain::escape_line;
use crate::limits::POLICY_LINTS_MAX;
use std::fmt;

/// Declares the rules with their names.
macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The rules of publication.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $variant),+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),+];
            /// The name in messages and `--json`.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),+ }
            }
        }
    };
}

rules! {
    /// Text, schema, policy, nesting or number of policies is beyond its bound.
    Bound = "BOUND",
    /// The text is no Cedar.
    Syntax = "SYNTAX",
    /// The schema is no Cedar schema, or lacks what questions need.
    Schema = "SCHEMA",
    /// Text or schema holds characters that cannot be seen or turn the reading direction.
    HiddenCharacter = "HIDDEN_CHARACTER",
    /// A policy with slots: nothing would ever fill them.
    Template = "TEMPLATE",
    /// A policy without `@id`, or with one that cannot be written in one word.
    Id = "ID",
    /// Two policies of one `@id`.
    IdRepeated = "ID_REPEATED",
    /// An annotation that nothing reads.
    AnnotationUnknown = "ANNOTATION_UNKNOWN",
    /// An annotation whose value cannot be read.
    AnnotationValue = "ANNOTATION_VALUE",
    /// An annotation about an approval that the policy does not ask for.
    AnnotationIdle = "ANNOTATION_IDLE",
    /// A permit that asks for an approval, or looks at one.
    AnnotatedPermit = "ANNOTATED_PERMIT",
    /// A forbid that looks at the approval and does not say so in `@requires_approval`.
    ApprovalUnannotated = "APPROVAL_UNANNOTATED",
    /// A forbid with `@requires_approval` that no approval would lift.
    ApprovalUnused = "APPROVAL_UNUSED",
    /// The approval is looked at in a way that more votes might tighten, or that no annotation can say.
    ApprovalForm = "APPROVAL_FORM",
    /// Text and `@quorum` ask for different numbers of persons.
    QuorumDiffers = "QUORUM_DIFFERS",
    /// Text and `@requires_approval` name different teams.
    TeamsDiffer = "TEAMS_DIFFER",
    /// Strict validation against the schema fails.
    Validation = "VALIDATION",
    /// Validation passes and says that something cannot be meant.
    Suspect = "SUSPECT",
}

/// One defect of a policy set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The rule that is broken.
    pub rule: Rule,
    /// The `@id` of the policy, or the parser's name for it (`policy0` is the first) where it has none; nothing where the
    /// set or its schema as a whole is meant.
    pub policy: Option<String>,
    /// The line of text or schema, from 1; nothing where no line is meant.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Lint {
    pub(super) fn set(rule: Rule, problem: impl Into<String>, remedy: impl Into<String>) -> Lint {
        Lint { rule, policy: None, line: None, problem: problem.into(), remedy: remedy.into() }
    }

    pub(super) fn at(self, line: usize) -> Lint {
        Lint { line: Some(line), ..self }
    }

    pub(super) fn of(self, policy: &str) -> Lint {
        Lint { policy: Some(policy.to_owned()), ..self }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy `{}` ", escape_line(policy))?;
        }
        write!(f, "{}; {} [{}]", escape_line(&self.problem), escape_line(&self.remedy), self.rule.name())
    }
}

/// Collects defects up to their bound; the last one then says how many there are.
#[derive(Default)]
pub(super) struct Lints {
    found: Vec<Lint>,
    beyond: usize,
}

impl Lints {
    pub(super) fn push(&mut self, lint: Lint) {
        if self.found.len() < POLICY_LINTS_MAX {
            self.found.push(lint);
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them in the order of lines.
    pub(super) fn into_vec(mut self) -> Vec<Lint> {
        self.found.sort_by(|one, two| {
            (one.line, &one.policy, one.rule, &one.problem).cmp(&(two.line, &two.policy, two.rule, &two.problem))
        });
        if self.beyond > 0 {
            let problem = format!("the set has {} more defects than are named", self.beyond);
            self.found.push(Lint::set(Rule::Bound, problem, "mend those that are named first"));
        }
        self.found
    }
}
