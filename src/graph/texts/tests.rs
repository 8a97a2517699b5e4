//! Values in, texts out.

use super::*;
use crate::graph::scope::Scope;
use crate::model::code::{Binding, Call, Function, Parameter};
use crate::model::{Argument, Unit};

fn unit() -> Unit {
    let mut unit = Unit { language: "go".to_owned(), ..Unit::default() };
    unit.place.path = "main.go".to_owned();
    unit
}

fn binding(place: &str, function: Option<u32>, value: Expr) -> Binding {
    Binding { place: place.to_owned(), function, owner: None, type_name: None, value, line: 3 }
}

fn texts_of<'a>(units: &'a [Unit], expr: &'a Expr, function: Option<u32>) -> Vec<String> {
    let environment = Environment::default();
    let scope = Scope::of(units.iter().collect(), Vec::new());
    let texts = Texts::new(Values::new(&scope), &environment);
    texts.of(expr, &Frame::new(0, function, None)).into_iter().map(|t| t.text).collect()
}

#[test]
fn follows_locals_constants_and_holes() {
    let mut unit = unit();
    unit.functions.push(Function { name: "f".to_owned(), ..Function::default() });
    unit.bindings.push(binding("HOST", None, Expr::literal("http://orders:8080")));
    let url = Expr::Concat(vec![Expr::Ref("HOST".into()), Expr::literal("/orders/"), Expr::Ref("id".into())]);
    unit.bindings.push(binding("url", Some(0), url));
    assert_eq!(texts_of(&[unit], &Expr::Ref("url".into()), Some(0)), ["http://orders:8080/orders/{}"]);
}

#[test]
fn follows_parameters_to_callers_and_pointers_back() {
    let mut unit = unit();
    let parameter = |name: &str| Parameter { name: name.to_owned(), ..Parameter::default() };
    unit.functions.push(Function { name: "main".to_owned(), ..Function::default() });
    unit.functions.push(Function {
        name: "mustMapEnv".to_owned(),
        parameters: vec![parameter("target"), parameter("key")],
        ..Function::default()
    });
    let call = Expr::Call(
        None,
        "mustMapEnv".to_owned(),
        vec![
            Argument::positional(Expr::Field(Box::new(Expr::Ref("svc".into())), "addr".into())),
            Argument::positional(Expr::literal("ORDERS_ADDR")),
        ],
    );
    unit.bindings.push(binding("svc.addr", Some(0), Expr::Out(Box::new(call), 0)));
    let read = Expr::Call(
        None,
        "@env".to_owned(),
        vec![Argument::positional(Expr::Ref("key".into())), Argument::positional(Expr::literal("orders:50051"))],
    );
    unit.bindings.push(binding("*target", Some(1), read));
    let at = Expr::Field(Box::new(Expr::Ref("svc".into())), "addr".into());
    assert_eq!(texts_of(&[unit], &at, Some(0)), ["orders:50051"]);
}

#[test]
fn fields_of_constructed_objects_keep_their_own_arguments() {
    let mut unit = unit();
    let parameter = Parameter { name: "base".to_owned(), ..Parameter::default() };
    unit.types.push(crate::model::TypeDecl { name: "Client".to_owned(), ..crate::model::TypeDecl::default() });
    unit.functions.push(Function {
        name: "new".into(),
        owner: Some("Client".into()),
        parameters: vec![parameter],
        ..Function::default()
    });
    unit.functions.push(Function {
        name: "url".into(),
        owner: Some("Client".into()),
        returns: vec![Expr::Field(Box::new(Expr::Ref("this".into())), "base".into())],
        ..Function::default()
    });
    unit.bindings
        .push(Binding { owner: Some("Client".into()), ..binding("this.base", Some(0), Expr::Ref("base".into())) });
    let new = |text: &str| Expr::Call(None, "new Client".to_owned(), vec![Argument::positional(Expr::literal(text))]);
    unit.bindings.push(binding("a", None, new("http://a")));
    unit.bindings.push(binding("b", None, new("http://b")));
    unit.calls.push(Call {
        line: 1,
        function: None,
        receiver: None,
        receiver_type: None,
        name: "new Client".into(),
        arguments: vec![Argument::positional(Expr::literal("http://a"))],
        type_arguments: vec![],
        in_loop: false,
        result_used: true,
        spawned: false,
    });
    let at = Expr::Call(Some(Box::new(Expr::Ref("b".into()))), "url".to_owned(), vec![]);
    assert_eq!(texts_of(&[unit], &at, None), ["http://b"]);
}
