//! The web server's routes.

mod body;
mod customers;
mod error;
mod form;
mod health;
mod json;
mod orders;
mod payments;
mod server;
mod stamps;
mod text;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{get, post};

use crate::shop::Shop;
use error::ApiError;
pub(crate) use server::{Listen, ListenError, Server};

/// The largest request body, in bytes. An order is a few hundred.
const MAX_BODY: usize = 16 * 1024;

pub(crate) fn router(shop: Shop) -> Router {
    Router::new()
        .route("/orders", post(orders::place))
        .route("/customers/{customer}", get(customers::show))
        .route("/payments/{order_id}", get(payments::show))
        .route("/datasender/create_stamp/", post(stamps::create))
        .route("/stamps", get(stamps::list))
        .route("/health", get(health::show))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shop)
}

async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        format!(
            "there is nothing at {}; try POST /orders, GET /customers/{{customer}}, \
             GET /payments/{{order_id}}, POST /datasender/create_stamp/, GET /stamps, GET /health",
            uri.path()
        ),
    )
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} does not take {method}", uri.path()),
    )
}
