//! HTTP clients that one file makes and others use.

use super::{edges, system};

/// `axios.create()` without a base address is a client, wherever it is imported: its calls bring whole addresses, or
/// join the base that it has.
#[test]
fn a_client_of_another_file_with_and_without_a_base() {
    let compose = "services:\n  ui: {build: ui, environment: {CART_URL: 'http://cart:80/'}}\n  cart: {build: cart}\n  stock: {build: stock}\n";
    let found = system(&[
        ("compose.yaml", compose),
        ("ui/Dockerfile", "FROM node\n"),
        ("ui/package.json", "{\"name\": \"ui\", \"dependencies\": {\"axios\": \"1\", \"react\": \"18\"}}"),
        (
            "ui/src/api/config.ts",
            "import axios from 'axios'\n\nconst plain = axios.create()\nplain.defaults.timeout = 2000\n\n\
             export const cartUrl = process.env.CART_URL\nexport const based = axios.create({ baseURL: 'http://stock' })\n\
             export default plain\n",
        ),
        (
            "ui/src/api/cart.ts",
            "import client, { cartUrl, based } from './config'\n\n\
             export const add = async (item) => {\n  const response = await client.post(cartUrl + 'cart', { item })\n  return response.data\n}\n\
             export const left = async (id) => {\n  const response = await based.get('/left/' + id)\n  return response.data\n}\n",
        ),
        ("cart/Dockerfile", "FROM x\n"),
        ("stock/Dockerfile", "FROM x\n"),
    ]);
    assert_eq!(edges(&found), ["ui -> cart sync", "ui -> stock sync"]);
}

/// A helper tries one name of a variable after the other: those that are passed one by one, too.
#[test]
fn a_helper_takes_any_number_of_names() {
    let code = "package main\n\nimport (\n\t\"net/http\"\n\t\"os\"\n)\n\n\
        func first(name string, others ...string) string {\n\tvalue := os.Getenv(name)\n\
        \tif value == \"\" {\n\t\tfor _, other := range others {\n\t\t\tvalue = os.Getenv(other)\n\t\t}\n\t}\n\treturn value\n}\n\n\
        func main() {\n\tresp, _ := http.Get(first(\"CART_MANAGED\", \"CART_HOST\", \"CART_URL\") + \"/items\")\n\tuse(resp)\n}\n";
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  web: {build: web, environment: {CART_URL: 'http://cart:80'}}\n  cart: {build: cart}\n",
        ),
        ("web/Dockerfile", "FROM golang\n"),
        ("web/go.mod", "module shop/web\n"),
        ("web/main.go", code),
        ("cart/Dockerfile", "FROM x\n"),
    ]);
    assert_eq!(edges(&found), ["web -> cart sync"]);
}

/// A module that is a function gets its parameters where it is imported; a closure has the object of its method.
#[test]
fn a_client_is_passed_through_a_module_that_is_a_function() {
    let server = "const express = require('express')\nconst channel = process.env.CHANNEL\n\
        const redisClient = require('redis').createClient({ host: 'queue' })\nconst app = express()\n\
        const routes = require('./routes')\nroutes(app, { redisClient, channel })\napp.listen(8080)\n";
    let routes = "const Todos = require('./todos')\nmodule.exports = function (app, { redisClient, channel }) {\n\
        const todos = new Todos({ redisClient, channel })\n  app.post('/todos', (req, res) => todos.create(req, res))\n}\n";
    let todos = "class Todos {\n  constructor({ redisClient, channel }) {\n    this._redisClient = redisClient\n    this._channel = channel\n  }\n\
        create(req, res) {\n    trace(() => { this._redisClient.publish(this._channel, 'created') })\n  }\n}\nmodule.exports = Todos\n";
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  queue: {image: redis}\n  todos: {build: todos, environment: {CHANNEL: log}}\n  log: {build: log}\n",
        ),
        ("todos/package.json", "{\"name\": \"todos\"}"),
        ("todos/server.js", server),
        ("todos/routes.js", routes),
        ("todos/todos.js", todos),
        ("log/requirements.txt", "redis\n"),
        ("log/main.py", "import redis\npubsub = redis.Redis(host='queue').pubsub()\npubsub.subscribe(['log'])\n"),
    ]);
    assert_eq!(edges(&found), ["log -> queue data", "todos -> log async", "todos -> queue data"]);
}
