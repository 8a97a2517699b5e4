//! What a user may decide about a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The platform that the files are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Apache Kafka: commands, and Connect over REST.
    #[default]
    Kafka,
    /// Confluent Platform: its names of the same commands.
    Confluent,
    /// Strimzi on Kubernetes: custom resources.
    Strimzi,
}

/// The kind of schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchemaKind {
    /// Avro.
    #[default]
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The largest sum of gains early.
    #[default]
    Value,
    /// The largest gain per point first: picks the pilot.
    Ratio,
}

/// The options of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// Steps at most.
    pub steps: usize,
    /// Computed views become topics too.
    pub views: bool,
    /// What comes first.
    pub order: Order,
    /// Only this owner's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Platform.
    pub platform: Platform,
    /// Kind of schema.
    pub schema: SchemaKind,
    /// Highest rate of changes of one entity, a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            steps: super::STEPS,
            views: true,
            order: Order::Value,
            only: None,
            platform: Platform::Kafka,
            schema: SchemaKind::Avro,
            peak: None,
        }
    }
}
