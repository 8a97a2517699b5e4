//! `unbraid fold`: rows of spans on standard input -> a partial graph on standard output.

use anyhow::Result;
use clap::Args;

use unbraid::files;
use unbraid::ingest::rows::{self, MOST_SPANS, Options};

#[derive(Debug, Args)]
#[command(after_long_help = contract())]
pub struct Fold {
    /// Memory for spans, names and ids of traces (like 500M or 2G); beyond it spans go to the folder for temporary files
    #[arg(long, value_name = "SIZE", value_parser = super::inputs::size, default_value = "2G")]
    memory: u64,
    /// Most spans of one trace; those beyond are counted as rejected
    #[arg(long, value_name = "N", default_value_t = MOST_SPANS)]
    most_spans: u64,
    /// Names of the columns, separated by commas, where the rows do not begin with them
    #[arg(long, value_name = "NAMES")]
    columns: Option<String>,
}

pub fn run(command: &Fold) -> Result<u8> {
    let options = Options { memory: command.memory, most_spans: command.most_spans };
    let head = command.columns.iter().map(|names| names.replace(',', "\t") + "\n").collect::<String>();
    let part = rows::fold(std::io::Read::chain(head.as_bytes(), std::io::stdin().lock()), options)?;
    files::write_standard_output(part.to_text().as_bytes())?;
    Ok(0)
}

/// The columns in words.
fn contract() -> String {
    let mut text = "Rows are separated by tabs, the first one names the columns; tab, line end and backslash in a \
        field are escaped by a backslash. Rows of a trace follow each other. Columns:\n"
        .to_owned();
    for (name, what, must) in rows::COLUMNS {
        text.push_str(&format!("  {name:<15} {what}{}\n", if *must { "" } else { " (may be absent)" }));
    }
    text.push_str(
        "A column may also be called by the key of an attribute that matters, like server.address or db.system.name.\n\n\
        Example:\n  clickhouse-client --query \"SELECT ... ORDER BY trace_id FORMAT TabSeparatedWithNames\" | unbraid fold > part.tsv\n  \
        unbraid merge part-*.tsv -o traffic.json",
    );
    text
}
