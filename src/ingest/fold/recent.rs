//! Spans like one before: everything that a shape is made of, unread, as 128 bits that lead to its number. Names need
//! not be searched for identifiers, nor statements for tables, when the same texts were met before.
//!
//! There are three such prints of a span: of the bytes of its attributes, taken while it is walked over ([`Draft`]); of
//! all of a row but its ids and times; of the slots that attributes fill, where they were read.
//!
//! Two different spans share 128 bits by chance only (the seed is the process's own, so that no input can aim at it):
//! among a billion different ones with a chance below 1 in 10^20.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::keys::{Effect, effect, meaning};
use super::shape::{Role, Text};
use super::span::{Kind, Slot, SpanView, Value, host_of};

/// As many are kept; then it begins anew, for names without end.
const MOST: usize = 1 << 16;

/// Numbers of shapes by what they were made of.
#[derive(Debug)]
pub struct Recent {
    table: HashTable<(Print, u32)>,
    seed: [u64; 4],
}

/// What a span is made of, in 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print(u64, u64);

impl Default for Recent {
    fn default() -> Self {
        let state = RandomState::new();
        let seed = [1u64, 2, 3, 4].map(|n| state.hash_one(n));
        Self { table: HashTable::new(), seed }
    }
}

impl Recent {
    /// The number of a shape.
    #[inline]
    pub fn get(&self, print: Print) -> Option<u32> {
        self.table.find(print.0, |(known, _)| *known == print).map(|(_, shape)| *shape)
    }

    /// Keeps the number of a shape.
    pub fn put(&mut self, print: Print, shape: u32) {
        if self.table.len() >= MOST {
            self.table.clear();
        }
        self.table.insert_unique(print.0, (print, shape), |(known, _)| known.0);
    }

    /// Nothing of a span yet.
    #[must_use]
    pub fn draft<'a>(&self) -> Draft<'a> {
        let (all, addresses) = (Mix::new(self.seed), Mix::new(self.seed));
        Draft { all, addresses, url: Value::None, named: false, unsure: false }
    }

    /// What the shape of a span depends on that lies before us as some parts, unread.
    #[must_use]
    pub fn of_parts<'p>(&self, parts: impl Iterator<Item = &'p [u8]>, view: &SpanView<'_>) -> Print {
        let mut mix = Mix::new(self.seed);
        parts.for_each(|part| mix.text(0, part));
        mix.marks(view, 0, PARTS);
        Print(mix.one, mix.two)
    }

    /// What the shape of a span depends on, and nothing else.
    #[inline]
    pub fn print(&self, view: &SpanView<'_>, service: Text, role: Role) -> Print {
        let mut mix = Mix::new(self.seed);
        match role {
            Role::Internal if view.parent != 0 => {}
            Role::Internal => mix.value(0, view.name),
            Role::Server | Role::Unknown => {
                mix.value(0, view.name);
                mix.slots(view, &[Slot::Rpc]);
            }
            Role::Client => {
                mix.value(0, view.name);
                mix.slots(view, &[Slot::Rpc, Slot::Peer, Slot::WeakPeer, Slot::Host, Slot::RpcService]);
                if !view.host_is_name() {
                    mix.url(view.get(Slot::Url));
                }
            }
            Role::Database => {
                mix.value(0, view.name);
                mix.slots(view, &[Slot::Table, Slot::Verb, Slot::Statement]);
                mix.slots(view, &[Slot::Database, Slot::Namespace, Slot::Host]);
            }
            Role::Publish | Role::Consume | Role::BrokerCall => {
                mix.value(0, view.name);
                mix.slots(view, &[Slot::Messaging, Slot::Peer, Slot::WeakPeer, Slot::Destination, Slot::Operation]);
            }
        }
        mix.marks(view, service, role as u64);
        Print(mix.one, mix.two)
    }
}

/// Stand where a role does in the print of a draft, and of parts.
const DRAFTED: u64 = 0xff;
const PARTS: u64 = 0xfe;

/// The attributes of a span as far as they may matter, unread.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    all: Mix,
    /// Addresses of the other side, which matter if nothing names its host.
    addresses: Mix,
    /// So does this.
    url: Value<'a>,
    named: bool,
    unsure: bool,
}

