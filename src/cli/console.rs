//! The terminal: what goes to standard output, what to standard error, with or without colour; logs and progress.

use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};

use unbraid::report::text::Style;

use super::progress::ProgressLine;

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
    /// Say on standard error what is being done; twice: and what could not be read
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// How messages on standard error are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Threads; the default is one for each core
    #[arg(long, global = true, value_name = "N", env = "UNBRAID_THREADS")]
    threads: Option<std::num::NonZeroUsize>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object on a line
    Json,
}

/// Where a command writes what people read.
#[derive(Debug, Clone)]
pub struct Console {
    quiet: bool,
    verbose: u8,
    json: bool,
    progress: bool,
    style: Style,
}

impl Console {
    /// The console that the options ask for.
    pub fn of(options: &GlobalOptions) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0");
        let color = match options.color {
            Color::Always => true,
            Color::Never => false,
            // NO_COLOR is what the user says of all programs, so it wins (no-color.org, bixense.com/clicolors).
            Color::Auto => !set("NO_COLOR") && (forced || std::io::stdout().is_terminal()),
        };
        let asked = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let width = asked.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))).unwrap_or(80);
        let json = options.log_format == LogFormat::Json;
        let progress = !options.quiet && options.verbose == 0 && !json && std::io::stderr().is_terminal();
        Self { quiet: options.quiet, verbose: options.verbose, json, progress, style: Style { width, color } }
    }

    /// Width and colour of standard output.
    pub fn style(&self) -> Style {
        self.style
    }

    /// A line of progress, where someone watches.
    pub fn progress(&self) -> Option<ProgressLine> {
        self.progress.then(|| ProgressLine::new(self.style.width))
    }

    /// What a command was asked to print: shown even with `--quiet`.
    pub fn print(&self, text: &str) {
        self.clear();
        write(&mut std::io::stdout(), text);
    }

    /// The summary of a command, not with `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.print(text);
        }
    }

    /// What went wrong, on standard error.
    pub fn complain(&self, text: &str) {
        self.clear();
        self.message("error", text);
    }

    /// What is being done, with `--verbose`.
    pub fn log(&self, text: &str) {
        if self.verbose > 0 {
            self.message("info", text);
        }
    }

    /// What is asked of others before it is asked, and what a command that runs for long has to say: on standard error,
    /// not with `--quiet`.
    pub fn tell(&self, text: &str) {
        if !self.quiet {
            self.clear();
            self.message("info", text);
        }
    }

    /// What could not be read, with `--verbose` twice.
    pub fn notes(&self, result: &unbraid::result::Result) {
        if self.verbose > 1 {
            for note in &result.notes {
                self.message("note", &format!("{}: {}", note.place, note.text));
            }
        }
    }

    /// A stage of a long run: a line that is replaced on a terminal, a message with `--verbose`.
    pub fn stage(&self, text: &str) {
        self.log(text);
        if self.progress {
            let room = self.style.width.saturating_sub(2);
            let text: String = text.chars().filter(|c| !c.is_control()).take(room).collect();
            write(&mut std::io::stderr(), &format!("\r\u{1b}[2K{text} …"));
        }
    }

    /// Takes the line of the last stage away.
    pub fn clear(&self) {
        if self.progress {
            write(&mut std::io::stderr(), "\r\u{1b}[2K");
        }
    }

    /// Is there something to read in the current folder?
    pub fn is_system_here(&self) -> bool {
        std::path::Path::new(unbraid::config::FILE_NAME).is_file() || std::path::Path::new(".git").exists()
    }

    fn message(&self, level: &str, text: &str) {
        let line = if self.json {
            serde_json::json!({"level": level, "message": text}).to_string()
        } else if level == "error" {
            text.to_owned()
        } else {
            format!("{level}: {text}")
        };
        write(&mut std::io::stderr(), &format!("{line}\n"));
    }
}

impl GlobalOptions {
    /// Sets the number of threads of everything that runs in parallel.
    pub fn set_threads(&self) {
        if let Some(threads) = self.threads {
            // It can only fail when it was set before, which nobody did.
            drop(rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global());
        }
    }
}

/// Writes to a stream; a closed pipe ends quietly.
fn write(stream: &mut impl Write, text: &str) {
    drop(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}
