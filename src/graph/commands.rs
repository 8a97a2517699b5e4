//! Calls that containers make by what they run: load tools and clients on command lines and in scripts.
//!
//! Takes workloads and scripts; gives outbound calls. A script counts only where a command of the container names it.

use crate::model::{CallSite, Confidence, Facts, Mode, Place, SiteKind, is_load_tool, requests_of};

use super::link::configured_at;
use super::sites::{Outbound, Settled, SiteReader};
use super::stores;

/// The calls of a node's commands and scripts, and whether one of them makes load.
#[must_use]
pub fn calls(reader: &SiteReader<'_, '_>, facts: &Facts) -> (Vec<Outbound>, bool) {
    let node = &reader.nodes.all[reader.at];
    let mut requests: Vec<(String, String, Place)> = Vec::new();
    for workload in node.workloads.iter().map(|w| &facts.workloads[*w]) {
        let command = workload.command.join(" ");
        let plain = command.trim_start_matches(['[', '"']).replace("sh -c ", "");
        requests.extend(requests_of(&plain).into_iter().map(|(tool, url)| (tool, url, workload.place.clone())));
        if command.is_empty() {
            continue;
        }
        for script in facts.settings.iter().filter(|s| s.format == "shell" && s.place.root == workload.place.root) {
            let name = script.place.path.rsplit('/').next().unwrap_or_default();
            let (owners, library) = reader.nodes.owners(facts, &script.place);
            if command.contains(name) && !library && owners.contains(&reader.at) {
                let values = script.values.iter().map(|v| (v.key.clone(), v.value.clone(), v.place.clone()));
                requests.extend(values);
            }
        }
    }
    requests.sort();
    requests.dedup();
    let mut load = false;
    let mut all = Vec::new();
    for (tool, url, place) in requests {
        for text in reader.texts.of_text(&url) {
            let site = CallSite::new(&format!("shell/{tool}"), SiteKind::Http, place.line);
            let made = configured_at(&place, &site, Confidence::Confirmed.min(text.sure));
            let made = crate::model::Site { chain: reader.chain(&text), ..made };
            let out = stores::settled(reader, &site, Mode::Sync, &text, made);
            if let Settled::Node(to) = out.settled
                && to != reader.at
            {
                load |= is_load_tool(&tool);
                all.push(out);
            }
        }
    }
    (all, load)
}