impl<'a> Draft<'a> {
    /// Nothing of the next span yet.
    #[inline]
    pub fn clear(&mut self) {
        (self.all, self.addresses) = (Mix::new(self.all.seed), Mix::new(self.all.seed));
        (self.url, self.named, self.unsure) = (Value::None, false, false);
    }

    /// What the shape of a span depends on whose attributes these are: of the view their values are not asked for.
    /// None if they have to be read.
    #[inline]
    #[must_use]
    pub fn print(&self, view: &SpanView<'_>, service: Text) -> Option<Print> {
        if self.unsure {
            return None;
        }
        let mut mix = self.all;
        if !self.named {
            mix.words(self.addresses.one, self.addresses.two);
            mix.url(self.url);
        }
        // A step inside has no name.
        if view.kind != Kind::Internal || view.parent == 0 {
            mix.value(0, view.name);
        }
        mix.marks(view, service, DRAFTED);
        Some(Print(mix.one, mix.two))
    }

    /// The attributes will have to be read.
    pub fn give_up(&mut self) {
        self.unsure = true;
    }

    /// An attribute of a span whose kind is known: `raw` are all bytes that key and value are made of.
    #[inline(always)]
    pub fn attribute(&mut self, kind: Kind, key: &[u8], raw: &'a [u8], value: impl FnOnce(&'a [u8]) -> Value<'a>) {
        if let Some(effect) = effect(key, kind) {
            self.mix(effect, key, raw, value);
        }
    }

    #[inline(never)]
    fn mix(&mut self, effect: Effect, key: &[u8], raw: &'a [u8], value: impl FnOnce(&'a [u8]) -> Value<'a>) {
        match effect {
            Effect::Address => return self.addresses.text(0, raw),
            Effect::Whole => {}
            // Other keys may stand in these places.
            _ if meaning(key).is_none() => {}
            Effect::NamedHost => self.named |= !value(raw).is_empty(),
            Effect::Url if matches!(self.url, Value::None) => {
                self.url = value(raw);
                return;
            }
            Effect::Url | Effect::Rules => self.unsure = true,
        }
        self.all.text(0, raw);
    }
}

/// Two chains of folded multiplications (as wyhash and foldhash use them) over the same words, with other seeds.
/// Each part is mixed alone before it joins the chains, so that parts need not wait for each other.
#[derive(Debug, Clone, Copy)]
struct Mix {
    seed: [u64; 4],
    one: u64,
    two: u64,
}

fn folded(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b))
}

impl Mix {
    fn new(seed: [u64; 4]) -> Self {
        Self { seed, one: seed[0], two: seed[1] }
    }

    #[inline]
    fn words(&mut self, a: u64, b: u64) {
        self.one = folded(self.one ^ a, self.seed[2] ^ b);
        self.two = folded(self.two ^ b, self.seed[3] ^ a);
    }

    /// What is no text.
    #[inline]
    fn marks(&mut self, view: &SpanView<'_>, service: Text, role: u64) {
        let flags =
            [view.error, view.resent, view.shared, view.links.is_empty(), view.parent == 0, view.host_is_name()];
        let flags = flags.iter().fold(0, |bits, on| bits << 1 | u64::from(*on));
        self.words(u64::from(service) << 32 | flags << 16 | role << 8 | view.kind as u64, view.weight);
    }

    #[inline]
    fn slots(&mut self, view: &SpanView<'_>, slots: &[Slot]) {
        for slot in slots {
            let value = view.get(*slot);
            if !matches!(value, Value::None) {
                self.value(1 + *slot as u64, value);
            }
        }
    }

    fn url(&mut self, url: Value<'_>) {
        match url {
            Value::None => {}
            Value::Text(url) => self.text(URL, host_of(url)),
            url => self.value(URL, url),
        }
    }

    /// A value and what it is.
    #[inline]
    fn value(&mut self, what: u64, value: Value<'_>) {
        match value {
            Value::None => self.words(what << 3, 0),
            Value::Text(text) => self.text(what << 3 | 1, text),
            Value::Bytes(text) => self.text(what << 3 | 2, text),
            Value::Escaped(text) => self.text(what << 3 | 3, text),
            Value::Int(n) => self.words(what << 3 | 4, n as u64),
            Value::Bool(b) => self.words(what << 3 | 5, u64::from(b)),
            Value::Double(d) => self.words(what << 3 | 6, d.to_bits()),
        }
    }

