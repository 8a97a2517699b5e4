//! A span as a reader sees it: slices of its input, and the attributes that matter in named slots.
//!
//! Old and new semantic conventions meet here: both names of an attribute lead to one slot, the newer one wins
//! whatever the order. Knows no format, allocates nothing.

use super::ids;
use super::keys::{Meaning, NAMED_HOST, meaning};

/// Kind of a span, as OTLP numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
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

    /// By name or number as text (`SPAN_KIND_CLIENT`, `CLIENT`, `client`, `3`).
    #[must_use]
    pub fn from_text(text: &[u8]) -> Self {
        let named = |name: &[u8]| match name {
            n if n.eq_ignore_ascii_case(b"client") => Self::Client,
            n if n.eq_ignore_ascii_case(b"server") => Self::Server,
            n if n.eq_ignore_ascii_case(b"internal") || n.eq_ignore_ascii_case(b"local") => Self::Internal,
            n if n.eq_ignore_ascii_case(b"producer") => Self::Producer,
            n if n.eq_ignore_ascii_case(b"consumer") => Self::Consumer,
            [digit] => Self::from_number(u64::from(digit.wrapping_sub(b'0'))),
            _ => Self::Unspecified,
        };
        let found = named(text);
        match memchr::memrchr(b'_', text) {
            Some(at) if found == Self::Unspecified && text[..at].ends_with(b"KIND") => named(&text[at + 1..]),
            _ => found,
        }
    }
}

/// The value of an attribute, unread. It is moved a lot: with a tag of a word it goes in words, not byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(u64)]
pub enum Value<'a> {
    /// None, or of a kind that is not needed (arrays, maps).
    #[default]
    None,
    /// Text as it stands.
    Text(&'a [u8]),
    /// Bytes that are no text: an id.
    Bytes(&'a [u8]),
    /// Text of JSON with escapes in it.
    Escaped(&'a [u8]),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// A number.
    Double(f64),
}

impl<'a> Value<'a> {
    /// Is there nothing in it?
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::None | Self::Text([]) | Self::Escaped([]) | Self::Bytes([]))
    }

    /// Calls `see` with the text.
    pub fn text<T>(&self, see: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::None => see(b""),
            Self::Text(text) | Self::Bytes(text) => see(text),
            Self::Escaped(text) => see(&unescape(text)),
            Self::Int(n) => see(n.to_string().as_bytes()),
            Self::Bool(value) => see(if *value { b"true" } else { b"false" }),
            Self::Double(value) => see(value.to_string().as_bytes()),
        }
    }

    /// As a number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Double(value) => Some(*value),
            Self::Text(text) | Self::Escaped(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
            _ => None,
        }
    }

    /// Does it say yes (`true`, or a text that is neither empty nor `false`)?
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Text(text) | Self::Escaped(text) => !text.is_empty() && !text.eq_ignore_ascii_case(b"false"),
            Self::Int(n) => *n != 0,
            _ => false,
        }
    }
}

/// Text of JSON without its escapes.
#[must_use]
pub fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(raw.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(raw);
    quoted.push(b'"');
    // A text that is no valid JSON string stays as it is.
    serde_json::from_slice::<String>(&quoted).map_or_else(|_| raw.to_vec(), String::into_bytes)
}

/// What an attribute may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Slot {
    /// Database system.
    Database,
    /// Database namespace.
    Namespace,
    /// Table or collection.
    Table,
    /// Database operation.
    Verb,
    /// Database statement, for the table where nothing else names it.
    Statement,
    /// Messaging system.
    Messaging,
    /// Topic or queue.
    Destination,
    /// Messaging operation.
    Operation,
    /// RPC system.
    Rpc,
    /// RPC service, the last resort for the name of a peer.
    RpcService,
    /// Peer service.
    Peer,
    /// A name of the other side that is a service only if that service occurs in the input (Zipkin).
    WeakPeer,
    /// Host of the other side.
    Host,
    /// URL, for the host where nothing else names it.
    Url,
}

/// How many slots there are.
const SLOTS: usize = 14;

/// A span, unread but for what is needed.
#[derive(Debug, Clone, Default)]
pub struct SpanView<'a> {
    /// Trace id, 0 for none.
    pub trace: u128,
    /// Span id, 0 for none.
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
    /// Calls that this one stands for, in millionths; 0 if not told.
    pub weight: u64,
    /// Start in nanoseconds since 1970, 0 if not told.
    pub start: u64,
    /// Duration in nanoseconds.
    pub duration: u64,
    /// The end lies before the start.
    pub negative: bool,
    /// Name.
    pub name: Value<'a>,
    /// Links: (trace, span).
    pub links: Vec<(u128, u64)>,
    ranks: [u8; SLOTS],
    values: [Value<'a>; SLOTS],
    sampled_by_share: bool,
    sampling: f64,
}

impl<'a> SpanView<'a> {
    /// Forgets everything, keeping memory.
    #[inline]
    pub fn clear(&mut self) {
        self.links.clear();
        self.ranks = [0; SLOTS];
        (self.trace, self.id, self.parent, self.kind) = (0, 0, 0, Kind::Unspecified);
        (self.shared, self.error, self.resent, self.weight) = (false, false, false, 0);
        (self.start, self.duration, self.negative, self.name) = (0, 0, false, Value::None);
        (self.sampled_by_share, self.sampling) = (false, 0.0);
    }

