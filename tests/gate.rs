//! The gate as a pipeline meets it: a repository grows commit by commit, and verdict, exit code and text are right at
//! each step, in every format, without a trace of it in the repository.

#[path = "gate/repository.rs"]
mod repository;
#[path = "gate/sarif.rs"]
mod sarif;

use repository::{Checked, Repository};

/// The gate of the story.
const GATE: &str = "gate:\n  levels: {new-sync-edge: error}\n  max_score: 60\n";

#[test]
fn a_repository_grows_and_the_gate_follows() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.file("unbraid.yaml", GATE);
    repo.commit("a calls b");
    repo.git(&["checkout", "-q", "-b", "work"]);

    // 1. Nothing has changed.
    let seen = repo.check(&["--base", "main"]);
    seen.passes().says("as in").shows_nothing_new();

    // 2. An edge is added.
    repo.system(&["a>b", "b>c"]);
    repo.commit("b calls c");
    let seen = repo.check(&["--base", "main"]);
    seen.fails(&["new-sync-edge"]).says("b now calls c and waits").points_at("b/main.go");
    // It is merged; seen from there, it is old.
    repo.git(&["branch", "-f", "main", "work"]);
    repo.check(&["--base", "main"]).passes().shows_nothing_new();

    // 3. A file is renamed and its lines move: identity knows neither.
    repo.git(&["mv", "b/main.go", "b/client.go"]);
    let moved = format!("// A comment more.\n\n{}", repo.read("b/client.go"));
    repo.file("b/client.go", &moved);
    repo.commit("b/main.go is b/client.go now");
    repo.check(&["--base", "main"]).passes().shows_nothing_new();
    repo.check(&["--base", "main", "--fail-on", "any"]).passes();
    repo.git(&["branch", "-f", "main", "work"]);
    repo.git(&["mv", "b/client.go", "b/main.go"]);
    repo.commit("and back");

    // 4. A cycle is closed.
    repo.system(&["a>b", "b>c", "c>a"]);
    repo.commit("c calls a");
    let seen = repo.check(&["--base", "main"]);
    seen.fails(&["new-sync-edge", "sync-cycle"]).says("3 services wait for each other").points_at("c/main.go");

    // 5. The change accepts it itself: that counts only once it is in the base.
    repo.unbraid(
        &["baseline", "write", ".", "--only", "sync-cycle", "--reason", "split planned", "--owner", "team-a"]
            .iter()
            .chain(&["--expires", "2026-06-30"])
            .copied()
            .collect::<Vec<_>>(),
    );
    repo.commit("the cycle is accepted");
    let seen = repo.check(&["--base", "main", "--today", "2026-01-01"]);
    seen.fails(&["new-sync-edge", "sync-cycle"]).says("counts once it is in the base").says("1 more than at the base");

    // 6. It is in the base: accepted, with its reason.
    repo.git(&["branch", "-f", "main", "work"]);
    let seen = repo.check(&["--base", "main", "--today", "2026-06-30", "--fail-on", "any"]);
    seen.passes().says("1 accepted, as many as at the base; 1 in use");
    // Without a base, the baseline alone says what is new.
    repo.check(&["--today", "2026-06-30"]).passes().shows_nothing_new();

    // 7. Its time is over: it returns, and says why.
    let seen = repo.check(&["--base", "main", "--today", "2026-07-01"]);
    seen.fails(&["sync-cycle"]).says("accepted until 2026-06-30, which is over").says("1 expired");
    a_cycle_is_fixed_and_the_gate_loosened(&repo);
}

