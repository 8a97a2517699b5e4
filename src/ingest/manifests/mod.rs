//! Manifests, configuration and build files -> modules, workloads, settings and routes.

use crate::files::Source;
use crate::model::Facts;

/// A reader of manifests.
pub struct Manifest {
    /// Id: `compose`, `kubernetes`, `spring`, …
    pub id: &'static str,
    /// Does it read this file? Decided by name first, and by the text where the name does not tell.
    pub claims: fn(&Source, &str) -> bool,
    /// Reads it. What cannot be read becomes a note.
    pub read: fn(&Source, &str, &Neighbours<'_>) -> Facts,
}

/// Other files of the same root, for manifests that refer to them (`env_file`, `.env`, generators).
pub struct Neighbours<'a> {
    sources: &'a [Source],
    root: &'a str,
}

impl<'a> Neighbours<'a> {
    /// The files of one root; `sources` is sorted by (root, path).
    #[must_use]
    pub fn new(sources: &'a [Source], root: &'a str) -> Self {
        Self { sources, root }
    }

    /// The file at a path relative to the root.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&'a Source> {
        let at = self.sources.binary_search_by(|s| (s.root.as_str(), s.path.as_str()).cmp(&(self.root, path)));
        at.ok().map(|at| &self.sources[at])
    }

    /// Its text, if there is such a file and it is text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.find(path)?.text().ok()
    }

    /// Files below a folder (relative to the root, no trailing slash).
    pub fn below(&self, folder: &'a str) -> impl Iterator<Item = &'a Source> + '_ {
        self.sources.iter().filter(move |s| {
            s.root == self.root
                && (folder.is_empty() || s.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        })
    }
}
