//! Change sets -> services that change together, and who changes them.
//!
//! Takes change sets by file; gives pairs and authors by service. A file of a library belongs to no single service and
//! is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Authorship, ChangeSet, CoChange, Confidence, Evidence, Facts, History, HistoryFact, Place, SourceKind,
};

use super::services::Nodes;

/// Hours within which changes of one author in two repositories, without a ticket, count as one (ours).
const WINDOW: i64 = 24 * 3_600;

/// Commits shown as examples of a pair.
const EXAMPLES: usize = 3;

/// The history by service; `Err` says why there is none.
///
/// # Errors
/// No repository could be read.
pub fn history(facts: &Facts, nodes: &Nodes) -> Result<History, String> {
    let Some(fact) = &facts.history else {
        return Err("no history was read: give the top of a git repository".to_owned());
    };
    if fact.changes.is_empty() {
        return Err(match fact.missing.first() {
            Some(reason) => reason.clone(),
            None => "the repository has no change that touches one to thirty files".to_owned(),
        });
    }
    Ok(joined(fact, |root, path| {
        let place = Place::new(root, path, 0);
        match nodes.owners(facts, &place) {
            (owners, false) if owners.len() == 1 => Some(nodes.all[owners[0]].name.clone()),
            _ => None,
        }
    }))
}

/// What one change set, or several that belong together, touches: services by root, with a file of each.
#[derive(Default)]
struct Touched<'c> {
    services: BTreeMap<String, (&'c ChangeSet, &'c str)>,
}

fn joined(fact: &HistoryFact, owner: impl Fn(&str, &str) -> Option<String>) -> History {
    let mut known: BTreeMap<(&str, &str), Option<String>> = BTreeMap::new();
    let mut commits: Vec<Touched<'_>> = Vec::new();
    let mut authors: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for change in &fact.changes {
        let mut touched = Touched::default();
        for file in &change.files {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let found = known.entry((&change.root, folder)).or_insert_with(|| owner(&change.root, file));
            if let Some(service) = found.clone() {
                touched.services.entry(service).or_insert((change, file));
            }
        }
        for service in touched.services.keys() {
            *authors.entry((service.clone(), &change.author)).or_default() += 1;
        }
        commits.push(touched);
    }
    let mut pairs = pairs(&commits, |a, b| a == b);
    let roots: BTreeSet<&str> = fact.changes.iter().map(|c| c.root.as_str()).collect();
    if roots.len() > 1 {
        let across = pairs_across(&fact.changes, &commits);
        pairs.extend(across);
    }
    pairs.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    History {
        changes: fact.changes.len() as u32,
        pairs,
        authors: authors
            .into_iter()
            .map(|((service, author), revisions)| Authorship { service, author: author.to_owned(), revisions })
            .collect(),
        skipped: fact.skipped.clone(),
    }
}

