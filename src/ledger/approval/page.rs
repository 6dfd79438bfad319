//! What a presentation is made of, gathered and owned: names as the ledger knows them now, the policies that ask, like
//! actions before. How it looks is `approvals::present`'s.

use crate::approvals::{Earlier, Party, PresentationInput, Why};
use crate::domain::{self, Filter};
use crate::ledger::approval::flow::Gathered;
use crate::ledger::reader::Reader;
use crate::ledger::state::Published;
use crate::limits;
use crate::policy::{Evaluation, PolicySet};
use crate::record::binding::{Binding, PartyName};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::kind::Kind;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Digest, Index, Micros, Ref, SubjectId, TreeSize};

#[derive(Clone)]
struct Somebody {
    kind: Option<ActorKind>,
    name: Option<String>,
    who: Ref,
}

impl Somebody {
    fn party(&self) -> Party<'_> {
        Party { kind: self.kind, name: self.name.as_deref(), who: self.who }
    }
}

/// Everything that a reviewer is shown of one action.
#[derive(Clone)]
pub(in crate::ledger) struct Page {
    request: SubjectId,
    actor: Somebody,
    relayed_by: Option<Somebody>,
    on_behalf_of: Vec<Somebody>,
    responsible: Option<Somebody>,
    binding: String,
    action: Digest,
    policy: Digest,
    why: Vec<(String, Option<String>)>,
    teams: Vec<(Ref, String)>,
    flow: Gathered,
    earlier: Vec<(Micros, Index, String)>,
}

impl Page {
    /// Gathers who asks for what, and like actions before.
    pub fn new(reader: &Reader, published: &Published, binding: &Binding, (request, source): (SubjectId, Ref)) -> Page {
        let people = &published.people;
        let known = |who: Ref, name: Option<String>| Somebody {
            kind: people.get(who).map(|principal| principal.kind),
            name: name.or_else(|| Some(reader.id_of(who)?.to_string())),
            who,
        };
        let refs = reader.ref_key();
        let named = |name: &PartyName| {
            let who = domain::principal_ref(refs, name.kind(), name.id()).unwrap_or(Ref([0; 16]));
            known(who, Some(name.id().to_owned()))
        };
        let actor = named(&binding.agent);
        let responsible = people.get(actor.who).and_then(|principal| principal.responsible);
        Page {
            request,
            relayed_by: (source != actor.who).then(|| known(source, None)),
            on_behalf_of: binding.on_behalf_of.iter().map(named).collect(),
            responsible: responsible.map(|who| known(who, None)),
            binding: String::from_utf8(binding.to_bytes()).unwrap_or_default(),
            action: binding.digest(),
            policy: published.policy.digest(),
            why: Vec::new(),
            teams: Vec::new(),
            flow: Gathered::of(reader, binding),
            earlier: earlier(reader, actor.who, &binding.action, request),
            actor,
        }
    }

    /// Adds which policies ask, and the names of the teams that they ask for.
    pub fn asked_by(&mut self, evaluation: &Evaluation, requirement: &Requirement, set: &PolicySet) {
        let advice = |id: &String| set.advice(id).map(str::to_owned);
        self.why = evaluation.reasons.iter().map(|id| (id.clone(), advice(id))).collect();
        let teams = requirement.clauses.iter().map(|clause| clause.team).chain(requirement.fallback);
        self.teams = teams.flat_map(|team| set.team_names(&[team]).into_iter().map(move |name| (team, name))).collect();
    }

    /// Lends it in the form in which it is rendered.
    pub fn with_input<R>(&self, then: impl FnOnce(&PresentationInput<'_>) -> R) -> R {
        let on_behalf_of: Vec<Party<'_>> = self.on_behalf_of.iter().map(Somebody::party).collect();
        let why: Vec<Why<'_>> =
            self.why.iter().map(|(policy, advice)| Why { policy, advice: advice.as_deref() }).collect();
        let teams: Vec<(Ref, &str)> = self.teams.iter().map(|(team, name)| (*team, name.as_str())).collect();
        let earlier: Vec<Earlier<'_>> = self
            .earlier
            .iter()
            .map(|(received, index, summary)| Earlier { received: *received, index: *index, summary })
            .collect();
        self.flow.with_flow(|flow| {
            then(&PresentationInput {
                request: self.request,
                actor: self.actor.party(),
                relayed_by: self.relayed_by.as_ref().map(Somebody::party),
                on_behalf_of: &on_behalf_of,
                responsible: self.responsible.as_ref().map(Somebody::party),
                binding: &self.binding,
                action: self.action,
                policy: self.policy,
                why: &why,
                teams: &teams,
                flow,
                earlier: &earlier,
            })
        })
    }
}

/// The last actions of this kind by this actor, the latest first, among the newest entries. What cannot be read is left
/// out: it helps people to judge, and decides nothing.
fn earlier(reader: &Reader, actor: Ref, action: &str, request: SubjectId) -> Vec<(Micros, Index, String)> {
    let filter = Filter {
        kind: Some(Kind::ActionSubmitted),
        actor: Some(actor),
        action_type: Some(action.to_owned()),
        ..Filter::default()
    };
    let size = reader.head().size.0;
    let floor = size.saturating_sub(limits::EARLIER_ENTRIES_LOOKED_AT);
    let (mut end, mut span, mut newest) = (size, limits::EARLIER_ENTRIES_FIRST, Vec::new());
    // From the newest entries backwards, further each time: whoever does much has the last of it among the first looked at.
    while end > floor && newest.len() <= limits::PRESENTATION_EARLIER_MAX {
        let start = end.saturating_sub(span).max(floor);
        let Ok(found) = reader.list(&filter, Index(start), TreeSize(end), usize::try_from(span).unwrap_or(usize::MAX))
        else {
            break;
        };
        newest.extend(found.into_iter().rev());
        (end, span) = (start, span.saturating_mul(2));
    }
    // One more, for the request itself is among them when it is shown anew.
    newest.truncate(limits::PRESENTATION_EARLIER_MAX.saturating_add(1));
    newest.into_iter().filter_map(|index| one_earlier(reader, index, request)).collect()
}

fn one_earlier(reader: &Reader, index: Index, request: SubjectId) -> Option<(Micros, Index, String)> {
    let bytes = reader.entry(index).ok()?;
    let entry = Entry::parse(&bytes).ok()?;
    let id = crate::record::action::action_id(entry.facts.source, entry.facts.event_id);
    let action = reader.action_row(id).ok()?.filter(|action| action.id != request)?;
    Some((entry.seal.received, index, crate::ledger::approval::view::in_words(&action)))
}
