//! The nouns of unbraid: plain data that every stage reads and writes.
//!
//! Takes nothing, imports nothing of ours. A `Fact` is what one input says, with names as written;
//! a `Service` and a `Dependency` are what linking made of the facts; scores, findings and plans are
//! what analysis made of the graph. This page is also the glossary: one word per idea.

pub mod analysis;
pub mod code;
pub mod command;
pub mod dependency;
pub mod design;
pub mod evidence;
pub mod expr;
pub mod facts;
pub mod history;
pub mod metrics;
pub mod plan;
pub mod practice;
pub mod service;
pub mod traffic;
pub mod wording;

pub use analysis::{
    Band, Coverage, EdgeMarginal, Entity, EntityClass, EntityField, Finding, GraphFigures, NotEvaluated, Runtime,
    ScoreReport, Severity, SubScores, Term, VerbLie,
};
pub use code::{Annotation, Binding, Call, CallSite, Function, SiteKind, TypeDecl, Unit};
pub use command::{is_load_tool, requests_of};
pub use dependency::{
    Candidate, Channel, Consistency, Dependency, Intent, IntentLevel, Mode, SharedWrite, Site, SiteCounts, SiteState,
    TableAccess, TableUse, UnresolvedSite,
};
pub use evidence::{Confidence, Evidence, Note, Place, SourceKind, is_secret_key, mask_secrets};
pub use expr::{Argument, Expr};
pub use facts::{
    Endpoint, Facts, Module, ModuleKind, Operation, Owner, ReadCounts, Route, SchemaFact, SchemaField, Setting,
    Settings, StoreEffect, Workload, WorkloadKind,
};
pub use history::{Authorship, ChangeSet, CoChange, History, HistoryFact};
pub use metrics::Metrics;
pub use plan::{Action, CycleBreak, Plan, Residue, Step, Verdict};
pub use practice::{Condition, Deployment, Flow, FlowStep, Practice, PracticeKind, Profile, SharedLibrary, StepKind};
pub use service::{Membership, Service, ServiceKind};
pub use traffic::{
    Act, CallsOfRequest, CriticalTime, Histogram, Latency, Ledger, OperationServed, OperationTraffic, Relation,
    RepeatedCalls, RequestAct, Traffic, TrafficRow,
};
pub use wording::{counted, fitting};
