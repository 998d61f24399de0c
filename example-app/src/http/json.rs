//! JSON request bodies, with refusals that name the field.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::body;
use super::error::ApiError;

/// A request body as JSON; unlike axum's own, its refusals are JSON too.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !body::is(request.headers(), "application/json") {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send JSON, with the header `content-type: application/json`",
            ));
        }
        let body = body::read(request, state).await?;
        parse(&body).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if !body.trim_ascii_start().starts_with(b"{") {
        // serde would take an array for the fields in their order.
        serde_json::from_slice::<IgnoredAny>(body).map_err(|error| not_json(&error))?;
        return Err(unprocessable("the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer);
    let value = parsed.map_err(|error| {
        let path = error.path().to_string();
        match error.inner().classify() {
            Category::Data => unfit(&path, &error.inner().to_string()),
            Category::Syntax | Category::Eof | Category::Io => not_json(error.inner()),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    let reason = format!("the body is not JSON: {error}");
    ApiError::new(StatusCode::BAD_REQUEST, reason)
}

fn unprocessable(reason: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason)
}

/// JSON that does not fit the request. serde's text speaks of Rust's types, so
/// only what it is about is taken from it.
fn unfit(path: &str, serde: &str) -> ApiError {
    // These have no place in the body, so serde's path does not have them.
    for (kind, meaning) in [
        ("missing", "is missing"),
        ("unknown", "is not a field of this request"),
        ("duplicate", "is there twice"),
    ] {
        if let Some(field) = named(serde, kind) {
            return ApiError::field(field, format!("{field} {meaning}"));
        }
    }
    if path == "." {
        return unprocessable("the body does not fit the request");
    }
    let meaning = match serde.rsplit_once(", expected ") {
        Some((found, _)) if found.starts_with("invalid value: integer") => "is out of range",
        Some((_, expected)) if expected.starts_with("a string") => "must be a text",
        Some((_, expected)) if expected.starts_with(['i', 'u']) => "must be a whole number",
        _ => "has a value that does not fit",
    };
    ApiError::field(path, format!("{path} {meaning}"))
}

/// The field in a text like "missing field `sku` at line 1 column 2".
fn named<'a>(serde: &'a str, kind: &str) -> Option<&'a str> {
    let rest = serde.strip_prefix(kind)?.strip_prefix(" field `")?;
    Some(rest.split_once('`')?.0)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only refusals are looked at")]
    struct Cup {
        tea: String,
        spoons: i64,
    }

    #[test]
    fn refusals_speak_of_json_and_not_of_rust() {
        for (body, told) in [
            (r#"["tea", 1]"#, "the body must be a JSON object"),
            (r#" "tea" "#, "the body must be a JSON object"),
            (r#"{"spoons": 1}"#, "tea is missing"),
            (r#"{"tea": 7, "spoons": 1}"#, "tea must be a text"),
            (r#"{"tea": ["a"], "spoons": 1}"#, "tea must be a text"),
            (
                r#"{"tea": "a", "spoons": "1"}"#,
                "spoons must be a whole number",
            ),
            (
                r#"{"tea": "a", "spoons": 1.5}"#,
                "spoons must be a whole number",
            ),
            (
                r#"{"tea": "a", "spoons": null}"#,
                "spoons must be a whole number",
            ),
            (
                r#"{"tea": "a", "spoons": ", expected a string"}"#,
                "spoons must be a whole number",
            ),
            (
                r#"{"tea": "a", "spoons": 18446744073709551615}"#,
                "spoons is out of range",
            ),
            (
                r#"{"tea": "a", "milk": true}"#,
                "milk is not a field of this request",
            ),
            (r#"{"tea": "a", "tea": "b"}"#, "tea is there twice"),
        ] {
            let refused = format!("{:?}", parse::<Cup>(body.as_bytes()).expect_err(body));
            assert!(
                refused.contains(&format!("\"{told}\"")),
                "{body}: {refused} instead of {told}"
            );
        }
        let refused = format!("{:?}", parse::<Cup>(b"[1,").expect_err("not JSON"));
        assert!(refused.contains("the body is not JSON"), "{refused}");
    }
}
