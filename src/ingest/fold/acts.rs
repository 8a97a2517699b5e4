//! What the requests of one trace did together: wrote, told, read, and in which order.
//!
//! Times are compared only between spans of one service, the one that answers the request: clocks of hosts differ.

use crate::model::Act;

use super::brief::{Brief, PUTS, TAKES};
use super::partial::{NONE, Partial};
use super::shape::{Known, Role, Text};
use super::store::Span;
use super::tree::Tree;

/// The store was read.
const READS: u8 = 1;
/// The store was written.
const WRITES: u8 = 2;
/// A message was put in.
const TELLS: u8 = 4;
/// Something may have been changed: a cache, or what was called and cannot be looked into.
const HIDDEN: u8 = 8;

/// A call to a service: the request that answers it, the request that made it, and the span that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The request that answers.
    pub server: u32,
    /// The request that calls, or [`NONE`].
    pub owner: u32,
    /// The span that calls.
    pub client: u32,
}

/// Spans above a consumer that are looked at for the message that it answers (ours; a reply over two brokers with
/// three steps inside at each stop takes 16).
const FARTHEST: usize = 64;

/// What the request that a span answers did.
#[derive(Debug, Clone, Copy)]
struct Did {
    /// Itself.
    own: u8,
    /// That, and what the calls did that it waited for.
    all: u8,
    /// Services that wrote during the request, as bits of `writers`.
    wrote: u64,
    /// The services above, as one call of it wrote them.
    of_one_call: u64,
    /// When it last began to write its own store.
    last_write: u64,
    /// When it first put a message in; the end of time for never.
    first_told: u64,
}

const NOTHING: Did = Did { own: 0, all: 0, wrote: 0, of_one_call: 0, last_write: 0, first_told: u64::MAX };

/// Services of one trace that are told apart by what they wrote: the bits of a word.
const MOST_WRITERS: usize = 64;

/// Finds what requests did, keeping its buffers.
#[derive(Debug, Default)]
pub struct Acts {
    /// By span; only those of requests mean something.
    did: Vec<Did>,
    writers: Vec<Text>,
    told: Vec<(u32, Text)>,
    /// Requests whose messages were answered, and whether too late for them.
    answers: Vec<(u32, bool)>,
    steps: Vec<(u32, Text, u32, u32)>,
}

impl Acts {
    /// Adds what the requests of a trace did. `steps` are its calls, those deepest in it first.
    pub fn fold(&mut self, trace: &Trace<'_>, steps: &[Step], partial: &mut Partial) {
        if !self.find_own(trace) && steps.is_empty() && self.answers.is_empty() {
            return;
        }
        self.find_all(trace, steps);
        for at in trace.tree.requests.iter().map(|at| *at as usize) {
            let Did { own, all, wrote: writers, of_one_call, .. } = self.did[at];
            if own & WRITES != 0 {
                trace.add(partial, at, Act::Wrote, 0);
            }
            if all & READS != 0 && all & (WRITES | TELLS | HIDDEN) == 0 {
                trace.add(partial, at, Act::OnlyRead, 0);
            }
            if writers.count_ones() > 1 && writers != of_one_call {
                for (_, service) in self.writers.iter().enumerate().filter(|(bit, _)| writers >> bit & 1 == 1) {
                    trace.add(partial, at, Act::WroteTogether, *service);
                }
            }
        }
        self.told.sort_unstable();
        self.told.dedup();
        for (owner, destination) in &self.told {
            if self.did[*owner as usize].own & WRITES != 0 {
                trace.add(partial, *owner as usize, Act::WroteAndPublished, *destination);
            }
        }
        // One that was in time sorts before one that was late.
        self.answers.sort_unstable();
        self.answers.dedup_by_key(|(request, _)| *request);
        for (request, late) in &self.answers {
            trace.add(partial, *request as usize, Act::Answered, 0);
            if !late {
                trace.add(partial, *request as usize, Act::Awaited, 0);
            }
        }
        self.add_reads(trace, partial);
    }

