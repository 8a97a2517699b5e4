"""Settings from the environment, loaded into app.config."""
import os

DATABASE_URL = os.environ.get(
    "DATABASE_URL", "postgresql://catalog@catalog-db:5432/catalog"
)
PRICING_ADDR = os.environ.get("PRICING_ADDR", "pricing:50051")
PRICING_TIMEOUT_S = float(os.environ.get("PRICING_TIMEOUT_S", "0.5"))
