"""Stateless price computation over gRPC."""
import logging
import os
import signal
from concurrent import futures

import grpc

import pricing_pb2
import pricing_pb2_grpc

TIER_DISCOUNT = {"gold": 10, "silver": 5}


def unit_price(list_price: int, quantity: int, tier: str) -> tuple[int, str]:
    percent = TIER_DISCOUNT.get(tier, 0)
    rule = f"tier:{tier}" if percent else "list"
    if quantity >= 10:
        percent += 5
        rule += "+volume"
    return list_price * (100 - percent) // 100, rule


class Pricing(pricing_pb2_grpc.PricingServicer):
    def Quote(self, request, context):
        if request.quantity < 1:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "quantity must be positive")
        unit, rule = unit_price(
            request.list_price_cents, request.quantity, request.customer_tier
        )
        return pricing_pb2.QuoteReply(
            unit_price_cents=unit, total_cents=unit * request.quantity, rule=rule
        )


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    pricing_pb2_grpc.add_PricingServicer_to_server(Pricing(), server)
    address = os.environ.get("PRICING_BIND", "[::]:50051")
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=2))
    server.start()
    logging.info("pricing listens on %s", address)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
