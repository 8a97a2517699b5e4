//! Shapes: everything about a span but its ids and times. Many spans share one, so each is interned once and a span
//! carries its number only.
//!
//! What a span is (its [`Role`]) is decided here, by attributes before kind, before any table of spans is touched.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::{HashMap, HashTable};

use super::brief::{Brief, ERROR, LINKED, PUTS, RESENT, SHARED, TAKES, WEAK};
use super::names;
use super::recent::{Draft, Print, Recent};
use super::role::{self, is_one_of, messaging_system};
use super::span::{Kind, Slot, SpanView, Value, host_of};

/// An interned string; 0 is the empty one.
pub type Text = u32;

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Role {
    /// Answers a call.
    Server,
    /// Makes a call.
    Client,
    /// Asks a database.
    Database,
    /// Puts a message in.
    Publish,
    /// Takes a message out.
    Consume,
    /// Another operation of a broker (receive, settle, the send of a batch).
    BrokerCall,
    /// Inside a service.
    #[default]
    Internal,
    /// Nothing says.
    Unknown,
}

/// All roles, by number.
pub const ROLES: [Role; 8] = [
    Role::Server,
    Role::Client,
    Role::Database,
    Role::Publish,
    Role::Consume,
    Role::BrokerCall,
    Role::Internal,
    Role::Unknown,
];

/// Everything about a span but its ids and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// What it is.
    pub role: Role,
    /// Kind as told.
    pub kind: Kind,
    /// Ended in an error.
    pub error: bool,
    /// An attempt after the first.
    pub resent: bool,
    /// Zipkin's shared server half.
    pub shared: bool,
    /// The name of the peer counts only if that service occurs in the input.
    pub weak_peer: bool,
    /// A broker operation that sends, a call that writes a store.
    pub puts: bool,
    /// A broker operation that receives, a call that reads a store. A call to a cache that may change it does both.
    pub takes: bool,
    /// Has links.
    pub linked: bool,
    /// Calls it stands for, in millionths; 0 if not told.
    pub weight: u64,
    /// Service.
    pub service: Text,
    /// Operation, without identifiers.
    pub operation: Text,
    /// RPC, database or messaging system.
    pub system: Text,
    /// Database `system:namespace@host`, destination, or peer.
    pub target: Text,
    /// Host of a client's other side.
    pub host: Text,
    /// RPC service of a client.
    pub rpc_service: Text,
    /// Table of a database call.
    pub table: Text,
}

/// Where the marks stand in the key.
const MARKS: usize = 2;

/// The shapes and strings of all threads.
#[derive(Debug)]
pub struct Shapes {
    inner: Mutex<Inner>,
    most: usize,
}

#[derive(Debug, Default)]
struct Inner {
    texts: Vec<Box<str>>,
    text_at: HashMap<Box<str>, Text, foldhash::fast::FixedState>,
    list: Vec<Shape>,
    at: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    bytes: usize,
}

impl Inner {
    fn intern(&mut self, text: &[u8]) -> Text {
        let text = String::from_utf8_lossy(text);
        if let Some(at) = self.text_at.get(&*text) {
            return *at;
        }
        let at = self.texts.len() as Text;
        self.bytes += 2 * text.len() + 64;
        self.texts.push(text.as_ref().into());
        self.text_at.insert(text.as_ref().into(), at);
        at
    }
}

/// All shapes, when no more are coming.
#[derive(Debug, Default)]
pub struct Known {
    /// Texts by number.
    pub texts: Vec<Box<str>>,
    /// Shapes by number.
    pub shapes: Vec<Shape>,
    /// The same in one word each.
    pub briefs: Vec<Brief>,
}

impl Known {
    /// By shape the number that stands for all shapes of the same names: errors, attempts and weights aside.
    #[must_use]
    pub fn canon(&self) -> Vec<u32> {
        let mut first: HashMap<_, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut canon = Vec::with_capacity(self.shapes.len());
        for (at, s) in self.shapes.iter().enumerate() {
            let key = (s.role, s.service, s.operation, s.system, s.target, s.host, s.table);
            canon.push(*first.entry(key).or_insert(at as u32));
        }
        canon
    }

