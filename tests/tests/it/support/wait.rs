use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Waits for a condition; after `timeout` panics with what it says is missing.
pub(crate) fn until(timeout: Duration, mut missing: impl FnMut() -> Option<String>) {
    let deadline = Instant::now() + timeout;
    loop {
        let Some(what) = missing() else { return };
        assert!(
            Instant::now() < deadline,
            "after {timeout:?} still missing: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

static HEAVY: Mutex<()> = Mutex::new(());

/// Tests that keep the machine busy hold this, so that they run one at a time.
pub(crate) fn heavy() -> MutexGuard<'static, ()> {
    // One that failed leaves nothing behind that matters to the next.
    HEAVY.lock().unwrap_or_else(PoisonError::into_inner)
}
