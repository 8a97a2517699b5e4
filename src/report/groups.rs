//! Groups of services for pictures that would be too large: by team where teams are known, else by who calls whom.
//!
//! Takes services and edges by number; gives groups, each small enough to be drawn. Deterministic.

use std::collections::{BTreeMap, BTreeSet};

/// A picture shows no more boxes than this: above it nobody finds a way (interfaces of service maps group there too).
pub const VISIBLE: usize = 150;

/// Share of the services that must have a team before teams are the groups.
const KNOWN: f64 = 0.6;

/// Groups of `0..n`, each sorted, the one with the smallest member first.
#[must_use]
pub fn groups(n: usize, edges: &[(usize, usize)], teams: &[Option<String>]) -> Vec<Vec<usize>> {
    let known = teams.iter().flatten().count();
    let first = if known as f64 >= KNOWN * n as f64 {
        let mut by_team: BTreeMap<Option<&String>, Vec<usize>> = BTreeMap::new();
        (0..n).for_each(|i| by_team.entry(teams[i].as_ref()).or_default().push(i));
        by_team.into_values().collect()
    } else {
        vec![(0..n).collect()]
    };
    let mut done = Vec::new();
    for group in first {
        split(group, edges, &mut done);
    }
    let mut done = fewer(gathered(done, edges), edges);
    done.sort_by_key(|g| g[0]);
    done
}

/// Splits until each part can be drawn.
fn split(group: Vec<usize>, edges: &[(usize, usize)], into: &mut Vec<Vec<usize>>) {
    if group.len() <= VISIBLE / 2 {
        into.push(group);
        return;
    }
    let number: BTreeMap<usize, usize> = group.iter().enumerate().map(|(i, v)| (*v, i)).collect();
    let inside: Vec<(usize, usize)> =
        edges.iter().filter_map(|(a, b)| Some((*number.get(a)?, *number.get(b)?))).filter(|(a, b)| a != b).collect();
    let parts = communities(group.len(), &inside);
    if parts.len() == 1 {
        // Nothing tells them apart: by name, so that at least the pictures are small.
        into.extend(group.chunks(VISIBLE / 2).map(<[usize]>::to_vec));
        return;
    }
    for part in parts {
        split(part.into_iter().map(|i| group[i]).collect(), edges, into);
    }
}

/// Single services and pairs join the group that they talk to most; those that talk to nobody stand together.
fn gathered(groups: Vec<Vec<usize>>, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let n = groups.iter().map(Vec::len).sum::<usize>();
    let mut of = vec![0; n];
    for (g, members) in groups.iter().enumerate() {
        members.iter().for_each(|i| of[*i] = g);
    }
    let mut size: Vec<usize> = groups.iter().map(Vec::len).collect();
    for g in 0..groups.len() {
        if groups[g].len() > 2 {
            continue;
        }
        let mut weight: BTreeMap<usize, usize> = BTreeMap::new();
        for (a, b) in edges {
            let (a, b) = (of[*a], of[*b]);
            if a != b && (a == g || b == g) {
                *weight.entry(if a == g { b } else { a }).or_default() += 1;
            }
        }
        let room = |to: &usize| size[*to] + groups[g].len() <= VISIBLE / 2;
        let best = weight.iter().filter(|(to, _)| room(to)).max_by_key(|(to, w)| (**w, std::cmp::Reverse(**to)));
        if let Some((to, _)) = best {
            let to = *to;
            size[to] += groups[g].len();
            size[g] = 0;
            groups[g].iter().for_each(|i| of[*i] = to);
        }
    }
    let mut made: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..n).for_each(|i| made.entry(of[i]).or_default().push(i));
    let (small, mut large): (Vec<Vec<usize>>, Vec<Vec<usize>>) = made.into_values().partition(|g| g.len() <= 2);
    let mut rest: Vec<usize> = small.into_iter().flatten().collect();
    rest.sort_unstable();
    large.extend(rest.chunks(VISIBLE / 2).map(<[usize]>::to_vec));
    large
}

/// While there are more groups than a picture shows, the smallest joins the one that it talks to most, where both fit.
fn fewer(mut groups: Vec<Vec<usize>>, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut of = vec![0; groups.iter().map(Vec::len).sum()];
    for (g, members) in groups.iter().enumerate() {
        members.iter().for_each(|i| of[*i] = g);
    }
    let mut weights: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); groups.len()];
    for (a, b) in edges.iter().map(|(a, b)| (of[*a], of[*b])).filter(|(a, b)| a != b) {
        *weights[a].entry(b).or_default() += 1;
        *weights[b].entry(a).or_default() += 1;
    }
    let mut by_size: BTreeSet<(usize, usize)> = groups.iter().enumerate().map(|(g, all)| (all.len(), g)).collect();
    let mut settled = 0;
    while by_size.len() + settled > VISIBLE {
        let Some((size, g)) = by_size.pop_first() else { break };
        let fits = |to: &usize| size + groups[*to].len() <= VISIBLE / 2;
        let most = weights[g].iter().filter(|(to, _)| fits(to)).max_by_key(|(to, w)| (**w, std::cmp::Reverse(**to)));
        let next = by_size.first().map(|(_, to)| *to).filter(fits);
        let Some(to) = most.map(|(to, _)| *to).or(next) else {
            settled += 1;
            continue;
        };
        by_size.remove(&(groups[to].len(), to));
        let members = std::mem::take(&mut groups[g]);
        groups[to].extend(members);
        by_size.insert((groups[to].len(), to));
        for (other, w) in std::mem::take(&mut weights[g]) {
            weights[other].remove(&g);
            if other != to {
                *weights[other].entry(to).or_default() += w;
                *weights[to].entry(other).or_default() += w;
            }
        }
    }
    groups.retain(|g| !g.is_empty());
    groups.iter_mut().for_each(|g| g.sort_unstable());
    groups
}

