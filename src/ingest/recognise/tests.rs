//! Tests of the recogniser on hand-made units.

use super::*;
use crate::model::{Binding, Confidence, SiteKind};

const RULES: &str = r#"
library: test
languages: [go]
rules:
  - id: env
    call: [Getenv]
    on: [os]
    is: environment
    name: argument 0
  - id: sprintf
    call: [Sprintf]
    on: [fmt]
    is: format
    address: argument 0
  - id: get
    call: [Get, Post]
    on: [net/http, http.Client]
    is: http
    protocol: http
    address: argument 0
    method: verb
"#;

fn text(s: &str) -> Expr {
    Expr::literal(s)
}

fn call(receiver: &str, name: &str, arguments: Vec<Expr>) -> Expr {
    let arguments = arguments.into_iter().map(Argument::positional).collect();
    Expr::Call(Some(Box::new(Expr::Ref(receiver.into()))), name.into(), arguments)
}

#[test]
fn environment_and_formats_become_canonical_and_calls_become_sites() {
    let rules = Rules::load([("go/test.yaml", RULES)]).expect("rules");
    let import = |name: &str, path: &str| crate::model::code::Import { name: name.into(), path: path.into() };
    let url = call("fmt", "Sprintf", vec![text("%s/orders/%d"), Expr::Ref("base".into()), Expr::Ref("id".into())]);
    let mut unit = Unit {
        language: "go".into(),
        imports: vec![import("http", "net/http"), import("os", "os"), import("fmt", "fmt")],
        bindings: vec![Binding {
            place: "base".into(),
            function: None,
            owner: None,
            type_name: None,
            value: call("os", "Getenv", vec![text("ORDERS_URL")]),
            line: 1,
        }],
        calls: vec![Call {
            line: 2,
            function: None,
            receiver: Some(Expr::Ref("http".into())),
            receiver_type: None,
            name: "Get".into(),
            arguments: vec![Argument::positional(url)],
            type_arguments: vec![],
            in_loop: false,
            result_used: true,
            spawned: false,
        }],
        ..Unit::default()
    };
    recognise(&mut unit, &rules);
    assert_eq!(unit.bindings[0].value, Expr::Env("ORDERS_URL".into(), None));
    let site = &unit.sites[0];
    assert_eq!((site.kind, site.confidence), (SiteKind::Http, Confidence::Confirmed));
    assert_eq!(site.method, Some(text("GET")));
    let parts = vec![Expr::Ref("base".into()), text("/orders/"), Expr::Ref("id".into())];
    assert_eq!(site.address, Some(Expr::Concat(parts)));
}

#[test]
fn format_strings_expand_in_every_dialect() {
    let a = || Expr::Ref("a".into());
    let expanded = Expr::Concat(vec![text("http://"), a(), text("/x")]);
    for pattern in ["http://%s/x", "http://{}/x", "http://{0}/x"] {
        assert_eq!(read::expand(pattern, &[a()], &[]), expanded, "{pattern}");
    }
    assert_eq!(read::expand("100%", &[], &[]), text("100%"));
    assert_eq!(read::expand("a{{b", &[], &[]), text("a{b"));
}
