//! One HTTP/2 request exactly as it is given, and the whole answer: headers, status wherever it stands, body.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as _, Service, http};
use tonic::transport::{Channel, Endpoint};
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

/// A connection that comes back when the server ended it.
#[derive(Clone)]
pub struct Caller(Channel);

const CALL_TIMEOUT: Duration = Duration::from_secs(60);

impl Caller {
    pub async fn connect(address: &str) -> Caller {
        Caller(Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap())
    }

    pub async fn call(&self, request: Request) -> Answer {
        let what = request.what.clone();
        let answered = tokio::time::timeout(CALL_TIMEOUT, self.answer(request)).await;
        answered.unwrap_or_else(|_| panic!("{what}: no answer in {CALL_TIMEOUT:?}"))
    }

    async fn answer(&self, request: Request) -> Answer {
        let mut builder = http::Request::post(request.path);
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_slice());
        }
        let body = Body::new(axum::body::Body::from(request.body));
        let mut channel = self.0.clone();
        poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        match channel.call(builder.body(body).unwrap()).await {
            Ok(response) => read(response).await,
            // The connection ended; that is an answer, too.
            Err(_) => Answer { http: 0, status: None, headers: String::new(), body: Vec::new() },
        }
    }
}

async fn read(response: http::Response<Body>) -> Answer {
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
