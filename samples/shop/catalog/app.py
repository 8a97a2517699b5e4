"""Product catalogue."""
from flask import Flask, jsonify, request

from quotes import Quotes
from store import Store


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_object("settings")
    store = Store(app.config["DATABASE_URL"])
    quotes = Quotes(app.config["PRICING_ADDR"], app.config["PRICING_TIMEOUT_S"])
    store.migrate()

    @app.get("/healthz")
    def health():
        return "ok"

    @app.get("/products")
    def list_products():
        return jsonify(store.products())

    @app.get("/products/<sku>")
    def get_product(sku: str):
        product = store.product(sku)
        return jsonify(product) if product else (jsonify(error="no such product"), 404)

    @app.post("/products")
    def create_product():
        body = request.get_json()
        product = {
            "sku": body["sku"],
            "name": body["name"],
            "description": body.get("description", ""),
            "price_cents": int(body["price_cents"]),
            "weight_g": int(body.get("weight_g", 0)),
        }
        store.add(product, int(body.get("on_hand", 0)))
        return jsonify(product), 201

    @app.put("/products/<sku>")
    def update_product(sku: str):
        body = request.get_json()
        found = store.update(sku, body["name"], int(body["price_cents"]))
        return ("", 204) if found else (jsonify(error="no such product"), 404)

    @app.post("/products/offers")
    def list_offers():
        body = request.get_json()
        wanted = {line["sku"]: int(line["quantity"]) for line in body["lines"]}
        products = store.products_by_sku(list(wanted))
        tier = body.get("customer_tier", "")
        return jsonify(
            [quotes.quote(products[sku], wanted[sku], tier) for sku in sorted(products)]
        )

    return app


if __name__ == "__main__":
    create_app().run(host="0.0.0.0", port=8000)