    /// What each request did itself; says whether any did anything.
    fn find_own(&mut self, trace: &Trace<'_>) -> bool {
        if self.did.len() < trace.spans.len() {
            self.did.resize(trace.spans.len(), NOTHING);
        }
        for at in &trace.tree.requests {
            self.did[*at as usize] = NOTHING;
        }
        self.writers.clear();
        self.told.clear();
        self.answers.clear();
        let (mut any, mut more) = (false, false);
        let doing = [Role::Client, Role::Database, Role::Publish, Role::BrokerCall].map(|role| trace.tree.of(role));
        for at in doing.into_iter().flatten() {
            let here = trace.brief(at);
            let owner = trace.tree.owner[at];
            let did = match here.role {
                Role::Database if here.is(PUTS) && here.is(TAKES) => HIDDEN,
                Role::Database if here.is(PUTS) => WRITES,
                Role::Database if here.is(TAKES) => READS,
                Role::Publish => TELLS,
                Role::BrokerCall if here.is(PUTS) => TELLS,
                Role::Client if !trace.paired[at] && !trace.tree.outer(at) => HIDDEN,
                _ => 0,
            };
            if did == 0 || owner == NONE || !trace.is_request(owner as usize) {
                continue;
            }
            any = true;
            let above = owner as usize;
            self.did[above].own |= did;
            self.did[above].all |= did;
            if did == WRITES {
                let writer = self.writer(trace.brief(above).service);
                more |= writer == 0;
                let request = &mut self.did[above];
                request.last_write = request.last_write.max(trace.spans[at].start);
                request.wrote |= writer;
            }
            if did == TELLS {
                self.told.push((owner, trace.known.shapes[trace.spans[at].shape as usize].target));
                let first = &mut self.did[above].first_told;
                *first = trace.spans[at].start.min(*first);
            }
        }
        if more {
            self.choose_writers(trace);
        }
        for at in trace.tree.of(Role::Consume).chain(trace.tree.of(Role::BrokerCall)) {
            if trace.brief(at).role == Role::Consume || trace.brief(at).is(TAKES) {
                self.answer(at, trace);
            }
        }
        any
    }

    /// More services write than there are bits: the first by name get them, whatever the order of input.
    fn choose_writers(&mut self, trace: &Trace<'_>) {
        let did = &mut self.did;
        let requests = trace.tree.requests.iter().map(|at| *at as usize).filter(|at| did[*at].own & WRITES != 0);
        let requests: Vec<(usize, Text)> = requests.map(|at| (at, trace.brief(at).service)).collect();
        self.writers = requests.iter().map(|(_, service)| *service).collect();
        self.writers.sort_unstable_by_key(|service| trace.known.text(*service));
        self.writers.dedup();
        self.writers.truncate(MOST_WRITERS);
        for (at, service) in requests {
            did[at].wrote = self.writers.iter().position(|w| *w == service).map_or(0, |bit| 1 << bit);
        }
    }

    /// The bit of a service that writes; none beyond the last one of a trace.
    fn writer(&mut self, service: Text) -> u64 {
        let at = self.writers.iter().position(|w| *w == service).unwrap_or(self.writers.len());
        if at >= MOST_WRITERS {
            return 0;
        }
        if at == self.writers.len() {
            self.writers.push(service);
        }
        1 << at
    }

    /// What each request did with the calls that it waited for.
    fn find_all(&mut self, trace: &Trace<'_>, steps: &[Step]) {
        self.steps.clear();
        for step in steps {
            let (server, client) = (step.server as usize, step.client as usize);
            let request = step.owner != NONE && trace.is_request(step.owner as usize);
            if !request || step.owner == step.server || trace.tree.outlived(client, trace.spans) {
                continue;
            }
            let owner = step.owner as usize;
            let below = self.did[server];
            let above = &mut self.did[owner];
            // Whatever shows nothing of what it did may have done anything.
            above.all |= if below.all == 0 { HIDDEN } else { below.all };
            above.wrote |= below.wrote;
            if below.wrote.count_ones() > above.of_one_call.count_ones() {
                above.of_one_call = below.wrote;
            }
            self.steps.push((step.owner, trace.brief(server).service, step.server, step.client));
        }
    }

