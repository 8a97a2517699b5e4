//! The keys of attributes that matter, old and new semantic conventions, and what each says.

use super::span::{Kind, Slot};

/// From this rank on a host is told by name.
pub const NAMED_HOST: u8 = 5;

/// What the key of an attribute says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A slot, with the rank of this key for it.
    Slot(Slot, u8),
    /// Attempts before this one.
    Resent,
    /// An error.
    Error,
    /// Status as text.
    Status,
    /// Kind as text.
    Kind,
    /// Sampler.
    Sampler,
    /// Share that the sampler keeps.
    SamplerShare,
}

/// Keys of the semantic conventions, old and new; the higher rank wins.
const KEYS: &[(&[u8], Meaning)] = {
    use Meaning::Slot as S;
    &[
        (b"db.system.name", S(Slot::Database, 3)),
        (b"db.system", S(Slot::Database, 2)),
        (b"db.type", S(Slot::Database, 1)),
        (b"db.namespace", S(Slot::Namespace, 4)),
        (b"db.name", S(Slot::Namespace, 3)),
        (b"db.redis.database_index", S(Slot::Namespace, 2)),
        (b"db.instance", S(Slot::Namespace, 1)),
        (b"db.collection.name", S(Slot::Table, 4)),
        (b"db.sql.table", S(Slot::Table, 3)),
        (b"db.mongodb.collection", S(Slot::Table, 2)),
        (b"db.cassandra.table", S(Slot::Table, 1)),
        (b"db.operation.name", S(Slot::Verb, 2)),
        (b"db.operation", S(Slot::Verb, 1)),
        (b"db.query.text", S(Slot::Statement, 2)),
        (b"db.statement", S(Slot::Statement, 1)),
        (b"messaging.system", S(Slot::Messaging, 1)),
        (b"messaging.destination.name", S(Slot::Destination, 3)),
        (b"messaging.destination", S(Slot::Destination, 2)),
        (b"kafka.topic", S(Slot::Destination, 1)),
        (b"message_bus.destination", S(Slot::Destination, 1)),
        (b"messaging.operation.type", S(Slot::Operation, 2)),
        (b"messaging.operation", S(Slot::Operation, 1)),
        (b"rpc.system.name", S(Slot::Rpc, 2)),
        (b"rpc.system", S(Slot::Rpc, 1)),
        (b"rpc.service", S(Slot::RpcService, 1)),
        (b"service.peer.name", S(Slot::Peer, 2)),
        (b"peer.service", S(Slot::Peer, 1)),
        (b"server.address", S(Slot::Host, 9)),
        (b"net.peer.name", S(Slot::Host, 8)),
        (b"peer.hostname", S(Slot::Host, 7)),
        (b"peer.address", S(Slot::Host, 6)),
        (b"net.sock.peer.name", S(Slot::Host, 5)),
        (b"network.peer.address", S(Slot::Host, 4)),
        (b"net.sock.peer.addr", S(Slot::Host, 3)),
        (b"net.peer.ip", S(Slot::Host, 2)),
        (b"http.host", S(Slot::Host, 1)),
        (b"url.full", S(Slot::Url, 2)),
        (b"http.url", S(Slot::Url, 1)),
        (b"http.resend_count", Meaning::Resent),
        (b"http.request.resend_count", Meaning::Resent),
        (b"error", Meaning::Error),
        (b"otel.status_code", Meaning::Status),
        (b"span.kind", Meaning::Kind),
        (b"sampler.type", Meaning::Sampler),
        (b"sampler.param", Meaning::SamplerShare),
    ]
};

/// Places of the table of keys.
const PLACES: usize = 1_024;

/// Where a key stands in the table: by its length, its first four and its last four bytes. Shorter ones say nothing.
///
/// The factor is one of many by which no two keys meet, nor a key and one of 150 other usual ones that say nothing.
#[inline]
const fn place(key: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) else { return None };
    let both = (u32::from_le_bytes(*first) as u64) << 32 | u32::from_le_bytes(*last) as u64;
    let mixed = (both ^ key.len() as u64).wrapping_mul(0x4ed0_1edf_e260_8a63);
    Some((mixed >> 54) as usize)
}

