use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group = "billing", topics(Orders))]
struct Near;

#[consumer(group_id = "billing", topics(Orders), retries = 3)]
struct Far;

fn main() {}
