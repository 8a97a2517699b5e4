//! Manners at the terminal: colours, quiet, logs, threads, narrow windows, closed pipes; the same bytes each time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn unbraid() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbraid"));
    command.current_dir(root()).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "GITHUB_STEP_SUMMARY", "UNBRAID_THREADS", "UNBRAID_BASE"] {
        command.env_remove(name);
    }
    command
}

/// Exit code, standard output, standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_follow_the_user() {
    let check = ["check", "samples/shop"];
    let (_, plain, _) = run(unbraid().args(check));
    assert!(!plain.contains(ESCAPE), "no terminal, no colours");
    let (_, forced, _) = run(unbraid().args(check).env("CLICOLOR_FORCE", "1"));
    assert!(forced.contains(ESCAPE));
    let (_, never, _) = run(unbraid().args(check).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
    assert!(!never.contains(ESCAPE), "NO_COLOR wins");
    let (_, always, _) = run(unbraid().args(check).args(["--color", "always"]).env("NO_COLOR", "1"));
    assert!(always.contains(ESCAPE), "an option wins over the environment");
    let flat = |text: &str| text.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert_eq!(flat(&forced), plain, "colours change nothing else");
}

#[test]
fn quiet_says_nothing_and_verbose_says_what_is_done() {
    let (code, out, err) = run(unbraid().args(["check", "samples/shop", "--quiet"]));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (code, out, err) = run(unbraid().args(["check", "samples/shop", "-q", "--max-score", "1"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("gate failed: max-score") && err.lines().count() == 1, "{err}");
    let (_, _, err) = run(unbraid().args(["check", "samples/shop", "-v"]));
    assert!(err.contains("info: reading samples/shop"), "{err}");
    let (_, _, err) = run(unbraid().args(["check", "samples/shop", "-v", "--max-score", "1", "--log-format", "json"]));
    let levels: Vec<String> = err
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON on each line"))
        .map(|v| v["level"].as_str().expect("a level").to_owned())
        .collect();
    assert_eq!((levels.first().map(String::as_str), levels.last().map(String::as_str)), (Some("info"), Some("error")));
    let (code, _, err) = run(unbraid().args(["check", "no/such/place", "--log-format", "json"]));
    assert_eq!(code, 2);
    assert!(serde_json::from_str::<serde_json::Value>(err.trim()).is_ok(), "{err}");
}

#[test]
fn a_narrow_window_wraps() {
    let narrow = run(unbraid().args(["check", "samples/shop", "--max-score", "1"]).env("COLUMNS", "20")).1;
    // A line is only longer than the window by one word that does not fit.
    for line in narrow.lines().filter(|l| l.chars().count() > 20) {
        assert!(line.split_whitespace().count() <= 2, "{line}");
    }
    let wide = run(unbraid().args(["check", "samples/shop", "--max-score", "1"]).env("COLUMNS", "90")).1;
    assert!(wide.lines().count() < narrow.lines().count());
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&narrow), words(&wide), "wrapping loses no word");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [
        vec!["schema", "result"],
        vec!["check", "samples/shop", "-o", "sarif=-"],
        vec!["check", "samples/shop", "-o", "sarif=/dev/stdout"],
        vec!["analyze", "samples/shop", "-o", "json=-"],
    ] {
        let mut child = unbraid()
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.is_empty(), "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn two_runs_and_any_number_of_threads_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
    for threads in ["1", "2", "1"] {
        let out = folder.path().join(all.len().to_string());
        let facts = out.join("facts.json");
        let (code, _, err) = run(unbraid()
            .args(["analyze", "samples/shop", "--threads", threads, "-o"])
            .arg(&out)
            .arg("--facts-out")
            .arg(&facts));
        assert_eq!(code, 0, "{err}");
        let mut files = Vec::new();
        collect(&out, &out, &mut files);
        files.sort();
        assert!(files.len() >= 8, "the formats that are always written, and the facts: {}", files.len());
        all.push(files);
    }
    for other in &all[1..] {
        for (one, two) in all[0].iter().zip(other) {
            assert!(one == two, "{} differs between runs", one.0);
        }
        assert_eq!(all[0].len(), other.len());
    }
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, into);
        } else {
            let name = path.strip_prefix(root).expect("inside").display().to_string();
            into.push((name, std::fs::read(&path).expect("readable")));
        }
    }
}

#[test]
fn every_command_has_help_with_what_it_is_for() {
    let (_, help, _) = run(unbraid().arg("--help"));
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|l| !l.starts_with("Commands:"))
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter_map(|l| l.split_whitespace().next())
        .filter(|c| *c != "help" && c.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    for wanted in [
        "analyze",
        "check",
        "baseline",
        "diff",
        "init",
        "explain",
        "rules",
        "render",
        "schema",
        "mcp",
        "completions",
        "man",
    ] {
        assert!(commands.contains(&wanted), "{wanted} is not in {commands:?}");
    }
    for command in commands {
        let (code, text, _) = run(unbraid().args([command, "--help"]));
        assert!(code == 0 && text.contains("Usage:"), "{command}: {text}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, text, _) = run(unbraid().args(["completions", shell]));
        assert!(code == 0 && text.contains("unbraid"), "{shell}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(unbraid().args(["man", "--folder"]).arg(folder.path())).0, 0);
    let page = std::fs::read_to_string(folder.path().join("unbraid-check.1")).expect("a page");
    assert!(page.contains(".SH") && page.contains("max\\-score"), "{page}");
}

#[test]
fn rules_and_edges_are_explained() {
    let (code, list, _) = run(unbraid().args(["explain", "rules"]));
    assert_eq!(code, 0);
    for rule in list.lines() {
        let (code, text, _) = run(unbraid().args(["explain", rule]));
        assert!(code == 0 && text.starts_with("# "), "{rule}");
    }
    let (code, text, _) = run(unbraid().args(["explain", "orders->payments", "samples/shop"]));
    assert!(code == 0 && text.contains("OrderService.java:"), "{text}");
    let (code, text, _) = run(unbraid().args(["explain", "payments", "samples/shop"]));
    assert!(code == 0 && text.contains("is called by"), "{text}");
    let (code, _, err) = run(unbraid().args(["explain", "paymants", "samples/shop"]));
    assert!(code == 2 && err.contains("did you mean `payments`?"), "{err}");
    let (code, _, err) = run(unbraid().args(["explain", "sync-cicle"]));
    assert!(code == 2 && err.contains("sync-cycle"), "{err}");
}
