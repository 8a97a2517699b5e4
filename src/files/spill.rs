//! What does not fit into memory: one temporary file that is written once and read back in parts.
//!
//! The file has no name any more as soon as it is open (where the system allows it), so nothing stays behind.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Bytes;

/// A temporary file.
#[derive(Debug)]
pub struct Spill {
    file: Mutex<File>,
    /// Where it lies if its name could not be removed yet.
    named: Option<PathBuf>,
    length: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Spill {
    /// A new file in the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir();
        let name = format!("unbraid-{}-{}.spill", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(name);
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| format!("no temporary file in {}: {e}", folder.display()))?;
        let named = if cfg!(unix) && std::fs::remove_file(&path).is_ok() { None } else { Some(path) };
        Ok(Self { file: Mutex::new(file), named, length: 0 })
    }

    /// Writes at the end; gives where.
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, String> {
        let at = self.length;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).map_err(|e| format!("not spilled: {e}"))?;
        self.length += bytes.len() as u64;
        Ok(at)
    }

    /// Reads a part back.
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let done = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(into));
        done.map_err(|e| format!("spilled data not read back: {e}"))
    }

    /// All that was written, mapped.
    ///
    /// # Errors
    /// What the system says, as text for a note.
    pub fn bytes(&self) -> Result<Bytes, String> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        super::map::map_file(&file, self.length).map_err(|e| format!("spilled data not read back: {e}"))
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if let Some(path) = &self.named {
            drop(std::fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut spill = Spill::new().expect("a temporary folder");
        assert_eq!(spill.append(b"abc"), Ok(0));
        assert_eq!(spill.append(b"defg"), Ok(3));
        let mut part = [0; 4];
        assert_eq!(spill.read(2, &mut part), Ok(()));
        assert_eq!(&part, b"cdef");
        assert_eq!(&*spill.bytes().expect("mapped"), b"abcdefg");
        assert!(spill.read(5, &mut part).is_err());
    }
}
