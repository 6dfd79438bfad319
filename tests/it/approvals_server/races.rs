//! Who comes first: 64 clients that redeem one grant at the same moment, and people who approve and deny at the same
//! moment. The order of the log alone decides, and every attempt stands in it.

use super::track::{Track, VOTERS};
use crate::support::{cases, scaled};
use deedbook::api::proto::{CastVoteRequest, CastVoteResponse, RedeemGrantRequest};
use deedbook::api::{ClientError, Clients, to_frame};
use deedbook::approvals::{GrantState, RequestState, Resolution};
use deedbook::ledger::AppendError;
use deedbook::record::FrameBytes;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Barrier;

/// Nothing is read from now on.
const NEVER: &str = "@id(\"known\") permit (principal, action, resource);\n@id(\"never\") forbid (principal, action == \
     Gov::Action::\"data.read\", resource);\n";
const CLIENTS: usize = 64;

/// Exports need two persons.
const TWO: &str = "@id(\"known\") permit (principal, action, resource);\n@id(\"exports\") @requires_approval @quorum(\"2\")\n\
     forbid (principal, action in Gov::Action::\"exports\", resource)\n\
     unless { context.approval.granted && context.approval.distinct_approvers >= 2 };\n";

/// Sends from every client at the same moment.
async fn at_once<T: Send + 'static, F>(
    clients: &[Clients],
    frames: Vec<FrameBytes>,
    send: fn(Clients, FrameBytes) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(frames.len()));
    let tasks: Vec<_> = clients
        .iter()
        .cycle()
        .zip(frames)
        .map(|(client, frame)| {
            let (client, start) = (client.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                send(client, frame).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn redeem(clients: Clients, frame: FrameBytes) -> Result<Index, ClientError> {
    let request = RedeemGrantRequest { frame: Some(to_frame(frame)) };
    let answer = clients.approval.clone().redeem_grant(request).await?.into_inner();
    Ok(Index(answer.placement.unwrap().first_index))
}

async fn cast_vote(clients: Clients, frame: FrameBytes) -> Result<Index, ClientError> {
    let request = CastVoteRequest { frame: Some(to_frame(frame)) };
    let CastVoteResponse { placement, .. } = clients.approval.clone().cast_vote(request).await?.into_inner();
    Ok(Index(placement.unwrap().first_index))
}

async fn connections(track: &Track, count: usize) -> Vec<Clients> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(track.served.clients().await);
    }
    clients
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_clients_that_race_to_redeem_a_grant_one_wins_and_every_loser_is_on_record() {
    let track = Track::set().await;
    let clients = connections(&track, CLIENTS).await;
    let (agent, voter) = (track.cast.agent("a1"), track.voters().remove(0));
    let rounds = scaled(5);
    for round in 0..rounds {
        let id = track.export().await;
        track.done(track.vote(&voter, id, Decision::Approve)).await;
        let (seen, head) = (track.seen(id), track.served.ledger.reader().head());
        let attempt = || track.cast.redemption(&agent, &seen, seen.action.origin.digest, head);
        let answers = at_once(&clients, (0..CLIENTS).map(|_| attempt()).collect(), redeem).await;
        let winners: Vec<Index> = answers.iter().filter_map(|answer| answer.as_ref().ok().copied()).collect();
        let [winner] = winners.as_slice() else { panic!("round {round}: {} won", winners.len()) };
        let losers = answers.iter().filter_map(|answer| answer.as_ref().err());
        for loser in losers {
            let command = track.on_record(loser, Kind::GrantRedeemRequested, &["ALREADY_REDEEMED"]);
            assert!(command > *winner, "round {round}: whoever stands first wins");
        }
        let action = track.seen(id).action;
        assert_eq!(action.grant.unwrap().state, GrantState::Redeemed);
        assert_eq!((action.executions.len(), action.refusals as usize), (1, CLIENTS - 1), "round {round}");
    }
    track.judge().await;
    cases("redemption-races", rounds);
}

/// What the log's order makes of some votes: so many approvals before the first denial, or not.
fn by_order(votes: &mut [(Index, Decision)], quorum: usize) -> Decision {
    votes.sort_unstable_by_key(|(index, _)| *index);
    let before = votes.iter().take_while(|(_, decision)| *decision == Decision::Approve).count();
    if before >= quorum { Decision::Approve } else { Decision::Deny }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approves_and_who_denies_at_once_is_decided_by_the_log_alone() {
    let track = Track::set().await;
    let (clients, voters) = (connections(&track, VOTERS).await, track.voters());
    let rounds = scaled(10);
    let mut outcomes = Vec::new();
    for round in 0..2 * rounds {
        // The second half asks for two persons.
        if round == rounds {
            track.done(track.cast.publication(&track.cast.person("adm"), TWO)).await;
        }
        let quorum = if round < rounds { 1 } else { 2 };
        let id = track.export().await;
        let decisions: Vec<Decision> = (0..VOTERS)
            .map(|at| if (at + round as usize).is_multiple_of(4) { Decision::Deny } else { Decision::Approve })
            .collect();
        let frames = voters.iter().zip(&decisions).map(|(who, decision)| track.vote(who, id, *decision)).collect();
        let answers = at_once(&clients, frames, cast_vote).await;
        let reasons = ["TERMINAL", "VOTE_FINAL"];
        let index = |answer: &Result<Index, ClientError>| match answer {
            Ok(index) => *index,
            Err(error) => track.on_record(error, Kind::VoteCast, &reasons),
        };
        let mut votes: Vec<(Index, Decision)> = answers.iter().map(index).zip(decisions.iter().copied()).collect();
        let wanted = by_order(&mut votes, quorum);
        let RequestState::Resolved(resolved) = track.seen(id).action.request.unwrap().state else { panic!() };
        match (resolved.resolution, wanted) {
            (Resolution::Approved(_), Decision::Approve) | (Resolution::Denied, Decision::Deny) => {}
            (resolution, _) => panic!("round {round}: {resolution:?}, and the log says {votes:?}"),
        }
        outcomes.push(wanted);
        // Whoever came after the decision is refused, and nobody before it.
        let decided = match wanted {
            Decision::Approve => quorum,
            Decision::Deny | Decision::Abstain => {
                votes.iter().position(|(_, decision)| *decision == Decision::Deny).unwrap() + 1
            }
        };
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), decided, "round {round}: {votes:?}");
    }
    track.judge().await;
    println!(
        "approved {} of {}",
        outcomes.iter().filter(|wanted| **wanted == Decision::Approve).count(),
        outcomes.len()
    );
    cases("vote-races", 2 * rounds);
}

/// Whoever asks while policies change is answered by those in force where the question stands, whatever was in force when
/// it was evaluated; the audit evaluates each of them again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_while_policies_change_is_judged_by_those_in_force() {
    let track = Track::set().await;
    let rounds = scaled(4);
    let over = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..4)
        .map(|_| {
            let (ledger, cast, over) = (track.served.ledger.clone(), track.cast.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let (agent, mut placed, mut moved) = (cast.agent("a1"), Vec::new(), 0u64);
                while !over.load(Ordering::Relaxed) {
                    let (id, frame) = cast.submission(&agent, &cast.wish(&agent, "data.read", &[]), None);
                    match ledger.append(frame).await {
                        Ok(placement) => placed.push((placement.first_index, id)),
                        Err(AppendError::BasisMoved) => moved += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                (placed, moved)
            })
        })
        .collect();
    let (adm, mut forbidden) = (track.cast.person("adm"), Vec::new());
    for round in 0..rounds {
        let text = if round.is_multiple_of(2) { NEVER } else { TWO };
        let placed = track.served.ledger.append(track.cast.publication(&adm, text)).await.unwrap();
        forbidden.push((placed.first_index, round.is_multiple_of(2)));
    }
    over.store(true, Ordering::Relaxed);
    let (mut allowed, mut denied, mut moved) = (0u64, 0u64, 0u64);
    for asker in askers {
        let (placed, sent_back) = asker.await.unwrap();
        moved += sent_back;
        for (index, id) in placed {
            let wanted = forbidden.iter().rev().find(|(from, _)| *from < index).is_some_and(|(_, never)| *never);
            let action = track.seen(id).action;
            assert_eq!((action.blocked, action.grant.is_some()), (wanted, !wanted), "at {index}");
            *(if wanted { &mut denied } else { &mut allowed }) += 1;
        }
    }
    println!("{allowed} allowed, {denied} denied, {moved} sent back for good");
    assert!(allowed + denied > rounds);
    track.judge().await;
    cases("policy-races", rounds);
}
