//! The shop's consumers. Declaring one is all it takes: `app kafka-consume`
//! and `app dev` find it.

use kafka_integration::prelude::*;

use crate::topics::{Orders, PaymentOrders, Stamps};

/// Bills every order, from the first one on. It has no retry policy: an order
/// that can't be billed is tried again for ever, and the later ones of its
/// partition wait.
#[consumer(
    group_id = "billing",
    topics(Orders),
    config("auto.offset.reset" = "earliest")
)]
pub(crate) struct BillingConsumer;

/// Takes the payment of every order. One that fails moves to a retry topic and
/// lets the others pass; after three more attempts, or at once when the bank
/// declines, it is in `payments.shop.orders.dlt`.
#[consumer(
    group_id = "payments",
    topics(PaymentOrders),
    retry(max_retries = 3, delay = "1s"),
    config("auto.offset.reset" = "earliest")
)]
pub(crate) struct PaymentConsumer;

/// Processes stamps in batches.
#[consumer(
    group_id = "stamps",
    topics(Stamps),
    config("auto.offset.reset" = "earliest")
)]
pub(crate) struct StampConsumer;
