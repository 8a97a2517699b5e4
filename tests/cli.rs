//! The program as its users meet it: exit codes, one clear error for a mistake, notes for bad input, no secret shown.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unbraid"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    std::fs::write(path, content).expect("written");
}

/// Two services in Go; the one calls the other by an address in its environment.
fn pair(folder: &Path) {
    file(folder, "a/go.mod", "module shop/a\n");
    file(
        folder,
        "a/main.go",
        "package main\nimport (\n\t\"net/http\"\n\t\"os\"\n)\nfunc main() {\n\tresp, _ := http.Get(os.Getenv(\"B_URL\") + \"/items\")\n\tuse(resp)\n}\n",
    );
    file(folder, "b/go.mod", "module shop/b\n");
    file(
        folder,
        "b/main.go",
        "package main\nimport \"net/http\"\nfunc main() { http.HandleFunc(\"/items\", items) }\nfunc items(w http.ResponseWriter, r *http.Request) {}\n",
    );
    file(
        folder,
        "docker-compose.yml",
        "services:\n  a:\n    build: ./a\n    environment:\n      B_URL: http://b:8080\n      DB_PASSWORD: hunter2secret\n  b:\n    build: ./b\n",
    );
}

#[test]
fn analyze_writes_reports_and_prints_the_summary() {
    let folder = tempfile::tempdir().expect("temp dir");
    pair(folder.path());
    let output = run(folder.path(), &["analyze", ".", "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("10.0") && shown.contains("report"), "{shown}");
    for name in ["report.html", "report.md", "graph.json"] {
        assert!(folder.path().join("out").join(name).is_file(), "{name}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/graph.json")).expect("read")).expect("JSON");
    assert_eq!(json["dependencies"][0]["source"], "a");
    assert_eq!(json["dependencies"][0]["sites"][0]["operation"], "GET /items");
}

/// A saved result renders to the same bytes, and a baseline adds what changed.
#[test]
fn render_writes_a_saved_result_again() {
    let folder = tempfile::tempdir().expect("temp dir");
    let sample = root().join("samples/shop");
    let output = run(folder.path(), &["analyze", &sample.display().to_string(), "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let output = run(folder.path(), &["render", "out/graph.json", "-o", "again"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for entry in std::fs::read_dir(folder.path().join("out")).expect("out") {
        let path = entry.expect("entry").path();
        let again = folder.path().join("again").join(path.file_name().expect("a name"));
        assert!(std::fs::read(&path).expect("read") == std::fs::read(&again).expect("read"), "{}", path.display());
    }
    pair(folder.path());
    assert_eq!(code(&run(folder.path(), &["analyze", ".", "-o", "json=old.json"])), 0);
    let output = run(folder.path(), &["render", "out/graph.json", "--base", "old.json", "-o", "html=-"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("The score went from"));
    assert_eq!(code(&run(folder.path(), &["render", "b/main.go"])), 2);
}

#[test]
fn the_gate_has_four_answers() {
    let folder = tempfile::tempdir().expect("temp dir");
    pair(folder.path());
    assert_eq!(code(&run(folder.path(), &["check", ".", "--max-score", "50"])), 0);
    assert_eq!(code(&run(folder.path(), &["check", ".", "--max-score", "5"])), 1);
    assert_eq!(code(&run(folder.path(), &["check", "no/such/folder", "--max-score", "5"])), 2);
    assert_eq!(code(&run(folder.path(), &["check", ".", "--no-such-flag"])), 2);
    let empty = tempfile::tempdir().expect("temp dir");
    assert_eq!(code(&run(empty.path(), &["check", ".", "--max-score", "5"])), 3);
}

#[test]
fn a_mistake_is_one_clear_error() {
    let folder = tempfile::tempdir().expect("temp dir");
    pair(folder.path());
    let error = text(&run(folder.path(), &["analyze", "missing"]).stderr);
    assert!(error.starts_with("error: cannot read missing") && error.lines().count() == 1, "{error}");
    file(folder.path(), "unbraid.yaml", "gate:\n  max_scor: 3\n");
    let output = run(folder.path(), &["analyze", "."]);
    let error = text(&output.stderr);
    assert_eq!(code(&output), 2);
    assert!(error.contains("max_score"), "no suggestion in: {error}");
}

#[test]
fn bad_input_is_noted_and_the_rest_is_read() {
    let folder = tempfile::tempdir().expect("temp dir");
    pair(folder.path());
    file(folder.path(), "c/docker-compose.yml", "services:\n  x: [\n");
    file(folder.path(), "c/openapi.json", "{\"openapi\": \"3.0.0\", \"paths\": {");
    file(folder.path(), "traces/cut.pb", [0x0a, 0x20, 0x0a, 0x05, 0x0a, 0x03]);
    file(folder.path(), "traces/broken.json", "{\"resourceSpans\": [{\"scopeSpans\": ");
    file(folder.path(), "blob.bin", vec![0u8; 4096]);
    file(folder.path(), "b/broken.go", "package main\nfunc (((( {\n");
    file(folder.path(), "b/latin.py", [b'x', b'=', 0xff, 0xfe, b'\n']);
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).expect("a link");
    let output = run(folder.path(), &["analyze", ".", "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let report = std::fs::read_to_string(folder.path().join("out/graph.json")).expect("read");
    let json: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert!(
        json["dependencies"].as_array().is_some_and(|d| d.iter().any(|d| d["source"] == "a" && d["target"] == "b"))
    );
    let notes = json["notes"].as_array().expect("notes").len();
    assert!(notes >= 3, "{}", json["notes"]);
    assert_eq!(code(&run(folder.path(), &["analyze", ".", "-o", "out", "--strict"])), 2);
}

#[test]
fn traces_that_git_ignores_are_read() {
    let folder = tempfile::tempdir().expect("temp dir");
    file(folder.path(), ".gitignore", "traces/\n");
    let span = |service: &str, id: &str, parent: &str, kind: u8| {
        format!(
            "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"{service}\"}}}}]}},\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"{id}\",\"parentSpanId\":\"{parent}\",\"kind\":{kind},\"name\":\"GET\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2000\"}}]}}]}}]}}\n"
        )
    };
    let lines = span("a", "00000000000000a1", "", 3) + &span("b", "00000000000000b1", "00000000000000a1", 2);
    file(folder.path(), "traces/t.jsonl", lines);
    let output = run(folder.path(), &["analyze", ".", "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let json = std::fs::read_to_string(folder.path().join("out/graph.json")).expect("read");
    assert!(json.contains("\"relation\": \"sync\""), "{json}");
}

/// Secrets that are planted in every kind of input appear in no output.
#[test]
fn no_secret_is_shown() {
    let folder = tempfile::tempdir().expect("temp dir");
    let secret = "pl4nted5ecret";
    pair(folder.path());
    file(
        folder.path(),
        "docker-compose.yml",
        format!(
            "services:\n  a:\n    build: ./a\n    environment:\n      B_URL: http://user:{secret}@b:8080\n      DB_PASSWORD: {secret}\n      API_TOKEN: {secret}\n  b:\n    build: ./b\n"
        ),
    );
    file(
        folder.path(),
        "k8s/s.yaml",
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{token: {secret}, url: 'postgres://u:{secret}@db/x'}}\n"
        ),
    );
    file(folder.path(), "b/.env", format!("SECRET_KEY={secret}\nDATABASE_URL=postgres://u:{secret}@db:5432/x\n"));
    file(
        folder.path(),
        "b/appsettings.json",
        format!("{{\"ConnectionStrings\": {{\"Db\": \"Host=db;Password={secret};Database=x\"}}}}"),
    );
    file(
        folder.path(),
        "b/src/main/resources/application.yml",
        format!(
            "spring:\n  datasource:\n    url: jdbc:mysql://db/x?user=a&password={secret}\n    password: {secret}\n"
        ),
    );
    file(
        folder.path(),
        "b/c.py",
        format!(
            "import requests\nimport psycopg2\ndef f():\n    requests.get('http://u:{secret}@a:80/x?token={secret}')\n    psycopg2.connect('postgres://u:{secret}@db/x')\n"
        ),
    );
    let output = run(folder.path(), &["analyze", ".", "-o", "out", "--facts-out", "out/facts.json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let mut seen = vec![("stdout".to_owned(), text(&output.stdout)), ("stderr".to_owned(), text(&output.stderr))];
    for entry in std::fs::read_dir(folder.path().join("out")).expect("out") {
        let path = entry.expect("entry").path();
        seen.push((path.display().to_string(), text(&std::fs::read(&path).expect("read"))));
    }
    for (name, content) in seen {
        let at = content.find(secret);
        let around = at.map(|at| content[at.saturating_sub(120)..(at + 40).min(content.len())].to_owned());
        assert!(at.is_none(), "{name} shows a secret: {}", around.unwrap_or_default());
    }
}

/// Names from input are hostile until escaped.
#[test]
fn hostile_names_are_escaped() {
    let folder = tempfile::tempdir().expect("temp dir");
    file(
        folder.path(),
        "compose.yml",
        "services:\n  \"<script>alert(1)</script>\":\n    image: x/y\n  \"=cmd|calc\":\n    image: x/z\n",
    );
    let output = run(folder.path(), &["analyze", ".", "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for name in ["report.html", "report.md"] {
        let content = std::fs::read_to_string(folder.path().join("out").join(name)).expect("read");
        assert!(!content.contains("<script>alert"), "{name}");
    }
}

/// Every command and path that the README names.
#[test]
fn the_readme_is_true() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    for command in ["cargo run --release -- analyze samples/shop", "cargo test", "cargo install --path . --locked"] {
        assert!(readme.contains(command), "{command}");
    }
    for link in readme.split("](").skip(1).filter_map(|t| t.split(')').next()).filter(|l| !l.starts_with("http")) {
        assert!(root().join(link).exists(), "README links to {link}, which is not there");
    }
    let help = text(&run(&root(), &["--help"]).stdout);
    for word in ["analyze", "check", "explain", "render", "rules", "schema"] {
        assert!(help.contains(word), "{word}");
    }
    for arguments in [vec!["schema", "result"], vec!["rules", "list"], vec!["explain", "sync-cycle"]] {
        assert_eq!(code(&run(&root(), &arguments)), 0, "{arguments:?}");
    }
}

/// Two results are compared: what is new stands there with its place, and no result at all is a clear error.
#[test]
fn diff_shows_what_changed() {
    let folder = tempfile::tempdir().expect("temp dir");
    pair(folder.path());
    assert_eq!(code(&run(folder.path(), &["analyze", ".", "-o", "old"])), 0);
    file(
        folder.path(),
        "b/main.go",
        "package main\nimport \"net/http\"\nfunc main() { http.Get(\"http://a:8080/x\") }\n",
    );
    assert_eq!(code(&run(folder.path(), &["analyze", ".", "-o", "new"])), 0);
    let output = run(folder.path(), &["diff", "old/graph.json", "new/graph.json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("b → a is a new blocking call") && shown.contains("b/main.go:3"), "{shown}");
    let json = run(folder.path(), &["diff", "old/graph.json", "new/graph.json", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["new_edges"][0]["source"], "b");
    let wrong = run(folder.path(), &["diff", "old/graph.json", "docker-compose.yml"]);
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("give a graph.json"), "{}", text(&wrong.stderr));
}
