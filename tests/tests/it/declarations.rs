//! What `#[topic]` and `#[consumer]` declare is what the framework sees.

use std::future::Future;

use kafka_integration::codec::{Codec, CodecContext, CodecError, Field, Presence};
use kafka_integration::consumer::RegistryError;
use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use kafka_integration::topic::TopicName;

use linked_consumers as _;

// The macro's rules for names, next to the framework's.
#[path = "../../../kafka-integration-macros/src/topic_name.rs"]
mod macro_topic_name;

const PAYMENTS: &str = "payments";
const GROUP: &str = "billing";

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Key = String;
    type Value = i64;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct Payments;

#[topic(name = PAYMENTS, codec = Text, cluster = "analytics")]
impl Topic for Payments {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

/// One topic per site: the name is the value's.
struct Site {
    topic: String,
}

impl Site {
    fn new(number: u32) -> Self {
        Self {
            topic: format!("site-{number}"),
        }
    }
}

#[topic(name = &self.topic, codec = Bytes)]
impl Topic for Site {
    type Value = Vec<u8>;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

/// Overrides every hook.
struct Hooked;

#[topic(codec = Text)]
impl Topic for Hooked {
    type Key = i64;
    type Value = String;

    fn name(&self) -> &str {
        "hooked"
    }

    fn serialize_key(
        &self,
        _: &i64,
        out: &mut Vec<u8>,
        _: &CodecContext<'_>,
    ) -> Result<(), CodecError> {
        out.extend_from_slice(b"own key");
        Ok(())
    }

    fn serialize_value(
        &self,
        _: &String,
        out: &mut Vec<u8>,
        _: &CodecContext<'_>,
    ) -> Result<Presence, CodecError> {
        out.extend_from_slice(b"own value");
        Ok(Presence::Value)
    }

    fn deserialize_key(&self, _: &[u8], _: &CodecContext<'_>) -> Result<i64, CodecError> {
        Ok(7)
    }

    fn deserialize_value(
        &self,
        _: Option<&[u8]>,
        _: &CodecContext<'_>,
    ) -> Result<String, CodecError> {
        Ok("read by the hook".to_owned())
    }

    fn before_produce(&self, record: &mut Outgoing) -> Result<(), ProduceError> {
        record.partition = Some(3);
        Ok(())
    }
}

#[consumer(
    group_id = GROUP,
    topics(Orders, Payments, Site::new(7)),
    config(
        "auto.offset.reset" = "earliest",
        "fetch.min.bytes" = 1_024,
        "allow.auto.create.topics" = true,
        "fetch.wait.max.ms" = 2 * 50,
        "statistics.interval.ms" = -1
    ),
    name = "every-option",
    cluster = "analytics",
    concurrency = 64,
    ordering = key
)]
struct EveryOption;

#[consumer(group_id = "plain", topics(Orders))]
struct PlainConsumer;

#[consumer(group_id = "by-hand", topics(Orders), register = false)]
struct ByHand;

fn context<'a>(headers: &'a Headers, field: Field) -> CodecContext<'a> {
    CodecContext {
        topic: "any",
        field,
        headers,
    }
}

#[test]
fn options_of_a_topic_reach_the_trait() {
    assert_eq!(Orders.name(), "orders");
    assert_eq!(Orders.cluster(), None);
    assert_eq!(Payments.name(), "payments");
    assert_eq!(Payments.cluster(), Some("analytics"));
    assert_eq!(Site::new(7).name(), "site-7");
}

#[test]
fn key_and_codec_have_the_promised_defaults() {
    fn is_json<T: Topic<Codec = Json>>(_: T) {}
    fn has_no_key<T: Topic<Key = ()>>(_: T) {}
    fn is_text<C: Codec<String>, T: Topic<Codec = C>>(_: T) {}
    is_json(Orders);
    has_no_key(Payments);
    is_text(Payments);
}

#[test]
fn overridden_hooks_are_used() {
    let headers = Headers::new();
    let mut bytes = Vec::new();
    Hooked
        .serialize_key(&1, &mut bytes, &context(&headers, Field::Key))
        .expect("serializes");
    assert_eq!(bytes, b"own key");
    bytes.clear();
    Hooked
        .serialize_value(&String::new(), &mut bytes, &context(&headers, Field::Value))
        .expect("serializes");
    assert_eq!(bytes, b"own value");
    let key = Hooked.deserialize_key(b"", &context(&headers, Field::Key));
    assert_eq!(key.expect("deserializes"), 7);
    let value = Hooked.deserialize_value(None, &context(&headers, Field::Value));
    assert_eq!(value.expect("deserializes"), "read by the hook");
    let mut record = Outgoing::default();
    Hooked.before_produce(&mut record).expect("lets it pass");
    assert_eq!(record.partition, Some(3));
}

#[test]
fn a_consume_hook_gives_a_future_that_any_thread_can_run() {
    fn assert_send(_: &(impl Future<Output = Result<(), ConsumeError>> + Send)) {}
    fn hook<T: Consume>(topic: &T, message: Message<T>, cx: &Context) {
        assert_send(&topic.consume(message, cx));
    }
    let _: fn(&Orders, Message<Orders>, &Context) = hook;
}

