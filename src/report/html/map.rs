//! The service map: one picture of all, or above a limit one of groups and one inside each group.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::model::{Confidence, Mode, counted};
use crate::report::groups::{VISIBLE, groups};
use crate::report::system::System;

use super::picture::{Edge, Item, Line, Picture};

/// Edges between groups that a picture shows for each group; the weakest stay in the tables: with more, groups that all
/// talk to each other give a picture in which nothing stands out.
const GROUP_EDGES: usize = 3;

/// Other groups that the picture of a group shows: those that it is joined to most.
const AROUND: usize = 12;
/// The same in a system of more than [`UNTITLED`] services.
const AROUND_LARGE: usize = 4;
/// Above this many services edges inside groups are told by the tables alone: the report stays one that can be opened.
const UNTITLED: usize = 1_000;

/// The section.
#[derive(Template)]
#[template(path = "map.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct MapSection {
    picture: Option<Picture>,
    groups: Vec<GroupView>,
    teams: Vec<String>,
    kinds: Vec<&'static str>,
    names: Vec<String>,
    steps: Vec<String>,
    /// Services without an edge, and edges between groups that are not drawn.
    lonely: Vec<(usize, String)>,
    weak: usize,
    services: usize,
    stores: usize,
}

impl MapSection {
    /// The picture of all services, where there is one: other pictures reuse its parts.
    #[must_use]
    pub fn shared(&self) -> Option<&Picture> {
        self.picture.as_ref().filter(|_| self.groups.is_empty())
    }
}

/// A group with its own picture.
pub struct GroupView {
    id: usize,
    name: String,
    size: usize,
    /// Other groups that it is joined to and that are not drawn.
    more: usize,
    picture: Picture,
}

/// Services in groups; empty when one picture shows all.
pub struct Grouping {
    /// Members of each group.
    pub members: Vec<Vec<usize>>,
    /// Names of the groups.
    pub names: Vec<String>,
    /// The group of each service that is drawn.
    pub of: BTreeMap<usize, usize>,
}

impl Grouping {
    /// Groups the services that are drawn, if they are too many for one picture.
    #[must_use]
    pub fn of(system: &System<'_>) -> Self {
        let drawn = system.drawn();
        if drawn.len() <= VISIBLE {
            return Self { members: Vec::new(), names: Vec::new(), of: BTreeMap::new() };
        }
        let number: BTreeMap<usize, usize> = drawn.iter().enumerate().map(|(i, s)| (*s, i)).collect();
        let edges: Vec<(usize, usize)> = (0..system.ends.len())
            .filter(|d| system.dependency(*d).mode != Mode::Infra)
            .filter_map(|d| system.ends[d])
            .filter_map(|(a, b)| Some((*number.get(&a)?, *number.get(&b)?)))
            .collect();
        let teams: Vec<Option<String>> = drawn.iter().map(|s| system.teams[*s].clone()).collect();
        let by_team = teams.iter().flatten().count() * 10 >= teams.len() * 6;
        let members: Vec<Vec<usize>> = groups(drawn.len(), &edges, &teams)
            .into_iter()
            .map(|g| g.into_iter().map(|i| drawn[i]).collect())
            .collect();
        let names = members.iter().map(|g| name(system, g, by_team)).collect();
        let of = members.iter().enumerate().flat_map(|(g, all)| all.iter().map(move |s| (*s, g))).collect();
        Self { members, names, of }
    }
}

/// A group is called by its team, else by the member with most edges.
fn name(system: &System<'_>, members: &[usize], by_team: bool) -> String {
    let first = members.iter().max_by_key(|s| (system.out[**s].len() + system.into[**s].len(), std::cmp::Reverse(**s)));
    let around = first.map_or_else(String::new, |s| format!("around {}", system.names[*s]));
    let teams: BTreeSet<&Option<String>> = members.iter().map(|s| &system.teams[*s]).collect();
    match teams.first() {
        Some(Some(team)) if by_team && teams.len() == 1 => team.clone(),
        _ => around,
    }
}

/// A service as a box.
#[must_use]
pub fn item(system: &System<'_>, at: usize, lane: Option<usize>) -> Item {
    let service = system.service(at);
    let (below, heat) = match system.terms[at] {
        Some(term) => (format!("needs {} · needed by {}", term.up, term.down), Some(heat(term.value))),
        None => (service.engine.clone().unwrap_or_else(|| service.kind.as_str().to_owned()), None),
    };
    Item {
        key: at,
        href: format!("#s{at}"),
        name: system.names[at].clone(),
        below: crate::report::clean(&below),
        kind: service.kind.as_str(),
        heat,
        cyclic: system.cycles[at].is_some(),
        stores: system.stores(at).len(),
        lane,
    }
}

