//! .NET gateways in JSON: Ocelot routes and YARP clusters.

use serde_json::Value;

use crate::files::Source;
use crate::model::{Expr, Facts, Place, Route};

use super::{Manifest, Neighbours};

/// Ocelot and YARP.
pub const MANIFEST: Manifest = Manifest { id: "dotnet-gateways", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    source.extension() == "json" && (text.contains("DownstreamPathTemplate") || text.contains("\"ReverseProxy\""))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let plain: String =
        text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n");
    let Ok(json) = serde_json::from_str::<Value>(plain.trim_start_matches('\u{FEFF}')) else { return Facts::default() };
    let line_of = |needle: &str| plain.lines().position(|l| l.contains(needle)).map_or(0, |n| n as u32 + 1);
    let mut routes = Vec::new();
    let mut add = |pattern: &str, target: String, needle: &str, proxy: &str| {
        let place = Place::new(&source.root, &source.path, line_of(needle));
        routes.push(Route {
            place,
            proxy: proxy.to_owned(),
            gateway: None,
            pattern: pattern.to_owned(),
            target: Expr::Literal(target),
        });
    };
    for route in ["Routes", "ReRoutes"].iter().flat_map(|k| json[*k].as_array().into_iter().flatten()) {
        let pattern = route["UpstreamPathTemplate"].as_str().unwrap_or_default();
        for host in route["DownstreamHostAndPorts"].as_array().into_iter().flatten() {
            let name = host["Host"].as_str().unwrap_or_default();
            let port = host["Port"].as_u64().map(|p| format!(":{p}")).unwrap_or_default();
            add(pattern, format!("http://{name}{port}"), pattern, "ocelot");
        }
        if let Some(name) = route["ServiceName"].as_str() {
            add(pattern, name.to_owned(), pattern, "ocelot");
        }
    }
    let proxy = &json["ReverseProxy"];
    for (name, route) in proxy["Routes"].as_object().into_iter().flatten() {
        let pattern = route["Match"]["Path"].as_str().unwrap_or_default();
        let cluster = &proxy["Clusters"][route["ClusterId"].as_str().unwrap_or_default()];
        for destination in cluster["Destinations"].as_object().into_iter().flat_map(|d| d.values()) {
            if let Some(address) = destination["Address"].as_str() {
                add(pattern, address.to_owned(), name, "yarp");
            }
        }
    }
    Facts { routes, ..Facts::default() }
}
