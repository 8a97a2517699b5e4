//! Tests of the walk on code written for them.

use super::*;

#[test]
fn reads_structs_chains_and_formats() {
    let unit = extract(
        r#"use reqwest::Client;
const PATH: &str = "/orders";
#[derive(Clone)]
pub struct Orders { base: String, http: Client }
impl Orders {
pub fn new(base: &str) -> Self { Self { base: base.to_string(), http: Client::new() } }
pub async fn find(&self, id: &str) -> Result<Order, Error> {
    let url = format!("{}{PATH}/{id}", self.base);
    self.http.get(&url).send().await?.json().await
}
}
async fn main() {
let base = std::env::var("ORDERS_URL").unwrap_or_else(|_| "http://orders".into());
tokio::spawn(async move { notify(&base).await; });
}
"#,
    );
    assert_eq!(unit.imports[0], Import { name: "Client".into(), path: "reqwest::Client".into() });
    let url = unit.bindings.iter().find(|b| b.place == "url").expect("url");
    assert!(matches!(&url.value, Expr::Concat(parts) if parts.len() == 4), "{:?}", url.value);
    let get = unit.calls.iter().find(|c| c.name == "get").expect("get");
    assert_eq!(get.line, 9);
    let base = unit.bindings.iter().find(|b| b.place == "base").expect("base");
    assert!(matches!(&base.value, Expr::Choice(parts) if parts.len() == 2), "{:?}", base.value);
    assert!(unit.calls.iter().any(|c| c.name == "notify" && c.spawned));
}

#[test]
fn broken_items_do_not_hide_the_intact_ones() {
    let unit = extract("fn a() { b(1 }\n\nfn c() {\n    d(2);\n}\n");
    assert!(unit.calls.iter().any(|c| c.name == "d" && c.line == 4));
}
