//! `git log` -> change sets: bots and bulk changes left out, renames followed, authors under a pseudonym on request.
//!
//! Takes the logs that `files` gives; knows no service. Merges are left out by git already.

use std::collections::BTreeMap;

use crate::config::HistoryConfig;
use crate::files::{COMMIT, FIELD, Log};
use crate::model::{ChangeSet, HistoryFact};

/// Files of a change set above which it says nothing of coupling: formatting, renames, imports (code-maat: 30).
const BULK: usize = 30;

/// Authors that are programs, as parts of a name or address.
const BOTS: [&str; 12] = [
    "[bot]",
    "dependabot",
    "renovate",
    "github-actions",
    "greenkeeper",
    "snyk-bot",
    "imgbot",
    "allcontributors",
    "semantic-release",
    "jenkins@",
    "travis@",
    "noreply+bot",
];

/// Reads the logs of all inputs.
#[must_use]
pub fn read(logs: &[Log], config: &HistoryConfig) -> HistoryFact {
    let mut fact = HistoryFact::default();
    for log in logs {
        let place = if log.root.is_empty() { String::new() } else { format!("{}: ", log.root) };
        match &log.text {
            Ok(text) => changes(&log.root, text, config, &mut fact),
            Err(reason) => fact.missing.push(format!("{place}{reason}")),
        }
    }
    if logs.is_empty() {
        fact.missing.push("no folder was given: give the top of a git repository".to_owned());
    }
    fact.changes.sort();
    fact
}

fn changes(root: &str, text: &str, config: &HistoryConfig, into: &mut HistoryFact) {
    // Newest first: the name that a file has now, by the name that it had.
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    let mut newest: Option<i64> = None;
    for commit in text.split(COMMIT).skip(1) {
        let (head, files) = commit.split_once('\n').unwrap_or((commit, ""));
        let fields: Vec<&str> = head.splitn(5, FIELD).collect();
        let [hash, name, address, time, subject] = fields.as_slice() else { continue };
        let Ok(time) = time.parse::<i64>() else { continue };
        let latest = *newest.get_or_insert(time);
        let mut paths: Vec<String> = Vec::new();
        for line in files.lines().filter(|l| !l.is_empty()) {
            let mut parts = line.split('\t');
            let (Some(status), Some(first)) = (parts.next(), parts.next()) else { continue };
            let path = match parts.next() {
                Some(new) if status.starts_with('R') => {
                    let today = now.get(new).cloned().unwrap_or_else(|| new.to_owned());
                    now.insert(first.to_owned(), today.clone());
                    today
                }
                Some(new) => new.to_owned(),
                None => now.get(first).cloned().unwrap_or_else(|| first.to_owned()),
            };
            paths.push(path);
        }
        paths.sort();
        paths.dedup();
        let who = format!("{name} {address}").to_lowercase();
        let reason = if BOTS.iter().any(|b| who.contains(b)) {
            Some("by a bot")
        } else if paths.len() > BULK {
            Some("more than 30 files")
        } else if latest - time > i64::from(config.days()) * 86_400 {
            Some("too long ago")
        } else if paths.is_empty() {
            Some("no file of this input")
        } else {
            None
        };
        if let Some(reason) = reason {
            *into.skipped.entry(reason.to_owned()).or_default() += 1;
            continue;
        }
        let author = address.to_lowercase();
        into.changes.push(ChangeSet {
            root: root.to_owned(),
            time,
            commit: (*hash).to_owned(),
            author: if config.pseudonyms { pseudonym(&author) } else { author },
            ticket: ticket(subject),
            files: paths,
        });
    }
}

/// A name that stands for an author in this run's results, and tells nothing else (SHA-256, first eight hex digits).
fn pseudonym(author: &str) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(author.as_bytes());
    format!("author-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

/// The ticket that a subject names first: `ABC-12`, else `#12`.
fn ticket(subject: &str) -> Option<String> {
    let words = subject.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '#' | '_')));
    let mut number = None;
    for word in words {
        if let Some((key, n)) = word.split_once('-') {
            let key_fits = key.len() >= 2 && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            let digits = !n.is_empty() && n.chars().all(|c| c.is_ascii_digit());
            let known = matches!(key, "UTF" | "SHA" | "ISO" | "RFC" | "CVE" | "HTTP" | "TLS");
            if key_fits && digits && !known && key.starts_with(|c: char| c.is_ascii_uppercase()) {
                return Some(word.to_owned());
            }
        }
        if let Some(n) = word.strip_prefix('#')
            && !n.is_empty()
            && n.chars().all(|c| c.is_ascii_digit())
        {
            number.get_or_insert_with(|| word.to_owned());
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(hash: &str, who: &str, time: i64, subject: &str, files: &[&str]) -> String {
        format!("{COMMIT}{hash}{FIELD}{who}{FIELD}{who}@x.org{FIELD}{time}{FIELD}{subject}\n\n{}\n", files.join("\n"))
    }

    fn fact(text: String, config: &HistoryConfig) -> HistoryFact {
        read(&[Log { root: String::new(), text: Ok(text) }], config)
    }

    #[test]
    fn renames_are_followed_and_bots_and_bulk_left_out() {
        let many: Vec<String> = (0..40).map(|n| format!("M\ta/{n}.go")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = [
            commit("c4", "ann", 400, "SHOP-7: x", &["R090\told/a.go\tnew/a.go", "M\tb/b.go"]),
            commit("c3", "dependabot[bot]", 300, "bump", &["M\tb/go.mod"]),
            commit("c2", "bob", 200, "format", &many),
            commit("c1", "bob", 100, "Fix #12", &["A\told/a.go"]),
        ]
        .concat();
        let fact = fact(text, &HistoryConfig::default());
        let files: Vec<(&str, &[String])> =
            fact.changes.iter().map(|c| (c.commit.as_str(), c.files.as_slice())).collect();
        assert_eq!(
            files,
            [("c1", &["new/a.go".to_owned()][..]), ("c4", &["b/b.go".to_owned(), "new/a.go".to_owned()][..])]
        );
        assert_eq!(fact.changes[1].ticket.as_deref(), Some("SHOP-7"));
        assert_eq!(fact.changes[0].ticket.as_deref(), Some("#12"));
        assert_eq!(fact.skipped.values().sum::<u32>(), 2);
    }

    #[test]
    fn authors_are_hidden_on_request_and_old_changes_left_out() {
        let old = 400 * 86_400;
        let text = [commit("b", "ann", 3 * old, "x", &["M\ta"]), commit("a", "ann", 0, "x", &["M\ta"])].concat();
        let config = HistoryConfig { pseudonyms: true, ..HistoryConfig::default() };
        let fact = fact(text, &config);
        assert_eq!(fact.changes.len(), 1);
        assert!(fact.changes[0].author.starts_with("author-") && !fact.changes[0].author.contains("ann"));
        assert_eq!(fact.skipped.get("too long ago"), Some(&1));
    }

    #[test]
    fn what_is_missing_is_said_with_the_remedy() {
        let log = Log { root: "a".to_owned(), text: Err("the clone is shallow: git fetch --unshallow".to_owned()) };
        let fact = read(&[log], &HistoryConfig::default());
        assert_eq!(fact.missing, ["a: the clone is shallow: git fetch --unshallow"]);
        assert!(fact.changes.is_empty());
    }
}
