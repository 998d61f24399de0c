use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "g", topics(Orders), retry)]
struct Bare;

#[consumer(group_id = "g", topics(Orders), retry = 5)]
struct Number;

#[consumer(group_id = "g", topics(Orders), retry())]
struct Nothing;

#[consumer(group_id = "g", topics(Orders), retry(max_retry = 5))]
struct Unknown;

#[consumer(group_id = "g", topics(Orders), retry(delay = "1s", delay = "2s"))]
struct Twice;

#[consumer(group_id = "g", topics(Orders), retry(factor = 2.0))]
struct Misplaced;

#[consumer(group_id = "g", topics(Orders), retry(max_delay = "10m"))]
struct Ceiling;

#[consumer(group_id = "g", topics(Orders), retry(backoff()))]
struct NoBackoff;

#[consumer(group_id = "g", topics(Orders), retry(backoff(max_delay = "10m")))]
struct UnknownBackoff;

#[consumer(group_id = "g", topics(Orders), retry(blocking(true)))]
struct NotAFlag;

#[consumer(group_id = "g", topics(Orders), retry(blocking = "yes"))]
struct NotABoolean;

fn main() {}
