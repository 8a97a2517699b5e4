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

/// A service in layers: the host project starts, another one beside it holds the handlers, which only a mediator calls.
/// The Dockerfile lies above both and says by its command which one it starts; a database of the AppHost is called like
/// a service.
#[test]
fn the_layers_of_one_service_are_one_service() {
    let web =
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ProjectReference Include=\"..\\Rooms\\Rooms.csproj\" /></Project>";
    let desk =
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ProjectReference Include=\"..\\Desk\\Desk.csproj\" /></Project>";
    let library = "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>";
    let proto = "syntax = \"proto3\";\npackage rooms;\nservice RoomCounter { rpc Find (Q) returns (R); }\n";
    let found = system(&[
        (
            "deploy/compose.yaml",
            "services:\n  rooms:\n    build: {context: .., dockerfile: services/rooms/Dockerfile}\n  desk:\n    build: {context: '..\\', dockerfile: 'services\\desk\\dev.Dockerfile'}\n  postgres: {image: postgres}\n",
        ),
        ("host/Host.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"><Sdk Name=\"Aspire.AppHost.Sdk\"/></Project>"),
        (
            "host/Program.cs",
            "var builder = DistributedApplication.CreateBuilder(args);\n\
             var server = builder.AddPostgres(\"postgres\");\nvar rooms = server.AddDatabase(\"rooms\");\n\
             builder.AddProject<Projects.Rooms_Api>(\"rooms-service\").WithReference(rooms);\n\
             builder.AddProject<Projects.Desk_Api>(\"desk-service\");\n",
        ),
        ("services/rooms/Dockerfile", "FROM dotnet\nCOPY . .\nENTRYPOINT [\"dotnet\", \"Rooms.Api.dll\"]\n"),
        ("services/rooms/Rooms.Api/Rooms.Api.csproj", web),
        ("services/rooms/Rooms.Api/Program.cs", "builder.AddNpgsqlDbContext<RoomsContext>(\"rooms\");\n"),
        ("services/rooms/Rooms/Rooms.csproj", library),
        ("services/rooms/Rooms/rooms.proto", proto),
        (
            "services/rooms/Rooms/Counter.cs",
            "public class Counter : RoomCounter.RoomCounterBase { public override Task<R> Find(Q q, ServerCallContext c) { return null; } }\n",
        ),
        ("services/desk/Dockerfile", "FROM dotnet\nCOPY . .\nENTRYPOINT dotnet ./Desk.Api.dll\n"),
        ("services/desk/Dockerfile.watch", "FROM dotnet\nCOPY . .\nENTRYPOINT dotnet watch\n"),
        ("services/desk/Desk.Api/Desk.Api.csproj", desk),
        (
            "services/desk/Desk.Api/Program.cs",
            "builder.Services.AddGrpcClient<RoomCounter.RoomCounterClient>(o => { o.Address = new Uri(\"http://rooms\"); });\n",
        ),
        ("services/desk/Desk/Desk.csproj", library),
        ("services/desk/Desk/rooms.proto", proto),
        (
            "services/desk/Desk/Book.cs",
            "internal class BookHandler : ICommandHandler<Book, Booked> {\n\
               private readonly RoomCounter.RoomCounterClient _rooms;\n\
               public BookHandler(RoomCounter.RoomCounterClient rooms) { _rooms = rooms; }\n\
               public async Task<Booked> Handle(Book command) { var free = await _rooms.FindAsync(new Q()); return new Booked(free); }\n\
             }\n",
        ),
    ]);
    assert_eq!(edges(&found), ["desk -> rooms sync", "rooms -> postgres data"]);
    let services: Vec<&str> =
        found.services.iter().filter(|s| s.kind.as_str() == "service").map(|s| s.name.as_str()).collect();
    assert_eq!(services, ["desk", "rooms"]);
}

