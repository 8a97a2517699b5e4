//! Procfiles and supervisor configurations: which processes one container starts.

use crate::files::Source;
use crate::model::{Facts, Place, Practice, PracticeKind};

use super::{Manifest, Neighbours};

/// Procfile and supervisord.
pub const MANIFEST: Manifest = Manifest { id: "processes", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name().to_lowercase();
    name == "procfile" || name.starts_with("supervisor") && text.contains("[program:")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let procfile = source.file_name().eq_ignore_ascii_case("procfile");
    let mut names: Vec<(u32, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let name = if procfile {
            line.split_once(':').map(|(name, _)| name.trim()).filter(|n| !n.is_empty() && !n.starts_with('#'))
        } else {
            line.trim().strip_prefix("[program:").and_then(|r| r.strip_suffix(']'))
        };
        // A release step of a Procfile runs once, before the others.
        names.extend(name.filter(|n| *n != "release").map(|n| (at as u32 + 1, n.to_owned())));
    }
    let Some((line, _)) = names.first().cloned() else { return Facts::default() };
    let list: Vec<String> = names.into_iter().map(|(_, n)| n).collect();
    let place = Place::new(&source.root, &source.path, line);
    let mut practice = Practice::new(PracticeKind::Processes, place, &format!("starts {}", list.join(", ")));
    practice.value = Some(list.len() as u64);
    practice.targets = list;
    Facts { practices: vec![practice], ..Facts::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_counted() {
        let text = "[supervisord]\n[program:api]\ncommand=a\n[program:worker]\n";
        let source = Source::in_memory("x/supervisord.conf", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!((facts.practices[0].value, facts.practices[0].place.line), (Some(2), 2));
        let text = "release: migrate\nweb: run\n";
        let source = Source::in_memory("Procfile", text.as_bytes());
        assert_eq!(read(&source, text, &Neighbours::new(&[], "")).practices[0].value, Some(1));
    }
}
