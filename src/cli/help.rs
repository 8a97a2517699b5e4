//! `unbraid completions` and `unbraid man`: made from the same types as the arguments.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use unbraid::files;

use super::Cli;
use super::console::Console;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  unbraid completions bash > ~/.local/share/bash-completion/completions/unbraid")]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  unbraid man | man -l -
  unbraid man --folder ~/.local/share/man/man1")]
pub struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub fn completions(command: &Completions, console: &Console) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "unbraid", &mut text);
    console.print(&String::from_utf8_lossy(&text));
    Ok(0)
}

pub fn man(command: &Man, console: &Console) -> Result<u8> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut page)?;
    let Some(folder) = &command.folder else {
        console.print(&String::from_utf8_lossy(&page));
        return Ok(0);
    };
    let mut pages = vec![("unbraid.1".to_owned(), page)];
    for sub in program.get_subcommands().filter(|s| s.get_name() != "help") {
        let name = format!("unbraid-{}", sub.get_name());
        let mut page = Vec::new();
        clap_mangen::Man::new(sub.clone()).render(&mut page)?;
        pages.push((format!("{name}.1"), page));
    }
    files::write_all(folder, &pages)?;
    console.say(&format!("{}: {} pages\n", folder.display(), pages.len()));
    Ok(0)
}
