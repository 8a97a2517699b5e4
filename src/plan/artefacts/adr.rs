//! The decision behind a step, as a record that a team can accept or reject.

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::write::{self, code, markdown};

use super::{Artefact, Context, File, Render};

/// The decision record.
pub const ARTEFACT: Artefact =
    Artefact { id: "adr", about: "architecture decision record", render: Render::Step(render) };

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let mut text = format!("<!-- {} -->\n", write::MARK);
    let owner = markdown(&design.owner);
    text.push_str(&format!("# {owner} publishes what others read from it\n\nStatus: proposed\n"));
    if !design.teams.is_empty() {
        text.push_str(&format!("Deciders: {}\n", markdown(&design.teams.join(", "))));
    }
    text.push_str(&format!(
        "\n## Context\n\n{}. The score is {:.2} before and {:.2} after.\n",
        markdown(&step.because),
        step.score_before,
        step.score_after
    ));
    for [from, to] in &step.frees_edges {
        text.push_str(&format!("- {} waits for {}\n", markdown(from), markdown(to)));
    }
    text.push_str("\n## Decision\n\n");
    for entity in &design.entities {
        text.push_str(&format!(
            "- {} holds the current state of every {}, by key\n",
            code(&entity.topic),
            markdown(&entity.name)
        ));
    }
    if !design.events.is_empty() {
        let names: Vec<&str> = design.events.iter().map(|e| e.name.as_str()).collect();
        text.push_str(&format!("- {} tells {}\n", code(&design.event_topic), markdown(&names.join(", "))));
    }
    text.push_str("- Data and fact are written in one transaction (outbox); nothing is produced beside it\n");
    text.push_str("\n## Consequences\n\nCopies are later than the source; reads that must see their own write wait for its version. ");
    text.push_str("Copies hold data a second time: personal fields are masked, and a deletion reaches every copy.\n");
    if design.todo.is_empty() {
        text.push_str("\nNothing is missing to begin.\n");
    } else {
        text.push_str("\n## Open\n\n");
        for todo in &design.todo {
            text.push_str(&format!("- TODO {}\n", markdown(todo)));
        }
    }
    vec![File::of(design, "adr.md", text)]
}
