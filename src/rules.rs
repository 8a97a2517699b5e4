//! Client libraries as data: loads and checks `rules/` and the user's rules, by the same door.
//!
//! Takes YAML texts; gives checked [`Rules`]. Knows the schema of a rule, no library and no language.

mod built_in;
mod pattern;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::{Confidence, SiteKind};

pub use built_in::BUILT_IN;
pub use pattern::Pattern;
pub use reader::{Reader, Readers};

/// A rule file: one library.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The library, in its own spelling.
    pub library: String,
    /// Languages that the rules apply to.
    pub languages: Vec<String>,
    /// Where the library documents what the rules rely on.
    #[serde(default)]
    pub docs: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// What a rule makes of what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// An HTTP request.
    Http,
    /// A GraphQL request.
    Graphql,
    /// A declared client interface; `name` or `address` says where it leads.
    Interface,
    /// Registers the base address of a client type (`name` = the type).
    Register,
    /// Publishes.
    Publish,
    /// Asks over a topic or queue and waits for the answer.
    Request,
    /// Consumes.
    Consume,
    /// Binds a queue to an exchange.
    Bind,
    /// Opens a database.
    Database,
    /// Opens a cache.
    Cache,
    /// Opens a connection to a broker.
    Broker,
    /// Infrastructure.
    Infra,
    /// Serves an operation.
    Serve,
    /// Implements an RPC service.
    ServeRpc,
    /// Opens a port (`address` = port, `host:port` or URL).
    Listen,
    /// Reads the own store.
    StoreRead,
    /// Writes the own store.
    StoreWrite,
    /// Maps a type to a table.
    Table,
    /// Binds a property prefix to the fields of a type.
    Properties,
    /// Sends mail.
    Mail,
    /// Value: an environment variable (`name`, `default`).
    Environment,
    /// Value: a configuration property (`name`, `default`).
    Property,
    /// Value: a format string (`address` = the pattern, the rest its arguments).
    Format,
    /// Value: what `address` is.
    Identity,
    /// Value: `address` followed by `path`.
    Join,
    /// Value: what `address` is, or else `default`.
    Fallback,
    /// Value: a client with a base `address` or a discovery `name`.
    Client,
    /// Value: an RPC channel to `address`.
    Channel,
    /// Value: an RPC stub of the service `name` over the channel `address`.
    Stub,
}

impl Meaning {
    /// The kind of call site, unless the rule only rewrites a value.
    #[must_use]
    pub fn site(self) -> Option<SiteKind> {
        Some(match self {
            Self::Http => SiteKind::Http,
            Self::Graphql => SiteKind::Graphql,
            Self::Interface => SiteKind::Interface,
            Self::Register => SiteKind::Register,
            Self::Publish => SiteKind::Publish,
            Self::Request => SiteKind::Request,
            Self::Consume => SiteKind::Consume,
            Self::Bind => SiteKind::Bind,
            Self::Database => SiteKind::Database,
            Self::Cache => SiteKind::Cache,
            Self::Broker => SiteKind::Broker,
            Self::Infra => SiteKind::Infra,
            Self::Serve => SiteKind::Serve,
            Self::ServeRpc => SiteKind::ServeRpc,
            Self::Listen => SiteKind::Listen,
            Self::StoreRead => SiteKind::StoreRead,
            Self::StoreWrite => SiteKind::StoreWrite,
            Self::Table => SiteKind::Table,
            Self::Properties => SiteKind::Properties,
            Self::Mail => SiteKind::Mail,
            _ => return None,
        })
    }
}

