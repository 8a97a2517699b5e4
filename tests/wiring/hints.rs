//! What a team says where nothing else can know: profiles, comments beside a call, declarations.

use super::{edges, system};

const CALLS: &str = "import os, requests
def f(name):
    # unbraid: calls stock GET /stock
    requests.get(lookup(name))
    requests.get(other(name))  # unbraid: ignore a health check
    requests.get(os.environ['ORDERS_URL'] + '/orders')
";

#[test]
fn comments_and_profiles_decide() {
    let files = [
        ("unbraid.yaml", "profiles: [docker]\nedges:\n  - {from: web, to: nobody, mode: sync, reason: said so}\n"),
        (
            "docker-compose.yml",
            "services:\n  web:\n    build: ./web\n    environment: {ORDERS_URL: 'http://orders-local'}\n  orders:\n    image: acme/orders\n  orders-local:\n    image: acme/orders-local\n  stock:\n    image: acme/stock\n",
        ),
        ("docker-compose.docker.yml", "services:\n  web:\n    environment: {ORDERS_URL: 'http://orders'}\n"),
        ("web/app.py", CALLS),
    ];
    let found = system(&files);
    assert_eq!(edges(&found), ["web -> orders sync", "web -> stock sync"]);
    assert!(found.unresolved.is_empty());
    assert!(found.notes.iter().any(|n| n.text.contains("matches nothing")), "{:?}", found.notes);
}

/// A caller whose address the base, or only two profiles, set.
fn varied(base: &str, profile: Option<&str>) -> (Vec<String>, Vec<Vec<String>>) {
    let spring = "package a;\nimport org.springframework.web.client.RestTemplate;\nimport org.springframework.beans.factory.annotation.Value;\nclass Caller {\n  @Value(\"${stock.url}\") String url;\n  RestTemplate rest = new RestTemplate();\n  @Scheduled void f() { rest.getForObject(url + \"/stock\", String.class); }\n}\n";
    let configuration = profile.map_or(String::new(), |p| format!("profiles: [{p}]\n"));
    let found = system(&[
        ("unbraid.yaml", &configuration),
        (
            "docker-compose.yml",
            "services:\n  web:\n    build: ./web\n  a:\n    image: acme/a\n  b:\n    image: acme/b\n  c:\n    image: acme/c\n",
        ),
        ("web/pom.xml", "<project><artifactId>web</artifactId></project>"),
        ("web/src/main/java/a/Caller.java", spring),
        ("web/src/main/resources/application.yml", base),
        ("web/src/main/resources/application-dev.yml", "stock.url: http://a\n"),
        ("web/src/main/resources/application-prod.yml", "stock.url: http://b\n"),
    ]);
    (edges(&found), found.candidates.iter().map(|c| c.targets.clone()).collect())
}

#[test]
fn variants_that_differ_are_candidates_until_one_is_chosen() {
    let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<String>>();
    assert_eq!(varied("server.port: 80\n", None), (vec![], vec![names(&["a", "b"])]));
    assert_eq!(varied("stock.url: http://c\n", None), (names(&["web -> c sync"]), vec![names(&["a", "b"])]));
    assert_eq!(varied("stock.url: http://c\n", Some("prod")), (names(&["web -> b sync"]), vec![]));
    assert_eq!(varied("server.port: 80\n", Some("dev")), (names(&["web -> a sync"]), vec![]));
}

#[test]
fn an_empty_start_value_is_no_call_of_its_own() {
    let code = "import requests\ndef f(kind):\n    url = ''\n    if kind == 1:\n        url = 'http://a/x'\n    else:\n        url = 'http://b/x'\n    requests.get(url)\n";
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  web:\n    build: ./web\n  a:\n    image: acme/a\n  b:\n    image: acme/b\n",
        ),
        ("web/app.py", code),
    ]);
    assert_eq!(edges(&found), ["web -> a sync", "web -> b sync"]);
    assert!(found.unresolved.is_empty(), "{:?}", found.unresolved);
}
