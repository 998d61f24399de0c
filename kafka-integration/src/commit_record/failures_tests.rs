use super::tests::random;
use super::*;

/// So many keys that fail one after the other within some seconds, every so
/// many offsets; each waits for about 40 seconds.
fn keys_that_wait(count: i64, apart: i64) -> BTreeMap<i64, FailedAttempt> {
    let mut random = random();
    let failed = |number: i64| {
        let first_failure_ms = 1_700_000_000_000 + number * 20 + random(200) as i64;
        FailedAttempt {
            attempts: 1 + random(3) as u32,
            first_failure_ms,
            due_ms: first_failure_ms + 40_000 - random(4_000) as i64,
        }
    };
    let offsets = (0..count).map(|number| number * apart);
    offsets.clone().zip((0..count).map(failed)).collect()
}

/// The failures and the runs between them, as many of either as fit.
fn both(failures: &BTreeMap<i64, FailedAttempt>, limit: usize) -> Record {
    let mut encoder = Encoder::new(0, failures, limit);
    let mut gaps = failures.keys().zip(failures.keys().skip(1));
    let _ = gaps.all(|(open, next)| encoder.push(open + 1, *next));
    let text = encoder.finish();
    assert!(text.len() <= limit, "{} of {limit}", text.len());
    let record = Record::decode(&text, 0).expect("a record");
    assert!(
        failures.iter().zip(&record.failures).all(|(a, b)| a == b),
        "the lowest ones"
    );
    record
}

#[test]
fn of_a_hundred_messages_that_failed_none_is_forgotten() {
    for apart in [2, 10, 1_000] {
        let failures = keys_that_wait(100, apart);
        let record = both(&failures, BROKERS_LIMIT);
        assert_eq!(record.failures, failures);
        assert_eq!(record.done.len(), 99);
    }
}

/// What the documentation promises.
#[test]
fn some_hundred_failures_fit_and_the_runs_have_their_half() {
    for (apart, with_runs, alone) in [(2, 250, 500), (1_000, 210, 430)] {
        let failures = keys_that_wait(3_000, apart);
        let record = both(&failures, BROKERS_LIMIT);
        assert!(record.failures.len() >= with_runs);
        assert!(record.done.len() >= 500);
        let text = Encoder::new(0, &failures, BROKERS_LIMIT).finish();
        let record = Record::decode(&text, 0).expect("a record");
        assert!(record.failures.len() >= alone);
    }
    // A week and millions of offsets apart, and each tried for a while.
    let mut random = random();
    let mut failed = |number: i64| {
        let first_failure_ms = 1_700_000_000_000 + random(7 * 86_400_000) as i64;
        let failed = FailedAttempt {
            attempts: 200 + random(1_000) as u32,
            first_failure_ms,
            due_ms: 1_700_700_000_000 + random(3_600_000) as i64,
        };
        (number * 1_900_000, failed)
    };
    let failures = (0..1_000).map(&mut failed).collect();
    assert!(both(&failures, BROKERS_LIMIT).failures.len() >= 100);
    // However little room there is.
    let failures = keys_that_wait(100, 10);
    for limit in [60, 100, 400] {
        let record = both(&failures, limit);
        assert!(!record.failures.is_empty(), "{limit}");
        assert!(!record.done.is_empty(), "{limit}");
    }
}

#[test]
fn any_failures_come_back_as_far_as_they_fit() {
    let mut random = random();
    for _ in 0..2_000 {
        let committed = random(1 << 40) as i64;
        let any = |random: &mut dyn FnMut(u64) -> u64| {
            let bits = random(61);
            random(1 << bits) as i64
        };
        let mut offset = committed - 2;
        let mut failures = BTreeMap::new();
        for _ in 0..random(300) {
            let apart = random(30);
            offset += 1 + random(1 << apart) as i64;
            let first_failure_ms = any(&mut random);
            let failed = FailedAttempt {
                attempts: 1 + random(u64::from(u32::MAX)) as u32,
                first_failure_ms,
                due_ms: first_failure_ms + any(&mut random),
            };
            failures.insert(offset, failed);
        }
        let limit = random(5_000) as usize;
        let text = Encoder::new(committed, &failures, limit).finish();
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        let written = match text.is_empty() {
            true => BTreeMap::new(),
            false => {
                let record = Record::decode(&text, committed);
                record.expect("a record").failures
            }
        };
        let all: Vec<_> = failures.range(committed..).collect();
        assert!(written.iter().eq(all.iter().copied().take(written.len())));
        // No more than one's worth of room is left unused.
        assert!(written.len() == all.len() || text.len() + 60 > limit);
    }
}

#[test]
fn times_beyond_any_calendar_are_written_as_very_late() {
    let never = FailedAttempt {
        attempts: 1,
        first_failure_ms: -1,
        due_ms: i64::MAX,
    };
    let soon = FailedAttempt {
        attempts: u32::MAX,
        first_failure_ms: i64::MAX,
        due_ms: i64::MIN,
    };
    let failures = BTreeMap::from([(5, never), (6, soon), (7, never)]);
    let text = Encoder::new(5, &failures, BROKERS_LIMIT).finish();
    let record = Record::decode(&text, 5).expect("a record");
    let times = record.failures.values();
    let times: Vec<_> = times.map(|f| (f.first_failure_ms, f.due_ms)).collect();
    assert_eq!(times, [(0, 1 << 61), (1 << 61, 1 << 61), (0, 1 << 61)]);
}
