//! `unbraid mcp`: answers a coding agent over standard input and output.

use anyhow::Result;
use clap::Args;

use super::console::Console;
use super::inputs::Inputs;

#[derive(Debug, Args)]
#[command(after_help = "An agent starts it with the folder of the system:
  {\"mcpServers\": {\"unbraid\": {\"command\": \"unbraid\", \"args\": [\"mcp\", \".\"]}}}")]
pub struct Mcp {
    #[command(flatten)]
    inputs: Inputs,
}

pub fn run(command: &Mcp, console: &Console) -> Result<u8> {
    console.log("answering on standard input and output");
    let load = || command.inputs.result();
    unbraid::mcp::serve(std::io::stdin().lock(), std::io::stdout().lock(), &load)?;
    Ok(0)
}
