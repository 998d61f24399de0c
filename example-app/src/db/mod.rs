//! The shop's database: SQLite or PostgreSQL, chosen at run time.
//!
//! Diesel's connections block, so every query runs on a thread where blocking
//! is allowed. A query is written once and compiled for both databases.

mod address;
mod billing;
mod migrations;
mod orders;
mod payments;
mod schema;
mod sqlite;
mod stamps;
mod url;

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PoolError, R2D2Connection};

pub(crate) use billing::Billed;
pub(crate) use migrations::MigrationError;
pub(crate) use orders::NewOrder;
pub(crate) use payments::Payment;
pub(crate) use stamps::Stamp;
pub(crate) use url::{DatabaseUrl, DatabaseUrlError};

/// Connections of one process. SQLite has one writer anyway, and PostgreSQL's
/// default leaves room for a dozen such processes.
const POOL_SIZE: u32 = 8;

/// How long a query waits for a free connection.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// The shop's database; cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    pools: Pools,
    name: Arc<str>,
}

#[derive(Clone)]
enum Pools {
    Sqlite(Pool<ConnectionManager<SqliteConnection>>),
    Postgres(Pool<ConnectionManager<PgConnection>>),
}

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("can't open the database {database} (see DATABASE_URL): {reason}")]
    Failed { database: String, reason: String },
    /// Without the reason: it quotes a piece of the address.
    #[error(
        "can't open the database {database}: a parameter of DATABASE_URL is unknown to PostgreSQL's \
         client library, or has a value that it does not take"
    )]
    Parameters { database: String },
}

/// A query failed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("no free database connection: {0}")]
    Checkout(#[from] PoolError),
    #[error("the database refused the query: {0}")]
    Query(#[from] diesel::result::Error),
    #[error("the query did not finish: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Runs one piece of diesel code on a connection of whichever database this is.
macro_rules! query {
    ($database:expr, |$connection:ident| $query:expr) => {{
        let pools = $database.pools.clone();
        tokio::task::spawn_blocking(move || -> Result<_, $crate::db::DatabaseError> {
            match pools {
                $crate::db::Pools::Sqlite(pool) => {
                    let $connection = &mut *pool.get()?;
                    Ok($query?)
                }
                $crate::db::Pools::Postgres(pool) => {
                    let $connection = &mut *pool.get()?;
                    Ok($query?)
                }
            }
        })
        .await?
    }};
}
use query;

impl Database {
    /// Opens the database; one connection is made at once, so that a mistake
    /// shows here and by its own name.
    pub(crate) async fn open(url: DatabaseUrl) -> Result<Self, OpenError> {
        let name = url.to_string();
        let database = name.clone();
        let failed = |reason: String| OpenError::Failed { database, reason };
        let opened = tokio::task::spawn_blocking(move || match url {
            DatabaseUrl::Sqlite(path) => {
                sqlite::prepare(&path).map_err(Refusal::Failed)?;
                let manager = ConnectionManager::new(path);
                Ok(Pools::Sqlite(pool(manager, Some(Box::new(sqlite::Setup)))))
            }
            DatabaseUrl::Postgres(address) => {
                PgConnection::establish(&address).map_err(Refusal::of_postgres)?;
                Ok(Pools::Postgres(pool(ConnectionManager::new(address), None)))
            }
        });
        let pools = match opened.await {
            Ok(Ok(pools)) => pools,
            Ok(Err(Refusal::Parameters)) => return Err(OpenError::Parameters { database: name }),
            Ok(Err(Refusal::Failed(reason))) => return Err(failed(reason)),
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self {
            pools,
            name: name.into(),
        })
    }

    /// The path or the address, without password.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the database answers.
    pub(crate) async fn check(&self) -> Result<(), DatabaseError> {
        query!(self, |connection| diesel::select(
            true.into_sql::<diesel::sql_types::Bool>()
        )
        .get_result::<bool>(connection)
        .map(|_| ()))
    }
}

/// Why a first connection was not made.
enum Refusal {
    Failed(String),
    Parameters,
}

impl Refusal {
    fn of_postgres(error: ConnectionError) -> Self {
        match error {
            ConnectionError::BadConnection(text) if !address::is_about_the_server(&text) => {
                Self::Parameters
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

fn pool<C>(
    manager: ConnectionManager<C>,
    setup: Option<Box<dyn diesel::r2d2::CustomizeConnection<C, diesel::r2d2::Error>>>,
) -> Pool<ConnectionManager<C>>
where
    C: R2D2Connection + 'static,
{
    let builder = Pool::builder()
        .max_size(POOL_SIZE)
        .min_idle(Some(1))
        .connection_timeout(CHECKOUT_TIMEOUT);
    let builder = match setup {
        Some(setup) => builder.connection_customizer(setup),
        None => builder,
    };
    builder.build_unchecked(manager)
}
