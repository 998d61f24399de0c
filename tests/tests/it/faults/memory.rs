//! What lies in the broker does not show in memory.

use std::time::{Duration, Instant};

use kafka_integration_tests::TestBroker;

use crate::support::{Scene, heavy, produce_backlog, until};

const MEGABYTE: u64 = 1 << 20;
const RECORD: usize = 8 << 10;
const BACKLOG: u64 = 2_048 * MEGABYTE;
/// The defaults: `max_in_flight_bytes` and `queued.max.messages.kbytes`.
const IN_FLIGHT: u64 = 64 * MEGABYTE;
const QUEUED: u64 = 32 * MEGABYTE;
/// The process itself, fetch responses on their way, and what the allocator
/// keeps.
const CONSTANT: u64 = 150 * MEGABYTE;

#[test]
fn a_backlog_of_two_gigabytes_does_not_show() {
    let test = "a_backlog_of_two_gigabytes_does_not_show";
    for broker in TestBroker::each_on_disk(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "memory", 8);
        let began = Instant::now();
        produce_backlog(&scene, BACKLOG / RECORD as u64, RECORD);
        println!("{test}: produced in {:?}", began.elapsed());

        // Slow at first: as much in flight as may be. Then a member that is not
        // held up by its handlers.
        for (handler_ms, concurrency, enough) in [("100", "8", 500), ("1", "64", 60_000)] {
            let mut member = scene.start(&[
                "--ordering",
                "key",
                "--max-in-flight",
                "100000",
                "--max-in-flight-bytes",
                &IN_FLIGHT.to_string(),
                "--handler-ms",
                handler_ms,
                "--concurrency",
                concurrency,
            ]);
            let began = Instant::now();
            let finished = || {
                let journal = std::fs::read_to_string(&member.journal).expect("its journal");
                journal.lines().filter(|line| line.starts_with('F')).count()
            };
            until(Duration::from_secs(60), || {
                let done = finished();
                (done < enough).then(|| format!("{enough} messages, {done} are finished"))
            });
            let peak = member.peak_memory();
            println!(
                "{test}: handlers of {handler_ms} ms, {} messages in {:?}, a peak of {} MiB",
                finished(),
                began.elapsed(),
                peak / MEGABYTE
            );
            let bound = IN_FLIGHT + QUEUED + CONSTANT;
            assert!(peak <= bound, "{peak} bytes, {bound} are right");
            member.stop(Duration::from_secs(30));
        }
        let committed: i64 = scene.committed().values().sum();
        let records: i64 = scene.ends().values().sum();
        assert!(
            committed < records / 2,
            "the backlog was there all the time"
        );
    }
}
