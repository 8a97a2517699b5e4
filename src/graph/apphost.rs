//! .NET Aspire: what an AppHost project declares in code, as workloads, settings and routes like those of a manifest.
//!
//! Takes facts; gives further facts. An AppHost is followed like other code, with its resources standing for
//! themselves, so that locals, helper functions and extension methods lead to them.

use crate::model::code::Call;
use crate::model::{Argument, Expr, Facts, Place, Route, Setting, Unit, Workload, WorkloadKind};

use super::scope::Scope;
use super::services::normal;
use super::settings::Environment;
use super::texts::Texts;
use super::values::{Frame, Head, Values};

/// A resource in the rewritten code: name, and the resource that holds it.
const RESOURCE: &str = "@resource";

/// Adds what AppHost projects say; nothing if there is none.
#[must_use]
pub fn hosted(facts: &Facts) -> Option<Facts> {
    let hosts = facts.modules.iter().filter(|m| m.build == "dotnet").filter_map(|module| {
        let root = &module.place.root;
        let prefix = if module.folder.is_empty() { String::new() } else { format!("{}/", module.folder) };
        let units: Vec<&Unit> = facts
            .units
            .iter()
            .filter(|u| u.language == "csharp" && u.place.root == *root && u.place.path.starts_with(&prefix))
            .collect();
        let builds = |u: &&Unit| u.calls.iter().any(is_builder);
        units.iter().any(builds).then(|| (module.folder.clone(), units))
    });
    let mut found = Facts::default();
    for (folder, units) in hosts {
        let rewritten: Vec<Unit> = units.into_iter().map(resources_for_themselves).collect();
        let scope = Scope::of(rewritten.iter().collect(), Vec::new());
        let environment = Environment::default();
        let texts = Texts::new(Values::new(&scope), &environment);
        Host { facts, folder, scope: &scope, texts }.read(&mut found);
    }
    if found.workloads.is_empty() && found.routes.is_empty() {
        return None;
    }
    let mut all = facts.clone();
    all.append(found);
    all.sort();
    Some(all)
}

fn is_builder(call: &Call) -> bool {
    call.name == "CreateBuilder" && matches!(&call.receiver, Some(Expr::Ref(name)) if name == "DistributedApplication")
}

/// `builder.AddRedis("cache")` is the resource `cache`, whatever is chained after it.
fn resources_for_themselves(unit: &Unit) -> Unit {
    let mut unit = unit.clone();
    for binding in &mut unit.bindings {
        binding.value = rewrite(&binding.value, 0);
    }
    for value in unit.functions.iter_mut().flat_map(|f| &mut f.returns) {
        *value = rewrite(value, 0);
    }
    for call in &mut unit.calls {
        call.receiver = call.receiver.as_ref().map(|r| rewrite(r, 0));
        for argument in &mut call.arguments {
            argument.value = rewrite(&argument.value, 0);
        }
    }
    unit
}

fn rewrite(value: &Expr, depth: usize) -> Expr {
    if depth > 40 {
        return value.clone();
    }
    let go = |e: &Expr| rewrite(e, depth + 1);
    match value {
        Expr::Call(Some(receiver), name, arguments) => {
            let arguments: Vec<Argument> =
                arguments.iter().map(|a| Argument { name: a.name.clone(), value: go(&a.value) }).collect();
            match arguments.first() {
                // A cluster of a proxy is the resource that it leads to.
                Some(first) if name == "AddCluster" => first.value.clone(),
                Some(first) if declares(name) && !matches!(first.value, Expr::Lambda(_)) => {
                    let parts = vec![Argument::positional(first.value.clone()), Argument::positional(go(receiver))];
                    Expr::Call(None, RESOURCE.to_owned(), parts)
                }
                _ => Expr::Call(Some(Box::new(go(receiver))), name.clone(), arguments),
            }
        }
        Expr::Call(None, name, arguments) => {
            let arguments = arguments.iter().map(|a| Argument { name: a.name.clone(), value: go(&a.value) }).collect();
            Expr::Call(None, name.clone(), arguments)
        }
        Expr::Concat(parts) => Expr::Concat(parts.iter().map(go).collect()),
        Expr::Choice(parts) => Expr::Choice(parts.iter().map(go).collect()),
        Expr::List(parts) => Expr::List(parts.iter().map(go).collect()),
        Expr::Lambda(parts) => Expr::Lambda(parts.iter().map(go).collect()),
        Expr::Field(object, name) => Expr::Field(Box::new(go(object)), name.clone()),
        other => other.clone(),
    }
}

/// Methods that add a resource by name.
fn declares(name: &str) -> bool {
    name.strip_prefix("Add").is_some_and(|rest| !rest.is_empty() && !matches!(rest, "Route" | "Range" | "Cluster"))
}

