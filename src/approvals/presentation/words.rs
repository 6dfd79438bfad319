//! A requirement in words that a reviewer understands. It shows; `quorum` and `decide` judge.

use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::EvidenceLevel;
use deedbook_verify::words::Ref;

/// Label and value, one row each.
pub fn requirement(requirement: &Requirement, teams: &[(Ref, &str)]) -> Vec<(&'static str, String)> {
    let team = |team: Ref| {
        let known = teams.iter().find(|(known, _)| *known == team);
        known.map_or_else(|| format!("team {team}"), |(_, name)| (*name).to_owned())
    };
    let mut rows = vec![("people", people(requirement.distinct_persons_min.get()))];
    for clause in &requirement.clauses {
        rows.push(("of which", format!("{} of {}", clause.persons_min, team(clause.team))));
    }
    let evidence = match requirement.evidence_floor {
        EvidenceLevel::Operator | EvidenceLevel::Idp => {
            "your own key signs your decision (weaker evidence would do, and none is taken yet)"
        }
        EvidenceLevel::Reviewer => "your own key signs your decision",
    };
    rows.push(("evidence", evidence.to_owned()));
    let demands = requirement.demands;
    let reason = match (demands.rationale_to_approve, demands.rationale_to_deny) {
        (true, true) => "a reason is required",
        (true, false) => "a reason is required to approve",
        (false, true) => "a reason is required to deny",
        (false, false) => "a reason is welcome",
    };
    rows.push(("reason", reason.to_owned()));
    if demands.complete_presentation {
        rows.push(("completeness", "it can be approved only if nothing of it is left out here".to_owned()));
    }
    if demands.recheck_membership {
        rows.push(("membership", "those who approved must still be members when it runs".to_owned()));
    }
    let (uses, lifetime) = (requirement.uses, duration(requirement.grant_ttl_s.get()));
    let times = if uses.get() == 1 { "once".to_owned() } else { format!("{uses} times") };
    rows.push(("releases", format!("it may run {times}, within {lifetime} of the approval")));
    if let Some(fallback) = requirement.fallback {
        let after = requirement.escalate_s.map(|seconds| format!(", and after {}", duration(seconds.get())));
        let when = format!("if nobody else can{}", after.unwrap_or_default());
        rows.push(("fallback", format!("{} may decide too {when}", team(fallback))));
    }
    rows
}

fn people(count: u8) -> String {
    if count == 1 { "1 person approves".to_owned() } else { format!("{count} different persons approve") }
}

fn duration(seconds: u32) -> String {
    match seconds {
        s if s.is_multiple_of(3600) => format!("{} h", s / 3600),
        s if s.is_multiple_of(60) => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
