//! What containers run, and what frameworks' own files say.

use super::{edges, system};

#[test]
fn load_tools_and_scripts_call_whom_their_commands_name() {
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  web:\n    build: ./web\n    ports: ['8080:80']\n  load:\n    build: ./load\n    environment: [WEB_ADDR=web:80]\n  seed:\n    build: ./seed\n",
        ),
        ("web/Dockerfile", "FROM node:20\nCOPY . .\nCMD [\"node\", \"server.js\"]\n"),
        ("web/server.js", "const app = require('express')();\napp.get('/', (q, r) => r.send('x'));\n"),
        (
            "load/Dockerfile",
            "FROM python:3\nCOPY locustfile.py .\nENTRYPOINT locust --host=\"http://${WEB_ADDR}\" --headless\n",
        ),
        ("load/locustfile.py", "from locust import HttpUser\nclass U(HttpUser):\n    pass\n"),
        ("seed/Dockerfile", "FROM alpine\nCOPY . .\nCMD [\"/seed/fill.sh\"]\n"),
        ("seed/fill.sh", "#!/bin/sh\nab -n 10 http://web/\n"),
        ("seed/unused.sh", "#!/bin/sh\ncurl http://load/\n"),
        ("seed/make.py", "print(1)\n"),
    ]);
    assert_eq!(edges(&found), ["load -> web sync", "seed -> web sync"]);
    let seed = found.services.iter().find(|s| s.name == "seed").expect("seed");
    assert_eq!(seed.kind.as_str(), "loadgen");
}

#[test]
fn the_schema_of_a_mapper_names_the_database() {
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  loans:\n    build: ./loans\n    env_file: [./loans/.env]\n  loans-pg:\n    image: postgres:16\n",
        ),
        ("loans/Dockerfile", "FROM node:20\nCMD [\"node\", \"main.js\"]\n"),
        ("loans/.env", "DATABASE_URL=\"postgresql://u:p@loans-pg:5432/loans\"\n"),
        (
            "loans/main.js",
            "const { PrismaClient } = require('@prisma/client');\nconst p = new PrismaClient();\np.loan.findMany({});\n",
        ),
        (
            "loans/prisma/schema.prisma",
            "datasource db {\n  provider = \"postgresql\"\n  url      = env(\"DATABASE_URL\")\n}\n",
        ),
    ]);
    assert_eq!(edges(&found), ["loans -> loans-pg data"]);
}

#[test]
fn a_file_that_images_copy_in_runs_in_each_of_them() {
    let dockerfile = |name: &str| {
        format!("FROM python:3\nCOPY src/{name}/app.py .\nCOPY src/shared/tools.py .\nCMD [\"python\", \"app.py\"]\n")
    };
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  agent:\n    build: {context: ., dockerfile: src/agent/Dockerfile}\n    environment: [SHOP]\n  tool:\n    build: {context: ., dockerfile: src/tool/Dockerfile}\n    environment: [SHOP]\n  shop:\n    build: {context: ., dockerfile: src/shop/Dockerfile}\n",
        ),
        (".env", "SHOP_PORT=8080\nSHOP=shop:${SHOP_PORT}\n"),
        ("src/agent/Dockerfile", &dockerfile("agent")),
        ("src/agent/app.py", "from tools import items\nitems()\n"),
        ("src/tool/Dockerfile", &dockerfile("tool")),
        ("src/tool/app.py", "from tools import items\nitems()\n"),
        (
            "src/shared/tools.py",
            "import os\nimport httpx\nBASE = os.getenv('SHOP', 'localhost:1')\ndef items():\n    url = f\"http://{BASE}/items\"\n    return httpx.get(url)\n",
        ),
        ("src/shop/Dockerfile", "FROM python:3\nCOPY src/shop/app.py .\n"),
        (
            "src/shop/app.py",
            "from flask import Flask\napp = Flask(__name__)\n@app.route('/items')\ndef items():\n    return []\n",
        ),
    ]);
    assert_eq!(edges(&found), ["agent -> shop sync", "tool -> shop sync"]);
}

