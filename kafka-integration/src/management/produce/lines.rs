use std::io::{self, BufRead, BufReader, Read};

use super::rows::BadRow;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The lines of an input, each at most so many bytes, with their numbers.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    limit: usize,
    number: u64,
    skipped_quote: bool,
}

impl Lines {
    /// `limit` is in bytes and without the line's end.
    pub(super) fn new(input: Box<dyn Read + Send>, limit: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, input),
            limit,
            number: 0,
            skipped_quote: false,
        }
    }

    /// The number of the last line read, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether there was a `"` in the last line that was too long.
    pub(super) fn skipped_quote(&self) -> bool {
        self.skipped_quote
    }

    /// Whether the next line may have to be waited for.
    pub(super) fn may_wait(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// Appends the next line to `line`, its end included; `false` at the end of
    /// the input. A byte order mark at the beginning is left out.
    ///
    /// # Errors
    /// When the line is too long (it is skipped as a whole) or can't be read.
    pub(super) fn read(&mut self, line: &mut Vec<u8>) -> Result<bool, BadRow> {
        self.number += 1;
        let begin = line.len();
        // One byte more than is allowed shows that there is more, two leave
        // room for the line's end.
        let most = self.limit as u64 + 2;
        let read = (&mut self.reader).take(most).read_until(b'\n', line);
        let read = read.map_err(|error| self.unreadable(&error))?;
        if self.number == 1 && line[begin..].starts_with(BOM) {
            line.drain(begin..begin + BOM.len());
        }
        self.skipped_quote = false;
        if line[begin..].ends_with(b"\n") {
            if trimmed(&line[begin..]).len() <= self.limit {
                return Ok(true);
            }
        } else if line.len() - begin <= self.limit {
            // The last line may lack its end; without a byte there is no line.
            return Ok(read > 0);
        } else {
            self.skip_line().map_err(|error| self.unreadable(&error))?;
        }
        self.skipped_quote |= line[begin..].contains(&b'"');
        line.truncate(begin);
        Err(BadRow::skippable(
            self.number,
            format!(
                "the line is longer than message.max.bytes ({} bytes)",
                self.limit
            ),
        ))
    }

    /// Leaves out the rest of a line without keeping it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let skipped = end.map_or(buffer.len(), |end| end + 1);
            self.skipped_quote |= buffer[..skipped].contains(&b'"');
            self.reader.consume(skipped);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> BadRow {
        BadRow::fatal(self.number, format!("the input can't be read: {error}"))
    }
}

/// A line without its end.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: impl Into<Vec<u8>>, limit: usize) -> Vec<Result<String, u64>> {
        let mut lines = Lines::new(Box::new(io::Cursor::new(input.into())), limit);
        let mut all = Vec::new();
        loop {
            let mut line = Vec::new();
            match lines.read(&mut line) {
                Ok(false) => return all,
                Ok(true) => all.push(Ok(String::from_utf8_lossy(trimmed(&line)).into_owned())),
                Err(bad) => all.push(Err(bad.line)),
            }
        }
    }

    #[test]
    fn ends_of_lines_and_a_byte_order_mark_are_left_out() {
        let read = lines("\u{feff}a\r\nb\n\nc", 10);
        let expected = ["a", "b", "", "c"].map(|line| Ok(line.to_owned()));
        assert_eq!(read, expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_one_bad_line_and_the_next_is_read() {
        let long = "x".repeat(300_000);
        let read = lines(format!("{long}\nabcd\nabcde\nabcd\r\n{long}"), 4);
        let fits = || Ok("abcd".to_owned());
        assert_eq!(read, [Err(1), fits(), Err(3), fits(), Err(5)]);
    }
}
