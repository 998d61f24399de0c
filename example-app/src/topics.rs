//! The shop's topics: what is in them, and what happens to a message.

use kafka_integration::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::Database;

/// An order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderPlaced {
    pub(crate) order_id: i64,
    pub(crate) customer: String,
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    pub(crate) total_cents: i64,
}

/// Every order, keyed by customer: a customer's orders keep their order.
pub(crate) struct Orders;

#[topic(name = "shop.orders", codec = Json)]
impl Topic for Orders {
    type Key = String;
    type Value = OrderPlaced;

    /// Bills the order. A message may be delivered twice; `bill` makes the
    /// second time harmless. Any error has the message tried again.
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        cx.state::<Database>()?.bill(message.value()).await?;
        Ok(())
    }
}
