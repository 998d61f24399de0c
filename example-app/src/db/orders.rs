use diesel::prelude::*;

use super::schema::orders;
use super::{Database, DatabaseError, query};

/// An order that has no id yet.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = orders)]
pub(crate) struct NewOrder {
    pub(crate) customer: String,
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    pub(crate) total_cents: i64,
}

impl Database {
    /// Writes an order and gives it its id. One statement, hence one
    /// transaction; it is committed when this returns.
    pub(crate) async fn insert_order(&self, order: NewOrder) -> Result<i64, DatabaseError> {
        query!(self, |connection| diesel::insert_into(orders::table)
            .values(&order)
            .returning(orders::order_id)
            .get_result(connection))
    }

    /// Takes an order back that could not be announced.
    pub(crate) async fn delete_order(&self, order_id: i64) -> Result<(), DatabaseError> {
        query!(self, |connection| diesel::delete(
            orders::table.find(order_id)
        )
        .execute(connection)
        .map(|_| ()))
    }
}
