//! The history of a repository: change coupling joined to calls, contested services, and what is said without one.

use std::path::Path;
use std::process::Command;

use unbraid::result::Result as Found;

fn file(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    std::fs::write(path, content).expect("written");
}

fn git(folder: &Path, author: &str, time: u32, arguments: &[&str]) {
    let address = format!("{author}@shop.org");
    let date = format!("{} +0000", 1_700_000_000 + time);
    let output = Command::new("git")
        .args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main", "-C"])
        .arg(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", author), ("GIT_COMMITTER_NAME", author)])
        .envs([("GIT_AUTHOR_EMAIL", &address), ("GIT_COMMITTER_EMAIL", &address)])
        .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
        .output()
        .expect("git is needed to read histories");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Three services; `a` calls `b`. Changes touch the files that are named.
fn system(folder: &Path) {
    let app = |body: &str| format!("import requests\nfrom flask import Flask\n\napp = Flask(__name__)\n\n{body}");
    for name in ["a", "b", "c"] {
        file(folder, &format!("{name}/requirements.txt"), "flask\nrequests\n");
    }
    let call =
        "@app.route('/x', methods=['GET'])\ndef x():\n    return requests.get('http://b:8080/y', timeout=2).json()\n";
    file(folder, "a/app.py", &app(call));
    file(folder, "b/app.py", &app("@app.route('/y', methods=['GET'])\ndef y():\n    return {}\n"));
    file(folder, "c/app.py", &app("@app.route('/z', methods=['GET'])\ndef z():\n    return {}\n"));
    let services: String = ["a", "b", "c"].iter().map(|n| format!("  {n}:\n    build: ./{n}\n")).collect();
    file(folder, "docker-compose.yml", &format!("services:\n{services}"));
}

fn commit(folder: &Path, author: &str, time: u32, services: &[&str]) {
    for name in services {
        file(folder, &format!("{name}/notes-{time}.txt"), "x\n");
    }
    git(folder, author, time, &["add", "-A"]);
    git(folder, author, time, &["commit", "-q", "-m", "SHOP-1: change"]);
}

fn analyze(folder: &Path) -> Found {
    let request = unbraid::Request { inputs: vec![folder.to_path_buf()], ..unbraid::Request::default() };
    unbraid::analyze(&unbraid::read(&request).expect("readable"))
}

fn found(result: &Found, smell: &str) -> Vec<Vec<String>> {
    result.findings.iter().filter(|f| f.smell == smell).map(|f| f.services.clone()).collect()
}

fn missing<'r>(result: &'r Found, smell: &str) -> &'r str {
    let entry = result.not_evaluated.iter().find(|n| n.smell == smell);
    entry.map_or_else(|| panic!("{smell} was evaluated"), |n| n.missing.as_str())
}

#[test]
fn services_that_call_and_change_together_are_in_lockstep() {
    let folder = tempfile::tempdir().expect("temp dir");
    let root = folder.path();
    system(root);
    git(root, "ann", 0, &["init", "-q"]);
    for time in 1..7 {
        commit(root, "ann", time, &["a", "b"]);
    }
    // `c` changes with `b` as well, but no call joins them: that is no lockstep on a call.
    for time in 7..13 {
        commit(root, "ann", time, &["b", "c"]);
    }
    let result = analyze(root);
    assert_eq!(found(&result, "lockstep-change"), [["a", "b"]]);
    assert!(found(&result, "contested-service").is_empty());
    let score = result.score.expect("a score");
    assert_eq!(score.sub_scores.change_coupling, Some(100.0));
}

#[test]
fn few_common_changes_are_no_lockstep_and_several_teams_contest_a_service() {
    let folder = tempfile::tempdir().expect("temp dir");
    let root = folder.path();
    system(root);
    git(root, "ann", 0, &["init", "-q"]);
    for time in 1..5 {
        commit(root, "ann", time, &["a", "b"]);
    }
    for time in 10..20 {
        commit(root, "ann", time, &["a"]);
        commit(root, "bob", 100 + time, &["b"]);
        commit(root, "cid", 200 + time, &["c"]);
    }
    // All three come to `c` as well.
    for time in 20..27 {
        commit(root, "ann", 300 + time, &["c"]);
        commit(root, "bob", 400 + time, &["c"]);
    }
    let result = analyze(root);
    assert!(found(&result, "lockstep-change").is_empty());
    assert_eq!(found(&result, "contested-service"), [["c"]]);
    assert!(result.findings.iter().all(|f| !f.because.contains("@shop.org")), "an address of an author is shown");
}

