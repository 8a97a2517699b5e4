//! Commands that create topics: legal names, known settings, sensible numbers.

use super::Check;

/// Topics.
pub const CHECK: Check = Check {
    id: "topics",
    by: "TopicConfig of Kafka 4.3.1 (rules/plan/options.yaml)",
    fits: |p| p.ends_with("topics.sh"),
    check,
};

fn check(_: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = 0;
    for line in text.lines().filter(|l| l.starts_with("kafka-topics")) {
        seen += 1;
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |flag: &str| words.iter().position(|w| *w == flag).and_then(|at| words.get(at + 1)).copied();
        let name = after("--topic").unwrap_or_default();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 249 || matches!(name, "." | "..") || !name.chars().all(legal) {
            problems.push(format!("`{name}` is no name of a topic"));
        }
        if after("--partitions").and_then(|n| n.parse::<u32>().ok()).is_none_or(|n| n == 0) {
            problems.push(format!("{name}: it needs at least one partition"));
        }
        for (at, _) in words.iter().enumerate().filter(|(_, w)| **w == "--config") {
            let (key, value) = words.get(at + 1).and_then(|s| s.split_once('=')).unwrap_or_default();
            if !crate::plan::known::options().topic.iter().any(|t| t == key) {
                problems.push(format!("{name}: `{key}` is no setting of a topic"));
            }
            if key == "cleanup.policy" && !value.split(',').all(|v| matches!(v, "compact" | "delete")) {
                problems.push(format!("{name}: cleanup.policy = `{value}`: compact and delete are allowed"));
            }
        }
    }
    if seen == 0 {
        problems.push("it creates no topic".to_owned());
    }
    problems
}
