//! Words, thresholds and the corpus of scores, as data in `rules/`.

use serde::Deserialize;

/// All of it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Words.
    pub lexicon: Lexicon,
    /// Thresholds.
    pub thresholds: Thresholds,
    /// Scores of public systems, ascending.
    pub corpus: Corpus,
}

/// `rules/lexicon.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lexicon {
    /// Words passed over in front of a name.
    pub neutral: Vec<String>,
    /// Words of reading operations.
    pub query: Vec<String>,
    /// Words of writing operations.
    pub command: Vec<String>,
    /// Words of writing operations that are nouns too.
    pub nouns: Vec<String>,
    /// Segments of a path that command whatever the verb.
    pub imperative: Vec<String>,
    /// Words of operations that only tell.
    pub notify: Vec<String>,
    /// What is told, behind `send`.
    pub told: Vec<String>,
    /// Words of computed results.
    pub aggregate: Vec<String>,
    /// First words of create, read, update, delete.
    pub crud: Vec<String>,
    /// Words that tell nothing of what an operation does.
    pub vague: Vec<String>,
    /// Words of personal data.
    pub personal: Vec<String>,
    /// Words of rules whose sites name an address without a purpose.
    pub addresses_only: Vec<String>,
    /// Of these the words that are personal only of a person: the name of a product is not.
    pub of_people: Vec<String>,
    /// Nouns of people.
    pub people: Vec<String>,
    /// Engines that hold no data of record.
    pub caches: Vec<String>,
}

/// `rules/thresholds.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Thresholds {
    /// Lower ends of the bands.
    pub bands: Bands,
    /// Depth of chains.
    pub depth: Depth,
    /// Sites of one function to one service.
    pub chatty_sites: usize,
    /// Share for E1.
    pub crud_share: f64,
    /// Share for E4.
    pub read_share: f64,
    /// Share of the score within which the floor lies when events would not help.
    pub floor_share: f64,
    /// Fields that make a schema large.
    pub many_fields: usize,
    /// Limits of smells.
    pub smells: SmellLimits,
}

/// Limits of smells; what each means stands in `rules/thresholds.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmellLimits {
    /// Knots.
    pub knot: KnotLimits,
    /// God services.
    pub god: GodLimits,
    /// Nano services.
    pub nano: NanoLimits,
    /// Wrong cuts.
    pub wrong_cut: WrongCutLimits,
    /// Central hubs.
    pub hub: HubLimits,
    /// Lockstep changes.
    pub lockstep: LockstepLimits,
    /// Calls of one operation by one request.
    pub repeated_calls: u64,
    /// Calls of one service by the middle request.
    pub calls_per_request: u32,
    /// Requests of one operation that are enough to say what it always or only sometimes does.
    pub seen_requests: u64,
    /// Share of the answers by message that come before the request ends.
    pub awaited_share: f64,
    /// Bottlenecks.
    pub bottleneck: BottleneckLimits,
    /// Services released together.
    pub release_services: usize,
    /// Teams.
    pub teams: TeamLimits,
    /// Rules (or their beginnings) of clients with a time limit of their own.
    pub limited_clients: Vec<String>,
}

/// Knots.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KnotLimits {
    /// Members of a circle.
    pub circle: usize,
    /// Neighbours of each member.
    pub neighbours: usize,
    /// Callers of two or more members.
    pub shared_callers: usize,
}

/// Bottlenecks.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BottleneckLimits {
    /// Share of the critical path, 0 to 1.
    pub share: f64,
    /// Kinds of requests.
    pub entries: usize,
}

/// God services.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GodLimits {
    /// Percentile, 0 to 1.
    pub percentile: f64,
    /// Measures above it.
    pub measures: usize,
    /// Services with code.
    pub services: usize,
    /// One measure is above so many times the percentile.
    pub far: f64,
}

/// Nano services.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NanoLimits {
    /// Operations at most.
    pub operations: usize,
    /// Callers at most.
    pub callers: usize,
}

/// Wrong cuts.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WrongCutLimits {
    /// Share of the handlers.
    pub share: f64,
    /// Handlers at least.
    pub handlers: usize,
}

/// Central hubs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HubLimits {
    /// Share of the indirect pairs.
    pub share: f64,
    /// Indirect pairs at least.
    pub pairs: u64,
    /// Services at least.
    pub services: usize,
}

/// Lockstep changes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockstepLimits {
    /// Shared change sets.
    pub revisions: u32,
    /// Degree, 0 to 1.
    pub degree: f64,
    /// Files of a change set at most.
    pub files: usize,
    /// Hours within which changes of one author in two repositories count as one.
    pub hours: u32,
}

/// Teams.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TeamLimits {
    /// Services of a single layer.
    pub services: usize,
    /// Groups that contest a service.
    pub contested: usize,
    /// Share of the changes of each.
    pub contested_share: f64,
    /// Changes at least.
    pub contested_changes: u32,
    /// Share of the calls between two teams.
    pub edge_share: f64,
}

/// Lower ends of bands.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bands {
    /// Moderate from here.
    pub moderate: f64,
    /// High from here.
    pub high: f64,
    /// Distributed monolith from here.
    pub distributed_monolith: f64,
}

/// Depth of chains, in hops.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depth {
    /// A finding above.
    pub warn: u32,
    /// A severe one above.
    pub fail: u32,
}

/// `rules/corpus.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// How many systems.
    pub systems: u32,
    /// Their scores, ascending.
    pub scores: Vec<f64>,
}

impl Knowledge {
    /// What is built in.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            lexicon: serde_yaml::from_str(include_str!("../../rules/lexicon.yaml"))
                .expect("rules/lexicon.yaml is checked by a test"),
            thresholds: serde_yaml::from_str(include_str!("../../rules/thresholds.yaml"))
                .expect("rules/thresholds.yaml is checked by a test"),
            corpus: serde_yaml::from_str(include_str!("../../rules/corpus.yaml"))
                .expect("rules/corpus.yaml is checked by a test"),
        }
    }
}

impl Lexicon {
    /// Is a list's word the first word of a name?
    #[must_use]
    pub fn starts(list: &[String], name: &str) -> bool {
        words(name).first().is_some_and(|first| list.iter().any(|w| w == first))
    }

    /// Is any word of a name in a list?
    #[must_use]
    pub fn has(list: &[String], name: &str) -> bool {
        words(name).iter().any(|word| list.iter().any(|w| w == word))
    }

    /// Is a column personal by its name? Words that always are, and words that are when the entity is a person or
    /// belongs to one.
    #[must_use]
    pub fn is_personal(&self, entity: &str, column: &str) -> bool {
        let of_person = words(entity).iter().chain(words(column).iter()).any(|w| self.people.contains(&singular(w)));
        Self::has(&self.personal, column) && (of_person || !Self::has(&self.of_people, column))
    }
}

/// `customers` is `customer`, `companies` is `company`, `status` stays.
#[must_use]
pub fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|s| s.len() > 1) {
        return format!("{stem}y");
    }
    for end in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(end) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 1 && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is") => {
            stem.to_owned()
        }
        _ => word.to_owned(),
    }
}

/// Words of a name in camel, snake, kebab or path case, lower case.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            all.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    all.push(word);
    all.retain(|w| !w.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_well_formed_and_words_split() {
        let knowledge = Knowledge::built_in();
        assert_eq!(knowledge.corpus.scores.len(), knowledge.corpus.systems as usize);
        assert!(knowledge.corpus.scores.is_sorted());
        assert_eq!(words("getOrderById"), ["get", "order", "by", "id"]);
        assert_eq!(words("/orders/{}/draw-back"), ["orders", "draw", "back"]);
    }
}
