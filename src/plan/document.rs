//! The plan as a whole: `plan.json`, `plan.md`, and what became of an earlier plan.
//!
//! Takes the plan, the files with what was checked, and the previous `plan.json`; gives texts. Touches no disk.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::design::{Design, EntityDesign};
use crate::model::{Coverage, Dependency, Mode, Plan, Step, Verdict, counted, fitting};

use super::options::Options;
use super::verify::Checked;
use super::write::{MARK, code, markdown};

/// The schema id of `plan.json`.
pub const SCHEMA: &str = "unbraid-plan/1";

/// `plan.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFile {
    /// `unbraid-plan/1`.
    pub schema: String,
    /// The mark of files that unbraid wrote.
    pub generated: String,
    /// Name of the system.
    pub system: String,
    /// Score now.
    pub score: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// How much of the evidence could be used.
    pub coverage: Option<Coverage>,
    /// The user's decisions.
    pub options: Options,
    /// The plan.
    pub plan: Plan,
    /// What became of the steps of an earlier plan.
    pub earlier: Vec<EarlierStep>,
    /// The files, with what was checked by what.
    pub files: Vec<Checked>,
}

/// A step of an earlier plan, looked at again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierStep {
    /// Its folder.
    pub folder: String,
    /// The owner.
    pub owner: String,
    /// Done or begun; a step of which nothing is seen is not listed.
    pub state: StepState,
    /// Why.
    pub because: String,
    /// The score that was predicted.
    pub predicted: f64,
    /// The score now.
    pub reached: Option<f64>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It publishes, and no call that the step frees is left.
    Done,
    /// Either of both.
    Begun,
}

/// Looks at the steps of an earlier plan: a topic counts as published by its producer in code, deployment or traces,
/// or by declaration, never by a file of the plan.
#[must_use]
pub fn earlier(
    previous: &PlanFile,
    dependencies: &[Dependency],
    declared: &[String],
    score: Option<f64>,
) -> Vec<EarlierStep> {
    let mut all: Vec<EarlierStep> = previous.earlier.iter().filter(|e| e.state == StepState::Done).cloned().collect();
    for step in &previous.plan.steps {
        let Some(design) = &step.design else { continue };
        if all.iter().any(|e| e.owner == design.owner) {
            continue;
        }
        let topics: Vec<&str> =
            design.entities.iter().map(|e| e.topic.as_str()).chain([design.event_topic.as_str()]).collect();
        let producer = dependencies.iter().find(|d| {
            d.mode == Mode::Async
                && d.source == design.owner
                && d.channel.as_deref().is_some_and(|c| topics.contains(&c))
        });
        let is_declared = declared.contains(&design.owner);
        let waits = |[from, to]: &&[String; 2]| {
            dependencies.iter().any(|d| d.mode == Mode::Sync && d.blocking && d.source == *from && d.target == *to)
        };
        let left = step.frees_edges.iter().filter(waits).count();
        let publishes = match (producer, is_declared) {
            (_, true) => Some("declared in unbraid.yaml".to_owned()),
            (Some(d), _) => Some(format!("{} publishes {}", d.source, d.channel.clone().unwrap_or_default())),
            _ => None,
        };
        let gone = step.frees_edges.len() - left;
        let state = match (&publishes, left) {
            (Some(_), 0) => StepState::Done,
            (None, _) if gone == 0 => continue,
            _ => StepState::Begun,
        };
        let published = publishes.unwrap_or_else(|| "no producer of its topics was found".to_owned());
        all.push(EarlierStep {
            folder: design.folder.clone(),
            owner: design.owner.clone(),
            state,
            because: format!(
                "{published}; {gone} of {} {} gone",
                counted(step.frees_edges.len(), "edge"),
                fitting(gone, "is", "are")
            ),
            predicted: step.score_after,
            reached: score,
        });
    }
    all
}

/// `plan.md`.
#[must_use]
pub fn render(file: &PlanFile) -> String {
    let mut out = format!("<!-- {MARK} -->\n# Plan for {}\n\n", markdown(&file.system));
    head(file, &mut out);
    if !file.earlier.is_empty() {
        out.push_str("\n## What became of the earlier plan\n\n| step | state | predicted | reached | why |\n| --- | --- | --- | --- | --- |\n");
        for step in &file.earlier {
            let reached = step.reached.map_or_else(|| "not measured".to_owned(), |s| format!("{s:.2}"));
            out.push_str(&format!(
                "| {} | {} | {:.2} | {reached} | {} |\n",
                markdown(&step.owner),
                format!("{:?}", step.state).to_lowercase(),
                step.predicted,
                markdown(&step.because)
            ));
        }
    }
    for (at, step) in file.plan.steps.iter().enumerate() {
        if let Some(design) = &step.design {
            section(at + 1, step, design, file, &mut out);
        }
    }
    checks(file, &mut out);
    out
}

