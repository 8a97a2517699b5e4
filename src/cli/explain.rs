//! `unbraid explain`: what a rule or a smell is about, and everything known of a service or an edge.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use unbraid::analyze::smells::SMELLS;
use unbraid::config::nearest;
use unbraid::explain;
use unbraid::gate::rules::{RULES, ids};

use super::console::Console;
use super::inputs::{Inputs, ReadOptions};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  unbraid explain sync-cycle
  unbraid explain rules
  unbraid explain orders path/to/system
  unbraid explain orders payments path/to/system
  unbraid explain 'orders->payments' graph.json")]
pub struct Explain {
    /// Id of a smell or rule, a service, or an edge as FROM->TO; `smells` or `rules` lists the ids
    subject: String,
    /// For a service or an edge: folders and files, or a graph.json; the default is the current folder. A first one
    /// that is no file is the service that the edge leads to
    #[arg(value_name = "PATH")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    options: ReadOptions,
}

pub fn run(command: &Explain, console: &Console) -> Result<u8> {
    let subject = command.subject.as_str();
    if let Some(text) = of_rule(subject) {
        console.print(&text);
        return Ok(0);
    }
    let (second, inputs) = match command.inputs.split_first() {
        Some((first, rest)) if !first.exists() => (first.to_str(), rest),
        _ => (None, command.inputs.as_slice()),
    };
    let edge = explain::as_edge(subject).or(second.map(|to| (subject, to)));
    if inputs.is_empty() && edge.is_none() && !console.is_system_here() {
        bail!("`{subject}` is no rule or smell{}", nearest(subject, &ids()));
    }
    let inputs = if inputs.is_empty() { vec![PathBuf::from(".")] } else { inputs.to_vec() };
    let result = Inputs::of(inputs, &command.options).result()?;
    let known: Vec<&str> = result.services.iter().map(|s| s.name.as_str()).collect();
    let named = |name: &str| match explain::find(&result, name) {
        Some(service) => Ok(service),
        None => bail!("there is no service `{name}`{}", nearest(name, &known)),
    };
    let text = match edge {
        Some((from, to)) => {
            let (from, to) = (named(from)?, named(to)?);
            match explain::edge(&result, &from.name, &to.name) {
                Some(text) => text,
                None => bail!("{} has no edge to {}", from.name, to.name),
            }
        }
        None => match explain::find(&result, subject) {
            Some(service) => explain::service(&result, service),
            None => bail!(
                "`{subject}` is no rule, smell or service{}",
                nearest(subject, &known.iter().copied().chain(ids()).collect::<Vec<_>>())
            ),
        },
    };
    console.print(&text);
    Ok(0)
}

fn of_rule(subject: &str) -> Option<String> {
    match subject {
        "smells" => Some(SMELLS.iter().map(|s| format!("{}\n", s.id)).collect()),
        "rules" => Some(RULES.iter().map(|r| format!("{}\n", r.id)).collect()),
        _ => {
            let smell = SMELLS.iter().find(|s| s.id == subject).map(|s| s.text);
            let id = subject.split('/').next().unwrap_or(subject);
            smell.or_else(|| RULES.iter().find(|r| r.id == id).map(|r| r.text)).map(str::to_owned)
        }
    }
}
