//! Names that a cluster gives: Services of Kubernetes and the pods that they pick.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::WorkloadKind;

use super::builder::Builder;
use super::*;

/// Root, key and value of a label.
type Label<'f> = (&'f str, &'f String, &'f String);

impl Builder<'_> {
    /// A Kubernetes Service is a name of the pods that its selector picks.
    pub(super) fn kubernetes_services(&mut self) {
        let facts = self.facts;
        // Nodes and their pods, by root and label.
        let mut labelled: BTreeMap<Label<'_>, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for i in node.workloads.iter().filter(|i| facts.workloads[**i].kind == WorkloadKind::Kubernetes) {
                let pods = &facts.workloads[*i];
                for (key, value) in &pods.labels {
                    labelled.entry((pods.place.root.as_str(), key, value)).or_default().push((at, *i));
                }
            }
        }
        // Of several declarations (an overlay, an example of another setting) the one nearest to the top says whether
        // it is reachable from outside.
        let mut open: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
        for w in facts.workloads.iter().filter(|w| w.kind == WorkloadKind::KubernetesService) {
            let first = w.selector.iter().next().and_then(|(k, v)| labelled.get(&(w.place.root.as_str(), k, v)));
            let picks = |i: usize| w.selector.iter().all(|(k, v)| facts.workloads[i].labels.get(k) == Some(v));
            let picked: BTreeSet<usize> =
                first.into_iter().flatten().filter(|(_, i)| picks(*i)).map(|(at, _)| *at).collect();
            let at = match (picked.len(), self.by_name.get(&normal(&w.name)).copied()) {
                (_, Some(known)) => Some(known),
                (1, None) => picked.first().copied(),
                _ => None,
            };
            if let Some(at) = at {
                self.name(at, &w.name, rank::KUBERNETES);
                let exposed = w.labels.get("service-type").is_some_and(|t| t == "LoadBalancer" || t == "NodePort");
                let depth = w.place.path.matches('/').count();
                let known = open.entry(at).or_insert((depth, exposed));
                if depth < known.0 {
                    *known = (depth, exposed);
                } else if depth == known.0 {
                    known.1 |= exposed;
                }
            }
        }
        open.iter().filter(|(_, (_, exposed))| *exposed).for_each(|(at, _)| self.nodes[*at].exposed = true);
    }
}
