use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::ApiError;
use super::form::FormBody;
use super::text;
use crate::db::Stamp;
use crate::shop::Shop;
use crate::topics::StampCreated;

/// The longest a stamp may wait, in seconds: six days. Kafka keeps a message
/// for a week unless told otherwise, and has nothing else of a stamp that waits.
const LONGEST_TOLERANCE: i64 = 6 * 24 * 3_600;

/// `POST /datasender/create_stamp/` with the form fields `object_cid` and
/// `time_tolerance` (seconds): 201 and the stamp, once its event is
/// acknowledged.
pub(super) async fn create(
    State(shop): State<Shop>,
    form: FormBody,
) -> Result<(StatusCode, Json<StampCreated>), ApiError> {
    let [object_cid, time_tolerance] = form.fields(["object_cid", "time_tolerance"])?;
    let object_cid = text::name("object_cid", &object_cid)?;
    let time_tolerance = tolerance(&time_tolerance)?;
    let stamp = shop.create_stamp(object_cid, time_tolerance).await?;
    Ok((StatusCode::CREATED, Json(stamp)))
}

/// `GET /stamps`: the stamps that were processed last, the latest first.
pub(super) async fn list(State(shop): State<Shop>) -> Result<Json<Vec<Stamp>>, ApiError> {
    Ok(Json(shop.stamps().await?))
}

fn tolerance(text: &str) -> Result<i64, ApiError> {
    let refused = |reason: String| ApiError::field("time_tolerance", reason);
    let seconds = text
        .trim()
        .parse()
        .map_err(|_| refused("time_tolerance must be a whole number of seconds".to_owned()))?;
    match (0..=LONGEST_TOLERANCE).contains(&seconds) {
        true => Ok(seconds),
        false => Err(refused(format!(
            "time_tolerance is {seconds}; it must be from 0 to {LONGEST_TOLERANCE} seconds"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_whole_seconds_within_what_the_topic_keeps() {
        for (text, seconds) in [("10", 10), (" 0 ", 0), ("518400", LONGEST_TOLERANCE)] {
            assert_eq!(tolerance(text).expect(text), seconds);
        }
        for text in ["", "ten", "1.5", "-1", "518401", "99999999999999999999"] {
            let refused = format!("{:?}", tolerance(text).expect_err(text));
            assert!(refused.contains("time_tolerance"), "{refused}");
        }
    }
}
