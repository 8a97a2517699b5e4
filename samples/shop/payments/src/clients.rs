use std::time::Duration;

use reqwest::Client;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub status: String,
    pub total_cents: i64,
}

/// Asks the orders service what is to be paid.
pub struct Orders {
    http: Client,
    base: String,
}

impl Orders {
    pub fn new(base: String) -> Self {
        Orders {
            http: client(),
            base,
        }
    }

    pub async fn get(&self, id: Uuid) -> reqwest::Result<Order> {
        let url = format!("{}/orders/{}", self.base, id);
        self.http
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await
    }
}

#[derive(Serialize)]
struct Capture<'a> {
    reference: Uuid,
    amount_cents: i64,
    method: &'a str,
}

#[derive(Deserialize)]
pub struct Captured {
    pub accepted: bool,
}

/// The card processor outside.
pub struct Processor {
    http: Client,
    base: String,
}

impl Processor {
    pub fn new(base: String) -> Self {
        Processor {
            http: client(),
            base,
        }
    }

    pub async fn capture(
        &self,
        reference: Uuid,
        amount_cents: i64,
        method: &str,
    ) -> reqwest::Result<Captured> {
        let body = Capture {
            reference,
            amount_cents,
            method,
        };
        let request = self
            .http
            .post(format!("{}/v1/captures", self.base))
            .json(&body);
        request.send().await?.error_for_status()?.json().await
    }
}

fn client() -> Client {
    Client::builder()
        .timeout(Duration::from_secs(4))
        .build()
        .expect("TLS is available")
}
