"""Client of the pricing service."""
import grpc

import pricing_pb2
import pricing_pb2_grpc


class Quotes:
    def __init__(self, address: str, timeout: float):
        self._stub = pricing_pb2_grpc.PricingStub(grpc.insecure_channel(address))
        self._timeout = timeout

    def quote(self, product: dict, quantity: int, tier: str) -> dict:
        reply = self._stub.Quote(
            pricing_pb2.QuoteRequest(
                sku=product["sku"],
                list_price_cents=product["price_cents"],
                quantity=quantity,
                customer_tier=tier,
            ),
            timeout=self._timeout,
        )
        return {
            "sku": product["sku"],
            "quantity": quantity,
            "unit_price_cents": reply.unit_price_cents,
            "total_cents": reply.total_cents,
        }
