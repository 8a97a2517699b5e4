//! What a step of the plan puts in the place of calls: topics, fields, events, consumers. Artefacts are rendered from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Place;

/// The design of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Design {
    /// Folder of its files: `01-customers`.
    pub folder: String,
    /// The owning service.
    pub owner: String,
    /// Who decides about it (CODEOWNERS, unbraid.yaml).
    #[serde(default)]
    pub teams: Vec<String>,
    /// First part of its topics.
    pub domain: String,
    /// Nothing is missing for its files.
    pub ready: bool,
    /// What is missing, one sentence each.
    pub todo: Vec<String>,
    /// The store that is captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<StoreDesign>,
    /// Folder of the earlier step of the same owner that made the connectors' user and the heartbeat's table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_by: Option<String>,
    /// Folder of the earlier step of the same owner whose outbox and outbox connector carry these events too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox_of: Option<String>,
    /// What is published, the main entity first.
    pub entities: Vec<EntityDesign>,
    /// Topic of the business events.
    pub event_topic: String,
    /// Business events, one per fact that an operation makes.
    pub events: Vec<EventDesign>,
    /// Who consumes, with its projections.
    pub consumers: Vec<ConsumerDesign>,
    /// Computed results that become topics of their own.
    pub views: Vec<ViewDesign>,
    /// Partitions and retention with their reasons.
    pub capacity: Capacity,
    /// Names that had to change, as written and as used.
    pub renamed: Vec<Renamed>,
    /// Topics that it publishes already.
    pub published: Vec<String>,
}

/// The store that holds the entity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreDesign {
    /// Product: postgresql, mysql, mariadb, mssql, mongodb, …
    pub engine: String,
    /// Name of the node in the graph.
    pub node: String,
    /// Name of the database inside the server.
    pub name: String,
    /// Schema of its tables.
    pub schema: String,
    /// Prefix of environment variables that tell host, port, user and password.
    pub variables: String,
}

/// One published entity: a table and its topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityDesign {
    /// Singular noun: `customer`.
    pub name: String,
    /// Table or collection.
    pub table: String,
    /// Public topic: `<domain>.<entity>.v1`.
    pub topic: String,
    /// Topic of the raw changes inside the connector; never public.
    pub cdc_topic: String,
    /// Fields in the order of the table.
    pub fields: Vec<FieldDesign>,
    /// Columns that stay inside, each with the reason.
    pub left_out: Vec<Renamed>,
    /// Where the fields stand.
    pub place: Place,
}

impl EntityDesign {
    /// Names of the key fields.
    #[must_use]
    pub fn key(&self) -> Vec<&FieldDesign> {
        self.fields.iter().filter(|f| f.key).collect()
    }
}

/// What a column holds, whatever the language or database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Text.
    Text,
    /// UUID.
    Uuid,
    /// Integer of 32 bits or fewer.
    Int,
    /// Integer of 64 bits.
    Long,
    /// Exact decimal number.
    Decimal,
    /// Floating-point number.
    Double,
    /// Truth value.
    Boolean,
    /// Day.
    Date,
    /// Time of day.
    Time,
    /// Instant with its zone.
    Timestamp,
    /// Date and time without a zone.
    LocalTimestamp,
    /// JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// Not known from the inputs.
    Unknown,
}

/// A field of a published entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldDesign {
    /// Public name.
    pub name: String,
    /// Column name.
    pub column: String,
    /// What it holds.
    pub kind: FieldType,
    /// Type as written.
    pub written: String,
    /// Never null.
    pub required: bool,
    /// Part of the key.
    pub key: bool,
    /// Names a person, or what is theirs: masked.
    pub personal: bool,
    /// Where it stands.
    pub place: Place,
}

/// A business event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventDesign {
    /// Past tense: `OrderCancelled`.
    pub name: String,
    /// CloudEvents type: `shop.orders.order.cancelled.v1`.
    pub kind: String,
    /// The write operation that makes it.
    pub operation: String,
    /// Where that operation stands.
    pub place: Place,
}

/// A consumer with its projections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerDesign {
    /// The service.
    pub service: String,
    /// Consumer group.
    pub group: String,
    /// Engine of its own store; empty if it has none.
    pub engine: String,
    /// Names of the entities that it keeps a copy of.
    pub entities: Vec<String>,
    /// Call sites that go, as `path:line operation`.
    pub sites: Vec<String>,
    /// Call sites that must see their own write (R2).
    pub reads_own_writes: Vec<String>,
}

/// A computed result that becomes a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewDesign {
    /// The operation that computes it today.
    pub operation: String,
    /// Its topic.
    pub topic: String,
    /// What a specification says about the answer of the operation; `None` if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<EntityDesign>,
}

/// Partitions and retention.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// Partitions of each topic.
    pub partitions: u32,
    /// Replicas of each topic.
    pub replicas: u32,
    /// How long events are kept, in milliseconds.
    pub retention_ms: u64,
    /// Formula and figures, one sentence each.
    pub because: Vec<String>,
}

/// A name as written and as used, or a column that stays inside and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Renamed {
    /// As written.
    pub from: String,
    /// As used, or why it is left out.
    pub to: String,
}
