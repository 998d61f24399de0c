use csv_core::ReadRecordResult;
use serde::de::IgnoredAny;

use super::lines::{Lines, trimmed};
use super::rows::{BadRow, Row};

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
        &self.records.lines
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
    let Some(line) = records.next()? else {
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
    let mut json = Vec::with_capacity(record.fields.len() * 2);
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

/// The rows of a file as fields. A field may go over several lines.
struct Records {
    lines: Lines,
    parser: csv_core::Reader,
    /// Lines that are being taken apart, from `taken` on.
    raw: Vec<u8>,
    taken: usize,
    /// The fields of the last record, one after the other.
    fields: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    columns: usize,
}

impl Records {
    fn new(lines: Lines) -> Self {
        Self {
            lines,
            parser: csv_core::Reader::new(),
            raw: Vec::new(),
            taken: 0,
            fields: vec![0; 1024],
            ends: vec![0; 32],
            columns: 0,
        }
    }

    fn len(&self) -> usize {
        self.columns
    }

    fn field(&self, column: usize) -> &[u8] {
        let begin = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fields[begin..self.ends[column]]
    }

    /// Reads a record and says which line it begins on; `None` at the end.
    fn next(&mut self) -> Result<Option<u64>, BadRow> {
        // Blank lines are no records.
        while trimmed(&self.raw[self.taken..]).is_empty() {
            self.raw.clear();
            self.taken = 0;
            if !self.lines.read(&mut self.raw).map_err(unsure)? {
                return Ok(None);
            }
        }
        let line = self.lines.number();
        let (mut written, mut columns) = (0, 0);
        loop {
            let (result, read, wrote, ended) = self.parser.read_record(
                &self.raw[self.taken..],
                &mut self.fields[written..],
                &mut self.ends[columns..],
            );
            self.taken += read;
            written += wrote;
            columns += ended;
            match result {
                ReadRecordResult::Record => {
                    self.columns = columns;
                    return Ok(Some(line));
                }
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty => self.more(line, written)?,
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Reads the line that a record goes on with.
    fn more(&mut self, begin: u64, written: usize) -> Result<(), BadRow> {
        if written > self.lines.limit() {
            return Err(BadRow::fatal(
                begin,
                format!(
                    "the row is longer than message.max.bytes ({} bytes); is a quote left open?",
                    self.lines.limit()
                ),
            ));
        }
        let ended = self.raw.ends_with(b"\n");
        self.raw.clear();
        self.taken = 0;
        if !ended {
            // The file's last line, which lacks its end.
            self.raw.push(b'\n');
            return Ok(());
        }
        if !self.lines.read(&mut self.raw).map_err(unsure)? {
            return Err(BadRow::fatal(begin, "a quote is opened and never closed"));
        }
        Ok(())
    }
}

/// After a line that was not read whole, a quote may be open or closed: what
/// follows must not be taken for rows.
fn unsure(bad: BadRow) -> BadRow {
    BadRow { fatal: true, ..bad }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &[u8], options: CsvOptions) -> Result<Csv, BadRow> {
        let input = std::io::Cursor::new(text.to_vec());
        Csv::open(Lines::new(Box::new(input), 1_000), options)
    }

    fn with_header(key: Option<&str>, typed: bool) -> CsvOptions {
        CsvOptions {
            key_column: key.map(str::to_owned),
            no_header: false,
            typed,
        }
    }

    const NO_HEADER: CsvOptions = CsvOptions {
        key_column: None,
        no_header: true,
        typed: false,
    };

    /// Line, key and value of each row, or line and problem.
    fn read(mut csv: Csv) -> Vec<Result<(u64, Option<String>, String), (u64, String)>> {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let mut rows = Vec::new();
        while let Some(row) = csv.next().transpose() {
            let fatal = row.as_ref().is_err_and(|bad| bad.fatal);
            rows.push(match row {
                Ok(row) => Ok((row.line, row.key.map(text), text(row.value))),
                Err(bad) => Err((bad.line, bad.problem)),
            });
            if fatal {
                break;
            }
        }
        rows
    }

    fn good(
        line: u64,
        key: &str,
        value: &str,
    ) -> Result<(u64, Option<String>, String), (u64, String)> {
        let key = (!key.is_empty()).then(|| key.to_owned());
        Ok((line, key, value.to_owned()))
    }

    #[test]
    fn a_row_is_an_object_by_the_header_with_its_text_exact() {
        let text = "\u{feff}customer,note\r\n007,\"a, \"\"b\"\"\r\nc\"\r\n\r\n,x\r\nann,1.50";
        let csv = open(text.as_bytes(), with_header(Some("customer"), false)).expect("opens");
        let expected = [
            good(2, "007", r#"{"customer":"007","note":"a, \"b\"\r\nc"}"#),
            good(5, "", r#"{"customer":"","note":"x"}"#),
            good(6, "ann", r#"{"customer":"ann","note":"1.50"}"#),
        ];
        assert_eq!(read(csv), expected);
    }

    #[test]
    fn typed_cells_are_json_and_no_digit_is_lost() {
        let text = "a,b,c,d,e,f\n007,1.50,-12345678901234567890,true,,1e\n";
        let csv = open(text.as_bytes(), with_header(Some("a"), true)).expect("opens");
        let value = r#"{"a":"007","b":1.50,"c":-12345678901234567890,"d":true,"e":null,"f":"1e"}"#;
        assert_eq!(read(csv), [good(2, "007", value)]);
    }

    #[test]
    fn without_a_header_a_row_is_key_and_value() {
        let text =
            "user123,Order placed for 2 items\n\"user,456\",\"1,5\"\n,no key\nuser123,a,b\nx\n";
        let rows = read(open(text.as_bytes(), NO_HEADER).expect("opens"));
        assert_eq!(rows[0], good(1, "user123", "Order placed for 2 items"));
        assert_eq!(rows[1], good(2, "user,456", "1,5"));
        assert_eq!(rows[2], good(3, "", "no key"));
        let bad: Vec<_> = rows[3..]
            .iter()
            .map(|row| row.as_ref().map_err(|bad| bad.0))
            .collect();
        assert_eq!(bad, [Err(4), Err(5)]);
    }

    #[test]
    fn a_row_of_another_length_or_encoding_is_bad_and_the_next_is_read() {
        let csv = open(b"a,b\n1\n1,2,3\n1,\xff\n1,2\n", with_header(None, false)).expect("opens");
        let rows = read(csv);
        let problem = |row: usize| rows[row].as_ref().expect_err("bad").clone();
        assert_eq!(problem(0), (2, "1 columns where the header has 2".into()));
        assert_eq!(problem(1).0, 3);
        assert!(problem(2).1.starts_with("column `b` is no UTF-8"));
        assert_eq!(rows[3], good(5, "", r#"{"a":"1","b":"2"}"#));
    }

    #[test]
    fn an_open_quote_ends_the_file_at_the_line_it_stands_on() {
        let csv = open(b"a,b\n1,2\n3,\"4\n5,6\n", with_header(None, false)).expect("opens");
        let rows = read(csv);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[1],
            Err((3, "a quote is opened and never closed".into()))
        );
        // And without reading the rest of a large file into memory.
        let text = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(100_000));
        let rows = read(open(text.as_bytes(), with_header(None, false)).expect("opens"));
        let (line, problem) = rows[0].clone().expect_err("too long");
        assert!(
            line == 2 && problem.contains("is a quote left open?"),
            "{problem}"
        );
    }

    #[test]
    fn many_and_long_fields_are_whole() {
        let names: Vec<_> = (0..100).map(|n| format!("c{n}")).collect();
        let cells: Vec<_> = (0..100).map(|n| format!("{n}")).collect();
        let text = format!("{}\n{}\n", names.join(","), cells.join(","));
        let csv = open(text.as_bytes(), with_header(Some("c99"), false)).expect("opens");
        assert_eq!(
            read(csv)[0].as_ref().expect("good").1.as_deref(),
            Some("99")
        );
        let long = "x".repeat(990);
        let csv = open(format!("k,{long}").as_bytes(), NO_HEADER).expect("opens");
        assert_eq!(read(csv), [good(1, "k", &long)]);
    }

    #[test]
    fn a_header_that_can_not_be_used_says_why() {
        let problem = |text: &str, key: Option<&str>| {
            let refused = open(text.as_bytes(), with_header(key, false)).err();
            refused.expect("refused").problem
        };
        assert!(problem("", None).contains("no header"));
        assert!(problem("a,b\n", Some("c")).ends_with("the header has: a, b"));
        assert!(problem("a,a\n", None).contains("two columns are named `a`"));
        assert!(problem("a,\n", None).contains("column 2 of the header has no name"));
    }
}
