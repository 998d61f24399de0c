use csv_core::ReadRecordResult;

use crate::management::produce::lines::{Lines, trimmed};
use crate::management::produce::rows::BadRow;

/// The rows of a file as fields. A field may go over several lines.
pub(super) struct Records {
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
    pub(super) fn new(lines: Lines) -> Self {
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

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Columns of the last record.
    pub(super) fn len(&self) -> usize {
        self.columns
    }

    /// Bytes of its fields.
    pub(super) fn size(&self) -> usize {
        self.columns
            .checked_sub(1)
            .map_or(0, |last| self.ends[last])
    }

    pub(super) fn field(&self, column: usize) -> &[u8] {
        let begin = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fields[begin..self.ends[column]]
    }

    /// Reads a record and says which line it begins on; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<u64>, BadRow> {
        // Blank lines are no records.
        while trimmed(&self.raw[self.taken..]).is_empty() {
            self.raw.clear();
            self.taken = 0;
            match self.lines.read(&mut self.raw) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                // Without a quote it was a row, and the next line begins another.
                Err(bad) if !self.lines.skipped_quote() => return Err(bad),
                Err(bad) => return Err(unsure(bad)),
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

/// After a line with quotes that was not read whole, one may be open or closed: what
/// follows must not be taken for rows.
fn unsure(bad: BadRow) -> BadRow {
    BadRow { fatal: true, ..bad }
}
