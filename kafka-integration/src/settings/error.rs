use std::fmt;

use super::ClientKind;

/// Why the settings can't be used: everything that was found wrong, so that a
/// reader fixes it in one go.
///
/// It prints as one line when there is one problem, and as a list otherwise.
/// Values of secret properties never appear in it. A command that ends because
/// of it should exit with code 2.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsError {
    problems: Vec<SettingsProblem>,
}

/// One thing that is wrong with the settings. `origin` is the file or the
/// environment variable it was read from; `key` is the whole path, such as
/// `clusters.eu.consumer_config."fetch.min.bytes"`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsProblem {
    /// A file or directory is there and can't be read.
    #[error("{file}: can't be read: {reason}")]
    Unreadable {
        /// The file or directory.
        file: String,
        /// What the operating system says.
        reason: String,
    },
    /// A file is not TOML.
    #[error("{origin}: {}not valid TOML: {reason}", place(*line, *column))]
    Syntax {
        /// The file.
        origin: String,
        /// The line, from 1, when it is known.
        line: Option<usize>,
        /// The column, from 1, when it is known.
        column: Option<usize>,
        /// What the parser says, without the source line: it may hold a secret.
        reason: String,
    },
    /// An environment variable's value is not text.
    #[error("environment variable {variable}: its value is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// `KAFKA_PROFILE` is not a name.
    #[error(
        "the profile {profile:?} is not a name; use letters, digits, `-` and `_`, as in KAFKA_PROFILE=production"
    )]
    Profile {
        /// What it is set to.
        profile: String,
    },
    /// There is no such key.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
        /// The nearest known key, or what else may be meant.
        hint: Hint,
    },
    /// A value of the wrong type, or outside what is allowed.
    #[error("{origin}: `{key}` must be {expected}, found {found}")]
    Invalid {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// librdkafka refuses a client property.
    #[error("{origin}: `{key}`: librdkafka refuses it: {reason}{hint}")]
    Property {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
        /// What librdkafka says.
        reason: String,
        /// The nearest known property, when the name is unknown.
        hint: Hint,
    },
    /// A client property needs something that is not compiled in.
    #[error("{origin}: `{key}` needs {what}; {remedy}")]
    MissingFeature {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
        /// What it needs.
        what: &'static str,
        /// What gives it.
        remedy: &'static str,
    },
    /// A client property that the framework sets itself, because a promise
    /// depends on it.
    #[error("{origin}: `{key}` can't be set: {reason}")]
    Reserved {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// Two keys that mean the same thing say different things.
    #[error(
        "`{first}` ({first_origin}) and `{second}` ({second_origin}) contradict each other; keep one of them"
    )]
    Conflict {
        /// One key.
        first: String,
        /// Where it is set.
        first_origin: String,
        /// The other.
        second: String,
        /// Where that is set.
        second_origin: String,
    },
    /// A retry policy that can't be followed, or suffixes of topics that can't
    /// be told apart.
    #[error("{origin}: `{key}` {reason}")]
    Retry {
        /// The key.
        key: String,
        /// Where it, or what it contradicts, is set.
        origin: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A cluster has no address.
    #[error(
        "`{key}` is not set and the profile is `{profile}`; set it in kafka.toml, or as the environment variable {variable}"
    )]
    MissingAddress {
        /// The key.
        key: String,
        /// The profile.
        profile: String,
        /// The environment variable that sets the key.
        variable: String,
    },
    /// The embedded broker is asked for, or nothing else is left, and it is not
    /// compiled in. Found when the first client is made.
    #[error(
        "no address of a Kafka cluster: set `bootstrap_servers` in kafka.toml (or KAFKA__BOOTSTRAP_SERVERS), or turn on the feature `embedded-broker` of kafka-integration for a broker in the process"
    )]
    NoEmbeddedBroker,
    /// The embedded broker is for development and tests.
    #[error(
        "{origin}: `{key}` is refused with the profile `production`: it is one node without a replica, for development and tests; set `bootstrap_servers` to an Apache Kafka"
    )]
    EmbeddedInProduction {
        /// The key.
        key: String,
        /// Where it is set.
        origin: String,
    },
    /// Properties that are fine each by itself and not together.
    #[error("{}: librdkafka refuses the settings of a {kind} together: {reason}", cluster_name(.cluster.as_deref()))]
    Client {
        /// The cluster; `None` is the default one.
        cluster: Option<String>,
        /// The client.
        kind: ClientKind,
        /// What librdkafka says.
        reason: String,
    },
    /// No cluster of that name.
    #[error(
        "no cluster `{name}` in the settings; add a table [clusters.{name}] to kafka.toml{hint}"
    )]
    UnknownCluster {
        /// The name.
        name: String,
        /// The nearest known name.
        hint: Hint,
    },
}

/// What may have been meant; prints nothing when there is no guess.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Hint {
    /// No guess.
    #[default]
    None,
    /// The nearest known name.
    Nearest(String),
    /// A client property outside the tables that hold client properties.
    ClientProperty(String),
    /// The keys that mean it here.
    Instead(&'static str),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Nearest(name) => write!(f, "; did you mean `{name}`?"),
            Self::Instead(keys) => write!(f, "; write {keys} instead"),
            Self::ClientProperty(name) => write!(
                f,
                "; `{name}` is a client property: write it under global_config, producer_config or consumer_config"
            ),
        }
    }
}

impl SettingsError {
    /// Everything that is wrong, at least one thing.
    pub fn problems(&self) -> &[SettingsProblem] {
        &self.problems
    }

    /// An error when there are problems.
    pub(crate) fn check(problems: Vec<SettingsProblem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }

    pub(crate) fn into_problems(self) -> Vec<SettingsProblem> {
        self.problems
    }
}

impl From<SettingsProblem> for SettingsError {
    fn from(problem: SettingsProblem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.problems.as_slice() {
            return problem.fmt(f);
        }
        write!(f, "the settings have {} problems:", self.problems.len())?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

fn cluster_name(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("cluster `{name}`"),
        None => "the default cluster".to_owned(),
    }
}
