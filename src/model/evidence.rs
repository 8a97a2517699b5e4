//! Where a fact stands in its input, and how sure it is.
//!
//! Takes nothing; gives `Place`, `Evidence`, `Note` and the masking of secrets. Knows no stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A position in an input file or a trace.
///
/// `path` is relative to the root that was given, with `/` separators; `line` counts from 1 and 0
/// means "the file as a whole". For a span, `path` is the file that held it and `span` is
/// `TRACEID/SPANID` in lower-case hex.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Name of the input root when several were given, else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root: String,
    /// Path relative to that root.
    pub path: String,
    /// Line, from 1; 0 for the whole file.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u32,
    /// `TRACEID/SPANID`, for evidence from traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Place {
    /// A line of a file.
    #[must_use]
    pub fn new(root: &str, path: &str, line: u32) -> Self {
        Self { root: root.to_owned(), path: path.to_owned(), line, span: None }
    }

    /// The folder that holds the file, without a trailing slash; empty for the root itself.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.root.is_empty() {
            write!(f, "{}:", self.root)?;
        }
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if let Some(span) = &self.span {
            write!(f, "#{span}")?;
        }
        Ok(())
    }
}

/// The kinds of input, in the words of `seen_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Source code.
    Code,
    /// OpenAPI, AsyncAPI, protobuf.
    Specs,
    /// Compose, Kubernetes, configuration files, proxies.
    Manifests,
    /// Spans.
    Traces,
    /// `unbraid.yaml`.
    Declared,
    /// Commits.
    History,
}

/// How sure a fact or a link is. The weakest link of a chain decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Only possible: stands in `candidates`, never in `dependencies`.
    Possible,
    /// One link of the chain is inferred.
    Probable,
    /// Every link of the chain of evidence is exact.
    Confirmed,
}

/// One reason to believe something: what an input says, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Kind of input.
    pub source: SourceKind,
    /// Where it stands.
    pub place: Place,
    /// What it says, in a few words; secrets are masked.
    pub says: String,
    /// How sure.
    pub confidence: Confidence,
}

impl Evidence {
    /// Evidence with its text masked by [`mask_secrets`].
    #[must_use]
    pub fn new(source: SourceKind, place: Place, says: &str, confidence: Confidence) -> Self {
        Self { source, place, says: mask_secrets(says), confidence }
    }
}

/// What could not be read or resolved: always shown, fatal only under `--strict`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// `path:line`, or the input as a whole.
    pub place: String,
    /// What and why, in one sentence.
    pub text: String,
}

impl Note {
    /// A note on a place.
    #[must_use]
    pub fn new(place: impl std::fmt::Display, text: impl Into<String>) -> Self {
        Self { place: place.to_string(), text: mask_secrets(&text.into()) }
    }
}

/// Key words whose values are secrets, compared in lower case as parts of a key.
const SECRET_KEYS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "private_key",
    "credential",
];

/// Does a key name something whose value must never be shown?
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    // A token or secret *address* is an address: `TOKEN_URL`, `secret-host`.
    let address = ["url", "uri", "host", "endpoint", "addr", "path", "name"].iter().any(|end| lower.ends_with(end));
    !address && (SECRET_KEYS.iter().any(|word| lower.contains(word)) || lower == "key" || lower.ends_with("_key"))
}

/// Replaces secrets in a text by `***`: user info in URLs, and values after secret keys
/// (`password=…`, `pwd: …`, `?token=…`).
#[must_use]
pub fn mask_secrets(text: &str) -> String {
    let text = mask_user_info(text);
    mask_assignments(&text)
}

fn mask_user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`' | ','))
            .unwrap_or(tail.len());
        let authority = &tail[..end];
        match authority.rfind('@') {
            Some(user) => {
                out.push_str("***");
                out.push_str(&authority[user..]);
            }
            None => out.push_str(authority),
        }
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

fn mask_assignments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (head, tail) = rest.split_at(at);
        let key_start = head
            .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map_or(0, |i| i + head[i..].chars().next().map_or(1, char::len_utf8));
        let key = &head[key_start..];
        let separator_len = 1 + tail[1..].len() - tail[1..].trim_start_matches([' ', '"', '\'']).len();
        let value = &tail[separator_len..];
        let is_reference = value.starts_with('$') || value.starts_with("//") || value.starts_with("***");
        out.push_str(head);
        out.push_str(&tail[..separator_len]);
        if is_secret_key(key) && !is_reference && !value.is_empty() {
            let end = value
                .find(|c: char| c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'' | '<' | '>' | ')' | '}'))
                .unwrap_or(value.len());
            if end > 0 {
                out.push_str("***");
            }
            rest = &value[end..];
        } else {
            rest = value;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_user_info_and_secret_values_and_nothing_else() {
        assert_eq!(mask_secrets("http://orders:8080/x"), "http://orders:8080/x");
        assert_eq!(mask_secrets("postgres://bob:s3cr:et@db:5432/shop"), "postgres://***@db:5432/shop");
        assert_eq!(mask_secrets("Host=db;Password=hunter2;Database=x"), "Host=db;Password=***;Database=x");
        assert_eq!(mask_secrets("jdbc:mysql://db/x?user=a&password=p#1"), "jdbc:mysql://db/x?user=a&password=***");
        assert_eq!(mask_secrets("api_key: \"abc\""), "api_key: \"***\"");
        assert_eq!(mask_secrets("TOKEN_URL=http://auth/token"), "TOKEN_URL=http://auth/token");
        assert_eq!(mask_secrets("password=${DB_PASSWORD}"), "password=${DB_PASSWORD}");
    }
}
