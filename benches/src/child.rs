//! Phases in processes of their own: neither allocator, caches nor a client's
//! threads of one phase are left to the next, and the process's CPU time is the
//! phase's.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// Where a child finds what it is to do.
const PHASE: &str = "KAFKA_INTEGRATION_BENCH_PHASE";
const READY: &str = "ready";

/// The phase that this process was started for; `None` in the process that the
/// user started.
///
/// # Errors
/// When the variable holds something else.
pub fn phase<P: DeserializeOwned>() -> Result<Option<P>, Failure> {
    match env::var(PHASE) {
        Ok(json) => Ok(Some(serde_json::from_str(&json)?)),
        Err(_) => Ok(None),
    }
}

/// In the child: tells the parent to go on.
///
/// # Errors
/// When the parent is gone.
pub fn ready() -> Result<(), Failure> {
    say(READY)
}

/// In the child: hands the result to the parent.
///
/// # Errors
/// When the parent is gone.
pub fn finish<R: Serialize>(result: &R) -> Result<(), Failure> {
    say(&serde_json::to_string(result)?)
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// A phase that runs.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Starts a phase.
///
/// # Errors
/// When the process can't be started.
pub fn start<P: Serialize>(phase: &P) -> Result<Running, Failure> {
    let mut child = Command::new(env::current_exe()?)
        .env(PHASE, serde_json::to_string(phase)?)
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no pipe to the child")?;
    Ok(Running {
        child,
        lines: BufReader::new(stdout).lines(),
    })
}

/// Starts a phase and waits for its result.
///
/// # Errors
/// When it fails.
pub fn run<P: Serialize, R: DeserializeOwned>(phase: &P) -> Result<R, Failure> {
    start(phase)?.result()
}

impl Running {
    fn line(&mut self) -> Result<String, Failure> {
        Ok(self.lines.next().ok_or("the phase's process failed")??)
    }

    /// Waits until the phase calls [`ready`].
    ///
    /// # Errors
    /// When it fails instead.
    pub fn wait_ready(&mut self) -> Result<(), Failure> {
        match self.line()? {
            line if line == READY => Ok(()),
            line => Err(format!("`{line}` instead of `{READY}`").into()),
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// When the phase fails.
    pub fn result<R: DeserializeOwned>(mut self) -> Result<R, Failure> {
        let result = serde_json::from_str(&self.line()?)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the phase's process ended with {status}").into());
        }
        Ok(result)
    }
}
