//! The short run: a repeatable part of what the fuzzer does.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::batches::batch;
use super::frames::{body, every_version, header};
use super::mutate::mutate;
use super::{Rng, connection, header_guard_decode, mutated_request, record_batch, request};
use crate::wire::guard::{check, request_header};

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

#[test]
fn damaged_batches_are_refused_or_taken_as_they_are() {
    rounds(|rng| {
        let mut damaged = batch(rng);
        mutate(&mut damaged, rng);
        damaged.insert(0, rng.number() as u8);
        record_batch(&damaged);
    });
}

#[test]
fn whatever_is_sent_the_next_client_is_answered() {
    rounds(|rng| {
        let data: Vec<u8> = (0..1 + rng.below(80)).map(|_| rng.number() as u8).collect();
        connection(&data);
    });
}

/// Where the targets keep what they start from, one folder each.
fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

/// A target's name, and the target.
type Target = (&'static str, fn(&[u8]));

#[test]
fn the_corpus_holds() {
    let targets: [Target; 4] = [
        ("record_batch", record_batch),
        ("header_guard_decode", header_guard_decode),
        ("mutated_request", mutated_request),
        ("connection", connection),
    ];
    for (target, run) in targets {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus(target)).expect(target) {
            let path = entry.expect(target).path();
            // Printed only when it fails.
            println!("{}", path.display());
            run(&fs::read(&path).expect(target));
            inputs += 1;
        }
        assert!(inputs > 0, "{target}");
    }
}

#[test]
fn every_request_in_the_corpus_passes_the_guard() {
    // When `shapes.rs` changed.
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        write_corpus();
    }
    let requests = fs::read_dir(corpus("header_guard_decode")).expect("corpus");
    let mut versions = HashSet::new();
    for path in requests.map(|entry| entry.expect("corpus").path()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        // `request-…` is well-formed: written here, or recorded from a client.
        // What fuzzing added has other names.
        if name.starts_with("request-") {
            let frame = fs::read(&path).expect(name);
            let (header, body) = request_header(&frame).expect(name);
            check(header.api_key, header.api_version, &frame[body..]).expect(name);
            versions.insert((header.api_key, header.api_version));
        }
    }
    let missing: Vec<_> = every_version()
        .map(|(shape, version)| (shape.api_key, version))
        .filter(|version| !versions.contains(version))
        .collect();
    assert!(missing.is_empty(), "no request for {missing:?}");
}

/// Writes a request of every API and version.
fn write_corpus() {
    let folder = corpus("header_guard_decode");
    fs::create_dir_all(&folder).expect("corpus");
    for (shape, version) in every_version() {
        let mut rng = Rng::new(version as u64);
        let mut frame = header(shape, version, &mut rng);
        frame.extend(body(shape, version, &mut rng));
        let name = format!("request-{:02}-{}-v{version}", shape.api_key, shape.name);
        fs::write(folder.join(name), frame).expect("corpus");
    }
}