    /// What was read before what was written.
    fn add_reads(&mut self, trace: &Trace<'_>, partial: &mut Partial) {
        self.steps.sort_unstable();
        for calls in self.steps.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (owner, service) = (calls[0].0 as usize, calls[0].1);
            if service == trace.brief(owner).service {
                continue;
            }
            let (mut first_read, mut last_command) = (u64::MAX, 0);
            for (_, _, server, client) in calls {
                let (all, span) = (self.did[*server as usize].all, &trace.spans[*client as usize]);
                if all & WRITES != 0 {
                    last_command = last_command.max(span.start);
                } else if all & TELLS == 0 && (all & (READS | HIDDEN) == READS || trace.is_get(*server as usize)) {
                    first_read = first_read.min(span.start.saturating_add(span.duration));
                }
            }
            if first_read == u64::MAX {
                continue;
            }
            trace.add(partial, owner, Act::Read, service);
            if self.did[owner].last_write >= first_read {
                trace.add(partial, owner, Act::ReadThenWrote, service);
            }
            if last_command >= first_read {
                trace.add(partial, owner, Act::ReadThenCommanded, service);
            }
        }
    }

    /// A message taken out: is it the answer to one that a request of this service put in?
    fn answer(&mut self, at: usize, trace: &Trace<'_>) {
        let service = trace.brief(at).service;
        let (mut up, mut any, mut foreign, mut asked) = (trace.tree.up[at], false, false, false);
        for _ in 0..FARTHEST {
            if up == NONE {
                return;
            }
            let above = trace.brief(up as usize);
            if above.role == Role::Server && above.service == service && foreign == asked {
                break;
            }
            // Over another service's message and one of its own; or straight to the request that takes it out.
            let puts = above.role == Role::Publish || above.role == Role::BrokerCall && above.is(PUTS);
            any |= puts;
            foreign |= puts && above.service != service;
            asked |= foreign && puts && above.service == service;
            up = trace.tree.up[up as usize];
        }
        if up == NONE {
            return;
        }
        let request = up as usize;
        let handler = trace.brief(request);
        if handler.role != Role::Server || handler.service != service || any && !asked {
            return;
        }
        let (span, over) = (&trace.spans[at], &trace.spans[request]);
        // Taken out by the request itself: only what comes after a message of its own can be its answer.
        if asked || self.did[request].first_told < span.start {
            let late = span.start > over.start.saturating_add(over.duration);
            self.answers.push((up, late));
        }
    }
}

/// The trace that is folded.
pub struct Trace<'t> {
    /// Its spans.
    pub spans: &'t [Span],
    /// Their tree.
    pub tree: &'t Tree,
    /// Clients whose server was found.
    pub paired: &'t [bool],
    /// Shapes and texts.
    pub known: &'t Known,
}

impl Trace<'_> {
    #[inline]
    fn brief(&self, at: usize) -> Brief {
        self.tree.briefs[at]
    }

    /// Does a span answer a request, or begin one?
    #[inline]
    fn is_request(&self, at: usize) -> bool {
        self.tree.begins(at) || self.tree.handles(at)
    }

    fn is_get(&self, at: usize) -> bool {
        let shape = &self.known.shapes[self.spans[at].shape as usize];
        let name = self.known.text(shape.operation).as_bytes();
        name.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"GET "))
    }

    #[inline]
    fn add(&self, partial: &mut Partial, at: usize, act: Act, other: Text) {
        partial.act(&self.spans[at], act, other);
    }
}
