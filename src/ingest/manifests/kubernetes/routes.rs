//! Objects that route: Ingress, Gateway API, Istio, Traefik, Contour, Emissary, Kong and APISIX.

use crate::ingest::yaml::Node;
use crate::model::{Expr, Place, Route};

/// The routes of an object; none if it does not route.
pub(super) fn of(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    match node.get("kind").str() {
        "Ingress" => ingress(node, place),
        "HTTPRoute" | "GRPCRoute" => gateway_api(node, place),
        "VirtualService" => virtual_service(node, place),
        "IngressRoute" => ingress_route(node, place),
        "HTTPProxy" => http_proxy(node, place),
        "Mapping" => mapping(node, place),
        "ApisixRoute" => apisix(node, place),
        "KongService" => kong(node, place),
        _ => Vec::new(),
    }
}

fn route(place: Place, proxy: &str, gateway: Option<&str>, pattern: &str, target: &str) -> Route {
    Route {
        place,
        proxy: proxy.to_owned(),
        gateway: gateway.map(str::to_owned),
        pattern: pattern.to_owned(),
        target: Expr::literal(target),
    }
}

fn ingress(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let mut all = Vec::new();
    for rule in node.at(&["spec", "rules"]).list() {
        for path in rule.at(&["http", "paths"]).list() {
            let backend = path.get("backend");
            let target = backend.at(&["service", "name"]).text().or_else(|| backend.get("serviceName").text());
            if let Some(target) = target {
                all.push(route(place(path.line.max(backend.line)), "ingress", None, path.get("path").str(), target));
            }
        }
    }
    all
}

fn gateway_api(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let gateway = node.at(&["spec", "parentRefs"]).list().first().map(|p| p.get("name").str().to_owned());
    let mut all = Vec::new();
    for rule in node.at(&["spec", "rules"]).list() {
        let matched = rule.get("matches").list().first();
        let service = matched.map_or("", |m| m.at(&["method", "service"]).str());
        let pattern = match matched {
            Some(_) if !service.is_empty() => format!("/{service}"),
            Some(matched) => matched.at(&["path", "value"]).str().to_owned(),
            None => String::new(),
        };
        for backend in rule.get("backendRefs").list() {
            all.push(route(
                place(backend.line),
                "gateway-api",
                gateway.as_deref(),
                &pattern,
                backend.get("name").str(),
            ));
        }
    }
    all
}

fn virtual_service(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    // Routes of the mesh itself are no gateway's.
    let gateways = node.at(&["spec", "gateways"]).list();
    let Some(gateway) = gateways.iter().filter_map(Node::text).find(|g| *g != "mesh") else { return Vec::new() };
    let mut all = Vec::new();
    for http in node.at(&["spec", "http"]).list() {
        let uri = http.get("match").list().first().map(|m| m.get("uri"));
        let pattern = uri.map_or("", |u| u.get("prefix").text().or_else(|| u.get("exact").text()).unwrap_or_default());
        for target in http.get("route").list() {
            let host = target.at(&["destination", "host"]);
            all.push(route(
                place(host.line),
                "istio",
                Some(gateway.rsplit('/').next().unwrap_or(gateway)),
                pattern,
                host.str(),
            ));
        }
    }
    all
}

/// Traefik's own objects: ``match: PathPrefix(`/orders`)`` to services.
fn ingress_route(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let mut all = Vec::new();
    for rule in node.at(&["spec", "routes"]).list() {
        let pattern = rule.get("match").str().split(['`', '"', '\'']).find(|t| t.starts_with('/')).unwrap_or_default();
        for service in rule.get("services").list() {
            all.push(route(place(service.line), "traefik", Some("traefik"), pattern, service.get("name").str()));
        }
    }
    all
}

/// Contour's objects.
fn http_proxy(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let mut all = Vec::new();
    for rule in node.at(&["spec", "routes"]).list() {
        let pattern = rule.get("conditions").list().first().map_or("", |c| c.get("prefix").str());
        for service in rule.get("services").list() {
            all.push(route(place(service.line), "contour", Some("contour"), pattern, service.get("name").str()));
        }
    }
    all
}

/// Emissary's (Ambassador's) objects.
fn mapping(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let spec = node.get("spec");
    let target = spec.get("service");
    let made =
        target.text().map(|t| route(place(target.line), "emissary", Some("ambassador"), spec.get("prefix").str(), t));
    made.into_iter().collect()
}

/// APISIX's objects.
fn apisix(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let mut all = Vec::new();
    for rule in node.at(&["spec", "http"]).list() {
        let pattern = rule.at(&["match", "paths"]).list().first().map_or("", Node::str);
        for backend in rule.get("backends").list() {
            let name = backend.get("serviceName").str();
            all.push(route(place(backend.line), "apisix", Some("apisix"), pattern.trim_end_matches('*'), name));
        }
    }
    all
}

/// Kong's objects: a service with its address.
fn kong(node: &Node, place: impl Fn(u32) -> Place) -> Vec<Route> {
    let spec = node.get("spec");
    let target = spec.get("url").text().or_else(|| spec.get("host").text());
    target.map(|t| route(place(spec.line), "kong", Some("kong"), "", t)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::yaml;

    #[test]
    fn reads_objects_of_each_gateway() {
        let text = "kind: GRPCRoute
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{method: {service: shop.Orders}}], backendRefs: [{name: orders}]}]
---
kind: IngressRoute
spec: {routes: [{match: 'Host(`x`) && PathPrefix(`/stock`)', services: [{name: stock}]}]}
---
kind: HTTPProxy
spec: {routes: [{conditions: [{prefix: /carts}], services: [{name: carts}]}]}
---
kind: Mapping
spec: {prefix: /users/, service: 'users:8080'}
---
kind: ApisixRoute
spec: {http: [{match: {paths: ['/pay/*']}, backends: [{serviceName: payments}]}]}
---
kind: ConfigMap
";
        let nodes = yaml::parse(text).nodes;
        let all: Vec<Route> = nodes.iter().flat_map(|n| of(n, |line| Place::new("", "a.yaml", line))).collect();
        let found: Vec<(&str, &Expr)> = all.iter().map(|r| (r.pattern.as_str(), &r.target)).collect();
        let to = ["orders", "stock", "carts", "users:8080", "payments"].map(Expr::literal);
        assert_eq!(
            found,
            [("/shop.Orders", &to[0]), ("/stock", &to[1]), ("/carts", &to[2]), ("/users/", &to[3]), ("/pay/", &to[4])]
        );
        assert_eq!(all[0].gateway.as_deref(), Some("edge"));
    }
}