    /// What a shape says, in words: the same whatever its number.
    #[must_use]
    pub fn content(&self, at: u32) -> impl Ord + use<'_> {
        let s = self.shapes.get(at as usize).copied().unwrap_or_default();
        let texts = [s.service, s.operation, s.system, s.target, s.host, s.rpc_service, s.table].map(|t| self.text(t));
        (texts, s.role, (s.error, s.resent, s.shared, s.weak_peer, s.puts, s.takes, s.linked), s.weight)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, at: Text) -> &str {
        self.texts.get(at as usize).map_or("", |t| t)
    }
}

impl Shapes {
    /// Names may take up to `most` bytes; spans with further ones are not taken.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let mut inner = Inner::default();
        inner.intern(b"");
        Self { inner: Mutex::new(inner), most }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of collecting.
    #[must_use]
    pub fn finish(self) -> Known {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let briefs = inner.list.iter().map(Brief::of).collect();
        Known { texts: inner.texts, shapes: inner.list, briefs }
    }

    /// The number of a key's shape; none when names take too much room.
    fn shape(&self, key: &[u8]) -> Option<u32> {
        let mut inner = self.lock();
        if let Some(at) = inner.at.get(key) {
            return Some(*at);
        }
        if inner.bytes > self.most {
            return None;
        }
        let shape = Key { rest: key }.read(&mut inner);
        let at = inner.list.len() as u32;
        inner.list.push(shape);
        inner.at.insert(key.into(), at);
        inner.bytes += key.len() + 96;
        Some(at)
    }
}

/// Reads a key again.
struct Key<'k> {
    rest: &'k [u8],
}

impl<'k> Key<'k> {
    fn bytes(&mut self, n: usize) -> &'k [u8] {
        let (part, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        part
    }

    fn number(&mut self) -> u64 {
        self.bytes(8).try_into().map_or(0, u64::from_le_bytes)
    }

    fn field(&mut self) -> &'k [u8] {
        let n = self.bytes(2).try_into().map_or(0, u16::from_le_bytes);
        self.bytes(usize::from(n))
    }

    fn read(mut self, inner: &mut Inner) -> Shape {
        let [role, kind, marks, weighted] = self.bytes(4).try_into().unwrap_or([6, 0, 0, 0]);
        let service = self.bytes(4).try_into().map_or(0, u32::from_le_bytes);
        let weight = if weighted == 1 { self.number() } else { 0 };
        let mut field = || inner.intern(self.field());
        Shape {
            role: ROLES.get(usize::from(role)).copied().unwrap_or_default(),
            kind: Kind::from_number(u64::from(kind)),
            error: marks & ERROR != 0,
            resent: marks & RESENT != 0,
            shared: marks & SHARED != 0,
            weak_peer: marks & WEAK != 0,
            puts: marks & PUTS != 0,
            takes: marks & TAKES != 0,
            linked: marks & LINKED != 0,
            weight,
            service,
            operation: field(),
            system: field(),
            target: field(),
            host: field(),
            rpc_service: field(),
            table: field(),
        }
    }
}

/// One thread's door to the shapes: what it has met it finds without a lock.
#[derive(Debug)]
pub struct Interner<'s> {
    all: &'s Shapes,
    arena: Vec<u8>,
    at: HashTable<(u64, u32, u16, u32)>,
    services: HashMap<Box<[u8]>, Text, foldhash::fast::FixedState>,
    last_service: (Vec<u8>, Text),
    hasher: foldhash::fast::FixedState,
    key: Vec<u8>,
    scratch: Vec<u8>,
    recent: Recent,
}

impl<'s> Interner<'s> {
    /// A door for one thread.
    #[must_use]
    pub fn new(all: &'s Shapes) -> Self {
        Self {
            all,
            arena: Vec::new(),
            at: HashTable::new(),
            services: HashMap::default(),
            last_service: (Vec::new(), 0),
            hasher: foldhash::fast::FixedState::default(),
            key: Vec::with_capacity(512),
            scratch: Vec::new(),
            recent: Recent::default(),
        }
    }