/// A library reads a section that each service names, keeps it in static fields, and hands these to what it makes.
#[test]
fn a_section_that_a_service_names_reaches_the_client_of_a_library() {
    let library = "\
        public static class Setup {\n\
          private static string _exchange;\n  private static string _queue;\n\
          public static void UseSender(this IServiceCollection services, IConfiguration config) {\n\
            Read(config, \"Sender\");\n\
            services.AddTransient<ISender>(_ => new Sender(_exchange));\n  }\n\
          public static void UseReceiver(this IServiceCollection services, IConfiguration config) {\n\
            Read(config, \"Receiver\");\n\
            services.AddTransient<IReceiver>(_ => new Receiver(_exchange, _queue));\n  }\n\
          private static void Read(IConfiguration config, string name) {\n\
            var configSection = config.GetSection(name);\n\
            if (!configSection.Exists()) { throw new Missing(name); }\n\
            ReadExchange(configSection);\n\
            if (name == \"Receiver\") { _queue = configSection[\"Queue\"]; }\n  }\n\
          private static void ReadExchange(IConfigurationSection configSection) { _exchange = configSection[\"Exchange\"]; }\n\
        }\n\
        public class Sender : ISender {\n\
          private readonly string _exchange;\n  private IChannel _channel;\n\
          public Sender(string exchange) { _exchange = exchange; }\n\
          public async Task Send(byte[] body) {\n\
            await _channel.ExchangeDeclareAsync(_exchange, \"fanout\");\n\
            await _channel.BasicPublishAsync(_exchange, \"\", body);\n  }\n\
        }\n\
        public class Receiver : IReceiver {\n\
          private readonly string _exchange;\n  private readonly string _queue;\n  private IChannel _channel;\n\
          public Receiver(string exchange, string queue) { _exchange = exchange; _queue = queue; }\n\
          public async Task Start() {\n\
            await _channel.QueueBindAsync(_queue, _exchange, \"\");\n\
            await _channel.BasicConsumeAsync(_queue, false, _consumer);\n  }\n\
        }\n";
    let project =
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ProjectReference Include=\"..\\lib\\Lib.csproj\" /></Project>";
    let found = system(&[
        ("compose.yaml", "services:\n  shop: {build: shop}\n  audit: {build: audit}\n  rabbitmq: {image: rabbitmq}\n"),
        ("lib/Lib.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>"),
        ("lib/Setup.cs", &format!("using RabbitMQ.Client;\n{library}")),
        ("shop/Dockerfile", "FROM dotnet\n"),
        ("shop/Shop.csproj", project),
        (
            "shop/Program.cs",
            "builder.Services.UseSender(builder.Configuration);\n\
             class Orders(ISender sender) { async Task Place() { await sender.Send(null); } }\n",
        ),
        ("shop/appsettings.json", "{\"Sender\": {\"Exchange\": \"orders\"}}"),
        ("audit/Dockerfile", "FROM dotnet\n"),
        ("audit/Audit.csproj", project),
        (
            "audit/Program.cs",
            "builder.Services.UseReceiver(builder.Configuration);\n\
             class Worker(IReceiver receiver) { async Task Run() { await receiver.Start(); } }\n",
        ),
        ("audit/appsettings.json", "{\"Receiver\": {\"Exchange\": \"orders\", \"Queue\": \"audit\"}}"),
    ]);
    assert_eq!(edges(&found), ["shop -> audit async"]);
}

