//! A request -> its answer: which protocol it speaks, whether it may, and what becomes of it.
//!
//! Both ports answer both protocols: a client that was given the wrong one of the two is served, not puzzled.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

use crate::ingest::traces::request::Checked;

use super::answer::{self, Answer, Code};
use super::body::{self, Kind};
use super::intake::{Intake, Refusal};
use super::tally::one;

/// The method of gRPC.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The path of HTTP.
const TRACES: &str = "/v1/traces";

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    headers.get(name).map_or(b"", HeaderValue::as_bytes)
}

/// Answers one request.
pub async fn answer(request: Request<Incoming>, intake: Arc<Intake>) -> Result<Answer, Infallible> {
    let (head, mut body) = request.into_parts();
    let answer = if header(&head.headers, &CONTENT_TYPE).starts_with(b"application/grpc") {
        grpc(head.uri.path(), &head.headers, &mut body, &intake).await
    } else {
        http((&head.method, head.uri.path()), &head.headers, &mut body, &intake).await
    };
    // An answer that comes before its request is read to the end is one that refuses it.
    if !hyper::body::Body::is_end_stream(&body) {
        body::away(&mut body, &intake).await;
    }
    Ok(answer)
}

fn check_token(headers: &HeaderMap, intake: &Intake) -> Result<(), Refusal> {
    let Some(token) = &intake.token else { return Ok(()) };
    let given = header(headers, &AUTHORIZATION);
    let given = given.split_first_chunk::<7>().filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    if given.is_some_and(|(_, given)| token.is(given.trim_ascii())) { Ok(()) } else { Err(Refusal::Token) }
}

async fn grpc(path: &str, headers: &HeaderMap, body: &mut Incoming, intake: &Intake) -> Answer {
    let taken = async {
        check_token(headers, intake)?;
        let gzip = headers.get("grpc-encoding").is_some_and(|e| e.as_bytes() == b"gzip");
        let (message, room) = body::of_grpc(body, gzip, intake).await?;
        intake.take(message, room).await
    };
    let encoding = headers.get("grpc-encoding").map_or(&b"identity"[..], HeaderValue::as_bytes);
    if path != EXPORT {
        one(&intake.tally.refused_other);
        return answer::grpc_error(Code::Unimplemented, "traces are received, nothing else");
    }
    if !matches!(encoding, b"identity" | b"gzip") {
        one(&intake.tally.refused_other);
        return answer::grpc_error(Code::Unimplemented, "messages may be packed with gzip, or not at all");
    }
    match taken.await {
        Ok(checked) => answer::grpc(checked),
        Err(refusal) => {
            intake.refused(&refusal);
            answer::grpc_refusal(&refusal)
        }
    }
}

/// The kind of a body, or why it is of none that is read.
fn kind(headers: &HeaderMap) -> Result<Kind, &'static str> {
    let media = header(headers, &CONTENT_TYPE).split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let json = match media.to_ascii_lowercase().as_slice() {
        b"application/x-protobuf" | b"application/protobuf" => false,
        b"application/json" => true,
        _ => return Err("the content type has to be application/x-protobuf or application/json"),
    };
    match header(headers, &CONTENT_ENCODING).to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(Kind { packed: false, json }),
        b"gzip" => Ok(Kind { packed: true, json }),
        _ => Err("the content may be packed with gzip, or not at all"),
    }
}

async fn http(what: (&Method, &str), headers: &HeaderMap, body: &mut Incoming, intake: &Intake) -> Answer {
    let json = header(headers, &CONTENT_TYPE).starts_with(b"application/json");
    let other = |status: StatusCode, text: &str| {
        one(&intake.tally.refused_other);
        answer::http_error(status, Code::Unimplemented, text, json)
    };
    match what {
        (&Method::GET | &Method::HEAD, "/health") => return health(headers, intake),
        (&Method::POST, TRACES) => {}
        (_, TRACES) => {
            let mut answer = other(StatusCode::METHOD_NOT_ALLOWED, "traces are posted");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        _ => return other(StatusCode::NOT_FOUND, "traces are received at /v1/traces, nothing else"),
    }
    if let Err(refusal) = check_token(headers, intake) {
        intake.refused(&refusal);
        return answer::http_refusal(&refusal, json);
    }
    let kind = match kind(headers) {
        Ok(kind) => kind,
        Err(reason) => return other(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason),
    };
    match take(body, kind, intake).await {
        Ok(checked) => answer::http(checked, json),
        Err(refusal) => {
            intake.refused(&refusal);
            answer::http_refusal(&refusal, json)
        }
    }
}

async fn take(body: &mut Incoming, kind: Kind, intake: &Intake) -> Result<Checked, Refusal> {
    let (message, room) = body::of_http(body, kind, intake).await?;
    intake.take(message, room).await
}

/// Is it ready? The counters are for those who have the token.
fn health(headers: &HeaderMap, intake: &Intake) -> Answer {
    let full = intake.is_full();
    let mut value = serde_json::json!({"status": if full { "the journal takes all of --disk" } else { "ready" }});
    if check_token(headers, intake).is_ok() {
        for (name, n) in intake.tally.counts() {
            value[name] = n.into();
        }
    }
    answer::json(if full { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, &value)
}
