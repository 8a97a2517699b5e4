//! AsyncAPI 3.0 of the whole target: every topic, who sends, who receives.

use serde_json::{Map, Value, json};

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::names::{Names, Space};
use crate::plan::{schema, write};

use super::{Artefact, Context, File, Render};

/// AsyncAPI.
pub const ARTEFACT: Artefact =
    Artefact { id: "asyncapi", about: "AsyncAPI 3.0 of all topics", render: Render::Plan(render) };

fn render(context: &Context<'_>) -> Vec<File> {
    let mut document = Document {
        names: Names::default(),
        channels: Map::new(),
        operations: Map::new(),
        messages: Map::new(),
        schemas: Map::new(),
    };
    for step in &context.plan.steps {
        if let Some(design) = &step.design {
            document.entities(context, step, design);
            document.events(design);
        }
    }
    let value = json!({
        "asyncapi": "3.0.0",
        "info": {"title": write::line(context.system), "version": "1.0.0", "description": "The topics of the plan: what is published, by whom, for whom."},
        "servers": {"kafka": {"host": context.broker, "protocol": "kafka"}},
        "defaultContentType": "application/json",
        "channels": document.channels,
        "operations": document.operations,
        "components": {"messages": document.messages, "schemas": document.schemas},
    });
    let text = format!("# {}: the target as AsyncAPI 3.0\n", write::MARK);
    vec![File { path: "asyncapi.yaml".to_owned(), text: text + &write::yaml(&value) }]
}

struct Document {
    names: Names,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Document {
    fn entities(&mut self, context: &Context<'_>, step: &Step, design: &Design) {
        for entity in &design.entities {
            let key = self.names.legal(Space::Identifier, &format!("{}_{}", design.domain, entity.name));
            let body = schema::json(step, design, entity);
            let body = json!({"type": "object", "properties": body["properties"], "required": body["required"]});
            self.schemas.insert(key.clone(), body);
            let payload = json!({"$ref": format!("#/components/schemas/{key}")});
            let policy = json!({"cleanup.policy": ["compact"], "delete.retention.ms": design.capacity.retention_ms});
            let keys = json!({"type": "object", "properties": entity.key().iter().map(|f| (f.name.clone(), json!({"type": crate::plan::types::json(f.kind).0}))).collect::<Map<_, _>>()});
            self.channel(&key, &entity.topic, design, policy, json!({"name": schema::record(entity), "contentType": content(context), "payload": payload, "bindings": {"kafka": {"key": keys, "bindingVersion": "0.5.0"}}}));
            self.operation(&key, "send", &design.owner, None);
            for consumer in design.consumers.iter().filter(|c| c.entities.contains(&entity.name)) {
                self.operation(&key, "receive", &consumer.service, Some(&consumer.group));
            }
        }
    }

    fn events(&mut self, design: &Design) {
        if design.events.is_empty() {
            return;
        }
        let key = self.names.legal(Space::Identifier, &format!("{}_events", design.domain));
        let names: Vec<&str> = design.events.iter().map(|e| e.name.as_str()).collect();
        let policy = json!({"cleanup.policy": ["delete"], "retention.ms": design.capacity.retention_ms});
        let headers = json!({"type": "object", "required": ["ce_id", "ce_source", "ce_specversion", "ce_type"], "properties": {
            "ce_id": {"type": "string"}, "ce_source": {"type": "string"}, "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_type": {"type": "string", "enum": design.events.iter().map(|e| e.kind.clone()).collect::<Vec<_>>()}, "ce_time": {"type": "string"}}});
        let message = json!({"name": format!("{} events", design.domain), "summary": names.join(", "), "contentType": "application/json", "headers": headers, "payload": {"type": "object"}, "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}}});
        self.channel(&key, &design.event_topic, design, policy, message);
        self.operation(&key, "send", &design.owner, None);
        if design.entities.is_empty() {
            for consumer in &design.consumers {
                self.operation(&key, "receive", &consumer.service, Some(&consumer.group));
            }
        }
    }

    fn channel(&mut self, key: &str, topic: &str, design: &Design, policy: Value, message: Value) {
        self.messages.insert(key.to_owned(), message);
        self.channels.insert(key.to_owned(), json!({
            "address": topic,
            "messages": {key: {"$ref": format!("#/components/messages/{key}")}},
            "bindings": {"kafka": {"topic": topic, "partitions": design.capacity.partitions, "replicas": design.capacity.replicas, "topicConfiguration": policy, "bindingVersion": "0.5.0"}},
        }));
    }

    fn operation(&mut self, key: &str, action: &str, service: &str, group: Option<&str>) {
        let id = self.names.legal(Space::Identifier, &format!("{service}_{action}_{key}"));
        let mut value = json!({
            "action": action,
            "title": write::line(&format!("{service} {action}s")),
            "channel": {"$ref": format!("#/channels/{key}")},
            "messages": [{"$ref": format!("#/channels/{key}/messages/{key}")}],
        });
        if let Some(group) = group {
            value["bindings"] =
                json!({"kafka": {"groupId": {"type": "string", "enum": [group]}, "bindingVersion": "0.5.0"}});
        }
        self.operations.insert(id, value);
    }
}

fn content(context: &Context<'_>) -> &'static str {
    match context.options.schema {
        crate::plan::options::SchemaKind::Avro => "application/vnd.apache.avro",
        crate::plan::options::SchemaKind::Json => "application/json",
        crate::plan::options::SchemaKind::Protobuf => "application/x-protobuf",
    }
}
