//! What a step costs, in ordinal points (not days), every term shown (analysis §5.3).
//!
//! Takes the analysed graph; gives points for the moves of the search and for single edges.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::ServiceGraph;
use crate::model::plan::EffortTerm;
use crate::model::{Consistency, Dependency, Intent, SchemaFact, Site, counted};

use super::knowledge::{Knowledge, Lexicon};
use super::score::Coupling;
use super::simulate::Move;

/// Owners with changes of their schema below which no quartile is taken.
const QUARTILE: usize = 4;

/// Prices of all moves of a system.
pub struct Costs<'c> {
    coupling: &'c Coupling,
    knowledge: &'c Knowledge,
    /// Blocking dependencies by callee and by caller.
    incoming: Vec<Vec<&'c Dependency>>,
    outgoing: Vec<Vec<&'c Dependency>>,
    schemas: BTreeMap<&'c str, Vec<&'c SchemaFact>>,
    /// Changes of a schema above which it is among the quarter that changes most.
    churn: Option<usize>,
}

impl<'c> Costs<'c> {
    /// Prepares prices.
    #[must_use]
    pub fn of(graph: &'c ServiceGraph, coupling: &'c Coupling, knowledge: &'c Knowledge) -> Self {
        let n = coupling.members.len();
        let (mut incoming, mut outgoing) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for ((from, to), index) in &coupling.edges {
            let Some(dependency) = index.map(|i| &graph.dependencies()[i]) else { continue };
            incoming[*to as usize].push(dependency);
            outgoing[*from as usize].push(dependency);
        }
        let mut schemas: BTreeMap<&str, Vec<&SchemaFact>> = BTreeMap::new();
        for schema in &graph.parts().schemas {
            for service in &schema.services {
                schemas.entry(service).or_default().push(schema);
            }
        }
        let mut changes: Vec<usize> = schemas.values().map(|s| migrations(s)).filter(|n| *n > 0).collect();
        changes.sort_unstable();
        let churn = (changes.len() >= QUARTILE).then(|| changes[changes.len() * 3 / 4]);
        Self { coupling, knowledge, incoming, outgoing, schemas, churn }
    }

    /// Points of a move, with their terms.
    #[must_use]
    pub fn points(&self, made: Move) -> (f64, Vec<EffortTerm>) {
        let mut terms = vec![EffortTerm { what: "a topic, its schema and its operation".to_owned(), points: 1.0 }];
        match made {
            Move::Publish(at) => self.publish(at, &mut terms),
            Move::Emit(at) => {
                let told = self.outgoing[at as usize].iter().filter(|d| d.intents.contains(&Intent::Notify));
                let told: BTreeSet<&str> = told.map(|d| d.target.as_str()).collect();
                add(&mut terms, told.len(), 0.5, ["consumer", " of the event"]);
            }
        }
        (terms.iter().map(|t| t.points).sum(), terms)
    }

    fn publish(&self, at: u32, terms: &mut Vec<EffortTerm>) {
        let sites: Vec<(&Dependency, &Site)> =
            self.incoming[at as usize].iter().flat_map(|d| d.sites.iter().map(move |s| (*d, s))).collect();
        let reading = |s: &Site| matches!(s.intent, Some(Intent::Read | Intent::View));
        let callers = |fits: &dyn Fn(&Site) -> bool| {
            let all: BTreeSet<&str> = sites.iter().filter(|(_, s)| fits(s)).map(|(d, _)| d.source.as_str()).collect();
            all.len()
        };
        let level = |c: Consistency| sites.iter().filter(|(_, s)| s.consistency == Some(c)).count();
        add(terms, callers(&reading), 0.5, ["consumer", " with a projection"]);
        let all = || sites.iter().map(|(_, s)| *s);
        add(terms, operations(all(), Intent::Read), 0.25, ["read operation", ""]);
        add(terms, operations(all(), Intent::View), 1.0, ["computed view", ""]);
        let writing = |s: &Site| s.intent == Some(Intent::Write);
        add(terms, callers(&writing), 0.5, ["service", " sending it commands too"]);
        add(terms, level(Consistency::R2), 1.0, ["read", " of one's own write"]);
        add(terms, level(Consistency::R3), 2.0, ["check", " before a command, to be redesigned"]);
        let owner = self.coupling.members[at as usize].as_str();
        let owned = self.schemas.get(owner).map_or(&[][..], Vec::as_slice);
        let stored = || owned.iter().filter(|s| s.table.is_some() && matches!(s.format.as_str(), "orm" | "migration"));
        let personal = |name: &str| Lexicon::has(&self.knowledge.lexicon.personal, name);
        let people = stored().any(|s| s.fields.iter().any(|f| personal(&f.name)));
        add(terms, usize::from(people), 1.0, ["entity", " with personal data"]);
        let most = stored().map(|s| s.fields.len()).max().unwrap_or(0);
        add(terms, usize::from(most > self.knowledge.thresholds.many_fields), 0.5, ["entity", " with many fields"]);
        let restless = self.churn.is_some_and(|churn| migrations(owned) > churn);
        add(terms, usize::from(restless), 0.5, ["schema", " among the quarter that changes most"]);
    }

    /// Points of freeing one edge by itself: a projection or a consumer, and each operation on it.
    #[must_use]
    pub fn edge(&self, from: u32, to: u32) -> f64 {
        let target = &self.coupling.members[to as usize];
        let on_edge = self.outgoing[from as usize].iter().filter(|d| d.target == *target);
        let sites: Vec<&Site> = on_edge.flat_map(|d| &d.sites).collect();
        let each = |intent| operations(sites.iter().copied(), intent) as f64;
        0.5 + 0.25 * each(Intent::Read) + each(Intent::View)
    }

    /// Points of a command that becomes a saga step: the reply topic, and for each command its message and its
    /// compensation (the cost of a saga grows with the writes across services: Santos and Silva, ECSA 2020).
    #[must_use]
    pub fn saga(&self, from: u32, to: u32) -> Vec<EffortTerm> {
        let target = &self.coupling.members[to as usize];
        let on_edge = self.outgoing[from as usize].iter().filter(|d| d.target == *target);
        let commands = operations(on_edge.flat_map(|d| &d.sites), Intent::Write).max(1);
        let mut terms = vec![EffortTerm { what: "a coordinator with its state".to_owned(), points: 2.0 }];
        add(&mut terms, commands, 1.0, ["command", " as a message with a reply"]);
        add(&mut terms, commands, 1.0, ["compensation", ""]);
        terms
    }
}

/// Adds a term for so many of a noun; what follows the noun holds for one and for many.
fn add(terms: &mut Vec<EffortTerm>, n: usize, each: f64, [one, rest]: [&str; 2]) {
    if n > 0 {
        terms.push(EffortTerm { what: counted(n, one) + rest, points: each * n as f64 });
    }
}

/// Distinct operations of one purpose.
fn operations<'s>(sites: impl Iterator<Item = &'s Site>, intent: Intent) -> usize {
    let all: BTreeSet<&str> = sites.filter(|s| s.intent == Some(intent)).map(|s| s.operation.as_str()).collect();
    all.len()
}

/// Migrations of a service, by file.
fn migrations(schemas: &[&SchemaFact]) -> usize {
    let files: BTreeSet<(&str, &str)> = schemas
        .iter()
        .filter(|s| s.format == "migration")
        .map(|s| (s.place.root.as_str(), s.place.path.as_str()))
        .collect();
    files.len()
}
