//! Bodies of HTML forms, with refusals that name the field.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;

use super::body;
use super::error::ApiError;

/// What such a body calls itself.
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// A request body as a form sends it: names and values, in order.
pub(super) struct FormBody(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !body::is(request.headers(), MEDIA_TYPE) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("send a form, with the header `content-type: {MEDIA_TYPE}`"),
            ));
        }
        let body = body::read(request, state).await?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

impl FormBody {
    /// The values of these fields. Each has to be there once, and no other.
    pub(super) fn fields<const N: usize>(self, names: [&str; N]) -> Result<[String; N], ApiError> {
        let mut values = names.map(|_| None);
        for (name, value) in self.0 {
            let Some(index) = names.iter().position(|known| *known == name) else {
                let reason = format!("{name} is not a field of this request");
                return Err(ApiError::field(name, reason));
            };
            if values[index].replace(value).is_some() {
                let reason = format!("{name} is there twice");
                return Err(ApiError::field(name, reason));
            }
        }
        if let Some(index) = values.iter().position(Option::is_none) {
            let name = names[index];
            return Err(ApiError::field(name, format!("{name} is missing")));
        }
        Ok(values.map(Option::unwrap_or_default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Result<[String; 2], String> {
        let body = FormBody(
            form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect(),
        );
        body.fields(["tea", "spoons"])
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn fields_come_in_any_order_and_decoded() {
        let values = fields("spoons=1&tea=Earl+Gr%C3%A9y%26").expect("both are there");
        assert_eq!(values, ["Earl Gréy&", "1"]);
        assert_eq!(fields("tea=&spoons").expect("empty"), ["", ""]);
    }

    #[test]
    fn what_is_missing_unknown_or_twice_is_named() {
        for (body, told) in [
            ("", "tea is missing"),
            ("tea=a", "spoons is missing"),
            (
                "tea=a&spoons=1&milk=1",
                "milk is not a field of this request",
            ),
            ("tea=a&spoons=1&tea=b", "tea is there twice"),
        ] {
            let refused = fields(body).expect_err(body);
            assert!(
                refused.contains(&format!("\"{told}\"")),
                "{body}: {refused}"
            );
        }
    }
}
