"""Runs against a started system."""
import requests

CATALOG = "http://localhost:8000"
CUSTOMERS = "http://customers:8080"


def test_gold_customer_pays_less():
    customer = requests.get(f"{CUSTOMERS}/customers/c-1001", timeout=5).json()
    offers = requests.post(
        f"{CATALOG}/products/offers",
        json={
            "customer_tier": customer["tier"],
            "lines": [{"sku": "MUG-01", "quantity": 1}],
        },
        timeout=5,
    ).json()
    product = requests.get(f"{CATALOG}/products/MUG-01", timeout=5).json()
    assert offers[0]["unit_price_cents"] < product["price_cents"]
