use super::codec::seal;
use super::*;

fn none() -> BTreeMap<i64, FailedAttempt> {
    BTreeMap::new()
}

fn encode(committed: i64, runs: &[(i64, i64)], limit: usize) -> String {
    let mut encoder = Encoder::new(committed, &none(), limit);
    let _ = runs.iter().all(|(open, done)| encoder.push(*open, *done));
    encoder.finish()
}

pub(super) fn random() -> impl FnMut(u64) -> u64 {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    }
}

/// What others may have written a reader for.
#[test]
fn the_text_of_a_record_stays_what_it_is() {
    let failed = FailedAttempt {
        attempts: 3,
        first_failure_ms: 1_700_000_000_000,
        due_ms: 1_700_000_060_000,
    };
    let failures = BTreeMap::from([(100, failed)]);
    let mut encoder = Encoder::new(100, &failures, BROKERS_LIMIT);
    assert!(encoder.push(101, 400));
    assert!(encoder.push(403, 404));
    let text = encoder.finish();
    assert_eq!(text, "ki1:ZAEFAasCAwECCwADgKCr/vliwKkHeA8Gqw");
    let record = Record::decode(&text, 100).expect("a record");
    assert_eq!(record.done, [101..400, 403..404]);
    assert_eq!((record.top(), record.done_offsets()), (Some(404), 300));
    assert_eq!(record.failures, failures);
}

#[test]
fn nothing_to_say_is_no_text() {
    assert_eq!(encode(7, &[], BROKERS_LIMIT), "");
    assert_eq!(encode(7, &[(8, 8)], BROKERS_LIMIT), "");
    assert_eq!(encode(7, &[(8, 9)], 0), "");
}

#[test]
fn runs_that_touch_are_one() {
    let text = encode(5, &[(6, 9), (9, 12), (9, 20)], BROKERS_LIMIT);
    let record = Record::decode(&text, 5).expect("a record");
    assert_eq!(record.done, std::slice::from_ref(&(6..20)));
    let from_the_start = encode(5, &[(5, 9)], BROKERS_LIMIT);
    let record = Record::decode(&from_the_start, 5).expect("a record");
    assert_eq!(record.done, std::slice::from_ref(&(5..9)));
}

#[test]
fn what_does_not_fit_is_left_out_from_the_top() {
    let mut random = random();
    for _ in 0..500 {
        let committed = random(1 << 40) as i64;
        let mut position = committed;
        let runs: Vec<_> = (0..2_000)
            .map(|_| {
                let shift = random(20);
                let open = position + 1 + random(1 << shift) as i64;
                position = open + 1 + random(1 << shift) as i64;
                (open, position)
            })
            .collect();
        let limit = random(5_000) as usize;
        let text = encode(committed, &runs, limit);
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        let record = match text.is_empty() {
            true => Record::default(),
            false => Record::decode(&text, committed).expect("a record"),
        };
        let all: Vec<_> = runs.iter().map(|(open, done)| *open..*done).collect();
        assert!(all.starts_with(&record.done));
        // No more than a pair's worth of room is left unused.
        assert!(record.done.len() == all.len() || text.len() + 40 > limit);
    }
}

#[test]
fn a_record_belongs_to_its_offset() {
    let text = encode(100, &[(101, 110)], BROKERS_LIMIT);
    assert!(Record::decode(&text, 100).is_some());
    for other in [0, 99, 101, -1, i64::MIN, i64::MAX] {
        assert_eq!(Record::decode(&text, other), None);
    }
}

#[test]
fn a_reader_skips_kinds_it_does_not_know() {
    let record = Record::decode(&seal(&[5, 9, 2, 0xff, 0xff, 1, 2, 1, 3]), 5);
    assert_eq!(
        record.expect("a record").done,
        std::slice::from_ref(&(6..9))
    );
}

#[test]
fn what_somebody_else_wrote_is_no_record() {
    let foreign = [
        "",
        "ki1",
        "ki1:",
        "ki2:AAAA",
        "consumer-7",
        "{\"a\":1}",
        "ki1:====",
        "ki1:AAAAAA",
        "ki1:ä",
        "\0",
    ];
    for text in foreign {
        assert_eq!(Record::decode(text, 0), None, "{text}");
    }
    let long = format!("ki1:{}", "A".repeat(100_000));
    assert_eq!(Record::decode(&long, 0), None);
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let mut sums = vec![5, 1, 10, 1];
    sums.extend_from_slice(&huge);
    let wrong: [&[u8]; 13] = [
        &[],
        &huge,
        // A section longer than what is left; a number without an end.
        &[5, 1, 9, 1, 1],
        &[5, 1, 1, 0x80],
        // Half a pair; nothing done; nothing open in between; twice.
        &[5, 1, 1, 1],
        &[5, 1, 2, 1, 0],
        &[5, 1, 4, 1, 1, 0, 1],
        &[5, 1, 2, 1, 1, 1, 2, 1, 1],
        // Never tried; before 1970; due before it failed; twice at one offset.
        &[5, 2, 4, 0, 0, 0, 0],
        &[5, 2, 4, 0, 1, 1, 4],
        &[5, 2, 4, 0, 1, 4, 1],
        &[5, 2, 8, 0, 1, 4, 0, 0, 1, 0, 0],
        // Past the last offset there is.
        &sums,
    ];
    for bytes in wrong {
        assert_eq!(Record::decode(&seal(bytes), 5), None, "{bytes:?}");
    }
}

#[test]
fn a_damaged_record_is_none_and_random_bytes_do_no_harm() {
    let mut random = random();
    let text = encode(1_000, &[(1_001, 1_100), (1_200, 90_000)], BROKERS_LIMIT);
    for place in 0..text.len() {
        for replacement in ["A", "/", "=", "\u{7f}"] {
            let mut damaged = text.clone();
            damaged.replace_range(place..=place, replacement);
            if damaged != text {
                assert_eq!(Record::decode(&damaged, 1_000), None, "{damaged}");
            }
        }
        assert_eq!(Record::decode(&text[..place], 1_000), None);
    }
    // With a right checksum, so that what is behind it is reached.
    for _ in 0..200_000 {
        let length = random(24) as usize;
        let mut bytes = vec![7];
        bytes.extend((0..length).map(|_| match random(3) {
            0 => random(4) as u8,
            1 => 0xff,
            _ => random(256) as u8,
        }));
        if let Some(record) = Record::decode(&seal(&bytes), 7) {
            let in_order = record.done.windows(2).all(|two| two[0].end < two[1].start);
            assert!(in_order && record.done.iter().all(|range| range.start < range.end));
            let mut failures = record.failures.values();
            assert!(
                failures.all(|f| f.attempts > 0 && (0..=f.due_ms).contains(&f.first_failure_ms))
            );
        }
    }
}
