//! `-o [FORMAT=]PATH`, several at once: which format goes where, and writing it.
//!
//! The format is what stands before `=`, else it follows from the file name; a path without a format is a folder
//! for everything. What is given is checked before anything is read.

use std::path::{Path, PathBuf};

use anyhow::Result;

use unbraid::files;
use unbraid::report::FORMATS;
use unbraid::report::gate::{GATE_FORMATS, Page};

/// One `-o`.
#[derive(Debug, Clone)]
pub struct Output {
    /// The format as given or as the file name says; `None` for a folder.
    pub format: Option<String>,
    /// Where to; `-` is standard output.
    pub path: PathBuf,
}

/// Short names of formats.
const SHORT: &[(&str, &str)] = &[("md", "markdown"), ("mmd", "mermaid"), ("txt", "text"), ("htm", "html")];

/// Whose formats a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// Those of the report.
    Report,
    /// Those of the gate first.
    Gate,
}

impl Prefer {
    /// (id, file name) of all formats, in the order in which names are looked up.
    fn formats(self) -> Vec<(&'static str, &'static str)> {
        let report = FORMATS.iter().map(|f| (f.id, f.file));
        match self {
            Self::Report => report.collect(),
            // A format of both is that of the gate; `graph` is the result itself.
            Self::Gate => {
                let gate = GATE_FORMATS.iter().map(|f| (f.id, f.file));
                let rest = report.filter(|(id, _)| *id != "json" && GATE_FORMATS.iter().all(|g| g.id != *id));
                gate.chain(std::iter::once((GRAPH, "graph.json"))).chain(rest).collect()
            }
        }
    }
}

/// The result itself among the formats of the gate.
const GRAPH: &str = "graph";

/// Reads a `-o` of a command that writes the report.
pub fn for_report(text: &str) -> Result<Output, String> {
    parse(text, Prefer::Report)
}

/// Reads a `-o` of a command that writes the outcome of the gate.
pub fn for_gate(text: &str) -> Result<Output, String> {
    let output = parse(text, Prefer::Gate)?;
    match output.format {
        Some(_) => Ok(output),
        None => {
            Err(format!("the name of `{text}` says no format; write FORMAT={text}, with one of: {}", ids(Prefer::Gate)))
        }
    }
}

fn ids(prefer: Prefer) -> String {
    prefer.formats().iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ")
}

fn parse(text: &str, prefer: Prefer) -> Result<Output, String> {
    if let Some((format, path)) = text.split_once('=').filter(|(f, _)| !f.contains(['/', '\\', '.'])) {
        let known = SHORT.iter().find(|(short, _)| *short == format).map_or(format, |(_, full)| full);
        return match path {
            "" => Err(format!("`{text}` names no file; write {format}=PATH")),
            _ if prefer.formats().iter().any(|(id, _)| *id == known) => {
                Ok(Output { format: Some(known.to_owned()), path: path.into() })
            }
            _ => Err(format!("`{format}` is no format; there are: {}", ids(prefer))),
        };
    }
    if text == "-" {
        return Err("standard output needs a format: json=-".to_owned());
    }
    let path = PathBuf::from(text);
    if is_step_summary(&path) {
        return Ok(Output { format: Some("markdown".to_owned()), path });
    }
    Ok(Output { format: by_file_name(&path, prefer).map(str::to_owned), path })
}

/// The format of a whole file name (`graph.json`), else of its extension.
fn by_file_name(path: &Path, prefer: Prefer) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let formats = prefer.formats();
    if let Some((id, _)) = formats.iter().find(|(_, file)| *file == name) {
        return Some(id);
    }
    let extension = Path::new(&name).extension()?.to_str()?;
    let of = |file: &str| Path::new(file).extension().is_some_and(|e| e == extension);
    formats.iter().find(|(_, file)| of(file)).map(|(id, _)| *id)
}

impl Output {
    /// Does it go to standard output, which is then not mixed with anything else?
    pub fn is_standard_output(&self) -> bool {
        matches!(self.path.to_str(), Some("-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1"))
    }
}

/// The file to which a pipeline appends what it shows as the summary of a step.
fn is_step_summary(path: &Path) -> bool {
    std::env::var_os("GITHUB_STEP_SUMMARY").is_some_and(|summary| !summary.is_empty() && Path::new(&summary) == path)
}

/// Writes one output: streams and the step summary are appended to, files are replaced as a whole.
pub fn write(output: &Output, bytes: &[u8]) -> Result<()> {
    if output.path.as_os_str() == "-" {
        files::write_standard_output(bytes)?;
    } else if is_step_summary(&output.path) {
        files::append(&output.path, bytes)?;
    } else {
        files::write_atomically(&output.path, bytes)?;
    }
    Ok(())
}

/// Writes what a result is in the formats of the report; a folder gets all of them.
pub fn write_reports(outputs: &[Output], result: &unbraid::result::Result) -> Result<()> {
    for output in outputs {
        match output.format.as_deref().and_then(|id| FORMATS.iter().find(|f| f.id == id)) {
            Some(format) => write(output, (format.render)(result).as_bytes())?,
            None => files::write_all(&output.path, &unbraid::report::render(result))?,
        }
    }
    Ok(())
}

/// Writes the outcome of a check: everything is rendered before the first file is written.
pub fn write_outcome(outputs: &[Output], page: &Page<'_>) -> Result<()> {
    let render = |output: &Output| {
        let id = output.format.as_deref().unwrap_or(GRAPH);
        match GATE_FORMATS.iter().find(|f| f.id == id) {
            Some(format) => (format.render)(page),
            None => {
                let id = if id == GRAPH { "json" } else { id };
                FORMATS.iter().find(|f| f.id == id).map_or_else(String::new, |f| (f.render)(page.result))
            }
        }
    };
    let rendered: Vec<String> = outputs.iter().map(render).collect();
    outputs.iter().zip(rendered).try_for_each(|(output, text)| write(output, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String) {
        let output = for_report(text).expect("an output");
        (output.format, output.path.display().to_string())
    }

    #[test]
    fn the_format_is_given_or_follows_from_the_name() {
        assert_eq!(parsed("md=out/x"), (Some("markdown".to_owned()), "out/x".to_owned()));
        assert_eq!(parsed("out/a.SARIF").0.as_deref(), Some("sarif"));
        assert_eq!(parsed("a/b.json").0.as_deref(), Some("json"));
        assert_eq!(parsed("reports/v1.2"), (None, "reports/v1.2".to_owned()));
        assert_eq!(parsed("./a=b/c.html").0.as_deref(), Some("html"));
    }

    #[test]
    fn an_unknown_format_is_an_error_that_lists_the_known_ones() {
        let error = for_report("nonsense=x").expect_err("no such format");
        assert!(error.contains("sarif"), "{error}");
        assert!(for_report("html=").is_err() && for_report("-").is_err());
        let error = for_gate("out/gate").expect_err("no format");
        assert!(error.contains("junit"), "{error}");
    }

    #[test]
    fn the_gate_has_its_own_json_and_the_result_beside_it() {
        let format = |text: &str| for_gate(text).expect("an output").format.expect("a format");
        assert_eq!(format("a/check.json"), "json");
        assert_eq!(format("a/graph.json"), "graph");
        assert_eq!(format("gl-code-quality-report.json"), "gitlab");
        assert_eq!(format("x.xml"), "junit");
        assert_eq!(format("x.html"), "html");
        assert_eq!(format("github=-"), "github");
    }
}
