//! The folder in which a receiver keeps what it took: locked against a second one, private to its user (spans may tell
//! of people), appended to in plain writes that outlive a killed process, and changed only by renames.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

use super::Source;

/// Holds the lock.
const LOCK: &str = "lock";

/// A folder of state.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens or makes it, for its user alone.
    ///
    /// # Errors
    /// It cannot be made or written to, or another receiver uses it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fail = |reason: String| Error::State { path: path.display().to_string(), reason };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|e| fail(e.to_string()))?;
        let lock = private().write(true).truncate(false).create(true).open(path.join(LOCK));
        let lock = lock.map_err(|e| fail(e.to_string()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(fail("another receiver uses it; stop that one, or choose another folder with --state".to_owned()))
            }
            Err(std::fs::TryLockError::Error(e)) => Err(fail(format!("cannot be locked: {e}"))),
        }
    }

    /// Where a file of it lies.
    #[must_use]
    pub fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Names and sizes of its files, sorted.
    ///
    /// # Errors
    /// What the system says.
    pub fn files(&self) -> Result<Vec<(String, u64)>, String> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|e| e.to_string())? {
            let entry = entry.map_err(|e| e.to_string())?;
            let meta = entry.metadata().map_err(|e| e.to_string())?;
            if let Some(name) = entry.file_name().to_str().filter(|n| meta.is_file() && *n != LOCK) {
                files.push((name.to_owned(), meta.len()));
            }
        }
        files.sort();
        Ok(files)
    }

    /// A file of it, to be read.
    ///
    /// # Errors
    /// What the system says.
    pub fn source(&self, name: &str) -> Result<Source, String> {
        let path = self.place(name);
        let meta = std::fs::metadata(&path).map_err(|e| format!("{name}: {e}"))?;
        Ok(Source::on_disk("", name, meta.len(), path))
    }

    /// A new file to append to; one of that name is emptied.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(&self, name: &str) -> Result<Appender, String> {
        let path = self.place(name);
        drop(std::fs::remove_file(&path));
        let file = private().append(true).create(true).open(path).map_err(|e| format!("{name}: {e}"))?;
        Ok(Appender { file, length: 0 })
    }

    /// Writes a whole file so that it is there whole or not at all, also after the machine lost its power.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let beside = self.place(&format!("{name}.part"));
        let written = private().write(true).create(true).truncate(true).open(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, self.place(name))?;
            // The name, too; not every system can.
            drop(File::open(&self.path).and_then(|folder| folder.sync_all()));
            Ok(())
        });
        written.map_err(|e| {
            drop(std::fs::remove_file(&beside));
            format!("{name}: {e}")
        })
    }

    /// Removes a file; one that cannot be removed is tried again at the next start.
    pub fn remove(&self, name: &str) {
        drop(std::fs::remove_file(self.place(name)));
    }

    /// Removes the files of it that are `ours`, and the folder if nothing else is in it.
    pub fn remove_all(self, ours: impl Fn(&str) -> bool) {
        for (name, _) in self.files().unwrap_or_default().iter().filter(|(name, _)| ours(name)) {
            self.remove(name);
        }
        self.remove(LOCK);
        drop(std::fs::remove_dir(&self.path));
    }
}

/// Options of a file for its user alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file that is appended to.
#[derive(Debug)]
pub struct Appender {
    file: File,
    length: u64,
}

impl Appender {
    /// Appends all parts or none: what was written before an error is cut off again.
    ///
    /// # Errors
    /// What the system says. If it cannot even be cut off, the second text says so, and nothing may follow it.
    pub fn append(&mut self, mut parts: &mut [IoSlice<'_>]) -> Result<(), (String, Option<String>)> {
        let total: u64 = parts.iter().map(|p| p.len() as u64).sum();
        while !parts.is_empty() {
            let error = match self.file.write_vectored(parts) {
                Ok(0) => std::io::Error::from(std::io::ErrorKind::WriteZero),
                Ok(n) => {
                    IoSlice::advance_slices(&mut parts, n);
                    continue;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => e,
            };
            let cut = self.file.set_len(self.length).err().map(|e| e.to_string());
            return Err((error.to_string(), cut));
        }
        self.length += total;
        Ok(())
    }

    /// Bytes in it.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Waits until the disk has it.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> Result<(), String> {
        self.file.sync_data().map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_and_is_private() {
        let outer = tempfile::tempdir().expect("temp dir");
        let path = outer.path().join("a/b");
        let folder = Folder::open(&path).expect("opened");
        let error = Folder::open(&path).expect_err("locked").to_string();
        assert!(error.contains("another receiver"), "{error}");
        let mut file = folder.create("x").expect("made");
        let (a, b) = ([1, 2], [3]);
        file.append(&mut [IoSlice::new(&a), IoSlice::new(&[]), IoSlice::new(&b)]).expect("appended");
        assert_eq!(file.length(), 3);
        folder.write("y", b"hi").expect("written");
        assert_eq!(folder.files().expect("listed"), [("x".to_owned(), 3), ("y".to_owned(), 2)]);
        #[cfg(unix)]
        for (name, mode) in [("", 0o700), ("x", 0o600), ("y", 0o600)] {
            use std::os::unix::fs::PermissionsExt;
            let meta = std::fs::metadata(path.join(name)).expect("there");
            assert_eq!(meta.permissions().mode() & 0o777, mode, "{name}");
        }
        folder.remove_all(|name| name == "x");
        assert!(path.join("y").exists() && !path.join("x").exists(), "what others put there stays");
        Folder::open(&path).expect("opened").remove_all(|_| true);
        assert!(!path.exists());
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let outer = tempfile::tempdir().expect("temp dir");
        let path = outer.path().join("x");
        std::fs::write(&path, "whole").expect("written");
        let mut file = Appender { file: File::open(&path).expect("opened to read"), length: 5 };
        assert!(file.append(&mut [IoSlice::new(b"more")]).is_err());
        assert_eq!((file.length(), std::fs::read(&path).expect("read")), (5, b"whole".to_vec()));
    }
}
