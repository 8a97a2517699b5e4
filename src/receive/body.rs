//! Bodies of requests, read within their limits: room for a message is found when its length is known and before it is
//! read, what is packed is unpacked up to the limit, and what is refused is read away for a while so that its sender
//! hears why.

use std::io::Read;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::OwnedSemaphorePermit;

use crate::ingest::traces::request_json::to_protobuf;

use super::intake::{Intake, Refusal};

/// A message in protobuf, with the room that it takes.
pub type Message = (Bytes, OwnedSemaphorePermit);

/// Bytes before a message of gRPC: whether it is packed, and its length.
const PREFIX: usize = 5;

/// Bytes of a message that is unpacked or rewritten by the thread that also answers others; larger ones by one of those
/// that may take their time.
const AT_ONCE: usize = 64 << 10;

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// gzip.
    pub packed: bool,
    /// JSON, else protobuf.
    pub json: bool,
}

/// Reads the message of a call of gRPC; `packed` says how one that is marked as packed is.
pub async fn of_grpc(body: &mut Incoming, packed: bool, intake: &Intake) -> Result<Message, Refusal> {
    within(intake, read_grpc(body, packed, intake)).await
}

/// Reads the message of a request of HTTP.
pub async fn of_http(body: &mut Incoming, kind: Kind, intake: &Intake) -> Result<Message, Refusal> {
    within(intake, read_http(body, kind, intake)).await
}

async fn within<T>(intake: &Intake, read: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout(intake.patience, read).await.unwrap_or(Err(Refusal::Slow))
}

fn broken(reason: impl std::fmt::Display) -> Refusal {
    Refusal::Broken(reason.to_string())
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|e| broken(format!("the request broke off: {e}")))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn read_grpc(body: &mut Incoming, packed: bool, intake: &Intake) -> Result<Message, Refusal> {
    let mut head = Vec::with_capacity(PREFIX);
    let mut rest = Bytes::new();
    while head.len() < PREFIX {
        rest = next(body).await?.ok_or_else(|| broken("no message"))?;
        head.extend_from_slice(&rest.split_to(rest.len().min(PREFIX - head.len())));
    }
    let length = u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
    if length > intake.message {
        return Err(Refusal::TooLarge(intake.message));
    }
    let kind = Kind { packed: head[0] == 1, json: false };
    if head[0] > 1 || kind.packed && !packed {
        return Err(broken("packed in a way that it does not say"));
    }
    let room = intake.room(charge(length, kind, intake)).await?;
    let length = usize::try_from(length).map_err(broken)?;
    let mut message = Vec::with_capacity(length);
    while message.len() + rest.len() <= length {
        message.extend_from_slice(&rest);
        match next(body).await? {
            Some(more) => rest = more,
            None if message.len() == length => return unpack(message, kind, room, intake).await,
            None => break,
        }
    }
    Err(broken("the length of the message is not what it says"))
}

async fn read_http(body: &mut Incoming, kind: Kind, intake: &Intake) -> Result<Message, Refusal> {
    let told = body.size_hint().exact();
    if told.is_some_and(|n| n > intake.message) {
        return Err(Refusal::TooLarge(intake.message));
    }
    let room = intake.room(charge(told.unwrap_or(intake.message), kind, intake)).await?;
    let mut message = Vec::with_capacity(told.map_or(0, |n| usize::try_from(n).unwrap_or(0)));
    while let Some(more) = next(body).await? {
        if (message.len() + more.len()) as u64 > intake.message {
            return Err(Refusal::TooLarge(intake.message));
        }
        message.extend_from_slice(&more);
    }
    unpack(message, kind, room, intake).await
}

/// Bytes that a message of a length may take until it is written.
fn charge(length: u64, kind: Kind, intake: &Intake) -> u64 {
    let unpacked = if kind.packed { intake.message } else { length };
    // What JSON becomes is shorter than it.
    (if kind.packed { length } else { 0 } + if kind.json { 2 * unpacked } else { unpacked }).min(2 * intake.message)
}

async fn unpack(message: Vec<u8>, kind: Kind, room: OwnedSemaphorePermit, intake: &Intake) -> Result<Message, Refusal> {
    if kind == (Kind { packed: false, json: false }) {
        return Ok((message.into(), room));
    }
    let limit = intake.message;
    let small = !kind.packed && message.len() <= AT_ONCE;
    let done = if small {
        rewrite(message, kind, limit)
    } else {
        tokio::task::spawn_blocking(move || rewrite(message, kind, limit)).await.map_err(broken)?
    };
    done.map(|bytes| (bytes.into(), room))
}

/// Unpacks a message and makes protobuf of it.
fn rewrite(mut message: Vec<u8>, kind: Kind, limit: u64) -> Result<Vec<u8>, Refusal> {
    if kind.packed {
        let mut unpacked = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(message.as_slice()).take(limit + 1);
        reader.read_to_end(&mut unpacked).map_err(|e| broken(format!("not unpacked: {e}")))?;
        if unpacked.len() as u64 > limit {
            return Err(Refusal::TooLarge(limit));
        }
        message = unpacked;
    }
    if kind.json { to_protobuf(&message).map_err(|e| broken(format!("not JSON of OTLP: {e}"))) } else { Ok(message) }
}

/// Reads the rest of a request that is refused, up to a few messages of it and for a short while: a sender that is cut
/// off in the middle does not look for the answer.
pub async fn away(body: &mut Incoming, intake: &Intake) {
    let read = async {
        let mut left = 4 * intake.message;
        while let Ok(Some(more)) = next(body).await {
            left = left.saturating_sub(more.len() as u64);
            if left == 0 {
                break;
            }
        }
    };
    drop(tokio::time::timeout(intake.patience / 4, read).await);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_packed_has_a_limit() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&vec![0; 1 << 20]).expect("packed");
        let packed = packed.finish().expect("packed");
        let kind = Kind { packed: true, json: false };
        assert_eq!(rewrite(packed.clone(), kind, 1 << 20).map(|m| m.len()), Ok(1 << 20));
        assert_eq!(rewrite(packed.clone(), kind, (1 << 20) - 1), Err(Refusal::TooLarge((1 << 20) - 1)));
        assert!(matches!(rewrite(packed[..99].to_vec(), kind, 1 << 20), Err(Refusal::Broken(_))));
    }
}
