//! The heart of the demo: an export that waits for people, is released by two of them, and runs once, as approved.

use super::{Part, Tale, broken, setting};
use crate::cli::errors::Failure;
use crate::cli::stage::{AGENT, OWNER, REVIEWERS};

/// Digits of a request's id that a person types.
const ID_DIGITS: usize = 8;

/// Tells it; the request's id.
pub fn tell(tale: &mut Tale) -> Result<String, Failure> {
    let request = ask(tale)?;
    let short: String = request.chars().take(ID_DIGITS).collect();
    look(tale, &short)?;
    owner(tale, &short)?;
    approve(tale, &short)?;
    change(tale, &request)?;
    run(tale, &request)?;
    again(tale, &request)?;
    history(tale, &request)?;
    Ok(request)
}

fn ask(tale: &mut Tale) -> Result<String, Failure> {
    tale.step(
        "The agent asks before it acts, and waits",
        "It signs exactly what it wants to run. Policy says that people decide, so nothing runs yet.",
    )?;
    setting::props(tale)?;
    let ran = tale.done(&format!("deedbook action submit export.json --signer {AGENT}.key"), Part::All)?;
    match ran.out.trim_end().split('\t').collect::<Vec<_>>().as_slice() {
        [request, "require_approval", "open"] => Ok((*request).to_owned()),
        _ => Err(broken("the export did not wait for people")),
    }
}

fn look(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "What a reviewer sees",
        "One screen: who asks, what exactly will run, why they are asked. A vote binds the digest of these very bytes.",
    )?;
    tale.done("deedbook approvals list", Part::All)?;
    tale.done(&format!("deedbook approvals show {request}"), Part::All)?;
    Ok(())
}

fn owner(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "The agent's owner tries to approve it, and is refused",
        "Ann is a reviewer, but she answers for this agent: nobody approves their own request. The attempt is on record.",
    )?;
    let line = format!("deedbook approve {request} --yes --reason 'it is my own agent' --signer {OWNER}.key");
    tale.refused(&line, "CONFLICT_OWNER")
}

fn approve(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "Two different persons approve",
        "Bob alone is not enough, nor is Bob twice: persons are counted. With Carol's vote a one-time grant is issued.",
    )?;
    let [first, second] = REVIEWERS;
    // A person counts once, however often they vote.
    for (who, state) in [(first, "open"), (first, "open"), (second, "approved")] {
        let line = format!("deedbook approve {request} --yes --reason 'ticket 4711' --signer {who}.key");
        let ran = tale.done(&line, Part::Result)?;
        if !ran.out.contains(&format!("\t{state}\t")) {
            return Err(broken(&format!("the request is not {state} behind the vote of {who}")));
        }
    }
    Ok(())
}

fn change(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "The agent adds a column, and is refused",
        "changed.json exports `email` too. The grant is for the digest of what people saw, and for nothing else.",
    )?;
    let line = format!("deedbook action redeem {request} changed.json --signer {AGENT}.key");
    tale.refused(&line, "ACTION_DIGEST_MISMATCH")
}

fn run(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "It runs what was approved",
        "Redeeming the grant and starting the execution are one commit: there is no moment between them.",
    )?;
    tale.done(&format!("deedbook action redeem {request} export.json --signer {AGENT}.key"), Part::All)?;
    let (from, to) = (tale.terminal.folder().join("orders.csv"), tale.terminal.folder().join("partner/orders.csv"));
    let bytes = std::fs::copy(&from, &to).map_err(|error| Failure::file(&to, &error))?;
    tale.say(&format!("the agent copies orders.csv to partner/orders.csv: {bytes} bytes"))?;
    let output = "--status succeeded --output partner/orders.csv";
    tale.done(&format!("deedbook action report {request} {output} --signer {AGENT}.key"), Part::All)?;
    let shown = tale.terminal.values(&format!("deedbook action show {request}"))?;
    let is = |name: &str, value: &str| shown.first().is_some_and(|action| action.get(name) == Some(&value.into()));
    let stands = is("state", "approved") && is("grant", "redeemed") && is("execution", "succeeded");
    if stands { Ok(()) } else { Err(broken("the export does not stand as approved, redeemed and succeeded")) }
}

fn again(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "A second time it is refused",
        "A grant works once. Of many who redeem it at the same moment, one wins, by the order of the log.",
    )?;
    let line = format!("deedbook action redeem {request} export.json --signer {AGENT}.key");
    tale.refused(&line, "ALREADY_REDEEMED")
}

fn history(tale: &mut Tale, request: &str) -> Result<(), Failure> {
    tale.step(
        "All of it stands in the log",
        "What was asked, decided, granted and run, in one order; the three attempts that were refused as well.",
    )?;
    let ran = tale.done(&format!("deedbook list --stream action/{request} --signer {AGENT}.key"), Part::All)?;
    let counted = |what: &str| ran.out.lines().filter(|line| line.contains(what)).count();
    for (what, count) in [
        ("refused", 3),
        ("approval.resolved", 1),
        ("grant.issued", 1),
        ("grant.redeemed ", 1),
        ("execution.started", 1),
    ] {
        if counted(what) != count {
            return Err(broken(&format!("the log shows `{what}` {} times instead of {count}", counted(what))));
        }
    }
    Ok(())
}
