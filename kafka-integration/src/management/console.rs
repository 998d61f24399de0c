//! Where commands write: data to standard output, reports to standard error.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::CommandError;
use super::progress;

type Writer = Box<dyn Write + Send>;

#[derive(Clone)]
pub(super) struct Console {
    output: Arc<Mutex<BufWriter<Writer>>>,
    notices: Arc<Mutex<Writer>>,
    /// Whether data goes to the process's standard output.
    to_stdout: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            output: Arc::new(Mutex::new(BufWriter::new(Box::new(io::stdout())))),
            notices: Arc::new(Mutex::new(Box::new(io::stderr()))),
            to_stdout: true,
        }
    }
}

impl Console {
    pub(super) fn set_output(&mut self, writer: impl Write + Send + 'static) {
        self.output = Arc::new(Mutex::new(BufWriter::new(Box::new(writer))));
        self.to_stdout = false;
    }

    pub(super) fn set_notices(&mut self, writer: impl Write + Send + 'static) {
        self.notices = Arc::new(Mutex::new(Box::new(writer)));
    }

    /// Writes a line of data.
    pub(super) fn line(&self, text: impl fmt::Display) -> Result<(), CommandError> {
        Ok(writeln!(self.output.lock(), "{text}")?)
    }

    /// Writes data as one line of JSON.
    pub(super) fn json<T: Serialize>(&self, value: &T) -> Result<(), CommandError> {
        let mut output = self.output.lock();
        serde_json::to_writer(&mut *output, value).map_err(io::Error::from)?;
        Ok(output.write_all(b"\n")?)
    }

    /// Hands what was written to the reader.
    pub(super) fn flush(&self) -> Result<(), CommandError> {
        Ok(self.output.lock().flush()?)
    }

    /// Whether the reader of the data went away, as far as that can be known
    /// without writing anything.
    pub(super) fn reader_is_gone(&self) -> bool {
        self.to_stdout && has_no_reader(&io::stdout())
    }

    /// Writes a report. Nobody is left to tell when this fails.
    pub(super) fn notice(&self, text: impl fmt::Display) {
        let line = format!("{text}\n");
        progress::hidden(|| {
            let mut notices = self.notices.lock();
            let _ = notices.write_all(line.as_bytes());
            let _ = notices.flush();
        });
    }
}

/// A pipe whose reading end is closed says so to whoever asks.
#[cfg(unix)]
fn has_no_reader(output: &impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut asked = [PollFd::new(output, PollFlags::empty())];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let gone = PollFlags::ERR | PollFlags::HUP;
    poll(&mut asked, Some(&at_once)).is_ok() && asked[0].revents().intersects(gone)
}

#[cfg(not(unix))]
fn has_no_reader(_: &io::Stdout) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_any_more_is_noticed() {
        let (reader, writer) = io::pipe().expect("a pipe");
        assert!(!has_no_reader(&writer));
        drop(reader);
        assert!(has_no_reader(&writer));
    }
}
