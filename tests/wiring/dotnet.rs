//! .NET: Aspire, typed clients of other projects, a bus whose topic is the class of the message, components.

use super::{edges, system};

const HOST: &str = r#"
var builder = DistributedApplication.CreateBuilder(args);
var cache = builder.AddRedis("cache");
var bus = builder.AddRabbitMQ("bus").WithLifetime(ContainerLifetime.Persistent);
var server = builder.AddPostgres("pg");
var stockDb = server.AddDatabase("stockdb");
var stock = builder.AddProject<Projects.Shop_Stock>("stock").WithReference(stockDb).WithReference(bus);
var account = builder.AddProject<Projects.Account>("account");
var store = builder.AddProject<Projects.Store>("store")
    .WithReference(stock).WithReference(cache).WithReference(bus)
    .WithEnvironment("AccountUrl", account.GetEndpoint("http"));
builder.AddYarp("edge").RouteAll(stock);
builder.Build().Run();
"#;

const HOST_EXTENSIONS: &str = r#"
static class Routing {
  public static IResourceBuilder<YarpResource> RouteAll(this IResourceBuilder<YarpResource> proxy, IResourceBuilder<ProjectResource> target) {
    return proxy.WithConfiguration(y => {
      var cluster = y.AddCluster(target);
      y.AddRoute("/stock/{**rest}", cluster).WithTransformPathRemovePrefix("/stock");
    });
  }
}
"#;

const STORE: &str = r#"
using StockGrpc = Shop.Grpc.Counter.CounterClient;
static class Setup {
  public static void AddServices(this IHostApplicationBuilder builder) {
    builder.Services.AddHttpClient<StockClient>(o => o.BaseAddress = new("https+http://stock"));
    builder.AddRedisClient("cache");
    builder.AddBus("bus").AddSubscriptions();
    builder.Services.AddAuthentication().AddOpenIdConnect(options => {
      var url = builder.Configuration.Needed("AccountUrl");
      options.Authority = url;
    });
  }
  static void AddSubscriptions(this IEventBusBuilder bus) {
    bus.AddSubscription<StockChanged, StockChangedHandler>();
  }
}
record StockChanged(int Id) : IntegrationEvent;
"#;

