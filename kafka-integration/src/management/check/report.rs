use std::fmt::Display;

use serde::Serialize;

use crate::management::CommandError;
use crate::management::console::Console;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// Works, and may surprise.
    Warn,
    Fail,
}

/// One check, as `--json` shows it.
#[derive(Debug, Serialize)]
struct Line {
    status: Status,
    check: String,
    /// What was found, and what to do about it.
    message: String,
}

/// Checks as they come: on a line each at once, or as JSON at the end.
pub(super) struct Report {
    console: Console,
    json: bool,
    lines: Vec<Line>,
}

impl Report {
    pub(super) fn new(console: Console, json: bool) -> Self {
        Self {
            console,
            json,
            lines: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        status: Status,
        check: impl Into<String>,
        message: impl Display,
    ) -> Result<(), CommandError> {
        let line = Line {
            status,
            check: check.into(),
            message: message.to_string(),
        };
        if !self.json {
            let word = match status {
                Status::Ok => "ok  ",
                Status::Warn => "warn",
                Status::Fail => "FAIL",
            };
            self.console
                .line(format_args!("{word}  {}: {}", line.check, line.message))?;
            // The next check may take seconds.
            self.console.flush()?;
        }
        self.lines.push(line);
        Ok(())
    }

    /// How many checks failed.
    pub(super) fn finish(self) -> Result<usize, CommandError> {
        if self.json {
            self.console.json(&self.lines)?;
        }
        let failed = self.lines.iter().filter(|line| line.status == Status::Fail);
        Ok(failed.count())
    }
}
