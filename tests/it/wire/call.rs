//! One HTTP/2 request exactly as it is given, and the whole answer: headers, status wherever it stands, body.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpStream;
use tonic::Status;
use tonic::codegen::{Body as _, http};
use tonic_types::StatusExt;

/// A request, and a word for it.
pub struct Request {
    pub what: String,
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub http: u16,
    pub status: Option<Status>,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    /// All of it as text, for those who look for what must not be there.
    pub fn shown(&self) -> String {
        format!("{} {} {:?} {}", self.http, self.headers, self.status, String::from_utf8_lossy(&self.body))
    }

    pub fn name(&self) -> String {
        match &self.status {
            Some(status) => format!("{:?}", status.code()),
            None => format!("HTTP {}", self.http),
        }
    }

    /// Reason and domain.
    pub fn reason(&self) -> Option<(String, String)> {
        let info = self.status.as_ref()?.get_details_error_info()?;
        Some((info.reason, info.domain))
    }
}

/// A connection that comes back when the server ended it. It is no gRPC client, for those keep deadlines themselves: the
/// server would never be heard.
pub struct Caller {
    address: String,
    sender: Mutex<SendRequest<Full<Bytes>>>,
}

const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// What is followed has no end of its own: whoever asked rightly goes away after so long.
const FOLLOWED: Duration = Duration::from_millis(200);
const FOLLOWS: &str = "SubscriptionService/Subscribe";

impl Caller {
    pub async fn connect(address: &str) -> Caller {
        Caller { address: address.to_owned(), sender: Mutex::new(sender(address).await) }
    }

    pub async fn call(&self, request: Request) -> Answer {
        let what = request.what.clone();
        let follows = request.path.ends_with(FOLLOWS);
        let wait = if follows { FOLLOWED } else { CALL_TIMEOUT };
        match tokio::time::timeout(wait, self.answer(request)).await {
            Ok(answer) => answer,
            Err(_) if follows => {
                let status = Some(Status::ok("followed, and left"));
                Answer { http: 200, status, headers: String::new(), body: Vec::new() }
            }
            Err(_) => panic!("{what}: no answer in {CALL_TIMEOUT:?}"),
        }
    }

    async fn answer(&self, request: Request) -> Answer {
        let mut builder = http::Request::post(format!("http://{}{}", self.address, request.path));
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_slice());
        }
        let message = builder.body(Full::new(Bytes::from(request.body))).unwrap();
        let mut sender = self.sender.lock().unwrap().clone();
        if sender.ready().await.is_err() {
            sender = self::sender(&self.address).await;
            *self.sender.lock().unwrap() = sender.clone();
        }
        match sender.send_request(message).await {
            Ok(response) => read(response).await,
            Err(error) => Answer { http: 0, status: None, headers: format!("{error:?}"), body: Vec::new() },
        }
    }
}

async fn sender(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn read(response: http::Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut answer = Answer {
        http: head.status.as_u16(),
        status: Status::from_header_map(&head.headers),
        headers: format!("{:?}", head.headers),
        body: Vec::new(),
    };
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(frame) = frame else { return answer };
        match frame.into_data() {
            Ok(data) => answer.body.extend_from_slice(&data),
            Err(frame) => {
                let Ok(trailers) = frame.into_trailers() else { continue };
                answer.headers.push_str(&format!("{trailers:?}"));
                answer.status = answer.status.or_else(|| Status::from_header_map(&trailers));
            }
        }
    }
    answer
}
