//! `unbraid explain`: what a smell is about.

use anyhow::Result;
use clap::Args;

use unbraid::analyze::smells::SMELLS;

use super::console::Console;

#[derive(Debug, Args)]
pub struct Explain {
    /// Id of a smell, or `smells` for the list
    smell: String,
}

pub fn run(command: &Explain, console: &Console) -> Result<u8> {
    let ids: Vec<&str> = SMELLS.iter().map(|s| s.id).collect();
    if command.smell == "smells" {
        console.print(&format!("{}\n", ids.join("\n")));
        return Ok(0);
    }
    match SMELLS.iter().find(|s| s.id == command.smell) {
        Some(smell) => {
            console.print(smell.text);
            Ok(0)
        }
        None => anyhow::bail!("`{}` is no smell; there are: {}", command.smell, ids.join(", ")),
    }
}
