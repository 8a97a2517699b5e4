//! A git repository with small services, and the gate run on it in every format.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Formats with the file that each is written to.
const FORMATS: [(&str, &str); 8] = [
    ("text", "check.txt"),
    ("json", "check.json"),
    ("markdown", "check.md"),
    ("sarif", "gate.sarif"),
    ("junit", "junit.xml"),
    ("gitlab", "gl-code-quality-report.json"),
    ("github", "annotations.txt"),
    ("badge", "badge.svg"),
];

pub struct Repository {
    folder: tempfile::TempDir,
}

/// The exit code with what was said on both streams.
pub fn unbraid(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_unbraid"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("UNBRAID_BASE")
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(environment.iter().copied())
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().expect("an exit code"), text)
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("shop")).expect("a folder");
        let repository = Self { folder };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("shop").join(name)
    }

    pub fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("removed");
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path("."))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git starts");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn commit(&self, title: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", title]);
    }

    pub fn status(&self) -> String {
        self.git(&["status", "--porcelain", "--ignored"])
    }

    /// One service in Go that calls others, with its deployment.
    pub fn service(&self, name: &str, calls: &[&str]) {
        let lines: String = calls
            .iter()
            .map(|to| {
                format!("\tresp, _ = http.Get(os.Getenv(\"{}_URL\") + \"/items\")\n\tuse(resp)\n", to.to_uppercase())
            })
            .collect();
        self.file(&format!("{name}/go.mod"), &format!("module shop/{name}\n"));
        let code = format!(
            "package main\n\nimport (\n\t\"net/http\"\n\t\"os\"\n)\n\nfunc main() {{\n\tvar resp *http.Response\n{lines}\thttp.HandleFunc(\"/items\", items)\n}}\n\nfunc items(w http.ResponseWriter, r *http.Request) {{}}\n"
        );
        self.file(&format!("{name}/main.go"), &code);
        let environment: String =
            calls.iter().map(|to| format!("      {}_URL: http://{to}:8080\n", to.to_uppercase())).collect();
        let environment = if calls.is_empty() { String::new() } else { format!("    environment:\n{environment}") };
        self.file(&format!("{name}/compose.yml"), &format!("services:\n  {name}:\n    build: .\n{environment}"));
    }

    /// Services of edges `a>b`.
    pub fn system(&self, edges: &[&str]) {
        let pairs: Vec<(&str, &str)> = edges.iter().map(|e| e.split_once('>').expect("an edge")).collect();
        let mut names: Vec<&str> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let calls: Vec<&str> = pairs.iter().filter(|(from, _)| *from == name).map(|(_, to)| *to).collect();
            self.service(name, &calls);
        }
    }

    pub fn unbraid(&self, arguments: &[&str]) -> (i32, String) {
        unbraid(&self.path("."), arguments, &[])
    }

    /// A clone of the last commit of one branch, with that of another.
    pub fn shallow_clone(&self, branch: &str, other: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("shop")).expect("a folder");
        let clone = Self { folder };
        let url = format!("file://{}", self.path(".").canonicalize().expect("a path").display());
        clone.git(&["clone", "-q", "--depth", "1", "--branch", branch, &url, "."]);
        let spec = format!("+refs/heads/{other}:refs/remotes/origin/{other}");
        clone.git(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"]);
        clone.git(&["fetch", "-q", "--depth", "1", "origin", &spec]);
        clone
    }

    /// Checks with every format, twice, with one and two threads: the same bytes, and nothing of it in the repository.
    pub fn check(&self, arguments: &[&str]) -> Checked {
        let before = self.status();
        let mut runs = Vec::new();
        for threads in ["1", "2"] {
            let out = self.path(&format!("../out-{threads}"));
            let mut all = vec!["check".to_owned(), ".".to_owned(), "--threads".to_owned(), threads.to_owned()];
            all.extend(arguments.iter().map(|a| (*a).to_owned()));
            for (format, file) in FORMATS {
                all.extend(["-o".to_owned(), format!("{format}={}", out.join(file).display())]);
            }
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let (code, said) = self.unbraid(&all);
            let files: Vec<String> = FORMATS
                .iter()
                .map(|(_, file)| {
                    std::fs::read_to_string(out.join(file)).unwrap_or_else(|e| panic!("{file}: {e}: {said}"))
                })
                .collect();
            runs.push((code, said, files));
        }
        assert_eq!(runs[0], runs[1], "runs differ");
        assert_eq!(self.status(), before, "the check left something behind");
        let (code, said, files) = runs.remove(0);
        let json: Value = serde_json::from_str(&files[1]).expect("JSON");
        assert_eq!(json["exit_code"], code, "the outcome says another code");
        // A format alone has the same verdict as all of them together.
        let (quiet, last) = self.unbraid(&[&["check", ".", "-q"], arguments].concat());
        assert_eq!(quiet, code);
        assert_eq!(last.is_empty(), code == 0, "{last}");
        Checked { code, said, files, json }.well_formed()
    }
}

