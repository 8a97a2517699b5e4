//! The one owner of input and output: discovers inputs, hands out lazy bounded sources, writes results.
//!
//! Takes paths that the user gave; gives a [`Listing`] of [`Source`]s. Nothing else opens a file.
//! Does not know what any file means.

mod ahead;
mod discover;
mod git;
mod history;
pub mod journal;
mod map;
mod spill;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use ahead::soon;
pub use discover::{Listing, Options, discover, root_names};
pub use git::{Base, repository_of};
pub use history::{COMMIT, FIELD, Log, histories};
pub use map::Bytes;
pub use spill::Spill;
pub use write::{append, remove_inside, write_all, write_atomically, write_standard_output};

/// Text files above this are not read as source or configuration (16 MiB: the largest hand-written file in
/// the 43 systems looked at is under 1 MiB; trace files are streamed and have no limit).
pub const TEXT_LIMIT: u64 = 16 << 20;

/// The text of a file that the user named (configuration, rules).
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read_text(path: &Path) -> Result<String, crate::error::Error> {
    std::fs::read_to_string(path)
        .map_err(|e| crate::error::Error::Input { path: path.display().to_string(), reason: e.to_string() })
}

/// The full path, where it can be told.
#[must_use]
pub fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The nearest file of a name, from a folder (or the folder of a file) up to the top of its repository; outside of a
/// repository only in that folder itself.
#[must_use]
pub fn find_upwards(start: &Path, name: &str) -> Option<PathBuf> {
    let folder = if start.is_dir() { start } else { start.parent()? };
    let here = folder.join(name);
    if here.is_file() {
        return Some(here);
    }
    let (full, top) = (absolute(folder), git::repository_of(folder)?);
    full.ancestors().skip(1).take_while(|a| a.starts_with(&top)).map(|a| a.join(name)).find(|p| p.is_file())
}

/// The path that leads to a root from the top of its repository, else from the current folder: empty, or with a
/// slash at its end. For a file, that of its folder.
#[must_use]
pub fn prefix(root: &Path) -> String {
    let full = absolute(root);
    let folder = if full.is_file() { full.parent().unwrap_or(&full).to_path_buf() } else { full };
    let top = git::repository_of(&folder).or_else(|| std::env::current_dir().ok().map(|d| absolute(&d)));
    let relative = top.and_then(|top| folder.strip_prefix(top).ok().map(|p| p.to_string_lossy().replace('\\', "/")));
    relative.filter(|p| !p.is_empty()).map_or_else(String::new, |p| format!("{p}/"))
}

/// A file (or text in memory) that can be read when it is needed.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name of the root it was found under; empty when one root was given.
    pub root: String,
    /// Path relative to the root, `/` separated, non-UTF-8 parts replaced.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Given by name by the user (as opposed to found in a folder).
    pub named: bool,
    /// Only traces may be read from it: git ignores it, but it lies in a folder that the user named.
    pub ignored: bool,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    Disk(PathBuf),
    Memory(Arc<[u8]>),
    Git(Arc<git::Objects>, Arc<str>),
    Spilled(Arc<Spill>),
}

impl Source {
    /// A source from disk.
    #[must_use]
    pub fn on_disk(root: &str, path: &str, size: u64, location: PathBuf) -> Self {
        let origin = Origin::Disk(location);
        Self { root: root.to_owned(), path: path.to_owned(), size, named: false, ignored: false, origin }
    }

    /// A source in memory, for tests, standard input and git blobs.
    #[must_use]
    pub fn in_memory(path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Vec<u8> = bytes.into();
        Self {
            root: String::new(),
            path: path.to_owned(),
            size: bytes.len() as u64,
            named: false,
            ignored: false,
            origin: Origin::Memory(bytes.into()),
        }
    }

    /// A blob of a git repository.
    fn in_git(root: &str, path: &str, size: u64, objects: &Arc<git::Objects>, id: &str) -> Self {
        let origin = Origin::Git(Arc::clone(objects), id.into());
        Self { root: root.to_owned(), path: path.to_owned(), size, named: false, ignored: false, origin }
    }

    /// Everything that standard input gives: kept on disk, for it may be larger than memory.
    ///
    /// # Errors
    /// It cannot be read or kept.
    pub fn standard_input(root: &str) -> Result<Self, crate::error::Error> {
        let fail = |reason: String| crate::error::Error::Input { path: "standard input".to_owned(), reason };
        let mut spill = Spill::new().map_err(fail)?;
        let mut input = std::io::stdin().lock();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let n = std::io::Read::read(&mut input, &mut buffer).map_err(|e| fail(e.to_string()))?;
            if n == 0 {
                break;
            }
            spill.append(&buffer[..n]).map_err(fail)?;
            size += n as u64;
        }
        Ok(Self {
            root: root.to_owned(),
            path: "standard input".to_owned(),
            size,
            named: false,
            ignored: false,
            origin: Origin::Spilled(Arc::new(spill)),
        })
    }

    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder part of the path, without a trailing slash; empty for the root.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The extension in lower case, without the dot; empty if there is none.
    #[must_use]
    pub fn extension(&self) -> String {
        Path::new(self.file_name()).extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
    }

    /// All bytes: mapped for large files, read for small ones.
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn bytes(&self) -> Result<Bytes, String> {
        match &self.origin {
            Origin::Disk(path) => map::open(path, self.size).map_err(|e| e.to_string()),
            Origin::Memory(bytes) => Ok(Bytes::shared(Arc::clone(bytes))),
            Origin::Git(objects, id) => objects.read(id).map(Bytes::owned),
            Origin::Spilled(spill) => spill.bytes(),
        }
    }

    /// The first `n` bytes at most, for recognising a format.
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn head(&self, n: usize) -> Result<Vec<u8>, String> {
        match &self.origin {
            Origin::Disk(path) => map::head(path, n).map_err(|e| e.to_string()),
            Origin::Memory(bytes) => Ok(bytes[..bytes.len().min(n)].to_vec()),
            Origin::Git(objects, id) => objects.read(id).map(|mut bytes| {
                bytes.truncate(n);
                bytes
            }),
            Origin::Spilled(spill) => {
                let mut head = vec![0; n.min(usize::try_from(self.size).unwrap_or(n))];
                spill.read(0, &mut head).map(|()| head)
            }
        }
    }

    /// The whole file as text: UTF-8 with invalid bytes replaced, or UTF-16 with a byte order mark.
    ///
    /// # Errors
    /// Too large, binary (a NUL byte), or what the system says: as text for a note.
    pub fn text(&self) -> Result<String, String> {
        if self.size > TEXT_LIMIT {
            return Err(format!("{} bytes, above the limit of {TEXT_LIMIT} for text", self.size));
        }
        let bytes = self.bytes()?;
        let bytes: &[u8] = &bytes;
        if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
            return Ok(String::from_utf8_lossy(rest).into_owned());
        }
        if let [a, b, rest @ ..] = bytes {
            let little = (*a, *b) == (0xFF, 0xFE);
            if little || (*a, *b) == (0xFE, 0xFF) {
                let units = rest
                    .chunks_exact(2)
                    .map(|c| if little { u16::from_le_bytes([c[0], c[1]]) } else { u16::from_be_bytes([c[0], c[1]]) });
                return Ok(char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect());
            }
        }
        if bytes.contains(&0) {
            return Err("a binary file".to_owned());
        }
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}
