mod records;

use serde::de::IgnoredAny;

use super::lines::Lines;
use super::rows::{BadRow, Row};
use records::Records;

pub(super) struct CsvOptions {
    pub(super) key_column: Option<String>,
    pub(super) no_header: bool,
    pub(super) typed: bool,
}

/// A CSV file, a record for each row.
pub(super) struct Csv {
    records: Records,
    shape: Shape,
}

/// What a row becomes.
enum Shape {
    /// `key,value`, both as they stand.
    KeyValue,
    /// A JSON object with the header's names.
    Object {
        /// The names, for messages.
        names: Vec<String>,
        /// The same as JSON, with the colon.
        members: Vec<String>,
        key: Option<usize>,
        typed: bool,
    },
}

impl Csv {
    pub(super) fn open(lines: Lines, options: CsvOptions) -> Result<Self, BadRow> {
        let mut records = Records::new(lines);
        let shape = match options.no_header {
            true => Shape::KeyValue,
            false => header(&mut records, options)?,
        };
        Ok(Self { records, shape })
    }

    pub(super) fn lines(&self) -> &Lines {
        self.records.lines()
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, BadRow> {
        let Some(line) = self.records.next()? else {
            return Ok(None);
        };
        let row = match &self.shape {
            Shape::KeyValue => key_and_value(&self.records),
            Shape::Object {
                names,
                members,
                key,
                typed,
            } => object(&self.records, names, members, *typed).map(|value| {
                // An empty cell is how CSV writes that there is nothing.
                let key = key.map(|key| self.records.field(key).to_vec());
                (key.filter(|key| !key.is_empty()), value)
            }),
        };
        let (key, value) = row.map_err(|problem| BadRow::skippable(line, problem))?;
        Ok(Some(Row { line, key, value }))
    }
}

fn header(records: &mut Records, options: CsvOptions) -> Result<Shape, BadRow> {
    let first = records.next();
    let first = first.map_err(|bad| BadRow { fatal: true, ..bad })?;
    let Some(line) = first else {
        return Err(BadRow::fatal(1, "the file is empty: it has no header"));
    };
    let refuse = |problem: String| BadRow::fatal(line, problem);
    let mut names: Vec<String> = Vec::new();
    for column in 0..records.len() {
        let name = std::str::from_utf8(records.field(column))
            .map_err(|_| refuse(format!("the name of column {} is no UTF-8", column + 1)))?;
        if name.is_empty() {
            return Err(refuse(format!(
                "column {} of the header has no name",
                column + 1
            )));
        }
        if names.iter().any(|other| other == name) {
            return Err(refuse(format!("two columns are named `{name}`")));
        }
        names.push(name.to_owned());
    }
    let key =
        match options.key_column {
            None => None,
            Some(wanted) => Some(names.iter().position(|name| *name == wanted).ok_or_else(
                || {
                    let known = names.join(", ");
                    refuse(format!(
                        "no column `{wanted}` for the key; the header has: {known}"
                    ))
                },
            )?),
        };
    let members = names.iter().map(|name| format!("{}:", json_string(name)));
    Ok(Shape::Object {
        members: members.collect(),
        names,
        key,
        typed: options.typed,
    })
}

fn key_and_value(record: &Records) -> Result<(Option<Vec<u8>>, Vec<u8>), String> {
    if record.len() != 2 {
        return Err(format!(
            "{} columns where `key,value` has 2; quote a value that has a comma in it",
            record.len()
        ));
    }
    let key = record.field(0).to_vec();
    Ok((
        Some(key).filter(|key| !key.is_empty()),
        record.field(1).to_vec(),
    ))
}

fn object(
    record: &Records,
    names: &[String],
    members: &[String],
    typed: bool,
) -> Result<Vec<u8>, String> {
    if record.len() != names.len() {
        return Err(format!(
            "{} columns where the header has {}",
            record.len(),
            names.len()
        ));
    }
    let mut json = Vec::with_capacity(record.size() * 2);
    for (column, member) in members.iter().enumerate() {
        json.push(if column == 0 { b'{' } else { b',' });
        json.extend_from_slice(member.as_bytes());
        let cell = std::str::from_utf8(record.field(column))
            .map_err(|error| format!("column `{}` is no UTF-8: {error}", names[column]))?;
        match typed.then(|| literal(cell)).flatten() {
            Some(literal) => json.extend_from_slice(literal.as_bytes()),
            None => json.extend_from_slice(json_string(cell).as_bytes()),
        }
    }
    json.push(b'}');
    Ok(json)
}

/// What a cell is when it is no text. A number stands as it was written: no
/// digit is lost on the way, and `007`, which is no JSON number, stays text.
fn literal(cell: &str) -> Option<&str> {
    match cell.as_bytes() {
        [] => Some("null"),
        b"true" | b"false" => Some(cell),
        [b'-' | b'0'..=b'9', .., b'0'..=b'9'] | [b'0'..=b'9'] => {
            serde_json::from_str::<IgnoredAny>(cell).ok().map(|_| cell)
        }
        _ => None,
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
