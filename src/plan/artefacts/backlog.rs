//! The backlog: one row per piece of work, to be imported into a tracker.

use crate::model::design::Design;
use crate::plan::write::{MARK, csv};

use super::{Artefact, Context, File, Render};

/// The backlog.
pub const ARTEFACT: Artefact = Artefact { id: "backlog", about: "work items as CSV", render: Render::Plan(render) };

fn render(context: &Context<'_>) -> Vec<File> {
    let mut text = format!("step,stage,title,service,owner,done when,evidence ({MARK})\n");
    for (at, step) in context.plan.steps.iter().enumerate() {
        let Some(design) = &step.design else { continue };
        let mut row = |stage: &str, title: String, service: &str, done: &str, evidence: &str| {
            let cells = [
                (at + 1).to_string(),
                stage.to_owned(),
                title,
                service.to_owned(),
                design.teams.join(" "),
                done.to_owned(),
                evidence.to_owned(),
            ];
            text.push_str(&format!("{}\n", cells.map(|c| csv(&c)).join(",")));
        };
        for todo in &design.todo {
            row("1 identify", format!("Clarify: {todo}"), &design.owner, "the plan says ready", "");
        }
        for entity in &design.entities {
            row(
                "3a CDC",
                format!("Publish {}", entity.topic),
                &design.owner,
                "the topic holds snapshot and changes",
                &entity.place.to_string(),
            );
        }
        events(design, &mut row);
        for consumer in &design.consumers {
            let owner = &consumer.service;
            row(
                "3a CDC",
                format!("Build the copy of {}", consumer.entities.join(", ")),
                owner,
                "reconciliation finds no difference for 7 days",
                "",
            );
            row(
                "4 pilot",
                format!("Shadow reads, then switch {owner} by flag"),
                owner,
                "answers agree, the flag is on",
                "",
            );
            for site in &consumer.sites {
                row("4 pilot", "Delete the call".to_owned(), owner, "the gate refuses it from now on", site);
            }
        }
    }
    vec![File { path: "backlog.csv".to_owned(), text }]
}

fn events(design: &Design, row: &mut impl FnMut(&str, String, &str, &str, &str)) {
    for event in &design.events {
        row(
            "3b business events",
            format!("Write {} into the outbox", event.name),
            &design.owner,
            "the event is in its topic once",
            &event.place.to_string(),
        );
    }
}
