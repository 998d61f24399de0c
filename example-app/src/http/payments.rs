use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::error::ApiError;
use crate::db::Payment;
use crate::shop::Shop;

/// `GET /payments/{order_id}`: the order's payment; 404 while it is not paid.
pub(super) async fn show(
    State(shop): State<Shop>,
    order_id: Result<Path<String>, PathRejection>,
) -> Result<Json<Payment>, ApiError> {
    let Path(order_id) =
        order_id.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    let order_id = order_id
        .parse()
        .map_err(|_| ApiError::field("order_id", "order_id must be a whole number"))?;
    match shop.payment(order_id).await? {
        Some(payment) => Ok(Json(payment)),
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            format!("order {order_id} is not paid"),
        )),
    }
}