/// The second half of the story.
fn a_cycle_is_fixed_and_the_gate_loosened(repo: &Repository) {
    // 8. The cycle is fixed: better, and the acceptance is stale.
    repo.system(&["a>b", "b>c"]);
    repo.commit("c no longer calls a");
    let seen = repo.check(&["--base", "main", "--today", "2026-01-01"]);
    seen.passes().says("1 stale").says("c → a no longer calls and waits");
    let seen = repo.check(&["--base", "main", "--today", "2026-01-01", "--stale", "error"]);
    seen.fails(&["stale-acceptance"]).says("prune it");

    // 9. It is pruned.
    repo.unbraid(&["baseline", "prune", "."]);
    repo.commit("the baseline is empty again");
    repo.git(&["branch", "-f", "main", "work"]);
    repo.check(&["--base", "main", "--stale", "error"]).passes().says("0 accepted");

    // 10. The base moves on by an edge of its own: that is not this change's.
    repo.git(&["checkout", "-q", "main"]);
    repo.system(&["a>b", "a>c", "b>c"]);
    repo.commit("a calls c, on main");
    repo.git(&["checkout", "-q", "work"]);
    repo.file("README.md", "A word more.\n");
    repo.commit("only words");
    let seen = repo.check(&["--base", "main"]);
    seen.passes().says("main has moved on by 1 commit").shows_nothing_new();

    // 11. A change loosens its own gate and uses it: both are found, and the base's limits hold.
    repo.system(&["a>b", "b>c", "c>d"]);
    repo.file("unbraid.yaml", "gate:\n  levels: {new-sync-edge: off}\n  max_score: 90\n");
    repo.commit("everything is allowed");
    let seen = repo.check(&["--base", "main"]);
    seen.fails(&["loosened-gate", "new-sync-edge"]).says("from error to off").says("from 60 to 90");

    // 12. Too little evidence is no pass, whatever else there is.
    repo.file("b/guess.go", "package main\nimport (\n\t\"net/http\"\n\t\"os\"\n)\nfunc init() { http.Get(os.Getenv(\"NOWHERE_URL\") + \"/x\") }\n");
    let seen = repo.check(&["--base", "main", "--min-coverage", "0.99"]);
    seen.is_not_enough().says("below the floor of 99 %");
}

#[test]
fn only_what_this_repository_brought_fails_beside_the_facts_of_others() {
    let (mine, other) = (Repository::new(), Repository::new());
    // The other repository has a cycle of its own, b and c; this one calls into it.
    other.system(&["b>c", "c>b"]);
    other.commit("theirs");
    other.unbraid(&["analyze", ".", "-o", "../out-facts", "--facts-out", "../facts.json"]);
    let facts = other.path("../facts.json").display().to_string();
    mine.service("a", &["b"]);
    mine.commit("ours");
    let seen = mine.check(&["--facts", &facts, "--fail-on", "any"]);
    seen.passes().says("in other repositories");
    let (code, text) =
        mine.unbraid(&["check", ".", "--facts", &facts, "--level", "new-sync-edge=error", "--base", "HEAD"]);
    assert_eq!(code, 0, "{text}");
    mine.service("a", &["b", "c"]);
    let seen = mine.check(&["--facts", &facts, "--level", "new-sync-edge=error", "--base", "HEAD"]);
    seen.fails(&["new-sync-edge"]).says("a now calls c").points_at("a/main.go");
}

