//! Everything that the inputs say, names as written: what ingesters give and linking takes.
//!
//! Facts can be written and read back (`--facts-out`), so that repositories are read one by one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Unit;
use super::evidence::{Note, Place};
use super::expr::Expr;
use super::history::HistoryFact;
use super::practice::Practice;
use super::traffic::Traffic;

/// All facts of a run. Each list is sorted by place before linking.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Format of a facts file: `unbraid-facts/1`.
    #[serde(default)]
    pub schema: String,
    /// Source files.
    #[serde(default)]
    pub units: Vec<Unit>,
    /// Build modules.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// Deployed things: compose services, Kubernetes workloads and Services, Dockerfiles.
    #[serde(default)]
    pub workloads: Vec<Workload>,
    /// Configuration files, ConfigMaps, env files.
    #[serde(default)]
    pub settings: Vec<Settings>,
    /// Gateway and proxy routes.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Operations that a specification declares.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// Schemas: OpenAPI components, ORM classes, migrations, protobuf messages.
    #[serde(default)]
    pub schemas: Vec<SchemaFact>,
    /// Owners of folders.
    #[serde(default)]
    pub owners: Vec<Owner>,
    /// How services are built and run.
    #[serde(default)]
    pub practices: Vec<Practice>,
    /// Histories of the repositories; `None` = not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryFact>,
    /// What traces say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// What could not be read.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// What was read and skipped.
    #[serde(default)]
    pub counts: ReadCounts,
}

/// The format id of a facts file.
pub const FACTS_SCHEMA: &str = "unbraid-facts/1";

impl Facts {
    /// Adds everything of `other`.
    pub fn append(&mut self, mut other: Facts) {
        self.units.append(&mut other.units);
        self.modules.append(&mut other.modules);
        self.workloads.append(&mut other.workloads);
        self.settings.append(&mut other.settings);
        self.routes.append(&mut other.routes);
        self.operations.append(&mut other.operations);
        self.schemas.append(&mut other.schemas);
        self.owners.append(&mut other.owners);
        self.practices.append(&mut other.practices);
        self.notes.append(&mut other.notes);
        self.counts.merge(&other.counts);
        if let Some(more) = other.history {
            let mine = self.history.get_or_insert_default();
            mine.changes.extend(more.changes);
            mine.changes.sort();
            mine.missing.extend(more.missing);
            for (reason, n) in more.skipped {
                *mine.skipped.entry(reason).or_default() += n;
            }
        }
        if let Some(traffic) = other.traffic {
            match &mut self.traffic {
                Some(mine) => mine.merge(traffic),
                None => self.traffic = Some(traffic),
            }
        }
    }

    /// Brings every list into its one order, so that the same input gives the same bytes.
    pub fn sort(&mut self) {
        self.units.sort_by(|a, b| a.place.cmp(&b.place));
        self.modules.sort_by(|a, b| (&a.place, &a.folder).cmp(&(&b.place, &b.folder)));
        self.workloads.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
        self.settings.sort_by(|a, b| (&a.place, &a.scope).cmp(&(&b.place, &b.scope)));
        self.routes.sort_by(|a, b| (&a.place, &a.pattern).cmp(&(&b.place, &b.pattern)));
        self.operations.sort_by(|a, b| (&a.place, &a.path, &a.method).cmp(&(&b.place, &b.path, &b.method)));
        self.schemas.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
        self.owners.sort_by(|a, b| a.place.cmp(&b.place));
        self.practices.sort();
        self.practices.dedup();
        self.notes.sort();
        self.notes.dedup();
    }
}

/// What kind of thing a build file makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModuleKind {
    /// Builds something that runs (main function, Spring Boot plugin, `bin`, `OutputType=Exe`, web SDK).
    Application,
    /// Builds a library.
    Library,
    /// Only collects other modules (Maven aggregator, workspace root, solution).
    Aggregate,
    /// The build file does not say.
    Unknown,
}

/// A build module: pom.xml, build.gradle, package.json, go.mod, Cargo.toml, *.csproj, pyproject.toml, composer.json, Gemfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// The build file.
    pub place: Place,
    /// Folder of the module, relative to the root (`""` = the root itself).
    pub folder: String,
    /// Names: artifact id, package name, assembly name, last segment of the Go module path.
    pub names: Vec<String>,
    /// Kind.
    pub kind: ModuleKind,
    /// Build system: maven, gradle, npm, go, cargo, dotnet, python, composer, bundler.
    pub build: String,
    /// Language id, where the build system decides it.
    #[serde(default)]
    pub language: String,
    /// Other modules of the same system that it uses: module names, or folders relative to the root as `path:FOLDER`.
    /// External libraries too (`group:artifact`, package name): the linker keeps what it knows.
    #[serde(default)]
    pub depends_on: Vec<String>,
}

