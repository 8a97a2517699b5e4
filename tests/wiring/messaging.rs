//! Messages: requests that wait for their answer over a broker, jobs by class, lists as queues, injected clients.

use super::{edges, system};

#[test]
fn a_request_over_a_broker_waits_and_an_event_does_not() {
    let module = |name: &str| {
        format!(
            "{{\"name\": \"{name}\", \"scripts\": {{\"start\": \"nest start\"}}, \"dependencies\": {{\"@nestjs/core\": \"10\"}}}}"
        )
    };
    let found = system(&[
        ("edge/package.json", &module("edge")),
        (
            "edge/src/app.module.ts",
            "import { ClientsModule, Transport } from '@nestjs/microservices';\n\
             @Module({ imports: [ClientsModule.register([\n\
               { name: 'STOCK', transport: Transport.NATS, options: { servers: ['nats://nats:4222'] } },\n\
               { name: 'USERS', transport: Transport.GRPC, options: { url: 'users:50051', package: 'users' } },\n\
             ])] })\nexport class AppModule {}\n",
        ),
        (
            "edge/src/stock.service.ts",
            "import { ClientProxy, ClientGrpc } from '@nestjs/microservices';\n\
             export class StockService {\n\
               private users: UsersClient;\n\
               constructor(@Inject('STOCK') private readonly stock: ClientProxy, @Inject('USERS') private readonly client: ClientGrpc) {}\n\
               onModuleInit() { this.users = this.client.getService<UsersClient>('Users'); }\n\
               find() { return this.stock.send({ cmd: 'find-stock' }, {}); }\n\
               add() { this.stock.emit('stock-added', {}); }\n\
               who() { return this.users.findUser({}); }\n\
             }\n",
        ),
        (
            "edge/src/stock.controller.ts",
            "@Controller('stock')\nexport class StockController {\n\
               constructor(private readonly service: StockService) {}\n\
               @Get() all() { this.service.add(); this.service.who(); return this.service.find(); }\n}\n",
        ),
        ("users/package.json", &module("users")),
        ("users/users.proto", "syntax = \"proto3\";\nservice Users { rpc FindUser (Q) returns (R); }\n"),
        ("users/src/main.ts", "import { NestFactory } from '@nestjs/core';\nNestFactory.createMicroservice(M, {});\n"),
        ("stock/package.json", &module("stock")),
        (
            "stock/src/stock.controller.ts",
            "import { EventPattern, MessagePattern } from '@nestjs/microservices';\n\
             @Controller()\nexport class StockController {\n\
               @MessagePattern({ cmd: 'find-stock' }) find() { return 1; }\n\
               @EventPattern('stock-added') added() { return 1; }\n}\n",
        ),
    ]);
    assert_eq!(edges(&found), ["edge -> stock async", "edge -> stock sync", "edge -> users sync"]);
    let sync = found.dependencies.iter().find(|d| d.target == "stock" && d.channel.is_none()).expect("sync");
    assert!(sync.blocking && sync.sites.iter().all(|s| s.path.starts_with("edge/")));
}

#[test]
fn jobs_reach_whoever_handles_their_class_and_each_project_has_its_own_database() {
    let composer = "{\"require\": {\"laravel/framework\": \"^11\"}}";
    let environment = "DB_CONNECTION=mysql\nDB_HOST=db\nDB_DATABASE=x\n";
    let compose = |name: &str| format!("services:\n  {name}:\n    build: .\n  db:\n    image: mysql:8\n");
    let job = |body: &str| {
        format!(
            "<?php\nnamespace App\\Jobs;\nuse Illuminate\\Contracts\\Queue\\ShouldQueue;\nclass ShipOrder implements ShouldQueue {{ {body} }}\n"
        )
    };
    let found = system(&[
        ("orders/composer.json", composer),
        ("orders/.env.example", environment),
        ("orders/docker-compose.yml", &compose("orders")),
        ("orders/app/Jobs/ShipOrder.php", &job("public function __construct(private string $id) {}")),
        (
            "orders/app/Services/Saga.php",
            "<?php\nuse App\\Jobs\\ShipOrder;\nclass Saga { public function start() { ShipOrder::dispatch('1')->onQueue('shipping'); } }\n",
        ),
        ("orders/routes/api.php", "<?php\nRoute::post('/orders', function () { (new Saga())->start(); });\n"),
        ("shipping/composer.json", composer),
        ("shipping/.env.example", environment),
        ("shipping/docker-compose.yml", &compose("shipping")),
        ("shipping/app/Jobs/ShipOrder.php", &job("public function handle(): void { }")),
    ]);
    assert_eq!(edges(&found), ["orders -> orders-db data", "orders -> shipping async", "shipping -> shipping-db data"]);
}

#[test]
fn a_list_of_redis_is_a_queue_between_those_who_push_and_those_who_pop() {
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  vote:\n    build: ./vote\n  worker:\n    build: ./worker\n  redis:\n    image: redis:7\n",
        ),
        ("vote/Dockerfile", "FROM python:3\nCOPY . .\nCMD [\"python\", \"app.py\"]\n"),
        ("vote/app.py", "from redis import Redis\nr = Redis(host=\"redis\")\nr.rpush(\"votes\", \"x\")\n"),
        ("worker/Dockerfile", "FROM golang:1\nCOPY . .\nCMD [\"./worker\"]\n"),
        (
            "worker/main.go",
            "package main\nimport \"github.com/redis/go-redis/v9\"\nfunc main() {\n\trdb := redis.NewClient(&redis.Options{Addr: \"redis:6379\"})\n\tv := rdb.BLPop(ctx, 0, \"votes\")\n\tuse(v)\n}\n",
        ),
    ]);
    let all = edges(&found);
    assert!(all.contains(&"vote -> worker async".to_owned()), "{all:?}");
}