/// Pairs of services that the same units of change touch, where their roots are as asked.
fn pairs(units: &[Touched<'_>], roots_fit: impl Fn(&str, &str) -> bool) -> Vec<CoChange> {
    let mut revisions: BTreeMap<&str, u32> = BTreeMap::new();
    let mut shared: BTreeMap<(&str, &str), (u32, Vec<Evidence>)> = BTreeMap::new();
    for unit in units {
        let list: Vec<(&String, &(&ChangeSet, &str))> = unit.services.iter().collect();
        for (at, (a, in_a)) in list.iter().enumerate() {
            *revisions.entry(a).or_default() += 1;
            for (b, in_b) in &list[at + 1..] {
                if !roots_fit(&in_a.0.root, &in_b.0.root) {
                    continue;
                }
                let (n, evidence) = shared.entry((a, b)).or_default();
                *n += 1;
                if evidence.len() < EXAMPLES {
                    let says = format!("commit {} changes {a} and {b}", in_a.0.commit);
                    let place = Place::new(&in_a.0.root, in_a.1, 0);
                    evidence.push(Evidence::new(SourceKind::History, place, &says, Confidence::Confirmed));
                }
            }
        }
    }
    let of = |service: &str| f64::from(revisions.get(service).copied().unwrap_or(0));
    let made = shared.into_iter().map(|((a, b), (n, evidence))| CoChange {
        a: a.to_owned(),
        b: b.to_owned(),
        shared: n,
        degree: f64::from(n) / ((of(a) + of(b)) / 2.0).max(1.0),
        across: false,
        evidence,
    });
    made.collect()
}

/// Pairs across repositories: changes of one ticket, or of one author within a day where none is named, count as one.
fn pairs_across(changes: &[ChangeSet], commits: &[Touched<'_>]) -> Vec<CoChange> {
    let mut groups: BTreeMap<(String, i64), Vec<usize>> = BTreeMap::new();
    let mut sessions: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by_key(|at| (changes[*at].time, &changes[*at].root, &changes[*at].commit));
    for at in order {
        let change = &changes[at];
        // `#12` is a number of one repository: in another one it is something else.
        let key = match change.ticket.as_ref().filter(|t| !t.starts_with('#')) {
            Some(ticket) => (format!("ticket {ticket}"), 0),
            None => {
                let session = sessions.entry(&change.author).or_insert((change.time, 0));
                if change.time - session.0 > WINDOW {
                    *session = (change.time, session.1 + 1);
                }
                (format!("author {}", change.author), session.1)
            }
        };
        groups.entry(key).or_default().push(at);
    }
    let units: Vec<Touched<'_>> = groups
        .into_values()
        .map(|members| {
            let mut unit = Touched::default();
            for at in members {
                for (service, seen) in &commits[at].services {
                    unit.services.entry(service.clone()).or_insert(*seen);
                }
            }
            unit
        })
        .collect();
    let mut all = pairs(&units, |a, b| a != b);
    all.iter_mut().for_each(|pair| pair.across = true);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(root: &str, time: i64, author: &str, ticket: Option<&str>, files: &[&str]) -> ChangeSet {
        ChangeSet {
            root: root.to_owned(),
            time,
            commit: format!("c{time}"),
            author: author.to_owned(),
            ticket: ticket.map(str::to_owned),
            files: files.iter().map(|f| (*f).to_owned()).collect(),
        }
    }

    fn history(changes: Vec<ChangeSet>) -> History {
        let fact = HistoryFact { changes, ..HistoryFact::default() };
        joined(&fact, |_, path| path.split_once('/').map(|(service, _)| service.to_owned()))
    }

    #[test]
    fn degree_is_shared_over_the_mean_of_revisions() {
        let mut all: Vec<ChangeSet> = (0..6).map(|n| change("", n, "ann", None, &["a/x", "b/y", "readme"])).collect();
        all.extend((6..10).map(|n| change("", n, "bob", None, &["a/x"])));
        let history = history(all);
        let pair = &history.pairs[0];
        assert_eq!((pair.a.as_str(), pair.b.as_str(), pair.shared), ("a", "b", 6));
        assert!((pair.degree - 0.75).abs() < 1e-9, "{}", pair.degree);
        let of_a: Vec<(&str, u32)> =
            history.authors.iter().filter(|s| s.service == "a").map(|s| (s.author.as_str(), s.revisions)).collect();
        assert_eq!(of_a, [("ann", 6), ("bob", 4)]);
    }

    #[test]
    fn numbers_of_two_repositories_are_no_common_ticket() {
        let day = 86_400;
        let history = history(vec![
            change("one", 0, "ann", Some("#12"), &["a/x"]),
            change("two", 90 * day, "bob", Some("#12"), &["b/x"]),
        ]);
        assert!(history.pairs.is_empty());
    }

    #[test]
    fn repositories_are_joined_by_ticket_else_by_author_and_day() {
        let day = 86_400;
        let history = history(vec![
            change("one", 0, "ann", Some("X-1"), &["a/x"]),
            change("two", 90 * day, "bob", Some("X-1"), &["b/x"]),
            change("one", 200 * day, "ann", None, &["a/x"]),
            change("two", 200 * day + 60, "ann", None, &["b/x"]),
            change("one", 300 * day, "ann", None, &["a/x"]),
            change("two", 305 * day, "ann", None, &["b/x"]),
        ]);
        assert_eq!(history.pairs.len(), 1);
        assert!(history.pairs[0].across);
        assert_eq!(history.pairs[0].shared, 2);
    }
}