fn head(file: &PlanFile, out: &mut String) {
    let plan = &file.plan;
    out.push_str(&format!("Verdict: **{}**: {}.\n", plan.verdict.as_str(), markdown(&plan.because)));
    if plan.verdict == Verdict::DoNotMigrate {
        out.push_str("\nThe steps below are what events could do; the figures say that they are not worth it.\n");
    }
    let share = |s: Option<f64>| s.map_or_else(|| "not measured".to_owned(), |s| format!("{:.0} %", s * 100.0));
    let coverage = file.coverage.unwrap_or_default();
    out.push_str(&format!("\nCoverage: code {}, traces {}. ", share(coverage.code), share(coverage.traces)));
    if let Some([low, high]) = file.interval {
        out.push_str(&format!("The score lies between {low:.2} and {high:.2}. "));
    }
    out.push_str(&format!("How the order was found: {}.\n\n", markdown(&plan.search)));
    out.push_str("| after | score | points | ready |\n| --- | --- | --- | --- |\n");
    if let Some(score) = file.score {
        out.push_str(&format!("| now | {score:.2} | | |\n"));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let ready = step.design.as_ref().is_some_and(|d| d.ready);
        let name = step.entity.clone().unwrap_or_default();
        out.push_str(&format!(
            "| {}. {} | {:.2} | {} | {} |\n",
            at + 1,
            markdown(&name),
            step.score_after,
            step.effort,
            if ready { "yes" } else { "no" }
        ));
    }
    out.push_str(&format!("| floor: all reads, views and notifications gone | {:.2} | | |\n", plan.floor));
    out.push_str("\n## Assumed, needed, and when to stop\n");
    ASSUMED.iter().for_each(|text| out.push_str(&format!("\n{text}\n")));
    waves(plan, out);
    if !plan.residue.is_empty() {
        out.push_str(
            "\n## Not done by events\n\n| edge | because it is | proposal | score then |\n| --- | --- | --- | --- |\n",
        );
        for left in &plan.residue {
            let intents: Vec<&str> = left.intents.iter().map(|i| i.as_str()).collect();
            let score = left.score_after.map_or_else(String::new, |s| format!("{s:.2}"));
            let why = if intents.is_empty() {
                "of unknown purpose, or a shared table".to_owned()
            } else {
                intents.join(", ")
            };
            out.push_str(&format!(
                "| {} → {} | {why} | {} | {score} |\n",
                markdown(&left.source),
                markdown(&left.target),
                markdown(&left.proposal)
            ));
        }
    }
}

/// What every plan assumes and needs, when a step is done, and when to stop.
pub const ASSUMED: [&str; 5] = [
    "Assumed: every owner keeps its writes; readers accept data that is seconds old unless a step says otherwise; \
     topics are named `<domain>.<entity>.v1`, events `<domain>.<entity>.events.v1`, raw changes never leave the \
     connector. Personal fields are masked: a reader that needs one goes on asking the owner, until whoever answers \
     for data protection lifts the mask.",
    "Needed before step 1: Kafka, Kafka Connect with Debezium and `config.providers=env`, a Schema Registry, access \
     rules per topic (the owner writes, consumers read), quotas, and somebody who is called when a connector stops.",
    "Done with a step: the copy equals the source in reconciliation for 7 days, the 99th percentile of the lag is below \
     the staleness that the consumer accepts, the flag is on everywhere, the calls are deleted, and the gate refuses \
     new ones.",
    "Stop and roll back: reconciliation finds rows that differ and nobody knows why; the replication slot keeps back \
     more log than the database's disk can hold; or after two waves the score is not lower than predicted by at least \
     half.",
    "ksqlDB is still released, while its vendor invests in Flink: each statement has its Flink twin.",
];

/// How a step is carried out.
pub const SEQUENCE: [&str; 5] = [
    "Create topics, register subjects, run the SQL for the source, start the connector.",
    "Build the copies from the earliest offset.",
    "Shadow read: ask the copy and the owner, compare, log, answer with the owner's.",
    "Switch by flag, consumer by consumer; delete the call; the gate refuses it from then on.",
    "Write business events through the outbox; retire the entity's capture when nobody needs raw state.",
];

