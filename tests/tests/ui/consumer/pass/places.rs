//! A consumer may be declared anywhere, without an import of the framework.
#![deny(warnings)]

mod topics {
    use kafka_integration::prelude::*;

    pub struct Orders;

    #[topic(name = "orders")]
    impl Topic for Orders {
        type Value = String;

        async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
            Ok(())
        }
    }
}

const GROUP: &str = "billing";
const AT_A_TIME: usize = 8;

#[kafka_integration::consumer(
    group_id = GROUP,
    topics(crate::topics::Orders),
    concurrency = AT_A_TIME,
    ordering = none,
    config(),
)]
pub struct Outside {}

#[kafka_integration::consumer(topics(topics::Orders), group_id = "hand", register = false)]
#[derive(Debug)]
pub struct ByHand;

fn main() {
    #[kafka_integration::consumer(group_id = "inner", topics(topics::Orders), register = true)]
    struct Inside;

    let linked = kafka_integration::consumer::Registry::linked();
    let names: Vec<_> = linked.consumers().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["Inside", "Outside"]);
    let _ = ByHand;
}
