use kafka_integration::prelude::*;

struct Declined;

const SECONDS: u64 = 10;
const OFTEN: &str = "often";

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "g", topics(Orders), retry(exclude(Declined)))]
struct NoError;

#[consumer(group_id = "g", topics(Orders), retry(delay = SECONDS))]
struct NoDuration;

#[consumer(group_id = "g", topics(Orders), retry(max_retries = OFTEN))]
struct NoCount;

fn main() {}
