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
}

impl Default for Console {
    fn default() -> Self {
        Self {
            output: Arc::new(Mutex::new(BufWriter::new(Box::new(io::stdout())))),
            notices: Arc::new(Mutex::new(Box::new(io::stderr()))),
        }
    }
}

impl Console {
    pub(super) fn set_output(&mut self, writer: impl Write + Send + 'static) {
        self.output = Arc::new(Mutex::new(BufWriter::new(Box::new(writer))));
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