#[test]
fn every_option_of_a_consumer_reaches_its_spec() {
    let spec = EveryOption::spec();
    assert_eq!(spec.name, "every-option");
    assert_eq!(spec.group_id, "billing");
    assert_eq!(spec.cluster.as_deref(), Some("analytics"));
    let topics: Vec<_> = spec.topics.iter().map(|topic| topic.name()).collect();
    assert_eq!(topics, ["orders", "payments", "site-7"]);
    let config: Vec<_> = spec
        .config
        .iter()
        .map(|(property, value)| (property.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        config,
        [
            ("auto.offset.reset", "earliest"),
            ("fetch.min.bytes", "1024"),
            ("allow.auto.create.topics", "true"),
            ("fetch.wait.max.ms", "100"),
            ("statistics.interval.ms", "-1"),
        ]
    );
    assert_eq!(spec.concurrency.map(|n| n.get()), Some(64));
    assert_eq!(spec.ordering, Some(Ordering::Key));
    assert!(spec.location.file.ends_with("declarations.rs"));
}

#[test]
fn what_a_consumer_does_not_say_is_left_to_the_settings() {
    let spec = PlainConsumer::spec();
    assert_eq!(spec.name, "PlainConsumer");
    assert_eq!(spec.cluster, None);
    assert_eq!(spec.concurrency, None);
    assert_eq!(spec.ordering, None);
    assert!(spec.config.is_empty());
}

#[test]
fn linked_consumers_are_there_in_order_and_those_left_out_are_not() {
    let registry = Registry::linked();
    let names: Vec<_> = registry
        .consumers()
        .iter()
        .map(|spec| spec.name.as_str())
        // Other modules of this test binary may declare consumers too.
        .filter(|name| ["LinkedConsumer", "PlainConsumer", "every-option", "ByHand"].contains(name))
        .collect();
    assert_eq!(names, ["LinkedConsumer", "PlainConsumer", "every-option"]);
    assert!(registry.consumers().is_sorted_by_key(|spec| &spec.name));
}

#[test]
fn a_consumer_left_out_can_be_registered_by_hand() {
    let mut registry = Registry::new();
    registry
        .register::<PlainConsumer>()
        .register::<ByHand>()
        .add(ConsumerSpec::new("Nightly", "nightly").topic(Orders));
    let names: Vec<_> = registry.consumers().iter().map(|s| &s.name).collect();
    assert_eq!(names, ["ByHand", "Nightly", "PlainConsumer"]);
    assert_eq!(registry.validate(), Ok(()));
}

#[test]
fn two_consumers_of_one_name_are_refused_naming_both_places() {
    let mut registry = Registry::new();
    registry.register::<PlainConsumer>();
    registry.add(ConsumerSpec::new("PlainConsumer", "other").topic(Orders));
    let errors = registry.validate().expect_err("the name is taken");
    let [error @ RegistryError::DuplicateName { first, second, .. }] = errors.as_slice() else {
        panic!("one duplicate name, not {errors:?}");
    };
    assert_ne!(first.line, second.line);
    let text = error.to_string();
    for location in [first, second] {
        assert!(location.file.ends_with("declarations.rs"), "{location}");
        assert!(text.contains(&location.to_string()), "{text}");
    }
}

#[test]
fn the_location_is_the_line_of_the_struct() {
    let source = include_str!("declarations.rs");
    let line = PlainConsumer::spec().location.line as usize;
    let declared = source.lines().nth(line - 1);
    assert_eq!(declared, Some("struct PlainConsumer;"));
}

#[test]
fn two_consumers_of_one_group_that_disagree_are_refused() {
    let mut registry = Registry::new();
    registry.register::<PlainConsumer>();
    registry.add(ConsumerSpec::new("Other", "plain").topic(Payments));
    let errors = registry.validate().expect_err("their topics differ");
    assert!(
        matches!(errors.as_slice(), [RegistryError::GroupDisagrees { .. }]),
        "{errors:?}"
    );
}

#[test]
fn one_name_by_two_types_in_one_consumer_is_refused() {
    let spec = ConsumerSpec::new("Twice", "twice")
        .topic(Site::new(1))
        .topic(Site::new(1));
    let mut registry = Registry::new();
    registry.add(spec);
    let errors = registry.validate().expect_err("site-1 twice");
    assert!(
        matches!(errors.as_slice(), [RegistryError::DuplicateTopic { topic, .. }] if topic == "site-1"),
        "{errors:?}"
    );
}

#[test]
fn the_macro_and_the_framework_agree_on_names() {
    let longest = "x".repeat(249);
    let too_long = "x".repeat(250);
    for name in [
        "orders",
        "shop.orders",
        "a_b-c.1",
        "A9",
        "^shop\\..*",
        "^ ",
        &longest,
        "",
        ".",
        "..",
        "...",
        "with space",
        "ü",
        "^",
        "a/b",
        "a^b",
        "tab\t",
        &too_long,
    ] {
        let framework = TopicName::parse(name).err().map(|error| error.reason);
        assert_eq!(macro_topic_name::problem(name), framework, "{name}");
    }
}