/// RestEase reads an address from the configuration; EasyNetQ's exchange is an object, its routing keys are names of
/// types, and the method that consumes is looked up by reflection.
#[test]
fn rest_ease_and_the_exchanges_of_easynetq() {
    let project = "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>";
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  policy: {build: policy}\n  price: {build: price}\n  search: {build: search}\n  rabbit: {image: rabbitmq}\n",
        ),
        ("policy/Policy.csproj", project),
        ("policy/Dockerfile", "FROM dotnet\n"),
        ("policy/appsettings.json", "{\"PriceUri\": \"http://price/api/prices\"}"),
        (
            "policy/Prices.cs",
            "using RestEase;\n\
             public interface IPrices { [Post] Task<Price> Ask([Body] Question question); }\n\
             public class Prices : IPrices {\n  private readonly IPrices client;\n\
               public Prices(IConfiguration configuration) {\n\
                 var http = new HttpClient(handler, false) { BaseAddress = new Uri(configuration.GetValue<string>(\"PriceUri\")) };\n\
                 client = RestClient.For<IPrices>(http);\n  }\n\
               public Task<Price> Ask([Body] Question question) => client.Ask(question);\n}\n",
        ),
        (
            "policy/Outbox.cs",
            "using EasyNetQ;\n\
             public class Outbox : BackgroundService {\n  private readonly IBus bus;\n  private readonly Exchange exchange;\n\
               public Outbox(IBus bus) { this.bus = bus; exchange = bus.Advanced.ExchangeDeclare(\"policies\", ExchangeType.Topic); }\n\
               protected override async Task ExecuteAsync(CancellationToken stop) {\n\
                 var key = Next().GetType().Name.ToLower();\n\
                 await bus.Advanced.PublishAsync(exchange, key, true, Next());\n  }\n}\n",
        ),
        ("price/Price.csproj", project),
        ("price/Dockerfile", "FROM dotnet\n"),
        ("price/Program.cs", "app.MapPost(\"/api/prices\", (Question q) => 1);\n"),
        ("search/Search.csproj", project),
        ("search/Dockerfile", "FROM dotnet\n"),
        (
            "search/Listener.cs",
            "using EasyNetQ;\n\
             public class Listener {\n  private readonly IBus bus;\n  private readonly Exchange exchange;\n\
               public Listener(IBus bus) { this.bus = bus; exchange = this.bus.Advanced.ExchangeDeclare(\"policies\", ExchangeType.Topic); }\n\
               public void ListenTo(List<Type> types) {\n\
                 foreach (var type in types) GetType().GetMethod(\"Subscribe\", Flags).MakeGenericMethod(type).Invoke(this, null);\n  }\n\
               private void Subscribe<T>() {\n\
                 var queue = bus.Advanced.QueueDeclare(\"search-\" + typeof(T).Name);\n\
                 bus.Advanced.Bind(exchange, queue, typeof(T).Name.ToLower());\n\
                 bus.Advanced.Consume(queue, (IMessage<T> message, MessageReceivedInfo info) => Index(message));\n  }\n}\n",
        ),
        ("search/Program.cs", "app.Services.GetRequiredService<Listener>().ListenTo(types);\n"),
    ]);
    assert_eq!(edges(&found), ["policy -> price sync", "policy -> search async"]);
}

/// `IOptions<T>.Value` is the options, and what nobody binds is the section that is called like their class.
#[test]
fn options_are_the_section_that_is_called_like_them() {
    let found = system(&[
        ("compose.yaml", "services:\n  desk: {build: desk}\n  guests: {build: guests}\n"),
        ("desk/Desk.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("desk/Dockerfile", "FROM dotnet\n"),
        ("desk/appsettings.json", "{\"GuestsOptions\": {\"BaseAddress\": \"http://guests\"}}"),
        (
            "desk/Guests.cs",
            "public abstract class ClientOptions { public string BaseAddress { get; set; } }\n\
             public class GuestsOptions : ClientOptions { }\n\
             public class Guests(HttpClient http, IOptions<GuestsOptions> options) {\n\
               private readonly GuestsOptions _options = options.Value;\n\
               [HttpGet(\"/guest\")] public Task<string> Find() => http.GetStringAsync($\"{_options.BaseAddress}/guests\");\n}\n",
        ),
        ("guests/Guests.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("guests/Dockerfile", "FROM dotnet\n"),
        ("guests/Program.cs", "app.MapGet(\"/guests\", () => 1);\n"),
    ]);
    assert_eq!(edges(&found), ["desk -> guests sync"]);
}

/// Where a type is registered says nothing of what is served: neither the place nor the base has more operations.
#[test]
fn a_registered_rpc_type_serves_its_own_methods() {
    let found = system(&[
        ("compose.yaml", "services:\n  carts: {build: carts}\n"),
        ("carts/carts.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("carts/Dockerfile", "FROM dotnet\n"),
        (
            "carts/Startup.cs",
            "public class Startup {\n  public void ConfigureServices(IServiceCollection services) { services.AddGrpc(); }\n\
               public void Configure(IApplicationBuilder app) {\n    app.UseEndpoints(routes => {\n\
                 routes.MapGrpcService<CartService>();\n    routes.MapGrpcService<Health>();\n    routes.MapGrpcService<Prices>();\n  });\n  }\n}\n",
        ),
        (
            "carts/CartService.cs",
            "public class CartService : Shop.Carts.CartsBase {\n  public override Task<Cart> GetCart(Id id) => null;\n}\n\
             public class Prices : IPrices {\n  public Task<Price> GetPrice(Id id) => null;\n}\n",
        ),
    ]);
    let served: Vec<_> = found.endpoints.iter().map(|e| format!("{} {}", e.method, e.path)).collect();
    assert_eq!(served, ["RPC /Carts/GetCart", "RPC /Prices/GetPrice"]);
}
