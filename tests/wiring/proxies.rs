//! Gateways and proxies: whose configuration routes which path to whom.

use super::{edges, system};

const COMPOSE: &str = "services:
  edge:
    image: IMAGE
    volumes: ['./edge:/etc/edge']
  orders:
    image: acme/orders
  stock:
    image: acme/stock
";

/// Edges of a system whose `edge` runs an image with one file of its own.
fn routed(image: &str, path: &str, text: &str) -> Vec<String> {
    edges(&system(&[("docker-compose.yml", &COMPOSE.replace("IMAGE", image)), (path, text)]))
}

#[test]
fn each_proxy_routes_as_its_own_file_says() {
    let both = ["edge -> orders sync", "edge -> stock sync"];
    for (image, path, text) in [
        (
            "traefik:v3",
            "edge/dynamic.yml",
            "http:\n  routers:\n    o: {rule: 'PathPrefix(`/orders`)', service: o}\n    s: {rule: 'PathPrefix(`/stock`)', service: s}\n  services:\n    o: {loadBalancer: {servers: [{url: 'http://orders:80'}]}}\n    s: {loadBalancer: {servers: [{url: 'http://stock:80'}]}}\n",
        ),
        (
            "caddy:2",
            "edge/Caddyfile",
            ":80 {\n  handle_path /orders/* {\n    reverse_proxy orders:80\n  }\n  reverse_proxy /stock/* stock:80\n}\n",
        ),
        (
            "kong:3",
            "edge/kong.yml",
            "_format_version: '3.0'\nservices:\n  - {name: o, url: 'http://orders:80', routes: [{paths: [/orders]}]}\n  - {name: s, host: stock, port: 80, routes: [{paths: [/stock]}]}\n",
        ),
        (
            "devopsfaith/krakend",
            "edge/krakend.json",
            "{\"version\": 3, \"endpoints\": [{\"endpoint\": \"/orders\", \"backend\": [{\"url_pattern\": \"/\", \"host\": [\"http://orders:80\"]}]}, {\"endpoint\": \"/stock\", \"backend\": [{\"url_pattern\": \"/\", \"host\": [\"http://stock:80\"]}]}]}",
        ),
        (
            "haproxy:2",
            "edge/haproxy.cfg",
            "frontend f\n  acl o path_beg /orders\n  use_backend orders if o\n  use_backend s if { path_beg /stock }\nbackend orders\n  server o1 orders:80\nbackend s\n  server s1 stock:80\n",
        ),
        (
            "nginx",
            "edge/nginx.conf",
            "server {\n  location /orders { proxy_pass http://orders:80; }\n  location /stock { proxy_pass http://stock:80; }\n}\n",
        ),
        (
            "httpd:2.4",
            "edge/vhost.conf",
            "<VirtualHost *:80>\n  ProxyPass /orders http://orders:80/\n  <Location /stock>\n    ProxyPass http://stock:80/\n  </Location>\n</VirtualHost>\n",
        ),
        (
            "envoyproxy/envoy",
            "edge/envoy.yaml",
            "static_resources:\n  listeners:\n  - filter_chains: [{filters: [{typed_config: {route_config: {virtual_hosts: [{routes: [{match: {prefix: /orders}, route: {cluster: o}}, {match: {prefix: /stock}, route: {cluster: s}}]}]}}}]}]\n  clusters:\n  - {name: o, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: orders, port_value: 80}}}}]}]}}\n  - {name: s, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: stock, port_value: 80}}}}]}]}}\n",
        ),
    ] {
        assert_eq!(routed(image, path, text), both, "{path}");
    }
}

#[test]
fn labels_route_through_whoever_runs_traefik() {
    let compose = "services:
  front:
    image: traefik:v3
  orders:
    image: acme/orders
    labels: ['traefik.http.routers.orders.rule=PathPrefix(`/orders`)']
";
    assert_eq!(edges(&system(&[("docker-compose.yml", compose)])), ["front -> orders sync"]);
}

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: {name}, image: acme/{name}}}]}}}}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}\n---\n"
    )
}

#[test]
fn objects_of_a_cluster_route() {
    for routes in [
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  parentRefs: [{name: edge}]\n  rules:\n  - {matches: [{path: {value: /orders}}], backendRefs: [{name: orders, port: 80}]}\n",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: r}\nspec:\n  parentRefs: [{name: edge}]\n  rules:\n  - {matches: [{method: {service: shop.Orders}}], backendRefs: [{name: orders, port: 80}]}\n",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec:\n  gateways: [edge]\n  http:\n  - {match: [{uri: {prefix: /orders}}], route: [{destination: {host: orders}}]}\n",
    ] {
        let manifests = format!("{}{}{routes}", deployment("edge"), deployment("orders"));
        assert_eq!(edges(&system(&[("k8s/all.yaml", &manifests)])), ["edge -> orders sync"], "{routes}");
    }
    let traefik = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r}\nspec: {routes: [{match: 'PathPrefix(`/orders`)', services: [{name: orders, port: 80}]}]}\n";
    let manifests = format!("{}{}{traefik}", deployment("traefik"), deployment("orders"));
    assert_eq!(edges(&system(&[("k8s/all.yaml", &manifests)])), ["traefik -> orders sync"]);
}

#[test]
fn development_servers_pass_on_what_their_configuration_says() {
    let package = "{\"name\": \"web\", \"scripts\": {\"start\": \"vite\"}, \"dependencies\": {\"react-dom\": \"18\"}}";
    let compose = "services:\n  web:\n    build: ./web\n  orders:\n    image: acme/orders\n";
    for (path, text) in [
        (
            "web/vite.config.ts",
            "import { defineConfig } from 'vite';\nexport default defineConfig({ server: { proxy: { '/orders': { target: 'http://orders:80', changeOrigin: true } } } });\n",
        ),
        ("web/vue.config.js", "module.exports = { devServer: { proxy: { '^/orders': 'http://orders:80' } } };\n"),
        (
            "web/webpack.config.js",
            "module.exports = { devServer: { proxy: [{ context: ['/orders'], target: 'http://orders:80' }] } };\n",
        ),
        ("web/proxy.conf.json", "{\"/orders\": {\"target\": \"http://orders:80\"}}"),
    ] {
        let found = system(&[("docker-compose.yml", compose), ("web/package.json", package), (path, text)]);
        assert_eq!(edges(&found), ["web -> orders sync"], "{path}");
    }
}

#[test]
fn a_proxy_that_calls_through_a_sidecar_names_its_targets_in_the_path() {
    let envoy = "static_resources:\n  listeners:\n  - filter_chains: [{filters: [{config: {route_config: {virtual_hosts: [{routes: [{match: {prefix: /o/}, route: {prefix_rewrite: /v1.0/invoke/orders/method/, cluster: dapr}}]}]}}}]}]\n  clusters:\n  - {name: dapr, hosts: [{socket_address: {address: 127.0.0.1, port_value: 3500}}]}\n";
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  edge:\n    build: {context: ., dockerfile: gateway/Dockerfile}\n  orders:\n    image: acme/orders\n",
        ),
        ("gateway/Dockerfile", "FROM envoyproxy/envoy\nCOPY gateway/envoy.yaml /etc/envoy.yaml\n"),
        ("gateway/envoy.yaml", envoy),
    ]);
    assert_eq!(edges(&found), ["edge -> orders sync"]);
}