    /// The value of a slot.
    #[must_use]
    #[inline]
    pub fn get(&self, slot: Slot) -> Value<'a> {
        if self.ranks[slot as usize] == 0 { Value::None } else { self.values[slot as usize] }
    }

    /// Start and end in nanoseconds.
    #[inline]
    pub fn times(&mut self, start: u64, end: u64) {
        self.start = start;
        self.negative = end < start;
        self.duration = end.saturating_sub(start);
    }

    /// The other side as Zipkin names it.
    pub fn weak_peer(&mut self, name: Value<'a>) {
        self.put(Slot::WeakPeer, 1, name);
    }

    /// Sampling of OpenTelemetry in a trace state: `ot=th:<threshold>`.
    pub fn trace_state(&mut self, state: &[u8]) {
        self.weight = threshold_weight(state).unwrap_or(self.weight);
    }

    /// Is the host told by name (as opposed to an address that was resolved)?
    #[must_use]
    #[inline]
    pub fn host_is_name(&self) -> bool {
        self.ranks[Slot::Host as usize] >= NAMED_HOST
    }

    #[inline]
    fn put(&mut self, slot: Slot, rank: u8, value: Value<'a>) {
        let at = slot as usize;
        if rank > self.ranks[at] && !value.is_empty() {
            self.ranks[at] = rank;
            self.values[at] = value;
        }
    }

    /// Reads an attribute, as far as it matters. `value` is only called if it does.
    #[inline]
    pub fn attribute(&mut self, key: &[u8], value: impl FnOnce() -> Value<'a>) {
        if let Some(what) = meaning(key) {
            self.take(what, value());
        }
    }

    /// Takes the value of an attribute whose key has a [`Meaning`].
    #[inline]
    pub fn take(&mut self, what: Meaning, value: Value<'a>) {
        match what {
            Meaning::Slot(slot, rank) => self.put(slot, rank, value),
            Meaning::Resent => self.resent |= value.number().is_some_and(|n| n > 0.0),
            Meaning::Error => self.error |= value.truth(),
            Meaning::Status => self.error |= matches!(value, Value::Text(t) if t.eq_ignore_ascii_case(b"error")),
            Meaning::Kind => value.text(|t| self.kind = Kind::from_text(t)),
            Meaning::Sampler => {
                self.sampled_by_share = matches!(value, Value::Text(b"probabilistic"));
                self.sampled();
            }
            Meaning::SamplerShare => {
                self.sampling = value.number().unwrap_or(0.0);
                self.sampled();
            }
        }
    }

    /// Jaeger's probabilistic sampler keeps a share: each call stands for 1/share.
    fn sampled(&mut self) {
        if self.sampled_by_share && self.sampling > 1e-9 && self.sampling < 1.0 {
            self.weight = (1e6 / self.sampling).round() as u64;
        }
    }

    /// An id as text, or 0.
    #[must_use]
    pub fn id_of(text: &[u8]) -> u128 {
        ids::id_of(text).unwrap_or(0)
    }
}

/// `ot=th:c;rv:…` rejects the share c/16 of all: the others stand for more (OpenTelemetry's trace state handling).
fn threshold_weight(state: &[u8]) -> Option<u64> {
    let ours = state.split(|b| *b == b',').find_map(|part| part.trim_ascii().strip_prefix(b"ot="))?;
    let digits = ours.split(|b| *b == b';').find_map(|part| part.strip_prefix(b"th:"))?;
    if digits.is_empty() || digits.len() > 14 {
        return None;
    }
    let value = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let threshold = value << (4 * (14 - digits.len()));
    let kept = (1u64 << 56).checked_sub(threshold).filter(|kept| *kept > 0)?;
    Some((1e6 * (1u64 << 56) as f64 / kept as f64).round() as u64)
}

/// The host of a URL.
#[must_use]
pub fn host_of(url: &[u8]) -> &[u8] {
    let rest = memchr::memmem::find(url, b"://").map_or(url, |at| &url[at + 3..]);
    let authority = rest.split(|b| matches!(b, b'/' | b'?' | b'#')).next().unwrap_or(rest);
    let authority = memchr::memrchr(b'@', authority).map_or(authority, |at| &authority[at + 1..]);
    match memchr::memrchr(b':', authority) {
        Some(at) if authority[at + 1..].iter().all(u8::is_ascii_digit) => &authority[..at],
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_attribute_wins_in_any_order() {
        for order in [[0, 1], [1, 0]] {
            let mut view = SpanView::default();
            for at in order {
                let (key, value) = [("server.address", "orders"), ("network.peer.address", "10.0.0.1")][at];
                view.attribute(key.as_bytes(), || Value::Text(value.as_bytes()));
            }
            assert_eq!(view.get(Slot::Host), Value::Text(b"orders"));
        }
    }

    #[test]
    fn hosts_of_urls_have_no_port_and_no_user() {
        assert_eq!(host_of(b"http://u:p@a.b:80/x?y"), b"a.b");
        assert_eq!(host_of(b"https://[::1]/x"), b"[::1]");
        assert_eq!(host_of(b"a.b"), b"a.b");
    }

    #[test]
    fn sampling_gives_weights() {
        assert_eq!(threshold_weight(b"ot=th:c"), Some(4_000_000));
        assert_eq!(threshold_weight(b"x=1, ot=rv:1;th:8"), Some(2_000_000));
        assert_eq!(threshold_weight(b"ot=th:"), None);
        let mut view = SpanView::default();
        view.attribute(b"sampler.param", || Value::Double(0.1));
        view.attribute(b"sampler.type", || Value::Text(b"probabilistic"));
        assert_eq!(view.weight, 10_000_000);
    }

    #[test]
    fn kinds_have_many_spellings() {
        for text in ["SPAN_KIND_CLIENT", "client", "CLIENT", "3", "Client"] {
            assert_eq!(Kind::from_text(text.as_bytes()), Kind::Client, "{text}");
        }
        assert_eq!(Kind::from_text(b"\xff"), Kind::Unspecified);
    }
}