/// What breaks callers is a finding of the change that brings it; a new version beside the old one is none.
#[test]
fn a_breaking_change_of_a_specification_fails_without_a_new_version() {
    let specification = |version: &str, paths: &str, fields: &str, required: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: b, version: {version}}}\npaths:\n{paths}components:\n  schemas:\n    Item:\n      \
             required: [{required}]\n      properties:\n{fields}"
        )
    };
    let answer = "{'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Item'}}}}}";
    let get = |path: &str| format!("  {path}:\n    get:\n      responses: {answer}\n");
    let put = "  /v1/stock:\n    put:\n      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Item'}}}}\n";
    let both = get("/v1/items/{id}") + put;
    let fields = "        id: {type: string}\n        price: {type: integer}\n        note: {type: string}\n";
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.file("b/openapi.yaml", &specification("1.4.0", &both, fields, "id, price"));
    repo.commit("b has a specification");
    repo.git(&["checkout", "-q", "-b", "work"]);
    let check = |paths: &str, fields: &str, required: &str, version: &str| {
        repo.file("b/openapi.yaml", &specification(version, paths, fields, required));
        repo.check(&["--base", "main", "--level", "unversioned-api=error"])
    };
    let more = format!("{fields}        colour: {{type: string}}\n");
    // Another name of a parameter, another field, another operation: nobody breaks.
    let renamed = get("/v1/items/{itemId}") + put + &get("/v1/items");
    check(&renamed, &more, "id, price", "1.5.0").passes().shows_nothing_new();
    let text = fields.replace("price: {type: integer}", "price: {type: string}");
    let seen = check(&both, &text, "id, price", "1.5.0");
    seen.fails(&["unversioned-api"]).says("Item.price of the answer of GET /v1/items/{id} was integer and is string");
    seen.points_at("b/openapi.yaml");
    let less = fields.replace("        note: {type: string}\n", "");
    check(&both, &less, "id, price", "1.4.1").fails(&["unversioned-api"]).says("Item.note is gone from the answer");
    check(&both, fields, "id", "1.4.1").fails(&["unversioned-api"]).says("Item.price may be absent");
    check(&both, &more, "id, price, colour", "1.4.1")
        .fails(&["unversioned-api"])
        .says("Item.colour must be in the request of PUT /v1/stock");
    check(put, fields, "id, price", "1.4.1").fails(&["unversioned-api"]).says("GET /v1/items/{id} is gone");
    // The same with a new version, in the document or in the path.
    check(&both, &less, "id, price", "2.0.0").passes().shows_nothing_new();
    check(&(get("/v2/items/{id}") + put), fields, "id, price", "1.4.1").passes().shows_nothing_new();
}

#[test]
fn files_of_one_path_in_two_repositories_stay_two() {
    let repo = Repository::new();
    let code = |url: &str| {
        format!(
            "package main\nimport (\n\t\"net/http\"\n\t\"os\"\n)\nfunc main() {{\n\tresp, _ := http.Get(os.Getenv(\"{url}\") + \"/items\")\n\tuse(resp)\n}}\n"
        )
    };
    for (name, other) in [("orders", "carts"), ("carts", "stock")] {
        let folder = format!("../repositories/{name}");
        repo.file(&format!("{folder}/go.mod"), &format!("module example.org/{name}\n"));
        repo.file(&format!("{folder}/main.go"), &code(&format!("{}_URL", other.to_uppercase())));
        let compose = format!(
            "services:\n  {name}:\n    build: .\n    environment:\n      {}_URL: http://{other}:8080\n",
            other.to_uppercase()
        );
        repo.file(&format!("{folder}/compose.yml"), &compose);
        let (code, text) =
            repo.unbraid(&["analyze", &folder, "-o", "json=../one.json", "--facts-out", &format!("../{name}.json")]);
        assert_eq!(code, 0, "{text}");
    }
    let (code, text) = repo.unbraid(&["analyze", "../orders.json", "../carts.json", "-o", "json=../both.json"]);
    assert_eq!(code, 0, "{text}");
    let result: serde_json::Value = serde_json::from_str(&repo.read("../both.json")).expect("JSON");
    let edges: Vec<String> = result["dependencies"]
        .as_array()
        .expect("edges")
        .iter()
        .map(|d| format!("{}>{}", d["source"].as_str().unwrap_or_default(), d["target"].as_str().unwrap_or_default()))
        .collect();
    assert!(edges.contains(&"orders>carts".to_owned()), "{edges:?}");
    assert!(!edges.iter().any(|e| e == "orders>orders" || e == "orders>stock"), "{edges:?}");
}

