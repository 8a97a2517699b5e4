//! The terminal: what goes to standard output, what to standard error, with or without colour.

use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};

use unbraid::report::text::Style;

/// Options that every command knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// Colours on the terminal
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Print nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where a command writes what people read.
#[derive(Debug, Clone)]
pub struct Console {
    quiet: bool,
    style: Style,
}

impl Console {
    /// The console that the options ask for.
    pub fn of(options: &GlobalOptions) -> Self {
        let wanted = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let color = match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wanted || std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(80);
        Self { quiet: options.quiet, style: Style { width, color } }
    }

    /// Width and colour of standard output.
    pub fn style(&self) -> Style {
        self.style
    }

    /// What a command was asked to print: shown even with `--quiet`.
    pub fn print(&self, text: &str) {
        write(&mut std::io::stdout(), text);
    }

    /// The summary of a command, not with `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            write(&mut std::io::stdout(), text);
        }
    }

    /// What went wrong, one line, on standard error.
    pub fn complain(&self, text: &str) {
        write(&mut std::io::stderr(), &format!("{text}\n"));
    }
}

/// Writes to a stream; a closed pipe ends quietly.
fn write(stream: &mut impl Write, text: &str) {
    drop(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}
