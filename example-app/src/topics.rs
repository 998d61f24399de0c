//! The shop's topics: what is in them, and what happens to a message.

use kafka_integration::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::{Database, Payment};
use crate::{payments, time};

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

/// The same orders for the payments. A topic's type says what happens to a
/// message, so another consumer that does something else with it has another
/// type.
pub(crate) struct PaymentOrders;

#[topic(name = "shop.orders", codec = Json)]
impl Topic for PaymentOrders {
    type Key = String;
    type Value = OrderPlaced;

    /// Has the order paid. Which attempt it is counts through retry topics and
    /// restarts.
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        let order = message.value();
        payments::charge(order, cx.attempt())?;
        let payment = Payment::of(order, cx.attempt());
        cx.state::<Database>()?.pay(payment).await?;
        Ok(())
    }
}

/// A stamp was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StampCreated {
    /// Unlike `object_cid`, no other stamp's.
    pub(crate) stamp_id: String,
    pub(crate) object_cid: String,
    /// How long it may wait for others, in seconds.
    pub(crate) time_tolerance: i64,
    #[serde(with = "time::rfc3339")]
    pub(crate) created: Timestamp,
}

impl StampCreated {
    /// When it has waited as long as it may.
    fn due(&self) -> Timestamp {
        let tolerance = self.time_tolerance.saturating_mul(1_000);
        Timestamp::from_millis(self.created.as_millis().saturating_add(tolerance))
    }
}

/// Every stamp, keyed by its object.
pub(crate) struct Stamps;

#[topic(name = "topic_data_created", codec = Json, batch(min = 2, max = 10))]
impl Topic for Stamps {
    type Key = String;
    type Value = StampCreated;

    /// One that has waited as long as it may goes alone, if no other has come.
    fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> {
        Some(message.value().due())
    }

    /// Processes them together. Until then they are not committed: a consumer
    /// that is killed has lost none of those that wait.
    async fn consume(&self, batch: Batch<Self>, cx: &Context) -> Result<(), BatchError> {
        let stamps = batch.into_iter().map(Message::into_value).collect();
        let database = cx.state::<Database>()?;
        database.process_stamps(stamps, Timestamp::now()).await?;
        Ok(())
    }
}
