//! Which files there are: walks the roots, follows .gitignore for source, and bounds what it lists.
//!
//! Files that git ignores are listed as `ignored` (trace files are often ignored) unless they lie in folders
//! of dependencies and build output, which are never inputs.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::Note;

use super::Source;

/// Folders that hold copies, dependencies or build output, never a system's own inputs.
pub(super) const SKIPPED_FOLDERS: [&str; 13] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "bower_components",
    ".gradle",
    ".idea",
    ".terraform",
    "__pycache__",
    ".venv",
    ".tox",
    ".next",
    // The state of a receiver.
    ".unbraid-receive",
];

/// Folders that hold build output when git ignores them: not looked into for ignored traces.
const OUTPUT_FOLDERS: [&str; 8] = ["target", "build", "dist", "bin", "obj", "out", "vendor", "venv"];

/// More files than this are not listed: a home folder or a whole disk was given by mistake.
const MOST_FILES: usize = 2_000_000;

/// How to list.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Paths relative to a root that are left out (globs of `unbraid.yaml`).
    pub exclude: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files sorted by (root, path).
    pub sources: Vec<Source>,
    /// What could not be listed.
    pub notes: Vec<Note>,
    /// Names of the roots in the order given; one empty name when one root was given.
    pub roots: Vec<String>,
}

/// Lists the files under the given roots (folders or files).
///
/// # Errors
/// A root that does not exist or cannot be read.
pub fn discover(roots: &[PathBuf], options: &Options) -> Result<Listing, Error> {
    let names = root_names(roots);
    let mut listing = Listing { roots: names.clone(), ..Listing::default() };
    let exclude = exclude_set(&options.exclude)?;
    for (root, name) in roots.iter().zip(&names) {
        if root.as_os_str() == "-" {
            let mut source = Source::standard_input(name)?;
            source.named = true;
            listing.sources.push(source);
            continue;
        }
        let meta = std::fs::metadata(root)
            .map_err(|e| Error::Input { path: root.display().to_string(), reason: e.to_string() })?;
        if meta.is_dir() {
            std::fs::read_dir(root)
                .map_err(|e| Error::Input { path: root.display().to_string(), reason: e.to_string() })?;
            walk(root, name, &exclude, &mut listing);
        } else {
            let path = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let mut source = Source::on_disk(name, &path, meta.len(), root.clone());
            source.named = true;
            listing.sources.push(source);
        }
    }
    listing.sources.sort_by(|a, b| (&a.root, &a.path).cmp(&(&b.root, &b.path)));
    listing.sources.dedup_by(|a, b| a.root == b.root && a.path == b.path);
    Ok(listing)
}

/// The names of roots: one root has no name; several are named by their last part, made unique by their position.
#[must_use]
pub fn root_names(roots: &[PathBuf]) -> Vec<String> {
    if roots.len() < 2 {
        return roots.iter().map(|_| String::new()).collect();
    }
    let last = |p: &PathBuf| {
        let full = std::fs::canonicalize(p).unwrap_or_else(|_| p.clone());
        full.file_name().map_or_else(|| "root".to_owned(), |n| n.to_string_lossy().into_owned())
    };
    let mut names: Vec<String> = Vec::new();
    for root in roots {
        let base = last(root);
        let mut name = base.clone();
        let mut n = 2;
        while names.contains(&name) {
            name = format!("{base}-{n}");
            n += 1;
        }
        names.push(name);
    }
    names
}

pub(super) fn exclude_set(patterns: &[String]) -> Result<globset::GlobSet, Error> {
    let mut builder = globset::GlobSetBuilder::new();
    for pattern in patterns {
        let glob = globset::Glob::new(pattern).map_err(|e| Error::Config {
            path: "exclude".to_owned(),
            line: 0,
            reason: format!("`{pattern}` is not a glob: {e}"),
        })?;
        builder.add(glob);
    }
    builder.build().map_err(|e| Error::Config { path: "exclude".to_owned(), line: 0, reason: e.to_string() })
}

fn walk(root: &Path, name: &str, exclude: &globset::GlobSet, listing: &mut Listing) {
    let kept = collect(root, true, listing);
    let mut known: std::collections::BTreeSet<PathBuf> = std::collections::BTreeSet::new();
    for (path, size) in kept {
        push(root, name, &path, size, false, exclude, listing);
        known.insert(path);
    }
    for (path, size) in collect(root, false, &mut Listing::default()) {
        if !known.contains(&path) {
            push(root, name, &path, size, true, exclude, listing);
        }
    }
}

fn push(
    root: &Path,
    name: &str,
    path: &Path,
    size: u64,
    ignored: bool,
    exclude: &globset::GlobSet,
    listing: &mut Listing,
) {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let text = relative.to_string_lossy().replace('\\', "/");
    if exclude.is_match(&text) {
        return;
    }
    let mut source = Source::on_disk(name, &text, size, path.to_path_buf());
    source.ignored = ignored;
    listing.sources.push(source);
}

/// One walk: with or without git's ignore rules. Symlinks are not followed, so a loop cannot be entered.
fn collect(root: &Path, follow_ignore: bool, listing: &mut Listing) -> Vec<(PathBuf, u64)> {
    let mut builder = ignore::WalkBuilder::new(root);
    builder
        .hidden(false)
        .follow_links(false)
        .git_ignore(follow_ignore)
        .git_exclude(follow_ignore)
        .git_global(false)
        .ignore(false)
        .parents(follow_ignore)
        .require_git(false)
        .filter_entry(move |entry| {
            let folder = entry.file_type().is_some_and(|t| t.is_dir());
            let name = entry.file_name().to_string_lossy();
            let skip = SKIPPED_FOLDERS.contains(&&*name) || (!follow_ignore && OUTPUT_FOLDERS.contains(&&*name));
            !(folder && entry.depth() > 0 && skip)
        });
    let mut files = Vec::new();
    for entry in builder.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                let size = entry.metadata().map(|m| m.len()).unwrap_or(0);
                files.push((entry.into_path(), size));
                if files.len() >= MOST_FILES {
                    listing.notes.push(Note::new(
                        root.display(),
                        format!("more than {MOST_FILES} files: the rest was not listed; give a smaller folder"),
                    ));
                    break;
                }
            }
            Ok(_) => {}
            Err(error) => listing.notes.push(Note::new("listing", error.to_string())),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_sorted_marks_ignored_and_survives_links() {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path();
        std::fs::create_dir_all(root.join("a/node_modules/x")).expect("mkdir");
        std::fs::create_dir_all(root.join("traces")).expect("mkdir");
        std::fs::write(root.join(".gitignore"), "traces/\n").expect("write");
        std::fs::write(root.join("a/b.go"), "package a").expect("write");
        std::fs::write(root.join("a/node_modules/x/i.js"), "x").expect("write");
        std::fs::write(root.join("traces/t.json"), "{}").expect("write");
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("a/loop")).expect("link");
        let listing = discover(&[root.to_path_buf()], &Options::default()).expect("listing");
        let found: Vec<(&str, bool)> = listing.sources.iter().map(|s| (s.path.as_str(), s.ignored)).collect();
        assert_eq!(found, [(".gitignore", false), ("a/b.go", false), ("traces/t.json", true)]);
    }

    #[test]
    fn a_missing_root_is_one_clear_error() {
        let error = discover(&[PathBuf::from("/no/such/place")], &Options::default()).expect_err("must fail");
        assert!(error.to_string().starts_with("cannot read /no/such/place"));
    }
}
