use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "billing", topics(Orders), concurrency = 0)]
struct Zero;

#[consumer(group_id = "billing", topics(Orders), concurrency = -1)]
struct Negative;

#[consumer(group_id = "billing", topics(Orders), concurrency = "64")]
struct Text;

const MANY: &str = "64";

#[consumer(group_id = "billing", topics(Orders), concurrency = MANY)]
struct Expression;

fn main() {}
