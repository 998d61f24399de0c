use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::schema::billed_orders;
use super::{Database, DatabaseError, query};
use crate::topics::OrderPlaced;

/// What a customer was billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct Billed {
    pub(crate) orders: i64,
    pub(crate) total_cents: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable)]
#[diesel(table_name = billed_orders)]
struct Bill {
    order_id: i64,
    customer: String,
    sku: String,
    quantity: i64,
    total_cents: i64,
}

impl Database {
    /// Bills an order, once: an order that is billed already stays as it is,
    /// however often its event is delivered.
    pub(crate) async fn bill(&self, order: &OrderPlaced) -> Result<(), DatabaseError> {
        let bill = Bill {
            order_id: order.order_id,
            customer: order.customer.clone(),
            sku: order.sku.clone(),
            quantity: order.quantity,
            total_cents: order.total_cents,
        };
        let differs = query!(self, |connection| {
            let inserted = diesel::insert_into(billed_orders::table)
                .values(&bill)
                .on_conflict(billed_orders::order_id)
                .do_nothing()
                .execute(connection);
            inserted.and_then(|inserted| match inserted {
                0 => billed_orders::table
                    .find(bill.order_id)
                    .first::<Bill>(connection)
                    .map(|existing| existing != bill),
                _ => Ok(false),
            })
        })?;
        if differs {
            // A redelivery is equal. This is a second order of that id, as when
            // a database begins anew against a topic that kept its events.
            tracing::error!(
                order_id = order.order_id,
                customer = order.customer,
                "an order of this id was billed with other content; this one is not billed"
            );
        }
        Ok(())
    }

    /// What that customer was billed; zero for one nobody knows.
    pub(crate) async fn billed(&self, customer: String) -> Result<Billed, DatabaseError> {
        // PostgreSQL widens the sum to NUMERIC, SQLite keeps the integer: the
        // cast makes them one.
        query!(self, |connection| billed_orders::table
            .filter(billed_orders::customer.eq(&customer))
            .select((
                count_star(),
                sql::<BigInt>("CAST(COALESCE(SUM(total_cents), 0) AS BIGINT)"),
            ))
            .first(connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DatabaseUrl;

    async fn database(folder: &tempfile::TempDir) -> Database {
        let path = folder.path().join("shop.sqlite");
        let url = DatabaseUrl::Sqlite(path.to_str().expect("UTF-8").to_owned());
        let database = Database::open(url).await.expect("the database opens");
        database.migrate().await.expect("the migrations run");
        database
    }

    fn order(order_id: i64, customer: &str, total_cents: i64) -> OrderPlaced {
        OrderPlaced {
            order_id,
            customer: customer.to_owned(),
            sku: "tea".to_owned(),
            quantity: 1,
            unit_price_cents: total_cents,
            total_cents,
        }
    }

    #[tokio::test]
    async fn an_order_is_billed_once_however_often_it_is_delivered() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let database = database(&folder).await;
        let first = order(1, "ann", 900);
        let deliveries = (0..20).map(|_| database.bill(&first));
        for billed in futures_util::future::join_all(deliveries).await {
            billed.expect("billed");
        }
        database.bill(&order(2, "ann", 50)).await.expect("billed");
        database.bill(&order(3, "bob", 7)).await.expect("billed");
        // The id of an order that is billed already: the first bill stays.
        database.bill(&order(2, "bob", 9_999)).await.expect("left");

        let billed = database.billed("ann".to_owned()).await.expect("a sum");
        assert_eq!((billed.orders, billed.total_cents), (2, 950));
        let billed = database.billed("bob".to_owned()).await.expect("a sum");
        assert_eq!((billed.orders, billed.total_cents), (1, 7));
    }
}
