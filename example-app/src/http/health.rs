use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::error::ApiError;
use crate::shop::Shop;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    database: &'static str,
}

/// `GET /health`: 200 when a request could be served, 503 when the database
/// does not answer.
pub(super) async fn show(State(shop): State<Shop>) -> Result<Json<Health>, ApiError> {
    shop.database().check().await?;
    Ok(Json(Health {
        status: "ok",
        database: "ok",
    }))
}
