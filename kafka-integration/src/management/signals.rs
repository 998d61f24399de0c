//! SIGINT and SIGTERM: the first asks, the second insists.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::CommandError;
use super::console::Console;

/// Within this the same signal counts once. Nobody insists as fast as that.
const ECHO: Duration = Duration::from_millis(200);

/// A stop signal, by the exit code that a shell gives a process it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), expect(dead_code))]
    Terminate,
}

impl Signal {
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Listens from the moment it is made.
#[derive(Clone)]
pub(super) struct StopSignal {
    first: watch::Receiver<Option<Signal>>,
}

impl StopSignal {
    /// Takes both signals over. The second of them ends the process at once,
    /// whatever it is doing; `first_notice` is what the first one says.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn listen(
        console: Console,
        first_notice: Option<&'static str>,
    ) -> Result<Self, CommandError> {
        let mut signals = Signals::new().map_err(|error| {
            CommandError::failed(format!("cannot take the stop signals over: {error}"))
        })?;
        let (seen, first) = watch::channel(None);
        tokio::spawn(async move {
            let signal = signals.next().await;
            if let Some(notice) = first_notice {
                console.notice(notice);
            }
            let _ = seen.send(Some(signal));
            let first = (signal, Instant::now());
            let signal = loop {
                let signal = signals.next().await;
                if !is_echo(first, signal, Instant::now()) {
                    break signal;
                }
            };
            console.notice(format_args!(
                "a second signal ({}): stopped at once, whatever was in flight",
                signal.name()
            ));
            // Not a return to `main`: the runtime would wait for the very work
            // that is to be cut off.
            std::process::exit(i32::from(signal.exit_code()));
        });
        Ok(Self { first })
    }

    /// Waits for the first signal.
    pub(super) async fn wait(&mut self) -> Signal {
        match self.first.wait_for(Option::is_some).await.map(|seen| *seen) {
            Ok(Some(signal)) => signal,
            // The listener is gone with the runtime; so is whoever waits.
            _ => std::future::pending().await,
        }
    }
}

/// Whether a signal is the first one once more: `timeout` sends it to the process
/// and to its group, and a terminal may do the like.
fn is_echo(first: (Signal, Instant), signal: Signal, now: Instant) -> bool {
    signal == first.0 && now.saturating_duration_since(first.1) < ECHO
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            else => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_at_once_is_one() {
        let now = Instant::now();
        let first = (Signal::Terminate, now);
        let is_echo = |signal, millis| is_echo(first, signal, now + Duration::from_millis(millis));
        assert!(is_echo(Signal::Terminate, 5));
        assert!(!is_echo(Signal::Terminate, 200));
        assert!(!is_echo(Signal::Interrupt, 5));
    }
}
