use std::env;

pub struct Config {
    pub bind: String,
    pub database_url: String,
    pub orders_url: String,
    pub processor_url: String,
}

impl Config {
    pub fn from_env() -> Self {
        Config {
            bind: var("BIND", "0.0.0.0:8080"),
            database_url: var(
                "DATABASE_URL",
                "postgres://payments@payments-db:5432/payments",
            ),
            orders_url: var("ORDERS_URL", "http://orders:8080"),
            processor_url: var("PROCESSOR_URL", "https://api.cardpay.example"),
        }
    }
}

fn var(key: &str, default: &str) -> String {
    env::var(key).unwrap_or_else(|_| default.to_owned())
}