/// What kind of manifest declares a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// A compose service.
    Compose,
    /// Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod, Knative Service.
    Kubernetes,
    /// A Kubernetes Service: a name for the pods that its selector picks.
    KubernetesService,
    /// A Dockerfile.
    Dockerfile,
    /// A resource of a .NET Aspire AppHost.
    Aspire,
    /// A line of a Procfile.
    Procfile,
    /// Another declaration (Nomad, ECS, systemd).
    Other,
}

/// Something deployed: names, image, environment, ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workload {
    /// Where it is declared (line of its name).
    pub place: Place,
    /// Manifest kind.
    pub kind: WorkloadKind,
    /// Name as declared.
    pub name: String,
    /// Further names: container_name, hostname, network aliases, `app` label, container names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Namespace, where given.
    #[serde(default)]
    pub namespace: String,
    /// Image reference after interpolation.
    #[serde(default)]
    pub image: Option<String>,
    /// Build context as a folder relative to the root (normalised, `""` = the root).
    #[serde(default)]
    pub build: Option<String>,
    /// Dockerfile relative to the root.
    #[serde(default)]
    pub dockerfile: Option<String>,
    /// For a Dockerfile: source folders or files that COPY/ADD brings in, relative to the root; for a compose service
    /// what it mounts.
    #[serde(default)]
    pub copies: Vec<String>,
    /// Command, entrypoint and arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment, secrets masked.
    #[serde(default)]
    pub environment: Vec<Setting>,
    /// Names of ConfigMaps, Secrets (`secret:NAME`) or env files (`file:PATH`) that give further environment.
    #[serde(default)]
    pub environment_from: Vec<String>,
    /// Ports as (published on the host or Service, inside the container); 0 = not given.
    #[serde(default)]
    pub ports: Vec<(u16, u16)>,
    /// `depends_on`, `links`: names only, never an edge.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Labels of the pods, or of the compose service.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Selector of a Kubernetes Service.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// Variant (compose override file, overlay folder, values file), empty for the base.
    #[serde(default)]
    pub profile: String,
    /// A health check or probe is declared.
    #[serde(default)]
    pub has_health_check: bool,
}

impl Workload {
    /// A workload of which only the name is known.
    #[must_use]
    pub fn new(name: &str, place: Place, kind: WorkloadKind) -> Self {
        Self {
            place,
            kind,
            name: name.to_owned(),
            aliases: Vec::new(),
            namespace: String::new(),
            image: None,
            build: None,
            dockerfile: None,
            copies: Vec::new(),
            command: Vec::new(),
            environment: Vec::new(),
            environment_from: Vec::new(),
            ports: Vec::new(),
            depends_on: Vec::new(),
            labels: BTreeMap::new(),
            selector: BTreeMap::new(),
            profile: String::new(),
            has_health_check: false,
        }
    }
}

/// One key and its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Key, dotted for nested files (`spring.datasource.url`, `Services.Orders`).
    pub key: String,
    /// Value as text, `${a:default}` and `$VAR` left as written; secrets masked.
    pub value: String,
    /// Where.
    pub place: Place,
}

/// A file or object full of settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The file or object.
    pub place: Place,
    /// Whom it configures.
    pub scope: SettingsScope,
    /// Format: spring, appsettings, dotenv, configmap, helm-values, …
    pub format: String,
    /// Profile (`application-docker.yml` → `docker`, `appsettings.Development.json` → `Development`), else empty.
    #[serde(default)]
    pub profile: String,
    /// The values in the order of the file.
    pub values: Vec<Setting>,
}

/// Whom a settings file configures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsScope {
    /// The module that holds this folder (relative to the root).
    Folder(String),
    /// The application of this name (config-server native folders); `application` = all its clients.
    Application(String),
    /// Workloads that refer to this ConfigMap or Secret name.
    ConfigMap(String),
    /// Workloads that name this env file (path relative to the root).
    EnvFile(String),
}

