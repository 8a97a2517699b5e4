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
