use diesel::prelude::*;
use serde::Serialize;

use super::schema::payments;
use super::{Database, DatabaseError, query};
use crate::topics::OrderPlaced;

/// An order that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Serialize)]
#[diesel(table_name = payments)]
pub(crate) struct Payment {
    pub(crate) order_id: i64,
    pub(crate) customer: String,
    pub(crate) total_cents: i64,
    /// How often the bank was asked, the successful time included.
    pub(crate) attempts: i64,
}

impl Payment {
    pub(crate) fn of(order: &OrderPlaced, attempts: u32) -> Self {
        Self {
            order_id: order.order_id,
            customer: order.customer.clone(),
            total_cents: order.total_cents,
            attempts: attempts.into(),
        }
    }
}

impl Database {
    /// Notes a payment, once: an order that is paid stays as it is, however
    /// often its event is delivered.
    pub(crate) async fn pay(&self, payment: Payment) -> Result<(), DatabaseError> {
        query!(self, |connection| diesel::insert_into(payments::table)
            .values(&payment)
            .on_conflict(payments::order_id)
            .do_nothing()
            .execute(connection)
            .map(|_| ()))
    }

    /// The payment of that order; `None` while it is not paid.
    pub(crate) async fn payment(&self, order_id: i64) -> Result<Option<Payment>, DatabaseError> {
        query!(self, |connection| payments::table
            .find(order_id)
            .first::<Payment>(connection)
            .optional())
    }
}
