use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::shop::Shop;

/// How long shutdown waits for requests that have begun. An order takes at
/// most the ten seconds after which its event is given up.
const GRACE: Duration = Duration::from_secs(15);

/// Where to listen.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Listen {
    /// The address to listen on; 0.0.0.0 lets other machines in.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 takes a free one and prints it.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// The web server, listening already.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shop: Shop,
}

/// The address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {host} port {port}: {source}; --port takes another port, 0 a free one")]
pub(crate) struct ListenError {
    host: String,
    port: u16,
    source: io::Error,
}

impl Server {
    pub(crate) async fn bind(listen: &Listen, shop: Shop) -> Result<Self, ListenError> {
        let failed = |source| ListenError {
            host: listen.host.clone(),
            port: listen.port,
            source,
        };
        let listener = TcpListener::bind((listen.host.as_str(), listen.port)).await;
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            shop,
        })
    }

    /// The address for a browser or `curl` on this machine.
    pub(crate) fn url(&self) -> String {
        match self.address.ip().is_unspecified() {
            true => format!("http://localhost:{}", self.address.port()),
            false => format!("http://{}", self.address),
        }
    }

    /// Serves until `stop`; then takes no new connection and finishes the
    /// requests that have begun, and the orders whose client has gone.
    pub(crate) async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let listener = self.listener.tap_io(|connection| {
            // Answers are small; waiting to fill a packet only delays them.
            let _ = connection.set_nodelay(true);
        });
        let router = super::router(self.shop.clone());
        let serving =
            axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            result = serving => result?,
            () = patience => {
                tracing::warn!("some requests were still open after {GRACE:?}; going on without them");
            }
        }
        self.shop.finish_orders().await;
        Ok(())
    }
}
