"""Products and their first stock in PostgreSQL."""
from pathlib import Path

import psycopg2
import psycopg2.extras

COLUMNS = "sku, name, description, price_cents, weight_g"


class Store:
    def __init__(self, dsn: str):
        self._dsn = dsn

    def _connect(self):
        return psycopg2.connect(
            self._dsn, cursor_factory=psycopg2.extras.RealDictCursor
        )

    def _run(self, sql: str, values=()) -> list[dict]:
        connection = self._connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return [dict(r) for r in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def migrate(self) -> None:
        for script in sorted((Path(__file__).parent / "migrations").glob("*.sql")):
            self._run(script.read_text())

    def products(self) -> list[dict]:
        return self._run(f"SELECT {COLUMNS} FROM products ORDER BY sku")

    def product(self, sku: str) -> dict | None:
        rows = self._run(f"SELECT {COLUMNS} FROM products WHERE sku = %s", (sku,))
        return rows[0] if rows else None

    def products_by_sku(self, skus: list[str]) -> dict[str, dict]:
        rows = self._run(f"SELECT {COLUMNS} FROM products WHERE sku = ANY(%s)", (skus,))
        return {row["sku"]: row for row in rows}

    def add(self, product: dict, on_hand: int) -> None:
        connection = self._connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO products (sku, name, description, price_cents, weight_g) "
                    "VALUES (%(sku)s, %(name)s, %(description)s, %(price_cents)s, %(weight_g)s)",
                    product,
                )
                cursor.execute(
                    "INSERT INTO stock_items (sku, on_hand) VALUES (%s, %s)",
                    (product["sku"], on_hand),
                )
        finally:
            connection.close()

    def update(self, sku: str, name: str, price_cents: int) -> bool:
        return bool(
            self._run(
                "UPDATE products SET name = %s, price_cents = %s WHERE sku = %s RETURNING sku",
                (name, price_cents, sku),
            )
        )