/// The step of the colour scale: what share of its independence a service has lost.
fn heat(value: f64) -> u8 {
    [0.0, 0.35, 0.65, 0.85].iter().filter(|limit| value > **limit).count() as u8
}

/// The line of a mode; infrastructure is not drawn.
fn line(mode: Mode) -> Option<Line> {
    match mode {
        Mode::Sync => Some(Line::Sync),
        Mode::Async => Some(Line::Async),
        Mode::Data => Some(Line::Data),
        Mode::Infra => None,
    }
}

/// Edges between boxes, one for each pair and line. `place` gives the box of a service.
#[must_use]
pub fn edges(system: &System<'_>, place: &dyn Fn(usize) -> Option<usize>, steps: bool) -> Vec<Edge> {
    let mut merged: BTreeMap<((usize, usize), Line), Vec<usize>> = BTreeMap::new();
    for (index, pair) in system.ends.iter().enumerate() {
        let Some((a, b)) = pair else { continue };
        let (Some(line), Some(from), Some(to)) = (line(system.dependency(index).mode), place(*a), place(*b)) else {
            continue;
        };
        if from != to {
            merged.entry(((from, to), line)).or_default().push(index);
        }
    }
    merged
        .into_iter()
        .map(|((ends, line), of)| {
            let pair = system.ends[of[0]].unwrap_or_default();
            let waits = of.iter().any(|d| system.waits(*d).is_some());
            let cyclic = waits && system.cycles[pair.0].is_some() && system.cycles[pair.0] == system.cycles[pair.1];
            let gone = if steps && line == Line::Sync { system.gone.get(&pair).copied().unwrap_or(0) } else { 0 };
            let pale = of.iter().all(|d| system.dependency(*d).confidence != Confidence::Confirmed);
            let thin = line == Line::Sync && !waits;
            Edge { ends, line, title: title(system, &of), of, cyclic, pale, thin, gone }
        })
        .collect()
}

/// What an edge says in words.
fn title(system: &System<'_>, of: &[usize]) -> String {
    let d = system.dependency(of[0]);
    let pair = system.ends[of[0]].unwrap_or_default();
    let verb = match d.mode {
        Mode::Sync if d.blocking => "waits",
        Mode::Sync => "calls without waiting",
        Mode::Async => "event",
        Mode::Data => "data",
        Mode::Infra => "infrastructure",
    };
    let mut text = format!("{} → {}: {verb}", system.names[pair.0], system.names[pair.1]);
    let channels: BTreeSet<&str> =
        of.iter().map(|i| system.dependency(*i)).map(|d| d.channel.as_deref().unwrap_or(&d.protocol)).collect();
    let list: Vec<&str> = channels.into_iter().take(4).collect();
    text.push_str(&format!(", {}", crate::report::clean(&list.join(", "))));
    let sites: usize = of.iter().map(|i| system.dependency(*i).sites.len()).sum();
    if sites > 0 {
        text.push_str(&format!(", {}", counted(sites, "call site")));
    }
    if let Some(step) = system.gone.get(&pair).filter(|_| d.mode == Mode::Sync) {
        text.push_str(&format!(", gone after step {step}"));
    }
    text
}

/// The map.
#[must_use]
pub fn section(system: &System<'_>, grouping: &Grouping) -> MapSection {
    let drawn = system.drawn();
    let lonely = (0..system.names.len())
        .filter(|i| system.owner_of[*i].is_none() && !drawn.contains(i))
        .map(|i| (i, system.names[i].clone()))
        .collect();
    let (mut groups, mut weak) = (Vec::new(), 0);
    let picture = if drawn.is_empty() {
        None
    } else if grouping.members.is_empty() {
        Some(whole(system, &drawn))
    } else {
        groups = (0..grouping.members.len()).map(|g| inside(system, grouping, g)).collect();
        let (picture, left) = overview(system, grouping);
        weak = left;
        Some(picture)
    };
    let teams: BTreeSet<&String> = drawn.iter().filter_map(|i| system.teams[*i].as_ref()).collect();
    let kinds: BTreeSet<&'static str> = drawn.iter().map(|i| system.service(*i).kind.as_str()).collect();
    let steps = system.result.plan.iter().flat_map(|p| &p.steps).map(crate::report::action).collect();
    MapSection {
        picture,
        groups,
        teams: teams.into_iter().cloned().collect(),
        kinds: kinds.into_iter().collect(),
        names: system.names.clone(),
        steps,
        lonely,
        weak,
        services: drawn.len(),
        stores: system.owner_of.iter().flatten().count(),
    }
}