#[test]
fn a_patch_of_an_overlay_sets_what_the_base_leaves_open() {
    let base = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: carts}\nspec:\n  template:\n    metadata: {labels: {app: carts}}\n    spec:\n      containers:\n        - name: carts\n          image: shop/carts\n          env: [{name: LOG, value: info}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: stock}\nspec: {selector: {app: stock}}\n";
    let stock = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stock}\nspec:\n  template:\n    metadata: {labels: {app: stock}}\n    spec:\n      containers: [{name: stock, image: shop/stock}]\n";
    let patch = "kind: Component\npatches:\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: carts}\n      spec: {template: {spec: {containers: [{name: carts, env: [{name: STOCK_ADDR, value: 'stock:8080'}]}]}}}\n";
    let found = system(&[
        ("k8s/base/carts.yaml", base),
        ("k8s/base/stock.yaml", stock),
        ("k8s/remote/kustomization.yaml", patch),
        ("carts/package.json", "{\"name\": \"carts\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("carts/x.js", "const axios = require('axios');\naxios.get(`http://${process.env.STOCK_ADDR}/items`);\n"),
        ("stock/package.json", "{\"name\": \"stock\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("stock/x.js", "const app = require('express')();\napp.get('/items', (q, r) => r.send('x'));\n"),
    ]);
    assert_eq!(edges(&found), ["carts -> stock sync"]);
}

#[test]
fn projects_that_all_call_their_service_app_keep_them_apart() {
    let compose = "services:\n  app:\n    build: .\n";
    let server = "const app = require('express')();\napp.get('/stock', (q, r) => r.send('x'));\n";
    let found = system(&[
        ("orders/docker-compose.yml", compose),
        ("orders/package.json", "{\"name\": \"orders\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("orders/x.js", "const axios = require('axios');\naxios.get('http://stock/stock');\n"),
        ("stock/docker-compose.yml", compose),
        ("stock/package.json", "{\"name\": \"stock\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("stock/x.js", server),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
}

#[test]
fn a_go_module_without_a_program_is_a_library_and_jobs_are_no_services() {
    let main = "package main\nimport \"net/http\"\nfunc main() {\n\thttp.HandleFunc(\"/x\", nil)\n}\n";
    let found = system(&[
        ("orders/go.mod", "module example.com/orders\n"),
        ("orders/cmd/app/main.go", main),
        ("orders/cmd/migration/main.go", "package main\nfunc main() {}\n"),
        ("pkg/go.mod", "module example.com/pkg\n"),
        (
            "pkg/web/server.go",
            "package web\nimport \"net/http\"\nfunc Run() {\n\thttp.HandleFunc(\"/health\", nil)\n}\n",
        ),
    ]);
    let names: Vec<&str> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["orders"]);
}

#[test]
fn a_workload_is_the_code_that_its_container_is_called_like() {
    let workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: acme-shop-ui-release}\nspec:\n  template:\n    metadata: {labels: {app.kubernetes.io/name: ui}}\n    spec:\n      containers: [{name: ui, image: acme/shop-front}]\n";
    let found = system(&[
        ("ui/package.json", "{\"name\": \"ui\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("ui/x.js", "const app = require('express')();\napp.get('/', (q, r) => r.send('x'));\n"),
        ("ui/deploy/all.yaml", workload),
    ]);
    assert_eq!(found.services.len(), 1, "{:?}", found.services);
}

/// What runs services is compose whatever its file is called; services of jobs and of frameworks are none.
#[test]
fn compose_is_known_by_what_it_holds() {
    let caller = "const axios = require('axios')\naxios.get('http://stock:8080/items')\n";
    let found = system(&[
        (
            "deploy/infra.yml",
            "name: shop\nservices:\n  stock:\n    image: acme/stock\n    ports: ['8080:8080']\n  orders:\n    build: ../orders\n",
        ),
        (".github/workflows/ci.yml", "jobs:\n  test:\n    services:\n      redis:\n        image: redis\n"),
        ("config/services.yaml", "services:\n  mailer:\n    class: Mailer\n"),
        ("orders/package.json", "{\"name\": \"orders\"}"),
        ("orders/index.js", caller),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["orders", "stock"]);
}

/// An image for development runs the code that is mounted into it, where it works.
#[test]
fn mounted_code_is_the_code_of_the_service() {
    let go = |body: &str| {
        format!(
            "package main\nimport \"net/http\"\nfunc main() {{\n  {body}\n  http.ListenAndServe(\":80\", nil)\n}}\n"
        )
    };
    let (calls, serves) = (go("http.Get(\"http://stock-web/items\")"), go("http.HandleFunc(\"/items\", nil)"));
    let service = |name: &str, folder: &str| {
        format!(
            "  {name}:\n    image: golang\n    volumes: ['./internal:/internal']\n    working_dir: /internal/{folder}\n"
        )
    };
    let compose = format!(
        "services:\n{}{}{}",
        service("shop", "orders"),
        service("stock-web", "stock"),
        service("stock-jobs", "stock")
    );
    let found = system(&[
        ("compose.yaml", &compose),
        ("internal/orders/go.mod", "module orders\n"),
        ("internal/orders/main.go", &calls),
        ("internal/stock/go.mod", "module stock\n"),
        ("internal/stock/main.go", &serves),
    ]);
    assert_eq!(edges(&found), ["shop -> stock sync"]);
}

/// Projects of Gradle that one service is built with are parts of it, and its image is found by its application's name.
#[test]
fn a_service_in_projects_of_gradle_is_one() {
    let found = system(&[
        ("settings.gradle", "include 'orders:orders-web', 'orders:orders-main'\n"),
        ("build.gradle", ""),
        (
            "orders/orders-web/build.gradle",
            "dependencies { implementation 'org.springframework.boot:spring-boot-starter-web' }\n",
        ),
        (
            "orders/orders-web/src/main/java/Orders.java",
            "@RestController class Orders {\n  RestTemplate rest = new RestTemplate();\n\
             @GetMapping(\"/orders\") String all() { return rest.getForObject(\"http://stock/items\", String.class); }\n}\n",
        ),
        (
            "orders/orders-web/src/contractTest/java/OrdersBase.java",
            "class OrdersBase { void f() { new RestTemplate().getForObject(\"http://mock/x\", String.class); } }\n",
        ),
        ("orders/orders-main/build.gradle", "dependencies { implementation project(\":orders:orders-web\") }\n"),
        ("orders/orders-main/src/main/java/Main.java", "class Main { public static void main(String[] a) { } }\n"),
        ("orders/orders-main/src/main/resources/application.properties", "spring.application.name=orders\n"),
        ("compose.yaml", "services:\n  orders: {image: acme/shop-orders}\n  stock: {image: acme/stock}\n"),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync"]);
    let services: Vec<_> = found.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["orders", "stock"]);
}

/// A library may be called like the service that is built with it: the service is what runs.
#[test]
fn a_library_is_not_the_service_of_its_name() {
    let pom = |name: &str, needs: &str| {
        format!(
            "<project><artifactId>{name}</artifactId><dependencies>{needs}<dependency><groupId>org.springframework.cloud</groupId><artifactId>spring-cloud-starter-turbine</artifactId></dependency></dependencies></project>"
        )
    };
    let needs = "<dependency><groupId>acme</groupId><artifactId>orders</artifactId></dependency>";
    let found = system(&[
        ("compose.yaml", "services:\n  orders: {image: acme/orders}\n  web: {image: acme/web}\n"),
        ("orders/pom.xml", &pom("orders", "")),
        (
            "orders/src/main/java/Orders.java",
            "@RestController class Orders { @GetMapping(\"/orders\") String all() { return null; } }\n",
        ),
        ("orders-service/pom.xml", &pom("orders-service", needs)),
        ("orders-service/src/main/java/Main.java", "class Main { public static void main(String[] a) { } }\n"),
        ("orders-service/src/main/resources/application.yml", "spring:\n  application:\n    name: orders\n"),
        ("web/package.json", "{\"name\": \"web\"}"),
        (
            "web/config/index.js",
            "module.exports = { dev: { proxyTable: { '/orders': { target: 'http://orders:8080' } } } }\n",
        ),
    ]);
    assert_eq!(edges(&found), ["web -> orders sync"]);
    let kinds: Vec<_> = found.services.iter().map(|s| (s.name.as_str(), s.kind)).collect();
    assert!(kinds.contains(&("orders", unbraid::model::ServiceKind::Service)) && kinds.len() == 2, "{kinds:?}");
}

/// One build under numbered names with one command runs one service several times; with another command it is another.
#[test]
fn numbered_copies_are_one_service() {
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  stock: {build: apps/stock-service}\n  stock-p1: {build: apps/stock-service}\n  \
             web: {build: apps/web-service, command: serve}\n  web-2: {build: apps/web-service, command: work}\n  \
             orders: {build: orders}\n",
        ),
        ("apps/stock-service/package.json", "{\"name\": \"stock-service\"}"),
        ("apps/stock-service/index.js", "console.log('stock')\n"),
        ("apps/web-service/package.json", "{\"name\": \"web-service\"}"),
        ("apps/web-service/index.js", "console.log('web')\n"),
        ("orders/package.json", "{\"name\": \"orders\"}"),
        (
            "orders/index.js",
            "const axios = require('axios')\naxios.get('http://stock:8080/items')\naxios.get('http://web:8080/')\n",
        ),
    ]);
    assert_eq!(edges(&found), ["orders -> stock sync", "orders -> web sync"]);
    let coded = found.services.iter().filter(|s| s.name.starts_with("stock"));
    let names: Vec<_> = coded.map(|s| (s.name.as_str(), s.folders.len())).collect();
    assert_eq!(names, [("stock", 1)]);
}
