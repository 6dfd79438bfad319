//! The load: streams and unary calls against a real server process on the same cores, acknowledgements durable.

use super::frames::Prepared;
use crate::api::{ClientError, Clients, proto};
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::clock::Stopwatch;
use deedbook_verify::words::Ref;
use proto::append_stream_request::{Message, Open};
use proto::append_stream_response::Message as Answer;
use tokio::sync::mpsc;

/// Messages between the bench and the connection.
const WINDOW: usize = 256;

/// Streams all frames within the server's credit; seconds from the first frame to the last acknowledgement.
pub async fn stream(client: &mut Client, source: Ref, prepared: Prepared) -> Result<f64, Failure> {
    let (outgoing, requests) = mpsc::channel(WINDOW);
    let mut answers = client.append_stream(requests).await?;
    let open = Open { source: source.as_bytes().to_vec().into(), epoch: 1 };
    let request = |message| proto::AppendStreamRequest { message: Some(message) };
    let closed = || Failure::failed("the server closed the stream", "read its log");
    outgoing.send(request(Message::Open(open))).await.map_err(|_| closed())?;
    let mut credit = match next(&mut answers).await? {
        Answer::Opened(opened) => opened.credit_bytes,
        Answer::Ack(_) => return Err(closed()),
    };
    let started = Stopwatch::start();
    let mut through = 0;
    for frame in prepared.frames {
        let cost = crate::api::frame_cost(&frame);
        while credit < cost {
            if let Answer::Ack(ack) = next(&mut answers).await? {
                credit += ack.credit_bytes;
                through = ack.through_sequence;
            }
        }
        credit -= cost;
        outgoing.send(request(Message::Frame(frame))).await.map_err(|_| closed())?;
    }
    while through < prepared.events {
        if let Answer::Ack(ack) = next(&mut answers).await? {
            through = ack.through_sequence;
        }
    }
    Ok(started.seconds())
}

async fn next(
    answers: &mut mpsc::Receiver<Result<proto::AppendStreamResponse, ClientError>>,
) -> Result<Answer, Failure> {
    let answer = answers.recv().await.ok_or(crate::cli::client::ended())??;
    answer.message.ok_or(Failure::failed("an empty answer", "compare versions"))
}

/// One call after the other; each acknowledgement's seconds.
pub async fn unary_latencies(clients: Clients, prepared: Prepared) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::with_capacity(prepared.frames.len());
    let mut ledger = clients.ledger;
    for frame in prepared.frames {
        let started = Stopwatch::start();
        ledger.append(proto::AppendRequest { frame: Some(frame) }).await.map_err(ClientError::from)?;
        times.push(started.seconds());
    }
    Ok(times)
}

/// Many callers at once, each with one call under way; seconds for all of them.
pub async fn unary_many(clients: &[Clients], callers: usize, prepared: Prepared) -> Result<f64, Failure> {
    let share = prepared.frames.len().div_ceil(callers).max(1);
    let mut tasks = Vec::new();
    let started = Stopwatch::start();
    for (frames, clients) in prepared.frames.chunks(share).zip(clients.iter().cycle()) {
        let (frames, mut ledger) = (frames.to_vec(), clients.ledger.clone());
        tasks.push(tokio::spawn(async move {
            for frame in frames {
                ledger.append(proto::AppendRequest { frame: Some(frame) }).await.map_err(ClientError::from)?;
            }
            Ok::<(), ClientError>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| Failure::failed(error.to_string(), "report this"))??;
    }
    Ok(started.seconds())
}
