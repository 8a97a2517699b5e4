//! A plan -> its files: one artefact per file here, one constant and one pure function each.
//!
//! Texts that come from inputs are escaped by the rules of the file that they get into; nothing here touches the disk.

mod adr;
mod asyncapi;
mod backlog;
mod connectors;
mod consumers;
mod flink;
mod ksqldb;
mod observe;
mod outbox;
mod projections;
mod reconcile;
mod rollback;
mod schemas;
mod source_database;
mod subjects;
mod topics;

use crate::model::design::Design;
use crate::model::{Plan, Step};

use crate::plan::options::Options;

/// What all artefacts know.
pub struct Context<'c> {
    /// Name of the system.
    pub system: &'c str,
    /// The plan.
    pub plan: &'c Plan,
    /// The user's decisions.
    pub options: &'c Options,
    /// Address of the broker, as the inputs have it.
    pub broker: String,
}

/// A file of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path inside the output folder, `/` between its parts.
    pub path: String,
    /// Content.
    pub text: String,
}

impl File {
    /// A file in the folder of a step.
    #[must_use]
    pub fn of(design: &Design, name: &str, text: String) -> Self {
        Self { path: format!("{}/{name}", design.folder), text }
    }
}

/// How an artefact is made.
pub enum Render {
    /// Once for each step that has a design.
    Step(fn(&Context<'_>, &Step, &Design) -> Vec<File>),
    /// Once for the plan.
    Plan(fn(&Context<'_>) -> Vec<File>),
}

/// A kind of artefact.
pub struct Artefact {
    /// Id: the file stem here.
    pub id: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Makes it.
    pub render: Render,
}

/// All artefacts, in the order in which a step uses them.
pub const ARTEFACTS: &[Artefact] = &[
    adr::ARTEFACT,
    topics::ARTEFACT,
    schemas::ARTEFACT,
    subjects::ARTEFACT,
    source_database::ARTEFACT,
    connectors::ARTEFACT,
    outbox::ARTEFACT,
    consumers::ARTEFACT,
    projections::ARTEFACT,
    reconcile::ARTEFACT,
    ksqldb::ARTEFACT,
    flink::ARTEFACT,
    observe::ARTEFACT,
    rollback::ARTEFACT,
    asyncapi::ARTEFACT,
    backlog::ARTEFACT,
];

/// All files of a plan, by path.
#[must_use]
pub fn render(context: &Context<'_>) -> Vec<File> {
    let mut files = Vec::new();
    for artefact in ARTEFACTS {
        match artefact.render {
            Render::Plan(make) => files.extend(make(context)),
            Render::Step(make) => {
                for step in &context.plan.steps {
                    if let Some(design) = &step.design {
                        files.extend(make(context, step, design));
                    }
                }
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