/// One rule. Exactly one of `call`, `member`, `annotation`, `supertype`, `property` says what it matches.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Id, unique in its file.
    pub id: String,
    /// Names of called functions or methods; `*` matches anything and is the `capture`; `new T` is a constructor.
    #[serde(default)]
    pub call: Vec<Pattern>,
    /// Members read (`process.env.*`, `os.environ.*`); the last `*` is the `capture`.
    #[serde(default)]
    pub member: Vec<Pattern>,
    /// Annotations, attributes or decorators on a type, function, parameter or field.
    #[serde(default)]
    pub annotation: Vec<Pattern>,
    /// Supertypes of a declared type, without generics.
    #[serde(default)]
    pub supertype: Vec<Pattern>,
    /// Keys of configuration files.
    #[serde(default)]
    pub property: Vec<Pattern>,
    /// Receiver of the call: its type, import path, or dotted name. Absent: a plain function. `*`: any or none.
    #[serde(default)]
    pub on: Vec<Pattern>,
    /// Imports (prefixes) of which the file must have one.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Fewest arguments.
    #[serde(default)]
    pub at_least: usize,
    /// Most arguments.
    #[serde(default)]
    pub at_most: Option<usize>,
    /// What it means.
    pub is: Meaning,
    /// Protocol or system (http, kafka, postgresql, …).
    #[serde(default)]
    pub protocol: String,
    /// Where the address stands.
    #[serde(default)]
    pub address: Readers,
    /// Where the logical name stands.
    #[serde(default)]
    pub name: Readers,
    /// Where the path stands.
    #[serde(default)]
    pub path: Readers,
    /// A path prefix, joined before `path`.
    #[serde(default)]
    pub prefix: Readers,
    /// Where the HTTP method stands.
    #[serde(default)]
    pub method: Readers,
    /// Where the topic, queue, exchange or table stands.
    #[serde(default)]
    pub topic: Readers,
    /// Where the consumer group or routing key stands.
    #[serde(default)]
    pub group: Readers,
    /// Where the query text stands.
    #[serde(default)]
    pub query: Readers,
    /// Where the handler stands.
    #[serde(default)]
    pub handler: Readers,
    /// Where the default of an environment variable or property stands.
    #[serde(default)]
    pub default: Readers,
    /// What else must be true for the rule to match: of its address or topic, its arguments, the enclosing type.
    #[serde(default)]
    pub only_if: Option<Condition>,
    /// Confidence of a match whose receiver type is known.
    #[serde(default = "confirmed")]
    pub confidence: Confidence,
    /// Code in which the rule must match.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Code in which the rule must not match.
    #[serde(default)]
    pub ignores: Vec<String>,
    /// `language/library/id`; filled in on loading.
    #[serde(skip)]
    pub full_id: String,
    /// Languages of the file; filled in on loading.
    #[serde(skip)]
    pub languages: Vec<String>,
}

fn confirmed() -> Confidence {
    Confidence::Confirmed
}

/// A condition on the literal text of the address.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The address (or path, where there is no address) starts with one of these.
    #[serde(default)]
    pub starts: Vec<String>,
    /// There are at least two arguments and the last one is a function (route registrations).
    #[serde(default)]
    pub handler_last: bool,
    /// The first argument is one of these texts or names.
    #[serde(default)]
    pub first: Vec<String>,
    /// The second argument is one of these texts or names.
    #[serde(default)]
    pub second: Vec<String>,
    /// The annotation stands on a function, not on a type or field.
    #[serde(default)]
    pub on_function: bool,
    /// The annotated or enclosing type has one of these annotations.
    #[serde(default)]
    pub type_has: Vec<String>,
    /// The annotated or enclosing type has one of these methods.
    #[serde(default)]
    pub type_method: Vec<String>,
    /// The annotated or enclosing type has none of these annotations.
    #[serde(default)]
    pub type_lacks: Vec<String>,
}

/// Checked rules of all languages.
#[derive(Debug, Default)]
pub struct Rules {
    /// Rules in load order: built-in first, the user's last.
    pub all: Vec<Rule>,
    by_language: BTreeMap<String, Index>,
    /// The ids of all.
    ids: BTreeSet<String>,
}

/// The rules of one language, found by what they match.
#[derive(Debug, Default)]
pub struct Index {
    calls: BTreeMap<String, Vec<usize>>,
    call_globs: Vec<usize>,
    /// Rules on members.
    pub members: Vec<usize>,
    /// Rules on annotations.
    pub annotations: Vec<usize>,
    /// Rules on supertypes.
    pub supertypes: Vec<usize>,
}

impl Index {
    /// Rules that may match a call of this name.
    pub fn for_call<'a>(&'a self, name: &str) -> impl Iterator<Item = usize> + 'a {
        self.calls.get(name).into_iter().flatten().chain(&self.call_globs).copied()
    }
}

impl Rules {
    /// The built-in rules.
    ///
    /// # Errors
    /// A built-in file is wrong, which a test excludes.
    pub fn built_in() -> Result<Self, Error> {
        Self::load(BUILT_IN.iter().map(|(path, text)| (*path, *text)))
    }

