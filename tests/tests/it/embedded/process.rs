use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An embedded broker in a process of its own, with its data on disk. It comes
/// back on the port it had.
pub(crate) struct BrokerProcess {
    child: Child,
    directory: PathBuf,
    address: String,
}

impl BrokerProcess {
    pub(crate) fn start(directory: &Path) -> Self {
        let (child, address) = spawn(directory, "0");
        Self {
            child,
            directory: directory.into(),
            address,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// SIGKILL, and it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// After a kill: starts again on what is left.
    pub(crate) fn restart(&mut self) {
        let port = self
            .address
            .rsplit(':')
            .next()
            .expect("an address has a port");
        let (child, address) = spawn(&self.directory, port);
        assert_eq!(address, self.address);
        self.child = child;
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &Path, port: &str) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_broker"))
        .arg("--data-dir")
        .arg(directory)
        .args(["--port", port])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the broker starts");
    let mut address = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout)
        .read_line(&mut address)
        .expect("its address");
    assert!(!address.is_empty(), "the broker did not start");
    (child, address.trim().to_owned())
}
