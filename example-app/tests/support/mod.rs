//! Starts the application in an empty folder, and talks to it.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test program uses a part of it"
)]

mod database;
mod process;

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use database::Store;
pub use process::{App, Setup};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An answer of the web server.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub body: serde_json::Value,
}

impl Answer {
    pub fn of(response: &minreq::Response) -> Self {
        let text = response.as_str().expect("the body is text");
        let body = serde_json::from_str(text);
        Self {
            status: response.status_code,
            body: body.unwrap_or_else(|e| panic!("the body is not JSON ({e}): {text}")),
        }
    }
}

/// Waits until `probe` gives something.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A number that no other run has.
pub fn unique() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) >> 16
}

/// What a variable names; nothing when it is empty.
pub fn named(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// Says that a test did nothing. Straight to the terminal: the harness swallows
/// what a passing test prints.
pub fn skipped(what: &str, variable: &str) {
    let line = format!("skipped: {what}: {variable} is not set\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Runs it on Apache Kafka, if that is named. Both databases use the same groups
/// and topics there, so they take turns.
pub fn on_apache_kafka(what: &str, run: impl FnOnce(&str)) {
    static TURN: Mutex<()> = Mutex::new(());
    let Some(brokers) = named("KAFKA_TEST_BOOTSTRAP") else {
        return skipped(what, "KAFKA_TEST_BOOTSTRAP");
    };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(&brokers);
}

/// Makes of each function two tests: on SQLite, and on the PostgreSQL of
/// `TEST_POSTGRES_URL`.
#[macro_export]
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() {
                super::$test(&$crate::support::Store::sqlite());
            })+
        }
        mod postgres {
            $(#[test] fn $test() {
                match $crate::support::Store::postgres() {
                    Some(store) => super::$test(&store),
                    None => $crate::support::skipped(
                        concat!(stringify!($test), " on PostgreSQL"),
                        "TEST_POSTGRES_URL",
                    ),
                }
            })+
        }
    };
}