#[test]
fn a_repository_cannot_make_the_gate_run_its_programs() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.commit("one");
    let trap = repo.path("../trap");
    let script = repo.path("../trap.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", trap.display())).expect("a script");
    #[cfg(unix)]
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let script = script.display().to_string();
    for (key, value) in [
        ("core.fsmonitor", script.as_str()),
        ("core.hooksPath", repo.path("..").to_str().expect("a path")),
        ("diff.external", &script),
        ("diff.go.textconv", &script),
        ("core.pager", &script),
        ("core.sshCommand", &script),
    ] {
        repo.git(&["config", key, value]);
    }
    repo.file(".gitattributes", "*.go diff=go\n");
    repo.git(&["add", "-A"]);
    repo.git(&["status"]);
    assert!(trap.exists(), "the trap is no trap");
    std::fs::remove_file(&trap).expect("removed");
    let (code, text) = repo.unbraid(&["check", ".", "--base", "main"]);
    assert_eq!(code, 0, "{text}");
    assert!(!trap.exists(), "a program of the repository ran");
}

#[test]
fn a_base_that_cannot_be_used_says_how_to_fix_it() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.commit("one");
    let error = |arguments: &[&str]| {
        let (code, text) = repo.unbraid(&[&["check", "."], arguments].concat());
        assert_eq!(code, 2, "{text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        text
    };
    assert!(error(&["--base", "origin/main"]).contains("git fetch origin main"));
    assert!(error(&["--base=--upload-pack=x"]).contains("no such revision"));
    repo.git(&["checkout", "-q", "--orphan", "alone"]);
    repo.commit("another root");
    assert!(error(&["--base", "main"]).contains("no common commit"));

    // A shallow clone, as pipelines make them.
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["checkout", "-q", "-b", "work"]);
    repo.file("x.md", "x");
    repo.commit("work");
    repo.git(&["checkout", "-q", "main"]);
    repo.file("y.md", "y");
    repo.commit("main moves");
    let clone = repo.shallow_clone("work", "main");
    let (code, text) = clone.unbraid(&["check", ".", "--base", "origin/main"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("git fetch --unshallow") && text.contains("fetch-depth: 0"), "{text}");
    // As it says, so it works.
    clone.git(&["fetch", "-q", "--unshallow"]);
    clone.check(&["--base", "origin/main"]).passes().says("moved on by 1 commit");

    let plain = tempfile::tempdir().expect("a folder");
    std::fs::write(plain.path().join("x.go"), "package main\n").expect("written");
    let (code, text) = repository::unbraid(plain.path(), &["check", ".", "--base", "main"], &[]);
    assert!(code == 2 && text.contains("not in a git repository"), "{text}");
}

#[test]
fn mistakes_are_one_line_and_leave_nothing_behind() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.commit("one");
    let error = |arguments: &[&str], words: &str| {
        let before = repo.status();
        let (code, text) = repo.unbraid(arguments);
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert_eq!(text.trim_end().lines().filter(|l| l.starts_with("error")).count(), 1, "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
        assert_eq!(repo.status(), before, "{arguments:?} left something behind");
    };
    repo.file("unbraid-baseline.json", "{\"schema\": \"unbraid-baseline/1\", \"accepted\": [{]}");
    error(&["check", "."], "no baseline");
    repo.file("unbraid-baseline.json", "{\"schema\": \"unbraid-baseline/7\", \"accepted\": []}");
    error(&["check", "."], "newer unbraid");
    repo.remove("unbraid-baseline.json");
    repo.file("unbraid.yaml", "gate:\n  levels: {sync-cicle: off}\n");
    error(&["check", "."], "did you mean `sync-cycle`?");
    repo.file("unbraid.yaml", "gate:\n  ratched: true\n");
    error(&["check", "."], "unbraid.yaml:2");
    repo.remove("unbraid.yaml");
    error(&["check", ".", "--level", "sync-cycle=loud"], "is no level");
    error(&["check", ".", "--today", "tomorrow"], "YYYY-MM-DD");
    error(&["check", ".", "-o", "out/gate"], "says no format");
    error(&["check", ".", "-o", "pdf=x"], "is no format");
    error(&["baseline", "write", ".", "--only", "no-such-rule", "--reason", "x"], "nothing of no-such-rule");
    error(&["baseline", "prune", "."], "there is no baseline");
    error(&["init", "no/such/folder"], "cannot read");
    repo.file("file", "a file");
    error(&["check", ".", "-o", "md=file/below.md"], "cannot write file/below.md");
    #[cfg(target_os = "linux")]
    error(&["check", ".", "-o", "sarif=/dev/full"], "No space left");
}

