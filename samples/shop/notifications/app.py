"""Tells customers what happens to their orders."""
import json
import logging
import os
import signal
import sys

import requests
from confluent_kafka import Consumer

log = logging.getLogger("notifications")

TOPICS = ["orders.placed", "shipping.dispatched"]
TEXTS = {
    "orders.placed": "Hello {name}, we have your order {order}.",
    "shipping.dispatched": "Hello {name}, your order {order} is on its way.",
}


def service_url(key: str, default: str) -> str:
    return os.environ.get(key, default).rstrip("/")


def find_customer(customer_id: str) -> dict:
    response = requests.get(
        f"{service_url('CUSTOMERS_URL', 'http://customers:8080')}/customers/{customer_id}"
    )
    response.raise_for_status()
    return response.json()


def order_id(event: dict) -> str:
    # The event carries the identifier, the order itself is no longer fetched:
    # order = requests.get(f"{service_url('ORDERS_URL', 'http://orders:8080')}/orders/{event['order_id']}").json()
    return event.get("order_id") or event["orderId"]


def handle(topic: str, event: dict) -> None:
    customer = find_customer(event.get("customer_id") or event["customerId"])
    text = TEXTS[topic].format(name=customer["name"], order=order_id(event))
    log.info("mail for customer %s: %s", customer["id"], text)


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "kafka:9092"),
            "group.id": "notifications",
            "auto.offset.reset": "earliest",
        }
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    consumer.subscribe(TOPICS)
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                log.warning("%s", message.error())
                continue
            try:
                handle(message.topic(), json.loads(message.value()))
            except (KeyError, ValueError, requests.RequestException):
                log.exception("could not handle a record of %s", message.topic())
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
