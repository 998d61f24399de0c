use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use super::error::ApiError;
use super::text;
use crate::shop::Shop;

#[derive(Debug, Serialize)]
pub(super) struct Account {
    customer: String,
    orders: i64,
    total_cents: i64,
}

/// `GET /customers/{customer}`: what the customer was billed so far; zero for
/// one nobody knows.
pub(super) async fn show(
    State(shop): State<Shop>,
    customer: Result<Path<String>, PathRejection>,
) -> Result<Json<Account>, ApiError> {
    let Path(customer) =
        customer.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    let customer = text::name("customer", &customer)?;
    let billed = shop.billed(customer.clone()).await?;
    Ok(Json(Account {
        customer,
        orders: billed.orders,
        total_cents: billed.total_cents,
    }))
}
