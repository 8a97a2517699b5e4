//! Answers, as OTLP has them: over gRPC a message and a status behind it, over HTTP a message or a `google.rpc.Status`
//! in the form that the request had.
//!
//! Source: the OpenTelemetry Protocol Specification 1.x, "OTLP/gRPC Response", "OTLP/HTTP Response" and
//! "Retryable Response Codes".

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use crate::ingest::traces::request::{Checked, put_bytes, put_number};

use super::intake::Refusal;

/// The body of an answer.
pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Seconds after which a sender that was asked to wait may come again.
const AGAIN: u64 = 1;

/// A status of gRPC (google/rpc/code.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It cannot be read.
    InvalidArgument = 3,
    /// Too large.
    ResourceExhausted = 8,
    /// No such method.
    Unimplemented = 12,
    /// Come again.
    Unavailable = 14,
    /// Without the token.
    Unauthenticated = 16,
}

impl Refusal {
    /// Its status over HTTP and over gRPC.
    fn status(&self) -> (StatusCode, Code) {
        match self {
            Self::Broken(_) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
            // Without details it is not to be sent again, which is right: it will not get smaller.
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
            Self::Token => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, Code::Unavailable),
            Self::Disk => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Self::Slow => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Broken(reason) => reason.clone(),
            Self::TooLarge(limit) => format!("the message has more than {limit} bytes; send smaller batches"),
            Self::Token => "the bearer token is missing or wrong".to_owned(),
            Self::Busy => "no room in memory; send it again later".to_owned(),
            Self::Disk => "no room on the disk; send it again later".to_owned(),
            Self::Slow => "the request was not there in time".to_owned(),
        }
    }

    /// Is it to be sent again?
    fn again(&self) -> bool {
        matches!(self, Self::Busy | Self::Disk | Self::Slow)
    }
}

fn body(bytes: Vec<u8>) -> UnsyncBoxBody<Bytes, Infallible> {
    Full::new(Bytes::from(bytes)).boxed_unsync()
}

fn without_ids(checked: Checked) -> String {
    format!("{} spans have no trace id or no span id: they are counted and not used", checked.without_ids)
}

/// ExportTraceServiceResponse in protobuf: empty if all is well.
fn response(checked: Checked) -> Vec<u8> {
    let mut out = Vec::new();
    if checked.without_ids > 0 {
        let mut partial = Vec::new();
        put_number(&mut partial, 1, checked.without_ids);
        put_bytes(&mut partial, 2, without_ids(checked).as_bytes());
        put_bytes(&mut out, 1, &partial);
    }
    out
}

/// The answer to a request that was taken over gRPC.
pub fn grpc(checked: Checked) -> Answer {
    let message = response(checked);
    let mut framed = vec![0];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(&message);
    let trailers = async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Some(Ok(trailers))
    };
    let mut answer = Response::new(Full::new(Bytes::from(framed)).with_trailers(trailers).boxed_unsync());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    answer.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip"));
    answer
}

/// The answer to one that was refused over gRPC.
pub fn grpc_refusal(refusal: &Refusal) -> Answer {
    grpc_error(refusal.status().1, &refusal.text())
}

/// An error over gRPC: headers only.
pub fn grpc_error(code: Code, text: &str) -> Answer {
    let mut answer = Response::new(body(Vec::new()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(code as u16));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip"));
    // Percent-encoded, as gRPC has it.
    let mut message = String::new();
    for byte in text.bytes() {
        match byte {
            b'%' | 0..0x20 | 0x7f.. => message.push_str(&format!("%{byte:02X}")),
            plain => message.push(char::from(plain)),
        }
    }
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert("grpc-message", message);
    }
    answer
}

fn typed(status: StatusCode, json: bool, bytes: Vec<u8>) -> Answer {
    let mut answer = Response::new(body(bytes));
    *answer.status_mut() = status;
    let kind = if json { "application/json" } else { "application/x-protobuf" };
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// The answer to a request that was taken over HTTP.
pub fn http(checked: Checked, json: bool) -> Answer {
    if !json {
        return typed(StatusCode::OK, false, response(checked));
    }
    let rejected = checked.without_ids.to_string();
    let value = match checked.without_ids {
        0 => serde_json::json!({}),
        _ => serde_json::json!({"partialSuccess": {"rejectedSpans": rejected, "errorMessage": without_ids(checked)}}),
    };
    typed(StatusCode::OK, true, value.to_string().into_bytes())
}

/// The answer to one that was refused over HTTP.
pub fn http_refusal(refusal: &Refusal, json: bool) -> Answer {
    let (status, code) = refusal.status();
    let mut answer = http_error(status, code, &refusal.text(), json);
    if refusal.again() {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(AGAIN));
    }
    if *refusal == Refusal::Token {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// An error over HTTP: a `google.rpc.Status`.
pub fn http_error(status: StatusCode, code: Code, text: &str, json: bool) -> Answer {
    let bytes = if json {
        serde_json::json!({"code": code as u64, "message": text}).to_string().into_bytes()
    } else {
        let mut out = Vec::new();
        put_number(&mut out, 1, code as u64);
        put_bytes(&mut out, 2, text.as_bytes());
        out
    };
    typed(status, json, bytes)
}

/// An answer in JSON.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    typed(status, true, value.to_string().into_bytes())
}
