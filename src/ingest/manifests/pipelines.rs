//! Pipelines: which images or folders one pipeline builds and releases together.
//!
//! GitHub workflows, GitLab, Jenkins, Azure, Cloud Build, Skaffold. Looks for what is built (`docker build`, image
//! steps, artifacts, matrices of folders), not for what is tested.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::{Facts, Place, Practice, PracticeKind};

use super::{Manifest, Neighbours};

/// Pipelines.
pub const MANIFEST: Manifest = Manifest { id: "pipelines", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    let name = source.file_name().to_lowercase();
    let yaml = matches!(source.extension().as_str(), "yml" | "yaml");
    let by_name =
        ["jenkinsfile", ".gitlab-ci", "azure-pipelines", "cloudbuild", "skaffold", "buildspec", "bitbucket-pipelines"]
            .iter()
            .any(|n| name.starts_with(n));
    by_name || yaml && source.path.contains(".github/workflows/")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut found: Vec<(u32, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        built(line).into_iter().for_each(|t| found.push((at as u32 + 1, t)));
    }
    for document in &yaml::parse(text).nodes {
        structure(document, 0, &mut found);
    }
    let Some(line) = found.iter().map(|(line, _)| *line).min() else { return Facts::default() };
    let mut targets: Vec<String> = found.into_iter().map(|(_, t)| t).collect();
    targets.sort();
    targets.dedup();
    let place = Place::new(&source.root, &source.path, line);
    let mut practice = Practice::new(PracticeKind::Release, place, &format!("builds {}", targets.join(", ")));
    practice.targets = targets;
    Facts { practices: vec![practice], ..Facts::default() }
}

/// What a command line builds: the context of `docker build`, the tag where the context is a dot.
fn built(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
    if line.starts_with('#') || !(line.contains("docker build") || line.contains("buildx build")) {
        return Vec::new();
    }
    let words: Vec<&str> = line.split_whitespace().map(|w| w.trim_matches(['"', '\'', ','])).collect();
    let tag = words.iter().position(|w| matches!(*w, "-t" | "--tag")).and_then(|at| words.get(at + 1));
    let context = words.last().filter(|w| !w.starts_with('-'));
    [tag.map(|t| image_name(t)), context.map(|c| (*c).to_owned())]
        .into_iter()
        .flatten()
        .filter(|t| is_name(t))
        .collect()
}

fn structure(node: &Node, depth: usize, into: &mut Vec<(u32, String)>) {
    if depth > 40 {
        return;
    }
    for (key, value) in node.entries() {
        let artifact = matches!(key.as_str(), "artifacts") && depth <= 2;
        if artifact {
            for item in value.list() {
                into.extend(item.get("image").text().map(|t| (item.line, image_name(t))).filter(|(_, t)| is_name(t)));
            }
        }
        if key == "matrix" || key == "strategy" {
            matrix(value, into);
        }
        structure(value, depth + 1, into);
    }
    for item in node.list() {
        structure(item, depth + 1, into);
    }
}

/// Lists of a matrix: folders or services that the same job builds.
fn matrix(node: &Node, into: &mut Vec<(u32, String)>) {
    for (key, value) in node.entries() {
        let key = key.to_lowercase();
        let named = ["service", "app", "image", "folder", "dir", "module", "component", "project"]
            .iter()
            .any(|w| key.contains(w));
        for item in value.list().iter().filter(|_| named || key == "include") {
            match item.text() {
                Some(text) if named && is_name(text) => into.push((item.line, text.to_owned())),
                _ => {
                    let first = item.entries().iter().find(|(k, _)| {
                        ["service", "app", "image", "folder", "dir", "context", "name", "file"]
                            .iter()
                            .any(|w| k.contains(w))
                    });
                    into.extend(
                        first.and_then(|(_, v)| v.text()).filter(|t| is_name(t)).map(|t| (item.line, t.to_owned())),
                    );
                }
            }
        }
    }
}

/// `registry/team/orders:1` is `orders`.
fn image_name(image: &str) -> String {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last).to_owned()
}

fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.contains(['$', '{', '*', ' ', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(path: &str, text: &str) -> Vec<String> {
        let source = Source::in_memory(path, text.as_bytes());
        assert!(claims(&source, text));
        read(&source, text, &Neighbours::new(&[], "")).practices.into_iter().flat_map(|p| p.targets).collect()
    }

    #[test]
    fn what_is_built_together_is_listed() {
        let jenkins = "sh 'mvn test'\nsh 'docker build -t shop/orders:1 ./orders'\nsh 'docker build -t shop/carts .'\n";
        assert_eq!(targets("Jenkinsfile", jenkins), ["./orders", "carts", "orders"]);
        let skaffold = "kind: Config\nbuild:\n  artifacts:\n  - image: ads\n  - image: carts\n";
        assert_eq!(targets("skaffold.yaml", skaffold), ["ads", "carts"]);
        let workflow =
            "jobs:\n  a:\n    strategy:\n      matrix:\n        service: [orders, carts]\n        node: [18, 20]\n";
        assert_eq!(targets(".github/workflows/a.yml", workflow), ["carts", "orders"]);
    }
}
