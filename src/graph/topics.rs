//! Topics, queues and exchanges: who publishes what, who consumes it, joined into asynchronous dependencies.
//!
//! Takes the uses of all services; gives (publisher, consumer, channel) with their sites.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::code::CallSite;
use crate::model::{Confidence, Site, SiteKind};

use super::sites::SiteReader;
use super::texts::Text;

/// Which side of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Puts messages in.
    Publish,
    /// Puts messages in and waits for an answer.
    Request,
    /// Takes messages out.
    Consume,
    /// A queue is bound to an exchange.
    Bind,
}

/// A use of a channel by a service.
#[derive(Debug, Clone)]
pub struct ChannelUse {
    /// Node.
    pub at: usize,
    /// Side.
    pub side: Side,
    /// Topic, exchange or queue as text, holes left.
    pub topic: String,
    /// Queue of a binding.
    pub queue: String,
    /// Routing key, where given.
    pub key: String,
    /// Protocol.
    pub protocol: String,
    /// Where.
    pub site: Site,
    /// Why the topic is not known, if it is not.
    pub reason: Option<String>,
    /// An outbox is published: its rows name the part of the topic that is open.
    pub of_outbox: bool,
}

/// The uses of channels at one site.
#[must_use]
pub fn uses<'a>(reader: &SiteReader<'_, 'a>, unit: u32, site: &'a CallSite) -> Vec<ChannelUse> {
    let side = match site.kind {
        SiteKind::Publish => Side::Publish,
        SiteKind::Request => Side::Request,
        SiteKind::Consume => Side::Consume,
        SiteKind::Bind => Side::Bind,
        _ => return Vec::new(),
    };
    let frame = reader.frame(unit, site);
    let mut topics = reader.part(site.topic.as_ref(), &frame);
    if topics.is_empty() {
        topics = reader.part(site.name.as_ref(), &frame);
    }
    let first = |texts: Vec<Text>| texts.into_iter().next().map(|t| t.text).unwrap_or_default();
    let key = first(reader.part(site.group.as_ref(), &frame));
    let queue = if side == Side::Bind { first(reader.part(site.name.as_ref(), &frame)) } else { String::new() };
    topics
        .into_iter()
        .flat_map(|text| destinations(reader, &site.protocol, text))
        .map(|text| {
            let mut made = reader.site(unit, site, site.line);
            made.operation.clone_from(&text.text);
            made.confidence = made.confidence.min(text.sure);
            made.blocking = side == Side::Request && made.blocking;
            made.chain = reader.chain(&text);
            ChannelUse {
                at: reader.at,
                side,
                topic: text.text.clone(),
                queue: queue.clone(),
                key: key.clone(),
                protocol: site.protocol.clone(),
                site: made,
                reason: text.is_hole().then(|| text.reason.unwrap_or_else(|| "the topic is not known".to_owned())),
                of_outbox: false,
            }
        })
        .collect()
}

/// A binding of Spring Cloud Stream stands for the destination that configuration gives it.
fn destinations(reader: &SiteReader<'_, '_>, protocol: &str, mut text: Text) -> Vec<Text> {
    // STOMP writes the kind of a JMS destination before its name.
    if let Some(name) = ["/queue/", "/topic/"].iter().find_map(|p| text.text.strip_prefix(p)).map(str::to_owned) {
        text.text = name;
    }
    if protocol != "stream" || text.is_hole() {
        return vec![text];
    }
    let key = format!("spring.cloud.stream.bindings.{}.destination", text.text);
    match reader.texts.configured_as(&key) {
        Some(found) => found.into_iter().map(|t| t.behind(&text)).collect(),
        None => vec![text],
    }
}

/// An asynchronous dependency between two nodes.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Publisher.
    pub source: usize,
    /// Consumer.
    pub target: usize,
    /// The publisher waits for the answer.
    pub answered: bool,
    /// Channel.
    pub channel: String,
    /// Protocol.
    pub protocol: String,
    /// The publishing and the consuming site.
    pub sites: [Site; 2],
    /// The weaker of the two.
    pub confidence: Confidence,
}

/// Topics compare without case and punctuation: message classes and kebab-case names of one event agree.
fn same(name: &str) -> String {
    name.to_lowercase()
}

/// The name by which a use is compared. Eventuate's channel of an aggregate is its class: its publisher has the class
/// at hand, its consumer writes the whole name.
fn name_of(use_: &ChannelUse, topic: &str) -> String {
    match use_.protocol.as_str() {
        "eventuate" => same(topic.rsplit('.').next().unwrap_or(topic)),
        _ => same(topic),
    }
}

/// Joins publishers and consumers of the same channel.
#[must_use]
pub fn join(uses: &[ChannelUse]) -> Vec<Delivery> {
    // Queue → exchanges it is bound to.
    let mut bound: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for bind in uses.iter().filter(|u| u.side == Side::Bind && !u.queue.is_empty()) {
        bound.entry(same(&bind.queue)).or_default().insert(same(&bind.topic));
    }
    let mut consumers: BTreeMap<String, Vec<&ChannelUse>> = BTreeMap::new();
    for consume in uses.iter().filter(|u| u.side == Side::Consume && u.reason.is_none()) {
        let queue = name_of(consume, &consume.topic);
        for exchange in bound.get(&queue).into_iter().flatten() {
            consumers.entry(exchange.clone()).or_default().push(consume);
        }
        consumers.entry(queue).or_default().push(consume);
    }
    let mut all = Vec::new();
    for publish in uses.iter().filter(|u| matches!(u.side, Side::Publish | Side::Request) && u.reason.is_none()) {
        // The default exchange delivers to the queue that the routing key names.
        let channel = if publish.topic.is_empty() { &publish.key } else { &publish.topic };
        let exact = consumers.get(&name_of(publish, channel)).cloned().unwrap_or_default();
        let by_key = consumers.get(&same(&publish.key)).cloned().unwrap_or_default();
        let by_pattern = consumers
            .iter()
            .filter(|(topic, _)| (topic.contains('*') || topic.contains("{}")) && pattern_fits(topic, &same(channel)))
            .flat_map(|(_, list)| list.iter().copied());
        // The rows of an outbox decide where they go: to any topic of that form.
        let routed = consumers
            .iter()
            .filter(|(topic, _)| channel.contains("{}") && publish.of_outbox && pattern_fits(&same(channel), topic))
            .flat_map(|(_, list)| list.iter().copied());
        let by_pattern = by_pattern.chain(routed);
        let mut found: Vec<&ChannelUse> = if exact.is_empty() && !publish.key.is_empty() { by_key } else { exact };
        found.extend(by_pattern);
        for consume in found {
            all.push(Delivery {
                source: publish.at,
                target: consume.at,
                answered: publish.side == Side::Request,
                channel: if consume.protocol == "eventuate" { consume.topic.clone() } else { channel.clone() },
                protocol: if publish.protocol.is_empty() { consume.protocol.clone() } else { publish.protocol.clone() },
                sites: [publish.site.clone(), consume.site.clone()],
                confidence: publish.site.confidence.min(consume.site.confidence),
            });
        }
    }
    all
}

/// Does a subscription pattern (`orders.*`, `orders.{}`) take this topic?
fn pattern_fits(pattern: &str, topic: &str) -> bool {
    let parts: Vec<&str> =
        pattern.split(['*']).flat_map(|p| p.split("{}")).filter(|p| !p.is_empty() && *p != ".").collect();
    if parts.is_empty() || pattern == topic {
        return false;
    }
    let mut rest = topic;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}
