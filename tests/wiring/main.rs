//! Small systems written for one way in which an address travels each, against the edges that they must give.

mod charts;
mod clients;
mod deployments;
mod dotnet;
mod hints;
mod messaging;
mod products;
mod programs;
mod proxies;
mod specs;
mod spring;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use unbraid::result::Result as Found;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Analyzes files given as (path, text).
pub fn system(files: &[(&str, &str)]) -> Found {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("wiring-{}-{n}", std::process::id()));
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    }
    let request = unbraid::Request { inputs: vec![root.clone()], ..unbraid::Request::default() };
    let found = unbraid::analyze(&unbraid::read(&request).expect("readable"));
    std::fs::remove_dir_all(root).expect("removed");
    found
}

/// Edges as `source -> target mode`, sorted.
pub fn edges(found: &Found) -> Vec<String> {
    let all: BTreeSet<String> =
        found.dependencies.iter().map(|d| format!("{} -> {} {}", d.source, d.target, d.mode.as_str())).collect();
    all.into_iter().collect()
}