#[test]
fn an_app_host_names_who_runs_and_what_each_is_given() {
    let found = system(&[
        ("src/Host/Host.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"><Sdk Name=\"Aspire.AppHost.Sdk\"/></Project>"),
        ("src/Host/Program.cs", HOST),
        ("src/Host/Routing.cs", HOST_EXTENSIONS),
        (
            "src/Stock/Shop.Stock.csproj",
            "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ProjectReference Include=\"..\\Bus\\Bus.csproj\" /></Project>",
        ),
        (
            "src/Stock/Program.cs",
            "builder.AddNpgsqlDbContext<StockContext>(\"stockdb\");\n\
             class Outbox(IEventBus bus, ILog log) {\n\
               async Task Relay() { foreach (var entry in await log.Pending()) { await bus.PublishAsync(entry.Event); } }\n\
             }\n\
             class Counting(ILog log, Outbox box) : BackgroundService { void Add() { log.Save(new StockChanged(1)); box.Relay(); } }\n\
             record StockChanged(int Id) : IntegrationEvent;\n\
             record Unused(int Id) : IntegrationEvent;",
        ),
        ("src/Bus/Bus.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>"),
        (
            "src/Bus/Bus.cs",
            "public record IntegrationEvent;\npublic class Entry { public IntegrationEvent Event { get; set; } }\n\
             public static class Configured {\n\
               public static string Needed(this IConfiguration configuration, string name) => configuration[name] ?? throw new Exception(name);\n\
             }",
        ),
        ("src/Account/Account.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("src/Account/Program.cs", "app.MapGet(\"/me\", () => 1);"),
        (
            "src/Store/Store.csproj",
            "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ProjectReference Include=\"..\\Bus\\Bus.csproj\" /><ProjectReference Include=\"..\\Parts\\Parts.csproj\" /></Project>",
        ),
        ("src/Store/Program.cs", "builder.AddServices();"),
        ("src/Store/Setup.cs", STORE),
        (
            "src/Store/Page.razor",
            "@page \"/\"\n@inject StockClient Stock\n@code {\n  async Task Load() { await Stock.All(); }\n}\n",
        ),
        ("src/Parts/Parts.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>"),
        (
            "src/Parts/StockClient.cs",
            "public class StockClient(HttpClient http) { public Task<Item[]> All() => http.GetFromJsonAsync<Item[]>(\"/items\"); }",
        ),
    ]);
    assert_eq!(
        edges(&found),
        [
            "edge -> stock sync",
            "stock -> stockdb data",
            "stock -> store async",
            "store -> account sync",
            "store -> cache data",
            "store -> stock sync",
        ]
    );
    let kind = |name: &str| found.services.iter().find(|s| s.name == name).map(|s| s.kind.as_str());
    assert_eq!((kind("edge"), kind("bus"), kind("stockdb")), (Some("gateway"), Some("broker"), Some("database")));
}

#[test]
fn stubs_that_a_container_injects_are_called_where_they_are_registered() {
    let found = system(&[
        ("proto/counter.proto", "syntax = \"proto3\"; service Counter { rpc Count (A) returns (B); }"),
        ("store/Store.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        (
            "store/Program.cs",
            "using CounterStub = Shop.Counter.CounterClient;\n\
             builder.Services.AddGrpcClient<Shop.Counter.CounterClient>(o => o.Address = new(\"http://stock\"));\n\
             class Basket(CounterStub counter) { public async Task F() { await counter.CountAsync(new A()); } }\n\
             class Main { void Run(Basket b) { b.F(); } }",
        ),
        ("stock/Stock.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("stock/Program.cs", "class Counting : Counter.CounterBase { }"),
    ]);
    let sync: Vec<String> = edges(&found);
    assert_eq!(sync.len(), 1, "{sync:?}");
    assert!(sync[0].to_lowercase() == "store -> stock sync", "{sync:?}");
}

#[test]
fn registered_interfaces_and_fields_lead_through_projects_to_their_services() {
    let csproj = |references: &str| {
        format!("<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ItemGroup>{references}</ItemGroup></Project>")
    };
    let found = system(&[
        (
            "compose.yml",
            "services:\n  web:\n    build: {context: ., dockerfile: web/Dockerfile}\n    environment: [Api__Stock=http://stock:8080]\n  stock:\n    build: {context: ., dockerfile: stock/Dockerfile}\n    environment: ['ConnectionStrings__Main=Server=stockdb;Database=Stock']\n  stockdb:\n    image: mcr.microsoft.com/mssql/server:2022-latest\n",
        ),
        ("web/Dockerfile", "FROM x\n"),
        ("web/web.csproj", &csproj("")),
        ("web/GlobalUsings.cs", "global using Refit;\n"),
        ("web/IStockClient.cs", "interface IStockClient { [Get(\"/items\")] Task<Item[]> All(); }"),
        (
            "web/Program.cs",
            "builder.Services.AddRefitClient<IStockClient>()\n  .ConfigureHttpClient(c => { c.BaseAddress = new Uri(builder.Configuration[\"Api:Stock\"]!); });\n\
             class Page(IStockClient stock) : PageModel { public async Task OnGet() { await stock.All(); } }",
        ),
        ("stock/Dockerfile", "FROM x\n"),
        ("stock/stock.csproj", &csproj("<ProjectReference Include=\"..\\stock.data\\stock.data.csproj\" />")),
        (
            "stock/Program.cs",
            "builder.Services.AddStore(builder.Configuration);\napp.MapGet(\"/items\", () => 1);\nclass Job(IStore store) : BackgroundService { void Run() { store.Open(); } }",
        ),
        ("stock.data/stock.data.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>"),
        (
            "stock.data/Store.cs",
            "static class Setup {\n  public static void AddStore(this IServiceCollection services, IConfiguration configuration) {\n\
               services.AddTransient<IStore>(p => new Store(configuration.GetConnectionString(\"Main\")));\n  }\n}\n\
             class Store : IStore {\n  private readonly string _connection;\n  private readonly int _retries;\n\
               public Store(string connection) : this(connection, 3) { }\n\
               public Store(string connection, int retries) { _connection = connection; _retries = retries; }\n\
               public void Open() { Retry(() => { using SqlConnection c = new(_connection); }); }\n  void Retry(Action a) { }\n}",
        ),
    ]);
    assert_eq!(edges(&found), ["stock -> stockdb data", "web -> stock sync"]);
}
