//! Shell scripts: the requests that they make with command-line clients. Whether a container runs a script is for
//! linking to say.

use crate::files::Source;
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Setting, Settings, mask_secrets, requests_of};

use super::{Manifest, Neighbours};

/// Shell scripts.
pub const MANIFEST: Manifest = Manifest { id: "shell", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    (matches!(source.extension().as_str(), "sh" | "bash") || text.starts_with("#!/bin/") && !source.path.contains('.'))
        && (text.contains("://") || text.contains("locust"))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut values = Vec::new();
    let mut open = String::new();
    let mut start = 0;
    for (at, line) in text.lines().enumerate() {
        if open.is_empty() {
            start = at as u32 + 1;
        }
        let line = line.trim();
        // A long command goes on after a backslash.
        if let Some(head) = line.strip_suffix('\\') {
            open.push_str(head);
            continue;
        }
        open.push_str(line);
        for (tool, url) in requests_of(&std::mem::take(&mut open)) {
            let place = Place::new(&source.root, &source.path, start);
            values.push(Setting { key: tool, value: mask_secrets(&url), place });
        }
    }
    if values.is_empty() {
        return Facts::default();
    }
    let settings = Settings {
        place: Place::new(&source.root, &source.path, 0),
        scope: SettingsScope::Folder(source.folder().to_owned()),
        format: "shell".to_owned(),
        profile: String::new(),
        values,
    };
    Facts { settings: vec![settings], ..Facts::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_scripts_are_read_and_waiting_is_none() {
        let text = "#!/bin/sh\nuntil curl -s http://config:8888/health; do sleep 1; done\nab -n 10 \\\n  http://vote/\n# curl http://x\n";
        let facts = read(&Source::in_memory("seed/run.sh", text.as_bytes()), text, &Neighbours::new(&[], ""));
        let values = &facts.settings[0].values;
        assert_eq!(values.len(), 1);
        assert_eq!((values[0].key.as_str(), values[0].value.as_str(), values[0].place.line), ("ab", "http://vote/", 3));
    }
}
