use std::path::PathBuf;

/// Where the embedded broker of a cluster keeps its data, and where it listens.
///
/// Every process that names the same directory shares one broker: the first
/// one runs it, the others find it there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbeddedBrokerSettings {
    /// Where the data is. It is made if missing, with a `.gitignore` in it, and
    /// counts from the working directory. Default `.kafka`.
    pub data_dir: PathBuf,
    /// The port, on the loopback interface. Default 0: that of the last run, or
    /// else a free one.
    pub port: u16,
}

impl Default for EmbeddedBrokerSettings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(".kafka"),
            port: 0,
        }
    }
}

impl EmbeddedBrokerSettings {
    /// The defaults, with the data in this directory.
    pub fn in_directory(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            ..Self::default()
        }
    }
}
