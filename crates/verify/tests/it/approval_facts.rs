//! The facts of principals, policies and approvals: one full example of each kind, written from FORMAT.md with numbers
//! as literals. Each is taken; without any field that it needs, with a field too many or a value out of range it is not.

use crate::encode::{self, Fields, Key, id16, seed};
use crate::ledger::{event, with};
use deedbook_verify::bytes::{Defect, Malformed};
use deedbook_verify::detail::{
    ApprovalCommand, Detail, Escalation, Judgement, PolicyCommand, PrincipalCommand, Resolution, Roles, Step,
};
use deedbook_verify::facts::{ActorKind, Facts};
use deedbook_verify::words::{Digest, Ref, SubjectId};

/// Two persons of anybody, or of one team, within an hour.
pub fn requirement(teams: &[(&str, u8)]) -> Vec<u8> {
    let mut teams: Vec<([u8; 16], u8)> = teams.iter().map(|(name, min)| (id16(name), *min)).collect();
    teams.sort_unstable();
    let fixed = [[1, 2, 3, 0b0101, 80].as_slice(), &3_600_u32.to_be_bytes(), &600_u32.to_be_bytes(), &[0, 1]].concat();
    let times = [900_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let clauses: Vec<u8> = teams.iter().flat_map(|(team, min)| [team.as_slice(), &[*min]].concat()).collect();
    [fixed, times, vec![0; 16], vec![u8::try_from(teams.len()).unwrap()], clauses].concat()
}

fn blake3(bytes: &[u8]) -> Vec<u8> {
    blake3::hash(bytes).as_bytes().to_vec()
}

/// A kind's example: its number and name, what it needs, what it may hold besides.
pub struct Example {
    pub kind: u16,
    pub needed: Vec<(u16, Vec<u8>)>,
    pub optional: Vec<(u16, Vec<u8>)>,
}

impl Example {
    /// Every field; source, epoch and sequence as an unsequenced source states them.
    pub fn full(&self) -> Fields {
        let mut facts = event(self.kind, "example");
        facts.extend(self.needed.iter().chain(&self.optional).cloned());
        facts.entry(0x0003).or_insert(id16("source").to_vec());
        facts.entry(0x0004).or_insert(vec![0; 4]);
        facts.entry(0x0005).or_insert(vec![0; 8]);
        facts
    }
}

/// A field of the examples by the word for it; the kinds share most of them.
fn field(word: &str) -> (u16, Vec<u8>) {
    let wanted = || requirement(&[("data owners", 1)]);
    let who = |kind: u8, name: &str| (0x0170, [&[kind], id16(name).as_slice()].concat());
    let actor = |kind: u8, name: &str| (0x0010, [&[kind], id16(name).as_slice()].concat());
    match word {
        "rules" => (0x0100, vec![0, 1]),
        "stream" => (0x0006, id16("action/1").to_vec()),
        "until" => (0x000a, 1_767_590_000_000_000_u64.to_be_bytes().to_vec()),
        "seen" => (0x000b, [1_u64.to_be_bytes().as_slice(), &[3; 32]].concat()),
        "agent" => actor(2, "agent"),
        "human" => actor(1, "person"),
        "responsible" => (0x0012, id16("person").to_vec()),
        "type" => (0x0020, b"data.export".to_vec()),
        "action" => (0x0021, seed("action").to_vec()),
        "policy" => (0x0022, seed("policy").to_vec()),
        "request" => (0x0027, id16("request").to_vec()),
        "grant" => (0x0028, id16("example").to_vec()),
        "media" => (0x0040, b"application/json".to_vec()),
        "commitment" => (0x0041, encode::commitment(&seed("salt"), b"{}")),
        "key" => (0x0120, Key::named("bound").wire()),
        "requirement" => (0x0151, wanted()),
        "digest" => (0x0152, blake3(&wanted())),
        "shown" => (0x0154, seed("presentation").to_vec()),
        "revision" => (0x0156, 3_u64.to_be_bytes().to_vec()),
        "evidence" => (0x0158, [&[3, 0, 1], Key::named("reviewer").id().as_slice(), &[0, 4], b"sign"].concat()),
        "audience" => (0x015c, id16("gate").to_vec()),
        "uses" => (0x015d, vec![0, 1]),
        "older" => (0x0160, id16("older").to_vec()),
        "the-person" => who(1, "person"),
        "the-agent" => who(2, "agent"),
        "the-service" => who(3, "service"),
        "account" => (0x0173, id16("account").to_vec()),
        "deputy" => (0x0174, id16("deputy").to_vec()),
        word => listed(word),
    }
}

/// The fields that are lists, and those that are one byte: `0157=1`.
fn listed(word: &str) -> (u16, Vec<u8>) {
    let sorted = |mut parts: Vec<Vec<u8>>| {
        parts.sort_unstable();
        parts.concat()
    };
    let conflict = |name: &str, reason: u8| [id16(name).as_slice(), &[reason]].concat();
    let vote = |clause: u8, name: &str, at: u64| [[clause].as_slice(), &id16(name), &at.to_be_bytes()].concat();
    match word {
        "conflicts" => (0x0153, sorted(vec![conflict("asker", 1), conflict("owner", 2), conflict("delegate", 4)])),
        "assignment" => (0x015a, sorted(vec![vote(0, "one", 4), vote(255, "two", 6)])),
        "teams" => (0x0171, sorted(vec![id16("team a").to_vec(), id16("team b").to_vec()])),
        word => {
            let (tag, value) = word.split_once('=').unwrap_or_else(|| panic!("no field `{word}`"));
            (u16::from_str_radix(tag, 16).unwrap(), vec![value.parse().unwrap()])
        }
    }
}

/// Kind, fields that it needs, fields that it may hold.
#[rustfmt::skip]
const EXAMPLES: &[(u16, &str, &str)] = &[
    (0x0100, "stream agent type action media commitment 015f=3", "older"),
    (0x0105, "stream agent type action media commitment 015f=3", "older"),
    (0x0101, "stream request action human until seen digest shown revision 0157=1 evidence", ""),
    (0x0102, "stream request", "media commitment"),
    (0x0103, "stream request grant action agent seen", "media commitment"),
    (0x0104, "stream request grant", "media commitment"),
    (0x0106, "stream request human 0161=2", "media commitment"),
    (0x0120, "media commitment the-agent", "responsible key teams 0172=4"),
    (0x0121, "media commitment the-person account", ""),
    (0x0122, "the-service", ""),
    (0x0123, "the-person 0172=3", ""),
    (0x0124, "the-person 0172=31", ""),
    (0x0125, "the-person", "deputy"),
    (0x0130, "stream policy media commitment", ""),
    (0x0131, "stream policy", ""),
    (0x0004, "rules stream request action policy media commitment 0150=3 requirement", ""),
    (0x0005, "rules stream request action until requirement digest", "conflicts"),
    (0x0006, "rules stream request action media commitment digest shown 0155=1", ""),
    (0x0007, "rules stream request until 015e=2", ""),
    (0x0008, "rules stream request action 0159=1 assignment", ""),
    (0x0009, "rules stream request grant action until audience uses", ""),
    (0x000a, "rules stream request grant action policy", ""),
    (0x000b, "rules stream request grant", ""),
    (0x000c, "rules stream request grant until", ""),
    (0x000d, "rules stream request grant action", ""),
    (0x000e, "rules stream request action policy", ""),
];

pub fn examples() -> Vec<Example> {
    let fields = |words: &str| words.split_whitespace().map(field).collect();
    EXAMPLES
        .iter()
        .map(|(kind, needed, optional)| Example { kind: *kind, needed: fields(needed), optional: fields(optional) })
        .collect()
}

fn parse(facts: &Fields) -> Result<(), Malformed> {
    Facts::parse(&encode::facts(facts)).map(|_| ())
}

#[test]
fn every_example_is_taken_and_needs_what_it_needs() {
    for example in examples() {
        let full = example.full();
        parse(&full).unwrap_or_else(|error| panic!("{:#06x}: {error}", example.kind));
        for (tag, _) in &example.optional {
            // A media type and its commitment come and go together.
            let (mut less, pair) = (full.clone(), if *tag == 0x0040 { 0x0041 } else { *tag });
            less.remove(tag);
            less.remove(&pair);
            let alone = *tag == 0x0041;
            assert_eq!(parse(&less).is_ok(), !alone, "{:#06x} without {tag:#06x}", example.kind);
        }
        for (tag, _) in &example.needed {
            let mut less = full.clone();
            less.remove(tag);
            let name = deedbook_verify::tags::ALL.iter().find(|known| known.number == *tag).unwrap().name;
            let error = parse(&less).expect_err(&format!("{:#06x} without {name}", example.kind));
            let wanted = if *tag == 0x0040 { "commitment" } else { name };
            assert!(error.what == wanted, "{:#06x} without {name}: {error}", example.kind);
        }
    }
}

#[test]
fn a_field_of_another_kind_is_refused() {
    for example in examples() {
        let full = example.full();
        for number in (0x0100..0x0180).filter(|number| !full.contains_key(number)) {
            // What the kind may hold is in its example, but for fields that exclude each other.
            let error = parse(&with(full.clone(), &[(number, &[0; 16])]));
            assert!(error.is_err(), "{:#06x} with {number:#06x}", example.kind);
        }
    }
}

/// The kind's example with some fields changed.
fn changed(kind: u16, changes: &[(u16, Option<Vec<u8>>)]) -> Result<(), Malformed> {
    let mut facts = examples().into_iter().find(|example| example.kind == kind).unwrap().full();
    for (tag, value) in changes {
        match value {
            Some(value) => facts.insert(*tag, value.clone()),
            None => facts.remove(tag),
        };
    }
    parse(&facts)
}

#[test]
fn values_out_of_range_are_refused() {
    let bad = |kind: u16, tag: u16, value: Vec<u8>| {
        let error =
            changed(kind, &[(tag, Some(value.clone()))]).expect_err(&format!("{kind:#06x} {tag:#06x} {value:?}"));
        let name = deedbook_verify::tags::ALL.iter().find(|known| known.number == tag).unwrap().name;
        assert_eq!(error.what, name, "{kind:#06x} {value:?}: {error}");
    };
    let codes = [
        (0x0004, 0x0150, 3),
        (0x0006, 0x0155, 1),
        (0x0101, 0x0157, 3),
        (0x0101, 0x0158, 2),
        (0x0008, 0x0159, 8),
        (0x0007, 0x015e, 3),
        (0x0100, 0x015f, 3),
        (0x0106, 0x0161, 2),
        (0x0123, 0x0172, 31),
        (0x0120, 0x0172, 31),
    ];
    for (kind, tag, max) in codes {
        bad(kind, tag, vec![max + 1]);
        bad(kind, tag, vec![255]);
        bad(kind, tag, vec![]);
        bad(kind, tag, vec![1, 1]);
        if tag != 0x0155 {
            bad(kind, tag, vec![0]);
        }
    }
    bad(0x0122, 0x0170, [&[0], id16("a").as_slice()].concat());
    bad(0x0122, 0x0170, [&[5], id16("a").as_slice()].concat());
    bad(0x0120, 0x0171, [id16("team a"), id16("team a")].concat());
    let (one, two) = (id16("team a").min(id16("team b")), id16("team a").max(id16("team b")));
    bad(0x0120, 0x0171, [two, one].concat());
    bad(0x0120, 0x0171, (0..17_u8).flat_map(|i| [i; 16]).collect());
    bad(0x0009, 0x015d, vec![0, 0]);
    bad(0x0009, 0x0028, id16("another event").to_vec());
    bad(0x0005, 0x0152, seed("another requirement").to_vec());
    let conflict = |who: u8, reason: u8| [[who; 16].as_slice(), &[reason]].concat();
    bad(0x0005, 0x0153, [conflict(2, 1), conflict(1, 1)].concat());
    bad(0x0005, 0x0153, [conflict(1, 1), conflict(1, 2)].concat());
    bad(0x0005, 0x0153, conflict(1, 7));
    bad(0x0005, 0x0153, conflict(1, 0));
    let many: Vec<u8> = (0..257_u16).flat_map(|i| [[0; 14].as_slice(), &i.to_be_bytes(), &[1]].concat()).collect();
    bad(0x0005, 0x0153, many);
    let vote = |clause: u8, who: u8, at: u64| [[clause].as_slice(), &[who; 16], &at.to_be_bytes()].concat();
    bad(0x0008, 0x015a, [vote(0, 1, 4), vote(1, 1, 5)].concat());
    bad(0x0008, 0x015a, [vote(1, 1, 4), vote(0, 2, 5)].concat());
    bad(0x0008, 0x015a, vote(8, 1, 4));
    bad(0x0008, 0x015a, (0..33_u8).flat_map(|i| vote(255, i, 4)).collect());
}

#[test]
fn a_verdict_and_a_resolution_bring_what_belongs_to_them() {
    let gone = |tag| (tag, None::<Vec<u8>>);
    let code = |tag, value: u8| (tag, Some(vec![value]));
    let missing = |what| Err(Malformed { what, defect: Defect::Missing });
    let surplus = |what| Err(Malformed { what, defect: Defect::Value });
    for verdict in [1, 2] {
        assert_eq!(changed(0x0004, &[code(0x0150, verdict), gone(0x0151)]), Ok(()));
        assert_eq!(changed(0x0004, &[code(0x0150, verdict)]), surplus("requirement"));
    }
    assert_eq!(changed(0x0004, &[gone(0x0151)]), missing("requirement"));
    let successor = || (0x015b, Some(id16("newer").to_vec()));
    for resolution in 2..=8 {
        let bare = changed(0x0008, &[code(0x0159, resolution), gone(0x015a)]);
        assert_eq!(bare, if resolution == 5 { missing("successor") } else { Ok(()) });
        assert!(changed(0x0008, &[code(0x0159, resolution)]).is_err(), "{resolution} with an assignment");
        let with_successor = changed(0x0008, &[code(0x0159, resolution), gone(0x015a), successor()]);
        assert_eq!(with_successor, if resolution == 5 { Ok(()) } else { surplus("successor") });
    }
    assert_eq!(changed(0x0008, &[gone(0x015a)]), missing("assignment"));
    assert_eq!(changed(0x0008, &[successor()]), surplus("successor"));
}

#[test]
fn what_is_read_is_what_stands_there() {
    for example in examples() {
        let bytes = encode::facts(&example.full());
        let facts = Facts::parse(&bytes).unwrap();
        let read = match facts.detail {
            Detail::Approval(command) => read_command(command),
            Detail::Principal(command) => read_principal(command),
            Detail::Policy(PolicyCommand::Published { stream, policy } | PolicyCommand::Retired { stream, policy }) => {
                stream == Ref(id16("action/1")) && policy == Digest(seed("policy"))
            }
            Detail::Step(step) => {
                assert_eq!((step.of.stream, step.of.request), (Ref(id16("action/1")), SubjectId(id16("request"))));
                read_step(step.step)
            }
            Detail::None
            | Detail::Document(_)
            | Detail::Genesis(_)
            | Detail::KeyEnrolled(_)
            | Detail::KeyRotated { .. }
            | Detail::KeyRevoked { .. }
            | Detail::BodyErased(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::Imported { .. }
            | Detail::ClockChecked { .. } => panic!("{:?}", facts.detail),
        };
        assert!(read, "{:#06x}", example.kind);
    }
}

fn read_command(command: ApprovalCommand<'_>) -> bool {
    let (request, grant) = (SubjectId(id16("request")), SubjectId(id16("example")));
    match command {
        ApprovalCommand::Submitted(it) | ApprovalCommand::BreakglassInvoked(it) => {
            it.action_type.as_str() == "data.export"
                && it.action == Digest(seed("action"))
                && it.reversibility.name() == "irreversible"
                && it.supersedes == Some(SubjectId(id16("older")))
        }
        ApprovalCommand::VoteCast(vote) => {
            vote.request == request
                && vote.revision.0 == 3
                && vote.presentation == Digest(seed("presentation"))
                && vote.decision.name() == "approve"
                && vote.evidence.level().name() == "reviewer"
                && vote.actor.who == Ref(id16("person"))
        }
        ApprovalCommand::CancelRequested(of) => of.request == request,
        ApprovalCommand::RedeemRequested(redemption) => redemption.of.grant == grant,
        ApprovalCommand::RevokeRequested(of) => of.grant == grant,
        ApprovalCommand::BreakglassReviewed(review) => review.outcome.name() == "repudiated",
    }
}

fn read_principal(command: PrincipalCommand<'_>) -> bool {
    match command {
        PrincipalCommand::Bound(binding) => {
            binding.who.kind == ActorKind::Agent
                && binding.responsible == Some(Ref(id16("person")))
                && binding.teams().count() == 2
                && binding.roles == Some(Roles::PRODUCER)
                && binding.key.unwrap().id().0 == Key::named("bound").id()
        }
        PrincipalCommand::Linked { who, account } => who.who == Ref(id16("person")) && account == Ref(id16("account")),
        PrincipalCommand::Disabled { who } => who.kind == ActorKind::Service,
        PrincipalCommand::Granted { roles, .. } => roles == Roles::ADMINISTRATOR.with(Roles::REVIEWER),
        PrincipalCommand::Revoked { roles, .. } => roles.names().count() == 5,
        PrincipalCommand::Delegated { delegate, .. } => delegate == Some(Ref(id16("deputy"))),
    }
}

fn read_step(step: Step<'_>) -> bool {
    let wanted = requirement(&[("data owners", 1)]);
    let example = SubjectId(id16("example"));
    match step {
        Step::Evaluated { judgement, .. } => {
            matches!(judgement, Judgement::RequireApproval(bytes) if bytes.as_bytes() == wanted)
        }
        Step::Opened { requirement, conflicts, .. } => {
            requirement.read().unwrap().clauses.len() == 1 && conflicts.iter().count() == 3
        }
        Step::Shown { complete, .. } => complete,
        Step::Escalated { escalation, .. } => escalation == Escalation::Escalated,
        Step::Resolved { resolution: Resolution::Approved(votes), .. } => {
            let votes: Vec<_> = votes.iter().map(|vote| (vote.clause, vote.vote.0)).collect();
            votes == [(Some(0), 4), (None, 6)]
        }
        Step::Resolved { .. } => false,
        Step::GrantIssued { audience, uses, .. } => audience == Ref(id16("gate")) && uses.get() == 1,
        Step::GrantRedeemed { grant, policy, .. } => grant == example && policy == Digest(seed("policy")),
        Step::ExecutionStarted { grant, .. } | Step::GrantRevoked { grant } | Step::GrantExpired { grant, .. } => {
            grant == example
        }
        Step::Blocked { action, .. } => action == Digest(seed("action")),
    }
}

#[test]
fn roles_have_names_and_an_order() {
    let names: Vec<&str> = Roles::from_bits(31).unwrap().names().collect();
    assert_eq!(names, ["administrator", "reviewer", "producer", "auditor", "exporter"]);
    for (bit, name) in names.into_iter().enumerate() {
        assert_eq!(Roles::from_name(name).map(Roles::bits), Some(1 << bit));
    }
    assert_eq!((Roles::from_bits(0), Roles::from_bits(32)), (None, None));
}
