//! Prometheus: whom it scrapes by static configuration, and the alert managers that it calls.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::{Expr, Facts, Place, Route};

use super::{Manifest, Neighbours};

/// Prometheus.
pub const MANIFEST: Manifest = Manifest { id: "prometheus", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml") && text.contains("scrape_configs:")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    for document in &yaml::parse(text).nodes {
        let alerting = document.at(&["alerting", "alertmanagers"]).list();
        let jobs = document.get("scrape_configs").list().iter().chain(alerting);
        for job in jobs {
            targets(source, job, &mut facts);
        }
    }
    facts
}

/// Hosts that a job names; itself (`localhost`) is none.
fn targets(source: &Source, job: &Node, facts: &mut Facts) {
    let path = job.get("metrics_path").text().unwrap_or("/metrics");
    for target in job.get("static_configs").list().iter().flat_map(|c| c.get("targets").list()) {
        let host = target.str();
        if host.is_empty() || host.starts_with("localhost") || host.starts_with("127.0.0.1") {
            continue;
        }
        facts.routes.push(Route {
            place: Place::new(&source.root, &source.path, target.line),
            proxy: "prometheus".to_owned(),
            gateway: Some("prometheus".to_owned()),
            pattern: path.to_owned(),
            target: Expr::literal(&format!("http://{host}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_targets_are_scraped() {
        let text = "scrape_configs:\n  - job_name: a\n    static_configs:\n      - targets: ['orders:8080', 'localhost:9090']\n";
        let facts = read(&Source::in_memory("prometheus.yml", text.as_bytes()), text, &Neighbours::new(&[], ""));
        let found: Vec<_> = facts.routes.iter().map(|r| (r.target.clone(), r.place.line)).collect();
        assert_eq!(found, [(Expr::literal("http://orders:8080"), 4)]);
    }
}
