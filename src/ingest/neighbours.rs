//! Other files of the same root, for what refers to them (`env_file`, generators, charts, parts of specifications).

use crate::files::Source;

/// The files of one root, found by path.
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
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &'a Source> + '_ {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let start = self.sources.partition_point(|s| (s.root.as_str(), s.path.as_str()) < (self.root, prefix.as_str()));
        self.sources[start..].iter().take_while(move |s| s.root == self.root && s.path.starts_with(&prefix))
    }
}