    /// One rule by itself, or none, for these languages.
    #[must_use]
    pub fn alone(languages: &[String], rule: Option<&Rule>) -> Self {
        let mut rules = Self::default();
        for language in languages {
            rules.by_language.entry(language.clone()).or_default();
        }
        if let Some(rule) = rule {
            rules.index(rule.clone());
        }
        rules
    }

    /// Loads rule files, given as (path, text).
    ///
    /// # Errors
    /// The first file that is no rule file: path, line, what is wrong, and the nearest known key.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut rules = Self::default();
        for (path, text) in files {
            rules.add(path, text)?;
        }
        Ok(rules)
    }

    /// Adds one rule file (a user's or a built-in one).
    ///
    /// # Errors
    /// As for [`Rules::load`].
    pub fn add(&mut self, path: &str, text: &str) -> Result<(), Error> {
        let fail = |line: usize, reason: String| Error::Rule { path: path.to_owned(), line, reason };
        let file: RuleFile = serde_yaml::from_str(text).map_err(|e| {
            let line = e.location().map_or(0, |l| l.line());
            fail(line, crate::config::with_suggestion(&e.to_string()))
        })?;
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".yaml").trim_end_matches(".yml");
        let first = file.languages.first().cloned().unwrap_or_else(|| "any".to_owned());
        for mut rule in file.rules {
            rule.full_id = format!("{first}/{stem}/{}", rule.id);
            rule.languages.clone_from(&file.languages);
            let wrong = |rule: &Rule, reason: String| {
                let id = format!("id: {}", rule.id);
                fail(text.lines().position(|l| l.trim_end().ends_with(&id)).map_or(0, |n| n + 1), reason)
            };
            check(&rule).map_err(|reason| wrong(&rule, reason))?;
            if !self.ids.insert(rule.full_id.clone()) {
                return Err(wrong(&rule, format!("the id `{}` is used twice", rule.full_id)));
            }
            self.index(rule);
        }
        Ok(())
    }

    fn index(&mut self, rule: Rule) {
        let at = self.all.len();
        for language in &rule.languages {
            let index = self.by_language.entry(language.clone()).or_default();
            for pattern in &rule.call {
                match pattern.exact() {
                    Some(name) => index.calls.entry(name.to_owned()).or_default().push(at),
                    None => index.call_globs.push(at),
                }
            }
            if !rule.member.is_empty() {
                index.members.push(at);
            }
            if !rule.annotation.is_empty() {
                index.annotations.push(at);
            }
            if !rule.supertype.is_empty() {
                index.supertypes.push(at);
            }
        }
        self.all.push(rule);
    }

    /// The index of a language; `None` if no rule speaks of it.
    #[must_use]
    pub fn of(&self, language: &str) -> Option<&Index> {
        self.by_language.get(language)
    }

    /// Rules on configuration keys.
    pub fn on_properties(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter().filter(|r| !r.property.is_empty())
    }
}

/// A rule that could never match, or says nothing, is refused with its reason.
fn check(rule: &Rule) -> Result<(), String> {
    let ways = [&rule.call, &rule.member, &rule.annotation, &rule.supertype, &rule.property];
    let given = ways.iter().filter(|w| !w.is_empty()).count();
    if given != 1 {
        return Err(format!(
            "rule `{}` needs exactly one of call, member, annotation, supertype, property; it has {given}",
            rule.id
        ));
    }
    if !rule.on.is_empty() && rule.call.is_empty() {
        return Err(format!("rule `{}`: `on` goes with `call` only", rule.id));
    }
    let empty = |r: &Readers| r.0.is_empty();
    let missing = match rule.is {
        Meaning::Environment | Meaning::Property | Meaning::Stub if empty(&rule.name) => Some("name"),
        Meaning::Publish | Meaning::Request | Meaning::Table | Meaning::Bind if empty(&rule.topic) => Some("topic"),
        Meaning::Identity | Meaning::Fallback | Meaning::Format | Meaning::Join | Meaning::Channel
            if empty(&rule.address) =>
        {
            Some("address")
        }
        Meaning::Http if empty(&rule.address) && empty(&rule.path) => Some("address (or path)"),
        Meaning::Properties if empty(&rule.name) => Some("name"),
        _ => None,
    };
    match missing {
        Some(what) => Err(format!("rule `{}` ({:?}) needs `{what}`", rule.id, rule.is)),
        None => Ok(()),
    }
}
