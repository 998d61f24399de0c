use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "g", topics(Orders), retry(max_retries = -2))]
struct Negative;

#[consumer(group_id = "g", topics(Orders), retry(delay = 10))]
struct NoUnit;

#[consumer(group_id = "g", topics(Orders), retry(delay = "10"))]
struct NoUnitInQuotes;

#[consumer(group_id = "g", topics(Orders), retry(delay = "10 parsec"))]
struct NoDuration;

#[consumer(group_id = "g", topics(Orders), retry(backoff(factor = 0.5)))]
struct Shrinking;

#[consumer(group_id = "g", topics(Orders), retry(backoff(jitter = 10)))]
struct MoreThanAll;

#[consumer(group_id = "g", topics(Orders), retry(log_every = 0))]
struct Never;

#[consumer(group_id = "g", topics(Orders), retry(include()))]
struct NoClass;

#[consumer(group_id = "g", topics(Orders), retry(exclude(5)))]
struct NumberAsClass;

#[consumer(group_id = "g", topics(Orders), retry(exclude("")))]
struct EmptyName;

fn main() {}
