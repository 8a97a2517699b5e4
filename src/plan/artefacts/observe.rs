//! What to watch, as a dashboard that Grafana imports.

use serde_json::json;

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::{agreed, write};

use super::{Artefact, Context, File, Render};

/// What to watch.
pub const ARTEFACT: Artefact = Artefact {
    id: "observe",
    about: "dashboard of lag, slot, staleness and dead letters",
    render: Render::Step(render),
};

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let mut watched: Vec<(String, String, &str)> = Vec::new();
    for prefix in agreed::prefixes(design) {
        watched.push((
            format!("{prefix}: behind the source, ms"),
            format!("debezium_metrics_MilliSecondsBehindSource{{context=\"streaming\",name=\"{prefix}\"}}"),
            "ms",
        ));
    }
    if agreed::engine(design) == "postgresql" {
        let entity = (!design.entities.is_empty()).then(|| agreed::slot(design));
        let outbox = agreed::makes_outbox(design).then(|| agreed::outbox_slot(design));
        for slot in entity.into_iter().chain(outbox) {
            watched.push((
                format!("{slot}: write-ahead log kept back, bytes"),
                format!("pg_replication_slots_pg_wal_lsn_diff{{slot_name=\"{slot}\"}}"),
                "bytes",
            ));
        }
    }
    for consumer in &design.consumers {
        let group = write::line(&consumer.group).replace('"', "");
        watched.push((
            format!("{group}: lag, messages"),
            format!("sum(kafka_consumergroup_lag{{consumergroup=\"{group}\"}})"),
            "short",
        ));
        let letters = agreed::dead_letters(&group);
        watched.push((format!("{letters}: dead letters"), format!("sum(kafka_topic_partition_current_offset{{topic=\"{letters}\"}}) - sum(kafka_topic_partition_oldest_offset{{topic=\"{letters}\"}})"), "short"));
    }
    let panels: Vec<serde_json::Value> = watched
        .iter()
        .enumerate()
        .map(|(at, (title, query, unit))| {
            json!({
                "id": at + 1, "type": "timeseries", "title": title,
                "gridPos": {"x": (at % 2) * 12, "y": (at / 2) * 8, "w": 12, "h": 8},
                "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
                "targets": [{"refId": "A", "expr": query}],
            })
        })
        .collect();
    let dashboard = json!({
        "__comment": write::mark("dashboard; import it into Grafana", step, design),
        "title": format!("Events of {}", write::line(&design.owner)),
        "schemaVersion": 39, "timezone": "utc", "panels": panels,
    });
    vec![File::of(design, "watch.json", write::json(&dashboard))]
}