/// The way back from a step.
pub const ROLLBACK: &str = "flags back to the synchronous read, then `rollback.sh`. The endpoint stays until two \
                            releases after; topics stay.";

/// Stages: platform, then the pilot, then the rest.
fn waves(plan: &Plan, out: &mut String) {
    out.push_str("\n## Waves\n\n1. Identify: this plan; owners of data say yes to their steps.\n2. Platform: what is needed above, once.\n");
    let ready: Vec<&Step> = plan.steps.iter().filter(|s| s.design.as_ref().is_some_and(|d| d.ready)).collect();
    let ratio = |s: &&Step| (s.score_before - s.score_after) / s.effort.max(1.0);
    let pilot = ready.iter().copied().max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    match pilot.and_then(|s| s.entity.clone()) {
        Some(pilot) => out.push_str(&format!("3. Start small with {}: change data capture, then business events, then one real-time use case. It has the best gain per point of the steps that are ready.\n", markdown(&pilot))),
        None => out.push_str("3. Start small: no step is ready; the TODO lists say what is missing.\n"),
    }
    out.push_str("4. Iterate: the next step in order, then run unbraid again: it says what was reached.\n");
}

fn section(number: usize, step: &Step, design: &Design, file: &PlanFile, out: &mut String) {
    let what = match step.action {
        crate::model::Action::EmitEvent => "emits events instead of notifying",
        _ => "publishes its data",
    };
    out.push_str(&format!("\n## Step {number}: {} {what}\n\n", markdown(&design.owner)));
    let team = if design.teams.is_empty() { "nobody is named; ask".to_owned() } else { design.teams.join(", ") };
    out.push_str(&format!(
        "Score {:.2} → {:.2}. Owner: {}. Files: {}\n",
        step.score_before,
        step.score_after,
        markdown(&team),
        code(&format!("{}/", design.folder))
    ));
    if !design.ready {
        out.push_str("\n**Not ready:**\n\n");
        design.todo.iter().for_each(|t| out.push_str(&format!("- TODO {}\n", markdown(t))));
    }
    out.push_str(&format!("\n### Why now\n\n{}.\n\n", markdown(&step.because)));
    step.frees_sites.iter().for_each(|s| out.push_str(&format!("- deletes {}\n", code(s))));
    if !design.published.is_empty() {
        out.push_str(&format!(
            "\nIt publishes already: {}.\n",
            design.published.iter().map(|t| code(t)).collect::<Vec<_>>().join(", ")
        ));
    }
    entities(design, out);
    business_events(design, out);
    consumers(design, out);
    out.push_str(&format!(
        "\n### Capacity\n\n{}",
        design.capacity.because.iter().map(|b| format!("- {}\n", markdown(b))).collect::<String>()
    ));
    out.push_str("\n### Sequence\n\n");
    SEQUENCE.iter().enumerate().for_each(|(at, text)| out.push_str(&format!("{}. {text}\n", at + 1)));
    out.push_str(&format!("\nRollback: {ROLLBACK}\n"));
    out.push_str("\n### Effort\n\n");
    step.effort_terms
        .iter()
        .for_each(|t| out.push_str(&format!("- {}: {}\n", markdown(&t.what), counted(t.points, "point"))));
    savings(step, out);
    if !design.renamed.is_empty() {
        out.push_str("\n### Names that had to change\n\n");
        design.renamed.iter().for_each(|r| out.push_str(&format!("- {} is {}\n", code(&r.from), code(&r.to))));
    }
    out.push_str("\n### Files\n\n");
    for checked in file.files.iter().filter(|c| c.path.starts_with(&format!("{}/", design.folder))) {
        out.push_str(&format!("- [{0}]({0})\n", checked.path));
    }
}

fn business_events(design: &Design, out: &mut String) {
    if design.events.is_empty() {
        return;
    }
    out.push_str(&format!("\n### Business events\n\nTopic {}, key = id of the aggregate, order only per key, CloudEvents in binary mode (headers `ce_id`, `ce_source`, `ce_specversion`, `ce_type`, `ce_time`).\n\n| event | type | made by | where |\n| --- | --- | --- | --- |\n", code(&design.event_topic)));
    for event in &design.events {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            markdown(&event.name),
            code(&event.kind),
            code(&event.operation),
            code(&event.place.to_string())
        ));
    }
    let how = match (&design.database, &design.outbox_of) {
        (None, _) => "No database of it is known: a service without data of its own produces the event itself, with `acks=all` and `enable.idempotence=true`; one with data needs an outbox there.".to_owned(),
        (_, Some(folder)) => format!("Data and event are written in one transaction, into the outbox of {}.", code(folder)),
        _ => "Data and event are written in one transaction; nothing is produced beside it.".to_owned(),
    };
    out.push_str(&format!("\n{how}\n"));
}

