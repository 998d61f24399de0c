//! `app serve`: the web server alone.

use crate::error::AppError;
use crate::http::{Listen, Server};
use crate::shop::Shop;
use crate::{settings, shutdown};

/// Serves until a signal. It does not migrate: many of these may start at once,
/// and tables change once, before.
pub(crate) async fn serve(listen: &Listen) -> Result<(), AppError> {
    let stop = shutdown::on_signal().map_err(AppError::Signals)?;
    // What the settings have to change for comes before anything is touched.
    let settings = settings::load()?;
    let database = crate::migrated_database().await?;
    let kafka = crate::kafka(settings, &database)?;
    crate::tell_broker(&kafka).await?;
    let server = Server::bind(listen, Shop::new(database, kafka.clone())).await?;
    println!("listening on {}", server.url());
    let served = server.run(stop).await.map_err(AppError::Serve);
    shutdown::flush(&kafka).await;
    served
}
