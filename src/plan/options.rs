//! What a user may decide about a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

impl Default for Options {
    fn default() -> Self {
        Self { steps: super::STEPS, views: true, order: Order::Value, only: None }
    }
}
