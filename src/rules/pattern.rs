//! Patterns of rules: names with `*` for any text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name, or a glob with `*`. Case counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Pattern(String);

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl Pattern {
    /// A pattern; `*` stands for anything.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name, if there is no `*` in it.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&self.0)
    }

    /// The text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Matches a whole text; gives what the last `*` stood for (empty for an exact name).
    #[must_use]
    pub fn capture<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Some(star) = self.0.find('*') else { return (self.0 == text).then_some("") };
        let (head, tail) = (&self.0[..star], &self.0[star + 1..]);
        let rest = text.strip_prefix(head)?;
        if !tail.contains('*') {
            return rest.strip_suffix(tail);
        }
        // Several stars: the shortest match of each but the last.
        let inner = Self(format!("*{}", &tail[tail.find('*')? + 1..]));
        let middle = &tail[..tail.find('*')?];
        let at = rest.find(middle)?;
        let after = &rest[at + middle.len()..];
        inner.capture(after)
    }

    /// Does it match the whole text?
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.capture(text).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_capture() {
        let p = |s: &str| Pattern::from(s.to_owned());
        assert_eq!(p("New*Client").capture("NewCartServiceClient"), Some("CartService"));
        assert_eq!(p("*").capture("x"), Some("x"));
        assert_eq!(p("get").capture("get"), Some(""));
        assert_eq!(p("get").capture("gets"), None);
        assert_eq!(p("*.env.*").capture("process.env.URL"), Some("URL"));
        assert_eq!(p("spring.*.url").capture("spring.datasource.url"), Some("datasource"));
        assert!(!p("a*b").matches("ba"));
    }
}
