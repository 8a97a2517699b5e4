//! Dockerfiles: environment, command, ports and which folders are copied into the image.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::paths::join;
use crate::model::{Facts, Place, Practice, PracticeKind, Setting, Workload, WorkloadKind};

use super::{Manifest, Neighbours, masked};

/// Dockerfiles.
pub const MANIFEST: Manifest = Manifest { id: "dockerfile", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name().to_lowercase();
    (name.starts_with("dockerfile") || name.ends_with(".dockerfile") || name.starts_with("containerfile"))
        && text.lines().any(|l| l.trim_start().to_uppercase().starts_with("FROM "))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let place = |line: u32| Place::new(&source.root, &source.path, line);
    let name = source.folder().rsplit('/').next().unwrap_or_default();
    let mut workload = Workload {
        build: Some(source.folder().to_owned()),
        dockerfile: Some(source.path.clone()),
        ..Workload::new(name, place(1), WorkloadKind::Dockerfile)
    };
    let mut arguments: BTreeMap<String, String> = BTreeMap::new();
    for (line, instruction) in instructions(text) {
        let (word, rest) = instruction.split_once(char::is_whitespace).unwrap_or((&instruction, ""));
        let rest = rest.trim();
        match word.to_uppercase().as_str() {
            "FROM" => {
                // The last stage is what runs.
                workload.image = rest.split_whitespace().find(|w| !w.starts_with("--")).map(str::to_owned);
                workload.command.clear();
            }
            "ARG" => {
                if let Some((key, value)) = rest.split_once('=') {
                    arguments.insert(key.to_owned(), value.trim_matches('"').to_owned());
                }
            }
            "ENV" => {
                for (key, value) in pairs(rest) {
                    let value = masked(&key, &substitute(&value, &arguments));
                    workload.environment.push(Setting { key, value, place: place(line) });
                }
            }
            "EXPOSE" => workload
                .ports
                .extend(rest.split_whitespace().filter_map(|p| Some((0, p.split('/').next()?.parse().ok()?)))),
            "CMD" | "ENTRYPOINT" => workload.command.extend(words(rest)),
            "HEALTHCHECK" => workload.has_health_check = true,
            "COPY" | "ADD" if !rest.contains("--from") => {
                let all: Vec<String> = words(rest).into_iter().filter(|w| !w.starts_with("--")).collect();
                let sources = all.len().saturating_sub(1);
                workload.copies.extend(all.into_iter().take(sources).filter_map(|p| join(source.folder(), &p)));
            }
            _ => {}
        }
    }
    let practices = several(&workload).into_iter().collect();
    Facts { workloads: vec![workload], practices, ..Facts::default() }
}

/// A command that starts more than one process: in the background beside another, or by a process manager.
fn several(workload: &Workload) -> Option<Practice> {
    let command = workload.command.join(" ");
    let background = command.replace("&&", ";").replace("2>&1", "").matches(" & ").count();
    let manager = ["supervisord", "concurrently", "foreman", "honcho", "npm-run-all --parallel", "pm2 start"]
        .iter()
        .find(|m| command.contains(**m));
    if background == 0 && manager.is_none() {
        return None;
    }
    let says = format!("starts `{command}`");
    let mut practice = Practice::new(PracticeKind::Processes, workload.place.clone(), &says);
    practice.value = (background > 0).then_some(background as u64 + 1);
    Some(practice)
}

/// Instructions with continued lines joined, and the line of each.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') || trimmed.is_empty() {
            continue;
        }
        let (body, continues) = trimmed.strip_suffix('\\').map_or((trimmed, false), |b| (b.trim_end(), true));
        match all.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(body);
            }
            _ => all.push((at as u32 + 1, body.to_owned())),
        }
        open = continues;
    }
    all
}

/// `A=b C="d e"` or `A b`.
fn pairs(rest: &str) -> Vec<(String, String)> {
    let first = rest.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        return rest
            .split_once(char::is_whitespace)
            .map(|(k, v)| (k.to_owned(), v.trim().trim_matches('"').to_owned()))
            .into_iter()
            .collect();
    }
    let mut all = Vec::new();
    let mut chars = rest.chars().peekable();
    while chars.peek().is_some() {
        let key: String = chars.by_ref().take_while(|c| *c != '=').collect();
        let quote = chars.peek().copied().filter(|c| matches!(c, '"' | '\''));
        let value: String = match quote {
            Some(q) => {
                chars.next();
                chars.by_ref().take_while(|c| *c != q).collect()
            }
            None => chars.by_ref().take_while(|c| !c.is_whitespace()).collect(),
        };
        if !key.trim().is_empty() {
            all.push((key.trim().to_owned(), value));
        }
    }
    all
}

/// The words of a command, in its exec or shell form.
fn words(rest: &str) -> Vec<String> {
    if rest.starts_with('[')
        && let Ok(list) = serde_json::from_str::<Vec<String>>(rest)
    {
        return list;
    }
    rest.split_whitespace().map(str::to_owned).collect()
}

fn substitute(value: &str, arguments: &BTreeMap<String, String>) -> String {
    let mut out = value.to_owned();
    for (key, argument) in arguments {
        out = out.replace(&format!("${{{key}}}"), argument).replace(&format!("${key}"), argument);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_instructions() {
        let text = "FROM a AS b\nARG P=8080\nENV URL=\"http://x\" \\\n    PORT=$P\nCOPY src ./src\nEXPOSE 80/tcp\nCMD [\"node\", \"x.js\"]\n";
        let source = Source::in_memory("orders/Dockerfile", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let w = &facts.workloads[0];
        let environment: Vec<(&str, &str)> = w.environment.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
        assert_eq!(environment, [("URL", "http://x"), ("PORT", "8080")]);
        assert_eq!(
            (w.copies.as_slice(), w.command.len(), w.ports.as_slice()),
            (&["orders/src".to_owned()][..], 2, &[(0, 80)][..])
        );
    }
}
