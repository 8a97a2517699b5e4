//! Writing results: beside the target and then renamed, so that nothing half-written is left.

use std::io::Write;
use std::path::{Component, Path};

use crate::error::Error;

/// Writes one file: into a temporary file beside it, then renamed over it.
/// Devices and pipes (`/dev/stdout`) are written directly.
///
/// # Errors
/// The file cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fail = |e: std::io::Error| Error::Output { path: path.display().to_string(), reason: e.to_string() };
    let special = std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
    if special {
        return append(path, bytes);
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut name = path.file_name().map(|n| n.to_os_string()).unwrap_or_default();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        // The error that matters is the first one; a leftover that cannot be removed changes nothing.
        drop(std::fs::remove_file(&beside));
        fail(e)
    })
}

/// Adds to the end of a file, which is made if it is not there. Devices and pipes are written to; one that was
/// closed by its reader ends quietly.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = std::fs::OpenOptions::new().append(true).create(true).open(path).and_then(|mut f| f.write_all(bytes));
    quiet_if_closed(written).map_err(|e| Error::Output { path: path.display().to_string(), reason: e.to_string() })
}

/// Writes to standard output; a closed pipe ends quietly.
///
/// # Errors
/// It cannot be written to, a full disk behind it for example.
pub fn write_standard_output(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    quiet_if_closed(out.write_all(bytes).and_then(|()| out.flush()))
        .map_err(|e| Error::Output { path: "standard output".to_owned(), reason: e.to_string() })
}

fn quiet_if_closed(written: std::io::Result<()>) -> std::io::Result<()> {
    match written {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes several files below a folder. A name that would leave the folder is refused.
///
/// # Errors
/// A name that leaves the folder, or a file that cannot be written.
pub fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Error> {
    for (name, bytes) in files {
        let relative = Path::new(name);
        if name.is_empty() || !relative.components().all(|c| matches!(c, Component::Normal(_))) {
            let reason = "the name would leave the output folder".to_owned();
            return Err(Error::Output { path: name.clone(), reason });
        }
        write_atomically(&folder.join(relative), bytes)?;
    }
    Ok(())
}

/// Removes a file below a folder; one that is not there is no error, a name that would leave the folder is.
///
/// # Errors
/// A name that leaves the folder, or a file that cannot be removed.
pub fn remove_inside(folder: &Path, name: &str) -> Result<(), Error> {
    let fail = |reason: String| Error::Output { path: name.to_owned(), reason };
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|c| matches!(c, Component::Normal(_))) {
        return Err(fail("the name would leave the output folder".to_owned()));
    }
    match std::fs::remove_file(folder.join(relative)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(fail(e.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_leave_the_folder() {
        let dir = tempfile::tempdir().expect("temp dir");
        for bad in ["../x", "/etc/x", "", "a/../../x"] {
            assert!(write_all(dir.path(), &[(bad.to_owned(), vec![])]).is_err(), "{bad}");
        }
        write_all(dir.path(), &[("a/b.txt".to_owned(), b"hi".to_vec())]).expect("written");
        assert_eq!(std::fs::read(dir.path().join("a/b.txt")).expect("read"), b"hi");
    }
}