/// Communities by greedy modularity (Blondel, Guillaume, Lambiotte, Lefebvre 2008): the coarsest level whose parts
/// can be drawn, else the finest one.
fn communities(n: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = (0..n).collect();
    let mut weight: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for (a, b) in edges {
        *weight.entry(((*a).min(*b), (*a).max(*b))).or_default() += 1;
    }
    let mut nodes = n;
    loop {
        let moved = local(nodes, &weight);
        let made: Vec<usize> = of.iter().map(|o| moved[*o]).collect();
        let count = made.iter().max().map_or(0, |m| m + 1);
        let mut size = vec![0usize; count];
        made.iter().for_each(|c| size[*c] += 1);
        let largest = size.iter().copied().max().unwrap_or(0);
        let first = nodes == n;
        if count == nodes || (largest > VISIBLE / 2 && !first) {
            break;
        }
        let mut merged: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for ((a, b), w) in &weight {
            let (a, b) = (moved[*a], moved[*b]);
            *merged.entry((a.min(b), a.max(b))).or_default() += w;
        }
        (of, weight, nodes) = (made, merged, count);
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    of.iter().enumerate().for_each(|(i, c)| parts.entry(*c).or_default().push(i));
    parts.into_values().collect()
}

/// One level: each node moves to the community where modularity grows most, until none moves. Numbered from 0.
fn local(n: usize, weight: &BTreeMap<(usize, usize), i64>) -> Vec<usize> {
    let mut links: Vec<Vec<(usize, i64)>> = vec![Vec::new(); n];
    let mut degree = vec![0i64; n];
    let mut total = 0i64;
    for ((a, b), w) in weight {
        total += 2 * w;
        degree[*a] += w;
        degree[*b] += w;
        if a != b {
            links[*a].push((*b, *w));
            links[*b].push((*a, *w));
        }
    }
    let mut of: Vec<usize> = (0..n).collect();
    let mut sum = degree.clone();
    for _ in 0..20 {
        let mut moved = false;
        for node in 0..n {
            let mut to: BTreeMap<usize, i64> = BTreeMap::new();
            for (other, w) in &links[node] {
                *to.entry(of[*other]).or_default() += w;
            }
            sum[of[node]] -= degree[node];
            // The gain of joining, times total: whole numbers, so that every machine decides alike.
            let gain = |c: usize| to.get(&c).copied().unwrap_or(0) * total - sum[c] * degree[node];
            let mut best = (gain(of[node]), of[node]);
            for c in to.keys() {
                if gain(*c) > best.0 {
                    best = (gain(*c), *c);
                }
            }
            moved |= best.1 != of[node];
            of[node] = best.1;
            sum[best.1] += degree[node];
        }
        if !moved {
            break;
        }
    }
    let mut number: BTreeMap<usize, usize> = BTreeMap::new();
    of.iter()
        .map(|c| {
            let next = number.len();
            *number.entry(*c).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_crowds_are_told_apart() {
        let ring = |from: usize| (0..80).flat_map(move |i| [1, 2, 3].map(|s| (from + i, from + (i + s) % 80)));
        let edges: Vec<(usize, usize)> = ring(0).chain(ring(80)).chain([(3, 90)]).collect();
        let groups = groups(160, &edges, &vec![None; 160]);
        assert!(groups.iter().all(|g| g.len() <= VISIBLE / 2), "{:?}", groups.iter().map(Vec::len).collect::<Vec<_>>());
        assert!(groups.iter().all(|g| g.iter().all(|i| i / 80 == g[0] / 80)), "{groups:?}");
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 160);
    }

    #[test]
    fn small_groups_join_until_one_picture_shows_them() {
        // Two hundred triangles, each joined to the next by one edge.
        let inside = (0..200).flat_map(|t| [(3 * t, 3 * t + 1), (3 * t + 1, 3 * t + 2), (3 * t + 2, 3 * t)]);
        let edges: Vec<(usize, usize)> = inside.chain((0..199).map(|t| (3 * t, 3 * t + 3))).collect();
        for teams in [vec![None; 600], (0..600).map(|i| Some((i / 3).to_string())).collect()] {
            let groups = groups(600, &edges, &teams);
            assert!(groups.len() <= VISIBLE && groups.iter().all(|g| g.len() <= VISIBLE / 2), "{groups:?}");
            assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 600);
            assert!(groups.iter().all(|g| g.iter().all(|i| g.contains(&(i / 3 * 3)))), "triangles stay whole");
        }
    }

    #[test]
    fn teams_come_first_and_lonely_ones_stand_together() {
        let teams: Vec<Option<String>> = (0..200).map(|i| Some(format!("t{}", i % 4))).collect();
        assert_eq!(groups(200, &[], &teams).len(), 4);
        assert!(groups(300, &[], &vec![None; 300]).iter().all(|g| g.len() <= VISIBLE / 2));
    }
}
