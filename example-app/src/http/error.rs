use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kafka_integration::producer::Written;
use serde::Serialize;

use crate::db::DatabaseError;
use crate::shop::{CreateStampError, PlaceOrderError};

/// An answer other than success: a status, and a JSON body that says why.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let body = Body {
            error: error.into(),
            field: None,
        };
        Self { status, body }
    }

    /// The request can be read, but this field can't be accepted.
    pub(super) fn field(field: impl Into<String>, error: impl Into<String>) -> Self {
        let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, error);
        refusal.body.field = Some(field.into());
        refusal
    }

    /// What went wrong inside goes to the log; the caller learns what that
    /// means for the request.
    fn unavailable(meaning: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "{meaning}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, meaning)
    }
}

impl From<PlaceOrderError> for ApiError {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::NotAnnounced(_) => Self::unavailable(
                "the order was not placed: Kafka did not take its event; try again later",
                &error,
            ),
            PlaceOrderError::MaybeAnnounced(_) => Self::unavailable(
                "the order was taken back: Kafka did not answer in time. It may be billed all the \
                 same; look at the customer's account before you order again",
                &error,
            ),
            PlaceOrderError::Database(_) => Self::unavailable(
                "the order was not placed: the database is unavailable; try again later",
                &error,
            ),
            PlaceOrderError::NotTakenBack { .. } | PlaceOrderError::Interrupted(_) => {
                let meaning = "placing the order failed half-way; ask before you try again";
                tracing::error!(error = %error, "{meaning}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, meaning)
            }
        }
    }
}

impl From<CreateStampError> for ApiError {
    fn from(error: CreateStampError) -> Self {
        let meaning = match error.0.written() {
            Written::No => "the stamp was not taken: Kafka did not take its event; try again later",
            Written::Maybe => {
                "Kafka did not answer in time; the stamp may have been taken all the same"
            }
        };
        Self::unavailable(meaning, &error)
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        Self::unavailable("the database is unavailable; try again later", &error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
