//! Logging configuration (Logback, Log4j, NLog): does a service write its log to a file, a stream, a collector?

use crate::files::Source;
use crate::model::{Facts, Place, Practice, PracticeKind};

use super::{Manifest, Neighbours};

/// Logging configuration.
pub const MANIFEST: Manifest = Manifest { id: "logging", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    let name = source.file_name().to_lowercase();
    let stem = name.split('.').next().unwrap_or(&name);
    let known = ["logback", "log4j", "log4j2", "nlog"].iter().any(|s| stem.starts_with(s));
    known && matches!(source.extension().as_str(), "xml" | "properties" | "config") && !stem.contains("test")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let mut commented = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        commented |= trimmed.starts_with("<!--");
        if commented || trimmed.starts_with('#') {
            commented &= !trimmed.contains("-->");
            continue;
        }
        let declares = [
            "<appender",
            "class=",
            "<RollingFile",
            "<File ",
            "<Console",
            "<target",
            "log4j.appender",
            "type =",
            "type=",
        ];
        if !declares.iter().any(|d| trimmed.contains(d)) {
            continue;
        }
        let lower = trimmed.to_lowercase();
        let kind = if [
            "consoleappender",
            "<console",
            "xsi:type=\"console",
            "type = console",
            "socketappender",
            "logstash",
            "gelf",
            "loki",
        ]
        .iter()
        .any(|w| lower.contains(w))
        {
            PracticeKind::LogStream
        } else if ["fileappender", "<rollingfile", "<file ", "xsi:type=\"file", "type = rollingfile", "type = file"]
            .iter()
            .any(|w| lower.contains(w))
        {
            PracticeKind::LogFile
        } else {
            continue;
        };
        let place = Place::new(&source.root, &source.path, at as u32 + 1);
        facts.practices.push(Practice::new(kind, place, trimmed));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appenders_are_told_apart() {
        let text = "<configuration>\n <appender name=\"F\" class=\"ch.qos.logback.core.FileAppender\">\n <!-- <appender class=\"ch.qos.logback.core.ConsoleAppender\"/> -->\n</configuration>";
        let source = Source::in_memory("a/logback-spring.xml", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let found: Vec<_> = facts.practices.iter().map(|p| (p.kind, p.place.line)).collect();
        assert_eq!(found, [(PracticeKind::LogFile, 2)]);
    }
}
