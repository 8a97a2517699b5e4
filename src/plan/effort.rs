//! What a step costs, in ordinal points (not days), every term shown (analysis §5.3).

use std::collections::BTreeSet;

use crate::analyze::Analysis;
use crate::analyze::knowledge::Lexicon;
use crate::analyze::simulate::Move;
use crate::model::plan::EffortTerm;
use crate::model::{Consistency, Dependency, Intent, Site};

/// Points of a move, with their terms.
#[must_use]
pub fn points(analysis: &Analysis, made: Move) -> (f64, Vec<EffortTerm>) {
    let mut terms = vec![EffortTerm { what: "a topic, its schema and its operation".to_owned(), points: 1.0 }];
    let mut add = |n: usize, each: f64, what: &str| {
        if n > 0 {
            terms.push(EffortTerm { what: format!("{n} {what}"), points: each * n as f64 });
        }
    };
    let edges = |fits: &dyn Fn(&(u32, u32)) -> bool| -> Vec<&Dependency> {
        let all = analysis.coupling.edges.iter().filter(|(e, _)| fits(e));
        all.filter_map(|(_, i)| i.map(|i| &analysis.graph.dependencies()[i])).collect()
    };
    match made {
        Move::Publish(at) => {
            let incoming = edges(&|e| e.1 == at);
            let sites: Vec<(&Dependency, &Site)> =
                incoming.iter().flat_map(|d| d.sites.iter().map(move |s| (*d, s))).collect();
            let reading = |s: &Site| matches!(s.intent, Some(Intent::Read | Intent::View));
            let consumers: BTreeSet<&str> =
                sites.iter().filter(|(_, s)| reading(s)).map(|(d, _)| d.source.as_str()).collect();
            let operations = |intent: Intent| {
                let all: BTreeSet<&str> =
                    sites.iter().filter(|(_, s)| s.intent == Some(intent)).map(|(_, s)| s.operation.as_str()).collect();
                all.len()
            };
            let writers: BTreeSet<&str> =
                sites.iter().filter(|(_, s)| s.intent == Some(Intent::Write)).map(|(d, _)| d.source.as_str()).collect();
            let level = |c: Consistency| sites.iter().filter(|(_, s)| s.consistency == Some(c)).count();
            add(consumers.len(), 0.5, "consumers with a projection");
            add(operations(Intent::Read), 0.25, "read operations");
            add(operations(Intent::View), 1.0, "computed views");
            add(writers.len(), 0.5, "services that also send commands to it");
            add(level(Consistency::R2), 1.0, "reads that must see their own write");
            add(level(Consistency::R3), 2.0, "checks before a command, to be redesigned");
            let owner = &analysis.coupling.members[at as usize];
            let (personal, fields) = data_of(analysis, owner);
            add(usize::from(personal), 1.0, "entity with personal data");
            add(usize::from(fields > analysis.knowledge.thresholds.many_fields), 0.5, "entity with many fields");
        }
        Move::Emit(at) => {
            let told: BTreeSet<&str> = edges(&|e| e.0 == at)
                .into_iter()
                .filter(|d| d.sites.iter().any(|s| s.intent == Some(Intent::Notify)))
                .map(|d| d.target.as_str())
                .collect();
            add(told.len(), 0.5, "consumers of the event");
        }
    }
    (terms.iter().map(|t| t.points).sum(), terms)
}

/// Do the tables of a service name people, and how many fields has the largest?
fn data_of(analysis: &Analysis, service: &str) -> (bool, usize) {
    let tables: BTreeSet<&str> = analysis.graph.tables_of(service).map(|t| t.table.as_str()).collect();
    let schemas =
        analysis.graph.parts().schemas.iter().filter(|s| s.table.as_deref().is_some_and(|t| tables.contains(t)));
    let (mut personal, mut most) = (false, 0);
    for schema in schemas {
        most = most.max(schema.fields.len());
        personal |= schema.fields.iter().any(|f| Lexicon::has(&analysis.knowledge.lexicon.personal, &f.name));
    }
    (personal, most)
}
