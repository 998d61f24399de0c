use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct Invoices;

#[topic(name = "invoices")]
impl Topic for Invoices {
    type Value = String;
}

#[consumer(group_id = "billing", topics(Orders, Invoices))]
struct BillingConsumer;

fn main() {}