/// What a product is called as an image, where its method is named otherwise.
fn product(method: &str) -> String {
    let plain = method.trim_start_matches("Add").trim_start_matches("Azure").to_lowercase();
    let plain = plain.strip_suffix("cluster").unwrap_or(&plain);
    let known = match plain {
        "sqlserver" | "sql" => "mssql",
        "postgresflexibleserver" => "postgres",
        "managedredis" | "garnet" => "redis",
        "cosmosdb" => "cosmosdb",
        "servicebus" => "azure-service-bus",
        "eventhubs" => "azure-event-hubs",
        "storage" => "azurite",
        "openai" | "ollama" => "openai",
        "dockercomposeenvironment" | "containerappenvironment" | "applicationinsights" | "loganalyticsworkspace" => "",
        other => other,
    };
    known.to_owned()
}

/// Products that applications talk to by a connection string.
fn scheme(image: &str) -> &str {
    match image {
        "postgres" => "postgresql",
        "mssql" => "sqlserver",
        "mongodb" | "redis" | "mysql" | "nats" | "kafka" => image,
        "rabbitmq" => "amqp",
        _ => "http",
    }
}

/// A resource that an AppHost declares.
struct Resource {
    workload: Workload,
    /// Scheme of its connection string; nothing for projects and other applications.
    scheme: Option<String>,
    parent: Option<String>,
    /// A database that is called like a service that is built here: its server stands for it.
    inside: bool,
}

struct Host<'h, 'a> {
    facts: &'h Facts,
    folder: String,
    scope: &'h Scope<'a>,
    texts: Texts<'h, 'a>,
}

impl<'h, 'a> Host<'h, 'a> {
    fn read(&self, found: &mut Facts) {
        let mut resources: Vec<Resource> = Vec::new();
        for (u, call) in self.calls() {
            if let Some(resource) = self.resource(u, call)
                && !resources.iter().any(|r| r.workload.name == resource.workload.name)
            {
                resources.push(resource);
            }
        }
        for at in 0..resources.len() {
            let parent = resources[at].parent.as_deref().and_then(|p| resources.iter().find(|r| r.workload.name == p));
            let inherited = parent.map(|p| (p.workload.image.clone(), p.scheme.clone()));
            if let Some((image, scheme)) = inherited {
                resources[at].workload.image = image;
                resources[at].scheme = scheme;
            }
        }
        for resource in &mut resources {
            resource.inside = resource.parent.is_some() && self.is_built(&resource.workload.name);
        }
        for (u, call) in self.calls() {
            self.configure(u, call, &mut resources);
            found.routes.extend(self.routes(u, call));
        }
        // A server whose databases stand for themselves is none of their own.
        let parents: Vec<String> = resources.iter().filter(|r| !r.inside).filter_map(|r| r.parent.clone()).collect();
        let kept = resources.into_iter().filter(|r| !r.inside && !parents.contains(&r.workload.name));
        found.workloads.extend(kept.map(|r| r.workload));
    }

    /// Is something built under this name, as a manifest says?
    fn is_built(&self, name: &str) -> bool {
        let mut built = self.facts.workloads.iter().filter(|w| w.build.is_some());
        built.any(|w| normal(&w.name) == normal(name))
    }

