use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::json;

use super::signals::StopSignal;
use super::{CommandError, Management};
use crate::embedded::{EmbeddedBroker, PARTITIONS, make_directory};
use crate::settings::PROFILE_PRODUCTION;

const EXAMPLES: &str = "\
Examples:
  kafka-broker                                   127.0.0.1:9092, data in .kafka
  kafka-broker --port 0 --memory --json          a free port; nothing is kept
  kafka-broker --listen 0.0.0.0 --advertised devbox.lan:9092
                                                 for other machines

For development, tests and demos: one node, no encryption. Production is Apache
Kafka, one setting away. Processes whose setting `embedded_broker` names the
same data directory find this broker by themselves.

The first SIGTERM or SIGINT writes what was accepted and ends with 0.";

/// What Kafka's own clients and tools try first.
const PORT: u16 = 9092;

/// `kafka-broker`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Broker {
    /// The port; 0 for a free one. That of the setting `embedded_broker` unless
    /// given, and 9092 without one
    #[arg(long)]
    port: Option<u16>,
    /// Where the data is kept. The directory of the setting `embedded_broker`
    /// unless given, and .kafka without one
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Keep everything in memory, and nothing after the end
    #[arg(long, conflicts_with = "data_dir")]
    memory: bool,
    /// The address to listen on. There is no encryption: anything but the
    /// loopback interface is at your risk
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// What clients are told to connect to, where that is not the address that
    /// is listened on
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    advertised: Option<(String, u16)>,
    /// Print the address as JSON
    #[arg(long)]
    json: bool,
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let parts = text
        .rsplit_once(':')
        .map(|(host, port)| (host.trim_matches(['[', ']']), port.parse()));
    match parts {
        Some((host, Ok(port))) if !host.is_empty() => Ok((host.to_owned(), port)),
        _ => Err("an address is written HOST:PORT, as in devbox.lan:9092".to_owned()),
    }
}

impl Broker {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        let settings = management.load_settings()?;
        if settings.profile == PROFILE_PRODUCTION {
            return Err(CommandError::usage(
                "the embedded broker is for development and tests, and the profile is \
                 `production`: run Apache Kafka there",
            ));
        }
        let embedded = settings.cluster.embedded_broker.unwrap_or_default();
        let port = self.port.unwrap_or(match embedded.port {
            0 => PORT,
            port => port,
        });
        let mut builder = EmbeddedBroker::builder()
            .listen(SocketAddr::new(self.listen, port))
            .default_partitions(PARTITIONS);
        let data_dir = (!self.memory).then(|| self.data_dir.unwrap_or(embedded.data_dir));
        if let Some(directory) = &data_dir {
            make_directory(directory).map_err(CommandError::failed)?;
            builder = builder.data_dir(directory);
        }
        if let Some((host, port)) = self.advertised {
            builder = builder.advertised(host, port);
        }
        let console = management.console;
        // Before anything may be written: no signal is to find the default action.
        let mut stop = StopSignal::listen(
            console.clone(),
            Some("stopping; a second signal stops at once"),
        )?;
        let broker = builder.start().await.map_err(CommandError::failed)?;
        let printed = if self.json {
            console.json(&json!({
                "bootstrap_servers": broker.bootstrap_servers(),
                "data_dir": data_dir,
            }))
        } else {
            let kept = match &data_dir {
                Some(directory) => format!("data in {}", directory.display()),
                None => "data in memory".to_owned(),
            };
            let address = broker.bootstrap_servers();
            console.line(format_args!("listening on {address}, {kept}"))
        };
        // Whoever reads it waits for this line.
        let printed = printed.and_then(|()| console.flush());
        if printed.is_ok() {
            stop.wait().await;
        }
        broker.stop().await;
        printed
    }
}
