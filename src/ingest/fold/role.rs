//! What a span is and does, by its attributes before its kind.

use super::names;
use super::shape::Role;
use super::span::{Kind, Slot, SpanView, Value};

/// Databases that are caches or session stores (`caches` of the lexicon): what they hold is no data of record.
const CACHES: [&[u8]; 4] = [b"redis", b"memcached", b"valkey", b"hazelcast"];

/// Does a database call write or read? By its verb as told, by the statement, by its name. A cache is no store, but a
/// service may keep its data there: what changes a cache may change data.
pub fn store_effect(view: &SpanView<'_>, operation: &[u8]) -> Option<names::Effect> {
    let mut system = [0u8; 16];
    let mut is_cache = false;
    view.get(Slot::Database).text(|name| {
        if let Some(lower) = system.get_mut(..name.len()) {
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            is_cache = CACHES.contains(&&*lower);
        }
    });
    let mut effect = names::effect_of(operation);
    for slot in [Slot::Verb, Slot::Statement] {
        if effect.is_none() {
            view.get(slot).text(|text| effect = names::effect_of(text));
        }
    }
    if effect.is_none() {
        view.name.text(|text| effect = names::effect_of(text));
    }
    match effect {
        Some(names::Effect::Reads) if is_cache => None,
        _ if is_cache => Some(names::Effect::Unclear),
        known => known,
    }
}

/// The messaging system, else what the other side is called.
pub fn messaging_system<'a>(view: &SpanView<'a>) -> Value<'a> {
    [Slot::Messaging, Slot::Peer, Slot::WeakPeer]
        .into_iter()
        .map(|slot| view.get(slot))
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

/// Is a text one of these words?
pub fn is_one_of(value: Value<'_>, words: &[&[u8]]) -> bool {
    matches!(value, Value::Text(text) if words.iter().any(|w| text.eq_ignore_ascii_case(w)))
}

/// What a span is: messaging and database attributes before its kind.
pub fn role(view: &SpanView<'_>) -> Role {
    let messaging = !view.get(Slot::Messaging).is_empty();
    match view.kind {
        Kind::Internal => Role::Internal,
        Kind::Server => Role::Server,
        Kind::Producer => Role::Publish,
        Kind::Consumer => Role::Consume,
        Kind::Client if messaging => Role::BrokerCall,
        Kind::Client if !view.get(Slot::Database).is_empty() => Role::Database,
        Kind::Client => Role::Client,
        Kind::Unspecified if messaging => match view.get(Slot::Operation) {
            value if is_one_of(value, &[b"send", b"publish", b"create"]) => Role::Publish,
            value if is_one_of(value, &[b"process", b"deliver", b"receive", b"consume"]) => Role::Consume,
            _ => Role::Unknown,
        },
        Kind::Unspecified if !view.get(Slot::Database).is_empty() => Role::Database,
        Kind::Unspecified => Role::Unknown,
    }
}