/// What a check gave.
pub struct Checked {
    pub code: i32,
    pub said: String,
    pub files: Vec<String>,
    pub json: Value,
}

impl Checked {
    fn items(&self) -> Vec<&Value> {
        self.json["items"].as_array().expect("items").iter().collect()
    }

    fn failing(&self) -> Vec<&Value> {
        self.items().into_iter().filter(|i| i["fails"] == true).collect()
    }

    pub fn passes(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.said);
        assert!(self.said.starts_with("pass: "), "{}", self.said);
        assert!(self.failing().is_empty(), "{}", self.json);
        assert!(!self.files[4].contains("<failure"), "{}", self.files[4]);
        assert!(!self.files[5].contains("blocker"), "{}", self.files[5]);
        self
    }

    /// Fails by exactly these rules, in every format.
    pub fn fails(&self, rules: &[&str]) -> &Self {
        assert_eq!(self.code, 1, "{}", self.said);
        let mut found: Vec<&str> = self.failing().iter().filter_map(|i| i["rule"].as_str()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, rules, "{}", self.said);
        for rule in rules {
            for ((format, _), text) in FORMATS.iter().zip(&self.files).filter(|((f, _), _)| *f != "badge") {
                assert!(text.contains(rule), "{format} does not name {rule}: {text}");
            }
        }
        assert!(self.files[0].starts_with("gate failed"), "{}", self.files[0]);
        assert!(self.files[2].contains("gate failed"), "{}", self.files[2]);
        assert_eq!(self.files[4].matches("<failure").count(), self.failing().len());
        assert_eq!(self.files[5].matches("blocker").count(), self.failing().len());
        assert!(self.files[6].starts_with("::error "), "{}", self.files[6]);
        self
    }

    pub fn is_not_enough(&self) -> &Self {
        assert_eq!(self.code, 3, "{}", self.said);
        assert_eq!(self.json["verdict"], "not-enough");
        assert!(self.files[4].contains("<error"), "{}", self.files[4]);
        assert!(self.files[6].contains("::error title=unbraid::not enough evidence"), "{}", self.files[6]);
        self
    }

    /// The terminal and the comment both say it; the terminal may wrap it.
    pub fn says(&self, words: &str) -> &Self {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&self.said).contains(words), "`{words}` is not in: {}", self.said);
        let plain = self.files[2].replace('\\', "").replace("&gt;", ">");
        assert!(plain.contains(words), "`{words}` is not in: {}", self.files[2]);
        self
    }

    /// A place is given from the repository's top, wherever a format can.
    pub fn points_at(&self, path: &str) -> &Self {
        for ((format, _), text) in FORMATS.iter().zip(&self.files).filter(|((f, _), _)| *f != "badge") {
            assert!(text.contains(path), "{format} does not point at {path}: {text}");
            assert!(!text.contains("/tmp/"), "{format} holds a path of this machine: {text}");
        }
        self
    }

    /// Each format by its own rules.
    fn well_formed(self) -> Self {
        super::sarif::validate(&self.files[3]);
        let mut reader = quick_xml::Reader::from_str(&self.files[4]);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(e) => panic!("{e}: {}", self.files[4]),
            }
        }
        let issues: Vec<Value> = serde_json::from_str(&self.files[5]).expect("a list");
        let mut prints = Vec::new();
        for issue in &issues {
            assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|l| l > 0), "{issue}");
            assert!(["info", "minor", "major", "blocker"].contains(&issue["severity"].as_str().unwrap_or_default()));
            prints.push(issue["fingerprint"].as_str().expect("a fingerprint").to_owned());
        }
        prints.sort();
        prints.dedup();
        assert_eq!(prints.len(), issues.len(), "a fingerprint is used twice");
        assert!(self.files[6].lines().count() <= 11, "{}", self.files[6]);
        for line in self.files[6].lines() {
            assert!(line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "));
        }
        assert!(self.files[2].starts_with("<!-- unbraid check -->\n"));
        assert!(self.files[7].starts_with("<svg ") && self.files[7].contains("<title>"));
        self
    }
}
