//! What the shop does, whoever asks for it.

use kafka_integration::prelude::*;
use kafka_integration::producer::Written;
use tokio_util::task::TaskTracker;

use crate::db::{Billed, Database, DatabaseError, NewOrder};
use crate::topics::{OrderPlaced, Orders};

/// The state of the web handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct Shop {
    database: Database,
    kafka: Kafka,
    orders_under_way: TaskTracker,
}

/// An order was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceOrderError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the event of the order was not written: {0}")]
    NotAnnounced(#[source] ProduceError),
    #[error("the order was taken back, but its event may be on the topic: {0}")]
    MaybeAnnounced(#[source] ProduceError),
    #[error(
        "the event of order {order_id} was not acknowledged ({produce_error}), and the order \
         could not be taken back; delete it by hand: {delete_error}"
    )]
    NotTakenBack {
        order_id: i64,
        produce_error: ProduceError,
        #[source]
        delete_error: DatabaseError,
    },
    #[error("placing the order broke off: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Shop {
    pub(crate) fn new(database: Database, kafka: Kafka) -> Self {
        Self {
            database,
            kafka,
            orders_under_way: TaskTracker::new(),
        }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Writes the order, announces it on its topic and waits until the brokers
    /// have it.
    ///
    /// In a task of its own: a client that hangs up drops its request, and an
    /// order must not stop between its row and its event.
    pub(crate) async fn place_order(
        &self,
        order: NewOrder,
    ) -> Result<OrderPlaced, PlaceOrderError> {
        let (database, kafka) = (self.database.clone(), self.kafka.clone());
        let placing = async move { kafka.scope(place_order(&database, order)).await };
        self.orders_under_way.spawn(placing).await?
    }

    /// What that customer was billed so far.
    pub(crate) async fn billed(&self, customer: String) -> Result<Billed, DatabaseError> {
        self.database.billed(customer).await
    }

    /// Waits for orders whose client has gone. For when no request can come any
    /// more.
    pub(crate) async fn finish_orders(&self) {
        self.orders_under_way.close();
        self.orders_under_way.wait().await;
    }
}

/// First the row, then the event, with no transaction open in between: a slow
/// broker must not hold a lock of the database. If the event is not
/// acknowledged, the row is deleted again.
///
/// Two gaps remain until the order and its event can be written in one
/// transaction (an outbox): a crash in between leaves an order without an
/// event; and when the acknowledgement did not come in time, the event may be
/// there although its order was taken back. The customer is told which.
async fn place_order(database: &Database, order: NewOrder) -> Result<OrderPlaced, PlaceOrderError> {
    let order_id = database.insert_order(order.clone()).await?;
    let event = OrderPlaced {
        order_id,
        customer: order.customer.clone(),
        sku: order.sku,
        quantity: order.quantity,
        unit_price_cents: order.unit_price_cents,
        total_cents: order.total_cents,
    };
    match Orders.produce(event.clone()).key(order.customer).await {
        Ok(_) => Ok(event),
        Err(produce_error) => match database.delete_order(order_id).await {
            Ok(()) => Err(match produce_error.written() {
                Written::No => PlaceOrderError::NotAnnounced(produce_error),
                Written::Maybe => PlaceOrderError::MaybeAnnounced(produce_error),
            }),
            Err(delete_error) => Err(PlaceOrderError::NotTakenBack {
                order_id,
                produce_error,
                delete_error,
            }),
        },
    }
}
