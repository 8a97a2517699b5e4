//! A revision of a git repository as inputs: its tree is listed like a folder, blobs are read when they are needed.
//!
//! git runs as a subprocess and the repository is not trusted: no file monitor, hook, external diff or text
//! conversion of its configuration runs, nothing is fetched, nothing is written.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::Error;

use super::Source;
use super::discover::{Listing, Options, SKIPPED_FOLDERS, discover, exclude_set};

/// What a repository's own configuration may not do here.
const DISTRUST: [&str; 12] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "diff.external=",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "core.quotePath=false",
    "--no-pager",
    "--no-replace-objects",
];

/// git in a folder, with everything off that a repository could make it run.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(DISTRUST).arg("-C").arg(folder);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
    command.env_remove("GIT_EXTERNAL_DIFF").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    command.env_remove("GIT_INDEX_FILE").stdin(Stdio::null());
    command
}

/// The standard output of git, without the last line end; `Err` is what it says on standard error.
fn ask(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = git(folder).args(arguments).output().map_err(|e| format!("git does not start: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The folder that holds the repository, seen from a folder or file in it.
#[must_use]
pub fn repository_of(path: &Path) -> Option<PathBuf> {
    let full = super::absolute(path);
    full.ancestors().find(|a| a.join(".git").exists()).map(Path::to_path_buf)
}

/// The merge base of the checked-out commit and another revision: what a change started from.
#[derive(Debug, Clone)]
pub struct Base {
    /// The revision as it was given.
    pub revision: String,
    /// The merge base.
    pub commit: String,
    /// Commits of the revision that came after the merge base.
    pub behind: u64,
    repository: PathBuf,
    objects: Arc<Objects>,
}

impl Base {
    /// Finds the merge base of `HEAD` and a revision in the repository that holds a path.
    ///
    /// # Errors
    /// No repository, no such revision, or no common commit (a shallow clone): each says what to do.
    pub fn find(inside: &Path, revision: &str) -> Result<Self, Error> {
        let fail = |reason: String| Error::Base { revision: revision.to_owned(), reason };
        let repository = repository_of(inside).ok_or_else(|| {
            fail(format!("{} is not in a git repository; give a folder that is, or leave --base out", inside.display()))
        })?;
        let commit = format!("{revision}^{{commit}}");
        let tip = ask(&repository, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .map_err(|said| fail(missing(revision, &said)))?;
        ask(&repository, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .map_err(|_| fail("nothing is committed yet; commit first, or leave --base out".to_owned()))?;
        let base =
            ask(&repository, &["merge-base", "HEAD", &tip]).map_err(|_| fail(unrelated(&repository, revision)))?;
        let behind = ask(&repository, &["rev-list", "--count", &format!("{base}..{tip}")]);
        let behind = behind.ok().and_then(|n| n.parse().ok()).unwrap_or(0);
        let objects = Arc::new(Objects { repository: repository.clone(), reader: Mutex::new(None) });
        Ok(Self { revision: revision.to_owned(), commit: base, behind, repository, objects })
    }

    /// A revision itself, in the repository that holds a path.
    ///
    /// # Errors
    /// No repository, or no such revision: each says what to do.
    pub fn at(inside: &Path, revision: &str) -> Result<Self, Error> {
        let fail = |reason: String| Error::Revision { revision: revision.to_owned(), reason };
        let repository = repository_of(inside).ok_or_else(|| {
            let folder = inside.display();
            fail(format!("no such file, and {folder} is not in a git repository that could have such a revision"))
        })?;
        let commit = format!("{revision}^{{commit}}");
        let commit = ask(&repository, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .map_err(|said| fail(format!("no such file; as a revision: {}", missing(revision, &said))))?;
        let objects = Arc::new(Objects { repository: repository.clone(), reader: Mutex::new(None) });
        Ok(Self { revision: revision.to_owned(), commit, behind: 0, repository, objects })
    }

    /// The text of a file at the base; `None` if it was not there.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<String> {
        let full = super::absolute(path.parent().unwrap_or(Path::new(""))).join(path.file_name()?);
        let relative = full.strip_prefix(&self.repository).ok()?.to_str()?.replace('\\', "/");
        let kind = ask(&self.repository, &["rev-parse", "--verify", "--quiet", &format!("{}:{relative}", self.commit)]);
        self.objects.read(&kind.ok()?).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Lists the inputs as they were: what lies in the repository from the base's tree, all else as it is now.
    /// Files that git ignores (traces) belong to no revision and are the same on both sides.
    ///
    /// # Errors
    /// An input that cannot be read, or a tree that git cannot list.
    pub fn discover(&self, roots: &[PathBuf], options: &Options) -> Result<Listing, Error> {
        let mut listing = discover(roots, options)?;
        let exclude = exclude_set(&options.exclude)?;
        let names = listing.roots.clone();
        for (root, name) in roots.iter().zip(&names) {
            let full = super::absolute(root);
            let Ok(prefix) = full.strip_prefix(&self.repository) else { continue };
            let prefix = prefix.to_string_lossy().replace('\\', "/");
            let tracked = self.tree(&prefix)?;
            let ignored = Ignored::of(self, &tracked);
            let inside = |path: &str| strip(path, &prefix).map(str::to_owned);
            let mine: BTreeMap<String, &Blob> =
                tracked.iter().filter_map(|(path, blob)| Some((inside(path)?, blob))).collect();
            // A folder: what is not ignored now is replaced by what was there. A file: by its own blob.
            listing.sources.retain(|s| s.root != *name || (s.ignored || full.is_file()) && !mine.contains_key(&s.path));
            for (path, blob) in mine {
                if exclude.is_match(&path) {
                    continue;
                }
                let whole = if prefix.is_empty() { path.clone() } else { format!("{prefix}/{path}") };
                let mut source = Source::in_git(name, &path, blob.size, &self.objects, &blob.id);
                source.named = full.is_file();
                source.ignored = !source.named && ignored.contains(&whole);
                listing.sources.push(source);
            }
        }
        listing.sources.sort_by(|a, b| (&a.root, &a.path).cmp(&(&b.root, &b.path)));
        Ok(listing)
    }

    /// Files of the base below a prefix by their path in the repository, with every `.gitignore` above.
    fn tree(&self, prefix: &str) -> Result<BTreeMap<String, Blob>, Error> {
        let commit = self.commit.as_str();
        let text = ask(&self.repository, &["ls-tree", "-r", "-z", "-l", "--full-tree", commit])
            .map_err(|reason| Error::Base { revision: self.revision.clone(), reason })?;
        let mut files = BTreeMap::new();
        for entry in text.split('\0') {
            let Some((head, path)) = entry.split_once('\t') else { continue };
            let mut fields = head.split_ascii_whitespace();
            let (mode, kind) = (fields.next(), fields.next());
            let (Some(id), Some(size)) = (fields.next(), fields.next()) else { continue };
            // Symbolic links are not followed, and submodules are other repositories.
            let file = kind == Some("blob") && mode != Some("120000");
            let skipped = path.split('/').rev().skip(1).any(|folder| SKIPPED_FOLDERS.contains(&folder));
            let rules = path == ".gitignore" || path.ends_with("/.gitignore");
            if file && !skipped && (rules || strip(path, prefix).is_some()) {
                files.insert(path.to_owned(), Blob { id: id.to_owned(), size: size.parse().unwrap_or(0) });
            }
        }
        Ok(files)
    }
}

/// A path below a prefix; the file itself if the prefix is a file.
fn strip<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    if prefix.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() { path.rsplit('/').next() } else { rest.strip_prefix('/') }
}

fn missing(revision: &str, said: &str) -> String {
    if said.contains("does not start") {
        return format!("{said}; install it, or leave --base out");
    }
    if said.contains("dubious ownership") {
        return "git does not trust the repository, which belongs to another user; \
                allow it: git config --global --add safe.directory FOLDER"
            .to_owned();
    }
    let fetch = match revision.split_once('/') {
        Some((remote, branch)) if !branch.is_empty() => format!("git fetch {remote} {branch}"),
        _ => "git fetch".to_owned(),
    };
    format!("there is no such revision here; fetch it first: {fetch}")
}

fn unrelated(repository: &Path, revision: &str) -> String {
    let shallow = ask(repository, &["rev-parse", "--is-shallow-repository"]).is_ok_and(|s| s == "true");
    if shallow {
        format!(
            "this clone is shallow and holds no commit that HEAD and {revision} share; deepen it: \
             git fetch --unshallow (for the checkout action: fetch-depth: 0)"
        )
    } else {
        format!("HEAD and {revision} have no common commit; name the branch that the change is meant for")
    }
}

#[derive(Debug)]
struct Blob {
    id: String,
    size: u64,
}

/// Tracked files that `.gitignore` names all the same, as the listing of a folder would see them.
struct Ignored(BTreeMap<String, Gitignore>);

impl Ignored {
    fn of(base: &Base, files: &BTreeMap<String, Blob>) -> Self {
        let mut all = BTreeMap::new();
        for (path, blob) in files.iter().filter(|(p, _)| p.rsplit('/').next() == Some(".gitignore")) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut builder = GitignoreBuilder::new("");
            let bytes = base.objects.read(&blob.id).unwrap_or_default();
            for line in String::from_utf8_lossy(&bytes).lines() {
                // A line that is no pattern is skipped, as git does.
                drop(builder.add_line(None, line));
            }
            if let Ok(rules) = builder.build() {
                all.insert(folder.to_owned(), rules);
            }
        }
        Self(all)
    }

    fn contains(&self, path: &str) -> bool {
        // The nearest file that says something decides.
        let mut folder = path;
        loop {
            folder = folder.rsplit_once('/').map_or("", |(f, _)| f);
            if let Some(rules) = self.0.get(folder) {
                let said = rules.matched_path_or_any_parents(strip(path, folder).unwrap_or(path), false);
                if !said.is_none() {
                    return said.is_ignore();
                }
            }
            if folder.is_empty() {
                return false;
            }
        }
    }
}

/// Reads blobs through one `git cat-file --batch`, which starts when the first one is wanted.
#[derive(Debug)]
pub(super) struct Objects {
    repository: PathBuf,
    reader: Mutex<Option<Reader>>,
}

#[derive(Debug)]
struct Reader {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It only reads: nothing is lost when it is already gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Objects {
    /// All bytes of a blob.
    pub(super) fn read(&self, id: &str) -> Result<Vec<u8>, String> {
        let mut guard = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = match &mut *guard {
            Some(reader) => reader,
            empty => empty.insert(self.start()?),
        };
        let read = reader.read(id);
        if read.is_err() {
            *guard = None;
        }
        read.map_err(|e| format!("git does not give it: {e}"))
    }

    fn start(&self) -> Result<Reader, String> {
        let mut child = git(&self.repository)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("git does not start: {e}"))?;
        let (ask, answer) = (child.stdin.take(), child.stdout.take());
        match (ask, answer) {
            (Some(ask), Some(answer)) => Ok(Reader { child, ask, answer: BufReader::new(answer) }),
            _ => Err("git has no streams".to_owned()),
        }
    }
}

impl Reader {
    fn read(&mut self, id: &str) -> std::io::Result<Vec<u8>> {
        self.ask.write_all(format!("{id}\n").as_bytes())?;
        self.ask.flush()?;
        let mut head = String::new();
        self.answer.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|n| n.parse::<usize>().ok());
        let size = size.ok_or_else(|| std::io::Error::other(head.trim_end().to_owned()))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.answer).take(size as u64).read_to_end(&mut bytes)?;
        let mut end = [0];
        self.answer.read_exact(&mut end)?;
        Ok(bytes)
    }
}
