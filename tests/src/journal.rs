use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Event;

/// Appends what handlers do to a file that outlives a SIGKILL. Each line is one
/// write. A file is for one process: a kill may cut its last line off.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

/// What a line of the journal says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handler began.
    Started,
    /// A handler is about to return Ok.
    Finished,
    /// A handler is about to fail or to panic.
    Failed,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// The process.
    pub process: u32,
    /// When, in microseconds since 1970: comparable between processes.
    pub at: u64,
    /// Where the message stood first, whatever topic it was taken from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Which attempt at it this is, from 1.
    pub attempt: u32,
    /// The event.
    pub event: Event,
}

/// The attempt a handler makes: at which message, and which one at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Where the message stood first, whatever topic it was taken from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// From 1.
    pub number: u32,
}

impl Journal {
    /// Appends to a file that was opened for appending.
    pub fn new(file: File) -> Self {
        Self { file }
    }

    /// Notes that a handler began.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn started(&self, attempt: Attempt, event: &Event) -> io::Result<()> {
        self.line('S', attempt, event)
    }

    /// Notes that a handler is about to return Ok.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn finished(&self, attempt: Attempt, event: &Event) -> io::Result<()> {
        self.line('F', attempt, event)
    }

    /// Notes that a handler is about to fail or to panic.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn failed(&self, attempt: Attempt, event: &Event) -> io::Result<()> {
        self.line('E', attempt, event)
    }

    fn line(&self, kind: char, attempt: Attempt, event: &Event) -> io::Result<()> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = format!(
            "{kind} {} {} {} {} {} {} {} {}\n",
            std::process::id(),
            at.unwrap_or_default().as_micros(),
            attempt.partition,
            attempt.offset,
            attempt.number,
            event.id,
            event.sequence,
            event.key,
        );
        (&self.file).write_all(line.as_bytes())
    }
}

/// Reads a journal as it grows.
#[derive(Debug)]
pub struct JournalReader {
    file: File,
    /// A line whose end is not there yet.
    partial: Vec<u8>,
}

impl JournalReader {
    /// Of a file that exists.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            partial: Vec::new(),
        })
    }

    /// The whole lines since the last call.
    ///
    /// # Errors
    /// When the file can't be read.
    ///
    /// # Panics
    /// On a line that is none of a journal.
    pub fn read(&mut self) -> io::Result<Vec<Entry>> {
        self.file.read_to_end(&mut self.partial)?;
        let whole = self.partial.iter().rposition(|byte| *byte == b'\n');
        let rest = whole.map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.partial.drain(..rest).collect();
        Ok(String::from_utf8_lossy(&lines).lines().map(parse).collect())
    }
}

fn parse(line: &str) -> Entry {
    let fields: Vec<&str> = line.splitn(9, ' ').collect();
    let [
        kind,
        process,
        at,
        partition,
        offset,
        attempt,
        id,
        sequence,
        key,
    ] = fields[..]
    else {
        panic!("not a line of a journal: {line:?}");
    };
    let number = |text: &str| -> i64 {
        text.parse()
            .unwrap_or_else(|_| panic!("not a line of a journal: {line:?}"))
    };
    Entry {
        kind: match kind {
            "S" => Kind::Started,
            "F" => Kind::Finished,
            _ => Kind::Failed,
        },
        process: number(process) as u32,
        at: number(at) as u64,
        partition: number(partition) as i32,
        offset: number(offset),
        attempt: number(attempt) as u32,
        event: Event {
            id: number(id) as u64,
            sequence: number(sequence) as u64,
            key: key.to_owned(),
        },
    }
}
