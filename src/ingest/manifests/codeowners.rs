//! CODEOWNERS: who owns which paths.

use crate::files::Source;
use crate::model::{Facts, Owner, Place};

use super::{Manifest, Neighbours};

/// CODEOWNERS.
pub const MANIFEST: Manifest = Manifest { id: "codeowners", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "CODEOWNERS"
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let owners = text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let pattern = words.next()?.to_owned();
        let place = Place::new(&source.root, &source.path, at as u32 + 1);
        Some(Owner { place, pattern, owners: words.map(str::to_owned).collect() })
    });
    Facts { owners: owners.collect(), ..Facts::default() }
}
