use std::path::Path;
use std::process::Command;

use kafka_integration_tests::{kafka_or_skip, unique};
use tempfile::TempDir;

use crate::embedded::BrokerProcess;

/// A broker of this test's own, to be killed.
pub(crate) enum KillableBroker {
    Embedded {
        process: BrokerProcess,
        _directory: TempDir,
    },
    /// Made with the script of the repository.
    Kafka { name: String, address: String },
}

impl KillableBroker {
    /// How to start the embedded broker, and Apache Kafka when one is named:
    /// one at a time, and not that one.
    pub(crate) fn each(test: &str) -> Vec<fn() -> Self> {
        let mut brokers: Vec<fn() -> Self> = vec![Self::embedded];
        if kafka_or_skip(test).is_some() {
            brokers.push(Self::kafka);
        }
        brokers
    }

    fn embedded() -> Self {
        let directory = TempDir::new().expect("a folder for its data");
        Self::Embedded {
            process: BrokerProcess::start(directory.path()),
            _directory: directory,
        }
    }

    fn kafka() -> Self {
        let name = unique("it-broker");
        let address = Self::script("start", &name);
        Self::Kafka { name, address }
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Embedded { process, .. } => process.address(),
            Self::Kafka { address, .. } => address,
        }
    }

    pub(crate) fn kill(&mut self) {
        match self {
            Self::Embedded { process, .. } => process.kill(),
            Self::Kafka { name, .. } => drop(Self::script("kill", name)),
        }
    }

    pub(crate) fn restart(&mut self) {
        match self {
            Self::Embedded { process, .. } => process.restart(),
            Self::Kafka { name, .. } => drop(Self::script("restart", name)),
        }
    }

    fn script(command: &str, name: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("services/kafka.sh");
        let output = Command::new(script)
            .args([command, "--name", name])
            .output()
            .expect("the script runs");
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for KillableBroker {
    fn drop(&mut self) {
        if let Self::Kafka { name, .. } = self {
            Self::script("stop", name);
        }
    }
}
