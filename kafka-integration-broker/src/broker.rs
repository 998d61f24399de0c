//! Starting and stopping.

mod outage;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::protocol::StrBytes;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::cleaner;
use crate::configs::BrokerConfig;
use crate::core::{Advertised, Core, NODE};
use crate::faults::Rules;
use crate::groups::{self, Coordinator};
use crate::net::Door;
use crate::options::Options;
use crate::sessions::FetchSessions;
use crate::start_error::StartError;
use crate::store::{self, Changes, RecordKind, StoreOptions, Writer};
use crate::transactions;
use crate::wire::Budget;

const CLUSTER_ID: &str = "cluster.id";
const LAST_PORT: &str = "listen.port";

/// A broker that runs in this process until it is stopped or dropped.
///
/// Several may run in one process, each on its own port.
#[derive(Debug)]
pub struct EmbeddedBroker {
    core: Arc<Core>,
    address: SocketAddr,
    /// As it was started, for a restart.
    builder: EmbeddedBrokerBuilder,
    /// `None` while it is offline.
    door: Option<Door>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What an [`EmbeddedBroker`] is to be. Made by [`EmbeddedBroker::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before `start`"]
pub struct EmbeddedBrokerBuilder {
    options: Options,
    listen: SocketAddr,
    advertised: Option<(String, u16)>,
}

impl EmbeddedBroker {
    /// A broker in memory, on a free port of the loopback interface, unless
    /// the builder is told otherwise.
    pub fn builder() -> EmbeddedBrokerBuilder {
        EmbeddedBrokerBuilder {
            options: Options::default(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            advertised: None,
        }
    }

    /// Deletes what a broker has kept in this directory, and nothing else there,
    /// so that the next one starts empty. A directory that is missing is empty.
    ///
    /// # Errors
    /// A broker is using the directory, or it can't be written to.
    pub async fn erase(directory: impl AsRef<Path>) -> Result<(), StartError> {
        let directory = PathBuf::from(directory.as_ref());
        let erased = tokio::task::spawn_blocking(move || store::erase(&directory)).await;
        Ok(erased.map_err(|error| StartError::Thread(error.into()))??)
    }

    /// `host:port` for a client's `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        format!(
            "{}:{}",
            self.core.advertised.host.as_str(),
            self.core.advertised.port
        )
    }

    /// What is behind the connections, for tests that come between.
    #[cfg(test)]
    pub(crate) fn core(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, waits until everything that was accepted is
    /// written, and ends.
    pub async fn stop(mut self) {
        self.core.stopping.cancel();
        self.core.tasks.close();
        self.core.tasks.wait().await;
        match self.thread.take() {
            Some(thread) => end(&self.core.writer, thread).await,
            None => self.core.writer.stop().await,
        }
    }

    /// Lets other processes that use the data directory find this broker.
    async fn announce(&self) -> Result<(), StartError> {
        let Some(directory) = self.core.options.data_dir.clone() else {
            return Ok(());
        };
        let address = self.bootstrap_servers();
        tokio::task::spawn_blocking(move || {
            store::announce(&directory, &address)
                .map_err(|source| StartError::Directory { directory, source })
        })
        .await
        .map_err(|error| StartError::Thread(error.into()))?
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        // Tasks end by themselves; the writing thread with its last sender.
        self.core.stopping.cancel();
        self.core.tasks.close();
    }
}

impl EmbeddedBrokerBuilder {
    /// Keeps the data in this directory, which is made if missing. Without it,
    /// data is gone when the broker ends.
    ///
    /// While the broker runs, the file `broker.address` in it says where. One
    /// broker at a time can have a directory, and the next one takes the same
    /// port unless it is told another.
    pub fn data_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.options.data_dir = Some(PathBuf::from(directory.as_ref()));
        self
    }

