//! `app serve`: the web server alone.

use crate::db::{Database, DatabaseUrl};
use crate::error::AppError;
use crate::http::{Listen, Server};
use crate::shop::Shop;
use crate::shutdown;

/// Serves until a signal. It does not migrate: many of these may start at once,
/// and tables change once, before.
pub(crate) async fn serve(listen: &Listen) -> Result<(), AppError> {
    let stop = shutdown::on_signal().map_err(AppError::Signals)?;
    let database = Database::open(DatabaseUrl::from_env()?).await?;
    database.require_migrated().await?;
    let kafka = crate::kafka(&database)?;
    if kafka.settings().cluster.embedded_broker {
        return Err(AppError::NoSharedBroker);
    }
    let server = Server::bind(listen, Shop::new(database, kafka.clone())).await?;
    println!("listening on {}", server.url());
    let served = server.run(stop).await.map_err(AppError::Serve);
    shutdown::flush(&kafka).await;
    served
}
