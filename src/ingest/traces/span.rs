//! Spans as all formats give them: compact, with strings interned, and the attributes that matter read once.
//!
//! A reader calls the sink span by span; old and new semantic conventions meet here. Knows no format.

use hashbrown::HashMap;

/// Kind of a span, as OTLP numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Not given.
    #[default]
    Unspecified,
    /// Inside a service.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Puts a message in.
    Producer,
    /// Takes a message out.
    Consumer,
}

impl Kind {
    /// By number.
    #[must_use]
    pub fn from_number(n: u64) -> Self {
        match n {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }

    /// By name (`SPAN_KIND_CLIENT`, `CLIENT`, `client`).
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name.rsplit("KIND_").next().unwrap_or(name).to_ascii_lowercase().as_str() {
            "internal" | "local" => Self::Internal,
            "server" => Self::Server,
            "client" => Self::Client,
            "producer" => Self::Producer,
            "consumer" => Self::Consumer,
            _ => Self::Unspecified,
        }
    }
}

/// A string of a batch; 0 is the empty one.
pub type Text = u32;

/// Interned strings.
#[derive(Debug, Clone)]
pub struct Strings {
    list: Vec<Box<str>>,
    at: HashMap<Box<str>, Text, foldhash::fast::FixedState>,
}

impl Default for Strings {
    fn default() -> Self {
        let mut strings = Self { list: Vec::new(), at: HashMap::with_hasher(foldhash::fast::FixedState::default()) };
        strings.intern("");
        strings
    }
}

impl Strings {
    /// The number of a text.
    pub fn intern(&mut self, text: &str) -> Text {
        if let Some(at) = self.at.get(text) {
            return *at;
        }
        let at = self.list.len() as Text;
        self.list.push(text.into());
        self.at.insert(text.into(), at);
        at
    }

    /// The text of a number.
    #[must_use]
    pub fn text(&self, at: Text) -> &str {
        &self.list[at as usize]
    }

    /// The number of a text that is known.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Text> {
        self.at.get(text).copied()
    }
}

/// A span, compact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Trace id.
    pub trace: u128,
    /// Span id.
    pub id: u64,
    /// Parent span id, 0 for none.
    pub parent: u64,
    /// Kind.
    pub kind: Kind,
    /// Zipkin's shared server half.
    pub shared: bool,
    /// Ended in an error.
    pub error: bool,
    /// An attempt after the first.
    pub resent: bool,
    /// A peer name that only counts if that service occurs in the input.
    pub weak_peer: bool,
    /// Duration in nanoseconds.
    pub duration: u64,
    /// Service name.
    pub service: Text,
    /// Span name.
    pub name: Text,
    /// Database system.
    pub database: Text,
    /// Database namespace.
    pub namespace: Text,
    /// Messaging system.
    pub messaging: Text,
    /// Destination.
    pub destination: Text,
    /// Messaging operation.
    pub operation: Text,
    /// RPC system.
    pub rpc: Text,
    /// Peer service.
    pub peer: Text,
    /// Host of the peer.
    pub host: Text,
    /// RPC service, as a last name of the peer.
    pub rpc_service: Text,
    /// Links: (trace, span).
    pub links: Vec<(u128, u64)>,
}

/// Spans of one file.
#[derive(Debug, Default)]
pub struct Batch {
    /// Their strings.
    pub strings: Strings,
    /// The spans.
    pub spans: Vec<Span>,
    /// Spans without usable ids.
    pub rejected: u64,
}

impl Batch {
    /// Takes a span; one without ids is rejected.
    pub fn push(&mut self, span: Span) {
        if span.trace == 0 || span.id == 0 {
            self.rejected += 1;
        } else {
            self.spans.push(span);
        }
    }

    /// Reads an attribute of a span, as far as it matters.
    pub fn attribute(&mut self, span: &mut Span, key: &str, value: &str) {
        let intern = |strings: &mut Strings| strings.intern(value);
        match key {
            "db.system" | "db.system.name" => span.database = intern(&mut self.strings),
            "db.name" | "db.namespace" | "db.redis.database_index" if span.namespace == 0 => {
                span.namespace = intern(&mut self.strings);
            }
            "messaging.system" => span.messaging = intern(&mut self.strings),
            "messaging.destination" | "messaging.destination.name" => span.destination = intern(&mut self.strings),
            "kafka.topic" if span.destination == 0 => span.destination = intern(&mut self.strings),
            "messaging.operation" | "messaging.operation.type" => span.operation = intern(&mut self.strings),
            "rpc.system" | "rpc.system.name" => span.rpc = intern(&mut self.strings),
            "rpc.service" => span.rpc_service = intern(&mut self.strings),
            "peer.service" | "service.peer.name" => {
                span.peer = intern(&mut self.strings);
                span.weak_peer = false;
            }
            "server.address" | "net.peer.name" => span.host = intern(&mut self.strings),
            "network.peer.address"
            | "net.sock.peer.name"
            | "net.sock.peer.addr"
            | "peer.hostname"
            | "peer.address"
            | "http.host"
                if span.host == 0 =>
            {
                span.host = intern(&mut self.strings);
            }
            "url.full" | "http.url" if span.host == 0 => {
                let host = host_of(value);
                span.host = self.strings.intern(host);
            }
            "http.resend_count" | "http.request.resend_count" => span.resent = !matches!(value, "0" | ""),
            "error" => span.error |= !matches!(value, "false" | ""),
            "otel.status_code" => span.error |= value.eq_ignore_ascii_case("error"),
            "span.kind" => span.kind = Kind::from_name(value),
            _ => {}
        }
    }

    /// Could a key matter? Keys are told apart by their first letters before their values are read.
    #[must_use]
    pub fn wants(key: &[u8]) -> bool {
        match key.first() {
            Some(b'd') => key.starts_with(b"db."),
            Some(b'm') => key.starts_with(b"messaging."),
            Some(b'r') => key.starts_with(b"rpc.s"),
            Some(b'n') => key.starts_with(b"net"),
            Some(b'p') => key.starts_with(b"peer."),
            Some(b's') => key == b"server.address" || key.starts_with(b"service.") || key == b"span.kind",
            Some(b'h') => {
                matches!(key, b"http.url" | b"http.host" | b"http.resend_count" | b"http.request.resend_count")
            }
            Some(b'u') => key == b"url.full",
            Some(b'e') => key == b"error",
            Some(b'o') => key == b"otel.status_code",
            Some(b'k') => key == b"kafka.topic",
            _ => false,
        }
    }
}

/// The host of a URL.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    authority.rsplit_once(':').filter(|(_, p)| p.bytes().all(|b| b.is_ascii_digit())).map_or(authority, |(h, _)| h)
}

/// An id as number: hex of any case, left-padded; base64 of 8 or 16 bytes.
#[must_use]
pub fn id_of(text: &str) -> Option<u128> {
    let text = text.trim();
    if text.is_empty() || text == "0" {
        return None;
    }
    if text.len() <= 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        // Sixteen letters may be base64 only if they are no hex, and 24 letters with padding never are hex.
        return u128::from_str_radix(text, 16).ok();
    }
    let bytes = base64(text)?;
    (bytes.len() <= 16).then(|| bytes.iter().fold(0u128, |n, b| n << 8 | u128::from(*b)))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for b in text.bytes().filter(|b| *b != b'=') {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_spelling_are_one() {
        assert_eq!(id_of("0A0b"), Some(0x0a0b));
        assert_eq!(id_of("AAAAAAAAAAo="), Some(10));
        assert_eq!(id_of(""), None);
        assert_eq!(host_of("http://u:p@a.b:80/x?y"), "a.b");
    }
}