/// A route of a gateway or proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Where it stands.
    pub place: Place,
    /// Kind of proxy: nginx, envoy, ingress, zuul, spring-cloud-gateway, …
    pub proxy: String,
    /// Who routes: a workload or application name when the input names it, else the owner of the file's folder.
    #[serde(default)]
    pub gateway: Option<String>,
    /// Path pattern as written; empty for a default route.
    pub pattern: String,
    /// Target address or logical name (`lb://orders`, `http://orders:8080`, `orders`).
    pub target: Expr,
}

/// An operation that a specification declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Where.
    pub place: Place,
    /// `openapi`, `asyncapi`, `proto` or `debezium` (a connector that publishes the changes of a table).
    pub format: String,
    /// Title of the specification, `package.Service` for protobuf, the database of a connector.
    pub title: String,
    /// Version of the specification (`info.version`); empty = none is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Server URLs.
    #[serde(default)]
    pub servers: Vec<String>,
    /// HTTP method in upper case, `RPC`, `SEND` or `RECEIVE`.
    pub method: String,
    /// Path template, `/package.Service/Method`, or channel address.
    pub path: String,
    /// operationId or rpc name.
    #[serde(default)]
    pub id: String,
    /// Tags and resource nouns.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Names of request and response schemas.
    #[serde(default)]
    pub schemas: Vec<String>,
}

/// A schema with fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaFact {
    /// Where.
    pub place: Place,
    /// `openapi`, `orm`, `migration`, `proto`.
    pub format: String,
    /// Schema, class, table or message name.
    pub name: String,
    /// Table or collection name, when it is one.
    #[serde(default)]
    pub table: Option<String>,
    /// Fields.
    pub fields: Vec<SchemaField>,
    /// Columns that it takes away (`ALTER TABLE … DROP COLUMN`, the old name of a renamed one).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<String>,
    /// Operations that answer with it or with a list of it, as the specification writes them (`GET /orders/{id}`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Services whose schema it is; filled by linking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// A field of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaField {
    /// Name.
    pub name: String,
    /// Type as written; empty if the input does not say.
    pub type_name: String,
    /// Required, not null.
    #[serde(default)]
    pub required: bool,
    /// Part of the primary key or identifier.
    #[serde(default)]
    pub key: bool,
    /// Line.
    #[serde(default)]
    pub line: u32,
}

/// An owner of paths (CODEOWNERS, Backstage).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// Where.
    pub place: Place,
    /// Path pattern as written, or component name with the prefix `component:`.
    pub pattern: String,
    /// Owners.
    pub owners: Vec<String>,
}

/// An operation that code serves, with what its handler does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Owning service.
    pub service: String,
    /// HTTP method in upper case, `ANY` or `RPC`.
    pub method: String,
    /// Path template with `{}` holes, or `/package.Service/Method`.
    pub path: String,
    /// Handler name (`getOrder`), operationId or rpc name.
    pub handler: String,
    /// Where the handler (or the operation of a specification) stands.
    pub place: Place,
    /// `code` or `specs`.
    pub seen_in: super::evidence::SourceKind,
    /// What the handler does to the service's own store; `None` = not known.
    pub effect: Option<StoreEffect>,
    /// Outbound call sites that the handler reaches; `None` = not known.
    pub calls_out: Option<u32>,
    /// These call sites, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call_sites: Vec<Place>,
    /// Calls to the service's own store that the handler reaches; `None` = not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_calls: Option<u32>,
    /// The handler's answer is counted, summed or grouped by a query.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aggregates: bool,
    /// The handler publishes a message or sends mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emits: bool,
}

/// What a handler does to its own store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreEffect {
    /// Neither reads nor writes a store.
    Nothing,
    /// Reads.
    Reads,
    /// Writes (and perhaps reads).
    Writes,
}

/// What was read, and what was skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadCounts {
    /// Files read, by reader id (`java`, `compose`, `otlp`, …).
    #[serde(default)]
    pub files: BTreeMap<String, u64>,
    /// Files left out, by reason (`test code`, `generated`, `too large`, …).
    #[serde(default)]
    pub skipped: BTreeMap<String, u64>,
}

impl ReadCounts {
    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &ReadCounts) {
        for (key, n) in &other.files {
            *self.files.entry(key.clone()).or_default() += n;
        }
        for (key, n) in &other.skipped {
            *self.skipped.entry(key.clone()).or_default() += n;
        }
    }
}