fn entities(design: &Design, out: &mut String) {
    for entity in &design.entities {
        let place = entity.place.to_string();
        let from = if place.is_empty() { String::new() } else { format!(" ({})", code(&place)) };
        out.push_str(&format!(
            "\n### Entity {}\n\nTopic {}, compacted; from table {}{from}.\n",
            markdown(&entity.name),
            code(&entity.topic),
            code(&entity.table)
        ));
        fields(entity, out);
    }
    for view in &design.views {
        out.push_str(&format!(
            "\n### View {}\n\nComputed once by the owner, published as {}{}.\n",
            code(&view.operation),
            code(&view.topic),
            view.shape.as_ref().map_or_else(String::new, |s| format!(", as {} says", code(&s.place.to_string())))
        ));
        if let Some(shape) = &view.shape {
            fields(shape, out);
        }
    }
}

fn fields(entity: &EntityDesign, out: &mut String) {
    if entity.fields.is_empty() {
        return;
    }
    out.push_str("\n| field | type as written | required | key | personal |\n| --- | --- | --- | --- | --- |\n");
    for field in &entity.fields {
        let yes = |is: bool| if is { "yes" } else { "" };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            markdown(&field.name),
            markdown(&field.written),
            yes(field.required),
            yes(field.key),
            if field.personal { "masked" } else { "" }
        ));
    }
    for left in &entity.left_out {
        out.push_str(&format!("\n{} stays inside: {}.\n", code(&left.from), markdown(&left.to)));
    }
}

fn consumers(design: &Design, out: &mut String) {
    out.push_str(
        "\n### Consumers\n\n| service | group | copy of | calls deleted | store |\n| --- | --- | --- | --- | --- |\n",
    );
    for consumer in &design.consumers {
        let store = if consumer.engine.is_empty() { "none found" } else { &consumer.engine };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            markdown(&consumer.service),
            code(&consumer.group),
            markdown(&consumer.entities.join(", ")),
            consumer.sites.len(),
            markdown(store)
        ));
    }
    for consumer in &design.consumers {
        for site in &consumer.reads_own_writes {
            out.push_str(&format!(
                "\n{} reads its own write at {}: it waits for the version of its write.\n",
                markdown(&consumer.service),
                code(site)
            ));
        }
    }
}

/// By check: how many files, and what is wrong; every file by itself stands in `plan.json`.
fn checks(file: &PlanFile, out: &mut String) {
    let mut by_check: BTreeMap<String, Vec<&Checked>> = BTreeMap::new();
    for checked in &file.files {
        by_check.entry(checked.by.join("; ")).or_default().push(checked);
    }
    out.push_str("\n## What was checked by what\n\n| by | files | problems |\n| --- | --- | --- |\n");
    for (by, files) in &by_check {
        let bad = files.iter().filter(|f| !f.problems.is_empty()).count();
        let problems = if by.is_empty() {
            "–".to_owned()
        } else if bad == 0 {
            "none".to_owned()
        } else {
            counted(bad, "file")
        };
        let by = if by.is_empty() { "nothing here: people read them" } else { by };
        out.push_str(&format!("| {} | {} | {problems} |\n", markdown(by), files.len()));
    }
    for checked in file.files.iter().filter(|f| !f.problems.is_empty()) {
        checked.problems.iter().for_each(|p| out.push_str(&format!("\n- {}: {}", code(&checked.path), markdown(p))));
    }
}

/// What traces say that a step saves; what they do not measure is not said.
fn savings(step: &Step, out: &mut String) {
    let time = step.critical_path_saved_us.map(|saved| match saved {
        0.0 => "no time on the critical path of a request goes with it".to_owned(),
        _ => format!("at most {:.1} ms of the critical path of a request go with it", saved / 1_000.0),
    });
    let availability = step.availability_gained.map(|gained| match gained {
        0.0 => "the bound of its availability stays".to_owned(),
        _ => format!("the bound of its availability rises by {:.3} points of a hundred", gained * 100.0),
    });
    let told: Vec<String> = time.into_iter().chain(availability).collect();
    if !told.is_empty() {
        out.push_str(&format!("\nTraces: {}.\n", told.join("; ")));
    }
}
