//! The one line at the bottom of a terminal, and how everything else that
//! writes to the terminal stays out of its way.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget};
use parking_lot::Mutex;

/// The line on the terminal, if there is one. A terminal has one last line, so
/// there is one of these in a process.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows a line until it is dropped. Where standard error is no terminal,
/// nothing shows.
pub(super) struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    /// Shows a bar made by the caller.
    pub(super) fn show(bar: ProgressBar) -> Self {
        // Twice a second: people read it, nothing animates.
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(2));
        *LINE.lock() = Some(bar.clone());
        Self { bar }
    }

    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        *LINE.lock() = None;
        self.bar.finish_and_clear();
    }
}

/// Writes to the terminal while the line is away.
pub(super) fn hidden<T>(write: impl FnOnce() -> T) -> T {
    let line = LINE.lock().clone();
    match line {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard error for a log that shares the terminal with the status line of
/// `kafka-consume`: each record is written whole, with the line out of the way.
/// Where standard error is closed (`… 2>&1 | head`), records go nowhere.
///
/// For `tracing-subscriber`, whose `with_writer` takes the function
/// [`log_writer`]:
///
/// ```
/// use kafka_integration::management;
///
/// let subscriber = tracing_subscriber::fmt()
///     .with_writer(management::log_writer)
///     .finish();
/// # drop(subscriber);
/// ```
#[derive(Debug, Default)]
pub struct LogWriter(());

/// Makes a [`LogWriter`].
pub fn log_writer() -> LogWriter {
    LogWriter(())
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // All of it, so that no record is torn by the line. Who closed standard
        // error wants no log; reporting that on standard error would panic.
        let _ = hidden(|| io::stderr().lock().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}
