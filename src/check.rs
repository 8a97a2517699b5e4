//! `unbraid check` as one call: reads both sides, says by what the change is judged, and judges.
//!
//! Takes what the user asked for; gives the result and the outcome. Writes nothing: the baseline is only read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::analyze::smells;
use crate::config::{Config, FailOn, GateConfig, Level, Stale};
use crate::error::Error;
use crate::files::{self, Base};
use crate::gate::{self, Baseline, Before, Compared, Item, Outcome, Question};
use crate::model::Facts;
use crate::result::Result as RunResult;
use crate::{Declared, Request};

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// What to read.
    pub request: Request,
    /// Facts of other repositories: linked on both sides, and never to blame.
    pub facts: Vec<PathBuf>,
    /// A revision, or a saved result (`graph.json`), to compare with.
    pub base: Option<String>,
    /// The baseline's file; the default lies beside `unbraid.yaml`.
    pub baseline: Option<PathBuf>,
    /// The baseline is about to be written: it need not be there yet.
    pub baseline_to_come: bool,
    /// The day, `YYYY-MM-DD`.
    pub today: String,
    /// What the command line sets over `unbraid.yaml`.
    pub overrides: Overrides,
}

/// Limits that were given on the command line: they hold whatever a configuration says.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Highest score.
    pub max_score: Option<f64>,
    /// Highest rise of the score.
    pub max_increase: Option<f64>,
    /// Longest chain.
    pub max_depth: Option<u32>,
    /// Lowest coverage.
    pub min_coverage: Option<f64>,
    /// The ratchet.
    pub ratchet: bool,
    /// Which violations fail.
    pub fail_on: Option<FailOn>,
    /// What an acceptance without a finding is worth.
    pub stale: Option<Stale>,
    /// Levels by rule.
    pub levels: Vec<(String, Level)>,
}

