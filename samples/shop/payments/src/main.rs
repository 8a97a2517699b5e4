//! Payments: one charge per order.

mod clients;
mod config;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use clients::{Orders, Processor};
use config::Config;

struct App {
    db: PgPool,
    orders: Orders,
    processor: Processor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charge {
    order_id: Uuid,
    method: String,
}

#[derive(Serialize, sqlx::FromRow)]
struct Payment {
    id: Uuid,
    order_id: Uuid,
    amount_cents: i64,
    status: String,
}

type Failure = (StatusCode, String);

fn failed(error: impl std::fmt::Display) -> Failure {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

async fn create_payment(
    State(app): State<Arc<App>>,
    Json(charge): Json<Charge>,
) -> Result<(StatusCode, Json<Payment>), Failure> {
    let order = app.orders.get(charge.order_id).await.map_err(failed)?;
    if order.status != "PENDING" {
        return Err((StatusCode::CONFLICT, "order is not pending".into()));
    }
    let id = Uuid::new_v4();
    let captured = app
        .processor
        .capture(id, order.total_cents, &charge.method)
        .await
        .map_err(failed)?;
    let status = if captured.accepted {
        "CAPTURED"
    } else {
        "DECLINED"
    };
    let payment: Payment = sqlx::query_as(
        "INSERT INTO payments (id, order_id, amount_cents, status) VALUES ($1, $2, $3, $4) \
         RETURNING id, order_id, amount_cents, status",
    )
    .bind(id)
    .bind(charge.order_id)
    .bind(order.total_cents)
    .bind(status)
    .fetch_one(&app.db)
    .await
    .map_err(failed)?;
    Ok((StatusCode::CREATED, Json(payment)))
}

async fn get_payment(
    State(app): State<Arc<App>>,
    Path(id): Path<Uuid>,
) -> Result<Json<Payment>, Failure> {
    let found: Option<Payment> =
        sqlx::query_as("SELECT id, order_id, amount_cents, status FROM payments WHERE id = $1")
            .bind(id)
            .fetch_optional(&app.db)
            .await
            .map_err(failed)?;
    found
        .map(Json)
        .ok_or((StatusCode::NOT_FOUND, "no such payment".into()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_env();
    let db = PgPool::connect(&config.database_url).await?;
    sqlx::migrate!("./migrations").run(&db).await?;
    let app = App {
        db,
        orders: Orders::new(config.orders_url),
        processor: Processor::new(config.processor_url),
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/payments", post(create_payment))
        .route("/payments/:id", get(get_payment))
        .with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind(&config.bind).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
