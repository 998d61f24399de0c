use std::io::Read;

use super::csv::{Csv, CsvOptions};
use super::json_lines::JsonLines;
use super::lines::Lines;

/// A record as a file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Vec<u8>,
}

/// A row that is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(super) struct BadRow {
    pub(super) line: u64,
    pub(super) problem: String,
    /// Whether what follows can't be read either.
    pub(super) fatal: bool,
}

impl BadRow {
    /// The rows after it can be read.
    pub(super) fn skippable(line: u64, problem: impl Into<String>) -> Self {
        Self {
            line,
            problem: problem.into(),
            fatal: false,
        }
    }

    /// Nobody can say where the next row begins.
    pub(super) fn fatal(line: u64, problem: impl Into<String>) -> Self {
        Self {
            line,
            problem: problem.into(),
            fatal: true,
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table with a header; each row becomes a JSON object
    Csv,
    /// A JSON value on each line
    Jsonl,
}

impl Format {
    /// By a file's extension.
    pub(super) fn guess(file: &str) -> Option<Self> {
        let extension = std::path::Path::new(file).extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// What of a file becomes what of a record.
#[derive(Debug, Clone, Default)]
pub(super) struct RowOptions {
    /// The column or field that is the key.
    pub(super) key_column: Option<String>,
    /// CSV: no header, the columns are key and value.
    pub(super) no_header: bool,
    /// CSV: cells that are JSON numbers, `true`, `false` or empty become that.
    pub(super) typed: bool,
    /// Most bytes of key and value.
    pub(super) limit: usize,
}

/// The records of a file, read one by one.
pub(super) enum Rows {
    Csv(Box<Csv>),
    JsonLines(JsonLines),
}

impl Rows {
    /// # Errors
    /// When the CSV header can't be used.
    pub(super) fn open(
        format: Format,
        input: Box<dyn Read + Send>,
        options: RowOptions,
    ) -> Result<Self, BadRow> {
        let lines = Lines::new(input, options.limit);
        Ok(match format {
            Format::Jsonl => Self::JsonLines(JsonLines::new(lines, options.key_column)),
            Format::Csv => Self::Csv(Box::new(Csv::open(
                lines,
                CsvOptions {
                    key_column: options.key_column,
                    no_header: options.no_header,
                    typed: options.typed,
                },
            )?)),
        })
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// When the row is none.
    pub(super) fn next(&mut self) -> Result<Option<Row>, BadRow> {
        let row = match self {
            Self::Csv(csv) => csv.next(),
            Self::JsonLines(lines) => lines.next(),
        }?;
        let Some(row) = row else { return Ok(None) };
        let size = row.value.len() + row.key.as_ref().map_or(0, Vec::len);
        let limit = self.lines().limit();
        if size > limit {
            let problem = format!("its record has {size} bytes, message.max.bytes is {limit}");
            return Err(BadRow::skippable(row.line, problem));
        }
        Ok(Some(row))
    }

    /// Whether the next record may have to be waited for.
    pub(super) fn may_wait(&self) -> bool {
        self.lines().may_wait()
    }

    fn lines(&self) -> &Lines {
        match self {
            Self::Csv(csv) => csv.lines(),
            Self::JsonLines(json) => json.lines(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_tells_the_format() {
        assert_eq!(Format::guess("data/orders.CSV"), Some(Format::Csv));
        assert_eq!(Format::guess("orders.jsonl"), Some(Format::Jsonl));
        assert_eq!(Format::guess("orders.ndjson"), Some(Format::Jsonl));
        // A `.json` file is one value over many lines as often as not.
        assert_eq!(Format::guess("orders.json"), None);
        assert_eq!(Format::guess("-"), None);
    }

    #[test]
    fn a_record_that_grew_over_the_limit_is_bad() {
        let options = RowOptions {
            limit: 13,
            ..RowOptions::default()
        };
        let input = Box::new(&b"name\nan\nannabel\nbo\n"[..]);
        let mut rows = Rows::open(Format::Csv, input, options).expect("a header");
        assert_eq!(rows.next().expect("fits").expect("a row").line, 2);
        let bad = rows.next().expect_err("too long");
        assert!(bad.line == 3 && !bad.fatal, "{bad}");
        assert!(bad.problem.contains("message.max.bytes is 13"), "{bad}");
        assert_eq!(rows.next().expect("fits").expect("a row").line, 4);
    }
}
