use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::error::ApiError;
use super::json::JsonBody;
use super::text;
use crate::db::NewOrder;
use crate::money::{MAX_TOTAL_CENTS, total_cents};
use crate::shop::Shop;
use crate::topics::OrderPlaced;

/// What a customer sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderRequest {
    customer: String,
    sku: String,
    quantity: i64,
    unit_price_cents: i64,
}

/// `POST /orders`: 201 and the order as placed, once its event is acknowledged.
pub(super) async fn place(
    State(shop): State<Shop>,
    JsonBody(request): JsonBody<OrderRequest>,
) -> Result<(StatusCode, Json<OrderPlaced>), ApiError> {
    let order = shop.place_order(request.validate()?).await?;
    Ok((StatusCode::CREATED, Json(order)))
}

impl OrderRequest {
    fn validate(self) -> Result<NewOrder, ApiError> {
        let customer = text::name("customer", &self.customer)?;
        let sku = text::name("sku", &self.sku)?;
        if self.quantity < 1 {
            let reason = format!("quantity is {}; it must be at least 1", self.quantity);
            return Err(ApiError::field("quantity", reason));
        }
        if self.unit_price_cents < 0 {
            let reason = format!(
                "unit_price_cents is {}; it must not be negative",
                self.unit_price_cents
            );
            return Err(ApiError::field("unit_price_cents", reason));
        }
        let total_cents = total_cents(self.quantity, self.unit_price_cents).ok_or_else(|| {
            let reason = format!("the order costs more than {MAX_TOTAL_CENTS} cents");
            ApiError::field("total_cents", reason)
        })?;
        Ok(NewOrder {
            customer,
            sku,
            quantity: self.quantity,
            unit_price_cents: self.unit_price_cents,
            total_cents,
        })
    }
}
