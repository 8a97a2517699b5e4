//! Spans like one before: everything that a shape is made of, unread, as 128 bits that lead to its number. Names need
//! not be searched for identifiers, nor statements for tables, when the same texts were met before.
//!
//! Two different spans share 128 bits by chance only (the seed is the process's own, so that no input can aim at it):
//! among a billion different ones with a chance below 1 in 10^20.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::shape::{Role, Text};
use super::span::{Slot, SpanView, Value, host_of};

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

    /// What the shape of a span depends on, and nothing else.
    #[inline]
    pub fn print(&self, view: &SpanView<'_>, service: Text, role: Role) -> Print {
        let flags =
            [view.error, view.resent, view.shared, view.links.is_empty(), view.parent == 0, view.host_is_name()];
        let flags = flags.iter().fold(0, |bits, on| bits << 1 | u64::from(*on));
        let mut mix = Mix { seed: &self.seed, one: self.seed[0], two: self.seed[1], lengths: 0 };
        mix.words(u64::from(service) << 32 | flags << 16 | (role as u64) << 8 | view.kind as u64, view.weight);
        match role {
            Role::Internal if view.parent != 0 => {}
            Role::Internal => mix.value(view.name),
            Role::Server | Role::Unknown => {
                mix.value(view.name);
                mix.slots(view, &[Slot::Rpc]);
            }
            Role::Client => {
                mix.value(view.name);
                mix.slots(view, &[Slot::Rpc, Slot::Peer, Slot::WeakPeer, Slot::Host, Slot::RpcService]);
                match view.get(Slot::Url) {
                    _ if view.host_is_name() => {}
                    Value::Text(url) => mix.value(Value::Text(host_of(url))),
                    url => mix.value(url),
                }
            }
            Role::Database => {
                mix.value(view.name);
                mix.slots(view, &[Slot::Table, Slot::Verb, Slot::Statement]);
                mix.slots(view, &[Slot::Database, Slot::Namespace, Slot::Host]);
            }
            Role::Publish | Role::Consume | Role::BrokerCall => {
                mix.value(view.name);
                mix.slots(view, &[Slot::Messaging, Slot::Peer, Slot::WeakPeer, Slot::Destination, Slot::Operation]);
            }
        }
        mix.words(mix.lengths, 0);
        Print(mix.one, mix.two)
    }
}

/// Two chains of folded multiplications (as wyhash and foldhash use them) over the same words, with other seeds.
struct Mix<'s> {
    seed: &'s [u64; 4],
    one: u64,
    two: u64,
    /// Lengths and kinds of the values so far.
    lengths: u64,
}

fn folded(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b))
}

impl Mix<'_> {
    #[inline]
    fn words(&mut self, a: u64, b: u64) {
        self.one = folded(self.one ^ a, self.seed[2] ^ b);
        self.two = folded(self.two ^ b, self.seed[3] ^ a);
    }

    #[inline]
    fn slots(&mut self, view: &SpanView<'_>, slots: &[Slot]) {
        for slot in slots {
            let value = view.get(*slot);
            if !matches!(value, Value::None) {
                self.lengths = self.lengths.wrapping_mul(31) + *slot as u64;
                self.value(value);
            }
        }
    }

    #[inline]
    fn value(&mut self, value: Value<'_>) {
        let (kind, text) = match value {
            Value::None => (0, &b""[..]),
            Value::Text(text) => (1, text),
            Value::Bytes(text) => (2, text),
            Value::Escaped(text) => (3, text),
            Value::Int(n) => return self.number(4, n as u64),
            Value::Bool(b) => return self.number(5, u64::from(b)),
            Value::Double(d) => return self.number(6, d.to_bits()),
        };
        self.lengths = self.lengths.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add((text.len() as u64) << 3 | kind);
        self.text(text);
    }

    fn number(&mut self, kind: u64, n: u64) {
        self.lengths = self.lengths.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(kind);
        self.words(n, 0);
    }

    /// All bytes, sixteen at a time, the last sixteen whatever was taken before.
    #[inline]
    fn text(&mut self, text: &[u8]) {
        let n = text.len();
        if n >= 16 {
            let mut rest = text;
            while let Some((block, tail)) = rest.split_first_chunk::<16>().filter(|(_, tail)| !tail.is_empty()) {
                self.words(long(block), long(&block[8..]));
                rest = tail;
            }
            let last = &text[n - 16..];
            self.words(long(last), long(&last[8..]));
        } else if n >= 8 {
            self.words(long(text), long(&text[n - 8..]));
        } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            self.words(u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
        } else if n > 0 {
            // One to three bytes.
            let word = u64::from(text[0]) | u64::from(text[n / 2]) << 8 | u64::from(text[n - 1]) << 16;
            self.words(word, 0);
        }
    }
}

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
}