/// By place the number of a key from 1, so that the many keys that do not matter cost one look.
static TABLE: [u8; PLACES] = {
    let mut table = [0u8; PLACES];
    let mut at = 0;
    while at < KEYS.len() {
        let place = match place(KEYS[at].0) {
            Some(place) => place,
            None => panic!("a key of four bytes at least"),
        };
        assert!(table[place] == 0, "two keys in one place: take another factor");
        table[place] = at as u8 + 1;
        at += 1;
    }
    table
};

/// What a key says, if it matters.
#[inline]
#[must_use]
pub fn meaning(key: &[u8]) -> Option<Meaning> {
    let (known, what) = KEYS.get(usize::from(TABLE[place(key)?]).checked_sub(1)?)?;
    (*known == key).then_some(*what)
}

/// The keys of attributes that matter, in the order in which they are looked for.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|(key, _)| std::str::from_utf8(key).ok())
}

/// What the value of an attribute may change about the shape of a span, without a look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Effect {
    /// What any bytes of it say.
    Whole,
    /// An address of the other side.
    Address,
    /// The other side's host by name: addresses and URLs do not count beside it.
    NamedHost,
    /// A URL: its host.
    Url,
    /// Which attributes count at all.
    Rules,
}

/// Does what an attribute says change the shape of a span of a kind? As `role` and the shape's key ask.
const fn matters(what: Meaning, kind: usize) -> bool {
    const SERVER: usize = Kind::Server as usize;
    const PRODUCER: usize = Kind::Producer as usize;
    const CONSUMER: usize = Kind::Consumer as usize;
    const INTERNAL: usize = Kind::Internal as usize;
    match (what, kind) {
        (Meaning::Slot(..) | Meaning::Resent, INTERNAL) => false,
        (Meaning::Slot(slot, _), SERVER) => matches!(slot, Slot::Rpc),
        (Meaning::Slot(slot, _), PRODUCER | CONSUMER) => {
            matches!(slot, Slot::Messaging | Slot::Peer | Slot::WeakPeer | Slot::Destination | Slot::Operation)
        }
        (Meaning::Resent, SERVER | PRODUCER | CONSUMER) => false,
        _ => true,
    }
}

/// By place, what the key there may change, and above that the kinds of spans whose shape it may change, as bits.
static EFFECTS: [u16; PLACES] = {
    let mut effects = [0u16; PLACES];
    let mut at = 0;
    while at < PLACES {
        if TABLE[at] > 0 {
            let what = KEYS[TABLE[at] as usize - 1].1;
            effects[at] = match what {
                Meaning::Slot(Slot::Host, rank) if rank < NAMED_HOST => Effect::Address,
                Meaning::Slot(Slot::Host, _) => Effect::NamedHost,
                Meaning::Slot(Slot::Url, _) => Effect::Url,
                Meaning::Kind => Effect::Rules,
                _ => Effect::Whole,
            } as u16;
            let mut kind = 0;
            while kind < 6 {
                if matters(what, kind) {
                    effects[at] |= 1 << (KINDS + kind);
                }
                kind += 1;
            }
        }
        at += 1;
    }
    effects
};

/// Where the bits of kinds begin.
const KINDS: usize = 8;

/// What an attribute may change about the shape of a span of a kind, if anything. An effect is said of some keys that
/// do not matter, too: keys are not compared.
#[inline(always)]
#[must_use]
pub fn effect(key: &[u8], kind: Kind) -> Option<Effect> {
    const ALL: [Effect; 5] = [Effect::Whole, Effect::Address, Effect::NamedHost, Effect::Url, Effect::Rules];
    let effect = EFFECTS[place(key)?];
    let counts = effect >> (KINDS as u8 + kind as u8) & 1 != 0;
    if counts { ALL.get(usize::from(effect & 7)).copied() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        for (key, what) in KEYS {
            assert_eq!(meaning(key), Some(*what), "{}", String::from_utf8_lossy(key));
            assert_eq!(meaning(&[key, &b"x"[..]].concat()), None);
            assert_eq!(meaning(&key[1..]), None);
        }
        for key in [&b""[..], b"err", b"http.route", b"thread.id", b"service.name"] {
            assert_eq!(meaning(key), None);
        }
    }
}
