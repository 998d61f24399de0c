//! Every word of a retry policy, as literals and as expressions.
#![deny(warnings)]

use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::ErrorClass;

#[derive(Debug)]
pub struct Declined;

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("declined")
    }
}

impl std::error::Error for Declined {}

/// Has a policy of its own, which may depend on the value.
pub struct Orders {
    patience: Duration,
}

#[topic(name = "orders", retry(max_retries = 3, delay = self.patience, preserve_order))]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

const TIMES: u32 = 7;

#[consumer(
    group_id = "literals",
    topics(Orders { patience: Duration::from_secs(90) }),
    retry(
        max_retries = 5,
        delay = "1m 30s",
        backoff(factor = 3, max = "10m", jitter = 0.25),
        include(std::io::Error, "Timeout"),
        exclude(Declined, "panic",),
        blocking = true,
        preserve_order = false,
        log_every = 10,
    ),
)]
pub struct Literals;

#[consumer(
    group_id = "expressions",
    topics(Orders { patience: Duration::ZERO }),
    retry(
        max_retries = TIMES,
        delay = Duration::from_millis(5),
        backoff(factor = 1.0 + 0.5, max = Duration::from_secs(1), jitter = f64::from(0_u8)),
        log_every = TIMES * 2,
    )
)]
pub struct Expressions;

#[consumer(
    group_id = "for-ever",
    topics(Orders { patience: Duration::ZERO }),
    retry(max_retries = -1, delay = "5m", blocking)
)]
pub struct ForEver;

macro_rules! declare {
    ($consumer:ident, $times:expr, $delay:expr, $jitter:expr, $class:ty) => {
        #[consumer(
            group_id = "macro",
            topics(Orders { patience: Duration::ZERO }),
            retry(max_retries = $times, delay = $delay, backoff(jitter = $jitter), exclude($class)),
        )]
        pub struct $consumer;
    };
}

declare!(ByMacro, -1, "2s", 0, std::io::Error);

fn main() {
    let policy = |spec: ConsumerSpec| spec.retry.expect("it has one");
    let literals = RetryPolicy {
        max_retries: Some(5),
        delay: Duration::from_secs(90),
        factor: 3.0,
        max_delay: Duration::from_secs(600),
        jitter: 0.25,
        include: vec![ErrorClass::of::<std::io::Error>(), ErrorClass::named("Timeout")],
        exclude: vec![ErrorClass::of::<Declined>(), ErrorClass::named("panic")],
        blocking: Some(true),
        preserve_order: false,
        log_every: 10,
    };
    assert_eq!(policy(Literals::spec()), literals);
    let expressions = RetryPolicy {
        max_retries: Some(7),
        delay: Duration::from_millis(5),
        factor: 1.5,
        max_delay: Duration::from_secs(1),
        jitter: 0.0,
        log_every: 14,
        ..RetryPolicy::default()
    };
    assert_eq!(policy(Expressions::spec()), expressions);
    let for_ever = RetryPolicy {
        delay: Duration::from_secs(300),
        max_delay: Duration::from_secs(300),
        blocking: Some(true),
        ..RetryPolicy::default()
    };
    assert_eq!(policy(ForEver::spec()), for_ever);
    let by_macro = RetryPolicy {
        delay: Duration::from_secs(2),
        jitter: 0.0,
        exclude: vec![ErrorClass::of::<std::io::Error>()],
        ..RetryPolicy::default()
    };
    assert_eq!(policy(ByMacro::spec()), by_macro);

    let of_the_topic = Literals::spec().topics[0].retry().expect("it has one");
    assert_eq!(of_the_topic.max_retries, Some(3));
    assert_eq!(of_the_topic.max_delay, Duration::from_secs(90));
    assert!(of_the_topic.preserve_order);
    assert_eq!(Registry::linked().validate(), Ok(()));
}
