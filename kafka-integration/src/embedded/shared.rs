//! One broker for all that use a data directory, in this process and in others.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio_util::sync::CancellationToken;

use super::{
    EmbeddedBroker, EmbeddedBrokerBuilder, EmbeddedError, PARTITIONS, StartError, make_directory,
};
use crate::settings::EmbeddedBrokerSettings;

/// How long the broker of another process may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked for until then.
const LOOK: Duration = Duration::from_millis(20);

/// How often a process that uses another one's broker sees whether it has to
/// go on with it.
const STAND_BY: Duration = Duration::from_millis(250);

/// Those of this process, by data directory.
static BROKERS: Mutex<BTreeMap<PathBuf, Weak<Shared>>> = Mutex::new(BTreeMap::new());

type Found = Result<String, Arc<EmbeddedError>>;

/// A broker that runs in this process or was found in another; released with
/// the last reference.
#[derive(Debug)]
pub(crate) struct Shared {
    found: Arc<Announcement>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Announcement {
    found: Mutex<Option<Found>>,
    changed: Condvar,
}

impl Announcement {
    fn tell(&self, found: Found) {
        *self.found.lock() = Some(found);
        self.changed.notify_all();
    }

    fn wait(&self) -> Found {
        let mut found = self.found.lock();
        loop {
            match &*found {
                Some(found) => return found.clone(),
                None => self.changed.wait(&mut found),
            }
        }
    }
}

impl Shared {
    /// The broker of that data directory, which begins to start, or to be
    /// looked for, unless it has.
    pub(crate) fn of(settings: &EmbeddedBrokerSettings) -> Result<Arc<Self>, Arc<EmbeddedError>> {
        let directory = std::path::absolute(&settings.data_dir).map_err(|source| {
            Arc::new(EmbeddedError::Directory {
                directory: settings.data_dir.clone(),
                source,
            })
        })?;
        let mut brokers = BROKERS.lock();
        brokers.retain(|_, broker| broker.strong_count() > 0);
        if let Some(broker) = brokers.get(&directory).and_then(Weak::upgrade)
            && !broker.has_failed()
        {
            return Ok(broker);
        }
        let broker = Self::start(settings).map_err(|error| Arc::new(EmbeddedError::Thread(error)));
        let broker = Arc::new(broker?);
        brokers.insert(directory, Arc::downgrade(&broker));
        Ok(broker)
    }

    fn start(settings: &EmbeddedBrokerSettings) -> io::Result<Self> {
        let found = Arc::<Announcement>::default();
        let stop = CancellationToken::new();
        let keeper = Keeper {
            settings: settings.clone(),
            found: Arc::clone(&found),
            stop: stop.clone(),
        };
        // A runtime of its own: it neither waits for the application's tasks,
        // nor ends with the runtime that happened to ask first.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("kafka-broker")
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("kafka-broker".to_owned())
            .spawn(move || runtime.block_on(keeper.run()))?;
        Ok(Self {
            found,
            stop,
            thread: Some(thread),
        })
    }

    fn has_failed(&self) -> bool {
        matches!(&*self.found.found.lock(), Some(Err(_)))
    }

    /// Its address, once it answers there.
    pub(crate) async fn address(&self) -> Found {
        let found = Arc::clone(&self.found);
        let waited = tokio::task::spawn_blocking(move || found.wait()).await;
        waited.unwrap_or_else(|error| Err(Arc::new(EmbeddedError::Thread(error.into()))))
    }

    /// [`address`](Self::address) where nothing can be awaited: the thread
    /// stands still, for moments unless another process is slow.
    pub(crate) fn address_blocking(&self) -> Found {
        self.found.wait()
    }

    /// Gives this reference up; if it was the last one, waits until everything
    /// is written and the directory is free.
    pub(crate) async fn release(self: Arc<Self>) {
        let Some(mut last) = Arc::into_inner(self) else {
            return;
        };
        last.stop.cancel();
        if let Some(thread) = last.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The thread ends by itself: a destructor must not wait for it.
        self.stop.cancel();
    }
}

/// Runs the broker, or stands by while another process does.
struct Keeper {
    settings: EmbeddedBrokerSettings,
    found: Arc<Announcement>,
    stop: CancellationToken,
}

impl Keeper {
    async fn run(self) {
        if let Err(error) = self.keep().await {
            self.found.tell(Err(Arc::new(error)));
        }
    }

    async fn keep(&self) -> Result<(), EmbeddedError> {
        let directory = &self.settings.data_dir;
        make_directory(directory)?;
        let builder = EmbeddedBroker::builder()
            .data_dir(directory)
            .port(self.settings.port)
            .default_partitions(PARTITIONS);
        let since = Instant::now();
        loop {
            let address = match builder.clone().start().await {
                Ok(broker) => {
                    self.serve(broker).await;
                    return Ok(());
                }
                Err(StartError::InUse { address, .. }) => address,
                Err(error) => return Err(error.into()),
            };
            if let Some(address) = &address
                && answers(address).await
            {
                self.found.tell(Ok(address.clone()));
                self.stand_by(&builder, address).await;
                return Ok(());
            }
            if since.elapsed() >= PATIENCE {
                return Err(EmbeddedError::Silent {
                    directory: directory.clone(),
                    address,
                    waited: PATIENCE,
                });
            }
            if self.stopped_within(LOOK).await {
                return Ok(());
            }
        }
    }

    async fn serve(&self, broker: EmbeddedBroker) {
        let address = broker.bootstrap_servers();
        let directory = self.settings.data_dir.display();
        tracing::info!(%address, data = %directory, "the embedded broker runs in this process");
        self.found.tell(Ok(address));
        self.stop.cancelled().await;
        broker.stop().await;
    }

    /// Goes on with the broker when the process that runs it has ended, at the
    /// address that this process's clients know.
    async fn stand_by(&self, builder: &EmbeddedBrokerBuilder, address: &str) {
        let port = address.rsplit(':').next().and_then(|p| p.parse().ok());
        let builder = builder.clone().port(port.unwrap_or_default());
        let mut told = None;
        while !self.stopped_within(STAND_BY).await {
            match builder.clone().start().await {
                Ok(broker) => return self.serve(broker).await,
                Err(StartError::InUse { .. }) => {}
                // Most likely the port; it may become free again.
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        tracing::error!(
                            "nobody runs the embedded broker at {address} any more, and this \
                             process can't go on with it: {error}"
                        );
                        told = Some(error);
                    }
                }
            }
        }
    }

    async fn stopped_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stop.cancelled())
            .await
            .is_ok()
    }
}

/// Whether somebody listens there: the address may be that of a process which
/// is about to begin or to end.
async fn answers(address: &str) -> bool {
    let connected = tokio::net::TcpStream::connect(address);
    let connected = tokio::time::timeout(Duration::from_secs(1), connected).await;
    matches!(connected, Ok(Ok(_)))
}
