use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::management::console::Console;
use crate::management::progress::ProgressLine;
use crate::management::table::thousands;
use crate::retry::dead::Watch;

/// Work that is done sooner needs no words.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a terminal's line changes, and how often others get one.
const ON_TERMINAL: Duration = Duration::from_millis(250);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// How far long work is: a bar on a terminal, a line now and then elsewhere.
pub(super) struct Progress {
    watch: Watch,
    console: Console,
    verb: &'static str,
}

impl Progress {
    /// `verb` is the word for what is done; reading has its own.
    pub(super) fn of(watch: &Watch, console: &Console, verb: &'static str) -> Self {
        Self {
            watch: watch.clone(),
            console: console.clone(),
            verb,
        }
    }

    /// Shows it until this future is dropped; it never ends by itself.
    pub(super) async fn show(&self) -> Infallible {
        let begun = Instant::now();
        tokio::time::sleep(PATIENCE).await;
        if !io::stderr().is_terminal() {
            loop {
                tokio::time::sleep(ELSEWHERE).await;
                self.console.notice(self.text(begun));
            }
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}% {msg}") {
            bar.set_style(style);
        }
        let line = ProgressLine::show(bar);
        loop {
            let (done, total) = self.position();
            line.bar().set_length(total.max(done).max(1));
            line.bar().set_position(done);
            line.bar().set_message(self.text(begun));
            tokio::time::sleep(ON_TERMINAL).await;
        }
    }

    /// What is done and what is to be done: first of reading, then of work.
    fn position(&self) -> (u64, u64) {
        match self.watch.done() {
            (_, 0) => self.watch.read(),
            done => done,
        }
    }

    fn text(&self, begun: Instant) -> String {
        let (done, total) = self.position();
        let verb = match self.watch.done() {
            (_, 0) => "read",
            _ => self.verb,
        };
        let rate = done as f64 / begun.elapsed().as_secs_f64().max(0.001);
        format!(
            "{} of {} {verb}, {}/s",
            thousands(done),
            thousands(total),
            thousands(rate as u64)
        )
    }
}