/// All services in one picture; teams are lanes where most services have one.
fn whole(system: &System<'_>, drawn: &[usize]) -> Picture {
    let teams: BTreeSet<&String> = drawn.iter().filter_map(|i| system.teams[*i].as_ref()).collect();
    let teams: Vec<&String> = teams.into_iter().collect();
    let known = drawn.iter().filter(|i| system.teams[**i].is_some()).count();
    let lanes = teams.len() > 1 && known * 10 >= drawn.len() * 6;
    let lane = |i: usize| {
        let team = system.teams[i].as_ref().filter(|_| lanes)?;
        teams.iter().position(|t| *t == team)
    };
    let items = drawn.iter().map(|i| item(system, *i, lane(*i))).collect();
    let place = |s: usize| drawn.binary_search(&s).ok();
    let titles: Vec<String> = teams.iter().map(|t| (*t).clone()).collect();
    Picture::new("map", "Services and their dependencies", items, &titles, &edges(system, &place, true))
}

/// A group as a box.
fn group_item(system: &System<'_>, grouping: &Grouping, g: usize) -> Item {
    Item {
        key: system.names.len() + g,
        href: format!("#g{g}"),
        name: grouping.names[g].clone(),
        below: counted(grouping.members[g].len(), "service"),
        kind: "group",
        heat: None,
        cyclic: false,
        stores: 0,
        lane: None,
    }
}

/// The groups and what leads from one to another.
fn overview(system: &System<'_>, grouping: &Grouping) -> (Picture, usize) {
    let items = (0..grouping.members.len()).map(|g| group_item(system, grouping, g)).collect();
    let mut all = edges(system, &|s| grouping.of.get(&s).copied(), false);
    for edge in &mut all {
        let n = edge.of.len();
        let what = counted(n, "dependency");
        let (a, b) = (&grouping.names[edge.ends.0], &grouping.names[edge.ends.1]);
        edge.title = format!("{what} from {a} to {b}");
        (edge.cyclic, edge.thin) = (false, n == 1);
    }
    all.sort_by_key(|e| (std::cmp::Reverse(e.of.len()), e.ends, e.line));
    let most = (GROUP_EDGES * grouping.members.len()).max(24);
    let weak = all.len().saturating_sub(most);
    all.truncate(most);
    all.sort_by_key(|e| (e.ends, e.line));
    (Picture::new("map", "Groups of services and their dependencies", items, &[], &all), weak)
}

/// One group from inside: its services, and the groups around as one box each.
fn inside(system: &System<'_>, grouping: &Grouping, g: usize) -> GroupView {
    let members = &grouping.members[g];
    let mut joined: BTreeMap<usize, usize> = BTreeMap::new();
    for service in members {
        let near = system.out[*service].iter().chain(&system.into[*service]).filter_map(|d| system.ends[*d]);
        for other in near.flat_map(|(a, b)| [a, b]).filter_map(|s| grouping.of.get(&s)).filter(|o| **o != g) {
            *joined.entry(*other).or_default() += 1;
        }
    }
    let mut around: Vec<usize> = joined.keys().copied().collect();
    around.sort_by_key(|other| (std::cmp::Reverse(joined[other]), *other));
    let most = if system.names.len() > UNTITLED { AROUND_LARGE } else { AROUND };
    let more = around.len().saturating_sub(most);
    around.truncate(most);
    around.sort_unstable();
    let items: Vec<Item> = members
        .iter()
        .map(|s| item(system, *s, None))
        .chain(around.iter().map(|o| group_item(system, grouping, *o)))
        .collect();
    let place = |s: usize| match members.binary_search(&s) {
        Ok(at) => Some(at),
        Err(_) => Some(members.len() + around.binary_search(grouping.of.get(&s)?).ok()?),
    };
    let own = |e: &Edge| e.ends.0 < members.len() || e.ends.1 < members.len();
    let mut edges: Vec<Edge> = edges(system, &place, false).into_iter().filter(own).collect();
    if system.names.len() > UNTITLED {
        edges.iter_mut().for_each(|e| e.title.clear());
    }
    let name = grouping.names[g].clone();
    let picture = Picture::new("", &format!("Services of the group {name}"), items, &[], &edges);
    GroupView { id: g, name, size: members.len(), more, picture }
}