impl Overrides {
    fn apply(&self, gate: &mut GateConfig) {
        gate.max_score = self.max_score.or(gate.max_score);
        gate.max_increase = self.max_increase.or(gate.max_increase);
        gate.max_depth = self.max_depth.or(gate.max_depth);
        gate.min_coverage = self.min_coverage.or(gate.min_coverage);
        gate.ratchet |= self.ratchet;
        gate.fail_on = self.fail_on.unwrap_or(gate.fail_on);
        gate.stale = self.stale.unwrap_or(gate.stale);
        gate.levels.extend(self.levels.iter().cloned());
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The result.
    pub result: RunResult,
    /// The verdict with everything that led to it.
    pub outcome: Outcome,
    /// The baseline as it is in the checked folder.
    pub baseline: Option<Baseline>,
    /// Where the baseline lies or would lie.
    pub baseline_path: PathBuf,
    /// `unbraid.yaml`; `None` = there is none.
    pub declared: Option<PathBuf>,
    /// For each root, the path that leads to it from the repository's top: reports name files from there.
    pub prefixes: BTreeMap<String, String>,
}

/// Reads and judges.
///
/// # Errors
/// A user's mistake: an input, configuration, baseline or revision that cannot be used.
pub fn check(asked: &CheckRequest) -> Result<Checked, Error> {
    let mut request = asked.request.clone();
    request.inputs.extend(asked.facts.iter().cloned());
    let declared = crate::declared(&request)?;
    gate::rules::check(&declared.config, &declared.name())?;
    let baseline_path = asked.baseline.clone().unwrap_or_else(|| declared.folder.join(gate::baseline::FILE_NAME));
    let baseline = read_baseline(&baseline_path, asked.baseline.is_some() && !asked.baseline_to_come)?;
    let side = side(asked, &request, &declared, &baseline_path)?;

    let mut config = match &side {
        Side::Revision { config: Some(base), result, .. } => gate::effective(&declared.config, base, result),
        _ => declared.config.clone(),
    };
    asked.overrides.apply(&mut config.gate);
    gate::rules::check(&config, "the command line")?;
    let reading = crate::read_with(&request, &Declared { config: config.clone(), ..declared.clone() })?;
    let mut result = crate::analyze(&reading);
    if let Side::Revision { specs, .. } = &side {
        let broken = smells::broken(specs, &reading.facts, &result.services);
        smells::add(&mut result.findings, broken);
    }

    let applies = side.baseline(baseline.as_ref());
    let prefixes = prefixes(&request, asked.facts.len());
    let mine = if asked.facts.is_empty() { BTreeSet::new() } else { prefixes.keys().cloned().collect() };
    let question = Question {
        result: &result,
        config: &config,
        before: side.before(&config, baseline.as_ref()),
        compared: side.compared(baseline.as_ref()),
        baseline: applies.as_ref(),
        loosened: side.loosened(&declared.config),
        today: &asked.today,
        mine: &mine,
        better: side.better(&result),
        notes: side.notes(baseline.as_ref()),
    };
    let mut outcome = gate::judge(question);
    name_what_was_added(&mut outcome, &side, baseline.as_ref());
    if let (Some(state), Side::Revision { baseline: then, .. }) = (&mut outcome.baseline, &side) {
        let count = |b: Option<&Baseline>| b.map_or(0, |b| b.accepted.len());
        state.accepted = count(baseline.as_ref());
        state.growth = Some(state.accepted as i64 - count(then.as_ref()) as i64);
    }
    Ok(Checked { result, outcome, baseline, baseline_path, declared: declared.path, prefixes })
}

impl Checked {
    /// The file that a violation without a place points at, from the repository's top.
    #[must_use]
    pub fn anchor(&self) -> Option<String> {
        let path = self.declared.as_ref()?;
        Some(format!("{}{}", files::prefix(path), path.file_name()?.to_string_lossy()))
    }
}

/// The side to compare with.
enum Side {
    Nothing,
    Saved {
        path: String,
        result: Box<RunResult>,
    },
    Revision {
        base: Base,
        config: Option<Box<Config>>,
        /// What its specifications say.
        specs: Box<Facts>,
        result: Box<RunResult>,
        baseline: Option<Baseline>,
    },
}

fn side(asked: &CheckRequest, request: &Request, declared: &Declared, baseline: &Path) -> Result<Side, Error> {
    let Some(given) = &asked.base else { return Ok(Side::Nothing) };
    // A branch may be named as a file is; a saved result says by its name what it is.
    if given.to_lowercase().ends_with(".json") && Path::new(given).is_file() {
        let result = RunResult::read(given, files::read_text(Path::new(given))?.as_bytes())?;
        return Ok(Side::Saved { path: given.clone(), result: Box::new(result) });
    }
    let inside = asked.request.inputs.first().cloned().unwrap_or_default();
    let base = Base::find(&inside, given)?;
    let name = |path: &Path| format!("{} at {}", path.display(), short(&base.commit));
    let place = declared.path.clone().unwrap_or_else(|| declared.folder.join(crate::config::FILE_NAME));
    let config = base.text(&place).map(|text| Config::parse(&name(&place), &text)).transpose()?.map(Box::new);
    let baseline = base.text(baseline).map(|text| Baseline::parse(&name(baseline), &text)).transpose()?;
    let was = Declared { config: config.as_deref().cloned().unwrap_or_default(), ..declared.clone() };
    let reading = crate::read_at(request, &was, &base)?;
    let result = Box::new(crate::analyze(&reading));
    let Facts { operations, schemas, .. } = reading.facts;
    let specs = Box::new(Facts { operations, schemas, ..Facts::default() });
    Ok(Side::Revision { base, config, specs, result, baseline })
}

impl Side {
    fn before(&self, config: &Config, baseline: Option<&Baseline>) -> Option<Before> {
        match self {
            Self::Nothing => baseline.map(Before::of_baseline),
            Self::Saved { path, result } => Some(Before::of_result(path, result, &gate::of_one_side(result, config))),
            Self::Revision { base, result, .. } => {
                let what = format!("at {}", short(&base.commit));
                Some(Before::of_result(&what, result, &gate::of_one_side(result, config)))
            }
        }
    }

