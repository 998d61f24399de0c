use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "g", topics(Orders), retry(preserve_order, blocking = false))]
struct OrderAndMoves;

#[consumer(group_id = "g", topics(Orders), retry(delay = "10m", backoff(max = "1m")))]
struct CeilingBelowDelay;

#[consumer(group_id = "g", topics(Orders), retry(include(std::io::Error, "Timeout"), exclude("Timeout")))]
struct InAndOut;

#[consumer(group_id = "g", topics(Orders), retry(include(std::io::Error, std::io::Error)))]
struct ClassTwice;

fn main() {}
