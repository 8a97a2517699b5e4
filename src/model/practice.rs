//! How a service is built and run: timeouts, retries, health checks, telemetry, log files, releases.
//!
//! General facts with their place. Which of them is good or bad is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Confidence, Evidence, Place, SourceKind};

/// What a practice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PracticeKind {
    /// A time limit on an outgoing call; `value` in milliseconds where it is written out.
    Timeout,
    /// Retries of an outgoing call; `value` = attempts after the first, where written out.
    Retry,
    /// A circuit breaker, bulkhead or rate limit around outgoing calls.
    Breaker,
    /// A health check, probe or health route.
    HealthCheck,
    /// Metrics, traces or logs that are exported.
    Telemetry,
    /// A log that is written to a file.
    LogFile,
    /// A log that is written to the standard output or to a collector.
    LogStream,
    /// Code that blocks until something else has happened (latch, future, poll).
    Wait,
    /// A request over a broker that waits for its reply.
    Reply,
    /// Publication that commits together with the store (outbox, transactional publisher, event registry).
    Outbox,
    /// A value that differs between environments, written out in a file of the image.
    FixedValue,
    /// Processes that one container starts; `value` = how many.
    Processes,
    /// One pipeline, chart or script that releases `targets` together.
    Release,
}

/// One practice as an input shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Practice {
    /// The service that it belongs to; empty until it is linked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Kind.
    pub kind: PracticeKind,
    /// Where it stands.
    pub place: Place,
    /// Function that holds it, for code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// What the input says, in a few words; secrets are masked.
    pub says: String,
    /// Milliseconds or a count, as the kind says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// Whom it is about, as written: the callee of a timeout, the folders or names of a release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

impl Practice {
    /// A practice at a place.
    #[must_use]
    pub fn new(kind: PracticeKind, place: Place, says: &str) -> Self {
        Self {
            service: String::new(),
            kind,
            place,
            function: String::new(),
            says: super::evidence::mask_secrets(says),
            value: None,
            targets: Vec::new(),
        }
    }

    /// The practice as evidence.
    #[must_use]
    pub fn as_evidence(&self) -> Evidence {
        let code = !self.function.is_empty();
        let source = if code { SourceKind::Code } else { SourceKind::Manifests };
        Evidence::new(source, self.place.clone(), &self.says, Confidence::Confirmed)
    }
}

/// How one service is built and deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// The service.
    pub service: String,
    /// Lines of its own source files; `None` = no code was read.
    pub lines: Option<u32>,
    /// Build modules: the file, and what it depends on as written.
    pub modules: Vec<(Place, Vec<String>)>,
    /// Where it is deployed (compose, Kubernetes and the like; a Dockerfile is none): place, image, health check.
    pub deployments: Vec<Deployment>,
    /// Databases by name of the node, with the schema where the address names one.
    pub databases: Vec<(String, String)>,
    /// Keys that its deployments set in the environment.
    pub environment: Vec<String>,
    /// Its OpenAPI specification, and whether any operation or server of it carries a version.
    pub specification: Option<(Place, bool)>,
}

/// A library of the system that several services use, with the types of the domain in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedLibrary {
    /// Name of the module.
    pub name: String,
    /// Its build file.
    pub place: Place,
    /// Services that use it.
    pub users: Vec<String>,
    /// Types of the domain: entities and models with fields.
    pub types: Vec<(String, Place)>,
}

/// One deployment of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deployment {
    /// Where it is declared.
    pub place: Place,
    /// Variant (overlay, override file); empty for the base.
    pub profile: String,
    /// Image after interpolation.
    pub image: Option<String>,
    /// A health check or probe is declared.
    pub has_health_check: bool,
}

/// What one entry of a service does, in order: what its handler reaches inside the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flow {
    /// The service.
    pub service: String,
    /// Where the entry stands.
    pub place: Place,
    /// Name of the handler.
    pub handler: String,
    /// Serves an operation or a message, as opposed to what is started by other means.
    pub entry: bool,
    /// A value that its handler tells the kind of work by (`type`, `action`), and where.
    pub switches_on: Option<(String, Place)>,
    /// Steps in the order of the code, calls into other functions followed.
    pub steps: Vec<FlowStep>,
    /// More than the bound was reached, and the rest left out.
    pub cut: bool,
}

/// What a step of a flow does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Calls another service (or an address outside).
    Call,
    /// Publishes a message.
    Publish,
    /// Reads the own store.
    StoreRead,
    /// Writes the own store.
    StoreWrite,
    /// Blocks until something else has happened.
    Wait,
}

/// A step of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowStep {
    /// What it does.
    pub kind: StepKind,
    /// Where it stands.
    pub place: Place,
    /// Function that holds it.
    pub function: String,
    /// It, or a call that leads to it, stands in a loop.
    pub in_loop: bool,
    /// What it acts on, where the code names it: topic, or method of the store.
    pub says: String,
    /// Calls whose result a condition looked at before this step, in the same function or one that called it:
    /// places of those calls.
    pub after_check_of: Vec<Place>,
    /// Places in the flow from which the function that holds it is called; 0 for the entry's own steps.
    pub ways: u32,
    /// Branches of conditions in which it stands: condition, and which of its branches.
    pub branches: Vec<(u32, u32)>,
}

impl FlowStep {
    /// Can one request take both steps? Not if they stand in different branches of one condition.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        let excludes =
            |(condition, branch): &(u32, u32)| other.branches.iter().any(|(c, b)| c == condition && b != branch);
        !self.branches.iter().any(excludes)
    }

    /// Steps that one request can take together: the largest choice that is found by starting at each step.
    #[must_use]
    pub fn together<'s>(steps: &[&'s Self]) -> Vec<&'s Self> {
        let mut best: Vec<&Self> = Vec::new();
        for first in steps {
            let mut chosen: Vec<&Self> = vec![first];
            for step in steps {
                if !std::ptr::eq(*step, *first) && chosen.iter().all(|c| c.goes_with(step)) {
                    chosen.push(step);
                }
            }
            if chosen.len() > best.len() {
                best = chosen;
            }
        }
        best
    }
}

/// A condition in code: what an `if` looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Line of the condition.
    pub line: u32,
    /// Last line of the whole statement.
    pub end_line: u32,
    /// Lines where its further branches begin (`else`, `case`): what stands before the first one is its first branch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<u32>,
    /// Its first branch leaves the function, so that what follows the statement is the other branch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves: bool,
    /// It chooses among several cases (`switch`, `match`, `when`).
    #[serde(default)]
    pub many: bool,
    /// Names that it mentions, sorted.
    pub names: Vec<String>,
}
