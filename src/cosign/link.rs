//! One witness: a request, its answer within bounds, and what the answer means. A connection serves one request; at one
//! request a second and witness a pool would save little.

use crate::cosign::address::Address;
use crate::ledger::Recollection;
use crate::limits;
use crate::witness::AddCheckpoint;
use deedbook_verify::cosign::{Cosignature, CosignerKey};
use deedbook_verify::hash;
use deedbook_verify::note::{Note, SignatureLine, VerifierKey, decimal, open_checkpoint};
use deedbook_verify::words::{Hash, TreeSize};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// What stands in the way of a cosignature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// No connection, or it broke.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time")]
    Late,
    /// It does not know this ledger: its operator must add the verifier key.
    #[error("it does not know this ledger; give its operator the ledger's verifier key")]
    UnknownLog,
    /// It does not accept the ledger's signature.
    #[error("it does not accept this ledger's signature; it may hold another key for this origin")]
    NotSigned,
    /// It saw a larger tree than there is here.
    #[error("it cosigned a tree of {0} entries, more than there are here")]
    Ahead(TreeSize),
    /// What it saw and what is here do not fit.
    #[error("it finds this ledger inconsistent with what it cosigned before")]
    Inconsistent,
    /// An answer that is none of C2SP tlog-witness.
    #[error("it answers {0}")]
    Answer(String),
    /// It answered with no cosignature of its key, or a wrong one.
    #[error("its cosignature does not verify")]
    Cosignature,
}

impl Obstacle {
    /// The label in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Obstacle::Unreachable(_) => "unreachable",
            Obstacle::Late => "late",
            Obstacle::UnknownLog => "unknown_log",
            Obstacle::NotSigned => "not_signed",
            Obstacle::Ahead(_) => "ahead",
            Obstacle::Inconsistent => "inconsistent",
            Obstacle::Answer(_) => "answer",
            Obstacle::Cosignature => "cosignature",
        }
    }

    /// Whether it says that there are two histories of this ledger, or that this one lost entries.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Obstacle::Ahead(_) | Obstacle::Inconsistent)
    }
}

/// What a submission came to, short of an obstacle.
#[derive(Debug)]
pub enum Submitted {
    /// It cosigned.
    Cosigned(Cosignature),
    /// It cosigned another size last: prove from there.
    From(TreeSize),
}

/// A witness, and how to reach it.
pub struct Link {
    /// Its name in the policy.
    pub name: String,
    key: CosignerKey,
    log: VerifierKey,
    address: Address,
    tls: Option<TlsConnector>,
}

