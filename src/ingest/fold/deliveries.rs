//! Deliveries across parts: a consumer's link may lead to a trace that another part holds, so a part says which
//! messages it put in and which links wait for theirs; the whole joins them.

use std::collections::BTreeMap;

use crate::model::Relation;

use super::graph::{About, PartialGraph, RowSums};
use super::store::Span;
use super::sums::Seen;

/// A span by its trace and its own id.
pub type SpanId = (u128, u64);

/// What one delivery adds once its producer is known; shorter first, so that the same one stands whatever the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// Duration of the consumer in nanoseconds.
    pub duration: u64,
    /// Its start in nanoseconds since 1970, 0 if not told.
    pub start: u64,
    /// It ended in an error.
    pub error: bool,
    /// Calls that it stands for, in millionths; 0 if not told.
    pub weight: u64,
    /// The service that consumes.
    pub service: String,
    /// The operation that consumes.
    pub operation: String,
    /// The messaging system.
    pub system: String,
    /// The file that holds it.
    pub file: u32,
}

/// Messages and the links that wait for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Messages put in, with the service that did.
    pub messages: BTreeMap<SpanId, String>,
    /// (producer, consumer) of each link.
    pub links: BTreeMap<(SpanId, SpanId), Delivery>,
}

impl Deliveries {
    /// Adds a link; said twice it counts once.
    pub fn link(&mut self, producer: SpanId, consumer: SpanId, new: Delivery) {
        let slot = self.links.entry((producer, consumer));
        slot.and_modify(|mine| *mine = new.clone().min(mine.clone())).or_insert(new);
    }

    /// Adds another part's.
    pub fn merge(&mut self, other: Self) {
        self.messages.extend(other.messages);
        for ((producer, consumer), delivery) in other.links {
            self.link(producer, consumer, delivery);
        }
    }

    /// Joins links with messages: the rows, and how many links lead to no message.
    pub fn join(self, mut add: impl FnMut(About, RowSums)) -> u64 {
        let mut lost = 0;
        let mut links = self.links.into_iter().peekable();
        // Links are sorted by the producer's trace: a row counts a trace once.
        while let Some(trace) = links.peek().map(|((producer, _), _)| producer.0) {
            let mut rows: BTreeMap<About, RowSums> = BTreeMap::new();
            while let Some(((producer, consumer), delivery)) = links.next_if(|((p, _), _)| p.0 == trace) {
                let Some(source) = self.messages.get(&producer) else {
                    lost += 1;
                    continue;
                };
                let about = About::Row(Relation::AsyncLink, source.clone(), delivery.service, delivery.system);
                let row = rows.entry(about).or_default();
                row.requests = 1;
                let span = Span {
                    trace: consumer.0,
                    id: consumer.1,
                    start: delivery.start,
                    duration: delivery.duration,
                    file: delivery.file,
                    ..Span::default()
                };
                let seen = Seen { error: delivery.error, weight: delivery.weight, ..Seen::default() };
                row.operations.entry(delivery.operation).or_default().add(&span, seen, None);
            }
            for (about, row) in rows {
                add(about, row);
            }
        }
        lost
    }
}

/// For what is folded without end: messages and links wait apart, and not for ever.
impl PartialGraph {
    /// Takes out the messages and links that wait for other parts, as a part of their own.
    #[must_use]
    pub fn split_deliveries(&mut self) -> Self {
        Self { deliveries: std::mem::take(&mut self.deliveries), ..Self::default() }
    }

    /// How many messages and links wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.deliveries.messages.len() + self.deliveries.links.len()
    }

    /// Lets the oldest part wait no longer: what it has in common with younger ones is joined and taken from these, its
    /// other links count as lost.
    pub fn retire<'p>(&mut self, oldest: Self, younger: impl Iterator<Item = &'p mut Self>) {
        let mut all = oldest.deliveries;
        for part in younger {
            let links = std::mem::take(&mut part.deliveries.links);
            for ((producer, consumer), delivery) in links {
                if all.messages.contains_key(&producer) {
                    all.link(producer, consumer, delivery);
                } else {
                    part.deliveries.links.insert((producer, consumer), delivery);
                }
            }
            let asked: Vec<SpanId> = all.links.keys().map(|(producer, _)| *producer).collect();
            for producer in asked {
                if let Some(service) = part.deliveries.messages.get(&producer) {
                    all.messages.insert(producer, service.clone());
                }
            }
        }
        self.lost_links += all.join(|about, row| self.rows.entry(about).or_default().merge(row));
    }
}
