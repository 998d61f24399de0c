//! The short run: a repeatable part of what the fuzzer does.

use std::time::{Duration, Instant};

use super::{Rng, header_guard_decode, mutated_request, request};

/// How long each of the random runs may take.
const BUDGET: Duration = Duration::from_secs(3);

/// Runs until the budget is spent, and says how often.
fn rounds(mut round: impl FnMut(&mut Rng)) {
    let started = Instant::now();
    let mut seed = 0;
    while started.elapsed() < BUDGET {
        // A seed of its own for each, so that a failure names one number.
        let mut rng = Rng::new(seed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round(&mut rng)));
        if let Err(panic) = outcome {
            eprintln!("failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
        seed += 1;
    }
    assert!(seed > 100, "only {seed} rounds");
}

#[test]
fn arbitrary_bytes_are_refused_or_decoded() {
    rounds(|rng| {
        let mut frame: Vec<u8> = (0..rng.below(200)).map(|_| rng.number() as u8).collect();
        // Mostly a key and a version that exist, or nearly nothing gets far.
        if !rng.once_in(8) && frame.len() > 4 {
            frame[..4].copy_from_slice(&request(rng)[..4]);
        }
        header_guard_decode(&frame);
    });
}

#[test]
fn damaged_requests_are_refused_or_decoded() {
    rounds(|rng| {
        let tail = if rng.once_in(4) { rng.below(24) } else { 0 };
        let data: Vec<u8> = (0..16 + tail).map(|_| rng.number() as u8).collect();
        mutated_request(&data);
    });
}
