//! The checkpoint: which files of the folder count. It is replaced as a whole, so a process that is killed at any
//! moment leaves either the old one or the new one, and files that it does not name are left-overs.

use crate::files::journal::Folder;

/// The file of the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// How it begins; the number is the version of the form.
const HEAD: &str = "unbraid-receive 1";

/// Which files count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Rounds done.
    pub round: u64,
    /// The first segment of the journal that is not folded.
    pub first: u64,
    /// The running partial graph.
    pub graph: Option<String>,
    /// Spans of traces that are open, from segments that are gone.
    pub carried: Vec<String>,
    /// Messages and links that wait, by round.
    pub waiting: Vec<String>,
    /// Traces that were closed, by round.
    pub closed: Vec<String>,
}

/// The name of a segment.
pub fn segment(n: u64) -> String {
    format!("segment-{n:010}.otlp")
}

/// The number of a segment by its name.
pub fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".otlp")?.parse().ok()
}

/// Is it the name of a file that a receiver makes? Others may lie in the folder.
pub fn is_ours(name: &str) -> bool {
    const OURS: [&str; 7] = ["segment-", "graph-", "carried-", "waiting-", "closed-", CHECKPOINT, super::GRAPH];
    OURS.iter().any(|ours| name.starts_with(ours))
}

impl Checkpoint {
    /// Reads that of a folder; one that has none begins anew.
    ///
    /// # Errors
    /// It is of another version, or cannot be read.
    pub fn read(folder: &Folder) -> Result<Self, String> {
        let mut checkpoint = Self { first: 1, ..Self::default() };
        if !folder.files()?.iter().any(|(name, _)| name == CHECKPOINT) {
            return Ok(checkpoint);
        }
        let text = folder.source(CHECKPOINT)?.text()?;
        let wrong = || format!("{CHECKPOINT} is not of this version; receive into another folder with --state");
        let rest = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(wrong)?;
        let rest = rest.strip_suffix("end\n").ok_or_else(wrong)?;
        for line in rest.lines() {
            let (key, value) = line.split_once(' ').ok_or_else(wrong)?;
            match key {
                "round" => checkpoint.round = value.parse().map_err(|_| wrong())?,
                "first" => checkpoint.first = value.parse().map_err(|_| wrong())?,
                "graph" => checkpoint.graph = Some(value.to_owned()),
                "carried" => checkpoint.carried.push(value.to_owned()),
                "waiting" => checkpoint.waiting.push(value.to_owned()),
                "closed" => checkpoint.closed.push(value.to_owned()),
                _ => return Err(wrong()),
            }
        }
        Ok(checkpoint)
    }

    /// Makes it the one that counts.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, folder: &Folder) -> Result<(), String> {
        let mut text = format!("{HEAD}\nround {}\nfirst {}\n", self.round, self.first);
        for (key, names) in [("carried", &self.carried), ("waiting", &self.waiting), ("closed", &self.closed)] {
            names.iter().for_each(|name| text.push_str(&format!("{key} {name}\n")));
        }
        self.graph.iter().for_each(|name| text.push_str(&format!("graph {name}\n")));
        text.push_str("end\n");
        folder.write(CHECKPOINT, text.as_bytes())
    }

    /// Does a file count?
    fn names(&self, name: &str) -> bool {
        let mut all = self.graph.iter().chain(&self.carried).chain(&self.waiting).chain(&self.closed);
        name == CHECKPOINT || segment_number(name).is_some_and(|n| n >= self.first) || all.any(|n| n == name)
    }

    /// Removes what does not count: of what a receiver makes, and nothing else.
    pub fn clean(&self, folder: &Folder) {
        for (name, _) in folder.files().unwrap_or_default() {
            if !self.names(&name) && is_ours(&name) {
                folder.remove(&name);
            }
        }
    }
}
