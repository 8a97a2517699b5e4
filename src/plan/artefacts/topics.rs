//! Topics: as commands of Kafka, or as Strimzi custom resources.

use serde_json::{Value, json};

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::agreed;
use crate::plan::options::Platform;
use crate::plan::write;

use super::{Artefact, Context, File, Render};

/// Topics.
pub const ARTEFACT: Artefact =
    Artefact { id: "topics", about: "topics with their keys' order and retention", render: Render::Step(render) };

/// A topic with its settings.
pub struct Topic {
    /// Name.
    pub name: String,
    /// Partitions.
    pub partitions: u32,
    /// Settings, by name.
    pub config: Vec<(&'static str, String)>,
}

/// All topics of a step.
pub fn topics(design: &Design) -> Vec<Topic> {
    let capacity = &design.capacity;
    let compacted = || {
        vec![
            ("cleanup.policy", "compact".to_owned()),
            ("min.compaction.lag.ms", "3600000".to_owned()),
            ("delete.retention.ms", capacity.retention_ms.to_string()),
            ("min.insync.replicas", "2".to_owned()),
        ]
    };
    let kept = |ms: u64| {
        vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", ms.to_string()),
            ("min.insync.replicas", "2".to_owned()),
        ]
    };
    let mut all = Vec::new();
    let mut add = |name: String, partitions: u32, config| {
        all.push(Topic { name, partitions, config });
    };
    for entity in &design.entities {
        add(entity.topic.clone(), capacity.partitions, compacted());
    }
    if let Some(name) = design.entities.first().and_then(|e| agreed::use_case_topic(design, e)) {
        add(name, capacity.partitions, compacted());
    }
    for view in &design.views {
        add(view.topic.clone(), capacity.partitions, compacted());
    }
    if !design.events.is_empty() {
        add(design.event_topic.clone(), capacity.partitions, kept(capacity.retention_ms));
    }
    for consumer in &design.consumers {
        add(agreed::dead_letters(&consumer.group), 1, kept(capacity.retention_ms));
    }
    let hour = 3_600_000;
    for prefix in agreed::prefixes(design) {
        add(agreed::heartbeats(&prefix), 1, kept(hour));
    }
    if matches!(agreed::engine(design), "mysql" | "mariadb" | "sqlserver") {
        for prefix in agreed::prefixes(design) {
            let config = vec![("cleanup.policy", "delete".to_owned()), ("retention.ms", "-1".to_owned())];
            add(agreed::history(&prefix), 1, config);
        }
    }
    all
}

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let topics = topics(design);
    if context.options.platform == Platform::Strimzi {
        let mut text = write::head("#", "topics as Strimzi resources; kubectl apply -f topics.yaml", step, design);
        for topic in &topics {
            text.push_str("---\n");
            text.push_str(&write::yaml(&resource(topic, design.capacity.replicas)));
        }
        return vec![File::of(design, "topics.yaml", text)];
    }
    let tool = if context.options.platform == Platform::Confluent { "kafka-topics" } else { "kafka-topics.sh" };
    let mut text = String::from("#!/bin/sh\n");
    text.push_str(&write::head("#", "topics; running it again changes nothing", step, design));
    for because in &design.capacity.because {
        text.push_str(&format!("# {}\n", write::line(because)));
    }
    text.push_str("set -eu\n");
    text.push_str(&format!("bootstrap=${{BOOTSTRAP_SERVERS:-{}}}\n", context.broker));
    text.push_str(&format!("replicas=${{REPLICATION_FACTOR:-{}}}\n", design.capacity.replicas));
    text.push_str("in_sync=${MIN_INSYNC_REPLICAS:-2}\n");
    for topic in &topics {
        let config: Vec<String> = topic
            .config
            .iter()
            .map(|(key, value)| match *key {
                "min.insync.replicas" => format!("--config {key}=\"$in_sync\""),
                _ => format!("--config {key}={value}"),
            })
            .collect();
        text.push_str(&format!(
            "{tool} --bootstrap-server \"$bootstrap\" --create --if-not-exists --topic {} --partitions {} --replication-factor \"$replicas\" {}\n",
            write::shell(&topic.name),
            topic.partitions,
            config.join(" ")
        ));
    }
    vec![File::of(design, "topics.sh", text)]
}

fn resource(topic: &Topic, replicas: u32) -> Value {
    let config: serde_json::Map<String, Value> = topic
        .config
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.parse::<i64>().map_or_else(|_| json!(v), |n| json!(n))))
        .collect();
    json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": agreed::kubernetes(&topic.name), "labels": {"strimzi.io/cluster": "kafka"}},
        "spec": {"topicName": topic.name, "partitions": topic.partitions, "replicas": replicas, "config": config},
    })
}
