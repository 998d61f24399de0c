//! Retry policies of topics and consumers, and the topics they need.

use std::time::Duration;

use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders", codec = Text)]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct Impatient;

#[topic(name = "impatient", codec = Text)]
impl Topic for Impatient {
    type Value = String;

    fn retry(&self) -> Option<RetryPolicy> {
        Some(RetryPolicy {
            delay: Duration::from_secs(3_600),
            ..RetryPolicy::default()
        })
    }

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[test]
fn a_policy_that_contradicts_itself_is_refused_with_whose_it_is() {
    let wrong = RetryPolicy {
        jitter: 2.0,
        ..RetryPolicy::default()
    };
    let mut registry = Registry::new();
    registry.add(ConsumerSpec::new("Own", "own").topic(Orders).retry(wrong));
    registry.add(ConsumerSpec::new("OfATopic", "topic").topic(Impatient));
    let errors = registry.validate().expect_err("both are wrong");
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let [of_a_topic, own] = texts.as_slice() else {
        panic!("{texts:?}");
    };
    assert!(own.starts_with("consumer `Own` (") && own.contains("policies.rs"));
    assert!(own.ends_with("): the retry policy: `jitter` must be a number from 0 to 1, found 2"));
    let whose = "the retry policy of topic `impatient`: `max_delay` (1m) is shorter than";
    assert!(of_a_topic.contains(whose), "{of_a_topic}");
}

#[test]
fn what_fails_must_have_a_topic_to_go_to() {
    let refused = |group: &str, retry: Option<RetryPolicy>| {
        let mut spec = ConsumerSpec::new("Any", group).topic(Orders);
        spec.retry = retry;
        let mut registry = Registry::new();
        registry.add(spec);
        registry
            .validate()
            .err()
            .map(|errors| errors[0].to_string())
    };
    let said = refused("billing/eu", None).expect("`/` is no letter of a topic");
    assert!(
        said.contains("`billing/eu.orders.dlt` is not a topic name"),
        "{said}"
    );
    // 249 letters, and for retry topics two more.
    let longest = "g".repeat(249 - ".orders.dlt".len());
    assert_eq!(refused(&longest, None), None);
    assert_eq!(refused(&longest, Some(RetryPolicy::default())), None);
    let said = refused(&longest, Some(RetryPolicy::times(3))).expect("it is too long");
    assert!(said.contains(".retry.3` is not a topic name"), "{said}");
}
