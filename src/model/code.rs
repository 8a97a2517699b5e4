//! What one source file says, in one vocabulary for all languages.
//!
//! A language yields a `Unit` (bindings, calls, declarations); rules turn calls into `CallSite`s.
//! Knows no library: which call means what stands in `rules/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Confidence, Place};
use super::expr::{Argument, Expr};
use super::practice::Condition;

/// One source file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// Root and path; line 0.
    pub place: Place,
    /// Language id (`java`, `go`, `python`, `javascript`, `typescript`, `csharp`, `rust`, `kotlin`, …).
    pub language: String,
    /// Package, namespace or module as written; empty if the language has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub package: String,
    /// Imported names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// Declared types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<TypeDecl>,
    /// Declared functions and methods; calls and bindings name them by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// Assignments of values to places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// Calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Calls, declarations and annotations that a rule recognised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<CallSite>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Lines of the file.
    #[serde(default)]
    pub lines: u32,
}

/// `import path as name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Import {
    /// The local name (`http`, `RestTemplate`, `axios`); `*` for a wildcard.
    pub name: String,
    /// The full path as written (`net/http`, `org.springframework.web.client.RestTemplate`, `./client`).
    pub path: String,
}

/// A class, interface, struct, record or enum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeDecl {
    /// Name without generics.
    pub name: String,
    /// Line of the declaration.
    pub line: u32,
    /// Is it an interface, trait or protocol?
    #[serde(default)]
    pub is_interface: bool,
    /// Supertypes and implemented interfaces as written, with generics (`JpaRepository<Order,UUID>`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supertypes: Vec<String>,
    /// Annotations, attributes, decorators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// Fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// A field of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Type as written.
    #[serde(default)]
    pub type_name: String,
    /// Line.
    pub line: u32,
    /// Annotations, attributes, struct tags (`json:"id"` becomes `json("id")`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

/// A function, method or constructor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// Name; a constructor is named `new`.
    pub name: String,
    /// The type it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// First line.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// Parameters in order (without `self`/`this`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// What an extension function is called on, by the name that its body gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Parameter>,
    /// Annotations, attributes, decorators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// What it returns, one expression per `return`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Expr>,
    /// Return type as written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub return_type: String,
    /// Index of the enclosing function, for closures and nested functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
}

/// A parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type as written; empty where the language has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub type_name: String,
    /// Default value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Expr>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

/// `@Name(arguments)`, `[Name(arguments)]`, `#[name(arguments)]`, `@name(arguments)`, a struct tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Annotation {
    /// Name without `@`, as written (`app.route` for a decorator `@app.route`).
    pub name: String,
    /// Arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Line.
    pub line: u32,
}

/// `place := value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// Dotted place: a local or module name (`url`), a field (`this.url`), a static (`Settings.URL`),
    /// a key (`app.config.URL`), `*target` for what a pointer parameter is set to.
    pub place: String,
    /// Function in which it stands; absent at module or type level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<u32>,
    /// Type in which it stands (field initialisers, static members).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Declared type, where written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The value.
    pub value: Expr,
    /// Line.
    pub line: u32,
}

/// A call expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Line where the call expression starts.
    pub line: u32,
    /// Enclosing function; absent at module or type level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<u32>,
    /// `a.b` in `a.b.name(…)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Expr>,
    /// Static type of the receiver (or of the root of a builder chain), as far as the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_type: Option<String>,
    /// Function or method name; `new TypeName` for a constructor.
    pub name: String,
    /// Arguments in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Type arguments as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub type_arguments: Vec<String>,
    /// Stands in a loop, stream or comprehension body.
    #[serde(default)]
    pub in_loop: bool,
    /// The result is used (assigned, returned, an argument, a receiver).
    #[serde(default)]
    pub result_used: bool,
    /// Spawned and never awaited (`go f()`, `tokio::spawn`, promise neither awaited nor returned).
    #[serde(default)]
    pub spawned: bool,
}

/// What a recognised call site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SiteKind {
    /// HTTP request.
    Http,
    /// RPC over a generated stub.
    Grpc,
    /// GraphQL over HTTP.
    Graphql,
    /// A declared client interface (Feign, Refit, Retrofit); its methods are operations.
    Interface,
    /// Registers a base address for a client type (typed clients).
    Register,
    /// Publishes to a topic, queue, exchange or channel.
    Publish,
    /// Asks over a topic or queue and waits for the answer.
    Request,
    /// Consumes from one.
    Consume,
    /// Binds a queue to an exchange (`topic` = exchange, `name` = queue).
    Bind,
    /// Opens a database, document store or search engine.
    Database,
    /// Opens a cache.
    Cache,
    /// Opens a connection to a broker (address of the broker).
    Broker,
    /// Telemetry, registry, configuration server, feature flags: never coupling.
    Infra,
    /// Serves an operation.
    Serve,
    /// Implements an RPC service (`name` = service).
    ServeRpc,
    /// Opens a port on which it serves.
    Listen,
    /// Reads the service's own store.
    StoreRead,
    /// Writes the service's own store.
    StoreWrite,
    /// Maps a type to a table or collection (`topic` = table name).
    Table,
    /// A property prefix bound to a type's fields.
    Properties,
    /// Sends mail.
    Mail,
}

/// A call, declaration or annotation that a rule recognised, with the parts that the rule marks.
/// Every part is an unresolved expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallSite {
    /// Rule id: `language/library/name`.
    pub rule: String,
    /// Kind.
    pub kind: SiteKind,
    /// Protocol or system: http, grpc, kafka, rabbitmq, postgresql, redis, …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Line in the unit.
    pub line: u32,
    /// Enclosing (or annotated) function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<u32>,
    /// Annotated or enclosing type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Receiver of the call: base addresses travel through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Expr>,
    /// Address: URL, host:port, connection string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Expr>,
    /// Logical service name (discovery), queue or RPC service name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Expr>,
    /// Path or path template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Expr>,
    /// HTTP method, as an expression (`Literal("GET")`, `HttpMethod.POST`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Expr>,
    /// Topic, queue, exchange, channel, table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Expr>,
    /// Consumer group or routing key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Expr>,
    /// SQL or query text (literals already masked).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Expr>,
    /// Handler function name (endpoints registered by a call).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Expr>,
    /// Stands in a loop.
    #[serde(default)]
    pub in_loop: bool,
    /// The result is used.
    #[serde(default)]
    pub result_used: bool,
    /// Spawned and never awaited.
    #[serde(default)]
    pub spawned: bool,
    /// How exact the rule's match is (receiver type known: confirmed; by name only: probable).
    pub confidence: Confidence,
}

impl CallSite {
    /// An empty site of a kind at a line.
    #[must_use]
    pub fn new(rule: &str, kind: SiteKind, line: u32) -> Self {
        Self {
            rule: rule.to_owned(),
            kind,
            protocol: String::new(),
            line,
            function: None,
            owner: None,
            receiver: None,
            address: None,
            name: None,
            path: None,
            method: None,
            topic: None,
            group: None,
            query: None,
            handler: None,
            in_loop: false,
            result_used: true,
            spawned: false,
            confidence: Confidence::Confirmed,
        }
    }
}
