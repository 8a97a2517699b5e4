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

const DECLARED: &str = r#"
library: test
languages: [java]
rules:
  - id: value
    annotation: [Value]
    is: identity
    address: argument 0
  - id: get
    annotation: [GET]
    is: serve
    prefix: type-annotation Path 0
    path: [function-annotation Path 0, text]
    only_if: { type_lacks: [Client] }
  - id: operation
    annotation: [GET]
    is: interface
    path: function-annotation Path 0
    only_if: { type_has: [Client] }
"#;

fn annotation(name: &str, argument: Option<&str>) -> crate::model::Annotation {
    let arguments = argument.map(|a| Argument::positional(text(a))).into_iter().collect();
    crate::model::Annotation { name: name.into(), arguments, line: 1 }
}

fn method(owner: &str, annotations: Vec<crate::model::Annotation>) -> crate::model::Function {
    crate::model::Function { name: "find".into(), owner: Some(owner.into()), annotations, ..Default::default() }
}

#[test]
fn injected_values_reach_fields_and_parameters() {
    let rules = Rules::load([("java/test.yaml", DECLARED)]).expect("rules");
    let value = || vec![annotation("Value", Some("${url}"))];
    let field =
        crate::model::code::Field { name: "url".into(), type_name: "String".into(), line: 3, annotations: value() };
    let mut constructor = method("A", vec![]);
    constructor.parameters =
        vec![crate::model::code::Parameter { name: "url".into(), annotations: value(), ..Default::default() }];
    let mut unit = Unit {
        language: "java".into(),
        types: vec![crate::model::TypeDecl { name: "A".into(), fields: vec![field], ..Default::default() }],
        functions: vec![constructor],
        ..Unit::default()
    };
    recognise(&mut unit, &rules);
    assert_eq!((unit.bindings[0].place.as_str(), &unit.bindings[0].value), ("this.url", &text("${url}")));
    assert_eq!(unit.functions[0].parameters[0].default, Some(text("${url}")));
}

#[test]
fn the_enclosing_type_decides_between_server_and_client() {
    let rules = Rules::load([("java/test.yaml", DECLARED)]).expect("rules");
    let get = || vec![annotation("GET", None), annotation("Path", Some("/{id}"))];
    let decl =
        |name: &str, annotations| crate::model::TypeDecl { name: name.into(), annotations, ..Default::default() };
    let mut unit = Unit {
        language: "java".into(),
        types: vec![
            decl("Server", vec![annotation("Path", Some("/orders"))]),
            decl("Orders", vec![annotation("Client", None)]),
        ],
        functions: vec![method("Server", get()), method("Orders", get())],
        ..Unit::default()
    };
    recognise(&mut unit, &rules);
    let kinds: Vec<SiteKind> = unit.sites.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [SiteKind::Serve, SiteKind::Interface]);
    let parts = vec![Argument::positional(text("/orders")), Argument::positional(text("/{id}"))];
    assert_eq!(unit.sites[0].path, Some(Expr::Call(None, canonical::JOIN.into(), parts)));
}

const VALUES: &str = r#"
library: test
languages: [csharp]
rules:
  - id: index
    member: ["*onfiguration[*]"]
    is: property
    name: capture
  - id: connection
    call: [GetConnectionString]
    on: ["*"]
    is: property
    name: prefixed ConnectionStrings. argument 0
  - id: or
    call: [Or]
    on: ["*"]
    is: fallback
    address: receiver
    default: argument 0
  - id: route
    call: [Route]
    on: ["*"]
    is: serve
    path: argument 0
    method: verb-of 1
    only_if: { second: [x.Get.y, ""] }
"#;

#[test]
fn keys_prefixes_and_fallbacks_become_values() {
    let rules = Rules::load([("csharp/test.yaml", VALUES)]).expect("rules");
    let bind =
        |value: Expr| Binding { place: "x".into(), function: None, owner: None, type_name: None, value, line: 1 };
    let configuration = || Box::new(Expr::Ref("configuration".into()));
    let index = || Expr::Index(configuration(), Box::new(text("Services:Orders")));
    let or =
        Expr::Call(Some(Box::new(index())), "Or".into(), vec![Argument::positional(Expr::Lambda(vec![text("y")]))]);
    let route = Expr::Call(None, "get".into(), vec![]);
    let mut unit = Unit {
        language: "csharp".into(),
        bindings: vec![
            bind(index()),
            bind(Expr::Field(configuration(), "Url".into())),
            bind(call("x", "GetConnectionString", vec![text("Orders")])),
            bind(or),
        ],
        calls: vec![Call {
            line: 2,
            function: None,
            receiver: Some(Expr::Ref("app".into())),
            receiver_type: None,
            name: "Route".into(),
            arguments: vec![Argument::positional(text("/orders")), Argument::positional(route)],
            type_arguments: vec![],
            in_loop: false,
            result_used: true,
            spawned: false,
        }],
        ..Unit::default()
    };
    recognise(&mut unit, &rules);
    let values: Vec<&Expr> = unit.bindings.iter().map(|b| &b.value).collect();
    assert_eq!(*values[0], Expr::Property("Services.Orders".into(), None));
    assert_eq!(*values[1], Expr::Field(configuration(), "Url".into()));
    assert_eq!(*values[2], Expr::Property("ConnectionStrings.Orders".into(), None));
    assert_eq!(*values[3], Expr::Property("Services.Orders".into(), Some(Box::new(text("y")))));
    assert_eq!(unit.sites[0].method, Some(text("GET")));
}
