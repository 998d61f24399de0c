//! Short texts from outside: names of customers and goods.

use super::error::ApiError;

/// In characters.
const MAX_LENGTH: usize = 200;

/// The text without the space around it, if it can serve as a name.
///
/// Control characters are refused: PostgreSQL can't store a zero, and the
/// others only hide in lists and logs.
pub(super) fn name(field: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::field(field, format!("{field} is empty")));
    }
    if text.chars().count() > MAX_LENGTH {
        let reason = format!("{field} is longer than {MAX_LENGTH} characters");
        return Err(ApiError::field(field, reason));
    }
    if text.chars().any(char::is_control) {
        let reason = format!("{field} contains control characters");
        return Err(ApiError::field(field, reason));
    }
    Ok(text.to_owned())
}
