//! Spans of any format -> one fold -> [`PartialGraph`] -> merged -> `Traffic`.
//!
//! Readers give [`SpanView`]s to a [`Sink`]; the sink interns their shapes and files them by trace in the [`Store`];
//! [`fold`] takes the partitions one by one. The result does not depend on the order of files and spans, on how spans
//! are split among files, or on the number of threads. Knows no format.

mod acts;
mod brief;
mod counted;
mod deliveries;
mod graph;
mod ids;
mod keys;
mod names;
mod order;
mod partial;
mod partition;
mod recent;
mod role;
mod shape;
mod span;
mod store;
mod sums;
mod text;
mod trace;
mod tree;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

pub use counted::Counted;
pub use graph::PartialGraph;
pub use ids::{id_of, of_bytes};
pub use keys::{Meaning, keys, meaning};
pub use recent::{Draft, Print};
pub use shape::{Interner, Shapes};
pub use span::{Kind, Slot, SpanView, Value, unescape};
pub use store::{Store, Writer};
pub use text::KIND as PARTIAL_KIND;

use partition::PartitionFold;
use shape::Text;
use store::Span;

/// Where a reader puts its spans. One for each thread.
#[derive(Debug)]
pub struct Sink<'s> {
    interner: Interner<'s>,
    writer: Writer<'s>,
    /// The file that is being read.
    pub file: u32,
    /// Spans taken.
    pub taken: u64,
    /// Spans that cannot be used, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Spans whose end lies before their start.
    pub negative: u64,
}

impl<'s> Sink<'s> {
    /// A sink for one thread.
    #[must_use]
    pub fn new(shapes: &'s Shapes, store: &'s Store) -> Self {
        let (interner, writer) = (Interner::new(shapes), store.writer());
        Self { interner, writer, file: 0, taken: 0, rejected: BTreeMap::new(), negative: 0 }
    }

    /// The number of a service's name; a resource without one is what the specification calls it.
    pub fn service(&mut self, name: Value<'_>) -> u32 {
        match name {
            empty if empty.is_empty() => self.interner.service(b"unknown_service"),
            Value::Text(text) => self.interner.service(text),
            other => other.text(|text| self.interner.service(text)),
        }
    }

    /// A span that cannot be used.
    pub fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    /// A draft of attributes, whose prints are known here.
    #[must_use]
    pub fn draft<'a>(&self) -> Draft<'a> {
        self.interner.draft()
    }

    /// Takes a span of a service.
    pub fn push(&mut self, view: &SpanView<'_>, service: Text) {
        if let Some(shape) = self.shape(view, service) {
            self.file(view, shape);
        }
    }

    /// The print of a span that lies before us as some parts, unread, but for what the view tells of it.
    #[must_use]
    pub fn print<'p>(&self, parts: impl Iterator<Item = &'p [u8]>, view: &SpanView<'_>) -> Print {
        self.interner.print(parts, view)
    }

    /// Takes a span if one with the same print was met before: of the view ids, times and links are asked for.
    #[inline]
    pub fn push_met(&mut self, view: &SpanView<'_>, print: Option<Print>) -> bool {
        // Tests read every span, to see that a print leaves nothing out.
        let met = print.and_then(|print| self.interner.met(print)).filter(|_| !cfg!(debug_assertions));
        let Some(shape) = met.filter(|_| view.trace != 0 && view.id != 0) else { return false };
        self.file(view, shape);
        true
    }

    /// Takes a span of a service that has a print.
    pub fn push_new(&mut self, view: &SpanView<'_>, service: Text, print: Option<Print>) {
        let Some(shape) = self.shape(view, service) else { return };
        if let Some(print) = print {
            let met = self.interner.met(print);
            debug_assert!(met.is_none_or(|met| met == shape), "a print that leaves something out");
            if met.is_none() {
                self.interner.meet(print, shape);
            }
        }
        self.file(view, shape);
    }

    /// The number of a span's shape, if it can be used.
    fn shape(&mut self, view: &SpanView<'_>, service: Text) -> Option<u32> {
        if view.trace == 0 || view.id == 0 {
            self.reject("rejected_no_id");
            return None;
        }
        let shape = self.interner.shape(view, service);
        if shape.is_none() {
            self.reject("rejected_too_many_names");
        }
        shape
    }

    /// Files a span, and its links with the traces that they lead to.
    #[inline(always)]
    fn file(&mut self, view: &SpanView<'_>, shape: u32) {
        self.taken += 1;
        self.negative += u64::from(view.negative);
        let span = Span {
            trace: view.trace,
            id: view.id,
            parent: view.parent,
            start: view.start,
            duration: view.duration,
            shape,
            file: self.file,
        };
        self.writer.push(&span);
        if view.kind == Kind::Consumer {
            // A producer is linked once, however often it is said.
            for (at, (trace, id)) in view.links.iter().enumerate() {
                if !view.links[..at.min(64)].contains(&(*trace, *id)) {
                    self.writer.link(*trace, *id, &span);
                }
            }
        }
    }
}

/// Are there other parts?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// None: a link to a span that is not here leads nowhere.
    Whole,
    /// There may be: links are joined when all parts are merged.
    Part,
}

/// Folds everything that was stored.
#[must_use]
pub fn fold(store: &Store, shapes: Shapes, extent: Extent, rejected: &BTreeMap<&'static str, u64>) -> PartialGraph {
    let known = shapes.finish();
    let canon = known.canon();
    let next = AtomicU32::new(0);
    let threads = rayon::current_num_threads().min(store.partitions() as usize).max(1);
    let work = || {
        let mut part = PartitionFold::new(&known, &canon);
        part.traces.partial.open = extent == Extent::Part;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= store.partitions() {
                break;
            }
            part.fold(store, at);
        }
        PartialGraph::of(part.traces.partial, &known)
    };
    let parts: Vec<PartialGraph> = (0..threads).into_par_iter().map(|_| work()).collect();
    let mut whole = parts.into_iter().fold(PartialGraph::default(), PartialGraph::merge);
    for (reason, n) in rejected {
        whole.count(reason, *n);
    }
    whole
}
