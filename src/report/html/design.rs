//! What a step puts in the place of calls, as plan.md has it: topics, fields, events, consumers, capacity, files with
//! what checked them, and the way back.

use std::collections::BTreeMap;

use askama::Template;

use crate::model::design::{ConsumerDesign, Design, EntityDesign, EventDesign, Renamed};
use crate::plan::document::{ROLLBACK, SEQUENCE};
use crate::plan::verify::Checked;
use crate::report::clean;

/// The design of one step.
#[derive(Template)]
#[template(path = "design.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct DesignView {
    number: usize,
    teams: String,
    folder: String,
    ready: bool,
    todo: Vec<String>,
    published: String,
    entities: Vec<EntityView>,
    views: Vec<[String; 2]>,
    event_topic: String,
    events: Vec<[String; 4]>,
    consumers: Vec<[String; 5]>,
    own_writes: Vec<[String; 2]>,
    capacity: Vec<String>,
    sequence: [String; 5],
    rollback: String,
    renamed: Vec<[String; 2]>,
    checks: Vec<Check>,
}

struct EntityView {
    name: String,
    topic: String,
    table: String,
    place: String,
    fields: Vec<[String; 5]>,
    left_out: Vec<[String; 2]>,
}

/// Files that the same checks looked at.
struct Check {
    /// No check knows these files.
    unread: bool,
    by: String,
    files: String,
    problems: Vec<String>,
}

/// The design of a step, with its files.
#[must_use]
pub fn view(number: usize, design: &Design, files: &[Checked]) -> DesignView {
    let all = |texts: &[String]| texts.iter().map(|t| clean(t)).collect::<Vec<_>>();
    let names = |all: &[Renamed]| all.iter().map(|r| [clean(&r.from), clean(&r.to)]).collect::<Vec<_>>();
    let own_writes = design.consumers.iter().flat_map(|c| c.reads_own_writes.iter().map(|s| (&c.service, s)));
    DesignView {
        number,
        teams: if design.teams.is_empty() {
            "nobody is named; ask".to_owned()
        } else {
            clean(&design.teams.join(", "))
        },
        folder: clean(&design.folder),
        ready: design.ready,
        todo: all(&design.todo),
        published: clean(&design.published.join(", ")),
        entities: design.entities.iter().map(|e| entity(e, names(&e.left_out))).collect(),
        views: design.views.iter().map(|v| [clean(&v.operation), clean(&v.topic)]).collect(),
        event_topic: clean(&design.event_topic),
        events: design.events.iter().map(event).collect(),
        consumers: design.consumers.iter().map(consumer).collect(),
        own_writes: own_writes.map(|(service, site)| [clean(service), clean(site)]).collect(),
        capacity: all(&design.capacity.because),
        sequence: SEQUENCE.map(str::to_owned),
        rollback: ROLLBACK.replace('`', ""),
        renamed: names(&design.renamed),
        checks: checks(design, files),
    }
}

fn entity(e: &EntityDesign, left_out: Vec<[String; 2]>) -> EntityView {
    let yes = |is: bool, word: &str| if is { word.to_owned() } else { String::new() };
    let fields = e.fields.iter().map(|f| {
        let written = if f.written.is_empty() { "not known".to_owned() } else { clean(&f.written) };
        [clean(&f.name), written, yes(f.required, "yes"), yes(f.key, "yes"), yes(f.personal, "masked")]
    });
    EntityView {
        name: clean(&e.name),
        topic: clean(&e.topic),
        table: clean(&e.table),
        place: clean(&e.place.to_string()),
        fields: fields.collect(),
        left_out,
    }
}

fn event(e: &EventDesign) -> [String; 4] {
    [clean(&e.name), clean(&e.kind), clean(&e.operation), clean(&e.place.to_string())]
}

fn consumer(c: &ConsumerDesign) -> [String; 5] {
    let store = if c.engine.is_empty() { "none found".to_owned() } else { clean(&c.engine) };
    [clean(&c.service), clean(&c.group), clean(&c.entities.join(", ")), c.sites.len().to_string(), store]
}

/// The files in the folder of a step, by what checked them.
fn checks(design: &Design, files: &[Checked]) -> Vec<Check> {
    let folder = format!("{}/", design.folder);
    let mut by: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for file in files {
        let Some(name) = file.path.strip_prefix(&folder) else { continue };
        let own = by.entry(file.by.join("; ")).or_default();
        own.0.push(clean(name));
        own.1.extend(file.problems.iter().map(|p| clean(&format!("{name}: {p}"))));
    }
    let check = |(by, (files, problems)): (String, (Vec<String>, Vec<String>))| Check {
        unread: by.is_empty(),
        by: if by.is_empty() { "nothing here: read it".to_owned() } else { clean(&by) },
        files: files.join(", "),
        problems,
    };
    by.into_iter().map(check).collect()
}