/// TLS with the system's certificate authorities.
pub(super) fn tls_of_the_system() -> Result<TlsConnector, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(if reasons.is_empty() { "there are none".to_owned() } else { reasons.join("; ") });
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Link {
    pub(super) fn new(
        name: String,
        key: CosignerKey,
        log: VerifierKey,
        address: Address,
        tls: Option<TlsConnector>,
    ) -> Link {
        Link { name, key, log, address, tls }
    }

    /// Submits a checkpoint with its proof from `old`.
    pub async fn submit(&self, old: TreeSize, proof: &[Hash], note: &[u8]) -> Result<Submitted, Obstacle> {
        let body = AddCheckpoint::write(old, proof, note);
        let answer = timeout(limits::WITNESS_TIMEOUT, self.ask(Method::POST, "/add-checkpoint", body)).await;
        let answer = answer.map_err(|_| Obstacle::Late)??;
        match answer.status {
            StatusCode::OK => {
                self.cosignature(note, &answer.body).map(Submitted::Cosigned).ok_or(Obstacle::Cosignature)
            }
            StatusCode::CONFLICT => size_in(&answer.body).map(Submitted::From).ok_or_else(|| odd(&answer)),
            StatusCode::NOT_FOUND => Err(Obstacle::UnknownLog),
            StatusCode::FORBIDDEN => Err(Obstacle::NotSigned),
            StatusCode::UNPROCESSABLE_ENTITY => Err(Obstacle::Inconsistent),
            _ => Err(odd(&answer)),
        }
    }

    /// What it cosigned last: by its monitoring page, else by what it says to our own newest checkpoint.
    pub async fn recall(&self, newest: Option<Vec<u8>>) -> Recollection {
        let place: String =
            hash::digest(&[self.log.name().as_bytes()]).0.iter().map(|byte| format!("{byte:02x}")).collect();
        let page = match self.ask(Method::GET, &format!("/{place}/checkpoint"), Vec::new()).await {
            Ok(page) => page,
            Err(obstacle) => return Recollection::Silent(obstacle.to_string()),
        };
        if page.status == StatusCode::OK {
            return match (open_checkpoint(&page.body, &self.log), self.own_line(&page.body)) {
                (Ok(opened), Some(_)) => Recollection::Head(opened.checkpoint().head),
                (Ok(_) | Err(_), _) => {
                    Recollection::Silent("its monitoring page shows no checkpoint of ours".to_owned())
                }
            };
        }
        match newest {
            Some(note) => self.recall_by_asking(&note).await,
            // We never signed a checkpoint, so there is none that it could have seen.
            None if page.status == StatusCode::NOT_FOUND => Recollection::Nothing,
            None => Recollection::Silent(odd(&page).to_string()),
        }
    }

    /// A checkpoint that we signed before, submitted again, tells what the witness has.
    async fn recall_by_asking(&self, note: &[u8]) -> Recollection {
        let Ok(opened) = open_checkpoint(note, &self.log) else {
            return Recollection::Silent("our newest stored checkpoint does not open".to_owned());
        };
        let head = opened.checkpoint().head;
        match self.submit(head.size, &[], note).await {
            Ok(Submitted::Cosigned(_)) => Recollection::Head(head),
            Ok(Submitted::From(TreeSize(0))) => Recollection::Nothing,
            // Sizes are equal and there is nothing to prove, so the roots must differ: C2SP's first version says it with
            // a 409, the later one with a 422.
            Ok(Submitted::From(size)) if size == head.size => Recollection::OtherRoot(size),
            Err(Obstacle::Inconsistent) => Recollection::OtherRoot(head.size),
            Ok(Submitted::From(size)) => Recollection::Size(size),
            Err(obstacle) => Recollection::Silent(obstacle.to_string()),
        }
    }

    /// The witness's cosignature of a note, among the lines of an answer; others are ignored.
    fn cosignature(&self, note: &[u8], lines: &[u8]) -> Option<Cosignature> {
        let note = Note::parse(note).ok()?;
        let lines = std::str::from_utf8(lines).ok()?.strip_suffix('\n')?;
        let ours = |line: &SignatureLine<'_>| self.key.claims(line);
        let line = lines.split('\n').filter_map(|line| SignatureLine::parse(line).ok()).find(ours)?;
        self.key.open(note.text, &line).ok()
    }

    /// The witness's own cosignature on a whole note.
    fn own_line(&self, note: &[u8]) -> Option<Cosignature> {
        let note = Note::parse(note).ok()?;
        let line = note.signatures.iter().find(|line| self.key.claims(line))?;
        self.key.open(note.text, line).ok()
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, Obstacle> {
        let broken = |error: &dyn std::fmt::Display| Obstacle::Unreachable(error.to_string());
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address.prefix))
            .header(header::HOST, &self.address.authority)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::USER_AGENT, concat!("deedbook/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(&error))?;
        let stream = TcpStream::connect((self.address.host.as_str(), self.address.port)).await;
        let stream = stream.map_err(|error| broken(&error))?;
        let Some(tls) = &self.tls else { return exchange(stream, request).await };
        let name = ServerName::try_from(self.address.host.clone()).map_err(|error| broken(&error))?;
        exchange(tls.connect(name, stream).await.map_err(|error| broken(&error))?, request).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Obstacle> {
    let broken = |error: &dyn std::fmt::Display| Obstacle::Unreachable(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    // Ends with the answer; what it ends with is told by the answer.
    let driver = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::WITNESS_BODY_BYTES_MAX).collect().await;
        Ok(Answer { status, body: body.map_err(|error| broken(&error))?.to_bytes() })
    };
    let answer = answer.await;
    driver.abort();
    answer
}

fn size_in(body: &[u8]) -> Option<TreeSize> {
    let text = std::str::from_utf8(body).ok()?;
    decimal(text.strip_suffix('\n')?).map(TreeSize)
}

/// An answer that C2SP does not give, its beginning escaped.
fn odd(answer: &Answer) -> Obstacle {
    let said: String = String::from_utf8_lossy(&answer.body).chars().take(limits::WITNESS_WORDS_MAX).collect();
    Obstacle::Answer(format!("{} `{}`", answer.status.as_u16(), said.trim().escape_debug()))
}
