//! The shop's consumers. Declaring one is all it takes: `app kafka-consume`
//! and `app dev` find it.

use kafka_integration::prelude::*;

use crate::topics::Orders;

/// Bills every order, from the first one on.
#[consumer(
    group_id = "billing",
    topics(Orders),
    config("auto.offset.reset" = "earliest")
)]
pub(crate) struct BillingConsumer;
