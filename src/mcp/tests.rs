//! The protocol, message by message, over a small system.

use super::*;
use crate::config::Config;
use crate::files::Source;

fn load() -> Result<RunResult, Error> {
    let text = "edges: [{from: a, to: b, reason: r}, {from: b, to: c, reason: r}]";
    let config = Config::parse("unbraid.yaml", text)?;
    let mut sources = vec![Source::in_memory(
        "docker-compose.yml",
        "services:\n  a:\n    build: ./a\n  b:\n    build: ./b\n  c:\n    build: ./c\n",
    )];
    for name in ["a", "b", "c"] {
        sources.push(Source::in_memory(&format!("{name}/go.mod"), format!("module {name}\n")));
        sources.push(Source::in_memory(&format!("{name}/main.go"), "package main\nfunc main() {}\n"));
    }
    Ok(crate::analyze(&crate::Reading::in_memory(sources, config)?))
}

/// The answers to some lines.
fn answers(lines: &str) -> Vec<Value> {
    let mut out = Vec::new();
    serve(lines.as_bytes(), &mut out, &load).expect("streams in memory");
    String::from_utf8(out).expect("text").lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

fn call(name: &str, arguments: Value) -> Value {
    let line =
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
    answers(&format!("{line}\n")).remove(0)
}

#[test]
fn a_session_is_opened_and_tools_are_listed() {
    let all = answers(concat!(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-03-26\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n\n",
        "{\"jsonrpc\":\"2.0\",\"id\":\"two\",\"method\":\"tools/list\"}\n",
    ));
    assert_eq!(all.len(), 2, "a notification is not answered");
    assert_eq!(all[0]["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(all[1]["id"], "two");
    let tools = all[1]["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), questions::QUESTIONS.len());
    assert!(tools.iter().all(|t| t["annotations"]["readOnlyHint"] == true));
}

#[test]
fn nonsense_is_an_error_of_the_protocol_and_the_server_goes_on() {
    let long = "x".repeat((MOST_BYTES + 10) as usize);
    let all = answers(&format!(
        "{{nonsense\n{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\"}}\n[]\n{long}\n{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}}\n"
    ));
    let codes: Vec<i64> = all.iter().filter_map(|a| a["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [PARSE_ERROR, METHOD_NOT_FOUND, INVALID_REQUEST, PARSE_ERROR]);
    assert_eq!(all.last().map(|a| &a["result"]), Some(&json!({})));
}

#[test]
fn a_new_call_is_weighed_before_it_is_written() {
    let answer = call("what_if", json!({"from": "c", "to": "a"}));
    let found = &answer["result"]["structuredContent"];
    assert_eq!(found["closes_cycle"], json!(["a", "b", "c"]));
    assert!(found["score_after"].as_f64() > found["score_before"].as_f64(), "{found}");
    let answer = call("what_if", json!({"from": "a", "to": "b"}));
    let found = &answer["result"]["structuredContent"];
    assert_eq!((found["exists_already"].as_bool(), &found["closes_cycle"]), (Some(true), &Value::Null));
    assert_eq!(found["score_after"], found["score_before"]);
}

#[test]
fn questions_are_answered_with_evidence_and_wrong_names_with_the_nearest() {
    let edges = call("dependencies", json!({"service": "b", "mode": "sync"}));
    assert_eq!(edges["result"]["structuredContent"]["dependencies"].as_array().map(Vec::len), Some(2));
    let edge = call("explain", json!({"subject": "a->b"}));
    assert!(edge["result"]["content"][0]["text"].as_str().is_some_and(|t| t.contains("a → b: sync")), "{edge}");
    let wrong = call("explain", json!({"subject": "nobody"}));
    assert_eq!(wrong["result"]["isError"], true);
    assert_eq!(call("simulate", json!({}))["result"]["isError"], true);
    assert_eq!(call("no-such", json!({}))["error"]["code"], INVALID_PARAMS);
    for question in ["services", "score", "plan", "refresh"] {
        assert_eq!(call(question, json!({}))["result"]["isError"], false, "{question}");
    }
}
