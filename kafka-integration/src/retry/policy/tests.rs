use super::*;
use crate::retry::ConsumeError;

fn failure() -> Failure {
    Failure::Panic(String::new())
}

fn steady(max_retries: Option<u32>) -> RetryPolicy {
    RetryPolicy {
        max_retries,
        jitter: 0.0,
        ..RetryPolicy::default()
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn delays_grow_to_the_ceiling_and_never_overflow() {
    let policy = steady(None);
    let delays = [1, 2, 3, 7, 1_000, u32::MAX].map(|attempt| policy.decide(attempt, &failure()));
    let expected = [1, 2, 4, 60, 60, 60].map(|s| Verdict::RetryAfter(seconds(s)));
    assert_eq!(delays, expected);
}

#[test]
fn extremes_neither_panic_nor_wait_when_told_not_to() {
    let never = RetryPolicy {
        delay: Duration::ZERO,
        factor: 1e300,
        ..RetryPolicy::default()
    };
    let ever = RetryPolicy {
        delay: Duration::MAX,
        max_delay: Duration::MAX,
        ..steady(None)
    };
    for attempt in [1, 1_000, u32::MAX] {
        let now = Verdict::RetryAfter(Duration::ZERO);
        assert_eq!(never.decide(attempt, &failure()), now);
        let then = Verdict::RetryAfter(A_YEAR);
        assert_eq!(ever.decide(attempt, &failure()), then);
    }
}

#[test]
fn jitter_only_shortens() {
    let policy = RetryPolicy {
        jitter: 0.5,
        ..RetryPolicy::default()
    };
    for _ in 0..100 {
        let Verdict::RetryAfter(delay) = policy.decide(1, &failure()) else {
            panic!("it is blocking");
        };
        assert!((0.5..=1.0).contains(&delay.as_secs_f64()), "{delay:?}");
    }
}

#[test]
fn with_a_maximum_it_goes_from_level_to_level_and_ends_as_a_dead_letter() {
    let policy = steady(Some(3));
    assert_eq!(policy.levels(), 3);
    let verdicts = [1, 2, 3, 4].map(|attempts| policy.decide(attempts, &failure()));
    let moved = |level, s| Verdict::Move {
        level,
        delay: seconds(s),
    };
    let dead = Verdict::DeadLetter(DeadReason::Exhausted);
    assert_eq!(verdicts, [moved(1, 1), moved(2, 2), moved(3, 4), dead]);
}

#[test]
fn there_is_a_level_for_each_delay_and_the_last_is_used_again() {
    // 1, 2, 4, 8, 16, 32, 60, 60 …
    let policy = steady(Some(100));
    assert_eq!(policy.levels(), 7);
    let Verdict::Move { level, delay } = policy.decide(50, &failure()) else {
        panic!("there are attempts left");
    };
    assert_eq!((level, delay), (7, seconds(60)));
    let flat = RetryPolicy {
        factor: 1.0,
        ..steady(Some(9))
    };
    assert_eq!(flat.levels(), 1);
    assert_eq!(RetryPolicy::times(0).levels(), 0);
    let none = RetryPolicy {
        blocking: Some(true),
        ..steady(Some(9))
    };
    assert_eq!(none.levels(), 0);
}

#[test]
fn what_a_failure_says_of_itself_comes_first_but_the_maximum_holds() {
    let policy = steady(Some(1));
    let terminal = Failure::Handler(ConsumeError::new("no").terminal());
    let dead = Verdict::DeadLetter(DeadReason::Terminal);
    assert_eq!(policy.decide(1, &terminal), dead);
    let later = Failure::Handler(ConsumeError::new("no").retry_after(seconds(99)));
    let moved = Verdict::Move {
        level: 1,
        delay: seconds(99),
    };
    assert_eq!(policy.decide(1, &later), moved);
    let dead = Verdict::DeadLetter(DeadReason::Exhausted);
    assert_eq!(policy.decide(2, &later), dead);
}

#[test]
fn classes_are_included_and_excluded() {
    let of = |error: ConsumeError| Failure::Handler(error);
    let io = || of(std::io::Error::other("gone").into());
    let fmt = || of(std::fmt::Error.into());
    let dead = Verdict::DeadLetter(DeadReason::Terminal);
    let only = RetryPolicy {
        include: vec![ErrorClass::of::<std::io::Error>()],
        ..steady(None)
    };
    assert_eq!(only.decide(1, &io()), Verdict::RetryAfter(seconds(1)));
    assert_eq!(only.decide(1, &fmt()), dead);
    let but = RetryPolicy {
        exclude: vec![ErrorClass::named("fmt::Error"), ErrorClass::named("panic")],
        ..steady(None)
    };
    assert_eq!(but.decide(1, &io()), Verdict::RetryAfter(seconds(1)));
    assert_eq!(but.decide(1, &fmt()), dead);
    assert_eq!(but.decide(1, &failure()), dead);
}

#[test]
fn a_policy_that_contradicts_itself_is_refused_with_its_field() {
    type Change = fn(&mut RetryPolicy);
    let wrong: [(&str, Change); 8] = [
        ("factor", |policy| policy.factor = 0.5),
        ("factor", |policy| policy.factor = f64::INFINITY),
        ("jitter", |policy| policy.jitter = -0.1),
        ("jitter", |policy| policy.jitter = f64::NAN),
        ("log_every", |policy| policy.log_every = 0),
        ("max_delay", |policy| policy.delay = seconds(61)),
        ("exclude", |policy| {
            policy.include = vec![ErrorClass::of::<std::fmt::Error>()];
            policy.exclude = vec![ErrorClass::named("core::fmt::Error")];
        }),
        ("preserve_order", |policy| {
            policy.preserve_order = true;
            policy.blocking = Some(false);
        }),
    ];
    for (field, change) in wrong {
        let mut policy = RetryPolicy::default();
        change(&mut policy);
        let error = policy.check().expect_err(field);
        assert_eq!(error.field, field, "{error}");
    }
    for policy in [
        RetryPolicy::default(),
        RetryPolicy::times(0),
        RetryPolicy {
            delay: Duration::ZERO,
            max_delay: Duration::ZERO,
            preserve_order: true,
            ..RetryPolicy::times(3)
        },
    ] {
        assert_eq!(policy.check(), Ok(()));
    }
}
