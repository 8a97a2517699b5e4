//! Opening files: the memory map for large ones, a plain read for small ones. Unsafe code stands here and in `ahead`
//! alone.

use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// Below this a read is cheaper than a map and its page faults.
const MAP_FROM: u64 = 1 << 20;

/// Bytes of a file, mapped or owned.
#[derive(Debug)]
pub struct Bytes(Inner);

#[derive(Debug)]
enum Inner {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Bytes {
    pub(super) fn shared(bytes: Arc<[u8]>) -> Self {
        Self(Inner::Shared(bytes))
    }

    /// Bytes that are owned, for example after decompression.
    #[must_use]
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Mapped(map) => map,
            Inner::Owned(bytes) => bytes,
            Inner::Shared(bytes) => bytes,
        }
    }
}

pub(super) fn open(path: &Path, size: u64) -> std::io::Result<Bytes> {
    let mut file = File::open(path)?;
    if size >= MAP_FROM {
        return map(&file).map(|map| Bytes(Inner::Mapped(map)));
    }
    // The size may lie (proc files, growing files): read a little more than announced, never without end.
    let mut bytes = Vec::with_capacity(size as usize + 1);
    Read::by_ref(&mut file).take(MAP_FROM + (64 << 20)).read_to_end(&mut bytes)?;
    Ok(Bytes(Inner::Owned(bytes)))
}

/// An open file, from its beginning.
pub(super) fn map_file(file: &File, size: u64) -> std::io::Result<Bytes> {
    if size == 0 {
        return Ok(Bytes(Inner::Owned(Vec::new())));
    }
    map(file).map(|map| Bytes(Inner::Mapped(map)))
}

#[expect(unsafe_code, reason = "memory maps cannot be made safe; the file is only read")]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to this process and only read. Another process that truncates the file while
    // it is being read can raise SIGBUS; inputs are files at rest, as for ripgrep, which makes the same choice.
    unsafe { memmap2::Mmap::map(file) }
}

pub(super) fn head(path: &Path, n: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(n);
    File::open(path)?.take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
