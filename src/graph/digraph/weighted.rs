//! How strongly nodes depend on each other when edges weigh less than 1.

use petgraph::algo::dijkstra;
use petgraph::graph::DiGraph;

/// For each node the sum of the strengths with which it depends on others, and of those with which others depend on
/// it. The strength of a pair is the largest product of weights along a way (Dijkstra on −ln). Weights of 0 and less
/// are no edges.
#[must_use]
pub fn strengths(n: usize, edges: &[(u32, u32, f64)]) -> (Vec<f64>, Vec<f64>) {
    let mut graph: DiGraph<(), f64, u32> = DiGraph::with_capacity(n, edges.len());
    for _ in 0..n {
        graph.add_node(());
    }
    for (from, to, weight) in edges.iter().filter(|(from, to, weight)| from != to && *weight > 0.0) {
        graph.add_edge((*from).into(), (*to).into(), -weight.min(1.0).ln());
    }
    let (mut up, mut down) = (vec![0.0; n], vec![0.0; n]);
    for from in 0..n as u32 {
        let found = dijkstra(&graph, from.into(), None, |e| *e.weight());
        let mut reached: Vec<(usize, f64)> = found.into_iter().map(|(to, way)| (to.index(), (-way).exp())).collect();
        // The order of a hash map must not reach a sum.
        reached.sort_by_key(|(to, _)| *to);
        for (to, strength) in reached.into_iter().filter(|(to, _)| *to != from as usize) {
            up[from as usize] += strength;
            down[to] += strength;
        }
    }
    (up, down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_way_counts() {
        let (up, down) = strengths(4, &[(0, 1, 0.5), (1, 2, 0.5), (0, 2, 0.2), (2, 3, 1.0), (3, 3, 1.0)]);
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&up, &[1.0, 1.0, 1.0, 0.0]), "{up:?}");
        assert!(near(&down, &[0.0, 0.5, 0.75, 1.75]), "{down:?}");
    }
}
