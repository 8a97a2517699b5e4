//! Calls without a host: what lies behind the origin of a page, and who serves a path.

use std::collections::BTreeSet;

use crate::graph::link::SettledRoute;
use crate::graph::sites::Outbound;
use crate::model::{Confidence, ServiceKind, SiteState};

use super::*;

impl Joiner<'_> {
    /// The gateway behind the origin of a page: who routes the path, else the only gateway.
    pub(super) fn behind_origin(&self, from: usize, out: &Outbound, routes: &[SettledRoute]) -> Option<usize> {
        let node = &self.nodes.all[from];
        let browser = node.kind == Some(ServiceKind::Ui)
            || !node.languages.is_empty()
                && node.languages.iter().all(|l| matches!(l.as_str(), "javascript" | "typescript"));
        if !browser {
            return None;
        }
        let routing: BTreeSet<usize> =
            routes.iter().filter(|r| route_fits(&r.pattern, &out.path)).filter_map(|r| r.gateway).collect();
        if routing.contains(&from) {
            return Some(from);
        }
        if routing.len() == 1 {
            return routing.first().copied();
        }
        // A page is served by its own service where that serves anything: its origin is the service itself.
        if self.endpoints.get(from).is_some_and(|e| !e.is_empty()) {
            return Some(from);
        }
        let gateways: Vec<usize> =
            (0..self.nodes.all.len()).filter(|at| self.nodes.all[*at].kind == Some(ServiceKind::Gateway)).collect();
        if let [one] = gateways.as_slice() { Some(*one) } else { None }
    }

    /// No address: who serves this path?
    pub(super) fn by_path(&mut self, from: usize, mut out: Outbound, reason: &str, routes: &[SettledRoute]) {
        if out.site.dead {
            return;
        }
        // What runs outside (a page, an app on a device) comes in by the gateway that routes the path.
        let node = &self.nodes.all[from];
        if (node.kind == Some(ServiceKind::Ui) || node.workloads.is_empty())
            && literal_length(&out.path) >= TELLING_PATH
        {
            let routing: BTreeSet<usize> =
                routes.iter().filter(|r| route_fits(&r.pattern, &out.path)).filter_map(|r| r.gateway).collect();
            if let [one] = routing.iter().copied().filter(|g| *g != from).collect::<Vec<_>>().as_slice() {
                out.site.confidence = Confidence::Probable;
                return self.reach_node(from, *one, out);
            }
        }
        let servers = self.servers(from, &out);
        match servers.as_slice() {
            [one] => {
                out.site.confidence = Confidence::Probable;
                let to = *one;
                self.reach_node(from, to, out);
            }
            [] => self.not_resolved(from, out, reason),
            many if many.len() <= 5 => {
                let many = many.to_vec();
                self.state(from, &out, SiteState::Ambiguous);
                self.candidate(from, &many, out, format!("{reason}; several services serve the path"));
            }
            _ => self.not_resolved(from, out, reason),
        }
    }
}

/// Segments where the call has a hole and the template a fixed word.
pub(super) fn guessed_segments(call: &str, template: &str) -> usize {
    let segments = |p: &str| p.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    segments(call).iter().zip(segments(template)).filter(|(c, t)| c.contains('{') && !t.contains('{')).count()
}

/// Letters of a path outside its holes.
pub(super) fn literal_length(path: &str) -> usize {
    path.split('/').filter(|s| !s.contains('{')).map(str::len).sum()
}

/// Does a route's pattern cover a path?
pub(super) fn route_fits(pattern: &str, path: &str) -> bool {
    let prefix =
        pattern.trim_start_matches(['~', '^', '=', ' ', '*']).split(['*', '{', '(', '$']).next().unwrap_or_default();
    let prefix = prefix.trim_end_matches('/');
    !prefix.is_empty() && (path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')))
}