#[test]
fn without_a_whole_history_the_remedy_is_said() {
    let folder = tempfile::tempdir().expect("temp dir");
    let (root, clone) = (folder.path().join("origin"), folder.path().join("clone"));
    system(&root);
    assert!(missing(&analyze(&root), "lockstep-change").contains("git clone"));
    git(&root, "ann", 0, &["init", "-q"]);
    assert!(missing(&analyze(&root), "lockstep-change").contains("nothing may be committed"));
    for time in 1..4 {
        commit(&root, "ann", time, &["a", "b"]);
    }
    let from = format!("file://{}", root.display());
    git(folder.path(), "ann", 9, &["clone", "-q", "--depth", "1", &from, &clone.display().to_string()]);
    assert!(missing(&analyze(&clone), "lockstep-change").contains("git fetch --unshallow"));
    assert!(missing(&analyze(&root.join("a")), "lockstep-change").contains("larger repository"));
    let result = analyze(&clone);
    assert_eq!(result.score.expect("a score").sub_scores.change_coupling, None);
}

/// One service a repository, each read by itself and saved: their changes belong together by ticket.
#[test]
fn saved_facts_of_two_repositories_change_in_lockstep() {
    let folder = tempfile::tempdir().expect("temp dir");
    let whole = folder.path().join("whole");
    system(&whole);
    let mut inputs = Vec::new();
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let root = folder.path().join(name);
        std::fs::create_dir_all(&root).expect("folders");
        std::fs::rename(whole.join(name), root.join(name)).expect("moved");
        file(&root, "docker-compose.yml", &format!("services:\n  {name}:\n    build: ./{name}\n"));
        git(&root, "ann", 0, &["init", "-q"]);
        for time in 0..6 {
            file(&root, &format!("{name}/notes-{time}.txt"), "x\n");
            git(&root, ["ann", "bob"][at], 0, &["add", "-A"]);
            // A month apart and by two people: only the ticket joins them.
            let when = (time * 2 + at as u32) * 30 * 86_400;
            git(&root, ["ann", "bob"][at], when, &["commit", "-q", "-m", &format!("SHOP-{time}: change")]);
        }
        let request = unbraid::Request { inputs: vec![root], ..unbraid::Request::default() };
        let facts = unbraid::read(&request).expect("readable").facts;
        let facts = serde_json::to_vec(&facts).expect("JSON");
        let saved = folder.path().join(format!("{name}-facts.json"));
        std::fs::write(&saved, facts).expect("written");
        inputs.push(saved);
    }
    let request = unbraid::Request { inputs, ..unbraid::Request::default() };
    let result = unbraid::analyze(&unbraid::read(&request).expect("readable"));
    assert_eq!(found(&result, "lockstep-change"), [["a", "b"]]);
}

#[test]
fn two_revisions_are_compared() {
    let folder = tempfile::tempdir().expect("temp dir");
    let root = folder.path();
    system(root);
    git(root, "ann", 0, &["init", "-q"]);
    commit(root, "ann", 1, &["a"]);
    let call = std::fs::read_to_string(root.join("a/app.py")).expect("readable");
    let more =
        call.replace("return requests.get", "requests.get('http://c:8080/z', timeout=2)\n    return requests.get");
    file(root, "a/app.py", &more);
    commit(root, "ann", 2, &["a"]);
    // What is not committed belongs to neither.
    std::fs::remove_file(root.join("a/app.py")).expect("removed");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unbraid"));
        command.args(["diff", "--in"]).arg(root).args(arguments).output().expect("it runs")
    };
    for arguments in [&["HEAD~1", "HEAD", "--json"][..], &["HEAD~1..HEAD", "--json"], &["HEAD~1", "--json"]] {
        let output = run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let diff: unbraid::diff::Diff = serde_json::from_slice(&output.stdout).expect("a diff");
        assert!(diff.score.expect("both have a score") > 0.0, "{arguments:?}");
        assert_eq!((diff.new_edges.len(), diff.gone_edges.len()), (1, 0), "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("GET /z") && text.contains("a/app.py"), "{text}");
    }
    let output = run(&["HEAD~1", "no-such-thing"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no-such-thing: no such file") && said.trim().lines().count() == 1, "{said}");
}

/// A repository cannot make the reader run anything.
#[cfg(unix)]
#[test]
fn nothing_of_the_repository_is_run() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("temp dir");
    let root = folder.path();
    system(root);
    git(root, "ann", 0, &["init", "-q"]);
    commit(root, "ann", 1, &["a", "b"]);
    let (script, mark) = (root.join("evil.sh"), folder.path().join("ran"));
    file(root, "evil.sh", &format!("#!/bin/sh\ntouch {}\ncat \"$1\" 2>/dev/null\n", mark.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("made a program");
    let run = script.display().to_string();
    for (key, value) in [
        ("core.fsmonitor", run.as_str()),
        ("diff.external", &run),
        ("diff.evil.textconv", &run),
        ("diff.evil.command", &run),
        ("core.pager", &run),
        ("core.hooksPath", &root.display().to_string()),
    ] {
        git(root, "ann", 0, &["config", key, value]);
    }
    file(root, ".gitattributes", "* diff=evil\n");
    let result = analyze(root);
    assert!(!mark.exists(), "the repository ran a program");
    assert!(!result.not_evaluated.iter().any(|n| n.smell == "lockstep-change"));
}
