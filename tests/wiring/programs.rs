//! Services that nothing builds or deploys apart, ports that code opens, and changes that connectors publish.

use super::{edges, system};

const MOVIES: &str = "from flask import Flask\napp = Flask(__name__)\n\
    @app.route('/movies/<id>')\ndef movie(id):\n    return {}\n\n\
    if __name__ == '__main__':\n    app.run(port=5001)\n";

const USERS: &str = "import requests\nfrom flask import Flask\nfrom services import address\napp = Flask(__name__)\n\
    @app.route('/users/<id>')\ndef user(id):\n    return requests.get(address(5001) + '/movies/' + id).json()\n\n\
    app.run(host='0.0.0.0', port=5002)\n";

/// Scripts side by side are services; what else stands in their folder they share.
#[test]
fn scripts_side_by_side_are_services() {
    let found = system(&[
        ("services/__init__.py", "def address(port):\n    return 'http://127.0.0.1:' + str(port)\n"),
        ("services/movies.py", MOVIES),
        ("services/users.py", &USERS.replace("address(5001)", "'http://127.0.0.1:5001'")),
        ("services/mock_movies.py", &MOVIES.replace("5001", "6001")),
    ]);
    assert_eq!(edges(&found), ["users -> movies sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["movies", "users"]);
}

/// One package of Node with several programs is several services; one that another one imports is a part of it.
#[test]
fn programs_of_one_package_are_services() {
    let program = |name: &str, port: u16, calls: &str| {
        format!(
            "const express = require('express')\nconst axios = require('axios')\nconst app = express()\n\
             app.get('/{name}', async (req, res) => {{ {calls} res.send({{}}) }})\napp.listen(process.env.PORT || {port})\n"
        )
    };
    let files = [
        (
            "package.json",
            r#"{"name": "shop", "scripts": {"start": "node orders/server.js"}, "dependencies": {"express": "4"}}"#
                .to_owned(),
        ),
        (
            "orders/server.js",
            "require('./metrics')\n".to_owned()
                + &program("orders", 3001, "await axios.get('http://localhost:3002/stock');"),
        ),
        ("orders/metrics.js", program("metrics", 9090, "")),
        ("stock/server.js", program("stock", 3002, "")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = system(&files);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["orders", "stock"]);
}

/// Without compose the code says on which port it listens.
#[test]
fn ports_that_code_opens_are_addresses() {
    let go = "package main\nimport \"net/http\"\nfunc main() {\n  http.HandleFunc(\"/stock\", get)\n  http.ListenAndServe(\":8081\", nil)\n}\nfunc get(w http.ResponseWriter, r *http.Request) {}\n";
    let caller = "package main\nimport \"net/http\"\nfunc main() {\n  http.Get(\"http://localhost:8081/stock\")\n  http.ListenAndServe(\":8082\", nil)\n}\n";
    let found = system(&[
        ("orders/go.mod", "module orders\n"),
        ("orders/main.go", caller),
        ("stock/go.mod", "module stock\n"),
        ("stock/main.go", go),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
}

/// The service whose tables a connector reads publishes their changes, and the events of its outbox.
#[test]
fn connectors_publish_for_the_owner_of_the_tables() {
    let listener = "import org.springframework.kafka.annotation.KafkaListener;\nclass Changes {\n\
        @KafkaListener(topics = \"stock.public.items\")\n  void changed(String row) {}\n\
        @KafkaListener(topics = \"orders.events\")\n  void ordered(String event) {}\n\
        @KafkaListener(topics = \"orders.public.rows\")\n  void other(String row) {}\n}\n";
    let connector = |database: &str, tables: &str, more: &str| {
        format!(
            "{{\"connector.class\": \"io.debezium.connector.postgresql.PostgresConnector\", \"topic.prefix\": \"{database}\",\n\
             \"database.hostname\": \"db\", \"database.dbname\": \"{database}\", \"table.include.list\": \"{tables}\"{more}}}"
        )
    };
    let outbox = ", \"transforms\": \"o\", \"transforms.o.type\": \"io.debezium.transforms.outbox.EventRouter\", \"transforms.o.route.topic.replacement\": \"${routedByValue}.events\"";
    let files = [
        (
            "compose.yaml",
            "services:\n  db: {image: postgres}\n  stock: {build: stock, environment: {DB: 'postgres://u@db/stock'}}\n  \
             orders: {build: orders, environment: {DB: 'postgres://u@db/orders'}}\n  search: {build: search}\n"
                .to_owned(),
        ),
        ("connect/stock.json", connector("stock", "public.items", "")),
        ("connect/orders.json", connector("orders", "public.outbox", outbox)),
        ("stock/package.json", "{\"name\": \"stock\"}".to_owned()),
        ("stock/index.js", "const { Pool } = require('pg')\nconst pool = new Pool({ connectionString: process.env.DB })\n".to_owned()),
        ("orders/package.json", "{\"name\": \"orders\"}".to_owned()),
        ("orders/index.js", "const { Pool } = require('pg')\nconst pool = new Pool({ connectionString: process.env.DB })\n".to_owned()),
        ("search/pom.xml", "<project><artifactId>search</artifactId></project>".to_owned()),
        ("search/src/main/java/Changes.java", listener.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = system(&files);
    assert_eq!(
        edges(&found),
        ["orders -> db data", "orders -> search async", "stock -> db data", "stock -> search async"]
    );
}

/// `orders/cmd/main.go` is the program of `orders`, whose configuration file names the topics.
#[test]
fn a_program_in_cmd_is_its_folder_with_its_configuration() {
    let main = |calls: &str| format!("package main\nimport \"shop/orders/internal\"\nfunc main() {{ {calls} }}\n");
    let config = "package config\ntype Config struct {\n  Topics Topics `mapstructure:\"topics\"`\n}\n\
        type Topics struct {\n  Placed string `mapstructure:\"placed\"`\n}\n";
    let sender = "package internal\nimport (\n  \"github.com/segmentio/kafka-go\"\n  \"shop/orders/config\"\n)\n\
        type Sender struct {\n  cfg *config.Config\n  writer *kafka.Writer\n}\n\
        func (s *Sender) Send() { s.writer.WriteMessages(nil, kafka.Message{Topic: s.cfg.Topics.Placed}) }\n";
    let reader = "package main\nimport \"github.com/segmentio/kafka-go\"\n\
        func main() { kafka.NewReader(kafka.ReaderConfig{Topic: \"orders.placed\"}) }\n";
    let found = system(&[
        ("go.mod", "module shop\n"),
        ("orders/cmd/main.go", &main("s := &internal.Sender{}; s.Send()")),
        ("orders/config/config.go", config),
        ("orders/config/config.yaml", "topics:\n  placed: orders.placed\n"),
        ("orders/internal/sender.go", sender),
        ("mail/cmd/main.go", reader),
    ]);
    assert_eq!(edges(&found), ["orders -> mail async"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["mail", "orders"]);
}

/// One program under several commands is a service for each, whose code is called like it.
#[test]
fn a_program_of_many_commands_is_many_services() {
    let proto = |name: &str| {
        format!("syntax = \"proto3\";\npackage {name};\nservice {name} {{ rpc Find(Id) returns (Item); }}\n")
    };
    let search = "package search\nimport (\n  geo \"shop/internal/services/geo/proto\"\n  search \"shop/internal/services/search/proto\"\n)\n\
        type Search struct { geoClient geo.GeoClient }\n\
        func New(conn *grpc.ClientConn) *Search { return &Search{geoClient: geo.NewGeoClient(conn)} }\n\
        func (s *Search) Run() { srv := grpc.NewServer(); search.RegisterSearchServer(srv, s) }\n\
        func (s *Search) Find(ctx context.Context, id *search.Id) (*search.Item, error) {\n  s.geoClient.Find(ctx, id)\n  return nil, nil\n}\n";
    let geo = "package geo\nimport geo \"shop/internal/services/geo/proto\"\ntype Geo struct {}\n\
        func (g *Geo) Run() { srv := grpc.NewServer(); geo.RegisterGeoServer(srv, g) }\n\
        func (g *Geo) Find(ctx context.Context, id *geo.Id) (*geo.Item, error) { return nil, nil }\n";
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  search: {build: ., entrypoint: shop search}\n  geo: {build: ., entrypoint: shop geo}\n",
        ),
        ("Dockerfile", "FROM golang\n"),
        ("go.mod", "module shop\n"),
        (
            "cmd/shop/main.go",
            "package main\nfunc main() { switch cmd { case \"geo\": geo.New().Run(); case \"search\": search.New(dial(addr)).Run() } }\n",
        ),
        ("internal/services/search/search.go", search),
        ("internal/services/search/proto/search.proto", &proto("Search")),
        ("internal/services/geo/geo.go", geo),
        ("internal/services/geo/proto/geo.proto", &proto("Geo")),
    ]);
    assert_eq!(edges(&found), ["search -> geo sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["geo", "search"]);
}
