//! Tables that several services write.

use super::{Scene, Smell, finding};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "shared-database", text: include_str!("shared_database.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let shared = &scene.graph.parts().shared_writes;
    if shared.is_empty() && scene.graph.parts().tables.is_empty() {
        return Err("no table is known: no SQL, mapping or migration was read");
    }
    Ok(shared
        .iter()
        .map(|s| {
            let because = format!("{} write the table {}", s.services.join(" and "), s.table);
            finding(
                "shared-database",
                Severity::High,
                &s.services,
                Some(&s.table),
                because,
                s.evidence.clone(),
                &["one owner writes, others read its published copy"],
            )
        })
        .collect())
}
