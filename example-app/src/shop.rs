//! What the shop does, whoever asks for it.

use kafka_integration::prelude::*;
use kafka_integration::producer::Written;
use kafka_integration::runner::StatusHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::db::{Billed, Database, DatabaseError, NewOrder, Payment, Stamp};
use crate::topics::{OrderPlaced, Orders, StampCreated, Stamps};

/// The state of the web handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct Shop {
    database: Database,
    kafka: Kafka,
    consumers: Option<StatusHandle>,
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

/// A stamp was not taken, or at least not acknowledged.
#[derive(Debug, thiserror::Error)]
#[error("the event of the stamp was not written: {0}")]
pub(crate) struct CreateStampError(#[source] pub(crate) ProduceError);

impl Shop {
    pub(crate) fn new(database: Database, kafka: Kafka) -> Self {
        Self {
            database,
            kafka,
            consumers: None,
            orders_under_way: TaskTracker::new(),
        }
    }

    /// With the consumers that run in this process too.
    pub(crate) fn with_consumers(mut self, status: StatusHandle) -> Self {
        self.consumers = Some(status);
        self
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// What the consumers of this process are doing; `None` when they run
    /// elsewhere.
    pub(crate) fn consumers(&self) -> Option<&StatusHandle> {
        self.consumers.as_ref()
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

    /// The payment of that order; `None` while it is not paid.
    pub(crate) async fn payment(&self, order_id: i64) -> Result<Option<Payment>, DatabaseError> {
        self.database.payment(order_id).await
    }

    /// Announces a stamp on its topic and waits until the brokers have it. Its
    /// event is all there is of it until it is processed.
    pub(crate) async fn create_stamp(
        &self,
        object_cid: String,
        time_tolerance: i64,
    ) -> Result<StampCreated, CreateStampError> {
        let stamp = StampCreated {
            stamp_id: Uuid::new_v4().to_string(),
            object_cid: object_cid.clone(),
            time_tolerance,
            created: Timestamp::now(),
        };
        let announced = async { Stamps.produce(stamp.clone()).key(object_cid).await };
        match self.kafka.scope(announced).await {
            Ok(_) => Ok(stamp),
            Err(error) => Err(CreateStampError(error)),
        }
    }

    /// The stamps that were processed last.
    pub(crate) async fn stamps(&self) -> Result<Vec<Stamp>, DatabaseError> {
        self.database.stamps().await
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
