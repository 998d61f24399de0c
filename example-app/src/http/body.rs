//! Request bodies, whatever they are written in.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};

use super::error::ApiError;

/// Whether that is the content's type, parameters aside.
pub(super) fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let Some(value) = value.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let sent = value.split(';').next().unwrap_or_default().trim();
    sent.eq_ignore_ascii_case(media_type)
}

/// The whole body, unlike axum's own with refusals in JSON.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| {
        let reason = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                format!("the body is larger than {} bytes", super::MAX_BODY)
            }
            _ => rejection.body_text(),
        };
        ApiError::new(rejection.status(), reason)
    })
}
