//! Services and their roles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

/// The role of a node in the service graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// Business service.
    Service,
    /// API gateway or reverse proxy.
    Gateway,
    /// User interface.
    Ui,
    /// Authentication server.
    Auth,
    /// Configuration server.
    Config,
    /// Service registry.
    Registry,
    /// Monitoring, tracing, logging.
    Monitoring,
    /// Message broker.
    Broker,
    /// Database or cache.
    Database,
    /// Outside the system.
    External,
    /// Load generator, test client.
    Loadgen,
    /// Anything else.
    Other,
}

impl ServiceKind {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Gateway => "gateway",
            Self::Ui => "ui",
            Self::Auth => "auth",
            Self::Config => "config",
            Self::Registry => "registry",
            Self::Monitoring => "monitoring",
            Self::Broker => "broker",
            Self::Database => "database",
            Self::External => "external",
            Self::Loadgen => "loadgen",
            Self::Other => "other",
        }
    }
}

/// Whether a service counts in the score (the set V), and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Membership {
    /// Is it a member of V?
    pub member: bool,
    /// One sentence.
    pub because: String,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The name its own system gives it.
    pub name: String,
    /// Role.
    pub kind: ServiceKind,
    /// Other names: folder, application, image, Kubernetes Service, chart.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Owners (CODEOWNERS, Backstage).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Languages of its code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Folders of its code, relative to the root (`""` = the root).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// Product, for databases, brokers and the like (`postgresql`, `kafka`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Reached from outside by a published port, LoadBalancer or Ingress.
    #[serde(default)]
    pub exposed: bool,
    /// Whether it counts in the score; filled by the analysis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// Why we believe that it exists.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}