    /// The number of a service's name.
    pub fn service(&mut self, name: &[u8]) -> Text {
        if self.last_service.0 == name {
            return self.last_service.1;
        }
        let name = &name[..name.len().min(names::LONGEST)];
        let at = match self.services.get(name) {
            Some(at) => *at,
            None => {
                let mut inner = self.all.lock();
                // Names without end: the service is not told apart any more.
                let at = if inner.bytes > self.all.most { 0 } else { inner.intern(name) };
                if self.services.len() < 1 << 20 {
                    self.services.insert(name.into(), at);
                }
                at
            }
        };
        self.last_service.0.clear();
        self.last_service.0.extend_from_slice(name);
        self.last_service.1 = at;
        at
    }

    /// A draft of attributes, whose prints are known here.
    #[must_use]
    pub fn draft<'a>(&self) -> Draft<'a> {
        self.recent.draft()
    }

    /// The print of a span that lies before us as some parts, unread.
    #[must_use]
    pub fn print<'p>(&self, parts: impl Iterator<Item = &'p [u8]>, view: &SpanView<'_>) -> Print {
        self.recent.of_parts(parts, view)
    }

    /// The number of the shape that a print led to before.
    #[inline]
    pub fn met(&self, print: Print) -> Option<u32> {
        self.recent.get(print)
    }

    /// Keeps the number of the shape that a print leads to.
    pub fn meet(&mut self, print: Print, shape: u32) {
        self.recent.put(print, shape);
    }

    /// The number of a span's shape and its role; none when names take too much room.
    pub fn shape(&mut self, view: &SpanView<'_>, service: Text) -> Option<u32> {
        let role = role::role(view);
        let print = self.recent.print(view, service, role);
        if let Some(shape) = self.recent.get(print) {
            // Whatever the key is made of, the print is made of, too.
            debug_assert_eq!(self.read_shape(view, service, role), Some(shape), "a print that leaves something out");
            return Some(shape);
        }
        let shape = self.read_shape(view, service, role)?;
        self.recent.put(print, shape);
        Some(shape)
    }

    /// The number of a shape that was not met lately.
    fn read_shape(&mut self, view: &SpanView<'_>, service: Text, role: Role) -> Option<u32> {
        self.write_key(view, service, role);
        let hash = std::hash::BuildHasher::hash_one(&self.hasher, self.key.as_slice());
        let (arena, key) = (&self.arena, self.key.as_slice());
        let same = |e: &(u64, u32, u16, u32)| {
            e.0 == hash && arena.get(e.1 as usize..e.1 as usize + usize::from(e.2)).is_some_and(|known| known == key)
        };
        if let Some(entry) = self.at.find(hash, same) {
            return Some(entry.3);
        }
        let number = self.all.shape(&self.key)?;
        if self.arena.len() + self.key.len() < u32::MAX as usize {
            let entry = (hash, self.arena.len() as u32, self.key.len() as u16, number);
            self.arena.extend_from_slice(&self.key);
            self.at.insert_unique(hash, entry, |e| e.0);
        }
        Some(number)
    }

    fn write_key(&mut self, view: &SpanView<'_>, service: Text, role: Role) {
        let weak = view.get(Slot::Peer).is_empty() && !view.get(Slot::WeakPeer).is_empty();
        let mark = |on: bool, mark: u8| if on { mark } else { 0 };
        let messaging = matches!(role, Role::Publish | Role::Consume | Role::BrokerCall);
        let takes = messaging && is_one_of(view.get(Slot::Operation), &[b"receive", b"poll", b"deliver"]);
        let puts = messaging && is_one_of(view.get(Slot::Operation), &[b"send", b"publish", b"create"]);
        let marks = mark(view.error, ERROR)
            | mark(view.resent && role == Role::Client, RESENT)
            | mark(view.shared, SHARED)
            | mark(weak && role == Role::Client, WEAK)
            | mark(puts, PUTS)
            | mark(takes, TAKES)
            | mark(role == Role::Consume && !view.links.is_empty(), LINKED);
        self.key.clear();
        self.key.extend_from_slice(&[role as u8, view.kind as u8, marks, u8::from(view.weight != 0)]);
        self.key.extend_from_slice(&service.to_le_bytes());
        if view.weight != 0 {
            self.key.extend_from_slice(&view.weight.to_le_bytes());
        }
        match role {
            // A step inside is only named where a trace begins with it.
            Role::Internal if view.parent != 0 => {}
            Role::Internal => self.name(view.name),
            Role::Server | Role::Unknown => {
                self.name(view.name);
                self.field(view.get(Slot::Rpc));
            }
            Role::Client => {
                self.name(view.name);
                self.field(view.get(Slot::Rpc));
                self.field(if weak { view.get(Slot::WeakPeer) } else { view.get(Slot::Peer) });
                self.host(view);
                self.field(view.get(Slot::RpcService));
            }
            Role::Database => self.database(view),
            Role::Publish | Role::Consume | Role::BrokerCall => {
                self.name(view.name);
                self.field(messaging_system(view));
                self.field(view.get(Slot::Destination));
            }
        }
    }

    fn field(&mut self, value: Value<'_>) {
        let key = &mut self.key;
        match value {
            Value::None => key.extend_from_slice(&[0, 0]),
            Value::Text(text) => push_field(key, text),
            value => value.text(|text| push_field(key, text)),
        }
    }

    fn name(&mut self, value: Value<'_>) {
        let key = &mut self.key;
        let at = key.len();
        key.extend_from_slice(&[0, 0]);
        match value {
            Value::Text(text) => names::collapse_into(text, key),
            value => value.text(|text| names::collapse_into(text, key)),
        }
        let n = (key.len() - at - 2) as u16;
        key[at..at + 2].copy_from_slice(&n.to_le_bytes());
    }

    fn host(&mut self, view: &SpanView<'_>) {
        // The name in a URL says more than an address that changes with every deployment.
        let (host, url) = (view.get(Slot::Host), view.get(Slot::Url));
        let key = &mut self.key;
        if url.is_empty() || view.host_is_name() {
            return host.text(|text| push_field(key, text));
        }
        url.text(|text| push_field(key, host_of(text)));
    }

    /// Operation `VERB table` where both are told, else the span's name; target `system:namespace@host`.
    fn database(&mut self, view: &SpanView<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let (table, verb) = (view.get(Slot::Table), view.get(Slot::Verb));
        let mut parsed = false;
        if table.is_empty() {
            view.get(Slot::Statement).text(|text| {
                if let Some((verb, table)) = names::table_of(text) {
                    scratch.extend_from_slice(verb.as_bytes());
                    scratch.push(b' ');
                    scratch.extend_from_slice(table);
                    parsed = true;
                }
            });
        } else if !verb.is_empty() {
            verb.text(|v| scratch.extend(v.iter().map(u8::to_ascii_uppercase)));
            scratch.push(b' ');
            table.text(|t| scratch.extend_from_slice(t));
        }
        self.key[MARKS] |= match role::store_effect(view, &scratch) {
            Some(names::Effect::Writes) => PUTS,
            Some(names::Effect::Reads) => TAKES,
            Some(names::Effect::Unclear) => PUTS | TAKES,
            None => 0,
        };
        if scratch.is_empty() {
            self.name(view.name)
        } else {
            push_field(&mut self.key, &scratch)
        }
        let parsed_table = || scratch.iter().position(|b| *b == b' ').map(|at| scratch[at + 1..].to_vec());
        let parsed_table = if parsed { parsed_table() } else { None };
        self.field(view.get(Slot::Database));
        scratch.clear();
        view.get(Slot::Database).text(|t| scratch.extend_from_slice(t));
        for (separator, slot) in [(b':', Slot::Namespace), (b'@', Slot::Host)] {
            let value = view.get(slot);
            if !value.is_empty() {
                scratch.push(separator);
                value.text(|t| scratch.extend_from_slice(t));
            }
        }
        push_field(&mut self.key, &scratch);
        // Neither host nor RPC service.
        push_field(&mut self.key, b"");
        push_field(&mut self.key, b"");
        match parsed_table {
            Some(name) => push_field(&mut self.key, &name),
            None => self.field(table),
        }
        self.scratch = scratch;
    }
}

fn push_field(key: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(names::LONGEST)];
    key.extend_from_slice(&(text.len() as u16).to_le_bytes());
    key.extend_from_slice(text);
}
