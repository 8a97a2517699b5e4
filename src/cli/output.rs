//! `-o [FORMAT=]PATH`, several at once: which format goes where, and writing it.
//!
//! The format is what stands before `=`, else it follows from the file name; a path without a format is a folder
//! for everything. What is given is checked before anything is read.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;

use unbraid::files;
use unbraid::report::{FORMATS, Format};

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

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((format, path)) = text.split_once('=').filter(|(f, _)| !f.contains(['/', '\\', '.'])) {
            let known = full_name(format);
            return match path {
                "" => Err(format!("`{text}` names no file; write {format}=PATH")),
                _ if is_known(known) => Ok(Self { format: Some(known.to_owned()), path: path.into() }),
                _ => Err(format!("`{format}` is no format; there are: {}", all_ids().join(", "))),
            };
        }
        if text == "-" {
            return Err("standard output needs a format: json=-".to_owned());
        }
        let path = PathBuf::from(text);
        if is_step_summary(&path) {
            return Ok(Self { format: Some("markdown".to_owned()), path });
        }
        Ok(Self { format: by_file_name(&path).map(str::to_owned), path })
    }
}

fn full_name(format: &str) -> &str {
    SHORT.iter().find(|(short, _)| *short == format).map_or(format, |(_, full)| full)
}

fn is_known(format: &str) -> bool {
    all_ids().contains(&format)
}

/// The ids of all formats.
fn all_ids() -> Vec<&'static str> {
    FORMATS.iter().map(|f| f.id).collect()
}

/// The format of a whole file name (`graph.json`), else of its extension.
fn by_file_name(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    if let Some(format) = FORMATS.iter().find(|f| f.file == name) {
        return Some(format.id);
    }
    let extension = Path::new(&name).extension()?.to_str()?.to_owned();
    let of = |f: &&Format| Path::new(f.file).extension().is_some_and(|e| e == extension.as_str());
    FORMATS.iter().find(of).map(|f| f.id)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String) {
        let output: Output = text.parse().expect("an output");
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
        let error = "nonsense=x".parse::<Output>().expect_err("no such format");
        assert!(error.contains("sarif"), "{error}");
        assert!("html=".parse::<Output>().is_err());
    }
}
