//! Specifications: who sends and receives over which channel, and operations split over files.

use super::{edges, system};

const COMPOSE: &str = "services:\n  orders:\n    build: ./orders\n  shipping:\n    build: ./shipping\n";

#[test]
fn specifications_of_channels_join_services() {
    let sends = "asyncapi: 2.6.0\ninfo: {title: Orders}\nservers: {k: {url: 'kafka:9092', protocol: kafka}}\nchannels:\n  order-placed:\n    subscribe: {operationId: publishPlaced, message: {name: OrderPlaced}}\n";
    let receives = "asyncapi: 3.0.0\ninfo: {title: Shipping}\nchannels:\n  placed: {address: order-placed}\noperations:\n  onPlaced: {action: receive, channel: {$ref: '#/channels/placed'}}\n";
    let found = system(&[
        ("docker-compose.yml", COMPOSE),
        ("orders/package.json", "{\"name\": \"orders\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("orders/asyncapi.yaml", sends),
        ("shipping/package.json", "{\"name\": \"shipping\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("shipping/asyncapi.yaml", receives),
    ]);
    assert_eq!(edges(&found), ["orders -> shipping async"]);
    let edge = &found.dependencies[0];
    assert_eq!((edge.channel.as_deref(), edge.protocol.as_str()), (Some("order-placed"), "kafka"));
    let handlers: Vec<&str> = edge.sites.iter().filter_map(|s| s.handler.as_deref()).collect();
    assert_eq!(handlers, ["publishPlaced", "onPlaced"]);
}

#[test]
fn code_and_a_specification_meet_on_one_channel() {
    let code = "from kafka import KafkaProducer\np = KafkaProducer(bootstrap_servers='kafka:9092')\ndef f():\n    p.send('order-placed', b'x')\n";
    let receives =
        "asyncapi: 2.0.0\ninfo: {title: Shipping}\nchannels:\n  order-placed:\n    publish: {operationId: onPlaced}\n";
    let found = system(&[
        ("docker-compose.yml", COMPOSE),
        ("orders/app.py", code),
        ("shipping/package.json", "{\"name\": \"shipping\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("shipping/asyncapi.yaml", receives),
    ]);
    assert_eq!(edges(&found), ["orders -> shipping async"]);
}

#[test]
fn operations_in_other_files_answer_calls() {
    let api = "openapi: 3.1.0\ninfo: {title: Shipping}\npaths:\n  /parcels/{id}:\n    $ref: './paths/parcel.yaml'\n";
    let code = "import requests\ndef f(n):\n    requests.get(f'http://shipping/parcels/{n}')\n";
    let found = system(&[
        ("docker-compose.yml", COMPOSE),
        ("orders/app.py", code),
        ("shipping/package.json", "{\"name\": \"shipping\", \"scripts\": {\"start\": \"node x.js\"}}"),
        ("shipping/api/openapi.yaml", api),
        ("shipping/api/paths/parcel.yaml", "get:\n  operationId: readParcel\n  responses: {}\n"),
    ]);
    assert_eq!(edges(&found), ["orders -> shipping sync"]);
    assert_eq!(found.dependencies[0].sites[0].handler.as_deref(), Some("readParcel"));
}
