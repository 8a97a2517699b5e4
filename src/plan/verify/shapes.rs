//! Files of simple shape: JSON documents, Protobuf messages, settings of consumers, the backlog.

use super::Check;

/// Simple shapes.
pub const CHECK: Check = Check {
    id: "shapes",
    by: "their shape, read by unbraid",
    fits: |p| {
        p.ends_with(".proto")
            || p.ends_with(".properties")
            || p.ends_with(".csv")
            || p.ends_with("watch.json")
            || p.contains("/subjects/")
            || p.ends_with("rollback.sh")
            || p.ends_with("register.sh")
            || p.ends_with(".mongodb.js")
    },
    check,
};

fn check(path: &str, text: &str) -> Vec<String> {
    if path.ends_with(".js") {
        return brackets(text);
    }
    let start = text.trim_start();
    if start.starts_with('{') {
        return json(start);
    }
    if start.starts_with("#!/bin/sh") {
        return script(text);
    }
    if text.contains("syntax = \"proto3\";") {
        return protobuf(text);
    }
    if start.starts_with("step,") {
        return rows(text);
    }
    properties(text)
}

fn json(text: &str) -> Vec<String> {
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(e) => return vec![e.to_string()],
    };
    // A subject: the schema inside must be one too.
    match (value["schemaType"].as_str(), value["schema"].as_str()) {
        (Some("AVRO"), Some(schema)) => match apache_avro::Schema::parse_str(schema) {
            Ok(_) => Vec::new(),
            Err(e) => vec![e.to_string()],
        },
        (Some("JSON"), Some(schema)) => {
            match serde_json::from_str::<serde_json::Value>(schema).map(|s| jsonschema::draft7::meta::is_valid(&s)) {
                Ok(true) => Vec::new(),
                _ => vec!["its schema is no JSON Schema".to_owned()],
            }
        }
        (Some("PROTOBUF"), Some(schema)) => protobuf(schema),
        (None, None) if value["panels"].is_array() => Vec::new(),
        _ => vec!["it is neither a subject nor a dashboard".to_owned()],
    }
}

/// A script of MongoDB's shell: quotes and brackets are closed, in their order.
fn brackets(text: &str) -> Vec<String> {
    let (mut open, mut quote, mut escaped) = (Vec::new(), None, false);
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for c in code.chars() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            (c, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"' | '`', None) => quote = Some(c),
            ('(', None) => open.push(')'),
            ('[', None) => open.push(']'),
            ('{', None) => open.push('}'),
            (')' | ']' | '}', None) if open.pop() != Some(c) => return vec![format!("a `{c}` closes nothing")],
            _ => {}
        }
    }
    if quote.is_some() || !open.is_empty() {
        return vec!["a quote or a bracket is not closed".to_owned()];
    }
    Vec::new()
}

/// Quotes are closed, and an error ends it.
fn script(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.contains("\nset -eu\n") {
        problems.push("an error does not end it: `set -eu` is missing".to_owned());
    }
    let code: String = text.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join("\n");
    let (mut single, mut double, mut escaped) = (false, false, false);
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            _ => {}
        }
    }
    if single || double {
        problems.push("a quote is not closed".to_owned());
    }
    problems
}

fn protobuf(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut numbers = std::collections::BTreeSet::new();
    let types = ["int32", "int64", "double", "bool", "string"];
    let body: Vec<&str> =
        text.lines().map(|l| l.split("//").next().unwrap_or_default().trim()).filter(|l| !l.is_empty()).collect();
    for line in &body {
        let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["syntax", ..] | ["package", _] | ["message", _, "{"] | ["}"] => {}
            ["optional", kind, _, "=", number] | [kind, _, "=", number] if line.ends_with(';') => {
                if !types.contains(kind) {
                    problems.push(format!("`{kind}` is no type"));
                }
                if number.parse::<u32>().is_err() || !numbers.insert((*number).to_owned()) {
                    problems.push(format!("`{number}` is no free field number"));
                }
            }
            _ => problems.push(format!("`{line}` is no field")),
        }
    }
    if text.matches('{').count() != text.matches('}').count() {
        problems.push("a brace is not closed".to_owned());
    }
    problems
}

fn properties(text: &str) -> Vec<String> {
    let known = crate::plan::known::options();
    let mut problems = Vec::new();
    for line in text.lines() {
        let (line, options, whose) = match line.strip_prefix("# sink: ") {
            Some(rest) => (rest, &known.sink, "sink connector"),
            None if line.is_empty() || line.starts_with('#') => continue,
            None => (line, &known.consumer, "consumer"),
        };
        match line.split_once('=') {
            Some((key, value)) if options.iter().any(|k| k == key) && !value.is_empty() => {}
            Some((key, _)) => problems.push(format!("`{key}` is no setting of a {whose}, or has no value")),
            None => problems.push(format!("`{line}` is no setting")),
        }
    }
    problems
}

/// Every row has as many cells as the head.
fn rows(text: &str) -> Vec<String> {
    let cells = |line: &str| {
        let mut quoted = false;
        1 + line
            .chars()
            .filter(|c| {
                quoted ^= *c == '"';
                *c == ',' && !quoted
            })
            .count()
    };
    let head = text.lines().next().map_or(0, cells);
    text.lines()
        .enumerate()
        .filter(|(_, l)| cells(l) != head)
        .map(|(n, _)| format!("line {}: not {head} cells", n + 1))
        .collect()
}