    fn compared(&self, baseline: Option<&Baseline>) -> Option<Compared> {
        let score = |r: &RunResult| r.score.as_ref().map(|s| s.value);
        Some(match self {
            Self::Nothing => {
                Compared { with: "the baseline".to_owned(), commit: None, behind: None, score: baseline?.score }
            }
            Self::Saved { path, result } => {
                Compared { with: path.clone(), commit: None, behind: None, score: score(result) }
            }
            Self::Revision { base, result, .. } => Compared {
                with: base.revision.clone(),
                commit: Some(base.commit.clone()),
                behind: Some(base.behind),
                score: score(result),
            },
        })
    }

    /// The acceptances that apply: with a revision, those that the base has and the change has kept, so that a change
    /// cannot accept what it brings.
    fn baseline(&self, mine: Option<&Baseline>) -> Option<Baseline> {
        let Self::Revision { baseline: then, .. } = self else { return mine.cloned() };
        if then.is_none() && mine.is_none() {
            return None;
        }
        let mut applies = then.clone().unwrap_or_default();
        let kept = |print: &str| mine.iter().flat_map(|b| &b.accepted).any(|a| a.fingerprint == print);
        applies.accepted.retain(|a| kept(&a.fingerprint));
        Some(applies)
    }

    fn loosened(&self, head: &Config) -> Vec<Item> {
        match self {
            Self::Revision { config: Some(base), result, .. } => gate::loosened(head, base, result),
            _ => Vec::new(),
        }
    }

    fn better(&self, result: &RunResult) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Saved { result: old, .. } | Self::Revision { result: old, .. } => {
                crate::diff::diff(old, result).better
            }
        }
    }

    fn notes(&self, baseline: Option<&Baseline>) -> Vec<String> {
        match self {
            Self::Revision { base, .. } if base.behind > 0 => vec![format!(
                "{} has moved on by {} since {}; what they brought is not this change's and does not count",
                base.revision,
                crate::model::counted(base.behind, "commit"),
                short(&base.commit)
            )],
            Self::Nothing if baseline.is_none() => vec![
                "there is nothing to compare with, so findings do not fail: give --base, write a baseline, or use \
                 --fail-on any"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

/// A change that accepts what it brings itself: the acceptance does not count, and the violation says so.
fn name_what_was_added(outcome: &mut Outcome, side: &Side, mine: Option<&Baseline>) {
    let (Side::Revision { baseline, .. }, Some(mine)) = (side, mine) else { return };
    let old = |print: &str| baseline.iter().flat_map(|b| &b.accepted).any(|a| a.fingerprint == print);
    for made in outcome.items.iter_mut().filter(|i| i.fails && !old(&i.fingerprint)) {
        if let Some(entry) = mine.accepted.iter().find(|a| a.fingerprint == made.fingerprint) {
            made.accepted = Some(entry.clone());
            made.because.push_str("; this change accepts it itself, which counts once it is in the base");
        }
    }
}

fn read_baseline(path: &Path, must: bool) -> Result<Option<Baseline>, Error> {
    if !must && !path.exists() {
        return Ok(None);
    }
    Baseline::parse(&path.display().to_string(), &files::read_text(path)?).map(Some)
}

/// Seven digits of a commit.
fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// Where each own root lies in its repository, or below the current folder.
fn prefixes(request: &Request, foreign: usize) -> BTreeMap<String, String> {
    let names = files::root_names(&request.inputs);
    let own = request.inputs.len() - foreign;
    names.into_iter().zip(&request.inputs).take(own).map(|(name, input)| (name, files::prefix(input))).collect()
}
