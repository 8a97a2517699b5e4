//! unbraid: the service call graph of a system, its synchronous coupling, and the way to events.

pub mod config;
pub mod error;
pub mod files;
pub mod graph;
pub mod ingest;
pub mod model;
pub mod result;
pub mod rules;
