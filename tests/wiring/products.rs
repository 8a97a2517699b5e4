//! Products without code here, contexts of builds, flags, and objects that describe a request.

use super::{edges, system};

#[test]
fn products_do_what_their_command_and_environment_say() {
    let compose = "services:
  load:
    image: acme/load-test
    command: \"-d 60 -h edge\"
  edge:
    image: traefik
  kafka:
    image: confluentinc/cp-kafka
    environment: {KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181'}
  zookeeper:
    image: zookeeper
  late:
    image: traefik
    command: [\"./wait-for-it.sh\", \"edge:80\"]
";
    let found = system(&[("docker-compose.yml", compose)]);
    assert_eq!(edges(&found), ["kafka -> zookeeper infra", "load -> edge sync"]);
}

#[test]
fn prometheus_scrapes_its_targets() {
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  prometheus:\n    image: prom/prometheus\n  orders:\n    build: ./orders\n",
        ),
        ("prometheus.yml", "scrape_configs:\n  - job_name: o\n    static_configs:\n      - targets: ['orders:80']\n"),
        ("orders/main.py", "from flask import Flask\napp = Flask(__name__)\n@app.route('/x')\ndef x(): pass\n"),
    ]);
    assert_eq!(edges(&found), ["prometheus -> orders infra"]);
}

#[test]
fn a_dockerfile_apart_from_the_code_brings_its_context() {
    let compose = "services:
  catalogue:
    build: {context: ./catalogue, dockerfile: docker/catalogue/Dockerfile}
  catalogue-db:
    build: ./catalogue/docker/db
";
    let main = "package main
import (
\t\"database/sql\"
\t\"flag\"
)
var host string
func init() {
\tflag.StringVar(&host, \"db\", \"catalogue-db:3306\", \"where\")
}
func main() {
\tdb, err := sql.Open(\"mysql\", \"u:p@tcp(\"+host+\")/socks\")
}
";
    let found = system(&[
        ("docker-compose.yml", compose),
        ("catalogue/docker/catalogue/Dockerfile", "FROM golang\nCOPY . /src\n"),
        ("catalogue/docker/db/Dockerfile", "FROM mysql:5\nCOPY dump.sql /\n"),
        ("catalogue/main.go", main),
    ]);
    assert_eq!(edges(&found), ["catalogue -> catalogue-db data"]);
}

#[test]
fn requests_may_be_described_by_objects_and_kept_in_locals() {
    let page = "(function () {
  var endpoints = require('./endpoints');
  var request = require('request');
  var options = { uri: endpoints.carts + '/7', method: 'DELETE' };
  request(options, function () {});
}());
const orders = createResource('orders')({ list: { method: 'GET', url: `${base}/orders` } });
const base = 'http://orders:8080';
";
    let endpoints = "(function () {
  var util = require('util');
  module.exports = { carts: util.format('http://carts%s/carts', domain) };
}());
";
    let compose =
        "services:\n  web:\n    build: ./web\n  carts:\n    image: acme/carts\n  orders:\n    image: acme/orders\n";
    let found = system(&[
        ("docker-compose.yml", compose),
        ("web/package.json", "{\"name\": \"web\", \"scripts\": {\"start\": \"node a\"}}"),
        ("web/a.js", page),
        ("web/endpoints.js", endpoints),
    ]);
    assert_eq!(edges(&found), ["web -> carts sync", "web -> orders sync"]);
    let carts = found.dependencies.iter().find(|d| d.target == "carts").expect("an edge");
    assert_eq!(carts.sites[0].operation, "DELETE /carts/7");
}

#[test]
fn entries_spread_into_a_call_are_its_arguments() {
    let code = "import pymysql
def f():
    config = {'host': 'voucher-db', 'port': 3306}
    return pymysql.connect(**config)
";
    let found = system(&[
        ("docker-compose.yml", "services:\n  voucher:\n    build: ./voucher\n  voucher-db:\n    image: mysql\n"),
        ("voucher/app.py", code),
    ]);
    assert_eq!(edges(&found), ["voucher -> voucher-db data"]);
}

#[test]
fn many_callers_of_one_helper_do_not_multiply() {
    // Each layer passes on what forty callers gave it: without a bound, forty to the power of the layers.
    let mut code = String::from("package main\nimport \"net/http\"\nfunc get0(u string) { http.Get(u) }\n");
    for layer in 1..9 {
        for n in 0..12 {
            code.push_str(&format!("func get{layer}x{n}(u string) {{ get{}(u + \"/{n}\") }}\n", layer - 1));
            code.push_str(&format!("func get{layer}(u string) {{ get{layer}x{n}(u) }}\n"));
        }
    }
    code.push_str("func main() { get8(\"http://orders\") }\n");
    let found = system(&[
        ("docker-compose.yml", "services:\n  a:\n    build: ./a\n  orders:\n    image: acme/orders\n"),
        ("a/go.mod", "module a\n"),
        ("a/main.go", &code),
    ]);
    assert!(found.services.iter().any(|s| s.name == "a"));
}

#[test]
fn programs_of_one_go_module_are_services_of_their_own() {
    let main = |service: &str| {
        format!(
            "package main\nimport \"example.com/shop/services/{service}\"\nfunc main() {{\n\ts := &{service}.Server{{}}\n\ts.Run()\n}}\n"
        )
    };
    let orders = "package orders\nimport \"net/http\"\ntype Server struct{}\nfunc (s *Server) Run() {\n\thttp.HandleFunc(\"/orders\", s.list)\n}\nfunc (s *Server) list() {\n\thttp.Get(\"http://srv-stock/stock\")\n}\n";
    let stock = "package stock\nimport \"net/http\"\ntype Server struct{}\nfunc (s *Server) Run() {\n\thttp.HandleFunc(\"/stock\", s.list)\n}\nfunc (s *Server) list() {}\n";
    let compose =
        "services:\n  orders:\n    build: .\n    entrypoint: orders\n  stock:\n    build: .\n    entrypoint: stock\n";
    let found = system(&[
        ("docker-compose.yml", compose),
        ("Dockerfile", "FROM golang\nCOPY . /src\n"),
        ("go.mod", "module example.com/shop\n"),
        ("cmd/orders/main.go", &main("orders")),
        ("cmd/stock/main.go", &main("stock")),
        ("services/orders/server.go", orders),
        ("services/stock/server.go", stock),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
}