    /// The address to listen on. The default is the loopback interface and a
    /// free port. There is no encryption: any other interface is at your risk.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// The port to listen on; 0, the default, takes that of the last broker on
    /// the data directory, or else a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.listen.set_port(port);
        self
    }

    /// What clients are told to connect to, when it is not the address that is
    /// listened on. Port 0 stands for the port in use.
    pub fn advertised(mut self, host: impl Into<String>, port: u16) -> Self {
        self.advertised = Some((host.into(), port));
        self
    }

    /// Whether asking for an unknown topic makes it. The default is `true`.
    pub fn auto_create_topics(mut self, allowed: bool) -> Self {
        self.options.auto_create_topics = allowed;
        self
    }

    /// Partitions of a topic when its creator names no number, as with
    /// automatic creation. The default is 1.
    pub fn default_partitions(mut self, count: u16) -> Self {
        self.options.default_partitions = i32::from(count.max(1));
        self
    }

    /// The shortest session that a member of a group may ask for. The default is
    /// 6 seconds, as Apache Kafka's `group.min.session.timeout.ms`; with less, a
    /// test sees sooner that a member is gone.
    pub fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.options.min_session_timeout = timeout;
        self
    }

    /// How often members of a group of the consumer protocol (KIP-848) shall
    /// send heartbeats, as `group.consumer.heartbeat.interval.ms`. The default
    /// is 5 seconds.
    pub fn consumer_heartbeat_interval(mut self, interval: Duration) -> Self {
        self.options.consumer.heartbeat_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// After how long a member of a group of the consumer protocol that is not
    /// heard of is removed, as `group.consumer.session.timeout.ms`. The default
    /// is 45 seconds. It should be some heartbeat intervals.
    pub fn consumer_session_timeout(mut self, timeout: Duration) -> Self {
        self.options.consumer.session_timeout = timeout;
        self
    }

    /// How often records are looked for that are to be deleted or compacted
    /// away, as `log.retention.check.interval.ms`. The default is 15 seconds.
    pub fn cleaning_interval(mut self, interval: Duration) -> Self {
        self.options.cleaning_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Lets this user log in, by SASL PLAIN or SCRAM-SHA-256. Once there is a
    /// user, nobody may use the broker without logging in.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.users.add(name.into(), password.into());
        self
    }

    /// The largest request, in bytes. The default is 100 MiB, as Apache
    /// Kafka's `socket.request.max.bytes`. A larger one closes its connection.
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.options.max_request_bytes = bytes;
        self
    }

    /// Connections at a time; more are closed at once. The default is 4,096.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.options.max_connections = count;
        self
    }

    /// Bytes of the newest records that are kept in memory; without a data
    /// directory, of all records, and more are refused. The default is 64 MiB
    /// with a data directory, and 1 GiB without.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// How long a peer may take nothing of an answer, or send nothing of a
    /// request it has begun, until its connection is closed. The default is
    /// 30 seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Starts the broker. When this returns it answers.
    ///
    /// # Errors
    /// The address or the data directory can't be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<EmbeddedBroker, StartError> {
        self.start_with(Arc::default()).await
    }

    async fn start_with(self, faults: Arc<Rules>) -> Result<EmbeddedBroker, StartError> {
        let builder = self.clone();
        let options = StoreOptions {
            data_dir: self.options.data_dir.clone(),
            sync_to_disk: self.options.sync_to_disk,
            memory_limit: self.options.memory_limit(),
        };
        let opened = tokio::task::spawn_blocking(move || store::open(&options))
            .await
            .map_err(|error| StartError::Thread(error.into()))??;
        let mut records = opened.records;
        let meta = records.remove(&RecordKind::Meta).unwrap_or_default();
        let prepared = self.prepare(&opened.writer, &meta).await;
        let (cluster_id, listener, address) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // Awaited, so that the directory is free again.
                end(&opened.writer, opened.thread).await;
                return Err(error);
            }
        };
        let budget = Budget::new(
            self.options.max_request_bytes,
            self.options.requests_in_memory,
            self.options.patience,
        );
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let groups = Coordinator::start(
            groups::Settings {
                initial_rebalance_delay: self.options.initial_rebalance_delay,
                min_session_timeout: self.options.min_session_timeout,
                consumer: self.options.consumer,
                ..groups::Settings::default()
            },
            Arc::clone(&opened.offsets),
            Arc::clone(&opened.catalogue),
            opened.writer.clone(),
            stopping.clone(),
            tasks.clone(),
            records.remove(&RecordKind::Group).unwrap_or_default(),
        );
        let transactions = transactions::Coordinator::start(
            transactions::Shared {
                writer: opened.writer.clone(),
                catalogue: Arc::clone(&opened.catalogue),
                groups: groups.clone(),
                stopping: stopping.clone(),
                tasks: tasks.clone(),
            },
            &transactions::Stored {
                meta,
                transactions: records.remove(&RecordKind::Transaction).unwrap_or_default(),
            },
        )
        .await;
        let transactions = match transactions {
            Ok(transactions) => transactions,
            Err(error) => {
                // Groups were at work already.
                stopping.cancel();
                tasks.close();
                tasks.wait().await;
                end(&opened.writer, opened.thread).await;
                return Err(StartError::of_transactions(error, &self.options));
            }
        };
        let advertised = advertised(self.advertised, address);
        opened.catalogue.set_broker(fixed_settings(
            &opened.catalogue.broker(),
            &self.options,
            address,
            &advertised,
        ));
        let core = Arc::new(Core {
            budget,
            options: self.options,
            cluster_id: StrBytes::from_string(cluster_id),
            catalogue: opened.catalogue,
            offsets: opened.offsets,
            groups,
            transactions,
            writer: opened.writer,
            reader: opened.reader,
            sessions: FetchSessions::default(),
            faults,
            advertised,
            stopping,
            tasks,
        });
        core.tasks.spawn(cleaner::run(Arc::clone(&core)));
        let door = Door::open(listener, &core);
        let broker = EmbeddedBroker {
            core,
            address,
            builder,
            door: Some(door),
            thread: Some(opened.thread),
        };
        match broker.announce().await {
            Ok(()) => Ok(broker),
            Err(error) => {
                broker.stop().await;
                Err(error)
            }
        }
    }

    /// The cluster's id, and a port; both are those of the last run if they can be.
    async fn prepare(
        &self,
        writer: &Writer,
        meta: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(String, TcpListener, SocketAddr), StartError> {
        let last_port = stored_text(meta, LAST_PORT).and_then(|port| port.parse().ok());
        let (listener, address) = self.bind(last_port).await?;
        let known = stored_text(meta, CLUSTER_ID);
        let mut changes = Changes::new();
        if last_port != Some(address.port()) {
            let port = address.port().to_string().into_bytes();
            changes = changes.put(RecordKind::Meta, LAST_PORT, port);
        }
        let id = known.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        changes = changes.put(RecordKind::Meta, CLUSTER_ID, id.clone().into_bytes());
        writer.apply(changes).await?;
        Ok((id, listener, address))
    }

    async fn bind(&self, last_port: Option<u16>) -> Result<(TcpListener, SocketAddr), StartError> {
        let listen = self.listen;
        let failed = |source| StartError::Listen {
            address: listen,
            source,
        };
        // Clients of the last run find this one without being told.
        let last = last_port.filter(|_| listen.port() == 0);
        let listener = match last {
            Some(port) => TcpListener::bind(SocketAddr::new(listen.ip(), port))
                .await
                .ok(),
            None => None,
        };
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(listen).await.map_err(failed)?,
        };
        let address = listener.local_addr().map_err(failed)?;
        Ok((listener, address))
    }
}