#[test]
fn the_summary_of_a_step_is_appended_to_and_files_are_replaced() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.commit("one");
    let summary = repo.path("../summary");
    std::fs::write(&summary, "before\n").expect("written");
    let name = summary.display().to_string();
    for _ in 0..2 {
        let environment = [("GITHUB_STEP_SUMMARY", name.as_str())];
        let arguments = ["check", ".", "-o", name.as_str(), "-o", "../gate.md"];
        let (code, text) = repository::unbraid(&repo.path("."), &arguments, &environment);
        assert_eq!(code, 0, "{text}");
    }
    let text = std::fs::read_to_string(&summary).expect("the summary");
    assert!(text.starts_with("before\n") && text.matches("<!-- unbraid check -->").count() == 2, "{text}");
    let single = std::fs::read_to_string(repo.path("../gate.md")).expect("a file");
    assert_eq!(single.matches("<!-- unbraid check -->").count(), 1);
}

#[test]
fn configuration_is_found_upwards_to_the_top_of_the_repository() {
    let repo = Repository::new();
    repo.system(&["a>b"]);
    repo.file("unbraid.yaml", "gate: {max_score: 1}\n");
    repo.commit("one");
    let (code, text) = repo.unbraid(&["check", "."]);
    assert_eq!(code, 1, "{text}");
    // Above the top of a repository lies what belongs to somebody else.
    std::fs::write(repo.path("../unbraid.yaml"), "nonsense: true\n").expect("written");
    repo.remove("unbraid.yaml");
    let (code, text) = repo.unbraid(&["check", "a", "b"]);
    assert_eq!(code, 0, "{text}");
    repo.file("unbraid.yaml", "nonsense: true\n");
    let (code, text) = repo.unbraid(&["check", "a", "b"]);
    assert!(code == 2 && text.contains("nonsense"), "{text}");
}

#[test]
fn what_init_writes_holds_and_is_not_overwritten() {
    let repo = Repository::new();
    repo.system(&["a>b", "b>a"]);
    repo.commit("one");
    let (code, text) = repo.unbraid(&["init", "."]);
    assert_eq!(code, 0, "{text}");
    repo.commit("unbraid.yaml");
    repo.check(&["--base", "main"]).passes();
    let (code, text) = repo.unbraid(&["init", "."]);
    assert!(code == 2 && text.contains("--force"), "{text}");
    // Every line that it shows as a comment can be used.
    let used: String = repo
        .read("unbraid.yaml")
        .lines()
        .map(|l| l.trim_start().strip_prefix("# ").map_or_else(|| l.to_owned(), |t| indent(l) + t))
        .filter(|l| {
            l.trim_start().starts_with(|c: char| c.is_ascii_lowercase() || c == '-')
                && l.contains(':')
                && !l.contains("; ")
        })
        .map(|l| format!("{l}\n"))
        .collect();
    repo.file("used.yaml", &used.replace("from: A", "from: a").replace("to: B", "to: b"));
    let (code, text) = repo.unbraid(&["check", ".", "--config", "used.yaml"]);
    assert!(code <= 1, "{text}\n{used}");
}

fn indent(line: &str) -> String {
    line.chars().take_while(|c| *c == ' ').collect()
}

/// What a format must say to be of use, whatever the outcome.
impl Checked {
    fn shows_nothing_new(&self) -> &Self {
        // Smells that only inform are never accepted one by one: they may be new, and fail nothing.
        let fails = |i: &serde_json::Value| i["state"] == "new" && i["level"] == "error";
        assert!(!self.json["items"].as_array().expect("items").iter().any(fails), "{}", self.json);
        self
    }
}