    fn calls(&self) -> impl Iterator<Item = (u32, &'a Call)> + '_ {
        (0..self.scope.units.len() as u32).flat_map(|u| self.scope.unit(u).calls.iter().map(move |c| (u, c)))
    }

    fn frame(&self, unit: u32, call: &'a Call) -> Frame<'a> {
        let owner = call.function.and_then(|f| self.scope.unit(unit).functions[f as usize].owner.as_deref());
        Frame::new(unit, call.function, owner)
    }

    fn text(&self, unit: u32, call: &'a Call, at: usize) -> Option<String> {
        let value = call.arguments.get(at).filter(|a| a.name.is_none()).map(|a| &a.value)?;
        let text = self.texts.of(value, &self.frame(unit, call)).into_iter().next()?;
        (!text.text.contains("{}") && !text.text.is_empty()).then_some(text.text)
    }

    /// Names of the resources that a value may be.
    fn named(&self, value: &'a Expr, frame: &Frame<'a>) -> Vec<String> {
        self.texts.values.restart();
        let heads = self.texts.values.heads(value, frame, 0);
        let mut all: Vec<String> = Vec::new();
        for found in &heads {
            let Head::Expr(Expr::Call(None, name, arguments), inner) = &found.head else { continue };
            if name == RESOURCE
                && let Some(first) = arguments.first()
            {
                all.extend(self.texts.of(&first.value, inner).into_iter().filter(|t| !t.is_hole()).map(|t| t.text));
            }
        }
        all.sort();
        all.dedup();
        all
    }

    fn resource(&self, unit: u32, call: &'a Call) -> Option<Resource> {
        if !declares(&call.name) || !self.is_on_host(unit, call) {
            return None;
        }
        let name = self.text(unit, call, 0)?;
        let place = &self.scope.unit(unit).place;
        let place = Place::new(&place.root, &place.path, call.line);
        let mut workload = Workload::new(&name, place, WorkloadKind::Aspire);
        let mut resource_scheme = None;
        let mut parent = None;
        match call.name.as_str() {
            "AddProject" => workload.build = Some(self.project(unit, call)?),
            "AddDatabase" => {
                let receiver = call.receiver.as_ref()?;
                parent = self.named(receiver, &self.frame(unit, call)).into_iter().next();
                parent.as_ref()?;
            }
            "AddContainer" => {
                let image = self.text(unit, call, 1)?;
                resource_scheme = Some("http".to_owned());
                workload.image = Some(image);
            }
            "AddDockerfile" => workload.build = join(&self.folder, &self.text(unit, call, 1)?.replace('\\', "/")),
            "AddExecutable" => workload.build = join(&self.folder, &self.text(unit, call, 2)?.replace('\\', "/")),
            "AddParameter" | "AddConnectionString" | "AddExternalService" => return None,
            method if method.ends_with("App") || method.ends_with("Module") => {
                workload.build = join(&self.folder, &self.text(unit, call, 1)?.replace('\\', "/"));
            }
            method => {
                let image = product(method);
                if image.is_empty() {
                    return None;
                }
                resource_scheme = Some(scheme(&image).to_owned());
                workload.image = Some(image);
            }
        }
        Some(Resource { workload, scheme: resource_scheme, parent, inside: false })
    }

    /// Is the call on the builder of the application, or on a resource that holds others?
    fn is_on_host(&self, unit: u32, call: &'a Call) -> bool {
        let Some(receiver) = &call.receiver else { return false };
        if call.receiver_type.as_deref().is_some_and(|t| t.contains("IDistributedApplicationBuilder")) {
            return true;
        }
        let frame = self.frame(unit, call);
        self.texts.values.restart();
        let heads = self.texts.values.heads(receiver, &frame, 0);
        let builder = heads.iter().any(|f| match &f.head {
            Head::Instance(name) => name.ends_with("DistributedApplicationBuilder"),
            _ => false,
        });
        builder || self.is_builder_name(unit, call, receiver) || call.name == "AddDatabase"
    }

    /// `var builder = DistributedApplication.CreateBuilder(args)`.
    fn is_builder_name(&self, unit: u32, call: &Call, receiver: &Expr) -> bool {
        let Expr::Ref(name) = receiver else { return false };
        let made = |value: &Expr| matches!(value, Expr::Call(Some(on), made, _) if made == "CreateBuilder" && on.dotted().is_some_and(|d| d.ends_with("DistributedApplication")));
        self.scope
            .unit(unit)
            .bindings
            .iter()
            .any(|b| b.place == *name && (b.function == call.function || b.function.is_none()) && made(&b.value))
    }

    /// The folder of a project: by its class in `Projects`, or by its path.
    fn project(&self, unit: u32, call: &'a Call) -> Option<String> {
        let written = call.type_arguments.first().map(|t| t.rsplit('.').next().unwrap_or(t).to_owned());
        let root = &self.scope.unit(unit).place.root;
        if let Some(name) = written {
            let module = self.facts.modules.iter().find(|m| {
                m.build == "dotnet" && m.place.root == *root && m.names.iter().any(|n| normal(n) == normal(&name))
            });
            return module.map(|m| m.folder.clone());
        }
        let path = join(&self.folder, &self.text(unit, call, 1)?.replace('\\', "/"))?;
        Some(path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned()))
    }

    /// References, environment and ports of a resource.
    fn configure(&self, unit: u32, call: &'a Call, resources: &mut [Resource]) {
        let known = matches!(
            call.name.as_str(),
            "WithReference"
                | "WithEnvironment"
                | "WithHttpEndpoint"
                | "WithHttpsEndpoint"
                | "WithEndpoint"
                | "WithHostPort"
        );
        let Some(receiver) = call.receiver.as_ref().filter(|_| known) else { return };
        let frame = self.frame(unit, call);
        let place = &self.scope.unit(unit).place;
        let place = Place::new(&place.root, &place.path, call.line);
        for name in self.named(receiver, &frame) {
            let settings = match call.name.as_str() {
                "WithReference" => self.reference(unit, call, &place, resources),
                "WithEnvironment" => self.environment(unit, call, &place),
                _ => Vec::new(),
            };
            let Some(at) = resources.iter_mut().find(|r| r.workload.name == name) else { continue };
            at.workload.environment.extend(settings);
            if call.name.ends_with("Endpoint") || call.name == "WithHostPort" {
                let number = |key: &str, position: usize| {
                    let named = call.arguments.iter().find(|a| a.name.as_deref() == Some(key)).map(|a| &a.value);
                    let value = named
                        .or_else(|| call.arguments.get(position).filter(|a| a.name.is_none()).map(|a| &a.value))?;
                    self.texts.of(value, &frame).first()?.text.parse::<u16>().ok()
                };
                let port = number("port", 0);
                if port.is_some() || number("targetPort", 1).is_some() {
                    let target = number("targetPort", 1).or(port).unwrap_or(0);
                    at.workload.ports.push((port.unwrap_or(0), target));
                }
            }
        }
    }

    /// `WithReference(db)` hands over a connection string; of a project its address is found by its name.
    fn reference(&self, unit: u32, call: &'a Call, place: &Place, resources: &[Resource]) -> Vec<Setting> {
        let Some(argument) = call.arguments.first() else { return Vec::new() };
        let mut all = Vec::new();
        for name in self.named(&argument.value, &self.frame(unit, call)) {
            let Some(resource) = resources.iter().find(|r| r.workload.name == name) else { continue };
            let (key, value) = match &resource.scheme {
                Some(scheme) => {
                    let host = resource.parent.as_ref().filter(|_| resource.inside).unwrap_or(&name);
                    (format!("ConnectionStrings__{name}"), format!("{scheme}://{host}"))
                }
                None => (format!("services__{name}__http__0"), format!("http://{name}")),
            };
            all.push(Setting { key, value, place: place.clone() });
        }
        all
    }

    fn environment(&self, unit: u32, call: &'a Call, place: &Place) -> Vec<Setting> {
        let (Some(key), Some(value)) = (self.text(unit, call, 0), call.arguments.get(1)) else { return Vec::new() };
        let frame = self.frame(unit, call);
        let named = self.named(&value.value, &frame);
        let values: Vec<String> = if named.is_empty() {
            self.texts.of(&value.value, &frame).into_iter().filter(|t| !t.is_hole()).map(|t| t.text).collect()
        } else {
            named.into_iter().map(|name| format!("http://{name}")).collect()
        };
        let secret = crate::model::evidence::is_secret_key(&key);
        let shown = |v: String| if secret { "***".to_owned() } else { crate::model::mask_secrets(&v) };
        values.into_iter().map(|v| Setting { key: key.clone(), value: shown(v), place: place.clone() }).collect()
    }

    /// Routes of a proxy that is configured in the AppHost: `AddYarp("gateway").WithConfiguration(y => y.AddRoute(…))`.
    fn routes(&self, unit: u32, call: &'a Call) -> Vec<Route> {
        if call.name != "AddRoute" {
            return Vec::new();
        }
        let (pattern, target) = match call.arguments.as_slice() {
            [target] => (String::new(), target),
            [_, target, ..] => (self.text(unit, call, 0).unwrap_or_default(), target),
            [] => return Vec::new(),
        };
        let frame = self.frame(unit, call);
        let gateways = self.configured_by(unit, call);
        let place = &self.scope.unit(unit).place;
        let mut all = Vec::new();
        for gateway in &gateways {
            for name in self.named(&target.value, &frame) {
                all.push(Route {
                    place: Place::new(&place.root, &place.path, call.line),
                    proxy: "yarp".to_owned(),
                    gateway: Some(gateway.clone()),
                    pattern: pattern.clone(),
                    target: Expr::Literal(format!("http://{name}")),
                });
            }
        }
        all
    }

    /// The resource whose configuration lambda holds a call.
    fn configured_by(&self, unit: u32, call: &'a Call) -> Vec<String> {
        let functions = &self.scope.unit(unit).functions;
        let mut at = call.function;
        while let Some(f) = at {
            let lambda = &functions[f as usize];
            let holder = self
                .scope
                .unit(unit)
                .calls
                .iter()
                .filter(|c| c.name == "WithConfiguration" && c.function == lambda.parent && c.line <= lambda.line)
                .max_by_key(|c| c.line);
            if let Some((holder, receiver)) = holder.and_then(|h| Some((h, h.receiver.as_ref()?))) {
                return self.named(receiver, &self.frame(unit, holder));
            }
            at = lambda.parent;
        }
        Vec::new()
    }
}

/// A path relative to a folder; `None` if it leaves the root.
fn join(folder: &str, path: &str) -> Option<String> {
    super::copies::resolved(folder, path)
}
