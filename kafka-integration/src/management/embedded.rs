//! What a command says about a broker that lives in its own process.

use super::CommandError;
use super::console::Console;
use crate::consumer::Registry;
use crate::kafka::Kafka;

const REMEDY: &str = "set `bootstrap_servers` in kafka.toml, or KAFKA__BOOTSTRAP_SERVERS";

/// Refuses the embedded broker for a command that would find it empty and take
/// what it is given away with it.
pub(super) fn refuse(kafka: &Kafka, cluster: Option<&str>) -> Result<(), CommandError> {
    if !kafka.settings().cluster(cluster)?.uses_embedded_broker() {
        return Ok(());
    }
    let name = cluster.unwrap_or("default");
    let remedy = match cluster {
        None => REMEDY.to_owned(),
        Some(name) => format!("set `clusters.{name}.bootstrap_servers` in kafka.toml"),
    };
    Err(CommandError::usage(format!(
        "cluster `{name}` has no address, so this command would start an embedded broker of its \
         own, empty, and gone with the command: {remedy}"
    )))
}

/// Says that these consumers only get what their own process produces.
pub(super) fn warn(kafka: &Kafka, registry: &Registry, console: &Console) {
    let settings = kafka.settings();
    let alone: Vec<_> = registry
        .consumers()
        .iter()
        .filter(|consumer| {
            let cluster = settings.cluster(consumer.cluster.as_deref());
            cluster.is_ok_and(|cluster| cluster.uses_embedded_broker())
        })
        .map(|consumer| consumer.name.as_str())
        .collect();
    if !alone.is_empty() {
        console.notice(format_args!(
            "warning: no address is set, so {} read an embedded broker in this process: it is \
             empty, no other process reaches it, and its messages are gone with the command; \
             {REMEDY}",
            alone.join(", ")
        ));
    }
}
