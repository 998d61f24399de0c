use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(topics(Orders))]
struct Missing;

#[consumer(group_id = " ", topics(Orders))]
struct Empty;

fn main() {}
