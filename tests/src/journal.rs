use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::Event;

/// Appends what handlers do to a file that outlives a SIGKILL. Each line is one
/// write, so that processes may share a file.
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
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// The process.
    pub process: u32,
    /// The message's partition.
    pub partition: i32,
    /// The message's offset.
    pub offset: i64,
    /// The event.
    pub event: Event,
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
    pub fn started(&self, partition: i32, offset: i64, event: &Event) -> io::Result<()> {
        self.line('S', partition, offset, event)
    }

    /// Notes that a handler is about to return Ok.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn finished(&self, partition: i32, offset: i64, event: &Event) -> io::Result<()> {
        self.line('F', partition, offset, event)
    }

    fn line(&self, kind: char, partition: i32, offset: i64, event: &Event) -> io::Result<()> {
        let line = format!(
            "{kind} {} {partition} {offset} {} {} {}\n",
            std::process::id(),
            event.id,
            event.sequence,
            event.key,
        );
        (&self.file).write_all(line.as_bytes())
    }
}

/// The whole lines of a journal. The last one may be cut off by a kill.
///
/// # Errors
/// When the file can't be read.
///
/// # Panics
/// On a line that is none of a journal.
pub fn read_journal(path: &Path) -> io::Result<Vec<Entry>> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    Ok(whole.lines().map(parse).collect())
}

fn parse(line: &str) -> Entry {
    let fields: Vec<&str> = line.splitn(7, ' ').collect();
    let [kind, process, partition, offset, id, sequence, key] = fields[..] else {
        panic!("not a line of a journal: {line:?}");
    };
    let number = |text: &str| -> i64 {
        text.parse()
            .unwrap_or_else(|_| panic!("not a line of a journal: {line:?}"))
    };
    Entry {
        kind: match kind {
            "S" => Kind::Started,
            _ => Kind::Finished,
        },
        process: number(process) as u32,
        partition: number(partition) as i32,
        offset: number(offset),
        event: Event {
            id: number(id) as u64,
            sequence: number(sequence) as u64,
            key: key.to_owned(),
        },
    }
}
