//! Published metrics of the blocking graph, as facts beside the score: none of them is the headline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All metrics; every one is `None` where it is not defined or its input is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// Of the system.
    pub system: SystemMetrics,
    /// Of each member of V, by name.
    pub services: Vec<ServiceMetrics>,
    /// Of each blocking edge, by caller and callee.
    pub edges: Vec<EdgeMetrics>,
}

/// Metrics of the system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemMetrics {
    /// SIY, services interdependence in the system: pairs that call each other (Rud, Schmietendorf, Dumke 2006).
    pub siy: u32,
    /// SCF, system coupling factor: `ΣADS / (n² − n)` (Hofmeister 2008; Zhang 2009).
    pub scf: Option<f64>,
    /// Propagation cost: reachable pairs / `n(n−1)`, self excluded (MacCormack, Rusnak, Baldwin 2006 divide by n² and
    /// count the diagonal).
    pub propagation_cost: Option<f64>,
    /// CCD, cumulative component dependency: `Σ(1 + reachable)` (Lakos 1996).
    pub ccd: u64,
    /// ACD: `CCD / n`.
    pub acd: Option<f64>,
    /// RACD: `ACD / n`.
    pub racd: Option<f64>,
    /// NCCD: CCD / CCD of the balanced binary tree of n nodes; above 1 more coupled than a tree.
    pub nccd: Option<f64>,
    /// Strongly connected components of two or more services.
    pub cycles: u32,
    /// Services in the largest of them.
    pub largest_cycle: u32,
    /// Longest path of the condensation, in hops.
    pub depth: u32,
    /// Mean of `up`: services that one reaches.
    pub mean_reach: Option<f64>,
    /// Largest blast radius.
    pub max_blast_radius: Option<f64>,
    /// Sources from which betweenness was estimated; `None` = all, the value is exact.
    pub betweenness_sampled: Option<u32>,
    /// Largest standard error of a betweenness; 0 where it is exact.
    pub betweenness_error: f64,
}

/// Metrics of one service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceMetrics {
    /// The service.
    pub service: String,
    /// AIS, absolute importance of the service: distinct callers (Rud, Schmietendorf, Dumke 2006).
    pub ais: u32,
    /// ADS, absolute dependence of the service: distinct callees (same).
    pub ads: u32,
    /// ACS, absolute criticality of the service: `AIS · ADS` (same).
    pub acs: u64,
    /// Instability: `ADS / (AIS + ADS)` (Martin); `None` for a service without edges.
    pub instability: Option<f64>,
    /// Longest path of the condensation that begins here, in hops (Bogner, "Service Chain").
    pub depth: u32,
    /// Size of its strongly connected component.
    pub component: u32,
    /// Betweenness, 0 to 1 (Brandes 2001).
    pub betweenness: f64,
    /// PageRank, damping 0.85.
    pub page_rank: f64,
    /// Blast radius: `down / (n − 1)`.
    pub blast_radius: Option<f64>,
    /// The last service that every way from outside to this one passes (Lengauer, Tarjan 1979).
    pub dominator: Option<String>,
    /// Services that cannot be reached but through it.
    pub dominates: u32,
    /// Upper bound of its availability: the product of the measured availability of all that it reaches (Treynor,
    /// Dahlin, Rau, Beyer 2017); `None` without traces. What was not measured counts as always up.
    pub availability_bound: Option<f64>,
}

/// Metrics of one edge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeMetrics {
    /// Caller.
    pub source: String,
    /// Callee.
    pub target: String,
    /// SC, structural coupling: `1 − (1/deg)·LWF·GWF`, `LWF = (1+out)/(1+deg)`, `GWF = deg/max deg`, with the call
    /// sites of the pair as degree (Panichella, Rahman, Taibi 2021).
    pub structural_coupling: f64,
    /// Calls along the edge per request that the caller serves; `None` without traces.
    pub calls_per_request: Option<f64>,
    /// Caller's instability minus callee's: below 0 it depends on something less stable than itself.
    pub stability_step: Option<f64>,
}
