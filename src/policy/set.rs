//! A policy set that may be evaluated: parsed, named by `@id`, validated, without a defect. There is no other way to one
//! than `publish`, which takes what `policy.published` records.

use super::annotation::Ask;
use super::lint::Lint;
use super::publish;
use super::request::Votes;
use super::review::is_review;
use super::schema::{BUILT_IN_SCHEMA, Vocabulary};
use super::slices::{Slice, Slices};
use crate::domain::NameError;
use crate::limits::POLICY_SOURCE_BYTES_MAX;
use crate::record::canonical::{Json, JsonError};
use crate::record::members::Members;
use cedar_policy::Request;
use deedbook_verify::words::{Digest, Ref};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// The `schema` of a recorded policy set.
pub const POLICY_SCHEMA: &str = "deedbook.policy/1";
/// The media type of a policy set as a body.
pub const POLICY_MEDIA_TYPE: &str = "application/vnd.deedbook.policy+json";
/// What is in force where nobody has published a policy.
pub const BUILT_IN_POLICY: &str = include_str!("default.cedar");

/// Makes the ref of a team from its id.
pub type TeamRefs<'a> = dyn Fn(&str) -> Result<Ref, NameError> + 'a;

/// What is published: the text of the policies, and the schema where it is not the built-in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Cedar policies.
    pub text: String,
    /// A schema in Cedar's notation, in place of the built-in one.
    pub schema: Option<String>,
}

impl Source {
    /// The built-in policies under the built-in schema.
    pub fn built_in() -> Source {
        Source { text: BUILT_IN_POLICY.to_owned(), schema: None }
    }

    /// The schema that the policies speak by.
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or(BUILT_IN_SCHEMA)
    }

    /// The body of `policy.published`: canonical JSON. The built-in schema is written out, so that a later program with
    /// another one evaluates these policies as this one does.
    pub fn to_bytes(&self) -> Vec<u8> {
        let members = [
            ("schema", Json::text(POLICY_SCHEMA)),
            ("text", Json::text(&self.text)),
            ("cedar_schema", Json::text(self.schema())),
        ];
        Json::object(members).to_bytes()
    }

    /// Reads such a body.
    pub fn from_bytes(bytes: &[u8]) -> Result<Source, JsonError> {
        let mut members = Members::of(Json::parse_canonical(bytes, POLICY_SOURCE_BYTES_MAX)?, "")?;
        let schema = members.text("schema")?;
        if schema != POLICY_SCHEMA {
            let problem = format!("is {schema:?}, which is no schema of a policy set");
            return Err(JsonError::new("schema", problem, format!("write {POLICY_SCHEMA:?}")));
        }
        let text = members.text("text")?;
        let cedar = members.text("cedar_schema")?;
        // A publication by break-glass says why beside the set; the digest is that of the set alone.
        if members.text_if_any("reason")?.is_some() {
            members.text("incident")?;
        }
        members.end()?;
        Ok(Source { text, schema: (cedar != BUILT_IN_SCHEMA).then_some(cedar) })
    }

    /// What entries name the set by: BLAKE3 of the body.
    pub fn digest(&self) -> Digest {
        Digest(*blake3::hash(&self.to_bytes()).as_bytes())
    }
}

/// A policy set without a defect.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub(super) source: Source,
    pub(super) digest: Digest,
    pub(super) vocabulary: Vocabulary,
    pub(super) policies: cedar_policy::PolicySet,
    pub(super) slices: Slices,
    /// What conditional forbids ask for, by id.
    pub(super) asks: BTreeMap<String, Ask>,
    pub(super) advice: BTreeMap<String, String>,
    /// Each policy as it stands in the text, by id.
    pub(super) texts: BTreeMap<String, String>,
    /// Whether any policy names an action of reviewers.
    pub(super) speaks_of_reviews: bool,
    /// Every team that the set names.
    pub(super) teams: BTreeMap<String, Ref>,
    /// The approval that meets every conditional forbid.
    pub(super) maximal: Votes,
}

impl PolicySet {
    /// Checks a set by every rule of publication, and names every defect.
    pub fn publish(source: &Source, team_ref: &TeamRefs<'_>) -> Result<PolicySet, Vec<Lint>> {
        publish::check(source, team_ref)
    }

    /// The built-in set, which names no team. It passes the rules like any other, so a defect of this program is the
    /// only way to an error.
    pub fn built_in() -> Result<PolicySet, Vec<Lint>> {
        PolicySet::publish(&Source::built_in(), &|_| Ok(Ref([0; 16])))
    }

    /// The same, made once for the whole process: parsing and validating it takes longer than opening a small ledger.
    pub fn shared_built_in() -> Result<Arc<PolicySet>, Vec<Lint>> {
        static BUILT_IN: LazyLock<Result<Arc<PolicySet>, Vec<Lint>>> =
            LazyLock::new(|| PolicySet::built_in().map(Arc::new));
        BUILT_IN.clone()
    }

    /// What it was published from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The action types that its schema knows, and that can be asked for.
    pub fn action_types(&self) -> impl Iterator<Item = &str> {
        self.vocabulary.actions().map(|(name, _)| name.as_str()).filter(|name| !is_review(name))
    }

    /// BLAKE3 of the body that published it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Ids and texts of its policies, by id.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(id, text)| (id.as_str(), text.as_str()))
    }

    /// What a policy says to the people who are asked.
    pub fn advice(&self, id: &str) -> Option<&str> {
        self.advice.get(id).map(String::as_str)
    }

    /// The names of those of these teams that the set knows: what a question says of a party, and votes say of groups.
    /// A team that no policy names makes no difference to any.
    pub fn team_names(&self, teams: &[Ref]) -> BTreeSet<String> {
        self.teams.iter().filter(|(_, team)| teams.contains(team)).map(|(name, _)| name.clone()).collect()
    }

    /// The policies to ask for a request.
    pub(super) fn policies_for(&self, request: &Request) -> &cedar_policy::PolicySet {
        self.slice_for(request).map_or(&self.policies, |slice| &slice.all)
    }

    pub(super) fn slice_for(&self, request: &Request) -> Option<&Slice> {
        request.action().and_then(|action| self.slices.get(action.id().as_ref()))
    }
}