#[test]
fn a_state_store_of_dapr_is_the_server_that_its_component_names() {
    let component = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: statestore}\nspec:\n  type: state.redis\n  version: v1\n  metadata:\n  - {name: redisHost, value: 'carts-cache:6379'}\n";
    let code = "from dapr.clients import DaprClient\ndef save(cart):\n    with DaprClient() as client:\n        client.save_state('statestore', cart.id, cart)\n";
    let found = system(&[
        (
            "docker-compose.yml",
            "services:\n  carts:\n    build: ./carts\n  carts-cache:\n    image: redis\n  other:\n    image: redis\n",
        ),
        ("components/state.yaml", component),
        ("carts/app.py", code),
    ]);
    assert_eq!(edges(&found), ["carts -> carts-cache data"]);
}

/// Eventuate: the channel of an aggregate is its class, commands go to a channel of their own.
#[test]
fn aggregates_publish_under_the_name_of_their_class() {
    let pom = |name: &str| format!("<project><artifactId>{name}</artifactId></project>");
    let (orders, stock, history) = (pom("orders"), pom("stock"), pom("history"));
    let found = system(&[
        (
            "compose.yaml",
            "services:\n  orders: {build: orders}\n  stock: {build: stock}\n  history: {build: history}\n",
        ),
        ("orders/pom.xml", &orders),
        (
            "orders/src/main/java/OrderEvents.java",
            "class OrderEvents extends AbstractAggregateDomainEventPublisher<Order, OrderEvent> { }\n",
        ),
        (
            "orders/src/main/java/Saga.java",
            "import static io.eventuate.tram.commands.consumer.CommandWithDestinationBuilder.send;\nclass Saga {\n\
             @Bean Object reserve() { return send(new Reserve()).to(Channels.STOCK).build(); }\n}\n\
             class Channels { static final String STOCK = \"stockCommands\"; }\n",
        ),
        ("stock/pom.xml", &stock),
        (
            "stock/src/main/java/Commands.java",
            "import io.eventuate.tram.sagas.participant.SagaCommandHandlersBuilder;\nclass Commands {\n\
             @Bean Object handlers() { return SagaCommandHandlersBuilder.fromChannel(\"stockCommands\").onMessage(Reserve.class, this::reserve).build(); }\n}\n",
        ),
        ("history/pom.xml", &history),
        (
            "history/src/main/java/History.java",
            "class History {\n  @EventuateDomainEventHandler(subscriberId = \"history\", channel = \"com.acme.orders.domain.Order\")\n  void on(Event e) { }\n}\n",
        ),
    ]);
    assert_eq!(edges(&found), ["orders -> history async", "orders -> stock async"]);
}

/// The constants of an enum carry the names of exchanges and queues, and Lombok writes what reads them.
#[test]
fn constants_of_an_enum_name_queues() {
    let found = system(&[
        ("compose.yaml", "services:\n  orders: {build: orders}\n  mail: {build: mail}\n"),
        ("orders/pom.xml", "<project><artifactId>orders</artifactId></project>"),
        (
            "orders/src/main/java/Queues.java",
            "@Getter enum Queues {\n  PLACED(\"orders\", \"orders.placed\");\n  private String exchange;\n  private String queue;\n\
             Queues(String exchange, String queue) { this.exchange = exchange; this.queue = queue; }\n}\n",
        ),
        (
            "orders/src/main/java/Sender.java",
            "class Sender {\n  private AmqpTemplate amqp;\n  @PostMapping(\"/orders\") void send(String order) { amqp.convertAndSend(Queues.PLACED.getQueue(), order); }\n}\n",
        ),
        ("mail/pom.xml", "<project><artifactId>mail</artifactId></project>"),
        (
            "mail/src/main/java/Mails.java",
            "class Mails {\n  @RabbitListener(queues = \"orders.placed\") void placed(String order) { }\n}\n",
        ),
    ]);
    assert_eq!(edges(&found), ["orders -> mail async"]);
}

/// A class for each event says by its base which event it sends or hears, wherever the base class is.
#[test]
fn classes_of_events_are_publishers_and_listeners() {
    let found = system(&[
        ("orders/package.json", "{\"name\": \"orders\", \"scripts\": {\"start\": \"ts-node .\"}}"),
        (
            "orders/src/placed.ts",
            "import { Publisher, OrderPlaced } from '@acme/events'\nexport class PlacedPublisher extends Publisher<OrderPlaced> { }\n",
        ),
        ("mail/package.json", "{\"name\": \"mail\", \"scripts\": {\"start\": \"ts-node .\"}}"),
        (
            "mail/src/placed.ts",
            "import { Listener, OrderPlaced } from '@acme/events'\nexport class PlacedListener extends Listener<OrderPlaced> { }\n",
        ),
    ]);
    assert_eq!(edges(&found), ["orders -> mail async"]);
}
