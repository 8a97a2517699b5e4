//! `unbraid render`: writes the reports of a saved result again, in any format.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use unbraid::report::{FORMATS, folder, render_compared};
use unbraid::{error::Error, files};

use super::analyze::file_name;
use super::console::Console;
use super::output::{self, Output};

#[derive(Debug, Args)]
pub struct Render {
    /// graph.json of a run
    graph: PathBuf,
    /// graph.json of an older run: the HTML report adds what is new, gone, worse and better since
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Where to write: a folder for everything, or single files in the format that FORMAT or their name says; may be
    /// given several times. The default is reports/NAME
    #[arg(short, long, value_name = "[FORMAT=]PATH", value_parser = output::for_report)]
    output: Vec<Output>,
}

pub fn run(command: &Render, console: &Console) -> Result<u8> {
    let result = read(&command.graph)?;
    let base = command.base.as_deref().map(read).transpose()?;
    let diff = base.map(|old| unbraid::diff::diff(&old, &result));
    let mut outputs = command.output.clone();
    if outputs.is_empty() {
        outputs.push(Output { format: None, path: Path::new("reports").join(file_name(&result.system)) });
    }
    let rendered = |id: &str| FORMATS.iter().find(|f| f.id == id).map(|f| render_compared(f, &result, diff.as_ref()));
    let mut written = Vec::new();
    for output in &outputs {
        match output.format.as_deref().and_then(rendered) {
            Some(text) => output::write(output, text.as_bytes())?,
            None => files::write_all(&output.path, &folder(&result, diff.as_ref()))?,
        }
        written.push(output.path.display().to_string());
    }
    if !outputs.iter().any(Output::is_standard_output) {
        console.say(&format!("written {}\n", written.join(", ")));
    }
    Ok(0)
}

fn read(path: &Path) -> Result<unbraid::result::Result, Error> {
    unbraid::result::Result::read(&path.display().to_string(), files::read_text(path)?.as_bytes())
}