    /// All bytes, sixteen at a time, the last sixteen whatever was taken before.
    #[inline]
    fn text(&mut self, what: u64, text: &[u8]) {
        let seed = self.seed;
        let (mut one, mut two) = (seed[0] ^ what << 32 ^ text.len() as u64, seed[1]);
        let mut words = |a: u64, b: u64| {
            one = folded(one ^ a, seed[2] ^ b);
            two = folded(two ^ b, seed[3] ^ a);
        };
        if let Some(last) = text.last_chunk::<16>() {
            let (blocks, _) = text[..text.len() - 1].as_chunks::<16>();
            blocks.iter().for_each(|block| words(long(block), long(&block[8..])));
            words(long(last), long(&last[8..]));
        } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            words(long(first), long(last));
        } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            words(u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
        } else if let [first, ..] = text {
            // One to three bytes.
            let (middle, last) = (text[text.len() / 2], text[text.len() - 1]);
            words(u64::from(*first) | u64::from(middle) << 8 | u64::from(last) << 16, 0);
        }
        self.words(one, two);
    }
}

/// A URL among what parts are; other numbers are those of slots.
const URL: u64 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_differ_where_spans_do_and_only_there() {
        let recent = Recent::default();
        let texts = [
            "",
            "a",
            "b",
            "ab",
            "abc",
            "abcd",
            "abcde",
            "GET /orders",
            "GET /orders/of/one/customer",
            "GET /orders/of/two/customer",
        ];
        let mut seen: Vec<(Print, String)> = Vec::new();
        for name in texts {
            for peer in texts {
                for (id, start) in [(1, 2), (3, 4)] {
                    let mut view = SpanView::default();
                    (view.id, view.start, view.name) = (id, start, Value::Text(name.as_bytes()));
                    view.attribute(b"peer.service", || Value::Text(peer.as_bytes()));
                    seen.push((recent.print(&view, 7, Role::Client), format!("{name}|{peer}")));
                }
            }
        }
        for (print, what) in &seen {
            assert!(seen.iter().all(|(other, this)| (other == print) == (this == what)), "{what}");
        }
        let view = SpanView::default();
        assert_ne!(recent.print(&view, 7, Role::Client), recent.print(&view, 8, Role::Client));
        assert_ne!(recent.print(&view, 7, Role::Client), recent.print(&view, 7, Role::Server));
    }

    #[test]
    fn drafts_tell_apart_what_matters_to_a_kind() {
        let recent = Recent::default();
        let print = |kind: Kind, attributes: &[(&'static str, &'static str)]| {
            let mut draft = recent.draft();
            for (key, value) in attributes {
                draft.attribute(kind, key.as_bytes(), value.as_bytes(), Value::Text);
            }
            let mut view = SpanView::default();
            view.kind = kind;
            draft.print(&view, 7)
        };
        let named = ("server.address", "orders");
        let (one, other) = (("network.peer.address", "10.0.0.1"), ("network.peer.address", "10.0.0.2"));
        // Beside a name no address counts; an empty name is none.
        assert_eq!(print(Kind::Client, &[named, one]), print(Kind::Client, &[named, other]));
        let unnamed = ("server.address", "");
        assert_ne!(print(Kind::Client, &[unnamed, one]), print(Kind::Client, &[unnamed, other]));
        assert_ne!(print(Kind::Client, &[one]), print(Kind::Client, &[other]));
        // Of a URL the host alone.
        let [a, b, c] = ["http://a/1", "http://a/2", "http://b/1"].map(|url| ("url.full", url));
        assert_eq!(print(Kind::Client, &[a]), print(Kind::Client, &[b]));
        assert_ne!(print(Kind::Client, &[a]), print(Kind::Client, &[c]));
        assert_eq!(print(Kind::Client, &[named, a]), print(Kind::Client, &[named, c]));
        assert_eq!(print(Kind::Client, &[a, c]), None);
        // Whom a server talks to is of no matter to it; a word about the kind has to be read.
        assert_eq!(print(Kind::Server, &[one]), print(Kind::Server, &[named, c]));
        assert_ne!(print(Kind::Server, &[("rpc.system", "grpc")]), print(Kind::Server, &[]));
        assert_eq!(print(Kind::Server, &[("span.kind", "client")]), None);
        assert_ne!(print(Kind::Client, &[]), print(Kind::Server, &[]));
    }
}
