use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::lines::{Lines, trimmed};
use super::rows::{BadRow, Row};

/// A file with a JSON value on each line, which is sent as it stands.
pub(super) struct JsonLines {
    lines: Lines,
    key_field: Option<String>,
}

impl JsonLines {
    pub(super) fn new(lines: Lines, key_field: Option<String>) -> Self {
        Self { lines, key_field }
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Row>, BadRow> {
        loop {
            let mut value = Vec::new();
            if !self.lines.read(&mut value)? {
                return Ok(None);
            }
            value.truncate(trimmed(&value).len());
            if value.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = self.lines.number();
            let key = self
                .check(&value)
                .map_err(|problem| BadRow::skippable(line, problem))?;
            return Ok(Some(Row { line, key, value }));
        }
    }

    /// The key of a line that is JSON.
    fn check(&self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let text = std::str::from_utf8(line).map_err(|error| format!("no UTF-8: {error}"))?;
        let Some(field) = &self.key_field else {
            let checked = serde_json::from_str::<IgnoredAny>(text);
            return checked.map(|_| None).map_err(|error| no_json(&error));
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let key = (&mut json)
            .deserialize_map(KeyOf { field })
            .and_then(|key| json.end().map(|()| key))
            .map_err(|error| match error.is_data() {
                true => format!("no JSON object, so it has no field `{field}` for the key"),
                false => no_json(&error),
            })?;
        match key {
            None => Err(format!("no field `{field}`, which is to be the key")),
            Some(key) => key_bytes(key).map_err(|error| no_json(&error)),
        }
    }
}

/// serde_json counts lines within its text, which is always the first here.
fn no_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("no JSON: {what} at column {}", error.column())
}

/// A string is its text, null is no key, and anything else is as it stands in
/// the file, so that a large number keeps all its digits.
fn key_bytes(json: &str) -> Result<Option<Vec<u8>>, serde_json::Error> {
    Ok(match json.as_bytes().first() {
        Some(b'"') => Some(serde_json::from_str::<String>(json)?.into_bytes()),
        Some(b'n') => None,
        _ => Some(json.as_bytes().to_vec()),
    })
}

/// Finds one field of an object and checks the rest for being JSON.
struct KeyOf<'a> {
    field: &'a str,
}

impl<'de> Visitor<'de> for KeyOf<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.field {
                // Of a name that stands twice the last counts, as for most
                // readers of JSON.
                found = Some(map.next_value::<&RawValue>()?.get());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, key: Option<&str>) -> Vec<Result<Row, BadRow>> {
        let input = std::io::Cursor::new(text.as_bytes().to_vec());
        let lines = Lines::new(Box::new(input), 1_000);
        let mut rows = JsonLines::new(lines, key.map(str::to_owned));
        std::iter::from_fn(|| rows.next().transpose()).collect()
    }

    fn key(line: &str) -> Result<Option<String>, String> {
        let row = read(line, Some("id")).remove(0);
        row.map(|row| row.key.map(|key| String::from_utf8(key).expect("text")))
            .map_err(|bad| bad.problem)
    }

    #[test]
    fn a_line_goes_byte_for_byte() {
        let rows = read("\u{feff} {\"a\" : 1.0} \r\n\n[]\n\"x\"", None);
        let values: Vec<_> = rows
            .into_iter()
            .map(|row| row.expect("good"))
            .map(|row| (row.line, String::from_utf8(row.value).expect("text")))
            .collect();
        let expected = [(1, " {\"a\" : 1.0} "), (3, "[]"), (4, "\"x\"")];
        assert_eq!(values, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn the_key_is_the_text_of_its_field() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(key(r#"{"x":{"id":1},"id":"a\nb"}"#), some("a\nb"));
        assert_eq!(key(r#"{"id":""}"#), some(""));
        assert_eq!(
            key(r#"{"id":123456789012345678901}"#),
            some("123456789012345678901")
        );
        assert_eq!(key(r#"{"id":1.50}"#), some("1.50"));
        assert_eq!(key(r#"{"\u0069d":true}"#), some("true"));
        assert_eq!(key(r#"{"id":null}"#), Ok(None));
    }

    #[test]
    fn a_line_without_its_key_says_so() {
        for line in [r#"{"ID":1}"#, "{}"] {
            assert!(
                key(line).expect_err("no key").starts_with("no field `id`"),
                "{line}"
            );
        }
        assert!(
            key("[1]")
                .expect_err("no object")
                .starts_with("no JSON object")
        );
    }

    #[test]
    fn a_bad_line_has_its_number_and_the_next_is_read() {
        let rows = read("{}\n{\"a\":}\n{} {}\n{\"a\":1", None);
        let bad: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        let lines: Vec<_> = bad.iter().map(|bad| (bad.line, bad.fatal)).collect();
        assert_eq!(lines, [(2, false), (3, false), (4, false)]);
        assert_eq!(
            bad[0].to_string(),
            "line 2: no JSON: expected value at column 6"
        );
        assert_eq!(
            read("{\"id\":1} x", Some("id"))[0]
                .as_ref()
                .map_err(|bad| bad.line),
            Err(1)
        );
    }
}
