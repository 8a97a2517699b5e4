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