/// Writes what was accepted and ends the writing thread.
async fn end(writer: &Writer, thread: std::thread::JoinHandle<()>) {
    writer.stop().await;
    // It has answered, so it ends at once; but joining may block.
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
}

/// Never `0.0.0.0`: no client can connect to that.
fn advertised(told: Option<(String, u16)>, address: SocketAddr) -> Advertised {
    let (host, port) = told.unwrap_or_else(|| {
        let host = if address.ip().is_unspecified() {
            Ipv4Addr::LOCALHOST.to_string()
        } else {
            address.ip().to_string()
        };
        (host, 0)
    });
    Advertised {
        host: StrBytes::from_string(host),
        port: if port == 0 { address.port() } else { port },
    }
}

/// What was decided before the start, as the settings it would be in Kafka.
fn fixed_settings(
    stored: &BrokerConfig,
    options: &Options,
    address: SocketAddr,
    advertised: &Advertised,
) -> BrokerConfig {
    let directory = options.data_dir.as_deref().unwrap_or(Path::new(""));
    let delay = options.initial_rebalance_delay.as_millis();
    let (host, port) = (advertised.host.as_str(), advertised.port);
    stored
        .clone()
        .with_fixed("advertised.listeners", format!("PLAINTEXT://{host}:{port}"))
        .with_fixed("auto.create.topics.enable", options.auto_create_topics)
        .with_fixed("broker.id", NODE.0)
        .with_fixed(
            "group.consumer.heartbeat.interval.ms",
            options.consumer.heartbeat_interval.as_millis(),
        )
        .with_fixed(
            "group.consumer.session.timeout.ms",
            options.consumer.session_timeout.as_millis(),
        )
        .with_fixed("group.initial.rebalance.delay.ms", delay)
        .with_fixed(
            "group.min.session.timeout.ms",
            options.min_session_timeout.as_millis(),
        )
        .with_fixed("listeners", format!("PLAINTEXT://{address}"))
        .with_fixed("log.dirs", directory.display())
        .with_fixed(
            "log.retention.check.interval.ms",
            options.cleaning_interval.as_millis(),
        )
        .with_fixed("max.connections", options.max_connections)
        .with_fixed("node.id", NODE.0)
        .with_fixed("num.partitions", options.default_partitions)
        .with_fixed("process.roles", "broker,controller")
        .with_fixed("socket.request.max.bytes", options.max_request_bytes)
}

fn stored_text(records: &BTreeMap<String, Vec<u8>>, key: &str) -> Option<String> {
    String::from_utf8(records.get(key)?.clone()).ok()
}
